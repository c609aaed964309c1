//! Which todos a seed makes, and that they arrive.

use seeder::todos::{MAX_TEXT, todo, todos};

use crate::support::{embedded, mongo, said};

#[test]
fn the_first_todos_of_seed_42_are_these() {
    let first: Vec<String> = todos(42, 1..4).iter().map(|todo| String::from_utf8(todo.to_json()).unwrap()).collect();
    assert_eq!(first, PINNED, "todos of earlier runs would not be recognised by --resume");
}

#[test]
fn a_todo_depends_on_its_seed_and_number_alone() {
    let all = todos(7, 1..1_001);
    assert_eq!(all[499], todo(7, 500));
    assert_eq!(all, [todos(7, 1..300), todos(7, 300..1_001)].concat());
    assert_ne!(todo(7, 500).name, todo(8, 500).name);
}

#[test]
fn a_hundred_thousand_todos_are_within_their_limits_and_differ() {
    let all = todos(1, 1..100_001);
    let mut descriptions = std::collections::HashSet::new();
    for (n, todo) in (1..).zip(&all) {
        let text = todo.description.as_deref().unwrap();
        todo.check().unwrap();
        assert_eq!(todo.id.as_str(), n.to_string());
        assert!((1..=MAX_TEXT).contains(&text.chars().count()), "{text}");
        assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "whole sentences: {text}");
        assert!(todo.name.contains(' '), "a person's name: {}", todo.name);
        descriptions.insert(text);
    }
    assert!(descriptions.len() > 99_000, "{} different texts", descriptions.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_twice_makes_the_same_todos_in_either_store_with_any_number_of_jobs() {
    let (count, number) = (2_500, "2500");
    for (place, jobs) in [(mongo(), "1"), (mongo(), "8"), (embedded(), "1"), (embedded(), "3")] {
        let output = place.generate(&["--count", number, "--seed", "9", "--jobs", jobs]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(line.starts_with("2500 todos written in ") && line.trim_end().ends_with(" todos/s"), "{line}");
        assert_eq!(place.todos(count).await, todos(9, 1..count + 1));
        assert_eq!(place.count().await, count);
    }
}

const PINNED: [&str; 3] = [
    r#"{"id":"1","name":"Oran Berge","description":"Consequatur provident molestias doloribus quisquam."}"#,
    r#"{"id":"2","name":"Rey Halvorson","description":"Quibusdam ut ratione in. Neque sapiente explicabo minima reiciendis."}"#,
    r#"{"id":"3","name":"Neoma Bauch","description":"Eum sed est iusto omnis. In quasi tempore facere sed beatae qui."}"#,
];
