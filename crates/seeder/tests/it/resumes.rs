//! What is in the store already, what is no todo, and runs that are broken.

use std::path::{Path, PathBuf};

use bson::{RawDocumentBuf, rawdoc};
use tempfile::TempDir;

use crate::samples::{todo, todos};
use crate::support::{
    COUNTS, Place, bson_file, embedded, is_in_the_middle, mongo, resume, said, signalled, sorted, until,
};

/// A `.bson` file: documents one behind the other.
struct File {
    path: PathBuf,
    _folder: TempDir,
}

impl File {
    fn of(documents: &[RawDocumentBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: bson_file(folder.path(), documents).into(), _folder: folder }
    }

    fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn archive_of(count: u64, folder: &Path) -> PathBuf {
    let (from, file) = (embedded(), folder.join("archive"));
    from.done("generate", &["--count", &count.to_string()]);
    from.done("dump", &[file.to_str().unwrap()]);
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_not_empty_is_refused_and_drop_empties_it() {
    let file = File::of(&todos(20));
    for place in [mongo(), embedded()] {
        place.put("todos", &[todo(77, "old")]).await;
        let said = place.fails("restore", &[file.name()]);
        assert!(said.contains("holds 1 todos already") && said.contains("--drop"), "{said}");
        assert_eq!(place.count().await, 1);
        place.done("restore", &[file.name(), "--drop"]);
        assert!(place.all("todos").await == sorted(&todos(20)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_none_empties_nothing() {
    let place = embedded();
    place.put("todos", &todos(3)).await;
    let (folder, none) = (tempfile::tempdir().unwrap(), "no mongodump archive");
    let file = folder.path().join("archive");
    std::fs::write(&file, "[]").unwrap();
    assert!(place.fails("restore", &[file.to_str().unwrap(), "--drop"]).contains(none));
    assert!(place.fails("restore", &["/no/such/file", "--drop"]).contains("cannot be read"));
    assert_eq!(place.count().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_fails_or_is_skipped_or_replaces() {
    let file = File::of(&todos(20));
    for place in [mongo(), embedded()] {
        // The same, byte by byte, is no conflict.
        place.put("todos", &[todo(3, "text"), todo(7, "old")]).await;
        let said = place.fails("restore", &[file.name(), "--resume"]);
        assert!(said.contains("the document 7 that begins here conflicts"), "{said}");
        assert!(said.contains("--on-conflict skip") && said.contains("todos were written"), "{said}");
        let said = place.done("restore", &[file.name(), "--on-conflict", "skip"]);
        assert!(said.contains("1 left out"), "{said}");
        let kept: Vec<_> = (1..=20).map(|n| todo(n, if n == 7 { "old" } else { "text" })).collect();
        assert!(place.all("todos").await == sorted(&kept));
        let said = place.done("restore", &[file.name(), "--on-conflict", "replace"]);
        assert!(said.contains("1 took the place") && said.contains("19 were there already"), "{said}");
        assert!(place.all("todos").await == sorted(&todos(20)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_id_that_a_file_has_twice_the_first_is_kept_or_the_last_as_wished() {
    let mut all = todos(3_000);
    let again: Vec<_> =
        [1, 2_999].map(|n| rawdoc! { "_id": n - 10_000, "id": n.to_string(), "name": "again" }).to_vec();
    all.extend(again.clone());
    all.push(rawdoc! { "_id": -1, "id": "2999", "name": "and again" });
    let file = File::of(&all);
    let place = mongo();
    let said = place.fails("restore", &[file.name()]);
    assert!(said.contains("conflicts"), "nothing is dropped silently: {said}");
    place.done("restore", &[file.name(), "--drop", "--on-conflict", "skip"]);
    assert!(place.all("todos").await == sorted(&todos(3_000)));
    place.done("restore", &[file.name(), "--drop", "--on-conflict", "replace"]);
    let last: Vec<_> = todos(3_000)
        .into_iter()
        .filter(|todo| !matches!(todo.get_str("id"), Ok("1" | "2999")))
        .chain([again[0].clone(), all[3_002].clone()])
        .collect();
    assert!(place.all("todos").await == sorted(&last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_todo_is_counted_shown_and_stored_and_by_strict_refused() {
    let strange = [
        rawdoc! { "_id": 101, "id": "101" },
        rawdoc! { "_id": 102, "id": "a/b", "name": "A" },
        rawdoc! { "_id": 103, "id": "103", "name": "x".repeat(1_001) },
        rawdoc! { "_id": 104, "id": 104, "name": "A" },
        rawdoc! { "_id": 105, "name": "A" },
        rawdoc! { "_id": 106, "name": "also without an id" },
        rawdoc! { "_id": 107, "id": "107", "name": "A", "description": 5 },
    ];
    let mut all = todos(10);
    let begin = all.iter().map(|todo| todo.as_bytes().len()).sum::<usize>();
    all.extend(strange.clone());
    let (file, place) = (File::of(&all), mongo());
    let said = place.fails("restore", &[file.name()]);
    assert!(said.contains("--skip-invalid"), "{said}");
    assert!(said.contains("6 are no todos, but stored") && said.contains("1 NOT STORED"), "{said}");
    assert!(said.contains(&format!("byte {begin}: id \"101\": name must be a string")), "{said}");
    assert!(said.contains("only one document may be without an id"), "{said}");
    let mut stored = all.clone();
    stored.remove(15);
    assert!(place.all("todos").await == sorted(&stored), "every field is there");

    let said = embedded().done("restore", &[file.name(), "--skip-invalid"]);
    assert!(said.contains("3 are no todos, but stored") && said.contains("4 NOT STORED"), "{said}");

    let place = embedded();
    let said = place.fails("restore", &[file.name(), "--strict"]);
    assert!(said.contains(&format!("byte {begin}: the document that begins here is no todo: id \"101\"")), "{said}");
    assert_eq!(place.count().await, 0, "all were one batch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_off_archive_says_what_was_written_and_the_whole_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = archive_of(30_000, folder.path());
    let (whole, cut) = (std::fs::read(&file).unwrap(), folder.path().join("cut"));
    std::fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    for place in [mongo(), embedded()] {
        let said = place.fails("restore", &[cut.to_str().unwrap()]);
        let written = place.count().await;
        assert!(written > 15_000 && written < 25_000, "{written}");
        assert!(said.contains("byte ") && said.contains("take a whole copy"), "{said}");
        assert!(said.contains(&format!("{written} todos were written; to go on: seeder restore")), "{said}");
        let said = place.done("restore", &[file.to_str().unwrap(), "--resume"]);
        assert!(said.contains(&format!("{} todos written", 30_000 - written)), "{said}");
        assert!(said.contains(&format!("{written} were there already")), "{said}");
        assert!(place.done("verify", &["--seed", "42", "--count", "30000"]).contains("contents equal"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_that_a_stopped_or_killed_run_needs_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-KILL"] {
        let (place, file, stopped) = restore_broken_by(signal, folder.path()).await;
        let resumed = match stopped.split("to go on: seeder ").nth(1) {
            Some(line) => resume(line).output().unwrap(),
            None => place.of("restore", &[file.to_str().unwrap(), "--resume"]).output().unwrap(),
        };
        assert!(resumed.status.success(), "{stopped}: {}", said(&resumed));
        assert!(place.done("verify", &["--against", file.to_str().unwrap()]).contains("contents equal"));
    }
}

/// A restore over MongoDB that a signal ended in its middle, of what file, and what it said.
async fn restore_broken_by(signal: &str, folder: &Path) -> (Place, PathBuf, String) {
    for count in COUNTS {
        let (place, file) = (mongo(), archive_of(count, folder));
        let mut child = place.of("restore", &[file.to_str().unwrap(), "--jobs", "2"]).spawn().unwrap();
        let is_in_the_middle = is_in_the_middle(&mut child, &place).await;
        let stopped = said(&signalled(child, signal));
        if is_in_the_middle && place.count().await < count {
            return (place, file, stopped);
        }
    }
    panic!("every restore was over before it could be stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_document_is_not_written_and_those_before_it_are() {
    let mut documents = todos(2_000);
    let at = documents[..1_500].iter().map(|todo| todo.as_bytes().len()).sum::<usize>();
    let mut bad = documents[1_500].as_bytes().to_vec();
    bad[4] = 0x7e;
    documents.truncate(1_500);
    let file = File::of(&documents);
    let mut bytes = std::fs::read(&file.path).unwrap();
    bytes.extend_from_slice(&bad);
    std::fs::write(&file.path, bytes).unwrap();
    let place = mongo();
    let said = place.fails("restore", &[file.name()]);
    assert!(said.contains(&format!("byte {at}: the document that begins here is damaged")), "{said}");
    assert!(said.contains("1500 todos were written"), "{said}");
    assert!(place.all("todos").await == sorted(&documents));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_whatever_the_documents_are() {
    // Some 50 MB, which compress to next to nothing. A page of the embedded store is a power of two: it has 32 MiB for 16 MiB,
    // and more of them are in memory the faster the file is read; all of them would be 192 MiB.
    for (place, count, bytes, limit_mb) in
        [(mongo(), 12, 4 << 20, 150), (mongo(), 3, 16 << 20, 150), (embedded(), 6, 16 << 20, 200)]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("todos.bson.gz");
        let mut zip = flate2::write::GzEncoder::new(std::fs::File::create(&file).unwrap(), flate2::Compression::fast());
        let filler = "x".repeat(bytes - 100);
        for n in 1..=count {
            let mut document = rawdoc! { "_id": n, "id": n.to_string(), "name": "A", "filler": filler.as_str() };
            let rest = bytes - document.as_bytes().len() - " pad ".len() - 3;
            document.append(bson::cstr!("pad"), "x".repeat(rest - 2));
            assert_eq!(document.as_bytes().len(), bytes);
            std::io::Write::write_all(&mut zip, document.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let mut child = place.of("restore", &[file.to_str().unwrap()]).spawn().unwrap();
        let (status, mut peak_kb) = (format!("/proc/{}/status", child.id()), 0);
        until("it has ended", || {
            let line = std::fs::read_to_string(&status).unwrap_or_default();
            let peak =
                line.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            peak_kb = peak.unwrap_or(peak_kb);
            let ended = child.try_wait().unwrap().is_some();
            async move { ended }
        })
        .await;
        assert_eq!(place.count().await, count as u64, "{}", said(&child.wait_with_output().unwrap()));
        assert!(peak_kb > 0 && peak_kb < limit_mb << 10, "{}, {bytes} bytes: {peak_kb} kB", place.url);
    }
}
