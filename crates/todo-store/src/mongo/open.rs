//! Connecting: the driver's options, the clock, the unique index.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, IndexModel};

use super::clock::Reached;
use super::connected::Connections;
use super::election::Primaries;
use super::errors::{self, DUPLICATE_KEY, OpKind};
use super::files;
use super::identity::identity;
use super::updates::Clock;
use super::{Deadline, MongoStore, within};
use crate::connection_string::ConnectionString;
use crate::error::StoreError;
use crate::failpoints::{self, Guard};
use crate::options::{OpenMode, StoreOptions};
use crate::printable;

/// An index of the same name or keys exists with other options (MongoDB manual, "Error Codes").
const INDEX_CONFLICTS: [i32; 2] = [85, 86];
/// The index cannot be, whatever there is: of a sharded collection, a unique one that does not begin with the shard key.
const CANNOT_CREATE_INDEX: i32 = 67;
/// What makes texts of ids that are whole numbers, in mongosh. By way of `long`, for `$toString` of a double rounds it to six
/// digits: 1234567.0 would become `1.23457e+06`.
const IDS_AS_TEXT: &str = concat!(
    r#"{id: {$type: "number"}, $expr: {$eq: ["$id", {$trunc: "$id"}]}}, "#,
    r#"[{$set: {id: {$ifNull: [{$toString: {$convert: {input: "$id", to: "long", onError: null}}}, "$id"]}}}]"#
);
/// How long a start waits to learn whether ids are numbers.
const NUMERIC_IDS: Duration = Duration::from_millis(500);
/// Connections beside those for reads: for writes and what they look at, the change stream, probes. With 64 reads they come to
/// 100, which is what other drivers of MongoDB make their pools.
const RESERVE: usize = 36;
/// Connections that are made at one time. With the driver's two, a cold pool of a server far away is not ready before the first
/// deadlines (RUST-1712).
const CONNECTING: u32 = 8;

impl MongoStore {
    pub(crate) async fn open(url: &ConnectionString, options: &StoreOptions) -> Result<Self, StoreError> {
        let store = Self::connect(url, options).await?;
        if options.mode == OpenMode::ReadWrite {
            store.make_unique_index().await?;
            store.warn_of_numeric_ids().await;
        }
        Ok(store)
    }

    pub(super) async fn connect(url: &ConnectionString, options: &StoreOptions) -> Result<Self, StoreError> {
        if let Some(warning) = url.warning(options.timeout) {
            tracing::warn!("{}", printable(&warning));
        }
        if let Some(warning) = options.concurrency.and_then(|reads| url.pool_warning(reads, RESERVE)) {
            tracing::warn!("{warning}");
        }
        let primaries = Primaries::default();
        let connections = Connections::default();
        let client = connect(url, options, &primaries, &connections).await?;
        let database = client.database(url.database_with(options));
        let hello = database.run_command(doc! { "hello": 1 }).into_future();
        let hello = Deadline::after(options.timeout).bare(OpKind::Read, hello).await?.map_err(errors::at_the_start)?;
        let clustered = hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|text| text == "isdbgrid");
        if options.mode != OpenMode::ReadOnly && !hello.get_bool("isWritablePrimary").unwrap_or(true) {
            return Err(StoreError::Refused(
                "this server is no primary, and directConnection keeps the driver from looking for it: leave that out, \
                 or name the primary"
                    .to_owned(),
            ));
        }
        if !clustered {
            tracing::warn!(
                "MongoDB is a standalone server: versions come from its wall clock, and writes survive only with its disk; \
                 a replica set, even of one member, is safer"
            );
        }
        let store = Self {
            identity: identity(&hello, database.name(), &options.collection),
            todos: database.collection(&options.collection),
            reached: Reached::default(),
            clock: if clustered { Clock::Cluster } else { Clock::Wall },
            clock_ahead: clock_ahead(&hello),
            primaries,
            connections,
            timeout: options.timeout,
            bulk_timeout: options.bulk_timeout,
            database,
        };
        Ok(store)
    }

    /// A todo is found by the text of its id, so `/todos/5` never finds `id: 5`: that must not go unsaid. The index answers
    /// at once; where it does not, the warning is not worth a wait.
    async fn warn_of_numeric_ids(&self) {
        let name = self.todos.name();
        let one = self.todos.find_one(doc! { "id": { "$type": "number" } }).projection(doc! { "id": 1 });
        let one = one.max_time(NUMERIC_IDS).into_future();
        let Ok(Some(found)) = within(NUMERIC_IDS, OpKind::Read, one).await else { return };
        let Some(id) = found.get("id").ok().flatten().and_then(|id| Bson::try_from(id).ok()) else { return };
        let collection = Bson::from(name).to_string();
        let line = format!(
            "{} holds documents whose id is a number, for instance {id}: they are not found, for ids of todos are texts. This \
             makes texts of those that are whole, in mongosh: db.getSiblingDB({}).getCollection({collection}).updateMany({IDS_AS_TEXT})",
            self.todos.namespace(),
            Bson::from(self.database.name()),
        );
        tracing::warn!("{}", printable(&line));
    }

    /// On a large collection without the index this takes as long as it takes.
    pub(crate) async fn make_unique_index(&self) -> Result<(), StoreError> {
        let unique = IndexOptions::builder().unique(true).build();
        let index = IndexModel::builder().keys(doc! { "id": 1 }).options(unique).build();
        match self.todos.create_index(index).await {
            Ok(_) => Ok(()),
            Err(error) if errors::code(&error) == Some(DUPLICATE_KEY) => Err(StoreError::Duplicates {
                collection: self.todos.namespace().to_string(),
                id: duplicated_id(&error),
            }),
            Err(error) if errors::code(&error) == Some(CANNOT_CREATE_INDEX) => Err(StoreError::Refused(format!(
                "{} cannot have a unique index on id, so it is sharded by another key: shard it by {{id: 1}}, which must not be \
                 hashed (docs/scaling.md)",
                self.todos.namespace()
            ))),
            Err(error) if errors::code(&error).is_some_and(|code| INDEX_CONFLICTS.contains(&code)) => {
                Err(StoreError::Refused(format!(
                    "{} has an index on id that is not unique; drop it (db.{}.dropIndex({{id: 1}})), then start again",
                    self.todos.namespace(),
                    self.todos.name()
                )))
            }
            Err(error) => Err(errors::classify(error, OpKind::Read)),
        }
    }
}

