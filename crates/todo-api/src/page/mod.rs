//! `Page`: one document that holds its style and its script, and a policy that lets nothing else run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A page, and what a browser is to let it do.
pub struct Page {
    /// The whole document.
    pub html: String,
    /// Its `Content-Security-Policy`.
    pub policy: String,
}

impl Page {
    /// The document with its style and script in the places that are left for them.
    pub fn new(html: &str, style: &str, script: &str) -> Self {
        let html = html.replace("{{style}}", style).replace("{{script}}", script);
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(style),
            hash(script)
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
    use super::Page;

    #[test]
    fn nothing_in_a_page_names_another_host() {
        let pages: [&Page; 2] = [&crate::docs::PAGE, &crate::live::PAGE];
        for page in pages {
            for forbidden in ["http://", "https://", "//cdn", "@import", "innerHTML"] {
                assert!(!page.html.contains(forbidden), "{forbidden}");
            }
            let style = page.html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
            assert!(style.is_some_and(|(style, _)| !style.contains("url(")));
            assert!(!page.html.contains("{{"), "each part was filled in");
        }
    }
}
