//! A namespace is a database and a collection, written `db.collection`; which one is restored is never guessed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A database and a collection. Databases have no dot in their names, collections may.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace {
    /// The database.
    pub database: String,
    /// The collection.
    pub collection: String,
}

/// The text names no namespace.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be DATABASE.COLLECTION")]
pub struct NamespaceError;

impl Namespace {
    /// Of these two names.
    pub fn new(database: impl Into<String>, collection: impl Into<String>) -> Self {
        Self { database: database.into(), collection: collection.into() }
    }

    /// Whether it is MongoDB's own (MongoDB manual, "System Collections").
    fn is_system(&self) -> bool {
        matches!(self.database.as_str(), "admin" | "config" | "local" | "") || self.collection.starts_with("system.")
            // Users and roles of one database (`mongodump --dumpDbUsersAndRoles`).
            || self.collection.starts_with('$')
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        match text.split_once('.') {
            Some((database, collection)) if !database.is_empty() && !collection.is_empty() => {
                Ok(Self::new(database, collection))
            }
            _ => Err(NamespaceError),
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.database.as_str() {
            // The log of changes during the dump belongs to no database.
            "" => f.write_str(&self.collection),
            database => write!(f, "{database}.{}", self.collection),
        }
    }
}

/// A namespace that is asked for: `*` stands for any text, `\\*` for itself, as in `mongorestore --nsInclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Namespace);

impl Pattern {
    /// Whether it could be more than one.
    fn is_open(&self) -> bool {
        let text = self.0.to_string().replace("\\\\", "").replace("\\*", "");
        text.contains('*')
    }

    pub(crate) fn matches(&self, namespace: &Namespace) -> bool {
        self.0 == *namespace || matches(self.0.to_string().as_bytes(), namespace.to_string().as_bytes())
    }
}

impl FromStr for Pattern {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        text.parse().map(Self)
    }
}

