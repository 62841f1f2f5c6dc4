//! Vendors' buckets: how many sends they take, by the time at which the next one would be due (GCRA), and how long
//! they asked us to wait.

use model::Timestamp;

use crate::Debit;

/// One bucket's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// When the sends taken so far would be paid off at one each `every`.
    pub paid_at: Timestamp,
    /// The vendor's own word.
    pub blocked_until: Timestamp,
}

impl Bucket {
    /// The bucket after one more send, or when there is room for it.
    pub(crate) fn debit(self, debit: &Debit, now: Timestamp) -> Result<Bucket, Timestamp> {
        if now < self.blocked_until {
            return Err(self.blocked_until);
        }
        let every = debit.every.0.max(0);
        let burst = i64::from(debit.burst.max(1));
        // Beyond what a full bucket can owe, the clock has stepped back: then it is not held against the sender.
        let full = now.0.saturating_add(every.saturating_mul(burst));
        let paid_at = if self.paid_at.0 > full {
            now.0
        } else {
            self.paid_at.0
        };
        let room_at = paid_at.saturating_sub(every.saturating_mul(burst - 1));
        if now.0 < room_at {
            return Err(Timestamp(room_at));
        }
        Ok(Bucket {
            paid_at: Timestamp(paid_at.max(now.0).saturating_add(every)),
            ..self
        })
    }

    pub(crate) fn block(self, until: Timestamp) -> Bucket {
        Bucket {
            blocked_until: self.blocked_until.max(until),
            ..self
        }
    }

    /// Nothing is lost by forgetting it.
    pub(crate) fn is_idle(self, now: Timestamp) -> bool {
        self.paid_at <= now && self.blocked_until <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::DurationMs;

    fn debit(every: i64, burst: u32) -> Debit {
        Debit {
            bucket: "b".into(),
            every: DurationMs(every),
            burst,
        }
    }

    #[test]
    fn a_bucket_takes_its_burst_at_once_and_then_one_each_interval() {
        let one = debit(100, 3);
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            bucket = bucket.debit(&one, Timestamp(1000)).unwrap();
        }
        assert_eq!(bucket.debit(&one, Timestamp(1000)), Err(Timestamp(1100)));
        assert_eq!(bucket.debit(&one, Timestamp(1099)), Err(Timestamp(1100)));
        bucket = bucket.debit(&one, Timestamp(1100)).unwrap();
        assert_eq!(bucket.debit(&one, Timestamp(1100)), Err(Timestamp(1200)));
        assert!(bucket.is_idle(Timestamp(1400)) && !bucket.is_idle(Timestamp(1399)));
    }

    #[test]
    fn a_clock_that_stepped_back_does_not_shut_a_bucket() {
        let one = debit(100, 1);
        let bucket = Bucket::default().debit(&one, Timestamp(1_000_000)).unwrap();
        let bucket = bucket.debit(&one, Timestamp(5000)).unwrap();
        assert_eq!(bucket.debit(&one, Timestamp(5000)), Err(Timestamp(5100)));
    }

    #[test]
    fn a_block_holds_until_its_end_and_a_shorter_one_does_not_lift_it() {
        let bucket = Bucket::default()
            .block(Timestamp(500))
            .block(Timestamp(300));
        assert_eq!(
            bucket.debit(&debit(0, 1), Timestamp(499)),
            Err(Timestamp(500))
        );
        assert!(bucket.debit(&debit(0, 1), Timestamp(500)).is_ok());
    }
}
