//! What happens, told: each happening is one function that writes its log line and moves its counter together, so
//! that metric names and levels stand in one place. Levels: error = somebody must act; warn = odd but handled;
//! info = rare and normal; debug = the rest.

use integrations::kit::SignalOutcome;
use metrics::{counter, gauge, histogram};
use model::{DurationMs, Event, Outcome};
use store::{Counts, StoreError};

use crate::catalog::CatalogError;

/// Every metric's name, with what it counts; `/metrics` describes them by this.
pub const METRICS: &[(&str, &str)] = &[
    ("campanile_signals_total", "Signals by what became of them"),
    (
        "campanile_events_total",
        "Events written to alerts' logs, by kind",
    ),
    (
        "campanile_attempts_total",
        "Tries to deliver, by sink and outcome",
    ),
    ("campanile_attempt_seconds", "How long tries took, by sink"),
    (
        "campanile_store_errors_total",
        "Calls that the store failed, by loop",
    ),
    (
        "campanile_queue_waiting",
        "Signals and actions that wait for the stepper",
    ),
    ("campanile_live_alerts", "Alerts whose key is live"),
    ("campanile_alerts", "Alerts by status"),
    ("campanile_lanes_owing", "Lanes that owe something"),
    (
        "campanile_lanes_open",
        "Lanes whose vendor shows something that is not closed",
    ),
    (
        "campanile_duplicates",
        "Sends that may have been applied twice",
    ),
    (
        "campanile_orphans",
        "Posts whose reply was lost and that cannot be found again",
    ),
    (
        "campanile_store_redone_total",
        "Transactions that the database rolled back because of others' and that were done again",
    ),
    (
        "campanile_repeats_stepped_total",
        "What this node took for repeats, and another node's change made into signals",
    ),
    (
        "campanile_integrations_suspended",
        "Integrations that send nothing but probes",
    ),
    (
        "campanile_panics_total",
        "Our own faults that were caught, by place",
    ),
];

/// A batch was taken.
pub fn signals_taken(outcomes: &[SignalOutcome]) {
    const WORDS: [&str; 5] = ["opened", "changed", "repeated", "ignored", "refused"];
    // Counted here first: finding a counter takes longer than recognising a repeat.
    let mut counts = [0; WORDS.len()];
    for outcome in outcomes {
        let word = match outcome {
            SignalOutcome::Opened(_) => 0,
            SignalOutcome::Changed(_) => 1,
            SignalOutcome::Repeated(_) => 2,
            SignalOutcome::Ignored(_) => 3,
            SignalOutcome::Refused(_) => 4,
        };
        counts[word] += 1;
    }
    for (word, count) in WORDS.into_iter().zip(counts) {
        if count > 0 {
            counter!("campanile_signals_total", "outcome" => word).increment(count);
        }
    }
}

/// What looked like repeats was none: another node had changed their alerts. They are decided like signals.
pub fn repeats_stepped(count: usize) {
    if count == 0 {
        return;
    }
    counter!("campanile_repeats_stepped_total").increment(count as u64);
    tracing::debug!(count, "repeats of alerts that another node had changed");
}

pub fn events_written(events: &[Event]) {
    for event in events {
        counter!("campanile_events_total", "kind" => event.kind.as_str()).increment(1);
        tracing::debug!(alert.id = %event.alert, event.seq = event.seq, event.kind = %event.kind, "event");
    }
}

/// A loop could not read or write. The loop tries again by itself. That the store is away, or too new, is an error
/// line once ([`store_lost`], [`stands_aside`]), however many loops hear it.
pub fn store_failed(place: &'static str, error: &StoreError) {
    counter!("campanile_store_errors_total", "loop" => place).increment(1);
    match error {
        StoreError::Inconsistent { .. } => {
            tracing::error!(place, error = %error, "the store failed; senders are asked to try again");
        }
        StoreError::Unavailable { .. } | StoreError::Schema { .. } => {
            tracing::debug!(place, error = %error, "the store failed; this is tried again");
        }
    }
}

