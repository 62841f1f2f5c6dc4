//! When to try again: pure functions of the attempt, what the vendor asked for, and a random number.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::{DurationMs, Timestamp};

/// Reads `Retry-After`: seconds (also with a fraction, which some vendors send) or one of HTTP's three date forms
/// (RFC 9110 §10.2.3 and §5.6.7). A date in the past is zero. Anything else is `None`.
pub fn retry_after(value: &str, now: Timestamp) -> Option<DurationMs> {
    let value = value.trim();
    if value.starts_with(|c: char| c.is_ascii_digit())
        && value.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        let seconds: f64 = value.parse().ok()?;
        // A float cast stops at the ends of the range.
        return Some(DurationMs((seconds * 1000.0).ceil() as i64));
    }
    let forms = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ];
    let date = forms
        .iter()
        .find_map(|form| DateTime::strptime(form, value).ok())?;
    let at = date
        .to_zoned(TimeZone::UTC)
        .ok()?
        .timestamp()
        .as_millisecond();
    Some(DurationMs(at.saturating_sub(now.0).max(0)))
}

/// How an integration's failures are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The delay after the first failure.
    pub first: DurationMs,
    /// The longest delay, also for what a vendor asks.
    pub cap: DurationMs,
    /// The age at which no further try is planned.
    pub give_up: DurationMs,
}

impl RetrySchedule {
    /// The delay after failure number `attempt` (the first is 1): `first` doubled each time, ± 20 % by `random`, so
    /// that lanes that failed together do not come back together.
    ///
    /// `asked` (`Retry-After` and its kin) takes the place of the doubling, within `first..=cap`, and is lengthened
    /// by up to 20 % instead: a vendor is not asked earlier than it said. Never above `cap`.
    pub fn delay(&self, attempt: u32, asked: Option<DurationMs>, random: u64) -> DurationMs {
        let first = self.first.0.max(1);
        let cap = self.cap.0.max(first);
        // 0 ..= 1000, in thousandths.
        let dice = i64::try_from(random % 1001).unwrap_or(0);
        let (base, thousandths) = match asked {
            Some(asked) => (asked.0.clamp(first, cap), 1000 + dice / 5),
            None => {
                let doublings = attempt.saturating_sub(1).min(62);
                (
                    first.saturating_mul(1i64 << doublings).min(cap),
                    800 + dice * 2 / 5,
                )
            }
        };
        let jittered = i128::from(base) * i128::from(thousandths) / 1000;
        DurationMs(i64::try_from(jittered).unwrap_or(i64::MAX).clamp(1, cap))
    }

    /// [`RetrySchedule::delay`], or `None` once the try would be older than `give_up`. `age` is the time since the
    /// first try.
    pub fn next(
        &self,
        attempt: u32,
        age: DurationMs,
        asked: Option<DurationMs>,
        random: u64,
    ) -> Option<DurationMs> {
        let delay = self.delay(attempt, asked, random);
        (age.0.saturating_add(delay.0) <= self.give_up.0).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_any_of_https_dates() {
        let now = Timestamp(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let table: [(&str, Option<i64>); 15] = [
            ("0", Some(0)),
            ("120", Some(120_000)),
            (" 30 ", Some(30_000)),
            ("0.25", Some(250)),
            ("1.0001", Some(1001)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(i64::MAX)),
            ("", None),
            ("-5", None),
            ("soon", None),
            ("1.2.3", None),
            ("Sun, 06 Nov 1994", None),
        ];
        for (value, expected) in table {
            assert_eq!(
                retry_after(value, now),
                expected.map(DurationMs),
                "{value:?}"
            );
        }
    }

    const SCHEDULE: RetrySchedule = RetrySchedule {
        first: DurationMs(1000),
        cap: DurationMs(600_000),
        give_up: DurationMs(3_600_000),
    };

    #[test]
    fn delays_double_up_to_the_cap() {
        // The middle of the dice is no jitter.
        let delays: Vec<i64> = (1..=12)
            .map(|attempt| SCHEDULE.delay(attempt, None, 500).0)
            .collect();
        assert_eq!(
            delays,
            [
                1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000,
                600_000
            ]
        );
    }

    #[test]
    fn what_the_vendor_asks_is_kept_within_the_bounds() {
        let asked = |ms| SCHEDULE.delay(9, Some(DurationMs(ms)), 0).0;
        assert_eq!(asked(30_000), 30_000);
        assert_eq!(asked(0), 1000);
        assert_eq!(asked(-5), 1000);
        assert_eq!(asked(i64::MAX), 600_000);
    }

    #[test]
    fn no_try_is_planned_beyond_the_giving_up_age() {
        assert!(SCHEDULE.next(1, DurationMs(3_599_000), None, 500).is_some());
        assert!(SCHEDULE.next(1, DurationMs(3_599_001), None, 500).is_none());
    }

    proptest! {
        #[test]
        fn a_delay_is_within_a_fifth_of_the_doubled_first_and_never_above_the_cap(attempt in 0u32..200, random: u64) {
            let exact = 1000f64 * 2f64.powi(i32::try_from(attempt.max(1)).unwrap() - 1);
            let exact = exact.min(600_000.0);
            let delay = SCHEDULE.delay(attempt, None, random).0 as f64;
            prop_assert!(delay >= exact * 0.8 - 1.0 && delay <= (exact * 1.2).min(600_000.0), "{delay} for {exact}");
        }

        #[test]
        fn a_vendor_is_never_asked_earlier_than_it_said(attempt: u32, asked in 1000i64..=600_000, random: u64) {
            let delay = SCHEDULE.delay(attempt, Some(DurationMs(asked)), random).0;
            prop_assert!(delay >= asked && delay <= 600_000 && delay <= asked + asked / 5 + 1);
        }

        #[test]
        fn no_schedule_however_odd_panics_or_gives_less_than_a_millisecond(first: i64, cap: i64, attempt: u32, asked: Option<i64>, random: u64) {
            let schedule = RetrySchedule { first: DurationMs(first), cap: DurationMs(cap), give_up: DurationMs(i64::MAX) };
            prop_assert!(schedule.delay(attempt, asked.map(DurationMs), random).0 >= 1);
        }

        #[test]
        fn no_header_value_panics(value in "\\PC{0,40}") {
            let _read = retry_after(&value, Timestamp(0));
        }
    }
}
