//! `RateLimit`: so many requests a second of each client, told apart by their addresses (`--client-rate`).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::http::error::ApiError;
use crate::limited_log::Limited;

/// How often clients are forgotten that have asked for nothing lately.
const FORGET: Duration = Duration::from_secs(5);
/// Of an IPv6 address: what one client has to itself (RFC 6177 §2: a site gets no less than this).
const SITE: u128 = !(u64::MAX as u128);

/// What each client has asked for lately. Clones share it.
#[derive(Clone)]
pub struct RateLimit(Arc<Inner>);

struct Inner {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    header: Option<HeaderName>,
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("known", &self.0.limiter.len()).finish_non_exhaustive()
    }
}

impl RateLimit {
    /// Lets each client ask so often in a second, and as often at once; `None` for no bound. `header` names the client where a proxy is
    /// in front. Must be called inside a Tokio runtime.
    pub fn new(per_second: u32, header: Option<HeaderName>) -> Option<Self> {
        let quota = Quota::per_second(NonZeroU32::new(per_second)?);
        let inner = Arc::new(Inner { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), header });
        let known = Arc::downgrade(&inner);
        tokio::spawn(async move {
            while let Some(known) = known.upgrade() {
                known.limiter.retain_recent();
                known.limiter.shrink_to_fit();
                drop(known);
                tokio::time::sleep(FORGET).await;
            }
        });
        Some(Self(inner))
    }

    /// Whether the sender of this request may ask now. Who has no address (a socket in the file system) always may.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`].
    pub fn admit(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let Some(client) = self.client(request) else { return Ok(()) };
        self.0.limiter.check_key(&client).map_err(|until| {
            let wait = until.wait_time_from(self.0.clock.now());
            ApiError::TooManyRequests { seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0) }
        })
    }

    fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        static UNUSABLE: Limited = Limited::every(Duration::from_secs(60));
        let told =
            self.0.header.as_ref().and_then(|name| request.headers().get_all(name).last().map(|told| (name, told)));
        if let Some((name, told)) = told {
            match told.to_str().ok().and_then(last_address) {
                Some(address) => return Some(site(address)),
                None => {
                    if let Some(times) = UNUSABLE.permit() {
                        tracing::warn!(header = %name, times, "its last value is no address: the sender counts as that of the connection");
                    }
                }
            }
        }
        request.peer_addr().map(|peer| site(peer.ip()))
    }
}

/// The last of some addresses with commas between them: the one that the nearest proxy has added. Some add a port.
fn last_address(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    let bare = || last.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|with_port| with_port.ip())).or_else(bare)
}

/// What is one client.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SITE).into(),
        v4 => v4,
    }
}

/// Reads the name of a header.
///
/// # Errors
/// What is allowed.
pub fn header(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "must be the name of a header, like X-Forwarded-For".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_counts_with_a_port_or_without() {
        for (list, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("10.0.0.1, 203.0.113.7", Some("203.0.113.7")),
            ("nonsense,203.0.113.7 ", Some("203.0.113.7")),
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("203.0.113.7, unknown", None),
            ("203.0.113.7,", None),
            ("", None),
        ] {
            assert_eq!(last_address(list), expected.map(|text| text.parse().expect("an address")), "{list:?}");
        }
    }

    #[test]
    fn a_client_is_an_address_or_a_site_of_ipv6() {
        let of = |text: &str| site(text.parse().expect("an address"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
