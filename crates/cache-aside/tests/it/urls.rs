//! Cache URLs.

use cache_aside::CacheUrl;

#[test]
fn passwords_in_urls_are_never_shown() {
    let url: CacheUrl = "redis://user:hunter2@cache.example:6380/3".parse().unwrap();
    assert_eq!(url.to_string(), "redis://***@cache.example:6380/3");
    assert!(!format!("{url:?}").contains("hunter2"));
}

#[test]
fn anything_but_the_known_schemes_is_refused_with_what_is_allowed() {
    for text in ["", "memory", "http://localhost", "redis:", "redis://", "localhost:6379", "redis+cluster://a,b"] {
        let error = text.parse::<CacheUrl>().expect_err(text).to_string();
        assert!(error.contains("redis://HOST") && error.contains("memory:"), "{text}: {error}");
    }
}
