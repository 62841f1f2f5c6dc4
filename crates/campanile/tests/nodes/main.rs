//! The real binary as three equal nodes on one PostgreSQL database, through everything that befalls them.
//!
//! Each test has a database of its own, and senders who know what they were told. `CAMPANILE_NODES=full` makes the runs
//! long (100,000 signals; 1,000 alerts that go to and fro); without it they are short. The figures are printed.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../kill/api.rs"]
#[expect(dead_code, reason = "shared with the kill test, which asks for more")]
mod api;
mod both;
mod check;
mod cluster;
#[path = "../kill/dice.rs"]
mod dice;
mod down;
mod failures;
mod figures;
#[path = "../kill/http.rs"]
mod http;
mod hub;
mod load;
#[path = "../clients/program.rs"]
mod program;
mod prometheus;
mod senders;
mod steady;
mod stream;
mod to_and_fro;
mod truth;
#[path = "../kill/vendors.rs"]
mod vendors;
#[path = "../kill/webhooks.rs"]
mod webhooks;

use std::sync::Arc;

use model::{Clock, DurationMs, SystemClock};

/// Waits a moment between two looks at a condition.
async fn pause(ms: i64) {
    SystemClock.sleep(DurationMs(ms)).await;
}

/// The clock that the sandbox reads.
fn now() -> i64 {
    SystemClock.now().0
}

/// Whether the long runs are wanted.
fn full() -> bool {
    std::env::var("CAMPANILE_NODES").as_deref() == Ok("full")
}

/// For things that tasks share and that are locked for a moment only.
type Shared<T> = Arc<std::sync::Mutex<T>>;

/// Fails with the first of the problems, if there are any.
fn none(problems: &[String]) {
    let shown: Vec<_> = problems.iter().take(100).cloned().collect();
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        shown.join("\n")
    );
}
