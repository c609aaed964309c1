//! What a collection is called among processes that share a cache: the set, its members, and the collection, the same whatever
//! way they were reached.

use mongodb::bson::{Bson, Document};

/// By what the server says of itself, not by the connection string.
pub(super) fn identity(hello: &Document, database: &str, collection: &str) -> String {
    let set = hello.get_str("setName").unwrap_or("standalone");
    let mut hosts: Vec<&str> = hello.get_array("hosts").into_iter().flatten().filter_map(Bson::as_str).collect();
    hosts.sort_unstable();
    format!("mongodb {set} {} {database}.{collection}", hosts.join(","))
}

/// Whether both are of one collection: members come and go, but sets that have one in common are one.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Some(one), Some(other)) = (parts(one), parts(other)) else { return false };
    one.set == other.set
        && one.collection == other.collection
        && one.hosts.split(',').any(|host| !host.is_empty() && other.hosts.split(',').any(|known| known == host))
}

struct Parts<'a> {
    set: &'a str,
    hosts: &'a str,
    collection: &'a str,
}

fn parts(identity: &str) -> Option<Parts<'_>> {
    let mut words = identity.strip_prefix("mongodb ")?.splitn(3, ' ');
    Some(Parts { set: words.next()?, hosts: words.next()?, collection: words.next()? })
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn a_set_is_the_same_as_long_as_it_keeps_a_member() {
        let of = |hosts: &[&str]| identity(&doc! { "setName": "rs0", "hosts": hosts }, "test", "todos");
        let three = of(&["c:1", "a:1", "b:1"]);
        assert_eq!(three, "mongodb rs0 a:1,b:1,c:1 test.todos");
        for (other, same) in [
            (three.clone(), true),
            (of(&["a:1", "b:1", "c:1", "d:1"]), true),
            (of(&["c:1"]), true),
            (of(&["d:1", "e:1"]), false),
            (of(&["a:10"]), false),
            (of(&[]), false),
            (three.replace("rs0", "rs1"), false),
            (three.replace("test.todos", "test.others"), false),
            (identity(&doc! {}, "test", "todos"), false),
            ("redb /a:1".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_same(&three, &other), same, "{other}");
            assert_eq!(is_same(&other, &three), same, "{other}");
        }
    }
}
