//! The additional signature, checked as DingTalk does.
//!
//! Source: DingTalk's "Custom robot security settings": base64 of HMAC-SHA256, the secret as key, the text `timestamp` in
//! milliseconds, a line feed and the secret again; the time may be off by an hour.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

const TOLERANCE_MS: u64 = 3_600_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Good,
    /// The time is missing, no number, or more than an hour off.
    Time,
    Mismatch,
}

pub(super) fn check(secret: &str, timestamp: &str, sign: &str, now: i64) -> Checked {
    let Ok(at) = timestamp.parse::<i64>() else {
        return Checked::Time;
    };
    if now.abs_diff(at) > TOLERANCE_MS {
        return Checked::Time;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Checked::Mismatch;
    };
    mac.update(format!("{timestamp}\n{secret}").as_bytes());
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    if bool::from(expected.as_bytes().ct_eq(sign.as_bytes())) {
        Checked::Good
    } else {
        Checked::Mismatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_good_and_nothing_near_it_is() {
        let (secret, at) = ("SECthisisasecret", "1700000000000");
        let good = "k0xJ3lqr9N+gHT3Ywq7xDQxuIXiiigEITTk0lLgeQOg=";
        let now = 1_700_000_000_000;
        assert_eq!(check(secret, at, good, now), Checked::Good);
        assert_eq!(check(secret, at, good, now + 3_600_000), Checked::Good);
        assert_eq!(check(secret, at, good, now + 3_600_001), Checked::Time);
        assert_eq!(check(secret, "", good, now), Checked::Time);
        assert_eq!(check(secret, "1700000000001", good, now), Checked::Mismatch);
        assert_eq!(check("SECother", at, good, now), Checked::Mismatch);
        assert_eq!(check(secret, at, "", now), Checked::Mismatch);
    }
}
