//! `Variables`: what OpenTelemetry's standard variables ask for ("Environment Variable Specification", "OTLP Exporter Configuration").
//! One that is there and cannot be done is refused or named, never passed over.

use super::endpoint::EndpointError;

/// The only protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// Those that are read. A variable of metrics or logs is for others.
const READ: &[&str] = &[
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
];

/// Names and values.
pub(super) type Pairs = Vec<(String, String)>;

/// Variables by their names. One that is empty counts as unset, as the specification says.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0(name).filter(|value| !value.is_empty())
    }

    /// The first of these that is set.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names.iter().find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// Whether traces are not switched off, nor meant for another exporter.
    pub(super) fn ask_for_traces(&self) -> Result<bool, EndpointError> {
        if self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(false);
        }
        let place = "OTEL_TRACES_EXPORTER";
        let Some(exporters) = self.get(place) else { return Ok(true) };
        match exporters.split(',').map(str::trim).collect::<Vec<_>>()[..] {
            ["none"] => Ok(false),
            ref names if names.contains(&"otlp") => Ok(true),
            _ => Err(EndpointError { place, problem: format!("is {exporters:?}: otlp and none are known here") }),
        }
    }

    pub(super) fn refuse_other_protocols(&self) -> Result<(), EndpointError> {
        match self.first(&["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]) {
            Some((place, protocol)) if protocol != PROTOCOL => {
                let problem = format!("is {protocol:?}: only {PROTOCOL} is spoken, mostly to port 4318");
                Err(EndpointError { place, problem })
            }
            _ => Ok(()),
        }
    }

    /// Names and values of the first of these that is set, as W3C Baggage has them: `name=value,name=value`, percent-encoded.
    pub(super) fn pairs(&self, names: &[&'static str]) -> Result<Option<(&'static str, Pairs)>, EndpointError> {
        let Some((place, text)) = self.first(names) else { return Ok(None) };
        let decoded = |text: &str| {
            let text = percent_encoding::percent_decode_str(text.trim()).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| no_list(place))
        };
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| no_list(place))?;
            Ok((decoded(name)?, decoded(value)?))
        });
        Ok(Some((place, pairs.collect::<Result<_, _>>()?)))
    }
}

/// The variable is no list. It may be secret, so that nothing of it is shown.
pub(super) fn no_list(place: &'static str) -> EndpointError {
    EndpointError {
        place,
        problem: "must be a list like name=value,other=value, with values percent-encoded".to_owned(),
    }
}

/// Of the names of all variables those that say something of traces, and are not read.
pub(super) fn without_effect(names: impl Iterator<Item = String>) -> Vec<String> {
    let of_others = ["METRIC", "LOG", "BLRP", "PROFILE"];
    let mut found: Vec<String> = names
        .filter(|name| name.starts_with("OTEL_") && !READ.contains(&name.as_str()))
        .filter(|name| !of_others.iter().any(|other| name.contains(other)))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_say_something_of_traces_and_are_not_read_are_named() {
        let names = ["PATH", "OTEL_TRACES_SAMPLER", "OTEL_METRICS_EXPORTER", "OTEL_BSP_SCHEDULE_DELAY", READ[0]];
        let found = without_effect(names.iter().map(ToString::to_string));
        assert_eq!(found, ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_TRACES_SAMPLER"]);
    }

    #[test]
    fn a_list_that_is_none_is_refused_as_a_whole() {
        for (text, pairs) in [
            ("a=b, c=d%20e,", Some(vec![("a", "b"), ("c", "d e")])),
            ("a=b=c", Some(vec![("a", "b=c")])),
            ("a=b,hush", None),
            ("a=%ff", None),
        ] {
            let variable = |_: &str| Some(text.to_owned());
            let found = Variables(&variable).pairs(&["OTEL_RESOURCE_ATTRIBUTES"]);
            let owned =
                |pairs: Vec<(&str, &str)>| pairs.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
            assert_eq!(found.ok().flatten().map(|(_, pairs)| pairs), pairs.map(owned), "{text}");
        }
    }
}
