//! What holds in both stores.

use todo_model::{Todo, TodoPatch, Version};
use todo_store::{Precondition, Store, StoreError, Versioned};

use crate::support::{id, todo};

macro_rules! in_both_stores {
    ($($name:ident)*) => {
        mod mongo {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::mongo().await.store).await })*
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let guard = crate::support::embedded().await;
                super::$name(guard.store.clone()).await
            })*
        }
    };
}

in_both_stores! {
    what_is_created_is_found
    an_id_can_be_created_once
    of_a_hundred_creates_of_one_id_one_wins
    a_replace_says_whether_it_created
    a_replace_happens_only_if_the_todo_is_as_expected
    a_patch_changes_what_it_names
    a_patch_happens_only_if_the_todo_is_as_expected
    concurrent_patches_of_one_todo_are_all_there
    a_delete_takes_the_todo_away_once
    a_delete_happens_only_if_the_todo_is_as_expected
    versions_rise_over_every_write_also_over_deletes
    any_text_is_text
    many_are_inserted_at_once
    of_a_batch_with_a_taken_id_the_others_are_in
    clear_leaves_nothing_and_the_ids_stay_unique
    it_answers
    the_ids_that_are_read_most_are_kept_and_are_no_todos
}

async fn found(store: &Store, text: &str) -> Option<Versioned> {
    store.find(&id(text)).await.unwrap()
}

fn patch(name: Option<&str>, description: Option<Option<&str>>) -> TodoPatch {
    TodoPatch {
        id: None,
        name: name.map(str::to_owned),
        description: description.map(|description| description.map(str::to_owned)),
    }
}

async fn what_is_created_is_found(store: Store) {
    assert_eq!(found(&store, "1").await, None);
    let other = Todo { id: id("3"), ..todo("new") };
    let version = store.create_under_new_id(&other).await.unwrap();
    assert_eq!(found(&store, "3").await, Some(Versioned { todo: other.clone(), version }));
    assert!(matches!(store.create_under_new_id(&other).await, Err(StoreError::Exists(_))));
    let version = store.create(&todo("one")).await.unwrap();
    assert_eq!(found(&store, "1").await, Some(Versioned { todo: todo("one"), version }));
    assert_eq!(found(&store, "2").await, None);
    assert!(version > Version::UNVERSIONED && version <= Version::MAX);
}

async fn an_id_can_be_created_once(store: Store) {
    let version = store.create(&todo("one")).await.unwrap();
    let again = store.create(&todo("two")).await;
    assert!(matches!(&again, Err(StoreError::Exists(taken)) if taken.as_str() == "1"), "{again:?}");
    assert_eq!(found(&store, "1").await, Some(Versioned { todo: todo("one"), version }));
}

