//! Buckets: their names, and how fast they fill.

use model::{DurationMs, Secret};
use sha2::{Digest, Sha256};

use crate::kit::{Pace, SettingsError};

/// Names a credential at an address without telling it: 64 bits of a SHA-256, from which it cannot be had. The same
/// for all integrations that share both.
pub fn account_name(base_url: &str, secret: &Secret) -> String {
    let digest = Sha256::new()
        .chain_update(base_url)
        .chain_update("\n")
        .chain_update(secret.expose())
        .finalize();
    hex::encode(&digest[..8])
}

/// A bucket: `burst` at once, one more each `every_ms` milliseconds.
pub fn pace(bucket: String, every_ms: i64, burst: u32) -> Pace {
    Pace {
        bucket,
        every: DurationMs(every_ms),
        burst,
    }
}

/// Most messages a minute that a setting may ask for: a thousand a second, which no chat takes.
const PER_MINUTE_MAX: u32 = 60_000;

/// Checks a setting `messages_per_minute`.
pub fn check_per_minute(number: u32) -> Result<u32, SettingsError> {
    if (1..=PER_MINUTE_MAX).contains(&number) {
        return Ok(number);
    }
    let problem = format!("it is from 1 to {PER_MINUTE_MAX}");
    Err(SettingsError::new("messages_per_minute", problem))
}

/// A bucket of so many messages a minute, `burst` of them at once.
pub fn per_minute(bucket: String, number: u32, burst: u32) -> Pace {
    Pace {
        bucket,
        every: DurationMs(60_000 / i64::from(number.max(1))),
        burst: burst.min(number).max(1),
    }
}

/// 64 bits of a secret's SHA-256 in hex: names it in buckets, and it cannot be had from them.
pub fn name_of(secret: &Secret) -> String {
    hex::encode(&Sha256::digest(secret.expose())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i10_a_pace_has_bounds() {
        assert_eq!(per_minute(String::new(), 20, 5).every, DurationMs(3000));
        assert_eq!(per_minute(String::new(), 2, 5).burst, 2);
        assert_eq!(check_per_minute(20), Ok(20));
        for bad in [0, PER_MINUTE_MAX + 1] {
            assert_eq!(
                check_per_minute(bad).unwrap_err().field,
                "messages_per_minute"
            );
        }
    }
}
