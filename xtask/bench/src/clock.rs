//! The one door to clocks: a measurement is a matter of real time.

use std::time::{Duration, Instant, SystemTime};

/// Runs from the moment it is made.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is how long other processes take"
    )]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Seconds since 1970: the alerts' times must lie around the servers' present.
#[expect(
    clippy::disallowed_methods,
    reason = "the servers that are measured go by the wall clock"
)]
pub fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0))
}

#[expect(
    clippy::disallowed_methods,
    reason = "waiting for other processes, which no clock of ours moves"
)]
pub async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
