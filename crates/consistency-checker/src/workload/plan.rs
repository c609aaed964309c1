//! `Plan`: which ids there are, and what is drawn next.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::history::Verb;

/// Who asks for what, how often.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Clients.
    pub clients: u32,
    /// Each waits for a random time up to this between an answer and its next request.
    pub pause: Duration,
    /// Ids that most requests are for.
    pub hot_ids: Vec<Arc<str>>,
    /// Ids that the other requests are for.
    pub more_ids: Vec<Arc<str>>,
    /// Ids that somebody writes past the service, too. None: nobody does.
    pub foreign_ids: Vec<Arc<str>>,
    /// How many write past it.
    pub foreign_writers: u32,
    /// Each writer past the service waits for a random time up to this.
    pub foreign_pause: Duration,
    /// How likely each kind of request is.
    pub mix: Mix,
    /// Of a hundred reads, so many ask for what the store holds (`no-cache`).
    pub no_cache_percent: u32,
}

/// Weights of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// `GET`.
    pub get: u32,
    /// `GET` of many todos at once, where the service answers it.
    pub get_many: u32,
    /// `PUT`.
    pub put: u32,
    /// `PATCH`.
    pub patch: u32,
    /// `POST`.
    pub post: u32,
    /// `DELETE`.
    pub delete: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { get: 60, get_many: 6, put: 12, patch: 8, post: 7, delete: 7 }
    }
}

impl Plan {
    /// The usual one, over ids that begin with `name`.
    pub fn new(name: &str) -> Self {
        let ids = |kind: &str, count: u32| (1..=count).map(|i| format!("{name}-{kind}-{i}").into()).collect();
        let mut hot_ids: Vec<Arc<str>> = ids("hot", 3);
        // Whatever an id contains, its cell and its lease belong together.
        hot_ids.push(format!("{name}-hot {{}}%7D").into());
        Self {
            clients: 16,
            pause: Duration::from_millis(4),
            hot_ids,
            more_ids: ids("more", 60),
            foreign_ids: ids("foreign", 8),
            foreign_writers: 1,
            foreign_pause: Duration::from_millis(60),
            mix: Mix::default(),
            no_cache_percent: 8,
        }
    }

    /// Every id.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hot_ids.iter().chain(&self.more_ids).chain(&self.foreign_ids)
    }

    pub(crate) fn draw_id(&self, random: &mut impl Rng) -> Arc<str> {
        let among = match random.random_range(0..100) {
            0..15 if !self.foreign_ids.is_empty() => &self.foreign_ids,
            15..35 if !self.more_ids.is_empty() => &self.more_ids,
            _ => &self.hot_ids,
        };
        Arc::clone(&among[random.random_range(0..among.len())])
    }

    pub(crate) fn draw_request(&self, random: &mut impl Rng) -> Request {
        let Mix { get, get_many, put, patch, post, delete } = self.mix;
        let mut draw = random.random_range(0..get + get_many + put + patch + post + delete);
        let kinds = [
            (get, Request::Get),
            (get_many, Request::GetMany),
            (put, Request::Write(Verb::Put)),
            (patch, Request::Write(Verb::Patch)),
            (post, Request::Write(Verb::Post)),
        ];
        for (weight, kind) in kinds {
            if draw < weight {
                return kind;
            }
            draw -= weight;
        }
        Request::Delete
    }
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Get,
    GetMany,
    Write(Verb),
    Delete,
}