async fn of_a_hundred_creates_of_one_id_one_wins(store: Store) {
    let creates: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.create(&todo(&format!("number {n}"))).await })
        })
        .collect();
    let mut won = Vec::new();
    for (n, create) in creates.into_iter().enumerate() {
        match create.await.unwrap() {
            Ok(version) => won.push((n, version)),
            Err(StoreError::Exists(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let [(n, version)] = won[..] else { panic!("{} won", won.len()) };
    assert_eq!(found(&store, "1").await, Some(Versioned { todo: todo(&format!("number {n}")), version }));
}

async fn a_replace_says_whether_it_created(store: Store) {
    let first = store.replace(&todo("one"), &Precondition::None).await.unwrap();
    assert!(first.created);
    let second = store.replace(&Todo { description: None, ..todo("two") }, &Precondition::None).await.unwrap();
    assert!(!second.created && second.version > first.version);
    let now = found(&store, "1").await.unwrap();
    assert_eq!((now.version, now.todo.description), (second.version, None));
}

async fn a_replace_happens_only_if_the_todo_is_as_expected(store: Store) {
    let nothing = Versioned { todo: todo("one"), version: Version(7) };
    let missing = store.replace(&todo("two"), &Precondition::Unchanged(nothing)).await;
    assert!(matches!(missing, Err(StoreError::Conflict(_))), "{missing:?}");

    assert!(store.replace(&todo("one"), &Precondition::Absent).await.unwrap().created);
    let there = store.replace(&todo("two"), &Precondition::Absent).await;
    assert!(matches!(there, Err(StoreError::Conflict(_))), "{there:?}");

    let old = found(&store, "1").await.unwrap();
    store.replace(&todo("two"), &Precondition::Unchanged(old.clone())).await.unwrap();
    let late = store.replace(&todo("three"), &Precondition::Unchanged(old)).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");

    let now = found(&store, "1").await.unwrap();
    let other = Versioned { todo: todo("not two"), ..now };
    let content = store.replace(&todo("three"), &Precondition::Unchanged(other)).await;
    assert!(matches!(content, Err(StoreError::Conflict(_))), "the content counts, too: {content:?}");
    assert_eq!(found(&store, "1").await.unwrap().todo, todo("two"));
}

async fn a_patch_changes_what_it_names(store: Store) {
    store.create(&todo("one")).await.unwrap();
    let named = store.patch(&id("1"), &patch(Some("two"), None), &Precondition::None).await.unwrap();
    assert_eq!(named.todo, todo("two"));
    let cleared = store.patch(&id("1"), &patch(None, Some(None)), &Precondition::None).await.unwrap();
    assert_eq!(cleared.todo, Todo { description: None, ..todo("two") });
    assert!(cleared.version > named.version);
    assert_eq!(found(&store, "1").await, Some(cleared));
    let missing = store.patch(&id("2"), &patch(Some("two"), None), &Precondition::None).await;
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "{missing:?}");
}

async fn a_patch_happens_only_if_the_todo_is_as_expected(store: Store) {
    store.create(&todo("one")).await.unwrap();
    let old = found(&store, "1").await.unwrap();
    let expect = Precondition::Unchanged(old);
    store.patch(&id("1"), &patch(Some("two"), None), &expect).await.unwrap();
    let late = store.patch(&id("1"), &patch(Some("three"), None), &expect).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    assert_eq!(found(&store, "1").await.unwrap().todo, todo("two"));
}

async fn concurrent_patches_of_one_todo_are_all_there(store: Store) {
    store.create(&todo("")).await.unwrap();
    let patches: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                loop {
                    let now = store.find(&id("1")).await.unwrap().unwrap();
                    let name = format!("{},{n}", now.todo.name);
                    match store.patch(&id("1"), &patch(Some(&name), None), &Precondition::Unchanged(now)).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    for patch in patches {
        patch.await.unwrap();
    }
    let name = found(&store, "1").await.unwrap().todo.name;
    let mut numbers: Vec<u32> = name.split(',').skip(1).map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}

async fn a_delete_takes_the_todo_away_once(store: Store) {
    let version = store.create(&todo("one")).await.unwrap();
    let gone = store.delete(&id("1"), &Precondition::None).await.unwrap();
    assert!(gone > version, "the absence is newer");
    assert_eq!(found(&store, "1").await, None);
    let again = store.delete(&id("1"), &Precondition::None).await;
    assert!(matches!(again, Err(StoreError::NotFound(_))), "{again:?}");
}

async fn a_delete_happens_only_if_the_todo_is_as_expected(store: Store) {
    store.create(&todo("one")).await.unwrap();
    let old = found(&store, "1").await.unwrap();
    store.patch(&id("1"), &patch(Some("two"), None), &Precondition::None).await.unwrap();
    let late = store.delete(&id("1"), &Precondition::Unchanged(old)).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let now = found(&store, "1").await.unwrap();
    store.delete(&id("1"), &Precondition::Unchanged(now)).await.unwrap();
    assert_eq!(found(&store, "1").await, None);
}

async fn versions_rise_over_every_write_also_over_deletes(store: Store) {
    let mut last = Version::UNVERSIONED;
    for round in 0..10 {
        let created = store.create(&todo("one")).await.unwrap();
        assert!(created > last, "round {round}: {created} is not above {last}");
        let replaced = store.replace(&todo("two"), &Precondition::None).await.unwrap().version;
        let patched = store.patch(&id("1"), &patch(Some("three"), None), &Precondition::None).await.unwrap().version;
        let deleted = store.delete(&id("1"), &Precondition::None).await.unwrap();
        assert!(created < replaced && replaced < patched && patched < deleted);
        last = deleted;
    }
}

async fn any_text_is_text(store: Store) {
    let texts = ["$v", "$$NOW", "$name", "$$ROOT", "{\"$set\":1}", "a.b", "", "\u{0}", "ä\u{1F600}", "  ", "'\"\\"];
    for (n, text) in texts.iter().enumerate() {
        let name = if text.is_empty() { "name" } else { text };
        let first = Todo { id: id(&format!("id {n}")), name: name.to_owned(), description: Some((*text).to_owned()) };
        store.create(&first).await.unwrap();
        assert_eq!(store.find(&first.id).await.unwrap().unwrap().todo, first);
        let second = Todo { description: Some(format!("{text}{text}")), ..first.clone() };
        store.replace(&second, &Precondition::None).await.unwrap();
        let now = store.find(&first.id).await.unwrap().unwrap();
        assert_eq!(now.todo, second);
        store.patch(&first.id, &patch(Some(name), Some(Some(text))), &Precondition::Unchanged(now)).await.unwrap();
        assert_eq!(store.find(&first.id).await.unwrap().unwrap().todo, first);
    }
    for odd in ["$id", "a.b", "{}", "ä\u{1F600}", "%2F", &"x".repeat(128)] {
        let todo = Todo { id: id(odd), ..todo("odd") };
        store.create(&todo).await.unwrap();
        assert_eq!(found(&store, odd).await.unwrap().todo, todo);
    }
}

fn many(numbers: impl Iterator<Item = u32>) -> Vec<Todo> {
    numbers.map(|n| Todo { id: id(&n.to_string()), ..todo("many") }).collect()
}

async fn many_are_inserted_at_once(store: Store) {
    store.insert_many(&[]).await.unwrap();
    store.insert_many(&many(1..=2_500)).await.unwrap();
    assert_eq!(store.count().await.unwrap(), 2_500);
    let some = store.find_many(&[id("1"), id("2500"), id("2501")]).await.unwrap();
    let mut ids: Vec<_> = some.iter().map(|found| found.todo.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2500"]);
    assert!(some.iter().all(|found| found.version > Version::UNVERSIONED && found.todo.name == "many"));
    let each = store.find_each(&[id("1"), id("2501")]).await.unwrap();
    assert_eq!(each.into_iter().map(|one| one.unwrap().todo.id).collect::<Vec<_>>(), [id("1")]);
    let seeded = found(&store, "7").await.unwrap().version;
    let patched = store.patch(&id("7"), &patch(Some("new"), None), &Precondition::None).await.unwrap().version;
    let deleted = store.delete(&id("7"), &Precondition::None).await.unwrap();
    let created = store.create(&many(7..=7)[0]).await.unwrap();
    assert!(seeded < patched && patched < deleted && deleted < created);
}

async fn of_a_batch_with_a_taken_id_the_others_are_in(store: Store) {
    store.create(&todo("first")).await.unwrap();
    let error = store.insert_many(&many(0..=20)).await;
    assert!(matches!(&error, Err(StoreError::Exists(taken)) if taken.as_str() == "1"), "{error:?}");
    assert_eq!(store.count().await.unwrap(), 21);
    assert_eq!(found(&store, "1").await.unwrap().todo.name, "first");
}

async fn clear_leaves_nothing_and_the_ids_stay_unique(store: Store) {
    store.insert_many(&many(0..100)).await.unwrap();
    let before = found(&store, "1").await.unwrap().version;
    store.clear().await.unwrap();
    assert_eq!(store.count().await.unwrap(), 0);
    let after = store.create(&todo("one")).await.unwrap();
    assert!(after > before);
    assert!(matches!(store.create(&todo("two")).await, Err(StoreError::Exists(_))));
}

async fn it_answers(store: Store) {
    store.ping().await.unwrap();
}

async fn the_ids_that_are_read_most_are_kept_and_are_no_todos(store: Store) {
    assert_eq!(store.hot_ids("todo").await.unwrap(), Vec::<String>::new());
    // More than one message of MongoDB is read at a time, and an id is any text.
    let ids: Vec<String> = (0..10_000).rev().map(|number| format!("{number} $v.{{}}")).collect();
    store.save_hot_ids("todo", &ids).await.unwrap();
    assert_eq!(store.hot_ids("todo").await.unwrap(), ids, "in their order");
    store.save_hot_ids("todo", &ids[..3]).await.unwrap();
    assert_eq!(store.hot_ids("todo").await.unwrap(), &ids[..3]);
    assert_eq!(store.count().await.unwrap(), 0);
    assert_eq!(found(&store, "1").await, None);
}
