//! Histories that are right, and look wrong only to a checker that is.

use crate::notation::{accept, accepted, strict, with_l1};

accepted! {
    an_answer_past_a_failing_cache_among_many_binds_nobody_for_a_second: strict(),
        "0-2  n0 put w1 = 10 new
         3-5  n0 put w2 = 20 deferred
         6-7  n1 many w2 = 20 bypass
         8-9  n1 get w1 = 10";

    a_lost_cell_may_be_filled_with_something_older_while_a_primary_is_elected: strict(),
        "0-2    n0 put w1 = 10 new
         3-3    cell V 30
         4-90   window everything
         50-50  cell V 20
         95-95  cell V 30";

    a_read_that_overlaps_a_write_may_answer_either_value: strict(),
        "0-2  n0 put w1 = 10 new
         4-9  n0 put w2 = 20
         5-6  n1 get w1 = 10
         7-8  n1 get w2 = 20";

    an_overlapping_read_may_go_back_behind_one_that_has_not_ended: strict(),
        "0-2  n0 put w1 = 10 new
         3-9  n0 put w2 = 20
         4-8  n1 get w2 = 20
         5-7  n0 get w1 = 10";

    a_write_of_unknown_outcome_may_show_up_at_any_time_later_or_never: strict(),
        "0-2    n0 put w1 = 10 new
         3-4    n0 put w2 ?
         3-4    n0 put w3 ?
         5-6    n1 get w1 = 10
         90-95  n1 get w2 = 20
         96-97  n0 get w2 = 20";

    a_deleted_todo_is_absent_until_it_is_created_again: strict(),
        "0-1    n0 get nothing
         2-3    n0 put w1 = 10 new
         4-5    n0 get w1 = 10
         6-7    n1 delete
         8-9    n0 get nothing
         10-11  n1 post w2 = 30 new
         12-13  n0 get w2 = 30";

    an_absence_between_two_overlapping_writes_belongs_to_the_gap_that_fits: strict(),
        "0-1    n0 put w1 = 10 new
         2-9    n1 delete
         3-9    n0 put w2 = 30 new
         4-5    n1 get nothing
         4-8    n1 get w1 = 10
         6-7    n0 get w2 = 30";

    two_deletes_may_each_find_their_own_value: strict(),
        "0-1    n0 put w1 = 10 new
         2-3    n0 delete
         4-5    n0 put w2 = 30 new
         6-7    n0 delete
         8-9    n1 get nothing";

    a_delete_of_unknown_outcome_explains_an_absence_much_later: strict(),
        "0-1    n0 put w1 = 10 new
         2-3    n0 delete ?
         4-5    n1 get w1 = 10
         50-51  n1 get nothing
         52-53  n0 get nothing";

    a_create_of_unknown_outcome_explains_a_second_delete: strict(),
        "0-1    n0 put w1 = 10 new
         2-3    n0 delete
         4-5    n0 put w2 ?
         6-7    n0 delete
         8-9    n1 get nothing";

    a_deferred_publish_may_be_unseen_for_a_second: strict(),
        "0-2       n0 put w1 = 10 new
         3-5       n0 put w2 = 20 deferred
         6-7       n1 get w1 = 10
         900-901   n1 get w1 = 10
         1100-1101 n1 get w2 = 20";

    an_answer_past_a_failing_cache_binds_nobody_for_a_second: strict(),
        "0-2  n0 put w1 = 10 new
         3-5  n0 put w2 = 20 deferred
         6-7  n1 get w2 = 20 bypass
         8-9  n1 get w1 = 10";

    with_l1_another_process_may_lag_for_a_second: with_l1(),
        "0-2       n0 put w1 = 10 new
         3-4       n1 get w1 = 10
         5-6       n0 put w2 = 20
         7-8       n0 get w2 = 20
         500-501   n1 get w1 = 10
         1100-1101 n1 get w2 = 20";

    a_read_of_what_somebody_else_wrote_may_lag_for_a_second: strict(),
        "0-2       n0 put w1 = 10 new
         3-4       foreign put w2
         500-501   n1 get w1 = 10
         1100-1101 n1 get w2 = 10
         1200-1201 foreign delete
         1300-1301 n1 get w2 = 10
         2300-2301 n1 get nothing
         2400-2401 foreign put w3
         2500-2501 n1 get nothing
         3500-3501 n1 get w3 = 0";

    a_patch_on_the_version_that_is_there_follows_it_directly: strict(),
        "0-2  n0 put w1 = 10 new
         3-4  n0 put w2 = 20 if=10
         5-6  n1 put w3 refused if=10
         7-8  n1 get w2 = 20 min=20";

    a_floor_may_fall_when_it_has_ended_and_a_value_when_redis_lost_its_memory: strict(),
        "1-1  cell V 10
         2-2  cell T 20
         3-3  cell N 0
         4-4  cell V 30
         5-5  cell V 12 1
         6-6  cell V 30 1";
}

#[test]
fn nothing_is_promised_while_redis_is_away() {
    let verdict = accept(
        strict(),
        "0-2    n0 put w1 = 10 new
         3-5    n0 put w2 = 20
         10-90  window everything
         20-21  n1 get w1 = 10
         95-96  n1 get w2 = 20",
    );
    assert_eq!((verdict.reads_checked, verdict.reads_excused), (1, 1));
}