/// The store does not answer any more, or cannot write any more.
pub fn store_lost(error: &StoreError) {
    tracing::error!(error = %error, "the store failed; senders are asked to try again until it is back");
}

/// The store does again what it did not for a while.
pub fn store_back(after: DurationMs) {
    tracing::info!(after = %after, "the store is back");
}

/// The database belongs to a newer version: this node takes nothing and sends nothing until it is started anew.
pub fn stands_aside(why: &str) {
    tracing::error!(why, "this node stands aside; start it in the newer version");
}

/// A duty that one node at a time has is this node's now.
pub fn duty_taken(duty: &'static str) {
    tracing::info!(duty, "this node does it from now on");
}

/// The stored configuration cannot be used as it is; the one in memory stays.
pub fn catalog_failed(error: &CatalogError) {
    tracing::error!(error = %error, "the stored configuration cannot be read; the running one stays");
}

/// The last process did not end cleanly.
pub fn unclean_start(doubted: usize) {
    tracing::warn!(
        lanes = doubted,
        "the last run did not end cleanly; what may have been on its way is said once more"
    );
}

/// Stopping took too long.
pub fn stopped_hard() {
    tracing::warn!(
        "sends were still on their way when the time to stop was up; they are in doubt at the next start"
    );
}

/// A monitor's signals were not taken; it says them again with its next sample.
pub fn monitor_refused(source: &str, why: &str) {
    tracing::warn!(source, why, "a monitor's signals were not taken");
}

pub fn attempt_ended(sink: &'static str, outcome: &Outcome, took: DurationMs) {
    counter!("campanile_attempts_total", "sink" => sink, "outcome" => outcome.as_str())
        .increment(1);
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a try are small"
    )]
    histogram!("campanile_attempt_seconds", "sink" => sink).record(took.0 as f64 / 1000.0);
}

pub fn suspended(project: &str, integration: &str, reason: &str) {
    tracing::warn!(
        project,
        integration,
        reason,
        "integration suspended; it is probed every ten minutes"
    );
}

pub fn recovered(project: &str, integration: &str) {
    tracing::info!(
        project,
        integration,
        "integration is well again; what is owed leaves now"
    );
}

pub fn breaker_opened(project: &str, integration: &str, pause: DurationMs) {
    tracing::warn!(project, integration, pause = %pause, "five sends in a row got no answer; one at a time is tried");
}

/// A panic of ours was caught: somebody must mend the code, the hub goes on.
pub fn panicked(place: &'static str, what: &str) {
    counter!("campanile_panics_total", "place" => place).increment(1);
    tracing::error!(place, what, "caught a fault of our own");
}

/// A stored silence whose matchers or windows make no sense.
pub fn silence_unreadable(id: model::SilenceId, problem: &str) {
    tracing::error!(%id, problem, "a stored silence cannot be read by this version; it holds nothing");
}

pub fn clock_jumped(by: DurationMs) {
    tracing::warn!(by = %by, "the clock jumped; silence counts as evidence only from now on");
}

pub fn measured(queue: usize, live: usize, suspended: usize, counts: &Counts) {
    counter!("campanile_store_redone_total").absolute(counts.redone);
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats; counts are far below 2^52"
    )]
    {
        gauge!("campanile_queue_waiting").set(queue as f64);
        gauge!("campanile_live_alerts").set(live as f64);
        gauge!("campanile_integrations_suspended").set(suspended as f64);
        for (status, count) in &counts.alerts_by_status {
            gauge!("campanile_alerts", "status" => status.as_str()).set(*count as f64);
        }
        gauge!("campanile_lanes_owing").set(counts.lanes_owing as f64);
        gauge!("campanile_lanes_open").set(counts.lanes_open as f64);
        gauge!("campanile_duplicates").set(counts.duplicates as f64);
        gauge!("campanile_orphans").set(counts.orphans as f64);
    }
}
