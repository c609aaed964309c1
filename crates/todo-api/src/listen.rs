//! `Address` and `Listener`: where the service is asked to listen, and the socket that it got.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use socket2::{Domain, Socket, Type};

use crate::error::StartError;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host by name or number, and a port; no host is every address of this machine.
    Tcp {
        /// Empty for every address.
        host: String,
        /// 0 for a free one.
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = || "must be HOST:PORT, :PORT (every address), [IPv6]:PORT or unix:PATH".to_owned();
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(allowed()) } else { Ok(Self::Unix(path.into())) };
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Tcp { host: address.ip().to_string(), port: address.port() });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(allowed)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let port = port.parse().map_err(|_| allowed())?;
        if !host.bytes().all(is_name) {
            return Err(allowed());
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that listens.
#[derive(Debug)]
pub enum Listener {
    /// By TCP.
    Tcp(TcpListener),
    /// In the file system.
    Unix(UnixListener, SocketFile),
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// [`StartError::Listen`]: it is taken, or not this machine's.
    pub fn bind(address: &Address) -> Result<Self, StartError> {
        let bound = match address {
            Address::Tcp { host, port } => bind_tcp(host, *port).map(Self::Tcp),
            Address::Unix(path) => bind_unix(path).map(|(listener, file)| Self::Unix(listener, file)),
        };
        bound.map_err(|source| StartError::Listen { address: address.to_string(), source })
    }

    /// The address that it got.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<Bound> {
        Ok(match self {
            Self::Tcp(listener) => Bound::Tcp(listener.local_addr()?),
            Self::Unix(_, file) => Bound::Unix(file.path.clone()),
        })
    }
}

/// An address that was got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// By TCP; the port is never 0.
    Tcp(SocketAddr),
    /// In the file system.
    Unix(PathBuf),
}

impl Bound {
    /// What a person may click or give to curl.
    pub fn url(&self, is_tls: bool) -> String {
        let scheme = if is_tls { "https" } else { "http" };
        match self {
            Self::Tcp(address) if address.ip().is_unspecified() => format!("{scheme}://localhost:{}/", address.port()),
            Self::Tcp(address) => format!("{scheme}://{address}/"),
            Self::Unix(path) => format!("{scheme}+unix://{}", path.display()),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The file of a socket, removed at the end if it is still the same.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    /// Removes the file, unless another has taken its place.
    pub fn remove(&self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    if host.is_empty() {
        // Both protocols by one socket where the machine has both.
        return listen(SocketAddr::from(([0u16; 8], port))).or_else(|_| listen(SocketAddr::from(([0u8; 4], port))));
    }
    let mut addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    // Clients that try IPv6 first go on to IPv4; not all do the other way round.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut outcome = Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address"));
    for address in addresses {
        outcome = listen(address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes the place of a socket that nobody listens on any more, and of nothing else.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody listens there")),
        }
    }
    let listener = UnixListener::bind(path)?;
    let file = SocketFile { path: path.to_owned(), identity: identity(path) };
    Ok((listener, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_or_a_path() {
        let tcp = |host: &str, port| Ok(Address::Tcp { host: host.to_owned(), port });
        for (text, expected) in [
            ("127.0.0.1:0", tcp("127.0.0.1", 0)),
            ("localhost:8000", tcp("localhost", 8000)),
            (":8000", tcp("", 8000)),
            ("[::1]:8000", tcp("::1", 8000)),
            ("unix:/run/todo.sock", Ok(Address::Unix("/run/todo.sock".into()))),
        ] {
            assert_eq!(text.parse::<Address>(), expected, "{text}");
        }
        for text in
            ["nowhere", "8000", "host:", "host:99999", "::1:8000", "http://localhost:8000", "unix:", "a b:1", ""]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
