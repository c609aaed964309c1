//! Store URLs: what of them is used, and what is shown.

use proptest::prelude::*;
use todo_store::{Store, StoreOptions, StoreUrl};

#[test]
fn passwords_in_urls_are_never_shown() {
    for (text, shown) in [
        ("mongodb://u:hunter2@db.example:27017/?replicaSet=rs0", "mongodb://***@db.example:27017"),
        ("mongodb://u:hunter%402@db.example/x", "mongodb://***@db.example/x"),
        ("mongodb://db.example:27017", "mongodb://db.example:27017"),
        // What cannot be parsed may have its password anywhere.
        ("mongodb://u:hun/ter2@db.example", "mongodb://***"),
        ("mongodb://u:hunter@2@db.example/x", "mongodb://***"),
        ("mongodb://u:hun?ter2@db.example/x", "mongodb://***"),
        ("mongodb://u:hunter2", "mongodb://***"),
        ("mongodb://u:1/hunter2?@db.example", "mongodb://***"),
        ("mongodb://u:@hunter2?x=y@db.example", "mongodb://***"),
        ("mongodb://u:@hunter2/x?authSource=y@db.example", "mongodb://***"),
        ("mongodb://u:x@hunter2\u{0}/x?appName=y@db.example", "mongodb://***"),
        // The driver panics at the second of these.
        ("mongodb://u:%zhunter2@db.example", "mongodb://***"),
        ("mongodb://u:%zé@db.example", "mongodb://***"),
        ("mongodb://u:é@db.example", "mongodb://***@db.example"),
        // A password of digits up to there looks like a port.
        ("mongodb://u:123?4hun=5@db.example/x", "mongodb://***"),
        ("mongodb://u:hun?w=ter2@db.example/x?appName=a", "mongodb://***"),
        // These are of hosts, a database and an option, but may be meant as a password with all of it.
        ("mongodb://u:1/hunter2?appName=x@db.example", "mongodb://***"),
        ("mongodb://u:1/x?appName=hunter2@db.example", "mongodb://***"),
        ("mongodb+srv://u:x@hunter2/?appName=a@b", "mongodb+srv://***"),
        ("mongodb://db.example/x?appName=a%40b", "mongodb://db.example/x"),
        ("redb:data/todos.redb", "redb:data/todos.redb"),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
        assert!(!url.without_secrets().contains("hun"), "{}", url.without_secrets());
    }
}

#[test]
fn the_database_of_the_url_is_used_unless_another_is_asked_for() {
    for (text, asked, place) in [
        ("mongodb://h:1/other", None, "mongodb://h:1/other"),
        ("mongodb://h:1/other?authSource=admin", Some("mine"), "mongodb://h:1/mine"),
        ("mongodb://h:1,i:2/a%2Db", None, "mongodb://h:1,i:2/a-b"),
        ("mongodb://u:p@h:1/?w=majority", None, "mongodb://***@h:1/test"),
        ("mongodb+srv://h.example.org/other", None, "mongodb+srv://h.example.org/other"),
        ("redb:a/b", Some("mine"), "redb:a/b"),
    ] {
        let options = StoreOptions { database: asked.map(str::to_owned), ..StoreOptions::default() };
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.place(&options), place, "{text}");
        let options = StoreOptions { collection: "things".to_owned(), ..options };
        assert_eq!(url.place(&options).contains("things"), text.starts_with("mongodb"));
    }
}

#[test]
fn a_url_for_a_command_line_keeps_its_options() {
    for (text, shown) in [
        ("mongodb://u:p@h:1/x?authSource=admin&tls=true", "mongodb://***@h:1/x?authSource=admin&tls=true"),
        ("mongodb://h:1?replicaSet=rs0", "mongodb://h:1/?replicaSet=rs0"),
        (
            "mongodb://u:p@h:1/?appName=x&authMechanismProperties=TOKEN:secret",
            "mongodb://***@h:1/?appName=x&authMechanismProperties=***",
        ),
    ] {
        assert_eq!(text.parse::<StoreUrl>().unwrap().without_secrets(), shown);
    }
}

#[test]
fn anything_but_the_known_schemes_is_refused_with_what_is_allowed() {
    for text in ["", "mongodb", "mongodb:", "mongodb://", "redb:", "redis://localhost", "data/todos.redb"] {
        let error = text.parse::<StoreUrl>().expect_err(text).to_string();
        assert!(error.contains("mongodb://HOST") && error.contains("redb:PATH"), "{text}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_password_is_shown_whatever_it_is_made_of(
        scheme in prop::sample::select(vec!["mongodb", "mongodb+srv"]),
        before in "[ -~é]{0,6}",
        after in "[ -~é]{0,6}",
        rest in prop::sample::select(vec!["", "/", "/db", "/db?tls=true", "/?authSource=admin", ":27017,b:1/db"]),
    ) {
        let url: StoreUrl = format!("{scheme}://ada:{before}hunter2{after}@db.example{rest}").parse().unwrap();
        for shown in [url.to_string(), format!("{url:?}"), url.without_secrets(), url.place(&StoreOptions::default())] {
            prop_assert!(!shown.contains("hunter2"), "{before:?} {after:?}: {shown}");
        }
    }
}

#[tokio::test]
async fn what_is_said_of_a_url_that_cannot_be_parsed_has_no_part_of_it() {
    for text in [
        "mongodb://u:hunter2?x=1@127.0.0.1:1/x",
        "mongodb://u:123?hunter2=1@127.0.0.1:1/x",
        "mongodb://u:hunter2/3?w=4@127.0.0.1:1/x",
        "mongodb://u:1/hunter2?@127.0.0.1:1",
        "mongodb://u:@hunter2?x=y@127.0.0.1:1",
        "mongodb://u:hunter2@3@127.0.0.1:1/x",
        "mongodb://u:hunter2#3@127.0.0.1:1/x",
        "mongodb://u:hunter2%zz@127.0.0.1:1/x",
        "mongodb://u:pass@127.0.0.1:hunter2/x",
    ] {
        let url: StoreUrl = text.parse().unwrap();
        let error = Store::open(&url, &StoreOptions::default()).await.expect_err(text);
        let said = format!("{url} {error} {error:?} {}", url.without_secrets());
        assert!(
            said.contains("must be percent-encoded") && !said.contains("hunter2") && !said.contains("123"),
            "{said}"
        );
    }
}
