//! What processes tell each other through Redis, besides cells: who leads the change stream, how far it is behind, from which
//! moment on cells are valid; and the walk over all cells.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{Value, cmd, from_redis_value};

use super::{RedisCache, Shared, scripts, word};
use crate::cell::ZeroPadded;
use crate::clock::now_ms;
use crate::error::CacheError;
use crate::identity::Identity;
use crate::lead::Lead;
use crate::put::Token;
use crate::validity::Cause;

/// How often a claim is made anew because another process has just made one.
const CLAIMS: usize = 5;

impl RedisCache {
    /// Some ids that the cache holds cells of, and the cursor with which to ask for more (Redis manual, "SCAN").
    pub(crate) async fn some_ids(&self, cursor: u64) -> Result<(u64, Vec<String>), CacheError> {
        let keys = &self.shared.keys;
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(keys.every_cell()).arg("COUNT").arg(100);
        let answer = self.run(async |mut connection| connection.send_packed_command(&scan).await).await?;
        let (cursor, names): (u64, Vec<String>) =
            from_redis_value(answer).map_err(|error| CacheError::Redis(Arc::new(error.into())))?;
        Ok((cursor, names.iter().filter_map(|name| keys.id(name)).collect()))
    }

    /// Claims the prefix for the store, if it has an identity; `Some` is the store that is served under it right now.
    pub(crate) async fn claim(&self) -> Result<Option<String>, CacheError> {
        let Shared { keys, timeline, identity, .. } = &*self.shared;
        let Some(identity) = identity else { return Ok(None) };
        let now: [u8; 14] = now_ms().zero_padded();
        let names = [keys.store(), keys.lead(Lead::ChangeStream), keys.incarnation()];
        let claim = async |seen: &str, which: &str| -> Result<Vec<String>, CacheError> {
            let args = [identity.name.as_bytes(), &now, keys.control().as_bytes(), seen.as_bytes(), which.as_bytes()];
            from_redis_value(self.call(&scripts::CLAIM, &names, &args).await?)
                .map_err(|error| CacheError::Redis(Arc::new(error.into())))
        };
        let mut answer = claim("", "").await?;
        // Processes that start at the same moment may each see another.
        for _ in 0..CLAIMS {
            let [seen, store] = &answer[..] else { break };
            if seen != "seen" {
                break;
            }
            let which = if identity.is_same(store) { "same" } else { "other" };
            answer = claim(store, which).await?;
        }
        match &answer[..] {
            [other, store] if other == "other" || other == "seen" => Ok(Some(store.clone())),
            [_, moment] => {
                timeline.invalidate_before(self.moment(moment), Cause::Incarnation);
                tracing::warn!(
                    identity = identity.name,
                    "the cache was filled from another store: nothing of that is served"
                );
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Takes a lead if nobody has it, or keeps it.
    pub(crate) async fn lead(&self, lead: Lead, token: Token) -> Result<bool, CacheError> {
        self.lead_under(self.shared.keys.lead(lead), lead, token).await
    }

    pub(super) async fn lead_under(&self, key: &str, lead: Lead, token: Token) -> Result<bool, CacheError> {
        let lead_ms = lead.lasts(&self.shared.options).as_millis().to_string();
        let taken = self.call(&scripts::LEAD, &[key], &[&token.text(), lead_ms.as_bytes()]).await?;
        Ok(taken == Value::Int(1))
    }

    pub(crate) async fn release_lead(&self, lead: Lead, token: Token) -> Result<(), CacheError> {
        self.release_lead_under(self.shared.keys.lead(lead), token).await
    }

    pub(super) async fn release_lead_under(&self, key: &str, token: Token) -> Result<(), CacheError> {
        self.call(&scripts::RESIGN, &[key], &[&token.text()]).await.map(drop)
    }

    pub(crate) async fn send_heartbeat(&self, lag: Duration) -> Result<(), CacheError> {
        let Shared { timeline, identity, .. } = &*self.shared;
        self.announce(&Control::heartbeat(lag, timeline.valid_after_ms(), identity.as_ref())).await
    }

    /// Tells every process something.
    pub(super) async fn announce(&self, control: &Control) -> Result<(), CacheError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(self.shared.keys.control()).arg(control.text());
        self.run(async |mut connection| connection.send_packed_command(&publish).await).await.map(drop)
    }

    /// Tells every process a text about this one.
    pub(crate) async fn tell_peers(&self, text: &str) -> Result<(), CacheError> {
        self.announce(&Control::Peer { text: text.to_owned() }).await
    }

    /// No cell whose load began before now is valid any more, in any process; the moment as Redis made it.
    pub(crate) async fn invalidate_all(&self) -> Result<u64, CacheError> {
        self.invalidate_all_under(self.shared.keys.incarnation(), "D").await
    }

    /// The same where the moment is kept under this key, and announced with these words before it.
    pub(super) async fn invalidate_all_under(&self, key: &str, words: &str) -> Result<u64, CacheError> {
        let Shared { keys, timeline, .. } = &*self.shared;
        let now: [u8; 14] = now_ms().zero_padded();
        let args = [&now[..], keys.control().as_bytes(), words.as_bytes()];
        let moment = self.call(&scripts::INVALIDATE_BEFORE, &[key], &args).await.and_then(word);
        // If Redis did not take it, this process at least answers nothing of before.
        let at_ms = moment.as_deref().map_or_else(|_| timeline.clock.now().ms + 1, |moment| self.moment(moment));
        timeline.invalidate_before(at_ms, Cause::ChangeStream);
        moment.map(|_| at_ms)
    }

    /// A moment as the scripts give it.
    fn moment(&self, text: &str) -> u64 {
        text.parse().unwrap_or_else(|_| self.shared.timeline.clock.now().ms + 1)
    }
}

/// What is announced to every process on the control channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// The change stream of a store is followed, and so far behind. The moment from which on cells are valid goes along.
    Heartbeat { lag: Duration, valid_after_ms: u64, store: Option<String> },
    /// Cells filled before the moment are not valid any more.
    InvalidateBefore { at_ms: u64 },
    /// The same of what the server of a cluster at this address holds.
    InvalidatePartBefore { address: String, at_ms: u64 },
    /// Who waits for the lease of the id looks again.
    Wake { id: String },
    /// What a process says of itself.
    Peer { text: String },
}

impl Control {
    pub(super) fn heartbeat(lag: Duration, valid_after_ms: u64, identity: Option<&Identity>) -> Self {
        Self::Heartbeat { lag, valid_after_ms, store: identity.map(|identity| identity.name.clone()) }
    }

