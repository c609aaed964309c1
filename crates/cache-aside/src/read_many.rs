//! The read path for many ids at once: the steps of `read`, each taken for all ids before the next. Cells come by one
//! `MGET`, what is missing by one [`Source::load_many`]; leases and puts are pipelined.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::{join, join_all};
use tokio::time::timeout_at;

use crate::backend::Backend;
use crate::cell::Seen;
use crate::clock::now_ms;
use crate::counters::Counter;
use crate::distinct::distinct;
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::failpoints::{self, Point};
use crate::fill::{FillResult, SharedBy, new_enough, or_stale};
use crate::freshness::{Freshness, Kept};
use crate::lease_wait::Attempt;
use crate::outcome::{Answer, Detail, ReadOptions};
use crate::put::{LoadStart, Token};
use crate::single_flight::{Leader, Phase, Role};
use crate::source::Source;
use crate::trace::{self, Step};

/// Most ids that the cache is asked for by one command: others must not wait long behind it.
const MAX_LOOKUP: usize = 500;

type Read<S> = Result<Answer, ReadError<<S as Source>::Error>>;

/// An id that the cache does not answer for: `at` is its place among the ids that are read.
struct Missing {
    at: usize,
    seen: Seen,
    kept: Option<Kept>,
}

/// A fill that this request leads.
struct Fill<S: Source> {
    at: usize,
    id: Arc<str>,
    seen: Seen,
    leader: Leader<FillResult<S::Error>>,
}

impl<S: Source> CacheAside<S> {
    /// As [`CacheAside::read`], for many ids: one answer for each, in their order. An id may come twice.
    pub async fn read_many<I: AsRef<str>>(&self, ids: &[I], how: ReadOptions) -> Vec<Read<S>> {
        let (unique, places) = distinct(ids);
        let answers = match &self.shared.l1 {
            None => self.read_many_shared(&unique, how).await,
            Some(_) => self.read_many_through_l1(&unique, how).await,
        };
        let answers: Vec<_> = match places {
            None => answers,
            Some(places) => places.into_iter().map(|at| answers[at].clone()).collect(),
        };
        ids.iter().zip(&answers).for_each(|(id, answer)| self.counters.read(id.as_ref(), answer));
        answers
    }

    async fn read_many_through_l1(&self, ids: &[&str], how: ReadOptions) -> Vec<Read<S>> {
        let Some(l1) = &self.shared.l1 else { return self.read_many_shared(ids, how).await };
        let held: Vec<_> =
            ids.iter().map(|id| if how.refetch { None } else { l1.get(id, how.min_version, now_ms()) }).collect();
        let rest: Vec<&str> = ids.iter().zip(&held).filter(|(_, held)| held.is_none()).map(|(id, _)| *id).collect();
        let tickets: Vec<_> = rest.iter().map(|id| l1.ticket(id)).collect();
        let found = if rest.is_empty() { Vec::new() } else { self.read_many_shared(&rest, how).await };
        failpoints::pause(Point::BeforeL1).await;
        for ((id, ticket), answer) in rest.iter().zip(tickets).zip(&found) {
            if let Ok(answer) = answer {
                l1.offer(id, ticket, answer, self.fresh(), now_ms());
            }
        }
        let mut found = found.into_iter();
        let answers = held.into_iter().map(|held| held.map(Ok).or_else(|| found.next()));
        answers.map(|answer| answer.unwrap_or(Err(ReadError::Abandoned))).collect()
    }

    pub(crate) async fn read_many_shared(&self, ids: &[&str], how: ReadOptions) -> Vec<Read<S>> {
        let (mut answers, mut missing): (Vec<Option<Read<S>>>, _) = (Vec::with_capacity(ids.len()), Vec::new());
        for (at, (freshness, seen)) in self.lookup_many(ids, &how).await.into_iter().enumerate() {
            answers.push(match freshness {
                Freshness::Fresh(answer) => Some(Ok(answer)),
                Freshness::RefreshDue(answer) => {
                    self.refresh_in_background(ids[at], seen);
                    Some(Ok(answer))
                }
                Freshness::Expired(_) if how.only_if_cached => Some(Err(ReadError::NotCached)),
                Freshness::Expired(mut kept) => {
                    let answer = self.past_open_breaker(&mut kept);
                    if answer.is_none() {
                        missing.push(Missing { at, seen, kept });
                    }
                    answer
                }
            });
        }
        if !missing.is_empty() {
            for (at, answer) in self.fill_or_wait_many(ids, how, missing).await {
                answers[at] = Some(answer);
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Err(ReadError::Abandoned))).collect()
    }

