//! The vendors' own schemes, one small group of functions each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Secret, Timestamp};

use super::{SignatureError, fresh, hmac_of};
use crate::limits;

/// Compares a hex signature with those of the active secrets.
fn matches_hex(
    theirs: &str,
    secrets: &[Secret],
    ours: impl Fn(&[u8]) -> [u8; 32],
) -> Result<(), SignatureError> {
    let theirs = hex::decode(theirs).map_err(|_| SignatureError::Malformed)?;
    let found = secrets
        .iter()
        .any(|secret| hmac_of::same(&theirs, &ours(secret.expose().as_bytes())));
    if found {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// Slack's `X-Slack-Signature`: `v0=` and hex HMAC-SHA256 over `v0:timestamp:body` (Slack, "Verifying requests from
/// Slack", read 2026-11). `timestamp` is that of `X-Slack-Request-Timestamp`, in seconds.
pub fn sign_slack(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    format!(
        "v0={}",
        hex::encode(slack(secret.expose().as_bytes(), timestamp, body))
    )
}

/// Slack's signature, refused when its timestamp is more than five minutes away.
pub fn verify_slack(
    secrets: &[Secret],
    timestamp: &str,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    fresh(timestamp, now)?;
    let theirs = header
        .strip_prefix("v0=")
        .ok_or(SignatureError::Malformed)?;
    matches_hex(theirs, secrets, |key| slack(key, timestamp, body))
}

fn slack(key: &[u8], timestamp: &str, body: &[u8]) -> [u8; 32] {
    hmac_of::sha256(key, &[b"v0:", timestamp.as_bytes(), b":", body])
}

/// PagerDuty's `X-PagerDuty-Signature` (Webhooks v3): `v1=` and hex HMAC-SHA256 over the body (PagerDuty developer
/// documentation, "Verifying Webhook Signatures", read 2026-11).
pub fn sign_pagerduty(secret: &Secret, body: &[u8]) -> String {
    format!(
        "v1={}",
        hex::encode(hmac_of::sha256(secret.expose().as_bytes(), &[body]))
    )
}

/// PagerDuty separates several signatures by commas during a rotation; one that matches is enough. There is no
/// timestamp: replays are recognised by `X-Webhook-Id`.
pub fn verify_pagerduty(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
) -> Result<(), SignatureError> {
    let mut verdict = Err(SignatureError::Malformed);
    for part in header.split(',').take(limits::SIGNATURES_MAX) {
        let Some(theirs) = part.trim().strip_prefix("v1=") else {
            continue;
        };
        match matches_hex(theirs, secrets, |key| hmac_of::sha256(key, &[body])) {
            Ok(()) => return Ok(()),
            Err(SignatureError::Malformed) => {}
            Err(error) => verdict = Err(error),
        }
    }
    verdict
}

/// Grafana's `X-Grafana-Alerting-Signature`: hex HMAC-SHA256 over the body, or over `timestamp:body` when a timestamp
/// header is configured (Grafana, "Configure the webhook notifier", read 2026-11).
pub fn sign_grafana(secret: &Secret, timestamp: Option<&str>, body: &[u8]) -> String {
    hex::encode(grafana(secret.expose().as_bytes(), timestamp, body))
}

/// Grafana's signature; with a timestamp also its freshness.
pub fn verify_grafana(
    secrets: &[Secret],
    timestamp: Option<&str>,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if let Some(timestamp) = timestamp {
        fresh(timestamp, now)?;
    }
    matches_hex(header, secrets, |key| grafana(key, timestamp, body))
}

fn grafana(key: &[u8], timestamp: Option<&str>, body: &[u8]) -> [u8; 32] {
    match timestamp {
        Some(timestamp) => hmac_of::sha256(key, &[timestamp.as_bytes(), b":", body]),
        None => hmac_of::sha256(key, &[body]),
    }
}

/// Sentry's `Sentry-Hook-Signature`: hex HMAC-SHA256 with the integration's client secret over the body (Sentry,
/// "Integration Platform: Webhooks", read 2026-11).
pub fn sign_sentry(secret: &Secret, body: &[u8]) -> String {
    hex::encode(hmac_of::sha256(secret.expose().as_bytes(), &[body]))
}

pub fn verify_sentry(secrets: &[Secret], header: &str, body: &[u8]) -> Result<(), SignatureError> {
    matches_hex(header, secrets, |key| hmac_of::sha256(key, &[body]))
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    Base64,
}

/// MongoDB's `X-MMS-Signature`: HMAC-SHA1 over the body. The older documentation says hex, today's Cloud Manager sends
/// base64 (M24).
pub fn sign_mms(secret: &Secret, body: &[u8], encoding: Encoding) -> String {
    let mac = hmac_of::sha1(secret.expose().as_bytes(), &[body]);
    match encoding {
        Encoding::Hex => hex::encode(mac),
        Encoding::Base64 => STANDARD.encode(mac),
    }
}

/// Accepts either writing: 40 hex digits are never the base64 of 20 bytes, which has 28 characters.
pub fn verify_mms(secrets: &[Secret], header: &str, body: &[u8]) -> Result<(), SignatureError> {
    let theirs = match header.len() {
        40 => hex::decode(header).map_err(|_| SignatureError::Malformed)?,
        28 => STANDARD
            .decode(header)
            .map_err(|_| SignatureError::Malformed)?,
        _ => return Err(SignatureError::Malformed),
    };
    let found = secrets
        .iter()
        .any(|s| hmac_of::same(&theirs, &hmac_of::sha1(s.expose().as_bytes(), &[body])));
    if found {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// DingTalk's `sign` parameter, base64: percent-encode it for the query, beside `timestamp` in milliseconds. The key
/// is the secret, the text `timestamp\nsecret`.
pub fn sign_dingtalk(secret: &Secret, now: Timestamp) -> String {
    let key = secret.expose().as_bytes();
    STANDARD.encode(hmac_of::sha256(
        key,
        &[now.0.to_string().as_bytes(), b"\n", key],
    ))
}

/// Feishu's `sign` field, base64, beside `timestamp` in seconds. The other way round than DingTalk: `timestamp\nsecret`
/// is the key, and the text is empty.
pub fn sign_feishu(secret: &Secret, seconds: i64) -> String {
    let key = zeroize::Zeroizing::new(format!("{seconds}\n{}", secret.expose()));
    STANDARD.encode(hmac_of::sha256(key.as_bytes(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn slack_accepts_its_official_example_and_nothing_old_or_changed() {
        let key = || vec![secret("8f742231b10e8888abcd99yyyzzz85a5")];
        let at = "1531420618";
        let now = Timestamp(1_531_420_618_000);
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let header = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        assert_eq!(sign_slack(&key()[0], at, body), header);
        assert_eq!(verify_slack(&key(), at, header, body, now), Ok(()));
        assert_eq!(
            verify_slack(&[secret("old"), key().remove(0)], at, header, body, now),
            Ok(())
        );
        assert_eq!(
            verify_slack(&key(), at, header, b"token=other", now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify_slack(&key(), at, header, body, Timestamp(now.0 + 300_001)),
            Err(SignatureError::Stale)
        );
        assert_eq!(
            verify_slack(&key(), at, &header[3..], body, now),
            Err(SignatureError::Malformed)
        );
        assert_eq!(
            verify_slack(&key(), at, "v0=a2", body, now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify_slack(&key(), "", header, body, now),
            Err(SignatureError::Malformed)
        );
    }

    #[test]
    fn pagerduty_accepts_any_of_several_signatures() {
        let key = || vec![secret("whsec")];
        let body = br#"{"event":{"id":"01"}}"#;
        let header = "v1=9248e56b85ded518ef077a7b1c16ab1d6227dcb7de54accd59cfc6a8be8ab237";
        assert_eq!(sign_pagerduty(&key()[0], body), header);
        assert_eq!(verify_pagerduty(&key(), header, body), Ok(()));
        let rotating = format!("v2=abc,v1={}, {header}", "0".repeat(64));
        assert_eq!(verify_pagerduty(&key(), &rotating, body), Ok(()));
        assert_eq!(
            verify_pagerduty(&key(), header, b"{}"),
            Err(SignatureError::Mismatch)
        );
        for bad in ["", "v2=abc", "9248", "v1=xyz"] {
            assert_eq!(
                verify_pagerduty(&key(), bad, body),
                Err(SignatureError::Malformed),
                "{bad:?}"
            );
        }
        // The signature that would match comes after more than anybody sends.
        let flood = format!("{}{header}", "v1=00,".repeat(limits::SIGNATURES_MAX));
        assert_eq!(
            verify_pagerduty(&key(), &flood, body),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn grafana_is_verified_with_and_without_a_timestamp() {
        let key = || vec![secret("grafana-secret")];
        let body = br#"{"version":"1"}"#;
        let plain = "03a94746ad32ef15f5dba7c407bf68b2b708e6723f59d70706dd820e02106c37";
        let timed = "aed935ddc91de50c9238e3218e928613701baff71d18a8c29c97dc40f0b15943";
        let at = Some("1700000000");
        assert_eq!(sign_grafana(&key()[0], None, body), plain);
        assert_eq!(sign_grafana(&key()[0], at, body), timed);
        assert_eq!(verify_grafana(&key(), None, plain, body, NOW), Ok(()));
        assert_eq!(verify_grafana(&key(), at, timed, body, NOW), Ok(()));
        assert_eq!(
            verify_grafana(&key(), at, plain, body, NOW),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify_grafana(&key(), at, timed, body, Timestamp(NOW.0 + 400_000)),
            Err(SignatureError::Stale)
        );
    }

    #[test]
    fn sentry_is_verified() {
        let key = [secret("sentry-client-secret")];
        let body = br#"{"action":"triggered"}"#;
        let header = "2a8a14366488082beadb8f28d6ce93e74ac35a27ab3f272b667e232c6239d38d";
        assert_eq!(sign_sentry(&key[0], body), header);
        assert_eq!(verify_sentry(&key, header, body), Ok(()));
        assert_eq!(
            verify_sentry(&key, header, b"{}"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(verify_sentry(&key, "", body), Err(SignatureError::Mismatch));
    }

    #[test]
    fn m24_mms_is_written_as_hex_or_base64_and_read_as_either() {
        // RFC 2202, test case 2.
        let key = || vec![secret("Jefe")];
        let body = b"what do ya want for nothing?";
        assert_eq!(
            sign_mms(&key()[0], body, Encoding::Hex),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert_eq!(
            sign_mms(&key()[0], body, Encoding::Base64),
            "7/zfauXrL6LSdBbV8YTfnCWafHk="
        );
        for encoding in [Encoding::Hex, Encoding::Base64] {
            let header = sign_mms(&key()[0], body, encoding);
            assert_eq!(verify_mms(&key(), &header, body), Ok(()));
            assert_eq!(
                verify_mms(&key(), &header, b"other"),
                Err(SignatureError::Mismatch)
            );
            assert_eq!(
                verify_mms(&[secret("other")], &header, body),
                Err(SignatureError::Mismatch)
            );
        }
        for bad in ["", "abc", &"z".repeat(40), &"*".repeat(28)] {
            assert_eq!(
                verify_mms(&key(), bad, body),
                Err(SignatureError::Malformed),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn dingtalk_and_feishu_sign_the_same_things_in_opposite_roles() {
        assert_eq!(
            sign_dingtalk(&secret("SECthisisasecret"), NOW),
            "k0xJ3lqr9N+gHT3Ywq7xDQxuIXiiigEITTk0lLgeQOg="
        );
        assert_eq!(
            sign_feishu(&secret("thisisasecret"), 1_700_000_000),
            "Jm9h6ddtHjHBfJK+ZhNcffvrdrkz5ReWP+H6euGBEG4="
        );
    }
}
