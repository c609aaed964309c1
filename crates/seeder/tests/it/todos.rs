//! The todos of a seed.

use seeder::todos::{MAX_TEXT, todo, todos};

#[test]
fn the_first_todos_of_seed_42_never_change() {
    let first: Vec<String> = todos(42, 1..4).iter().map(|todo| String::from_utf8(todo.to_json()).unwrap()).collect();
    assert_eq!(
        first,
        [
            r#"{"id":"1","name":"Oran Berge","description":"Consequatur provident molestias doloribus quisquam."}"#,
            r#"{"id":"2","name":"Rey Halvorson","description":"Quibusdam ut ratione in. Neque sapiente explicabo minima reiciendis."}"#,
            r#"{"id":"3","name":"Neoma Bauch","description":"Eum sed est iusto omnis. In quasi tempore facere sed beatae qui."}"#,
        ]
    );
}

#[test]
fn a_todo_depends_on_the_seed_and_its_number_alone() {
    let together = todos(7, 1..501);
    let apart: Vec<_> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..5).map(|n| scope.spawn(move || todos(7, n * 100 + 1..n * 100 + 101))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert_eq!(together, apart);
    let other = todos(8, 1..501);
    let same = together.iter().zip(&other).filter(|(one, other)| one.description == other.description).count();
    assert!(same < 5, "{same} of 500 todos of two seeds have the same description");
}

#[test]
fn every_todo_is_a_name_and_whole_sentences_within_100_characters() {
    let (mut longest, mut shortest, mut names) = (0, MAX_TEXT, std::collections::HashSet::new());
    for n in 1..=100_000 {
        let todo = todo(42, n);
        assert_eq!(todo.id.as_str(), n.to_string());
        todo.check().unwrap();
        assert!(todo.name.split(' ').count() >= 2, "{todo:?}");
        let text = todo.description.unwrap();
        let chars = text.chars().count();
        assert!(chars <= MAX_TEXT && text.ends_with('.') && text.starts_with(char::is_uppercase), "{text:?}");
        (longest, shortest) = (longest.max(chars), shortest.min(chars));
        names.insert(todo.name);
    }
    assert!(longest > 95 && shortest < 40, "{shortest} to {longest} characters");
    assert!(names.len() > 50_000, "{} different names", names.len());
}
