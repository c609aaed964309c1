//! `key`: one id of several parts.

/// Makes one id of several parts: `key(["user", "7", "posts"])` is `user:7:posts`.
///
/// Two different lists of parts never make the same id: in each part `%` becomes `%25` and `:` becomes `%3A`, and an empty
/// part is a single `%`.
///
/// ```
/// use cache_aside::key;
/// assert_eq!(key(["user", "7", "posts"]), "user:7:posts");
/// assert_ne!(key(["a:b", "c"]), key(["a", "b:c"]));
/// ```
pub fn key<P: AsRef<str>>(parts: impl IntoIterator<Item = P>) -> String {
    let mut id = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            id.push(':');
        }
        match part.as_ref() {
            "" => id.push('%'),
            part => part.chars().for_each(|letter| match letter {
                '%' => id.push_str("%25"),
                ':' => id.push_str("%3A"),
                other => id.push(other),
            }),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_parts_make_different_ids() {
        let parts = ["", "a", ":", "%", "%25", "%3A", "a:", ":a", "a:a"];
        let mut lists: Vec<Vec<&str>> = vec![vec![]];
        for one in parts {
            lists.push(vec![one]);
            for two in parts {
                lists.push(vec![one, two]);
                lists.extend(parts.map(|three| vec![one, two, three]));
            }
        }
        let ids: HashSet<String> = lists.iter().map(key).collect();
        assert_eq!(ids.len(), lists.len());
    }
}
