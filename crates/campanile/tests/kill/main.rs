//! Kills the real binary again and again under load, and holds it to what it promised.
//!
//! The sender's list of 2xx answers is the truth: what it heard 2xx for is there (I1), every open alert has one message,
//! every closed one a green message, what is more is counted (I6, I7), and the webhook heard every event in order (I4).
//! A fifth of the vendors' replies fail or are cut. `CAMPANILE_KILLS=full` kills at each named point at least five times
//! and at 63 random moments, 51 of them under load; without it the run is short. `CAMPANILE_KILL_SEED` repeats a run's choices.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod api;
mod check;
mod dice;
mod http;
mod hub;
mod plan;
mod report;
mod sender;
mod truth;
mod vendors;
mod webhooks;

use std::sync::Arc;

use model::{Clock, DurationMs, SystemClock};

use hub::Folder;
use plan::Plan;
use report::Report;
use sender::Load;
use vendors::Vendors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i4_i6_i7_what_was_accepted_survives_every_kill_and_is_told_in_order() {
    let plan = Plan::from_environment();
    println!("{plan}");
    let vendors = Vendors::start(plan.seed).await;
    let folder = Folder::new(&vendors.url);
    let load = Load::start(plan.seed);
    let mut report = Report::default();

    for kill in &plan.kills {
        let hub = folder.start(kill.crash_at());
        let moment = hub.run_until_killed(kill, &load).await;
        report.killed(kill, moment);
    }
    let truth = load.stop().await;
    vendors.heal();

    let hub = folder.start(None);
    let address = hub.address().await;
    let state = check::settled(address, &plan).await;
    vendors.webhooks.catch_up();
    let mut problems = check::all(&state, &truth, &vendors, &mut report);
    let mut hub = hub;
    problems.extend(hub.stop().await);
    problems.extend(folder.log_problems());
    report.load(&truth, &vendors);
    println!("{report}");
    let shown: Vec<_> = problems.iter().take(30).cloned().collect();
    assert!(
        problems.is_empty(),
        "{} problems, seed {}:\n{}",
        problems.len(),
        plan.seed,
        shown.join("\n")
    );
}

/// Waits a moment between two looks at a condition.
async fn pause(ms: i64) {
    SystemClock.sleep(DurationMs(ms)).await;
}

/// The clock that the sandbox reads.
fn now() -> i64 {
    SystemClock.now().0
}

/// For things that tasks share and that are locked for a moment only.
type Shared<T> = Arc<std::sync::Mutex<T>>;
