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
        wanted: Namespace,
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
pub fn choose(there: &[(Namespace, Kind)], wanted: Option<&Namespace>) -> Result<Namespace, ChoiceError> {
    let all = || sorted(there.iter().map(|(namespace, _)| namespace.clone()).collect());
    let (namespace, kind) = match wanted {
        Some(wanted) => {
            let found = there.iter().find(|(namespace, _)| namespace == wanted);
            found.ok_or_else(|| match there {
                [] => ChoiceError::None,
                _ => ChoiceError::Missing { wanted: wanted.clone(), there: all() },
            })?
        }
        None => {
            let mut own: Vec<_> = there.iter().filter(|(namespace, _)| !namespace.is_system()).collect();
            if own.iter().any(|(namespace, _)| namespace.collection == "todos") {
                own.retain(|(namespace, _)| namespace.collection == "todos");
            }
            match own[..] {
                [] => return Err(ChoiceError::None),
                [one] => one,
                _ => return Err(ChoiceError::Several(sorted(own.into_iter().map(|(name, _)| name.clone()).collect()))),
            }
        }
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
        let choice = |name: &str| choose(&all, Some(&name.parse().expect("a namespace")));
        assert_eq!(choice("a.b.c"), Ok(Namespace::new("a", "b.c")));
        let missing = choice("b.todos").expect_err("it is not there").to_string();
        assert_eq!(missing, "there is no b.todos in it, but a.b.c, a.times, a.todos, a.view");
        assert!(matches!(choice("a.view"), Err(ChoiceError::View(_))));
        assert!(matches!(choice("a.times"), Err(ChoiceError::TimeSeries(_))));
        assert!("todos".parse::<Namespace>().is_err() && ".x".parse::<Namespace>().is_err());
    }
}
