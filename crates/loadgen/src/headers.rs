//! `Header`: a field that every request of a run has, as a client of the service would send it.

use std::str::FromStr;

use reqwest::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

use crate::error::LoadgenError;

/// `Name: value`. The value is shown nowhere: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("must be 'Name: value', with a colon between them")?;
        let name = HeaderName::from_str(name).map_err(|_| {
            "must begin with the name of a header (letters, digits and dashes), and a colon right behind it".to_owned()
        })?;
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, CONTENT_TYPE].contains(&name) {
            return Err(format!("{name} is what each request needs it to be: leave it out"));
        }
        if name == ACCEPT_ENCODING {
            return Err("accept-encoding: every body is compared, so none may come compressed: leave it out".to_owned());
        }
        // Bytes, since UTF-8 is what people type; a line end would begin another header.
        let mut value = HeaderValue::from_bytes(value.trim().as_bytes())
            .map_err(|_| format!("{name} has a control character in its value"))?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

/// All of them, for a client.
///
/// # Errors
/// One is there twice, of which a client would send one only.
pub(crate) fn map(headers: &[Header]) -> Result<HeaderMap, LoadgenError> {
    let mut map = HeaderMap::new();
    for Header { name, value } in headers {
        if map.insert(name.clone(), value.clone()).is_some() {
            return Err(LoadgenError::Usage(format!(
                "--header: {name} is given twice; give it once, with a comma between its values"
            )));
        }
    }
    Ok(map)
}

/// Their names, for reports.
pub(crate) fn names(headers: &[Header]) -> Vec<String> {
    headers.iter().map(|header| header.name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

    use super::*;

    #[test]
    fn what_is_no_header_is_refused_without_its_value() {
        for (wrong, says) in [
            ("Authorization Bearer hush", "must be 'Name: value'"),
            (": hush", "must begin with the name"),
            ("Two words: hush", "must begin with the name"),
            ("X-Key: hu\nsh", "x-key has a control character"),
            ("Content-Length: 3", "content-length is what each request needs"),
            ("accept-encoding: gzip", "none may come compressed"),
        ] {
            let error = wrong.parse::<Header>().unwrap_err();
            assert!(error.contains(says) && !error.contains("hush"), "{wrong}: {error}");
        }
        let good: Header = "Authorization:  Bearer a:b ".parse().unwrap();
        assert_eq!((good.name.as_str(), good.value.to_str().unwrap()), ("authorization", "Bearer a:b"));
        assert!(!format!("{good:?}").contains("Bearer"));
        assert!(map(&[good.clone(), good]).unwrap_err().to_string().contains("authorization is given twice"));
    }
}
