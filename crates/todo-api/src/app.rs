//! The composition root: tests and `main` build the same service here.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::HeaderValue;
use actix_web::{App, HttpServer};
use cache_aside::{Background, Health};
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
        source: cache_aside::CacheError,
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
    background: Vec<Background>,
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
        let todos = Todos::new(store, &settings.cache, settings.engine_options())
            .map_err(|source| StartError::Cache { url: settings.cache.to_string(), source })?;
        let background = follow(settings, &todos).await;
        let address = listener.local_addr()?;
        let drain = Arc::new(Drain::default());
        let server = serve(settings, listener.try_clone()?, todos.clone(), Arc::clone(&drain))?;
        tracing::info!(%address, store = %settings.store.place(&settings.store_options()), cache = %settings.cache, "listening");
        Ok(Self { server, listener, address, todos, drain, background, shutdown_timeout: settings.shutdown_timeout })
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
            drop(self.background);
        };
        let served = tokio::select! {
            served = &mut server => served,
            () = stopping => server.await,
        };
        tracing::info!("stopped");
        Ok(served?)
    }
}

/// What the service does besides answering: it hears other processes, and sees to it that foreign writes are noticed.
async fn follow(settings: &Settings, todos: &Todos) -> Vec<Background> {
    let health = todos.cache_health().await;
    if health == Health::Down {
        tracing::warn!(cache = %settings.cache, "the cache does not answer: reads go to the store until it does");
    }
    let mut background = vec![todos.listen()];
    let options = settings.engine_options();
    let bound = options.fresh.mul_f64(1.1) + options.stale_while_revalidate;
    match settings.change_stream.then(|| todos.follow()) {
        None => tracing::info!(?bound, "the change stream is off: what others write is noticed within the bound"),
        Some(None) => {
            tracing::warn!(?bound, "the store has no change stream: what others write is noticed within the bound")
        }
        Some(Some(following)) => {
            background.push(following);
            if health == Health::Up && !todos.vouched(settings.store_timeout).await {
                tracing::warn!("nobody follows the store's changes yet: until somebody does, todos are cached for 5 s");
            }
        }
    }
    if settings.audit_rate > 0 {
        background.push(todos.audit(settings.audit_rate));
    }
    background
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
