//! `Endpoint`: where traces go, as the flag or the standard variables say (OpenTelemetry Protocol Exporter).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use url::{Host, Url};

use super::variables::{self, Variables};

/// Where spans are sent to, below the endpoint of all signals.
const PATH: &str = "v1/traces";

/// The URL of a collector, of all its signals (`http://127.0.0.1:4318`) or of traces (`…/v1/traces`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorUrl(Url);

/// Where traces go, and how.
#[derive(Clone)]
pub struct Endpoint {
    /// With the path of traces.
    url: Url,
    /// `HOST:PORT` as it is connected to.
    pub(super) host: String,
    pub(super) port: u16,
    /// For `https://`: the name that the certificate must have, and who may vouch for it.
    pub(super) tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
    /// Headers that each request has besides its own.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why traces cannot be sent there.
#[derive(Debug, Error)]
#[error("{place} {problem}")]
pub struct EndpointError {
    /// The flag or the variable that is wrong.
    pub(super) place: &'static str,
    /// What is wrong with it.
    pub(super) problem: String,
}

impl FromStr for CollectorUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "must be the URL of a collector like http://127.0.0.1:4318";
        let url = Url::parse(text).map_err(|_| expected.to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(expected.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "must have no user in it: OTEL_EXPORTER_OTLP_HEADERS has what the collector wants to see".to_owned()
            );
        }
        Ok(Self(url))
    }
}

impl CollectorUrl {
    /// The URL for traces.
    fn for_traces(&self) -> Url {
        let mut url = self.0.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(PATH) {
            url.set_path(&format!("{path}/{PATH}"));
        }
        url
    }
}

impl Endpoint {
    /// The endpoint that the flag names, or else the standard variables; `None` if none does.
    ///
    /// # Errors
    /// A variable has something that cannot be used.
    pub(super) fn find(flag: Option<&CollectorUrl>, variables: &Variables<'_>) -> Result<Option<Self>, EndpointError> {
        if flag.is_none() && !variables.ask_for_traces()? {
            return Ok(None);
        }
        let parsed = |name: &'static str| {
            let value = variables.get(name).map(|value| value.parse::<CollectorUrl>());
            value.transpose().map_err(|problem| EndpointError { place: name, problem })
        };
        let url = match flag {
            Some(url) => Some(url.for_traces()),
            None => match parsed("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")? {
                // That one is taken as it is.
                Some(url) => Some(url.0),
                None => parsed("OTEL_EXPORTER_OTLP_ENDPOINT")?.map(|url| url.for_traces()),
            },
        };
        let Some(url) = url else { return Ok(None) };
        if flag.is_none() {
            variables.refuse_other_protocols()?;
        }
        let authorities = variables.first(&["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"]);
        Self::new(url, headers(variables)?, authorities).map(Some)
    }

    fn new(
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        authorities: Option<(&'static str, String)>,
    ) -> Result<Self, EndpointError> {
        // An address in brackets is connected to without them.
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            host => host.map(|host| host.to_string()).unwrap_or_default(),
        };
        let tls = if url.scheme() == "https" {
            let name = ServerName::try_from(host.clone()).map_err(|_| EndpointError {
                place: "--otlp-endpoint",
                problem: format!("names a host that no certificate can be of: {host}"),
            })?;
            Some((name, Arc::new(tls(authorities)?)))
        } else {
            None
        };
        let port = url.port_or_known_default().unwrap_or(4318);
        Ok(Self { url, host, port, tls, headers })
    }

    /// `Host` of a request (RFC 9110 §7.2).
    pub(super) fn authority(&self) -> &str {
        self.url.authority()
    }

    /// What stands in the first line of a request.
    pub(super) fn target(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

fn headers(variables: &Variables<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, EndpointError> {
    let pairs = variables.pairs(&["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"])?;
    let Some((place, pairs)) = pairs else { return Ok(Vec::new()) };
    let headers = pairs.into_iter().map(|(name, value)| {
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(&value).ok());
        header.ok_or_else(|| variables::no_list(place))
    });
    headers.collect()
}

/// Trusts the authorities in the file, or else those that the system trusts.
fn tls(authorities: Option<(&'static str, String)>) -> Result<ClientConfig, EndpointError> {
    let place = authorities.as_ref().map_or("--otlp-endpoint", |(place, _)| *place);
    let wrong = |problem| EndpointError { place, problem };
    let mut roots = RootCertStore::empty();
    match authorities {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some((_, path)) => {
            let (name, path) = (&path, PathBuf::from(&path));
            let found = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let found = found.map_err(|error| wrong(format!("{name} cannot be read: {error}")))?;
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(wrong(format!("{name} has no certificate in PEM (-----BEGIN CERTIFICATE-----)")));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| wrong(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

    use super::*;

    fn found(flag: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<Endpoint>, EndpointError> {
        let flag = flag.map(|url| url.parse().unwrap());
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Endpoint::find(flag.as_ref(), &Variables(&variable))
    }

    fn url(flag: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        found(flag, variables).unwrap().map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn the_path_of_traces_is_added_where_it_is_missing() {
        assert_eq!(url(Some("http://host:4318"), &[]).unwrap(), "http://host:4318/v1/traces");
        assert_eq!(url(Some("http://host:4318/v1/traces"), &[]).unwrap(), "http://host:4318/v1/traces");
        assert_eq!(url(Some("https://host/otlp/"), &[]).unwrap(), "https://host/otlp/v1/traces");
    }

    #[test]
    fn the_flag_wins_over_the_variables_and_that_of_traces_over_that_of_all() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:2/as/it/is");
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[all]).unwrap(), "http://all:1/v1/traces");
        assert_eq!(url(None, &[all, traces]).unwrap(), "http://traces:2/as/it/is");
        assert_eq!(url(Some("http://flag:3"), &[all, traces]).unwrap(), "http://flag:3/v1/traces");
        assert_eq!(url(None, &[all, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(url(None, &[all, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(url(None, &[all, ("OTEL_TRACES_EXPORTER", "console, otlp")]).unwrap(), "http://all:1/v1/traces");
        assert_eq!(url(Some("http://flag:3"), &[("OTEL_TRACES_EXPORTER", "none")]).unwrap(), "http://flag:3/v1/traces");
    }

    #[test]
    fn headers_are_decoded_and_wrong_ones_refused_without_being_shown() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1");
        let sent = found(None, &[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, a=b=c")]);
        let sent = sent.unwrap().unwrap().headers;
        let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(sent, [("authorization", "Bearer x"), ("a", "b=c")]);
        let error = found(None, &[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "hush")]).err().unwrap().to_string();
        assert!(error.starts_with("OTEL_EXPORTER_OTLP_HEADERS must be a list") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn a_variable_that_asks_for_what_is_not_spoken_is_refused() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1");
        for (name, value, says) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "otlp"),
        ] {
            let error = found(None, &[endpoint, (name, value)]).err().expect(value).to_string();
            assert!(error.starts_with(name) && error.contains(value) && error.contains(says), "{error}");
        }
        let own = [
            endpoint,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ];
        assert!(
            found(None, &own).is_ok() && found(None, &own[1..2]).is_ok(),
            "that of traces wins; and nobody asks for any"
        );
        assert!(found(Some("http://flag:3"), &own[1..2]).is_ok(), "the flag says what is spoken");
    }

    #[test]
    fn what_is_no_url_of_a_collector_is_refused() {
        for bad in ["localhost:4318", "collector", "ftp://host", "http://", "http://user:word@host"] {
            assert!(bad.parse::<CollectorUrl>().is_err(), "{bad}");
        }
        assert!(found(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]).is_err());
    }
}
