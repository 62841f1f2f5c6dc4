//! Waiting and measuring of this store's own: pauses between tries, heartbeats, the cost of a count. No value that is
//! stored or decided depends on it.

use std::time::Duration;

use tokio::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "the rhythm of the connection's upkeep; tests that move time do not move PostgreSQL's"
)]
pub(super) async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a question took decides only how soon it is asked again"
)]
pub(super) fn instant() -> Instant {
    Instant::now()
}
