//! What `Cache-Status` says, from single headers to a whole run.

use actix_web::HttpResponse;
use loadgen::outcome::Outcome;

use crate::support::{by_name, run};
use crate::target::{Seen, Target, honest, todo};

#[test]
fn each_form_of_the_header_is_understood() {
    for (header, outcome) in [
        ("todo-api; hit; ttl=57", Outcome::Hit),
        ("todo-api; hit; ttl=0", Outcome::Hit),
        ("todo-api;hit", Outcome::Hit),
        ("todo-api; hit=?1", Outcome::Hit),
        ("todo-api; hit; ttl=4; detail=absent", Outcome::Absent),
        ("todo-api; hit; ttl=-3; detail=stale", Outcome::Stale),
        ("todo-api; hit; ttl=-3", Outcome::Stale),
        ("todo-api; hit; ttl=-90; detail=stale-if-error", Outcome::Stale),
        ("todo-api; fwd=miss; stored", Outcome::Miss),
        ("todo-api; fwd=miss; stored; collapsed", Outcome::Miss),
        ("todo-api; fwd=uri-miss", Outcome::Miss),
        ("todo-api; fwd=stale; stored", Outcome::Miss),
        ("todo-api; fwd=request; stored", Outcome::Miss),
        ("todo-api; fwd=bypass; detail=cache-unavailable", Outcome::Bypass),
        ("todo-api; fwd=bypass", Outcome::Bypass),
        ("todo-api", Outcome::Unknown),
        ("todo-api; hit=?0", Outcome::Unknown),
        ("todo-api; detail=hit", Outcome::Unknown),
        ("hit", Outcome::Unknown),
        ("", Outcome::Unknown),
    ] {
        assert_eq!(Outcome::of(header), outcome, "{header}");
    }
}

#[test]
fn of_several_caches_the_nearest_counts() {
    assert_eq!(Outcome::of("origin; hit; ttl=5, edge; fwd=miss; stored"), Outcome::Miss);
    assert_eq!(Outcome::of("origin; fwd=miss, edge; hit"), Outcome::Hit);
}

#[test]
fn text_in_quotes_has_no_separators() {
    assert_eq!(Outcome::of(r#"edge; hit; detail="a, b; fwd=miss""#), Outcome::Hit);
    assert_eq!(Outcome::of(r#"edge; fwd=bypass; detail="say \"hit\", twice; hit""#), Outcome::Bypass);
    assert_eq!(Outcome::of(r#"edge; hit; detail="absent""#), Outcome::Absent);
}

/// The id chooses the header.
fn by_id(seen: &Seen) -> HttpResponse {
    let status = match seen.id() {
        "1" => "todo-api; hit; ttl=57",
        "2" => "todo-api; hit; ttl=-3; detail=stale",
        "3" => "todo-api; fwd=miss; stored",
        "4" => "todo-api; fwd=bypass; detail=cache-unavailable",
        "5" => return todo("5"),
        _ => "todo-api; hit; ttl=4; detail=absent",
    };
    let mut answer = honest(seen);
    answer.headers_mut().insert("cache-status".parse().unwrap(), status.parse().unwrap());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_counted_and_hit_stale_and_absent_are_the_hit_ratio() {
    let target = Target::start(by_id);
    let summary = run(&target.url(), &["--requests", "1000", "--ids", "1..5", "--missing", "0.2"]).await;
    let seen = target.seen();
    let asked = |id: &str| seen.iter().filter(|seen| seen.id().starts_with(id)).count() as u64;
    let expected = [
        ("hit", asked("1")),
        ("stale", asked("2")),
        ("miss", asked("3")),
        ("bypass", asked("4")),
        ("unknown", asked("5")),
        ("absent", asked("missing-")),
    ];
    assert_eq!(by_name(&summary.outcomes), expected.into());
    let from_cache = asked("1") + asked("2") + asked("missing-");
    assert_eq!(summary.hit_ratio, Some(from_cache as f64 / 1000.0));
    assert_eq!(summary.timeline.iter().map(|second| second.from_cache).sum::<u64>(), from_cache);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_say_has_no_hit_ratio() {
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--requests", "50"]).await;
    assert_eq!(by_name(&summary.outcomes), [("unknown", 50)].into());
    assert_eq!(summary.hit_ratio, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_and_failures_are_no_reads() {
    fn half(seen: &Seen) -> HttpResponse {
        if seen.id() == "1" { HttpResponse::InternalServerError().finish() } else { by_id(seen) }
    }
    let target = Target::start(half);
    let summary = run(&target.url(), &["--requests", "300", "--ids", "1..2", "--write", "0.3"]).await;
    let reads = target.seen().iter().filter(|seen| seen.id() == "2").count() as u64;
    assert_eq!(by_name(&summary.outcomes), [("stale", reads)].into());
    assert_eq!(summary.hit_ratio, Some(1.0));
}
