//! Histories that are wrong because something came too late, or never: bounds (I4, I5), the end (I10), and cells (I11).

use consistency_checker::checker::Invariant;
use consistency_checker::checker::{Promises, check};
use consistency_checker::history::{CellSeen, History, LastWord, Process};

use crate::notation::{history, refuse, strict, with_l1};

#[test]
fn i4_a_deferred_publish_that_is_never_made_up_for() {
    refuse(
        strict(),
        Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-5       n0 put w2 = 20 deferred
         1100-1101 n1 get w1 = 10",
    );
}

#[test]
fn i4_a_foreign_write_that_is_not_noticed_in_time() {
    refuse(
        strict(),
        Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-4       foreign put w2
         1100-1101 n1 get w1 = 10",
    );
}

#[test]
fn i4_a_foreign_delete_that_is_not_noticed_in_time() {
    refuse(
        strict(),
        Invariant::I4,
        "0-2       n0 put w1 = 10 new
         3-4       foreign delete
         1100-1101 n1 get w1 = 10",
    );
}

#[test]
fn i4_a_foreign_insert_that_is_not_noticed_in_time() {
    refuse(
        strict(),
        Invariant::I4,
        "0-1       n0 get nothing
         3-4       foreign put w2
         1100-1101 n1 get nothing",
    );
}

#[test]
fn i5_another_process_lags_for_too_long() {
    refuse(
        with_l1(),
        Invariant::I5,
        "0-2       n0 put w1 = 10 new
         3-4       n1 get w1 = 10
         5-6       n0 put w2 = 20
         1100-1101 n1 get w1 = 10",
    );
}

#[test]
fn i5_one_process_goes_back() {
    refuse(
        with_l1(),
        Invariant::I5,
        "0-2  n0 put w1 = 10 new
         3-4  n0 put w2 = 20
         5-6  n1 get w2 = 20
         7-8  n1 get w1 = 10",
    );
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

#[test]
fn i11_a_cells_version_falls() {
    refuse(
        strict(),
        Invariant::I11,
        "0-2    n0 put w1 = 10 new
         5-5    cell V 20
         6-6    cell T 25
         7-7    cell V 10",
    );
}

#[test]
fn i11_a_cells_version_falls_after_an_election_is_over() {
    refuse(
        strict(),
        Invariant::I11,
        "0-2    n0 put w1 = 10 new
         3-90   window everything
         95-95  cell V 30
         96-96  cell V 20",
    );
}
