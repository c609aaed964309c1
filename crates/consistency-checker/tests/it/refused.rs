//! Histories that are wrong, one reason each. The checker must find exactly that reason.

use consistency_checker::checker::{Invariant, Promises, check};
use consistency_checker::history::{CellSeen, History, LastWord, Process};

use crate::notation::{history, refuse, refused, strict, with_l1};

refused! {
    i1_two_bodies_under_one_version: strict(), Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w1 = 10 body=other";

    i1_a_body_that_nobody_wrote: strict(), Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w7 = 11";

    i1_one_write_under_two_versions: strict(), Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-4  n1 get w1 = 11";

    i1_a_version_that_came_twice: strict(), Invariant::I1,
        "0-2  n0 put w1 = 10 new
         3-9  n0 delete
         4-9  n0 put w2 = 10 new";

    i2_an_answer_before_its_write: strict(), Invariant::I2,
        "0-2  n1 get w1 = 10
         3-4  n0 put w1 = 10 new";

    i2_an_answer_that_shows_a_refused_write: strict(), Invariant::I2,
        "0-1  n0 put w1 = 10 new
         2-3  n0 put w2 refused if=4
         4-5  n1 get w2 = 20";

    i2_a_version_that_went_back_over_a_delete: strict(), Invariant::I2,
        "0-1  n0 put w1 = 10 new
         2-3  n0 delete
         4-5  n0 put w2 = 7 new";

    i3_an_old_value_after_a_new_one_was_read_though_the_write_is_still_under_way: strict(), Invariant::I3,
        "0-2   n0 put w1 = 10 new
         3-99  n0 put w2 = 20
         4-5   n1 get w2 = 20
         6-7   n0 get w1 = 10";

    i3_a_value_after_its_delete_was_acknowledged: strict(), Invariant::I3,
        "0-2  n0 put w1 = 10 new
         3-4  n0 delete
         5-6  n1 get w1 = 10";

    i3_a_value_after_its_absence_was_read: strict(), Invariant::I3,
        "0-2   n0 put w1 = 10 new
         3-99  n0 delete
         4-5   n1 get nothing
         6-7   n1 get w1 = 10";

    i3_holds_again_after_a_window: strict(), Invariant::I3,
        "0-2      n0 put w1 = 10 new
         3-5      n0 put w2 = 20
         10-90    window everything
         95-96    n1 get w1 = 10";

    i3_holds_while_only_repairs_are_away: strict(), Invariant::I3,
        "0-2      n0 put w1 = 10 new
         3-5      n0 put w2 = 20
         0-90     window repairs
         9-10     n1 get w1 = 10";

    i6_an_answer_below_the_version_asked_for: strict(), Invariant::I6,
        "0-2  n0 put w1 = 10 new
         1-4  n1 get w1 = 10 min=11";

    i6_a_conditional_write_over_what_it_had_not_seen: strict(), Invariant::I6,
        "0-2  n0 put w1 = 10 new
         3-9  n0 put w2 = 20
         4-9  n1 put w3 = 30 if=10";

    i6_a_create_over_what_was_there: strict(), Invariant::I6,
        "0-2  n0 put w1 = 10 new
         3-4  n1 post w2 = 20 new";

    i9_nothing_there_after_a_create_was_acknowledged: strict(), Invariant::I9,
        "0-1  n1 get nothing
         2-3  n0 post w1 = 10 new
         4-5  n1 get nothing";

    i9_nothing_there_after_a_deleted_todo_was_created_again: strict(), Invariant::I9,
        "0-1    n0 put w1 = 10 new
         2-3    n0 delete
         4-5    n1 get nothing
         6-7    n0 put w2 = 30 new
         8-9    n1 get nothing";

    i4_a_deferred_publish_that_is_never_made_up_for: strict(), Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-5       n0 put w2 = 20 deferred
         1100-1101 n1 get w1 = 10";

    i4_a_foreign_write_that_is_not_noticed_in_time: strict(), Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-4       foreign put w2
         1100-1101 n1 get w1 = 10";

    i4_a_foreign_delete_that_is_not_noticed_in_time: strict(), Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-4       foreign delete
         1100-1101 n1 get w1 = 10";

    i4_a_foreign_insert_that_is_not_noticed_in_time: strict(), Invariant::I4,
        "0-1       n0 get nothing
         3-4       foreign put w2
         1100-1101 n1 get nothing";

    i5_another_process_lags_for_too_long: with_l1(), Invariant::I5,
        "0-2       n0 put w1 = 10 new
         3-4       n1 get w1 = 10
         5-6       n0 put w2 = 20
         1100-1101 n1 get w1 = 10";

    i5_one_process_goes_back: with_l1(), Invariant::I5,
        "0-2  n0 put w1 = 10 new
         3-4  n0 put w2 = 20
         5-6  n1 get w2 = 20
         7-8  n1 get w1 = 10";

    i11_a_cells_version_falls: strict(), Invariant::I11,
        "0-2    n0 put w1 = 10 new
         5-5    cell V 20
         6-6    cell T 25
         7-7    cell V 10";

    i11_a_cells_version_falls_after_an_election_is_over: strict(), Invariant::I11,
        "0-2    n0 put w1 = 10 new
         3-90   window everything
         95-95  cell V 30
         96-96  cell V 20";

    i3_a_kept_value_that_is_older_than_what_was_acknowledged_when_the_store_fails: strict(), Invariant::I3,
        "0-2  n0 put w1 = 10 new
         3-5  n0 put w2 = 20
         6-7  n1 get w1 = 10 stale";
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
fn i10_a_node_or_the_cell_that_disagrees_in_the_end() {
    let right = Some((20, "new".into()));
    let old = Some((10, "old".into()));
    let node = |node| Process { node, start: 0 };
    let agreed = LastWord {
        id: "a".into(),
        store: right.clone(),
        cell: CellSeen::Value(20, "new".into()),
        nodes: vec![(node(0), right.clone()), (node(1), right.clone())],
    };
    let words = |word: LastWord| History { last_words: vec![word], ..history("") };
    let found = |word: LastWord| {
        check(&words(word), &Promises::default()).violations.iter().map(|found| found.invariant).collect::<Vec<_>>()
    };
    assert_eq!(found(agreed.clone()), []);
    assert_eq!(found(LastWord { cell: CellSeen::Tombstone(20), ..agreed.clone() }), []);
    assert_eq!(found(LastWord { cell: CellSeen::Nothing, ..agreed.clone() }), []);
    let wrong = [
        LastWord { nodes: vec![(node(0), right), (node(1), old)], ..agreed.clone() },
        LastWord { cell: CellSeen::Value(10, "old".into()), ..agreed.clone() },
        LastWord { cell: CellSeen::Value(20, "other".into()), ..agreed.clone() },
        LastWord { cell: CellSeen::Absent(30), ..agreed },
    ];
    for word in wrong {
        assert_eq!(found(word), [Invariant::I10]);
    }
}
