//! Archives that are cut off, damaged or made to harm: each is an error with the byte, none a panic or a great allocation.

use std::io::{Cursor, Write};

use bson::{RawDocumentBuf, rawdoc};
use flate2::Compression;
use flate2::write::GzEncoder;
use seeder::archive::metadata::Metadata;
use seeder::archive::prelude::{Described, Prelude};
use seeder::archive::reader::Archive;
use seeder::archive::writer::Writer;
use seeder::input::Input;
use seeder::input::error::{Place, Problem, ReadError};
use seeder::namespace::{Kind, Namespace};

use crate::samples::todos;

const TERMINATOR: [u8; 4] = [0xff; 4];
pub(crate) const MAGIC: [u8; 4] = [0x6d, 0xe2, 0x99, 0x81];

fn todos_namespace() -> Namespace {
    Namespace::new("test", "todos")
}

fn described(collection: &str) -> Described {
    let metadata = Metadata::of(collection, todo_store::raw::Documents::default());
    Described { namespace: Namespace::new("test", collection), kind: Kind::Collection, metadata }
}

/// Two collections, interleaved, with a few todos each.
pub(crate) fn archive() -> Vec<u8> {
    let prelude = Prelude { server_version: String::new(), namespaces: vec![described("todos"), described("others")] };
    let mut writer = Writer::new(Vec::new(), &prelude).unwrap();
    for todo in todos(6) {
        writer.documents(0, todo.as_bytes()).unwrap();
        writer.documents(1, todo.as_bytes()).unwrap();
    }
    writer.end().unwrap()
}

/// The magic number, a prelude that names these, and then these frames.
fn with_frames(collections: &[&str], frames: &[&[u8]]) -> Vec<u8> {
    let prelude =
        Prelude { server_version: String::new(), namespaces: collections.iter().map(|name| described(name)).collect() };
    [prelude.to_bytes(), frames.concat()].concat()
}

fn header(collection: &str, end: bool, sum: i64) -> RawDocumentBuf {
    rawdoc! { "db": "test", "collection": collection, "EOF": end, "CRC": sum }
}

pub(crate) fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How many documents of `test.todos` come before the end or the error; without an error, they are the right ones.
fn read(bytes: Vec<u8>) -> (usize, Option<ReadError>) {
    let (documents, error) = documents(bytes);
    if error.is_none() {
        assert!(documents.iter().zip(todos(6)).all(|(document, todo)| document == todo.as_bytes()));
    }
    (documents.len(), error)
}

pub(crate) fn documents(bytes: Vec<u8>) -> (Vec<Vec<u8>>, Option<ReadError>) {
    let mut documents = Vec::new();
    let open = Input::new("f", Cursor::new(bytes)).and_then(Archive::open);
    let mut archive = match open {
        Ok(archive) => archive,
        Err(error) => return (documents, Some(error)),
    };
    loop {
        match archive.read_next(&todos_namespace()) {
            Ok(true) => documents.push(archive.document().to_vec()),
            Ok(false) => return (documents, None),
            Err(error) => return (documents, Some(error)),
        }
    }
}

fn error(bytes: Vec<u8>) -> ReadError {
    read(bytes).1.expect("it is wrong")
}

#[test]
fn a_whole_archive_is_read_to_its_end() {
    assert_eq!(read(archive()).0, 6);
    assert!(read(archive()).1.is_none() && read(zipped(&archive())).1.is_none());
}

#[test]
fn cut_off_anywhere_it_is_an_error_with_the_byte() {
    let whole = archive();
    for length in 0..whole.len() {
        let (count, error) = read(whole[..length].to_vec());
        let error = error.unwrap_or_else(|| panic!("{length} of {} bytes pass", whole.len()));
        let Place::Byte(at) = error.place else { panic!("{error}") };
        assert!(at <= length as u64 && count <= 6, "{length}: {error}");
    }
}

