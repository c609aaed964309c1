//! Each script beside the rule that it repeats: the same answer, cell, lease and announcements.

use cache_aside::cell::Kind;
use cache_aside::lease::{Lease, LeaseEntry, MAX_ENTRIES};
use cache_aside::rules::{self, Announcement, CellChange, LeaseResult, Offer, PutResult};
use deadpool_redis::redis::{Script, cmd};

use super::{Attempt, Before, FUTURE, Invalidation, LEASE_MS, MINE, Put, Slot};

impl Slot {
    /// Runs a put, and compares everything it did with what the rules say.
    pub(crate) fn check_put(&mut self, script: &Script, (before, offer, token, since): Put) -> Result<(), String> {
        self.prepare(&before);
        let now_ms = self.now_ms();
        let (cell, own) = (before.known(since), before.lease.notes(token, now_ms));
        let expected = rules::put(cell, own, offer);
        let word = match expected.result {
            PutResult::Stored => "stored",
            PutResult::Raised => "raised",
            PutResult::Refused => "refused",
        };
        Self::agree("the answer", &self.put(script, offer, token, since)?, &word.to_owned())?;
        let stored = expected.result == PutResult::Stored;
        let mut lease = before.lease.clone();
        lease.release(token);
        lease.note(offer, now_ms);
        let wakes = lease.wakes(stored);
        self.check_after(&before, expected.cell, &lease)?;
        if let (Some(cell), CellChange::Set(_)) = (self.cell()?, expected.cell) {
            let body = if stored && cell.kind == Kind::Value { &b"new body"[..] } else { b"" };
            Self::agree("the body", &&cell.body[..], &body)?;
            let filled_at = if stored { 2 } else { self.now_ms() };
            Self::agree("it was filled at its time", &(cell.filled_at_ms.abs_diff(filled_at) < 60_000), &true)?;
        }
        let announced = expected.announce.map(|announcement| match announcement {
            Announcement::Value(version) => format!("V{version:016}id"),
            Announcement::Absence(version) => format!("N{version:016}id"),
        });
        let mut announced: Vec<String> = announced.into_iter().collect();
        announced.extend(wakes.then(|| "Wid".to_owned()));
        Self::agree("announced", &self.announcements(), &announced)?;
        Self::agree("left on the stage", &self.is_staged(), &false)
    }