/// The server names one of the ids that stand more than once; documents without any count as such, too.
fn duplicated_id(error: &Error) -> String {
    let response = error.server_response().and_then(|response| Document::try_from(response).ok());
    match response.as_ref().and_then(|response| response.get_document("keyValue").ok()?.get("id")) {
        Some(Bson::String(id)) => id.clone(),
        Some(other) => other.to_string(),
        None => "(the server does not say which)".to_owned(),
    }
}

async fn connect(
    url: &ConnectionString,
    options: &StoreOptions,
    primaries: &Primaries,
    connections: &Connections,
) -> Result<Client, StoreError> {
    if url.is_torn() {
        return Err(not_valid());
    }
    let mut client = match tokio::time::timeout(options.timeout, ClientOptions::parse(url.usable())).await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(unusable(&error, url)),
        // A name that is looked up is all that there is to wait for.
        Err(_) => return Err(unresolved(&format!("no answer within {:?}", options.timeout))),
    };
    files::use_files(&mut client, options).await?;
    client.sdam_event_handler = Some(primaries.handler());
    client.cmap_event_handler = Some(connections.handler());
    if let Some(reads) = options.concurrency {
        let size = u32::try_from(reads.saturating_add(RESERVE)).unwrap_or(u32::MAX);
        client.max_connecting.get_or_insert(CONNECTING);
        client.max_pool_size.get_or_insert(size.max(client.min_pool_size.unwrap_or_default()));
    }
    client.app_name.get_or_insert_with(|| "todo-cache-aside".to_owned());
    // Below the deadline of operations, so that "nobody is there" is told apart from "no answer".
    client.server_selection_timeout.get_or_insert(options.timeout.mul_f64(0.75));
    client.connect_timeout.get_or_insert(options.timeout.min(Duration::from_secs(10)));
    // Not the user's to choose: an old value read from a secondary would be cached, and an acknowledged write lost.
    client.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    let (read, write) = if failpoints::is_off(Guard::Majority) {
        (ReadConcern::local(), Acknowledgment::Nodes(1))
    } else {
        (ReadConcern::majority(), Acknowledgment::Majority)
    };
    client.read_concern = Some(read);
    let journal = client.write_concern.as_ref().and_then(|concern| concern.journal);
    client.write_concern = Some(WriteConcern::builder().w(write).journal(journal).build());
    Client::with_options(client).map_err(|error| unusable(&error, url))
}

/// The driver's message may repeat parts of the connection string, also of its password.
fn unusable(error: &Error, url: &ConnectionString) -> StoreError {
    match &*error.kind {
        ErrorKind::DnsResolve { message, .. } => unresolved(message),
        ErrorKind::InvalidTlsConfig { message, .. } => files::unusable(message),
        ErrorKind::InvalidArgument { message, .. } if !url.has_user() => {
            StoreError::Refused(format!("the connection string is not valid: {message}"))
        }
        _ => not_valid(),
    }
}

/// The DNS does not say which servers `mongodb+srv://` means.
fn unresolved(cause: &str) -> StoreError {
    StoreError::Refused(format!(
        "the DNS does not name the servers (record SRV of _mongodb._tcp and the host of mongodb+srv://): {cause}; list them \
         instead: mongodb://HOST,HOST/?replicaSet=NAME&tls=true"
    ))
}

fn not_valid() -> StoreError {
    StoreError::Refused(
        "the connection string is not valid (a user name and password must be percent-encoded)".to_owned(),
    )
}

fn clock_ahead(hello: &Document) -> i64 {
    let Some(Bson::DateTime(server)) = hello.get("localTime") else { return 0 };
    (server.timestamp_millis() - mongodb::bson::DateTime::now().timestamp_millis()).div_euclid(1_000)
}
