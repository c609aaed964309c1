//! Any text as a URL of cache and store: one that is shown as a URL itself, or an error; a password stands in neither.

use cache_aside::CacheUrl;
use todo_store::{StoreOptions, StoreUrl};

const PASSWORD: &str = "hunter2";

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(url) = text.parse::<CacheUrl>() {
        let shown = url.to_string().replace("***@", "");
        let again = shown.parse::<CacheUrl>().unwrap_or_else(|error| panic!("{shown} is shown for {text:?}: {error}"));
        assert_eq!(again.to_string(), shown, "for {text:?}");
    }
    let _ = text.parse::<StoreUrl>();

    // A password of any letters, and anything behind it.
    let (before, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let (after, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if [before, after, rest].concat().contains(PASSWORD) {
        return;
    }
    // One with an `@` and an option that may have one, too, is a proper URL of the host between them.
    if !(before.contains('@') && after.contains("sentinel_")) {
        for scheme in ["redis", "rediss", "redis+cluster", "redis+sentinel"] {
            let url = format!("{scheme}://ada:{before}{PASSWORD}{after}@cache.example{rest}").parse::<CacheUrl>();
            hidden(&url.map_or_else(|error| error.to_string(), |url| format!("{url} {url:?}")));
        }
    }
    for scheme in ["mongodb", "mongodb+srv"] {
        match format!("{scheme}://ada:{before}{PASSWORD}{after}@db.example{rest}").parse::<StoreUrl>() {
            Ok(url) => {
                hidden(&format!("{url} {url:?} {} {}", url.without_secrets(), url.place(&StoreOptions::default())));
            }
            Err(error) => hidden(&error.to_string()),
        }
    }
}

fn hidden(shown: &str) {
    assert!(!shown.contains(PASSWORD), "{shown}");
}
