//! What every store must do. Each case takes an empty store; `conformance!` makes a test of each for one store.

pub mod alerts;
pub mod catalog;
pub mod due;
pub mod keeping;
pub mod lanes;
pub mod listing;
pub mod make;
pub mod random;
pub mod silences;

use std::any::Any;
use std::sync::Arc;

use store::Store;

/// An empty store, and what must live as long as it does (a folder, a database).
pub struct Made {
    pub store: Arc<dyn Store>,
    #[expect(dead_code, reason = "held for its drop")]
    pub keep: Box<dyn Any>,
}

/// Tests of all cases in a module named `$name`; `$make` is an `async fn() -> Made`.
#[macro_export]
macro_rules! conformance {
    ($name:ident, $make:path) => {
        $crate::conformance!(@cases $name, $make,
            alerts: [
                an_alert_reads_back_as_it_was_written,
                i3_a_write_that_conflicts_writes_nothing_and_its_group_is_written,
                two_writers_of_one_version_do_not_both_win,
                an_alert_is_opened_once,
                a_live_key_is_held_by_one_alert,
                a_live_key_is_free_after_the_close,
                an_alert_can_take_over_the_key_of_a_closed_one,
                a_key_is_taken_over_only_from_the_closed_version_that_was_read,
                live_keys_whose_time_is_over_are_retired,
                live_alerts_are_walked_by_id,
                repeats_of_another_version_are_ignored,
                timers_are_found_earliest_first,
                a_message_is_known_after_its_commit_only_and_changes_something_once,
                content_that_no_event_carries_reads_back,
                ids_load_in_the_order_asked_for
            ],
            lanes: [
                a_lane_reads_back_as_it_was_written,
                a_lane_is_written_at_the_version_read_only,
                a_claim_is_given_once,
                a_claim_in_memory_is_a_version_like_any_other,
                a_head_raised_under_a_claim_keeps_both,
                a_result_that_lost_its_race_writes_no_attempt,
                i5_an_attempt_is_written_without_its_lane,
                a_removed_lane_is_gone,
                a_bucket_takes_its_burst_and_says_when_there_is_room,
                a_claim_of_two_buckets_debits_both_or_neither,
                a_blocked_bucket_blocks_claims_until_its_time,
                claims_in_one_call_are_answered_one_by_one
            ],
            due: [
                due_lanes_come_by_priority_then_time,
                lanes_of_other_revisions_are_left_alone,
                a_lane_not_yet_due_is_not_handed_out,
                i4_a_claimed_lane_is_not_handed_out_until_its_lease_ends,
                a_lane_is_handed_out_again_once_it_was_written,
                work_brings_the_events_between_cursor_and_head,
                work_brings_at_most_so_many_events,
                the_next_due_time_is_that_of_the_earliest_lane_that_nobody_holds,
                a_walk_of_a_revision_finds_what_owes,
                i6_a_revision_is_in_use_while_it_owes_or_something_is_open_downstream
            ],
            catalog: [
                the_catalog_reads_back_as_it_was_written,
                rows_replace_those_of_the_same_id,
                a_catalog_change_is_written_all_or_not_at_all,
                a_change_of_an_outdated_catalog_is_a_conflict,
                two_first_starts_make_one_catalog,
                a_lease_is_one_holders_until_it_ends_or_is_given_back,
                two_sources_may_exchange_their_names,
                a_deleted_name_may_be_used_again,
                an_integration_goes_with_its_last_revision,
                health_is_a_row_while_it_is_bad,
                a_start_says_how_the_last_process_ended,
                small_values_are_kept
            ],
            listing: [
                alerts_are_listed_newest_first_in_pages,
                each_filter_of_alerts_filters,
                text_is_found_in_any_case_and_in_each_field,
                events_are_listed_in_order,
                attempts_are_listed_newest_first_and_filtered,
                the_feed_skips_nothing_while_many_write,
                the_feed_wakes_its_readers_after_the_commit,
                counts_count
            ],
            keeping: [
                a_long_closed_alert_goes_with_all_that_belongs_to_it,
                an_open_alert_stays,
                an_alert_closed_lately_stays,
                an_alert_with_a_live_key_stays,
                an_alert_with_a_due_lane_stays,
                an_alert_with_a_lane_behind_its_head_stays,
                i6_an_alert_that_is_open_downstream_stays,
                an_alert_whose_lane_was_told_nothing_goes,
                only_updated_events_are_trimmed_and_the_newest_stay,
                old_attempts_and_messages_go,
                a_sweep_works_in_small_steps,
                positions_are_not_used_again_after_a_sweep
            ],
            silences: [
                a_silence_reads_back_as_it_was_written,
                silences_come_by_id_whatever_their_project,
                a_changed_silence_replaces_the_one_before_in_every_field,
                a_silence_is_made_once,
                a_silence_is_written_at_the_version_read_only,
                of_writers_of_one_version_of_a_silence_one_wins,
                a_written_silence_moves_the_catalogs_version_and_a_conflict_does_not,
                hostile_text_in_a_silence_reads_back,
                silences_that_ended_long_ago_go_and_open_ones_stay,
                a_forgotten_silence_is_no_more_there_to_be_changed,
                silences_are_forgotten_in_small_steps_those_first_that_ended_first
            ],
            random: [
                a_random_history_agrees_with_a_simple_model
            ]
        );
    };
    (@cases $name:ident, $make:path, $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        mod $name {
            $(mod $module {
                $(
                    #[tokio::test]
                    async fn $case() {
                        let made: $crate::conformance::Made = $make().await;
                        $crate::conformance::$module::$case(made.store.clone()).await;
                        drop(made);
                    }
                )*
            })*
        }
    };
}
