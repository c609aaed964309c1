//! `Family`: one metric by name, with what it says for each set of labels.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// One metric by name.
#[derive(Debug, Clone)]
pub(super) struct Family {
    /// Name without the suffix that its kind adds (`_total` for counters).
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, Clone)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Number(f64),
    Histogram { sum: f64, buckets: Vec<(f64, u64)> },
}

impl Family {
    /// A metric that only rises; its samples have the suffix `_total`.
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter, samples: Vec::new() }
    }

    /// A metric that rises and falls.
    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge, samples: Vec::new() }
    }

    /// A distribution, by upper bounds of buckets.
    pub(super) fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Histogram, samples: Vec::new() }
    }

    /// The one sample of a metric without labels.
    pub(super) fn value(self, value: f64) -> Self {
        self.with([], value)
    }

    /// One more sample.
    pub(super) fn with<const N: usize>(mut self, labels: [(&'static str, &str); N], value: f64) -> Self {
        let labels = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
        self.samples.push(Sample { labels, value: Value::Number(value) });
        self
    }

    /// One more distribution: the sum of what was measured, and the count of each bucket with its upper bound.
    pub(super) fn distribution(
        mut self,
        labels: Vec<(&'static str, String)>,
        sum: f64,
        buckets: Vec<(f64, u64)>,
    ) -> Self {
        self.samples.push(Sample { labels, value: Value::Histogram { sum, buckets } });
        self
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        self.samples.iter().try_for_each(|sample| {
            if sample.labels.is_empty() {
                sample.encode(&mut metric, self.kind)
            } else {
                sample.encode(&mut metric.encode_family(&sample.labels)?, self.kind)
            }
        })
    }
}

impl Sample {
    fn encode(&self, metric: &mut MetricEncoder<'_>, kind: Kind) -> fmt::Result {
        match (&self.value, kind) {
            (Value::Number(value), Kind::Counter) => metric.encode_counter::<NoLabelSet, f64, f64>(value, None),
            (Value::Number(value), _) => metric.encode_gauge(value),
            (Value::Histogram { sum, buckets }, _) => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                metric.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
            }
        }
    }
}
