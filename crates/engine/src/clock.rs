//! The database's time as this node's: on a shared store a node's own wall clock decides nothing (DESIGN §6).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::{BoxFuture, Clock, DurationMs, Timestamp};
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::telling;

/// The offset is measured again this often: quartz drifts less than a millisecond in it.
const MEASURE_EVERY: DurationMs = DurationMs::from_secs(5);
/// Round trips of one measurement; the quickest counts.
const TRIES: usize = 3;

/// Boot time plus an offset that is measured at the database. It errs by half of the measurement's round trip (and
/// a millisecond of rounding), in either direction.
pub(crate) struct DatabaseClock {
    inner: Arc<dyn Clock>,
    offset: AtomicI64,
}

/// One measurement: the database's time less boot time, and by how much that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    offset: i64,
    error: i64,
}

impl DatabaseClock {
    /// The clock of this store; `None` if it goes by the process's own.
    pub async fn of(
        store: &dyn Store,
        inner: &Arc<dyn Clock>,
    ) -> Result<Option<DatabaseClock>, StoreError> {
        let sample = measure(store, &**inner).await?;
        Ok(sample.map(|sample| DatabaseClock {
            inner: inner.clone(),
            offset: AtomicI64::new(sample.offset),
        }))
    }

    /// Moves the offset as far as the sample proves it wrong, and no further: a slow round trip changes nothing.
    fn adjust(&self, sample: Sample) {
        let offset = self.offset.load(Ordering::Relaxed);
        let bounded = offset.clamp(
            sample.offset.saturating_sub(sample.error),
            sample.offset.saturating_add(sample.error),
        );
        self.offset.store(bounded, Ordering::Relaxed);
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.inner.boot_ms() + self.offset.load(Ordering::Relaxed))
    }

    fn boot_ms(&self) -> i64 {
        self.inner.boot_ms()
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'static, ()> {
        self.inner.sleep(t.since(self.now()))
    }

    fn sleep(&self, d: DurationMs) -> BoxFuture<'static, ()> {
        self.inner.sleep(d)
    }
}

async fn measure(store: &dyn Store, clock: &dyn Clock) -> Result<Option<Sample>, StoreError> {
    let mut best: Option<Sample> = None;
    for _ in 0..TRIES {
        let before = clock.boot_ms();
        let Some(now) = store.database_now().await? else {
            return Ok(None);
        };
        let took = clock.boot_ms() - before;
        let sample = Sample {
            offset: now.0 - (before + took / 2),
            error: took / 2 + 1,
        };
        if best.is_none_or(|best| sample.error < best.error) {
            best = Some(sample);
        }
    }
    Ok(best)
}

/// Follows the database's time until `stop`.
pub(crate) async fn run(clock: Arc<DatabaseClock>, store: Arc<dyn Store>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(MEASURE_EVERY) => {}
        }
        match measure(&*store, &*clock.inner).await {
            Ok(Some(sample)) => clock.adjust(sample),
            Ok(None) => {}
            Err(error) => telling::store_failed("clock", &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::TestClock;

    use super::*;

    #[test]
    fn the_offset_moves_only_as_far_as_a_sample_proves_it_wrong() {
        let inner: Arc<dyn Clock> = Arc::new(TestClock::at(Timestamp(1_000_000)));
        let clock = DatabaseClock {
            inner,
            offset: AtomicI64::new(5000),
        };
        let now_after = |offset, error| {
            clock.adjust(Sample { offset, error });
            clock.now().0
        };
        assert_eq!(now_after(5400, 500), 5000, "a slow sample proves nothing");
        assert_eq!(now_after(5010, 2), 5008);
        assert_eq!(now_after(4990, 1), 4991);
    }

    #[tokio::test]
    async fn a_wall_clock_that_is_set_moves_nothing() {
        let inner = Arc::new(TestClock::at(Timestamp(1_000_000)));
        let clock = DatabaseClock {
            inner: inner.clone(),
            offset: AtomicI64::new(7_000_000),
        };
        inner.advance(DurationMs(250));
        assert_eq!(clock.now(), Timestamp(7_000_250));
        let sleeper = tokio::spawn(clock.sleep_until(Timestamp(7_000_300)));
        inner.advance(DurationMs(49));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        inner.advance(DurationMs(1));
        sleeper.await.unwrap();
    }
}
