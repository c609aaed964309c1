//! `todo-api check`: whether the store and the cache are there and allow what is needed, in a line each. Nothing is changed in
//! either.

use std::io::{self, Write};
use std::path::Path;

use cache_aside::events::EventKind;
use cache_aside::{CacheAside, CacheUrl, Health, Loaded, Source};
use todo_model::{TodoId, TodoPatch};
use todo_store::{OpenMode, Precondition, Store, StoreError, StoreOptions, StoreUrl};

use crate::cache_access;
use crate::settings::Settings;
use crate::tls::certificate::Certificate;

/// Looks, and says what was found on standard output. Whether all is as it should be.
pub async fn run(settings: &Settings) -> bool {
    let findings = [store(settings).await, cache(settings).await, tls(settings)].concat();
    for finding in &findings {
        let line = match finding {
            Ok(good) => format!("ok: {good}"),
            Err(wrong) => format!("wrong: {wrong}"),
        };
        // That nobody reads it changes nothing of the exit code.
        drop(writeln!(io::stdout(), "{line}"));
    }
    findings.iter().all(Result::is_ok)
}

type Findings = Vec<Result<String, String>>;

async fn store(settings: &Settings) -> Findings {
    let options = StoreOptions { mode: OpenMode::ReadOnly, ..settings.store_options() };
    let name = format!("store {}", settings.store.place(&options));
    if let StoreUrl::Embedded(path) = &settings.store
        && !path.exists()
    {
        return vec![
            room_for(path)
                .map(|()| format!("{name}: there is no file yet, the start makes it"))
                .map_err(|error| format!("{name}: {error}")),
        ];
    }
    let store = match Store::open(&settings.store, &options).await {
        Ok(store) => store,
        Err(error) => return vec![Err(format!("{name}: {}", error.with_cause()))],
    };
    let follows = settings.change_stream && settings.cache != CacheUrl::Off && store.has_changes();
    match store.missing(follows).await {
        Ok(missing) if missing.is_empty() => {}
        // What is tried below would say the same, in other words.
        Ok(missing) => return missing.into_iter().map(|line| Err(format!("{name}: {line}"))).collect(),
        Err(error) => return vec![Err(format!("{name}: it cannot be looked at: {}", error.with_cause()))],
    }
    let mut wrong: Findings = Vec::new();
    let mut note = |what: &str, done: Result<(), StoreError>| match done {
        // There is nothing under this id, and that is what there should be.
        Ok(()) | Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => {}
        Err(error) => wrong.push(Err(format!("{name}: it cannot be {what}: {}", error.with_cause()))),
    };
    let (id, patch) = (nobodys_id(), TodoPatch::default());
    note("read", store.find(&id).await.map(drop));
    note("written to", store.try_to_create(&id).await);
    note("changed", store.patch(&id, &patch, &Precondition::None).await.map(drop));
    note("deleted from", store.delete(&id, &Precondition::None).await.map(drop));
    if follows {
        note("followed (change stream)", store.try_to_follow().await);
    }
    if wrong.is_empty() { vec![Ok(name)] } else { wrong }
}

fn tls(settings: &Settings) -> Findings {
    match Certificate::read(settings) {
        Ok(Some(_)) => vec![Ok("the certificate of the listener, and its key".to_owned())],
        Ok(None) => Vec::new(),
        Err(error) => vec![Err(error.to_string())],
    }
}

/// An id that no todo has.
fn nobodys_id() -> TodoId {
    format!("check-{}", uuid::Uuid::now_v7()).parse().expect("a UUID is 36 visible characters")
}

/// Whether a file can be made there: in its folder, or in the nearest that is there.
fn room_for(path: &Path) -> io::Result<()> {
    let folders = path.parent().into_iter().flat_map(Path::ancestors);
    let here = Path::new(".");
    let folder =
        folders.map(|folder| if folder.as_os_str().is_empty() { here } else { folder }).find(|folder| folder.exists());
    tempfile_in(folder.unwrap_or(here))
}

fn tempfile_in(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".todo-api-check-{}", uuid::Uuid::now_v7().simple()));
    std::fs::File::create_new(&file)?;
    std::fs::remove_file(file)
}

async fn cache(settings: &Settings) -> Findings {
    let name = format!("cache {}", settings.cache);
    // Of no store: the prefix is claimed for none.
    let builder = CacheAside::builder(&settings.cache, NoStore).prefix(&settings.cache_prefix);
    let builder = builder.options(settings.engine_options()).access_files(cache_access::files(settings));
    let cache = match builder.start().await {
        Ok(cache) => cache,
        Err(error @ cache_aside::StartError::File(_)) => {
            return vec![Err(cache_access::start_error(settings, error).to_string())];
        }
        Err(error) => return vec![Err(format!("{name}: {error}"))],
    };
    if cache.health().await == Health::Down {
        if let Some(error) = cache.connect_error().await {
            return vec![Err(format!("{name}: {error}{}", cache_access::advice(&error)))];
        }
        let opened = cache.events().into_iter().rfind(|event| event.kind == EventKind::CacheBreakerOpened);
        let cause = opened.map_or_else(|| "it does not answer".to_owned(), |event| event.cause);
        return vec![Err(format!("{name}: {cause}"))];
    }
    let missing = cache.missing_rights().await.unwrap_or_default();
    let refusal = cache.write_refusal().map(|refusal| format!("it refuses writes: {refusal}"));
    let wrong: Findings = missing.into_iter().chain(refusal).map(|line| Err(format!("{name}: {line}"))).collect();
    if wrong.is_empty() { vec![Ok(name)] } else { wrong }
}

/// Stands where a store would be.
#[derive(Clone)]
struct NoStore;

impl Source for NoStore {
    type Error = std::convert::Infallible;

    async fn load(&self, _: &str) -> Result<Loaded, Self::Error> {
        Ok(Loaded::Absent)
    }
}