    /// `B12 1700000000000 STORE`: a heartbeat, the lag and the moment in milliseconds, and the identity of the store, if it
    /// has one. `D01700000000000`: the moment, `S127.0.0.1:6379 01700000000000`: an address and the moment, and `Wid`: the id, as
    /// the scripts announce them. `Ptext`: what a process says.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Some(id) = text.strip_prefix('W') {
            return Some(Self::Wake { id: id.to_owned() });
        }
        if let Some((address, at_ms)) = text.strip_prefix('S').and_then(|text| text.rsplit_once(' ')) {
            return Some(Self::InvalidatePartBefore { address: address.to_owned(), at_ms: at_ms.parse().ok()? });
        }
        if let Some(text) = text.strip_prefix('P') {
            return Some(Self::Peer { text: text.to_owned() });
        }
        if let Some(at_ms) = text.strip_prefix('D') {
            return Some(Self::InvalidateBefore { at_ms: at_ms.parse().ok()? });
        }
        let mut parts = text.strip_prefix('B')?.splitn(3, ' ');
        let (lag_ms, valid_after_ms) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self::Heartbeat {
            lag: Duration::from_millis(lag_ms),
            valid_after_ms,
            store: parts.next().map(str::to_owned),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::InvalidateBefore { at_ms } => format!("D{at_ms:014}"),
            Self::InvalidatePartBefore { address, at_ms } => format!("S{address} {at_ms:014}"),
            Self::Wake { id } => format!("W{id}"),
            Self::Peer { text } => format!("P{text}"),
            Self::Heartbeat { lag, valid_after_ms, store: None } => format!("B{} {valid_after_ms}", lag.as_millis()),
            Self::Heartbeat { lag, valid_after_ms, store: Some(store) } => {
                format!("B{} {valid_after_ms} {store}", lag.as_millis())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_read_as_it_was_written() {
        let beat = |store: Option<&str>| Control::Heartbeat {
            lag: Duration::from_millis(12),
            valid_after_ms: 7,
            store: store.map(str::to_owned),
        };
        for (control, text) in [
            (beat(None), "B12 7"),
            (beat(Some("redb /a path/todos")), "B12 7 redb /a path/todos"),
            (Control::InvalidateBefore { at_ms: 7 }, "D00000000000007"),
            (
                Control::InvalidatePartBefore { address: "[::1]:7000".to_owned(), at_ms: 7 },
                "S[::1]:7000 00000000000007",
            ),
            (Control::Wake { id: "a b".to_owned() }, "Wa b"),
            (Control::Peer { text: "{} 1".to_owned() }, "P{} 1"),
        ] {
            assert_eq!(control.text(), text);
            assert_eq!(Control::read(text.as_bytes()), Some(control));
        }
        for text in ["B12", "B12 x", "D", "S7", "", "X1 2"] {
            assert_eq!(Control::read(text.as_bytes()), None, "{text}");
        }
    }
}
