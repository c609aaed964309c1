//! `Exposition`: all metrics as text, in the format of OpenMetrics 1.0 or in Prometheus's own, version 0.0.4.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::family::Family;

/// A text format that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
    /// `text/plain; version=0.0.4`
    Prometheus,
}

impl Format {
    /// What the client takes, by its `Accept` header: OpenMetrics where it is named.
    pub fn accepted_by(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The media type of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Metrics that were collected.
#[derive(Debug, Clone)]
pub(super) struct Exposition(Arc<Vec<Family>>);

impl Exposition {
    pub(super) fn of(families: Vec<Family>) -> Self {
        Self(Arc::new(families))
    }

    pub(super) fn text(&self, format: Format) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.clone()));
        let mut out = String::new();
        text::encode(&mut out, &registry).expect("writing to a String does not fail");
        match format {
            Format::OpenMetrics => out,
            Format::Prometheus => classic(&out),
        }
    }
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}

/// In Prometheus's own format a counter is described under the name of its samples, and no line says that the text is whole.
fn classic(open_metrics: &str) -> String {
    let counters: Vec<&str> =
        open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut out = String::with_capacity(open_metrics.len() + 64 * counters.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let words = line.strip_prefix("# ").and_then(|line| {
            let (keyword, rest) = line.split_once(' ')?;
            let (name, rest) = rest.split_once(' ')?;
            counters.contains(&name).then_some((keyword, name, rest))
        });
        match words {
            Some((keyword, name, rest)) => out.push_str(&format!("# {keyword} {name}_total {rest}\n")),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_the_same() {
        let families = vec![
            Family::counter("reads", "Reads.").with([("outcome", "hit")], 3.0).with([("outcome", "a\"b\n")], 1.0),
            Family::gauge("open", "Open.").value(0.5),
            Family::histogram("took_seconds", "Took.").distribution(
                vec![("route", "/todos/{id}".to_owned())],
                0.3,
                vec![(0.1, 1), (f64::INFINITY, 1)],
            ),
        ];
        let exposition = Exposition::of(families);
        let open = exposition.text(Format::OpenMetrics);
        assert!(
            open.starts_with("# HELP reads Reads.\n# TYPE reads counter\nreads_total{outcome=\"hit\"} 3"),
            "{open}"
        );
        assert!(open.contains(r#"reads_total{outcome="a\"b\n"} 1"#), "{open}");
        assert!(open.ends_with("# EOF\n"), "{open}");
        let classic = exposition.text(Format::Prometheus);
        assert!(
            classic.starts_with("# HELP reads_total Reads.\n# TYPE reads_total counter\nreads_total{"),
            "{classic}"
        );
        assert!(classic.contains("took_seconds_bucket{le=\"+Inf\",route=\"/todos/{id}\"} 2"), "{classic}");
        assert!(!classic.contains("EOF"), "{classic}");
        assert_eq!(
            Format::accepted_by("text/plain;q=0.5, application/openmetrics-text;version=1.0.0"),
            Format::OpenMetrics
        );
        assert_eq!(Format::accepted_by("*/*"), Format::Prometheus);
    }
}
