//! `seeder dump`: an archive is whole or not there. Documents are written as they are stored.

mod file;

use std::io::{self, BufWriter, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::{Either, select};
use todo_store::raw::{Documents, Reader};
use todo_store::{OpenMode, Store};
use tokio::sync::mpsc;

use self::file::{ArchiveFile, Out};
use crate::archive::metadata::Metadata;
use crate::archive::prelude::{Described, Prelude, server_version};
use crate::archive::writer::Writer;
use crate::command::Dump;
use crate::error::SeederError;
use crate::namespace::{Kind, Namespace};
use crate::progress::Progress;
use crate::report::Report;
use crate::stop::stopped;

const BUFFER: usize = 1 << 20;

/// Writes the archive.
///
/// # Errors
/// See [`SeederError`]; the file is not there then, or still the old one.
pub async fn run(options: &Dump) -> Result<Report, SeederError> {
    let of_store = |source| SeederError::Store { url: options.target.place(), source };
    if ArchiveFile::of(&options.file).is_file_of(&options.target.store) {
        return Err(SeederError::DumpOntoStore(options.file.display().to_string()));
    }
    let store = Store::open(&options.target.store, &options.target.lean_store_options(OpenMode::ReadOnly)).await;
    let store = store.map_err(of_store)?;
    let began = Instant::now();
    let prelude = prelude(&store, options).await?;
    let mut progress = Progress::of_todos(store.estimated_count().await.map_err(of_store)?);
    let reader = store.read_raw().await.map_err(of_store)?;

    let (sender, documents) = mpsc::channel(1);
    let (file, gzip) = (ArchiveFile::of(&options.file), options.gzip);
    let writing = tokio::task::spawn_blocking({
        let file = file.clone();
        move || write(&file, gzip, &prelude, documents)
    });
    let read = match select(Box::pin(pass_on(reader, sender, &mut progress)), Box::pin(stopped())).await {
        Either::Left((read, _)) => read.map_err(of_store),
        Either::Right(_) => Err(SeederError::NoDump(file.shown())),
    };
    progress.end();
    let written = writing.await.map_err(|_| SeederError::Abandoned)?;
    let finished = match (read, written) {
        (Err(error), _) => Err(error),
        (Ok(count), Ok(())) => file.keep().map(|()| count).map_err(|source| failed(&file, source)),
        (Ok(_), Err(source)) => Err(failed(&file, source)),
    };
    let count = finished.inspect_err(|_| file.discard())?;
    let seconds = began.elapsed().as_secs_f64();
    let (name, rate) = (file.shown(), count as f64 / seconds);
    let mut report = Report::of_line(format!("{count} todos written to {name} in {seconds:.1} s, {rate:.0} todos/s"));
    report.to_stderr = matches!(file, ArchiveFile::StandardOutput);
    Ok(report)
}

async fn prelude(store: &Store, options: &Dump) -> Result<Prelude, SeederError> {
    let target = &options.target;
    let indexes = store.indexes().await;
    let indexes = indexes.map_err(|source| SeederError::Store { url: target.place(), source })?;
    let namespace = Namespace::new(target.database(), &target.collection);
    let metadata = Metadata::of(&target.collection, indexes);
    // A server that does not tell is no reason not to dump.
    let server_version = server_version(store.server_version().await.ok().flatten());
    Ok(Prelude { server_version, namespaces: vec![Described { namespace, kind: Kind::Collection, metadata }] })
}

/// Until the end, or until the writer takes nothing any more; answers with how many there were.
async fn pass_on(
    mut reader: Reader,
    sender: mpsc::Sender<Message>,
    progress: &mut Progress,
) -> Result<u64, todo_store::StoreError> {
    let mut count = 0;
    while let Some(documents) = reader.next().await? {
        let more = documents.len() as u64;
        if sender.send(Message::Documents(documents)).await.is_err() {
            return Ok(count);
        }
        count += more;
        progress.add(more);
    }
    let _ = sender.send(Message::End).await;
    Ok(count)
}

enum Message {
    Documents(Documents),
    /// Nothing was lost on the way.
    End,
}

fn write(file: &ArchiveFile, gzip: bool, prelude: &Prelude, mut messages: mpsc::Receiver<Message>) -> io::Result<()> {
    let out = BufWriter::with_capacity(BUFFER, file.create()?);
    if gzip {
        let out = write_archive(GzEncoder::new(out, Compression::default()), prelude, &mut messages)?;
        return out.map_or(Ok(()), |out| close(out.finish()?));
    }
    write_archive(out, prelude, &mut messages)?.map_or(Ok(()), close)
}

/// None if the documents do not come to their end: then there is no archive.
fn write_archive<W: Write>(out: W, prelude: &Prelude, messages: &mut mpsc::Receiver<Message>) -> io::Result<Option<W>> {
    let mut writer = Writer::new(out, prelude)?;
    loop {
        match messages.blocking_recv() {
            Some(Message::Documents(documents)) => writer.documents(0, documents.bytes())?,
            Some(Message::End) => return writer.end().map(Some),
            None => return Ok(None),
        }
    }
}

fn close(out: BufWriter<Out>) -> io::Result<()> {
    out.into_inner()?.sync()
}

fn failed(file: &ArchiveFile, source: io::Error) -> SeederError {
    SeederError::Write { file: file.shown(), source }
}
