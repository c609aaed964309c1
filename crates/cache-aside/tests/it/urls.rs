//! Cache URLs.

use cache_aside::CacheUrl;
use proptest::prelude::*;

#[test]
fn passwords_in_urls_are_never_shown() {
    for (text, shown) in [
        ("redis://user:hunter2@cache.example:6380/3", "redis://***@cache.example:6380/3"),
        ("redis://user:hunter2@cache.example?db=3", "redis://***@cache.example/3"),
        ("rediss://:hunter2@[::1]:1", "rediss://***@[::1]:1/"),
        (
            "redis+sentinel://user:hunter2@a,b:1/my%20name?db=2&sentinel_user=hunter2&sentinel_password=hunter2",
            "redis+sentinel://***@a,b:1/my%20name?db=2",
        ),
        ("rediss+sentinel://a/name", "rediss+sentinel://a/name"),
        ("redis+sentinel://a/%23%3F%25%0A%C3%A9", "redis+sentinel://a/%23%3F%25%0A%C3%A9"),
    ] {
        let url: CacheUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}

#[test]
fn anything_but_the_known_schemes_is_refused_with_what_is_allowed() {
    for text in [
        "",
        "memory",
        "http://localhost",
        "redis:",
        "redis://",
        "localhost:6379",
        "redis-sentinel://a,b/0#name",
        "redis+other://a,b",
    ] {
        let error = text.parse::<CacheUrl>().expect_err(text).to_string();
        assert!(error.contains("redis://") && error.contains("memory:"), "{text}: {error}");
    }
}

#[test]
fn what_would_have_no_effect_is_refused() {
    for (text, says) in [
        ("redis://a,b", "one host"),
        ("redis://a/1?db=2", "once"),
        ("redis://a?db=x", "must be a number"),
        ("redis://a?db=1&db=2", "twice"),
        ("redis://a?timeout=5", "the options"),
        ("redis://a?sentinel_password=x", "redis+sentinel://"),
        ("rediss://a/#insecure", "behind #"),
        ("redis+sentinel://a,b", "name what the sentinels watch"),
        ("redis+sentinel://a,b/", "name what the sentinels watch"),
        ("redis+sentinel://a,b/name/3", "name what the sentinels watch"),
        ("redis+sentinel://a,,b/name", "redis+sentinel://HOST"),
        ("redis+sentinel://a,b/name?sentinel_password=", "without a value"),
        ("redis+sentinel://ada:1/secret?sentinel_user=x@a", "write it as %40"),
        ("redis://a:0", "redis://"),
        ("redis://a:65536", "redis://"),
        ("redis://a b", "redis://"),
        ("redis://:a\tb@c", "control characters"),
        ("redis://:a\n@c", "control characters"),
        ("redis://:%ff@c", "UTF-8"),
    ] {
        let error = text.parse::<CacheUrl>().expect_err(text).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn a_cluster_is_named_by_some_of_its_servers() {
    for (text, shown) in [
        ("redis+cluster://a", "redis+cluster://a"),
        ("redis+cluster://a:7000,b,10.0.0.1:7002/", "redis+cluster://a:7000,b,10.0.0.1:7002"),
        ("redis+cluster://[::1]:7000,[::1]:7001", "redis+cluster://[::1]:7000,[::1]:7001"),
        ("redis+cluster://user:hun%2Fter2@a:7000,b:7001", "redis+cluster://***@a:7000,b:7001"),
        ("redis+cluster://:hun@ter2@a,b", "redis+cluster://***@a,b"),
        ("rediss+cluster://user:hunter2@a:7000,b", "rediss+cluster://***@a:7000,b"),
    ] {
        let url: CacheUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
    }
    for text in [
        "redis+cluster://",
        "redis+cluster://a,,b",
        "redis+cluster://a,b:x",
        "redis+cluster://a,b/1",
        "redis+cluster://a,b?db=1",
        "redis+cluster://:hun/ter2@a,b",
        "rediss+cluster://a,b?insecure",
    ] {
        let error = text.parse::<CacheUrl>().expect_err(text).to_string();
        assert!(error.contains("redis+cluster://HOST") && !error.contains("ter2"), "{text}: {error}");
    }
}

#[test]
fn no_part_of_an_odd_password_is_shown() {
    for text in [
        "redis://:hun/ter2@cache",
        "redis://:hun#ter2@cache",
        "redis://:hun?ter2@cache",
        "rediss://a:hun/ter2@b:1/0",
        "redis://a:1?ter2=hun@cache",
        "redis+sentinel://:hun/ter2@a,b/name",
        "redis+sentinel://:1/ter2hun@a,b/name",
        "redis+sentinel://a:1@ter2hun/x@b",
    ] {
        match text.parse::<CacheUrl>() {
            Ok(url) => assert!(!url.to_string().contains("ter2") && !url.to_string().contains("hun"), "{text}: {url}"),
            Err(error) => assert!(!error.to_string().contains("ter2"), "{text}: {error}"),
        }
    }
    let url: CacheUrl = "redis://:hun%2Fter2@cache/2".parse().unwrap();
    assert_eq!(url.to_string(), "redis://***@cache/2");
}

/// Pieces of URLs, right and wrong; the password is in many of them.
fn pieces() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "redis",
        "rediss",
        "+sentinel",
        "+cluster",
        "://",
        ":",
        "@",
        "/",
        ",",
        "?",
        "#",
        "&",
        "=",
        "%",
        "%2F",
        "%ff",
        "[::1]",
        "[",
        "]",
        "hunter2",
        "user",
        "localhost",
        ":6379",
        ":65536",
        "0",
        "db",
        "sentinel_password",
        "name",
        " ",
        "\n",
        "é",
    ]);
    prop::collection::vec(prop_oneof![9 => known.prop_map(str::to_owned), 1 => "\\PC{0,4}"], 0..14)
        .prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_url_or_an_error_and_a_password_stands_in_neither(text in pieces()) {
        match text.parse::<CacheUrl>() {
            // What is shown is a URL itself, of the same servers.
            Ok(url) => {
                let shown = url.to_string();
                let again = shown.replace("***@", "").parse::<CacheUrl>();
                prop_assert!(again.is_ok_and(|again| again.to_string() == shown.replace("***@", "")), "{text:?}: {shown}");
            }
            Err(error) => prop_assert!(!error.to_string().contains("hunter2"), "{text:?}: {error}"),
        }
    }

    #[test]
    fn no_password_is_shown_whatever_it_is_made_of(
        scheme in prop::sample::select(vec!["redis", "rediss", "redis+sentinel", "redis+cluster", "rediss+cluster"]),
        before in "[ -~]{0,6}",
        after in "[ -~]{0,6}",
    ) {
        let text = format!("{scheme}://ada:{before}hunter2{after}@cache.example/1");
        let shown = text.parse::<CacheUrl>().map_or_else(|error| error.to_string(), |url| url.to_string());
        // Of a password with an @ or a / the rest would be taken for the host or the path, were it not refused.
        prop_assert!(!shown.contains("hunter2"), "{text:?}: {shown}");
    }
}
