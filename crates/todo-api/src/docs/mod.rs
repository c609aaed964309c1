//! The page at `/docs`: one document that holds its style and its script, and a policy that lets nothing else run.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The page, put together once.
pub static PAGE: LazyLock<Page> = LazyLock::new(Page::new);

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
/// One script: later parts use what earlier ones define.
const SCRIPT: &str = concat!(include_str!("document.js"), include_str!("form.js"), include_str!("page.js"));

/// A page, and what a browser is to let it do.
pub struct Page {
    /// The whole document.
    pub html: String,
    /// Its `Content-Security-Policy`.
    pub policy: String,
}

impl Page {
    fn new() -> Self {
        let html = HTML.replace("{{style}}", STYLE).replace("{{script}}", SCRIPT);
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        Self { html, policy }
    }
}

/// What stands between the tags, as a policy names it (Content Security Policy 3 §2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_page_names_another_host() {
        for forbidden in ["http://", "https://", "//cdn", "@import"] {
            assert!(!PAGE.html.contains(forbidden), "{forbidden}");
        }
        assert!(!STYLE.contains("url("));
        assert!(!PAGE.html.contains("{{"), "each part was filled in");
    }
}
