//! Histories that are wrong, one reason each. The checker must find exactly that reason.

use consistency_checker::checker::Invariant;

use crate::notation::{refuse, strict};

#[test]
fn i1_two_bodies_under_one_version() {
    refuse(
        strict(),
        Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w1 = 10 body=other",
    );
}

#[test]
fn i1_a_body_that_nobody_wrote() {
    refuse(
        strict(),
        Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w7 = 11",
    );
}

#[test]
fn i1_one_write_under_two_versions() {
    refuse(
        strict(),
        Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w1 = 11",
    );
}

#[test]
fn i1_a_version_that_came_twice() {
    refuse(
        strict(),
        Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-9  n0 delete
         4-9  n0 put w2 = 10 new",
    );
}

#[test]
fn i2_an_answer_before_its_write() {
    refuse(
        strict(),
        Invariant::I2,
        "0-2  n1 get w1 = 10
         3-4  n0 put w1 = 10 new",
    );
}

#[test]
fn i2_an_answer_that_shows_a_refused_write() {
    refuse(
        strict(),
        Invariant::I2,
        "0-1  n0 put w1 = 10 new
         2-3  n0 put w2 refused if=4
         4-5  n1 get w2 = 20",
    );
}

#[test]
fn i2_a_version_that_went_back_over_a_delete() {
    refuse(
        strict(),
        Invariant::I2,
        "0-1  n0 put w1 = 10 new
         2-3  n0 delete
         4-5  n0 put w2 = 7 new",
    );
}

#[test]
fn i3_an_old_value_after_an_acknowledged_write() {
    let story = refuse(
        strict(),
        Invariant::I3,
        "0-2    n0 put w1 = 10 new
         3-4    n1 get w1 = 10
         5-6    n0 put w2 = 20
         8-9    n1 get w1 = 10
         10-11  n1 get w2 = 20",
    );
    let lines: Vec<&str> = story.lines().collect();
    assert_eq!(lines.len(), 4, "the two writes and the wrong read, nothing else: {story}");
    assert!(lines[1].contains("PUT w1 a: 200 version 10") && lines[1].contains("comes from"), "{story}");
    assert!(lines[2].contains("PUT w2 a: 200 version 20") && lines[2].contains("acknowledged before"), "{story}");
    assert!(lines[3].contains("GET a: 200 version 10") && lines[3].contains("wrong: too old"), "{story}");
}

#[test]
fn i3_an_old_value_after_a_new_one_was_read_though_the_write_is_still_under_way() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2   n0 put w1 = 10 new
         3-99  n0 put w2 = 20
         4-5   n1 get w2 = 20
         6-7   n0 get w1 = 10",
    );
}

#[test]
fn i3_a_value_after_its_delete_was_acknowledged() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2  n0 put w1 = 10 new
         3-4  n0 delete
         5-6  n1 get w1 = 10",
    );
}

#[test]
fn i3_a_value_after_its_absence_was_read() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2   n0 put w1 = 10 new
         3-99  n0 delete
         4-5   n1 get nothing
         6-7   n1 get w1 = 10",
    );
}

#[test]
fn i3_holds_again_after_a_window() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2      n0 put w1 = 10 new
         3-5      n0 put w2 = 20
         10-90    window everything
         95-96    n1 get w1 = 10",
    );
}

#[test]
fn i3_holds_while_only_repairs_are_away() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2      n0 put w1 = 10 new
         3-5      n0 put w2 = 20
         0-90     window repairs
         9-10     n1 get w1 = 10",
    );
}

#[test]
fn i6_an_answer_below_the_version_asked_for() {
    refuse(
        strict(),
        Invariant::I6,
        "0-2  n0 put w1 = 10 new
         1-4  n1 get w1 = 10 min=11",
    );
}

#[test]
fn i6_a_conditional_write_over_what_it_had_not_seen() {
    refuse(
        strict(),
        Invariant::I6,
        "0-2  n0 put w1 = 10 new
         3-9  n0 put w2 = 20
         4-9  n1 put w3 = 30 if=10",
    );
}

#[test]
fn i6_a_create_over_what_was_there() {
    refuse(
        strict(),
        Invariant::I6,
        "0-2  n0 put w1 = 10 new
         3-4  n1 post w2 = 20 new",
    );
}

#[test]
fn i9_nothing_there_after_a_create_was_acknowledged() {
    refuse(
        strict(),
        Invariant::I9,
        "0-1  n1 get nothing
         2-3  n0 post w1 = 10 new
         4-5  n1 get nothing",
    );
}

#[test]
fn i9_nothing_there_after_a_deleted_todo_was_created_again() {
    refuse(
        strict(),
        Invariant::I9,
        "0-1    n0 put w1 = 10 new
         2-3    n0 delete
         4-5    n1 get nothing
         6-7    n0 put w2 = 30 new
         8-9    n1 get nothing",
    );
}

#[test]
fn i3_a_kept_value_that_is_older_than_what_was_acknowledged_when_the_store_fails() {
    refuse(
        strict(),
        Invariant::I3,
        "0-2  n0 put w1 = 10 new
         3-5  n0 put w2 = 20
         6-7  n1 get w1 = 10 stale",
    );
}
