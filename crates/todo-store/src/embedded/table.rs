//! The layout of the file, and the operations inside a transaction.
//!
//! A todo's key is the length of its id (one byte), then its id: decimal ids come in the order of their numbers, and a
//! seeding appends. Its value is the BSON document that MongoDB would hold.

use std::ops::ControlFlow;
use std::time::SystemTime;

use mongodb::bson::{RawDocument, RawDocumentBuf};
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition};
use redb::{ReadableDatabase, WriteTransaction};
use todo_model::{Todo, TodoId, TodoPatch, Version};

use super::failed;
use crate::change::Change;
use crate::document;
use crate::error::StoreError;
use crate::precondition::{Precondition, Replaced, Versioned};
use crate::raw::Documents;

/// The layout that this program reads and writes.
pub(crate) const FORMAT: u64 = 1;

const TODOS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("todos");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
/// The highest version that was ever given. Persisted, so that none comes twice, also after a delete.
const CLOCK_KEY: &str = "clock";

/// Makes the tables if the file is new; answers with the file's layout.
pub(crate) fn prepare(database: &Database) -> Result<u64, StoreError> {
    if let Some(format) = read_format(database)? {
        return Ok(format);
    }
    let transaction = database.begin_write().map_err(failed)?;
    {
        transaction.open_table(TODOS).map_err(failed)?;
        let mut meta = transaction.open_table(META).map_err(failed)?;
        meta.insert(FORMAT_KEY, FORMAT).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(FORMAT)
}

fn read_format(database: &Database) -> Result<Option<u64>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    match transaction.open_table(META) {
        Ok(meta) => Ok(Some(meta.get(FORMAT_KEY).map_err(failed)?.map_or(0, |format| format.value()))),
        Err(redb::TableError::TableDoesNotExist(_)) if transaction.list_tables().map_err(failed)?.next().is_none() => {
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn key(id: &TodoId) -> Vec<u8> {
    let id = id.as_str().as_bytes();
    let length = u8::try_from(id.len()).expect("an id has at most 128 bytes");
    [&[length], id].concat()
}

/// A key and a value that are ready to be inserted, but for the version.
pub(crate) struct Entry {
    key: Vec<u8>,
    document: Vec<u8>,
}

impl Entry {
    /// Made by the caller, so that the one writer has less to do.
    pub(crate) fn of(todo: &Todo) -> Self {
        Self { key: key(&todo.id), document: document::of(todo, Version::UNVERSIONED).into_bytes() }
    }
}

/// What a reader sees: one moment of the file.
pub(crate) struct Todos {
    todos: ReadOnlyTable<&'static [u8], &'static [u8]>,
    meta: ReadOnlyTable<&'static str, u64>,
}

impl Todos {
    pub(crate) fn open(transaction: &ReadTransaction) -> Result<Self, StoreError> {
        let todos = transaction.open_table(TODOS).map_err(failed)?;
        Ok(Self { todos, meta: transaction.open_table(META).map_err(failed)? })
    }

    pub(crate) fn find(&self, id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        let found = self.todos.get(&*key(id)).map_err(failed)?;
        found.map(|value| read(raw(value.value())?, &self.meta)).transpose()
    }

    pub(crate) fn document(&self, id: &TodoId) -> Result<Option<RawDocumentBuf>, StoreError> {
        let found = self.todos.get(&*key(id)).map_err(failed)?;
        found.map(|value| raw(value.value()).map(ToOwned::to_owned)).transpose()
    }

    /// Every document, in the order of the keys.
    pub(crate) fn each(&self, mut look: impl FnMut(&RawDocument) -> ControlFlow<()>) -> Result<(), StoreError> {
        for entry in self.todos.iter().map_err(failed)? {
            let (_, value) = entry.map_err(failed)?;
            if look(raw(value.value())?).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn count(&self) -> Result<u64, StoreError> {
        self.todos.len().map_err(failed)
    }
}

/// What a writer sees and changes; nobody else does until the transaction is committed.
pub(crate) struct Tables<'t> {
    todos: Table<'t, &'static [u8], &'static [u8]>,
    meta: Table<'t, &'static str, u64>,
    /// What was done so far.
    changes: Vec<Change>,
    transaction: &'t WriteTransaction,
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let todos = transaction.open_table(TODOS).map_err(failed)?;
        Ok(Self { todos, meta: transaction.open_table(META).map_err(failed)?, changes: Vec::new(), transaction })
    }

    /// For tables besides the todos.
    pub(super) fn transaction(&self) -> &'t WriteTransaction {
        self.transaction
    }

    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    pub(crate) fn create(&mut self, todo: &Todo) -> Result<Version, StoreError> {
        if self.document(&todo.id)?.is_some() {
            return Err(StoreError::Exists(todo.id.clone()));
        }
        let version = self.next_version(Version::UNVERSIONED)?;
        self.put(&todo.id, &document::of(todo, version), version)?;
        Ok(version)
    }

    pub(crate) fn replace(&mut self, todo: &Todo, precondition: &Precondition) -> Result<Replaced, StoreError> {
        let conflict = || Err(StoreError::Conflict(todo.id.clone()));
        match (self.document(&todo.id)?, precondition) {
            (None, Precondition::Unchanged(_)) | (Some(_), Precondition::Absent) => conflict(),
            (Some(old), Precondition::Unchanged(expected)) if read(&old, &self.meta)? != *expected => conflict(),
            (None, _) => Ok(Replaced { version: self.create(todo)?, created: true }),
            (Some(old), _) => Ok(Replaced { version: self.overwrite(&old, todo)?, created: false }),
        }
    }

    pub(crate) fn patch(
        &mut self,
        id: &TodoId,
        patch: &TodoPatch,
        precondition: &Precondition,
    ) -> Result<Versioned, StoreError> {
        let old = self.expected(id, precondition)?;
        let todo = patch.apply(document::read(&old)?.todo);
        let version = self.overwrite(&old, &todo)?;
        Ok(Versioned { todo, version })
    }

    pub(crate) fn delete(&mut self, id: &TodoId, precondition: &Precondition) -> Result<Version, StoreError> {
        let old = self.expected(id, precondition)?;
        self.todos.remove(&*key(id)).map_err(failed)?;
        let version = self.next_version(counted(document::version(&old), &self.meta)?)?;
        self.changes.push(Change::Deleted { id: id.clone() });
        Ok(version)
    }

    pub(crate) fn insert_many(&mut self, mut entries: Vec<Entry>) -> Result<(), StoreError> {
        self.changes.push(Change::Unknown);
        // Different todos may share a version; one id never sees it twice.
        let version = self.next_version(Version::UNVERSIONED)?;
        let mut taken = None;
        for Entry { key, document } in &mut entries {
            document::stamp(document, version);
            let old = self.todos.insert(&**key, &**document).map_err(failed)?;
            if let Some(old) = old.map(|old| old.value().to_vec()) {
                self.todos.insert(&**key, &*old).map_err(failed)?;
                taken.get_or_insert_with(|| document::read(raw(document)?).map(|taken| taken.todo.id));
            }
        }
        taken.map_or(Ok(()), |id| Err(StoreError::Exists(id?)))
    }

    /// As they are, with the versions they have; answers with the places of those whose id is taken.
    pub(crate) fn insert_raw(
        &mut self,
        documents: &Documents,
        keys: Vec<(usize, Vec<u8>)>,
    ) -> Result<Vec<usize>, StoreError> {
        self.changes.push(Change::Unknown);
        let mut taken = Vec::new();
        for (place, key) in keys {
            let old = self.todos.insert(&*key, documents.get(place)).map_err(failed)?;
            if let Some(old) = old.map(|old| old.value().to_vec()) {
                self.todos.insert(&*key, &*old).map_err(failed)?;
                taken.push(place);
            }
        }
        Ok(taken)
    }

    pub(crate) fn replace_raw(&mut self, documents: &Documents, keys: Vec<(usize, Vec<u8>)>) -> Result<(), StoreError> {
        self.changes.push(Change::Unknown);
        for (place, key) in keys {
            self.todos.insert(&*key, documents.get(place)).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn clock(&self) -> Result<Version, StoreError> {
        clock(&self.meta)
    }

    pub(crate) fn advance_clock(&mut self, clock: Version) -> Result<(), StoreError> {
        let last = self.clock()?.max(clock);
        self.meta.insert(CLOCK_KEY, last.0).map_err(failed).map(drop)
    }

    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.changes.push(Change::Unknown);
        self.todos.retain(|_, _| false).map_err(failed)
    }

    fn expected(&self, id: &TodoId, precondition: &Precondition) -> Result<RawDocumentBuf, StoreError> {
        let old = self.document(id)?;
        match (old, precondition) {
            (_, Precondition::Absent) => Err(StoreError::Conflict(id.clone())),
            (None, _) => Err(StoreError::NotFound(id.clone())),
            (Some(old), Precondition::Unchanged(expected)) if read(&old, &self.meta)? != *expected => {
                Err(StoreError::Conflict(id.clone()))
            }
            (Some(old), _) => Ok(old),
        }
    }

    fn overwrite(&mut self, old: &RawDocument, todo: &Todo) -> Result<Version, StoreError> {
        let version = self.next_version(counted(document::version(old), &self.meta)?)?;
        self.put(&todo.id, &document::replaced(old, todo, version)?, version)?;
        Ok(version)
    }

    fn document(&self, id: &TodoId) -> Result<Option<RawDocumentBuf>, StoreError> {
        let found = self.todos.get(&*key(id)).map_err(failed)?;
        found.map(|value| raw(value.value()).map(ToOwned::to_owned)).transpose()
    }

    fn put(&mut self, id: &TodoId, document: &RawDocument, version: Version) -> Result<(), StoreError> {
        self.changes.push(Change::Written { id: id.clone(), version });
        self.todos.insert(&*key(id), document.as_bytes()).map_err(failed).map(drop)
    }

    /// Above every version there was, and on the scale of the wall clock, so that a file in the place of another is not
    /// behind what a cache knows of that.
    fn next_version(&mut self, old: Version) -> Result<Version, StoreError> {
        let last = self.clock()?;
        let next = (last.max(old).0 + 1).max(Version::at(SystemTime::now()).0);
        self.meta.insert(CLOCK_KEY, next).map_err(failed)?;
        Ok(Version(next))
    }
}

/// A version above all that can be is none that was given.
fn clock(meta: &impl ReadableTable<&'static str, u64>) -> Result<Version, StoreError> {
    let last = meta.get(CLOCK_KEY).map_err(failed)?.map_or(0, |last| last.value());
    Ok(if last < Version::MAX.0 { Version(last) } else { Version::UNVERSIONED })
}

/// The version as it counts: none if it is above the clock. It was given by another store whose clock is ahead, or by nobody,
/// and what is written next would come out below it.
fn counted(version: Version, meta: &impl ReadableTable<&'static str, u64>) -> Result<Version, StoreError> {
    let counts = version <= Version::at(SystemTime::now()) || version <= clock(meta)?;
    Ok(if counts { version } else { Version::UNVERSIONED })
}

fn read(document: &RawDocument, meta: &impl ReadableTable<&'static str, u64>) -> Result<Versioned, StoreError> {
    let read = document::read(document)?;
    Ok(Versioned { version: counted(read.version, meta)?, ..read })
}

fn raw(bytes: &[u8]) -> Result<&RawDocument, StoreError> {
    RawDocument::from_bytes(bytes).map_err(failed)
}
