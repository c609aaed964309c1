//! The HTTP server on a listener: workers, each with its own handlers and its own table of connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::web::ServiceConfig;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::connection::{Connection, Limits, Table};
use crate::descriptors;
use crate::drain::Drain;
use crate::listen::Listener;
use crate::tls::Socket;

/// Most connections over the bound of a worker that it may have for a moment, while those that leave hang up.
const HANDOVER: usize = 32;

/// How the server treats its connections.
pub(crate) struct ServerOptions {
    pub(crate) workers: usize,
    /// The bound on connections is that of one worker, without those that are leaving.
    pub(crate) limits: Limits,
    /// Connections of one worker that leave.
    pub(crate) leaving: usize,
    pub(crate) shutdown_timeout: Duration,
    /// Without it nothing but plain HTTP is spoken.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// How many connections a worker may have, and beside them how many that leave, when all workers together get so many
/// file descriptors as [`descriptors::allow`] says.
pub(crate) fn shares(max_connections: usize, workers: usize) -> (usize, usize) {
    let sockets = descriptors::allow(max_connections + workers * HANDOVER) / workers;
    let leaving = HANDOVER.min(sockets / 4).max(1);
    (sockets.saturating_sub(leaving).clamp(1, max_connections.div_ceil(workers)), leaving)
}

/// Starts the server; `routes` is called on each worker's own thread.
pub(crate) fn serve<R, C>(
    listener: Listener,
    options: &ServerOptions,
    drain: Arc<Drain>,
    routes: R,
) -> io::Result<Server>
where
    R: Fn() -> C + Clone + Send + 'static,
    C: FnOnce(&mut ServiceConfig) + 'static,
{
    let limits = options.limits;
    let builder = Server::build()
        .workers(options.workers)
        .disable_signals()
        .shutdown_timeout(options.shutdown_timeout.as_secs())
        .max_concurrent_connections(limits.connections + options.leaving);
    let (ending, tls) = (builder.graceful_shutdown_signal(), options.tls.clone());
    let server = match listener {
        Listener::Tcp(listener) => builder.listen("todo-api", listener, move || {
            let drain = Arc::clone(&drain);
            let prepare = |stream: &TcpStream| {
                let _ = stream.set_nodelay(true);
                stream.peer_addr().ok()
            };
            service(limits, tls.clone(), drain, routes(), ending.clone(), prepare)
        }),
        Listener::Unix(listener, file) => {
            // The file is removed when the last factory goes.
            let file = Arc::new(file);
            builder.listen_uds("todo-api", listener, move || {
                let _ = &file;
                service(limits, tls.clone(), Arc::clone(&drain), routes(), ending.clone(), |_: &UnixStream| None)
            })
        }
    };
    Ok(server?.run())
}

fn service<T>(
    limits: Limits,
    tls: Option<Arc<ServerConfig>>,
    drain: Arc<Drain>,
    routes: impl FnOnce(&mut ServiceConfig),
    ending: GracefulShutdownSignal,
    prepare: impl Fn(&T) -> Option<SocketAddr> + Clone + 'static,
) -> impl ServiceFactory<T, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let table = Table::watched(limits);
    let app = App::new().configure(routes).into_factory().map_err(|error| error.error_response());
    let http = HttpService::build()
        .graceful_shutdown_signal(move || {
            let ending = ending.clone();
            async move { ending.notified().await }
        })
        // The table has the deadlines: the parser's stop at the first request.
        .client_request_timeout(Duration::ZERO)
        .keep_alive(KeepAlive::Os)
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1(map_config(app, |()| AppConfig::default()));
    fn_service(move |stream: T| {
        let peer = prepare(&stream);
        let connection = Connection::new(Socket::new(stream, tls.as_ref()), &table, drain.opened());
        std::future::ready(Ok::<_, DispatchError>((connection, peer)))
    })
    .and_then(http)
}
