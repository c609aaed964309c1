//! Histories of a simulated todo that is right by construction: the checker must accept every one of them, and refuse each
//! as soon as it ends with a read of something older.

use consistency_checker::checker::check;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::notation::{accept, history, strict};

const HISTORIES: u64 = 2_000;
const OPERATIONS: usize = 40;

/// One request: when it was sent, when it took effect, when its answer arrived.
struct Request {
    sent: u64,
    effect: u64,
    received: u64,
    kind: u32,
    unknown: bool,
}

/// What the todo was made by, and its version.
type Todo = Option<(usize, u64)>;

struct Simulated {
    lines: Vec<String>,
    /// Every value that there was.
    values: Vec<(usize, u64)>,
    now: Todo,
    end: u64,
}

/// `unknown`: whether some outcomes are.
fn simulate(seed: u64, unknown: bool) -> Simulated {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut requests: Vec<Request> = (0..OPERATIONS)
        .map(|_| {
            let sent = random.random_range(0..120);
            let unknown = unknown && random.random_bool(0.08);
            let effect = sent + random.random_range(1..if unknown { 60 } else { 10 });
            let received = if unknown { sent + 5 } else { effect + random.random_range(1..10) };
            Request { sent, effect, received, kind: random.random_range(0..100), unknown }
        })
        .collect();
    requests.sort_by_key(|request| request.effect);
    let mut simulated = Simulated { lines: Vec::new(), values: Vec::new(), now: None, end: 0 };
    for (number, request) in requests.iter().enumerate() {
        simulated.step(number, request, &mut random);
    }
    simulated
}

impl Simulated {
    fn step(&mut self, number: usize, request: &Request, random: &mut ChaCha8Rng) {
        let Request { sent, effect, received, kind, unknown } = *request;
        let (version, node) = (effect * 100 + number as u64, random.random_range(0..2));
        self.end = self.end.max(received).max(effect);
        let write = kind >= 55;
        if write && unknown && random.random_bool(0.4) {
            // It never happened.
            let what = if kind < 85 { format!("put w{number} ?") } else { "delete ?".to_owned() };
            return self.lines.push(format!("{sent}-{received} n{node} {what}"));
        }
        let what = match (kind, self.now) {
            (0..55, Some((by, version))) => format!("get w{by} = {version}"),
            (0..55, None) => "get nothing".to_owned(),
            (55..85, before) => {
                self.now = Some((number, version));
                self.values.push((number, version));
                let how = if unknown { "?".to_owned() } else { format!("= {version}") };
                let new = if before.is_none() && !unknown { " new" } else { "" };
                format!("put w{number} {how}{new}")
            }
            (_, None) => return,
            (_, Some(_)) => {
                self.now = None;
                format!("delete{}", if unknown { " ?" } else { "" })
            }
        };
        if write || !unknown {
            self.lines.push(format!("{sent}-{received} n{node} {what}"));
        }
    }

    /// A read after everything that answers this.
    fn read_at_the_end(&mut self, todo: Todo) {
        let (sent, received) = (self.end + 1, self.end + 2);
        self.end = received;
        let what = todo.map_or_else(|| "get nothing".to_owned(), |(by, version)| format!("get w{by} = {version}"));
        self.lines.push(format!("{sent}-{received} n0 {what}"));
    }
}

#[test]
fn what_is_right_is_accepted() {
    for seed in 0..HISTORIES {
        let mut simulated = simulate(seed, true);
        simulated.read_at_the_end(simulated.now);
        accept(strict(), &simulated.lines.join("\n"));
    }
}

#[test]
fn a_read_of_something_older_at_the_end_is_refused() {
    let mut tried = 0;
    for seed in 0..HISTORIES {
        // What is unknown may still happen, and explain nearly everything.
        let mut simulated = simulate(seed, false);
        let now = simulated.now;
        let Some(older) = simulated.values.iter().rev().find(|value| now != Some(**value)).copied() else { continue };
        simulated.read_at_the_end(now);
        simulated.read_at_the_end(Some(older));
        let text = simulated.lines.join("\n");
        assert!(!check(&history(&text), &strict()).violations.is_empty(), "a read of the past was accepted:\n{text}");
        tried += 1;
    }
    assert!(tried > HISTORIES / 2, "only {tried} histories had a past");
}