    /// One `MGET`: what each cell is good for, and what it was.
    async fn lookup_many(&self, ids: &[&str], how: &ReadOptions) -> Vec<(Freshness, Seen)> {
        if how.refetch {
            return ids.iter().map(|_| (Freshness::Expired(None), Seen::Any)).collect();
        }
        let mut looks = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_LOOKUP) {
            let step = trace::begin(Step::CacheRead { ids: ids.len() });
            let cells = self.backend.get_many(ids).await;
            step.failure_of(&cells);
            let cells = cells.unwrap_or_else(|_| vec![None; ids.len()]);
            looks.extend(ids.iter().zip(cells).map(|(id, found)| match found {
                Some(found) => self.assess(id, found, how),
                None => (Freshness::Expired(None), Seen::Nothing),
            }));
        }
        looks
    }

    /// Leads the fills that nobody leads, in one task, and waits for those of others.
    async fn fill_or_wait_many(&self, ids: &[&str], how: ReadOptions, missing: Vec<Missing>) -> Vec<(usize, Read<S>)> {
        let late = self.soft_deadline();
        if let Backend::Off = self.backend {
            let missed: Vec<&str> = missing.iter().map(|missing| ids[missing.at]).collect();
            let loaded = self.load_many(&missed).await;
            let answers = missing.into_iter().zip(loaded).map(|(missing, loaded)| async move {
                let answer = self.answer_past_cache(ids[missing.at], loaded, Detail::CacheOff).await;
                (missing.at, new_enough(answer, &how))
            });
            return join_all(answers).await;
        }
        let all_aged = missing.iter().all(|missing| matches!(missing.kept, Some(Kept::Aged(_))));
        let (mut fills, mut waits, mut kept) = (Vec::new(), Vec::new(), HashMap::new());
        for Missing { at, seen, kept: old } in missing {
            kept.extend(old.map(|old| (at, old)));
            match self.shared.flights.join(ids[at]) {
                Role::Leader(leader) => fills.push(Fill { at, id: ids[at].into(), seen, leader }),
                Role::Waiter(waiter) => waits.push((at, waiter)),
            }
        }
        let led: Vec<usize> = fills.iter().map(|fill| fill.at).collect();
        // In a task of its own, as every fill: a client that goes away takes nothing from those who wait.
        let (this, fills) = (self.clone(), fills);
        let filling = tokio::spawn(trace::inherited(async move { this.fill_many(fills, how).await }));
        let waiting = join_all(waits.into_iter().map(|(at, waiter)| async move {
            match self.wait_for_leader(waiter).await {
                Some(answer) => (at, new_enough(answer, &how)),
                None => (at, self.read_shared(ids[at], how).await),
            }
        }));
        let both = join(filling, waiting);
        let (filled, waited) = if all_aged {
            // As long as one value must be waited for, so may the others.
            let Ok(both) = timeout_at(late, both).await else {
                self.counters.add_many(Counter::SoftTimeout, kept.len());
                return kept.into_iter().map(|(at, kept)| (at, Ok(kept.into_answer()))).collect();
            };
            both
        } else {
            both.await
        };
        let filled = filled.unwrap_or_else(|_| led.iter().map(|at| (*at, Err(ReadError::Abandoned))).collect());
        let filled = filled.into_iter().map(|(at, answer)| (at, new_enough(answer, &how)));
        filled.chain(waited).map(|(at, answer)| (at, or_stale::<S>(answer, kept.remove(&at)))).collect()
    }

    /// Leases for all, then one load for those that were given, while the others wait for who has theirs.
    async fn fill_many(&self, fills: Vec<Fill<S>>, how: ReadOptions) -> Vec<(usize, Read<S>)> {
        let attempts = fills.iter().map(|fill| self.acquire_lease(&fill.id, fill.seen)).collect::<Vec<_>>();
        let attempts = join_all(attempts).await;
        let (mut batch, mut elsewhere) = (Vec::new(), Vec::new());
        for (fill, attempt) in fills.into_iter().zip(attempts) {
            match attempt {
                Attempt::Ours(token) => batch.push((fill, Some(token))),
                Attempt::Unreachable => batch.push((fill, None)),
                attempt => elsewhere.push(self.fill_one_behind_another(fill, how, attempt)),
            }
        }
        let (mut filled, others) = join(self.load_and_put_many(batch), join_all(elsewhere)).await;
        filled.extend(others);
        filled
    }

    async fn fill_one_behind_another(&self, fill: Fill<S>, how: ReadOptions, attempt: Attempt) -> (usize, Read<S>) {
        let result = self.fill_behind_another(&fill.leader, &fill.id, how, attempt).await;
        fill.complete(result)
    }

    /// One load for all. Those without a token could not be given a lease: the cache does not answer.
    async fn load_and_put_many(&self, batch: Vec<(Fill<S>, Option<Token>)>) -> Vec<(usize, Read<S>)> {
        if batch.iter().any(|(_, lease)| lease.is_none()) {
            self.gather(batch.iter().map(|(fill, _)| &fill.leader)).await;
        }
        batch.iter().for_each(|(fill, _)| fill.leader.enter(Phase::Loading));
        let start = LoadStart::now();
        let ids: Vec<&str> = batch.iter().map(|(fill, _)| &*fill.id).collect();
        let loaded = self.load_many(&ids).await;
        let mut puts = Vec::with_capacity(batch.len());
        for ((fill, lease), loaded) in batch.into_iter().zip(loaded) {
            puts.push(async move {
                let result = match lease {
                    Some(token) => self.put_loaded(Some(&fill.leader), &fill.id, Some(token), start, loaded).await,
                    None => {
                        let answer = self.answer_past_cache(&fill.id, loaded, Detail::CacheError).await;
                        FillResult { answer, shared_by: SharedBy::WhoeverJoinedBeforeTheLoad }
                    }
                };
                fill.complete(result)
            });
        }
        join_all(puts).await
    }
}

impl<S: Source> Fill<S> {
    /// Ends the flight; the answer is also this request's own.
    fn complete(self, result: FillResult<S::Error>) -> (usize, Read<S>) {
        self.leader.complete(result.clone());
        (self.at, result.answer)
    }
}
