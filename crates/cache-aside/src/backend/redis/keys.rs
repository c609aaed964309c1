//! `Keys`: the names under which Redis holds an id's cell and lease.
//!
//! `{…}` is a hash tag (Redis manual, "Redis cluster specification"): the cell and its lease share a slot, which the
//! scripts need.

use crate::lead::Lead;
use crate::slot::{id_of_tag, tag};

/// Makes the names.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
    channel: String,
    control: String,
    lead: String,
    warming: String,
    incarnation: String,
    probe: String,
    store: String,
}

impl Keys {
    /// `database` is the number of the Redis database: channels carry it, since Redis announces to all databases alike
    /// (Redis manual, "Pub/Sub").
    pub(crate) fn new(prefix: &str, database: i64) -> Self {
        let at = if database == 0 { String::new() } else { format!("@{database}") };
        Self {
            prefix: prefix.to_owned(),
            channel: format!("{prefix}:invalidate{at}"),
            control: format!("{prefix}:control{at}"),
            lead: format!("{prefix}:lead"),
            warming: format!("{prefix}:warming"),
            incarnation: format!("{prefix}:incarnation"),
            probe: format!("{prefix}:probe"),
            store: format!("{prefix}:store"),
        }
    }

    /// Where versions are announced to every node's L1.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// Where the leader of the change stream sends its heartbeats.
    pub(crate) fn control(&self) -> &str {
        &self.control
    }

    /// Who leads.
    pub(crate) fn lead(&self, lead: Lead) -> &str {
        match lead {
            Lead::ChangeStream => &self.lead,
            Lead::Warming => &self.warming,
        }
    }

    /// Which Redis the cells were filled in, and from which moment on they are valid.
    pub(crate) fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// The same of one server of a cluster: with the name of that server, and in a slot that it has.
    pub(crate) fn incarnation_of_part(&self, id: &str, tag: usize) -> String {
        format!("{}:{id}:{{{tag}}}", self.incarnation)
    }

    /// Who leads while the servers are away on which the names before this one lie.
    pub(crate) fn stand_in_lead(&self, lead: Lead, number: usize) -> String {
        let name = self.lead(lead);
        if number == 0 { name.to_owned() } else { format!("{name}:{number}") }
    }

    /// Which store the cells are of.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// First part of every name.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What is written only to find out whether it can be.
    pub(crate) fn probe(&self) -> &str {
        &self.probe
    }

    pub(crate) fn cell(&self, id: &str) -> String {
        let mut key = String::with_capacity(self.prefix.len() + id.len() + 3);
        self.push_cell(&mut key, id);
        key
    }

    /// Appends the name of the cell.
    pub(crate) fn push_cell(&self, key: &mut String, id: &str) {
        let tag = tag(id);
        key.push_str(&self.prefix);
        key.push_str(":{");
        key.push_str(&tag);
        key.push('}');
    }

    /// The id of the cell with this name; `None` for what is no cell.
    pub(crate) fn id(&self, name: &str) -> Option<String> {
        let tag = name.strip_prefix(&self.prefix)?.strip_prefix(":{")?.strip_suffix('}')?;
        Some(id_of_tag(tag))
    }

    /// A pattern (Redis manual, "KEYS") that matches every cell.
    pub(crate) fn every_cell(&self) -> String {
        let mut pattern = String::new();
        for letter in self.prefix.chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern + ":{*}"
    }

    pub(crate) fn lease(&self, id: &str) -> String {
        self.cell(id) + ":lease"
    }

    /// Where a value waits for the put script, which moves it or removes it: a body never passes through Lua.
    pub(crate) fn stage(&self, id: &str, token: &str) -> String {
        self.cell(id) + ":stage:" + token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_braces_keep_one_hash_tag_and_never_collide() {
        let keys = Keys::new("todo", 0);
        assert_eq!(keys.cell("42"), "todo:{42}");
        assert_eq!(keys.lease("}"), "todo:{%7D}:lease");
        assert_ne!(keys.cell("}"), keys.cell("%7D"));
        for id in ["42", "}", "%7D", "%", "{}", ""] {
            assert_eq!(keys.id(&keys.cell(id)).as_deref(), Some(id));
        }
        assert_eq!(keys.id(&keys.lease("42")), None);
    }

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(Keys::new("a*b", 0).every_cell(), r"a\*b:{*}");
    }
}
