//! The only door to time and chance. Everything else takes a [`Clock`] or an [`Entropy`]; clippy bans the rest.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one file that may read clocks and randomness"
)]

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::{DurationMs, Timestamp};

/// A boxed future, for traits used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Wall time, boot time, and waiting.
pub trait Clock: Send + Sync {
    /// Wall time; may jump.
    fn now(&self) -> Timestamp;
    /// Milliseconds since boot, time asleep included; never jumps. For leases and elapsed times.
    fn boot_ms(&self) -> i64;
    /// Returns once `now() >= t` (or a little later).
    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'static, ()>;
    /// Returns once `d` has gone by.
    fn sleep(&self, d: DurationMs) -> BoxFuture<'static, ()> {
        self.sleep_until(self.now() + d)
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    fn boot_ms(&self) -> i64 {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        t.tv_sec * 1000 + t.tv_nsec / 1_000_000
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(t.since(self.now()).to_std()))
    }

    fn sleep(&self, d: DurationMs) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(d.to_std()))
    }
}

/// A clock that tests move by hand. Sleepers wake when it is moved past their time.
#[derive(Debug)]
pub struct TestClock {
    now: watch::Sender<i64>,
    start: i64,
}

impl TestClock {
    pub fn at(t: Timestamp) -> TestClock {
        TestClock {
            now: watch::Sender::new(t.0),
            start: t.0,
        }
    }

    /// Moves wall and boot time on.
    pub fn advance(&self, d: DurationMs) {
        self.now.send_modify(|now| *now += d.0);
    }

    /// Sets the time; boot time goes with it.
    pub fn set(&self, t: Timestamp) {
        self.now.send_replace(t.0);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.now.borrow())
    }

    fn boot_ms(&self) -> i64 {
        *self.now.borrow() - self.start
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'static, ()> {
        let mut seen = self.now.subscribe();
        Box::pin(async move {
            // An error means that the clock is gone: then there is nothing to wait for.
            let _gone = seen.wait_for(|now| *now >= t.0).await;
        })
    }
}

/// Randomness.
pub trait Entropy: Send + Sync {
    fn next_u64(&self) -> u64;

    /// Fills `bytes`, for keys and nonces.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

/// The operating system's randomness.
#[derive(Debug, Default)]
pub struct OsEntropy;

/// Numbers fetched at once for [`OsEntropy::next_u64`]: a system call for each would be a hundredth of a busy hub's time.
const FETCHED_AT_ONCE: usize = 64;

thread_local! {
    /// Numbers that nobody has got yet. Taken out as they are given.
    static FETCHED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Entropy for OsEntropy {
    fn next_u64(&self) -> u64 {
        FETCHED.with_borrow_mut(|fetched| {
            loop {
                if let Some(number) = fetched.pop() {
                    return number;
                }
                let mut bytes = [0; 8 * FETCHED_AT_ONCE];
                self.fill(&mut bytes);
                let (numbers, _) = bytes.as_chunks();
                fetched.extend(numbers.iter().map(|number| u64::from_le_bytes(*number)));
            }
        })
    }

    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness once it has booted");
    }
}

/// A repeatable sequence for tests (splitmix64). Not for secrets.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_of_a_moved_clock_wake_at_their_time() {
        let clock = std::sync::Arc::new(TestClock::at(Timestamp(1000)));
        let sleeper = tokio::spawn(clock.sleep(DurationMs(500)));
        clock.advance(DurationMs(499));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(DurationMs(1));
        sleeper.await.unwrap();
    }
}
