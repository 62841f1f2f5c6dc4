//! Standard Webhooks signatures, checked as a careful receiver does.
//!
//! Source: standard-webhooks specification (commit b2fa7b8): the signed content is `id.timestamp.body`, the key is the
//! base64 after `whsec_`, the header holds `v1,<base64>` tokens separated by spaces, the timestamp (seconds) may be
//! off by five minutes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How far a timestamp may be off, seconds.
const TOLERANCE: i64 = 300;

/// The three headers, of the right form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed<'a> {
    pub(super) id: &'a str,
    timestamp: i64,
    timestamp_text: &'a str,
    signatures: Vec<&'a str>,
}

/// Reads the headers. `Ok(None)` if none of the three is there. A sender that shares no secret leaves the signature
/// out; it is missed only where a secret is registered.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Signed<'_>>, String> {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    if !names.iter().any(|name| headers.contains_key(*name)) {
        return Ok(None);
    }
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| format!("no {name} header"))
    };
    let (id, timestamp_text) = (text(names[0])?, text(names[1])?);
    if id.is_empty() || id.contains('.') {
        return Err(
            "webhook-id is empty or has a full stop, which the signed content uses as separator"
                .into(),
        );
    }
    let digits = !timestamp_text.is_empty() && timestamp_text.bytes().all(|b| b.is_ascii_digit());
    let timestamp = if digits {
        timestamp_text.parse().ok()
    } else {
        None
    };
    let timestamp = timestamp.ok_or("webhook-timestamp is not a number of seconds")?;
    let signatures: Vec<_> = match headers.get(names[2]) {
        Some(_) => text(names[2])?.split(' ').collect(),
        None => Vec::new(),
    };
    let well_formed = |token: &&str| {
        token
            .split_once(',')
            .is_some_and(|(version, value)| !version.is_empty() && STANDARD.decode(value).is_ok())
    };
    if !signatures.is_empty()
        && (!signatures.iter().all(well_formed)
            || !signatures.iter().any(|token| token.starts_with("v1,")))
    {
        return Err(
            "webhook-signature is not a list of version,base64 separated by spaces with a v1"
                .into(),
        );
    }
    Ok(Some(Signed {
        id,
        timestamp,
        timestamp_text,
        signatures,
    }))
}

/// The key in a secret; `None` if it is not base64 after an optional `whsec_`.
pub(super) fn key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(secret))
        .ok()?;
    (!key.is_empty()).then_some(key)
}

impl Signed<'_> {
    /// Whether one of the keys signed this body, recently. `now` in milliseconds.
    pub(super) fn verify(&self, keys: &[Vec<u8>], body: &[u8], now: i64) -> Result<(), String> {
        let off = now.div_euclid(1_000).saturating_sub(self.timestamp);
        if off.saturating_abs() > TOLERANCE {
            return Err(format!(
                "webhook-timestamp is off by {off} s, allowed are {TOLERANCE}"
            ));
        }
        if self.signatures.is_empty() {
            return Err("no webhook-signature header, and a secret is registered".into());
        }
        let matches = keys.iter().any(|key| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
                return false;
            };
            for part in [
                self.id.as_bytes(),
                b".",
                self.timestamp_text.as_bytes(),
                b".",
                body,
            ] {
                mac.update(part);
            }
            let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
            self.signatures
                .iter()
                .any(|given| bool::from(given.as_bytes().ct_eq(expected.as_bytes())))
        });
        if matches {
            Ok(())
        } else {
            Err("no webhook-signature matches a registered secret".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NOW: i64 = 1_614_265_330_000;

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_published_vector_verifies_and_nothing_near_it_does() {
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        let keys = [key("whsec_AAAA").unwrap(), key(SECRET).unwrap()];
        let check = |id: &str, signature: &str, body: &[u8], now: i64| {
            read(&headers(id, "1614265330", signature))
                .unwrap()
                .unwrap()
                .verify(&keys, body, now)
        };
        assert_eq!(check(id, good, body, NOW), Ok(()));
        assert_eq!(
            check(id, &format!("v1,AAAA {good} v1a,AAAA"), body, NOW),
            Ok(()),
            "one of several suffices"
        );
        assert_eq!(check(id, good, body, NOW + 300_000), Ok(()));
        assert!(
            check(id, good, body, NOW + 301_000)
                .unwrap_err()
                .contains("off by")
        );
        assert!(
            check(id, good, body, NOW - 301_000)
                .unwrap_err()
                .contains("off by")
        );
        assert!(
            check(id, good, b"{}", NOW)
                .unwrap_err()
                .contains("no webhook-signature")
        );
        assert!(check("msg_other", good, body, NOW).is_err());
    }

    #[test]
    fn headers_of_the_wrong_form_are_named() {
        let table = [
            (headers("", "1", "v1,AAAA"), "webhook-id"),
            (headers("a.b", "1", "v1,AAAA"), "webhook-id"),
            (headers("a", "soon", "v1,AAAA"), "webhook-timestamp"),
            (headers("a", "-1", "v1,AAAA"), "webhook-timestamp"),
            (headers("a", "1", "AAAA"), "webhook-signature"),
            (headers("a", "1", "v1,AAAA,v1,BBBB"), "webhook-signature"),
            (headers("a", "1", "v1a,AAAA"), "webhook-signature"),
        ];
        for (headers, expected) in table {
            assert!(
                read(&headers).unwrap_err().contains(expected),
                "{headers:?}"
            );
        }
        assert_eq!(read(&HeaderMap::new()), Ok(None));
        let mut unsigned = headers("a", "1", "v1,AAAA");
        unsigned.remove("webhook-signature");
        let unsigned = read(&unsigned).unwrap().unwrap();
        assert!(
            unsigned
                .verify(&[vec![1]], b"", 1_000)
                .unwrap_err()
                .contains("no webhook-signature")
        );
        let mut partial = headers("a", "1", "v1,AAAA");
        partial.remove("webhook-id");
        assert_eq!(read(&partial).unwrap_err(), "no webhook-id header");
    }
}
