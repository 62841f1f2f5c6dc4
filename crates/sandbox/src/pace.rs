//! Rate limits as a vendor keeps them: a burst, then one each interval.

use crate::limits;
use std::collections::HashMap;

/// What a vendor allows: `burst` at once, then one each `interval_ms`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) burst: i64,
    pub(crate) interval_ms: i64,
}

/// The buckets of a vendor, by name. Each is one number: the moment at which it is full again.
#[derive(Debug, Default)]
pub(crate) struct Pace(HashMap<String, i64>);

impl Pace {
    /// Takes one from the bucket, or says how many whole seconds to wait (what `Retry-After` carries).
    /// A refused request takes nothing.
    pub(crate) fn take(&mut self, bucket: &str, allowance: Allowance, now: i64) -> Result<(), u64> {
        if self.0.len() >= limits::BUCKETS {
            self.0.retain(|_, full_at| *full_at > now);
        }
        let wait = self.wait_ms(bucket, allowance, now);
        if wait > 0 {
            return Err(wait.div_ceil(1_000).max(1));
        }
        let full_at = self.0.get(bucket).copied().unwrap_or(now).max(now);
        if self.0.len() < limits::BUCKETS || self.0.contains_key(bucket) {
            self.0
                .insert(bucket.to_owned(), full_at + allowance.interval_ms);
        }
        Ok(())
    }

    /// How long until the bucket gives one, in milliseconds; 0 if it does now.
    pub(crate) fn wait_ms(&self, bucket: &str, allowance: Allowance, now: i64) -> u64 {
        let full_at = self.0.get(bucket).copied().unwrap_or(now).max(now);
        let wait = full_at - now - allowance.interval_ms * (allowance.burst - 1);
        u64::try_from(wait).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_each_interval_and_the_wait_is_true() {
        let allowance = Allowance {
            burst: 3,
            interval_ms: 1_500,
        };
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert_eq!(pace.take("a", allowance, 10_000), Ok(()));
        }
        assert_eq!(pace.take("a", allowance, 10_000), Err(2));
        assert_eq!(
            pace.take("b", allowance, 10_000),
            Ok(()),
            "another bucket is not blocked"
        );
        assert_eq!(pace.take("a", allowance, 10_000 + 1_499), Err(1));
        assert_eq!(pace.take("a", allowance, 10_000 + 1_500), Ok(()));
        assert_eq!(pace.take("a", allowance, 10_000 + 1_500), Err(2));
    }
}
