//! The composition root: tests and `main` build the same service here.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::HeaderValue;
use actix_web::{App, HttpServer};
use cache_aside::{CacheUrl, Health};
use thiserror::Error;
use todo_store::{Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};

use crate::drain::Drain;
use crate::http::{Worker, routes};
use crate::settings::Settings;
use crate::todos::Todos;

/// Why the service did not start, or ended.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be had. Choose another by `--listen`, or end what uses it.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error("--store {url}: {}", with_cause(source))]
    Store {
        /// Without its password.
        url: String,
        /// Why.
        source: StoreError,
    },
    /// The cache's client does not take the URL.
    #[error("--cache {url}: {source}")]
    Cache {
        /// Without its password.
        url: String,
        /// Why.
        source: cache_aside::StartError,
    },
    /// The server failed.
    #[error("the server failed: {0}")]
    Server(#[from] std::io::Error),
}

/// The service, listening but not yet answering.
pub struct Application {
    server: Server,
    listener: TcpListener,
    address: SocketAddr,
    todos: Todos,
    drain: Arc<Drain>,
    shutdown_timeout: Duration,
}

impl Application {
    /// Opens the store and joins it with the cache. A cache that is not there is logged, and no reason not to start.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn build(settings: &Settings, listener: TcpListener) -> Result<Self, StartError> {
        let store = Store::open(&settings.store, &settings.store_options())
            .await
            .map_err(|source| StartError::Store { url: settings.store.place(&settings.store_options()), source })?;
        let todos = join(settings, store).await?;
        let address = listener.local_addr()?;
        let drain = Arc::new(Drain::default());
        let server = serve(settings, listener.try_clone()?, todos.clone(), Arc::clone(&drain))?;
        tracing::info!(%address, store = %settings.store.place(&settings.store_options()), cache = %settings.cache, "listening");
        Ok(Self { server, listener, address, todos, drain, shutdown_timeout: settings.shutdown_timeout })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The todos it serves.
    pub fn todos(&self) -> &Todos {
        &self.todos
    }

    /// Answers until SIGTERM or SIGINT, then finishes what is in flight.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run_until_stopped(self) -> Result<(), StartError> {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        self.run_until(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        })
        .await
    }

    /// Answers until `stop`, then finishes what is in flight.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let handle = self.server.handle();
        let mut server = std::pin::pin!(self.server);
        let stopping = async {
            stop.await;
            tracing::info!("stopping: requests in flight finish");
            self.drain.run(self.listener, self.shutdown_timeout).await;
            handle.stop(true).await;
            let left = self.todos.deliver_deferred(self.shutdown_timeout).await;
            if left > 0 {
                tracing::warn!(
                    left,
                    "writes that could not be published are still not: others may answer what was before"
                );
            }
        };
        let served = tokio::select! {
            served = &mut server => served,
            () = stopping => server.await,
        };
        tracing::info!("stopped");
        Ok(served?)
    }
}

/// Joins the store with the cache in front of it, and sees to it that foreign writes are noticed.
async fn join(settings: &Settings, store: Store) -> Result<Todos, StartError> {
    let options = settings.engine_options();
    let bound = options.fresh.mul_f64(1.1) + options.stale_while_revalidate;
    let (cached, has_changes) = (settings.cache != CacheUrl::Off, store.has_changes());
    let follows = settings.change_stream && has_changes && cached;
    let mut builder = Todos::builder(store, &settings.cache).prefix(&settings.cache_prefix).options(options);
    if matches!(settings.cache, CacheUrl::Redis(_)) && !settings.l1_ttl.is_zero() {
        builder = builder.l1(settings.l1_ttl);
    }
    if settings.audit_rate > 0 && cached {
        builder = builder.audit(settings.audit_rate);
    }
    if follows {
        builder = builder.follow();
    }
    let started = builder.start().await;
    let todos = Todos::over(started.map_err(|source| StartError::Cache { url: settings.cache.to_string(), source })?);

    let health = todos.cache_health().await;
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
    listener: TcpListener,
    todos: Todos,
    drain: Arc<Drain>,
) -> Result<Server, std::io::Error> {
    let cache_control =
        HeaderValue::from_str(&settings.cache_control).expect("the flag's parser takes visible ASCII only");
    let (counting, audited) = (Arc::clone(&drain), settings.audit_rate > 0);
    let mut server = HttpServer::new(move || {
        // Called on each worker's own thread: the connection to the cache is made and driven there.
        let worker = Worker {
            todos: todos.per_worker(),
            cache_control: cache_control.clone(),
            drain: Arc::clone(&drain),
            audited,
        };
        App::new().configure(routes(worker))
    })
    .on_connect(move |_, extensions| {
        extensions.insert(counting.opened());
    })
    .disable_signals()
    .shutdown_timeout(settings.shutdown_timeout.as_secs());
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    Ok(server.listen(listener)?.run())
}

fn with_cause(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
