//! The composition root: tests and `main` build the same service here.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_server::Server;
use actix_web::http::header::HeaderValue;
use cache_aside::{CacheUrl, Health};
use todo_store::Store;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cache_access;
use crate::connection::Limits;
use crate::drain::{Drain, Gate};
use crate::error::StartError;
use crate::hot_todos::HotTodos;
use crate::http::admission::Admission;
use crate::http::cors::Cors;
use crate::http::routes::{Parts, Resource, resources};
use crate::http::{self, Caches, Worker};
use crate::listen::{Address, Bound, Listener};
use crate::live::{self, Live};
use crate::metrics::Metrics;
use crate::server::{self, ServerOptions};
use crate::settings::Settings;
use crate::tls::Tls;
use crate::todos::Todos;
use crate::traces::{self, Tracer};

/// How long a scrape may take to send its request, or to take its answer.
const SCRAPE: Duration = Duration::from_secs(10);

/// The service, listening but not yet answering.
pub struct Application {
    server: Server,
    /// Answers scrapes, if they have an address of their own.
    scrapes: Option<(Server, Bound)>,
    gate: Gate,
    address: Bound,
    todos: Todos,
    /// What `/live` shows, and the tasks behind it.
    live: Option<(Live, live::Tasks)>,
    drain: Arc<Drain>,
    /// Sends spans, if they go anywhere.
    sending: Option<traces::Sending>,
    /// Reads its files again when they change.
    _tls: Option<Tls>,
    shutdown_timeout: Duration,
}

impl Application {
    /// Opens the store and joins it with the cache. A cache that is not there is logged, and no reason not to start.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn build(settings: &Settings, listener: Listener) -> Result<Self, StartError> {
        if let Some(live) = settings.fresh_live.filter(|live| *live < settings.fresh) {
            return Err(StartError::FreshLive { live, fresh: settings.fresh });
        }
        let tls = Tls::start(settings)?;
        let spans = Arc::default();
        let (tracer, sending) = Tracer::start(settings, &spans)?.unzip();
        let store = Store::open(&settings.store, &settings.store_options())
            .await
            .map_err(|source| StartError::Store { url: settings.store.place(&settings.store_options()), source })?;
        let todos = join(settings, store).await?;
        let (address, gate) = (listener.address()?, Gate::of(&listener)?);
        let drain = Arc::new(Drain::default());
        let metrics =
            Metrics { requests: Arc::default(), todos: todos.clone(), drain: Arc::clone(&drain), traces: spans };
        let scrapes = settings.metrics_listen.as_ref().map(|listen| serve_scrapes(listen, &metrics)).transpose()?;
        let live = settings.live.then(|| Live::start(metrics.clone(), &address.to_string()));
        let shown = live.as_ref().map(|(live, _)| live.clone());
        let server = serve(settings, listener, tls.as_ref(), metrics, shown, tracer)?;
        tracing::info!(%address, url = address.url(tls.is_some()), store = %settings.store.place(&settings.store_options()), cache = %settings.cache, "listening");
        if let Some((_, address)) = &scrapes {
            tracing::info!(%address, url = address.url(false), "metrics have an address of their own");
        }
        Ok(Self {
            server,
            scrapes,
            gate,
            address,
            todos,
            live,
            drain,
            sending,
            _tls: tls,
            shutdown_timeout: settings.shutdown_timeout,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &Bound {
        &self.address
    }

    /// Where it answers scrapes, if that is elsewhere.
    pub fn metrics_address(&self) -> Option<&Bound> {
        self.scrapes.as_ref().map(|(_, address)| address)
    }

    /// The todos it serves.
    pub fn todos(&self) -> &Todos {
        &self.todos
    }

    /// What `/live` shows, if it is on.
    pub fn live(&self) -> Option<&Live> {
        self.live.as_ref().map(|(live, _)| live)
    }

    /// Answers until SIGTERM or SIGINT, then finishes what is in flight. A second of them ends the process at once.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run_until_stopped(self) -> Result<(), StartError> {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let address = self.address.clone();
        self.run_until(async move {
            either(&mut term, &mut int).await;
            actix_web::rt::spawn(async move {
                let signal = either(&mut term, &mut int).await;
                tracing::warn!("stopped at once by a second signal: requests in flight are lost");
                if let Bound::Unix(path) = address {
                    let _ = std::fs::remove_file(path);
                }
                std::process::exit(128 + signal);
            });
        })
        .await
    }

    /// Answers until `stop`, then finishes what is in flight.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let handle = self.server.handle();
        let scrapes = self.scrapes.map(|(server, _)| (server.handle(), actix_web::rt::spawn(server)));
        let mut server = std::pin::pin!(self.server);
        let began = OnceCell::new();
        let stopping = async {
            stop.await;
            tracing::info!("stopping: requests in flight finish");
            let _ = began.set(Instant::now());
            self.drain.run(self.gate, self.shutdown_timeout).await;
            handle.stop(true).await;
        };
        let served = tokio::select! {
            served = &mut server => served,
            () = stopping => server.await,
        };
        // Behind the last request, and not beside it: the server ends before whoever told it to is told so.
        let left = self.todos.deliver_deferred(self.shutdown_timeout).await;
        if left > 0 {
            tracing::warn!(left, "writes that could not be published are still not: others may answer what was before");
        }
        if let Some(sending) = self.sending {
            let spent = began.get().map_or(Duration::ZERO, Instant::elapsed);
            sending.finish(self.shutdown_timeout.saturating_sub(spent)).await;
        }
        if let Some((handle, ending)) = scrapes {
            handle.stop(false).await;
            let _ = ending.await;
        }
        tracing::info!("stopped");
        Ok(served?)
    }
}

