//! The one place that really waits.

use std::time::Duration;

/// Waits as a slow vendor does.
#[expect(
    clippy::disallowed_methods,
    reason = "a `delay_ms` fault is real waiting: the client under test has real timeouts"
)]
pub(crate) async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
