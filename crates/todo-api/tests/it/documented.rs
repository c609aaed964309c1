//! `Document`: the OpenAPI document of a running service, and what it says of an answer.

use jsonschema::Validator;
use reqwest::{Method, Response};
use serde_json::{Map, Value, json};

use crate::support::Service;

/// Headers that belong to the transport and to no operation.
const OF_TRANSPORT: [&str; 5] = ["content-type", "content-length", "date", "connection", "vary"];

pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Document {
    pub(crate) async fn of(service: &Service) -> Self {
        let text = service.get("/openapi.json").await.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap();
        Self { text, json }
    }

    /// What a reference points to; anything else as it is.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref") else { return value };
        let pointer = reference.as_str().unwrap().strip_prefix('#').expect("references stay in the document");
        self.json.pointer(pointer).unwrap_or_else(|| panic!("nothing is at {pointer}"))
    }

    /// A validator of a schema whose references point into the document.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.json["components"],
        });
        jsonschema::options().build(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    /// Every path with its methods.
    pub(crate) fn operations(&self) -> Vec<(&str, Method)> {
        let paths = self.json["paths"].as_object().unwrap();
        let methods = |item: &Map<String, Value>| {
            let names = item.keys().filter(|name| *name != "parameters");
            names.map(|name| Method::from_bytes(name.to_uppercase().as_bytes()).unwrap()).collect::<Vec<_>>()
        };
        paths
            .iter()
            .flat_map(|(path, item)| {
                methods(item.as_object().unwrap()).into_iter().map(move |method| (path.as_str(), method))
            })
            .collect()
    }

    pub(crate) fn response(&self, path: &str, method: &Method, status: u16) -> Option<&Value> {
        let operation = &self.json["paths"][path][method.as_str().to_lowercase()];
        Some(self.resolve(operation["responses"].get(status.to_string())?))
    }

    /// Checks that an answer is one of those that the document names: status, headers, type and body. Gives its body.
    pub(crate) async fn check(&self, path: &str, method: &Method, answer: Response) -> String {
        let status = answer.status().as_u16();
        let case = format!("{method} {path} {status}");
        let described = self.response(path, method, status).unwrap_or_else(|| panic!("{case} is not described"));
        let headers = described["headers"].as_object().unwrap();
        for (name, header) in headers {
            let header = self.resolve(header);
            match answer.headers().get(name).map(|value| value.to_str().unwrap()) {
                Some(value) => {
                    let validator = self.validator(&header["schema"]);
                    assert!(validator.is_valid(&value.into()), "{case}: {name}: {value}");
                }
                None => assert_eq!(header["required"], false, "{case} has no {name}"),
            }
        }
        for name in answer.headers().keys().map(|name| name.as_str()) {
            let is_described = headers.keys().any(|known| known.eq_ignore_ascii_case(name));
            let is_of_page = ["/docs", "/live", "/openapi.json"].contains(&path);
            assert!(
                is_described || OF_TRANSPORT.contains(&name) || is_of_page,
                "{case}: the header {name} is not described"
            );
        }
        let media_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let body = answer.text().await.unwrap();
        if *method != Method::HEAD {
            self.check_body(&case, described, media_type.as_deref(), &body);
        }
        body
    }

    fn check_body(&self, case: &str, described: &Value, media_type: Option<&str>, body: &str) {
        let Some(content) = described.get("content") else {
            assert_eq!(body, "", "{case} has no body in the document");
            return;
        };
        let media_type = media_type.unwrap_or_else(|| panic!("{case} has no type"));
        let schema = &content.get(media_type).unwrap_or_else(|| panic!("{case}: {media_type}"))["schema"];
        let value: Value = if media_type.ends_with("json") { serde_json::from_str(body).unwrap() } else { body.into() };
        let validator = self.validator(schema);
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{case}: {errors:?} in {value}");
    }
}