    /// As [`Slot::check_put`], of an invalidation.
    pub(crate) fn check_invalidation(
        &mut self,
        script: &Script,
        (before, version, since): Invalidation,
    ) -> Result<(), String> {
        let cell = rules::invalidate(before.known(since), version);
        self.prepare(&before);
        let answer = self.invalidate(script, version, since)?;
        let changes = cell != CellChange::Keep;
        Self::agree("the answer", &answer, &if changes { "raised" } else { "kept" }.to_owned())?;
        let mut lease = before.lease.clone();
        lease.note(Offer::Value(version), self.now_ms());
        self.check_after(&before, cell, &lease)?;
        if let (true, Some(cell)) = (changes, self.cell()?) {
            Self::agree("it was filled now", &(cell.filled_at_ms.abs_diff(self.now_ms()) < 60_000), &true)?;
        }
        let announced = changes.then(|| format!("V{version:016}id"));
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())
    }

    /// As [`Slot::check_put`], of a reader's attempt to get the lease.
    pub(crate) fn check_lease(&mut self, script: &Script, (before, saw_it): Attempt) -> Result<(), String> {
        self.prepare(&before);
        let held = before.lease.held(self.now_ms());
        let expected = rules::lease(before.cell.map(|cell| cell.kind), saw_it == Some(false), held);
        let seen = match (saw_it, before.cell) {
            (None, _) => "*".to_owned(),
            (Some(true), Some(_)) => {
                let bytes = self.cell()?.map(|cell| cell.encode()).unwrap_or_default();
                String::from_utf8(bytes[1..32].to_vec()).unwrap()
            }
            (Some(true), None) => String::new(),
            // A cell of another moment; or one, where there is none now.
            (Some(false), _) => format!("V{:016}{:014}", 1, 0),
        };
        let answer = self.lease(script, MINE, &seen)?;
        let mut lease = before.lease.clone();
        match expected {
            LeaseResult::Taken => lease.fill(MINE, self.now_ms(), FUTURE),
            LeaseResult::Held { .. } => lease.waiting = true,
            LeaseResult::Filled => {}
        }
        let right = match expected {
            LeaseResult::Taken => answer == "taken",
            LeaseResult::Filled => answer == "filled",
            LeaseResult::Held { .. } => {
                let left = answer.strip_prefix("held ").and_then(|left| left.parse::<u64>().ok()).unwrap_or_default();
                left.abs_diff(FUTURE - self.now_ms()) < 60_000
            }
        };
        Self::agree(&format!("{answer} is the answer for {expected:?}"), &right, &true)?;
        self.check_after(&before, CellChange::Keep, &lease)
    }

    /// As [`Slot::check_put`], of a writer that enters the lease.
    pub(crate) fn check_write(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        let mut lease = before.lease.clone();
        lease.write(MINE, self.now_ms(), FUTURE);
        self.enter(script)?;
        self.check_after(&before, CellChange::Keep, &lease)
    }

    /// Enters the lease as a writer.
    pub(crate) fn enter(&mut self, script: &Script) -> Result<String, String> {
        let mut call = script.key(&self.lease);
        call.arg(MINE).arg(LEASE_MS).arg(47 * MAX_ENTRIES);
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    /// As [`Slot::check_put`], of an entry that is given back.
    pub(crate) fn check_release(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        let mut lease = before.lease.clone();
        let wakes = lease.release(MINE) && lease.wakes(false);
        let mut call = script.key(&self.lease);
        call.arg(MINE).arg(&self.control).arg("id");
        call.invoke::<u8>(&mut self.redis).map_err(|error| error.to_string())?;
        self.check_after(&before, CellChange::Keep, &lease)?;
        let announced = wakes.then(|| "Wid".to_owned());
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())
    }

    /// As [`Slot::check_put`], of a removal.
    pub(crate) fn check_removal(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        self.remove_prepared(script)?;
        let mut announced = vec![format!("D{:016}id", 0)];
        announced.extend(before.lease.waiting.then(|| "Wid".to_owned()));
        Self::agree("announced", &self.announcements(), &announced)
    }

    /// Removes whatever is there.
    pub(crate) fn remove_prepared(&mut self, script: &Script) -> Result<(), String> {
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(&self.channel).arg("id").arg(&self.control);
        call.invoke::<String>(&mut self.redis).map_err(|error| error.to_string())?;
        let left: u64 = cmd("EXISTS").arg(&self.cell).arg(&self.lease).query(&mut self.redis).unwrap();
        Self::agree("what is left", &left, &0)
    }

    fn check_after(&mut self, before: &Before, cell: CellChange, lease: &Lease<&str>) -> Result<(), String> {
        let state = match cell {
            CellChange::Keep => before.cell,
            CellChange::Set(state) => Some(state),
        };
        Self::agree("the cell", &self.state()?, &state)?;
        if cell != CellChange::Keep {
            let key = self.cell.clone();
            Self::agree("a changed cell ends by itself", &self.ends_by_itself(&key), &true)?;
        }
        let entries = lease.entries.iter().map(|entry| LeaseEntry { token: entry.token.to_owned(), ..copied(entry) });
        let (held, key) = (self.held()?, self.lease.clone());
        Self::agree("who is at work", &held.entries, &entries.collect())?;
        if !held.entries.is_empty() {
            Self::agree("whether somebody waits", &held.waiting, &lease.waiting)?;
        }
        let exists: bool = cmd("EXISTS").arg(&key).query(&mut self.redis).unwrap();
        Self::agree("a lease ends by itself", &self.ends_by_itself(&key), &exists)
    }
}

fn copied(entry: &LeaseEntry<&str>) -> LeaseEntry<String> {
    let LeaseEntry { notes, by, until_ms, .. } = *entry;
    LeaseEntry { token: String::new(), notes, by, until_ms }
}