#[test]
fn cut_off_anywhere_gzip_is_an_error_with_the_byte() {
    let whole = zipped(&archive());
    for length in 0..whole.len() {
        let (_, error) = read(whole[..length].to_vec());
        let error = error.unwrap_or_else(|| panic!("{length} of {} bytes pass", whole.len()));
        let (Place::Byte(at) | Place::Zipped(at) | Place::Unzipped(at)) = error.place;
        assert!(at <= 10_000, "{length}: {error}");
        if let Problem::Gzip(_) = error.problem {
            assert!(at <= length as u64 && error.to_string().contains("of the compressed file"), "{error}");
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_a_document_has_it() {
    let whole = archive();
    let begin = whole.windows(4).position(|bytes| bytes == TERMINATOR).unwrap() + 4;
    for bit in begin * 8..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (count, error) = read(flipped);
        // The names of a header's fields, and what no reader needs, are the only bytes that no checksum covers.
        assert!(error.is_some() || count == 6, "bit {bit}");
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    for (bytes, shown) in [
        (&b""[..], "nothing"),
        (b"\x6d", "6d"),
        (b"\x6d\xe2\x99", "6d e2 99"),
        (b"\x81\x99\xe2\x6d", "81 99 e2 6d"),
        (b"{\"id\":\"1\"}", "7b 22 69 64"),
        (b"PK\x03\x04", "50 4b 03 04"),
        (b"\x05\0\0\0\0", "05 00 00 00"),
    ] {
        let error = error(bytes.to_vec());
        assert_eq!(error.place, Place::Byte(0));
        assert!(error.to_string().contains(&format!("it begins with {shown}, not")), "{error}");
    }
}

#[test]
fn hostile_lengths_are_refused_where_they_stand() {
    let before = with_frames(&["todos"], &[header("todos", false, 0).as_bytes()]);
    let at = before.len() as u64;
    for length in [0, 1, 4, -2, -5, i32::MIN, i32::MAX, (16 << 20) + (16 << 10) + 1] {
        let error = error([&before[..], &length.to_le_bytes(), &[0; 64]].concat());
        assert_eq!(error.place, Place::Byte(at), "{length}");
        assert!(matches!(error.problem, Problem::Length(said) if said == length), "{error}");
    }
    // The longest that may be, but the file ends: no more memory than the file has bytes, and some.
    let error = error([&before[..], &(16_i32 << 20).to_le_bytes(), &[0; 64]].concat());
    assert!(matches!(error.problem, Problem::Truncated(_)), "{error}");
    for length in [0, 4, -1, i32::MAX] {
        let error = self::error([&MAGIC[..], &i32::to_le_bytes(length), &[0; 64]].concat());
        assert_eq!(error.place, Place::Byte(4), "in the prelude, {length}: {error}");
    }
}

#[test]
fn what_is_in_no_order_is_refused() {
    let todo = todos(1).remove(0);
    let (begin, wrong_sum) = (header("todos", false, 0), header("todos", true, 1));
    let (end, other) = (header("todos", true, 0), header("strangers", false, 0));
    let (todo, begin, wrong_sum) = (todo.as_bytes(), begin.as_bytes(), wrong_sum.as_bytes());
    let (end, other) = (end.as_bytes(), other.as_bytes());
    let nameless = rawdoc! { "db": "test", "EOF": false, "CRC": 0_i64 };
    let numbered = rawdoc! { "db": 1, "collection": "todos", "EOF": false, "CRC": 0_i64 };
    let no_sum = rawdoc! { "db": "test", "collection": "todos", "EOF": true, "CRC": 0_i32 };
    for (frames, word) in [
        (vec![], "it ends before test.todos does"),
        (vec![&TERMINATOR[..]], "a terminator where the header of a block must be"),
        (vec![begin, todo, &TERMINATOR], "it ends before test.todos does"),
        (vec![begin, todo, &TERMINATOR, &TERMINATOR], "a terminator where the header"),
        (vec![begin, todo], "it ends inside a block"),
        (vec![other, todo, &TERMINATOR], "a block of test.strangers, which the prelude does not name"),
        (vec![todo, &TERMINATOR], "the header that begins here is wrong: db must be a string"),
        (vec![nameless.as_bytes()], "collection must be a string"),
        (vec![numbered.as_bytes()], "db must be a string"),
        (vec![no_sum.as_bytes()], "CRC must be a 64-bit number"),
        (vec![begin, todo, &TERMINATOR, end, &TERMINATOR], "the CRC-64 of test.todos is"),
        (vec![wrong_sum, &TERMINATOR], "the archive says 0000000000000001"),
        (vec![end, todo, &TERMINATOR], "a document behind the end of test.todos"),
        (vec![end, &TERMINATOR, begin, todo, &TERMINATOR], "a block of test.todos, which was ended before"),
        (vec![end, &TERMINATOR, end, &TERMINATOR], "a block of test.todos, which was ended before"),
        (vec![end, &TERMINATOR, b"\0"], "it ends inside a length"),
        (vec![end, &TERMINATOR, b"more"], "is no length of a document"),
    ] {
        let error = error(with_frames(&["todos"], &frames)).to_string();
        assert!(error.contains(word) && error.contains("byte "), "{word}: {error}");
    }
    let error = error(with_frames(&["todos", "others"], &[end, &TERMINATOR])).to_string();
    assert!(error.contains("it ends before test.others does"), "{error}");
}

#[test]
fn a_prelude_that_is_wrong_is_refused() {
    let about = rawdoc! { "version": "0.1" };
    let metadata = |text: &str| rawdoc! { "db": "test", "collection": "todos", "metadata": text };
    let large = metadata(&" ".repeat(8 << 20));
    for (frames, word) in [
        (vec![&TERMINATOR[..]], "a terminator where the header"),
        (vec![about.as_bytes()], "it ends inside the prelude"),
        (vec![about.as_bytes(), about.as_bytes()], "db must be a string"),
        (vec![about.as_bytes(), large.as_bytes(), large.as_bytes()], "the prelude is over"),
    ] {
        let error = error([&MAGIC[..], &frames.concat()].concat()).to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn metadata_that_cannot_be_read_is_kept_with_its_reason() {
    for (metadata, word) in [
        ("{", "a name in quotes must come here"),
        ("[]", "an object must come here"),
        (r#"{"a":{"$oid":"x"}}"#, "$oid: it must be 24 hexadecimal digits"),
        (&format!("{{\"a\":{}", "[".repeat(100_000)), "nested deeper than 200 levels"),
        (&format!("[{}]", vec!["[]"; 1 << 20].join(",")), "it is longer than 2097152 bytes"),
        (r#"{"indexes":[1]}"#, "an index must be an object"),
    ] {
        let described = rawdoc! { "db": "test", "collection": "todos", "metadata": metadata };
        let frames = [rawdoc! {}.as_bytes(), described.as_bytes(), &TERMINATOR].concat();
        let input = Input::new("f", Cursor::new([&MAGIC[..], &frames].concat())).unwrap();
        let archive = Archive::open(input).unwrap();
        let (at, problem) = archive.prelude().namespaces[0].metadata.damage().expect("it cannot be read");
        assert!(at == 9 && problem.contains(word), "{word}: {at} {problem}");
    }
}

#[test]
fn damaged_gzip_is_said_with_the_byte_of_the_compressed_file() {
    let whole = zipped(&archive());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x40;
    let mut sum = whole.clone();
    sum[whole.len() - 6] ^= 1;
    let behind = [&whole[..], b"not gzip"].concat();
    for bytes in [flipped, sum, behind, whole[..3].to_vec(), b"\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()] {
        let error = error(bytes).to_string();
        assert!(error.starts_with("f: byte ") && error.contains("compressed file"), "{error}");
    }
}

#[test]
fn gzip_of_several_members_is_one_file() {
    let whole = archive();
    let (first, second) = whole.split_at(whole.len() / 3);
    let (count, error) = read([zipped(first), zipped(second)].concat());
    assert!(count == 6 && error.is_none(), "{error:?}");
}
