//! Points in time and durations, in milliseconds.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 UTC. Stored as that number; shown as RFC 3339.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The beginning of time: "not before anything".
    pub const ZERO: Timestamp = Timestamp(0);
    /// Later than anything that is ever due.
    pub const NEVER: Timestamp = Timestamp(i64::MAX);

    /// Whole seconds since 1970, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time plus `d`, stopping at [`Timestamp::NEVER`].
    pub fn plus(self, d: DurationMs) -> Timestamp {
        Timestamp(self.0.saturating_add(d.0))
    }

    /// How long after `earlier` this is; negative if it is before.
    pub fn since(self, earlier: Timestamp) -> DurationMs {
        DurationMs(self.0.saturating_sub(earlier.0))
    }
}

impl Add<DurationMs> for Timestamp {
    type Output = Timestamp;
    fn add(self, d: DurationMs) -> Timestamp {
        self.plus(d)
    }
}

impl Sub<Timestamp> for Timestamp {
    type Output = DurationMs;
    fn sub(self, earlier: Timestamp) -> DurationMs {
        self.since(earlier)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds; times that jiff cannot show are clamped to what it can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.clamp(-62_135_596_800_000, 253_402_207_200_000);
        let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{time:.3}")
    }
}

/// A text that is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time, such as 2026-01-31T12:00:00Z")]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|t| Timestamp(t.as_millisecond()))
            .map_err(|_| ParseTimestampError)
    }
}

/// A length of time in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DurationMs(pub i64);

impl DurationMs {
    pub const ZERO: DurationMs = DurationMs(0);

    pub const fn from_secs(s: i64) -> DurationMs {
        DurationMs(s * 1000)
    }

    pub const fn from_mins(m: i64) -> DurationMs {
        DurationMs(m * 60_000)
    }

    pub const fn from_hours(h: i64) -> DurationMs {
        DurationMs(h * 3_600_000)
    }

    /// For APIs of std and tokio; negative lengths count as zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl fmt::Display for DurationMs {
    /// The configuration's form: `500ms`, `15s`, `5m`, `2h`, `7d`, in the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, ms) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
        ] {
            if self.0 != 0 && self.0 % ms == 0 {
                return write!(f, "{}{unit}", self.0 / ms);
            }
        }
        if self.0 == 0 {
            f.write_str("0s")
        } else {
            write!(f, "{}ms", self.0)
        }
    }
}

/// A text that is not a duration.
#[derive(Debug, thiserror::Error)]
#[error("not a duration, such as 30s, 5m, 1h30m or 7d")]
pub struct ParseDurationError;

impl FromStr for DurationMs {
    type Err = ParseDurationError;
    /// Reads `1h30m`, `15s`, `250ms`, `0`. Units: ms, s, m, h, d, w.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "0" {
            return Ok(DurationMs::ZERO);
        }
        let mut rest = text;
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let scale = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 604_800_000,
                _ => return Err(ParseDurationError),
            };
            let number: i64 = number.parse().map_err(|_| ParseDurationError)?;
            total = number
                .checked_mul(scale)
                .and_then(|ms| total.checked_add(ms))
                .ok_or(ParseDurationError)?;
            rest = tail;
        }
        if text.is_empty() {
            Err(ParseDurationError)
        } else {
            Ok(DurationMs(total))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_what_they_show() {
        for text in ["0s", "250ms", "15s", "5m", "2h", "7d"] {
            assert_eq!(text.parse::<DurationMs>().unwrap().to_string(), text);
        }
        assert_eq!(
            "1h30m".parse::<DurationMs>().unwrap(),
            DurationMs::from_mins(90)
        );
        for bad in ["", "5", "m", "5 m", "-5m", "99999999999999999d"] {
            assert!(bad.parse::<DurationMs>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_read_back_what_they_show() {
        let t: Timestamp = "2026-11-20T10:58:01.123Z".parse().unwrap();
        assert_eq!(t.to_string(), "2026-11-20T10:58:01.123Z");
        assert_eq!(
            "2026-11-20T11:58:01.123+01:00"
                .parse::<Timestamp>()
                .unwrap(),
            t
        );
        assert!(Timestamp::NEVER.to_string().starts_with("9999-"));
    }
}
