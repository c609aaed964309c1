//! Store URLs.

use todo_store::StoreUrl;

#[test]
fn passwords_in_urls_are_never_shown() {
    for (text, shown) in [
        ("mongodb://u:hunter2@db.example:27017/?replicaSet=rs0", "mongodb://***@db.example:27017/"),
        ("mongodb://u:hun/ter2@db.example", "mongodb://***@db.example"),
        ("mongodb://u:hunter@2@db.example/x", "mongodb://***@db.example/x"),
        ("mongodb+srv://u:hunter2@db.example", "mongodb+srv://***@db.example"),
        ("mongodb://db.example:27017", "mongodb://db.example:27017"),
        ("redb:data/todos.redb", "redb:data/todos.redb"),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
    }
}

#[test]
fn anything_but_the_known_schemes_is_refused_with_what_is_allowed() {
    for text in ["", "mongodb", "mongodb:", "mongodb://", "redb:", "redis://localhost", "data/todos.redb"] {
        let error = text.parse::<StoreUrl>().expect_err(text).to_string();
        assert!(error.contains("mongodb://HOST") && error.contains("redb:PATH"), "{text}: {error}");
    }
}