/// Waits for one of both; its number.
async fn either(term: &mut Signal, int: &mut Signal) -> i32 {
    tokio::select! {
        _ = term.recv() => SignalKind::terminate().as_raw_value(),
        _ = int.recv() => SignalKind::interrupt().as_raw_value(),
    }
}

/// Joins the store with the cache in front of it, and sees to it that foreign writes are noticed.
async fn join(settings: &Settings, store: Store) -> Result<Todos, StartError> {
    let options = settings.engine_options();
    let bound = options.fresh.mul_f64(1.1) + options.stale_while_revalidate;
    let (cached, has_changes) = (settings.cache != CacheUrl::Off, store.has_changes());
    let follows = settings.change_stream && has_changes && cached;
    let kept = HotTodos { store: store.clone(), prefix: settings.cache_prefix.clone() };
    let mut builder = Todos::builder(store, &settings.cache, settings.absent, settings.store_batch)
        .prefix(&settings.cache_prefix)
        .options(options)
        .access_files(cache_access::files(settings));
    if matches!(settings.cache, CacheUrl::Redis(_) | CacheUrl::Cluster(_)) && !settings.l1_ttl.is_zero() {
        builder = builder.l1(settings.l1_ttl);
    }
    if settings.audit_rate > 0 && cached {
        builder = builder.audit(settings.audit_rate);
    }
    if let Some(warming) = settings.warming().filter(|_| cached) {
        builder = builder.warm_from(warming, kept);
    }
    if follows {
        builder = builder.follow();
    }
    let started = builder.start().await;
    let todos = Todos::over(started.map_err(|error| cache_access::start_error(settings, error))?);

    let health = match todos.cache_connect_error().await {
        Some(error) => {
            let advice = cache_access::advice(&error);
            tracing::error!("--cache {}: {error}{advice}; until then reads go to the store", settings.cache);
            Health::Down
        }
        None => todos.cache_health().await,
    };
    for missing in todos.missing_cache_rights().await {
        tracing::warn!(cache = %settings.cache, "{missing}");
    }
    if !settings.change_stream {
        tracing::info!(?bound, "the change stream is off: what others write is noticed within the bound");
    } else if !has_changes {
        tracing::warn!(?bound, "the store has no change stream: what others write is noticed within the bound");
    } else if follows && health == Health::Up && !todos.wait_until_live(settings.store_timeout).await {
        tracing::warn!("nobody follows the store's changes yet: until somebody does, todos are cached for 5 s");
    }
    Ok(todos)
}

fn serve(
    settings: &Settings,
    listener: Listener,
    tls: Option<&Tls>,
    metrics: Metrics,
    live: Option<Live>,
    tracer: Option<Tracer>,
) -> Result<Server, std::io::Error> {
    let cache_control =
        HeaderValue::from_str(&settings.cache_control).expect("the flag's parser takes visible ASCII only");
    let audited = settings.audit_rate > 0;
    let parts = Parts { metrics: settings.metrics_listen.is_none(), docs: settings.docs, live: settings.live };
    let caches = Caches { shared: settings.cache != CacheUrl::Off, l1: !settings.l1_ttl.is_zero() };
    let cors = Cors::new(&settings.cors_origin);
    let workers = settings.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    let (connections, leaving) = server::shares(settings.max_connections, workers);
    let admission = Admission::new(settings, workers);
    let limits =
        Limits { head: settings.head_timeout, body: settings.body_timeout, idle: settings.keep_alive, connections };
    let (shutdown_timeout, tls) = (settings.shutdown_timeout, tls.map(Tls::config));
    let options = ServerOptions { workers, limits, leaving, shutdown_timeout, tls };
    let drain = Arc::clone(&metrics.drain);
    server::serve(listener, &options, drain, move || {
        // Called on each worker's own thread: the connection to the cache is made and driven there.
        http::routes(Worker {
            todos: metrics.todos.per_worker(),
            cache_control: cache_control.clone(),
            admission: admission.clone(),
            drain: Arc::clone(&metrics.drain),
            audited,
            counts: metrics.requests.worker(),
            metrics: parts.metrics.then(|| metrics.clone()),
            live: live.clone(),
            tracer: tracer.clone(),
            caches,
            cors: cors.clone(),
            resources: resources(parts),
            document: OnceCell::new(),
        })
    })
}

/// An address of its own for scrapes: one worker, and connections that hold up no end.
fn serve_scrapes(listen: &Address, metrics: &Metrics) -> Result<(Server, Bound), StartError> {
    let listener = Listener::bind(listen)?;
    let address = listener.address()?;
    let limits = Limits { head: SCRAPE, body: SCRAPE, idle: SCRAPE * 6, connections: 64 };
    let options = ServerOptions { workers: 1, limits, leaving: 8, shutdown_timeout: SCRAPE, tls: None };
    let (drain, metrics) = (Arc::new(Drain::default()), metrics.clone());
    let stopping = Arc::clone(&drain);
    let server = server::serve(listener, &options, drain, move || {
        http::routes(Worker {
            todos: metrics.todos.clone(),
            cache_control: HeaderValue::from_static("no-store"),
            admission: Admission::of_everybody(),
            drain: Arc::clone(&stopping),
            audited: false,
            counts: metrics.requests.worker(),
            metrics: Some(metrics.clone()),
            live: None,
            tracer: None,
            caches: Caches { shared: false, l1: false },
            cors: None,
            resources: vec![Resource::Metrics],
            document: OnceCell::new(),
        })
    })?;
    Ok((server, address))
}