impl From<Namespace> for Pattern {
    fn from(namespace: Namespace) -> Self {
        Self(namespace)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Goes back to the last star when a text does not go on as the pattern does.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        let escapes = usize::from(pattern.get(p) == Some(&b'\\') && p + 1 < pattern.len());
        if escapes == 0 && pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
        } else if pattern.get(p + escapes) == Some(&text[t]) {
            (p, t) = (p + escapes + 1, t + 1);
        } else if let Some((behind, from)) = star {
            star = Some((behind, from + 1));
            (p, t) = (behind, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// What kind of namespace a dump says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds documents of its own.
    Collection,
    /// A query with a name: a dump has its definition, not its documents.
    View,
    /// Its documents are packed in buckets, which only MongoDB unpacks.
    TimeSeries,
}

/// No namespace of the dump can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// The dump holds nothing.
    #[error("there is no collection in it")]
    None,
    /// More than one could be meant.
    #[error("more than one collection could be meant: choose one with --ns: {}", list(.0))]
    Several(Vec<Namespace>),
    /// The one that was asked for is not there.
    #[error("there is no {wanted} in it, but {}", list(.there))]
    Missing {
        /// What `--ns` says.
        wanted: Pattern,
        /// What there is.
        there: Vec<Namespace>,
    },
    /// A view.
    #[error("{0} is a view: it has no documents of its own; restore the collection it is made from")]
    View(Namespace),
    /// A time-series collection.
    #[error("{0} is a time-series collection, whose documents are packed in buckets: use mongorestore for it")]
    TimeSeries(Namespace),
}

/// The namespace to restore: `wanted`, else the only one whose collection is called `todos`, else the only one.
///
/// # Errors
/// [`ChoiceError`] names what there is.
pub fn choose(there: &[(Namespace, Kind)], wanted: Option<&Pattern>) -> Result<Namespace, ChoiceError> {
    let sorted_names =
        |some: &[&(Namespace, Kind)]| sorted(some.iter().map(|(namespace, _)| namespace.clone()).collect());
    let mut own: Vec<_> = match wanted {
        Some(wanted) => there.iter().filter(|(namespace, _)| wanted.matches(namespace)).collect(),
        None => there.iter().filter(|(namespace, _)| !namespace.is_system()).collect(),
    };
    // A name that is given in full is that one, also where it is a pattern for others.
    if let Some(exact) = wanted.and_then(|wanted| own.iter().position(|(namespace, _)| *namespace == wanted.0)) {
        own = vec![own[exact]];
    }
    let is_called_todos = |(namespace, _): &&(Namespace, Kind)| namespace.collection == "todos";
    if wanted.is_none_or(Pattern::is_open) && own.iter().any(is_called_todos) {
        own.retain(is_called_todos);
    }
    let (namespace, kind) = match (&own[..], wanted) {
        ([one], _) => one,
        ([], Some(wanted)) if !there.is_empty() => {
            let there = sorted_names(&there.iter().collect::<Vec<_>>());
            return Err(ChoiceError::Missing { wanted: wanted.clone(), there });
        }
        ([], _) => return Err(ChoiceError::None),
        (several, _) => return Err(ChoiceError::Several(sorted_names(several))),
    };
    match kind {
        Kind::Collection => Ok(namespace.clone()),
        Kind::View => Err(ChoiceError::View(namespace.clone())),
        Kind::TimeSeries => Err(ChoiceError::TimeSeries(namespace.clone())),
    }
}

/// A dump has them in no order that means anything.
fn sorted(mut all: Vec<Namespace>) -> Vec<Namespace> {
    all.sort();
    all
}

/// A dump may hold thousands; a line may not.
const LISTED: usize = 20;

fn list(all: &[Namespace]) -> String {
    let mut names: Vec<_> = all.iter().take(LISTED).map(ToString::to_string).collect();
    if all.len() > LISTED {
        names.push(format!("and {} more", all.len() - LISTED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(names: &[&str]) -> Vec<(Namespace, Kind)> {
        names.iter().map(|name| (name.parse().expect("a namespace"), Kind::Collection)).collect()
    }

    #[test]
    fn the_only_todos_is_taken_else_the_only_collection() {
        let choice = |names: &[&str]| choose(&there(names), None).map(|chosen| chosen.to_string());
        assert_eq!(choice(&["test.users", "test.todos", "admin.todos"]), Ok("test.todos".to_owned()));
        assert_eq!(choice(&["admin.system.version", "shop.items"]), Ok("shop.items".to_owned()));
        assert_eq!(choice(&["admin.system.version"]), Err(ChoiceError::None));
        let several = choice(&["a.todos", "b.todos", "b.users"]).expect_err("nothing is guessed");
        assert!(several.to_string().ends_with("--ns: a.todos, b.todos"), "{several}");
        assert!(matches!(choice(&["a.x", "a.y"]), Err(ChoiceError::Several(all)) if all.len() == 2));
    }

    #[test]
    fn what_was_asked_for_must_be_there_and_be_a_collection() {
        let mut all = there(&["a.todos", "a.b.c"]);
        all.push((Namespace::new("a", "view"), Kind::View));
        all.push((Namespace::new("a", "times"), Kind::TimeSeries));
        let choice = |name: &str| choose(&all, Some(&name.parse().expect("a pattern")));
        assert_eq!(choice("a.b.c"), Ok(Namespace::new("a", "b.c")));
        let missing = choice("b.todos").expect_err("it is not there").to_string();
        assert_eq!(missing, "there is no b.todos in it, but a.b.c, a.times, a.todos, a.view");
        assert!(matches!(choice("a.view"), Err(ChoiceError::View(_))));
        assert!(matches!(choice("a.times"), Err(ChoiceError::TimeSeries(_))));
        assert_eq!(choice("*.b.c"), Ok(Namespace::new("a", "b.c")));
        assert_eq!(choice("a.*"), Ok(Namespace::new("a", "todos")), "of several, the one called todos");
        assert!(matches!(choice("a.*i*"), Err(ChoiceError::Several(all)) if all.len() == 2));
        assert!("todos".parse::<Namespace>().is_err() && ".x".parse::<Namespace>().is_err());
    }

    #[test]
    fn a_star_stands_for_any_text_and_can_be_escaped() {
        for (pattern, text, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("*.todos", "shop.todos", true),
            ("*.todos", "shop.todos.old", false),
            ("s*.t*s", "shop.todos", true),
            ("a.*", "a.", true),
            ("a.**b*", "a.xbybz", true),
            ("a.\\*", "a.*", true),
            ("a.\\*", "a.x", false),
            ("a.\\\\", "a.\\", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
