//! Standard Webhooks, symmetric form (`v1`). Rules: the specification at standardwebhooks.com, read 2026-11: the signed
//! text is `id.timestamp.body`, secrets are `whsec_` and base64, several signatures are separated by spaces.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Secret, Timestamp};
use zeroize::Zeroizing;

use super::{SignatureError, fresh, hmac_of};
use crate::limits;

/// The value of `webhook-signature`: one `v1,…` for each active secret, the newest first.
/// `id` goes out as `webhook-id`, `seconds` (Unix time) as `webhook-timestamp`.
pub fn sign_standard_webhook(
    secrets: &[Secret],
    id: &str,
    seconds: i64,
    body: &[u8],
) -> Result<String, SignatureError> {
    let seconds = seconds.to_string();
    let mut header = String::new();
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(signature(&key(secret)?, id, &seconds, body), &mut header);
    }
    if header.is_empty() {
        Err(SignatureError::BadSecret)
    } else {
        Ok(header)
    }
}

/// Accepts if any signature in the header is that of any active secret and the timestamp is fresh. Signatures of
/// other versions (`v1a` is asymmetric) are passed over.
pub fn verify_standard_webhook(
    secrets: &[Secret],
    id: &str,
    timestamp: &str,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    fresh(timestamp, now)?;
    let given: Vec<Vec<u8>> = header
        .split(' ')
        .take(limits::SIGNATURES_MAX)
        .filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok())
        .collect();
    if given.is_empty() || id.is_empty() {
        return Err(SignatureError::Malformed);
    }
    for secret in secrets {
        let ours = signature(&key(secret)?, id, timestamp, body);
        if given.iter().any(|theirs| hmac_of::same(theirs, &ours)) {
            return Ok(());
        }
    }
    Err(SignatureError::Mismatch)
}

fn signature(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> [u8; 32] {
    hmac_of::sha256(key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body])
}

fn key(secret: &Secret) -> Result<Zeroizing<Vec<u8>>, SignatureError> {
    let text = secret.expose();
    let text = text.strip_prefix("whsec_").unwrap_or(text);
    match STANDARD.decode(text) {
        Ok(key) if !key.is_empty() => Ok(Zeroizing::new(key)),
        _ => Err(SignatureError::BadSecret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const AT: Timestamp = Timestamp(1_614_265_330_000);

    fn secret() -> Secret {
        Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn other() -> Secret {
        Secret::new("whsec_c2VjcmV0LW9mLWFub3RoZXItc2VuZGVy")
    }

    #[test]
    fn the_signature_of_the_standards_example_is_made_and_accepted() {
        let header = sign_standard_webhook(&[secret()], ID, 1_614_265_330, BODY).unwrap();
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(
            verify_standard_webhook(&[secret()], ID, "1614265330", &header, BODY, AT),
            Ok(())
        );
    }

    #[test]
    fn during_a_rotation_either_secret_is_enough_on_either_side() {
        let both = sign_standard_webhook(&[other(), secret()], ID, 1_614_265_330, BODY).unwrap();
        assert_eq!(both.split(' ').count(), 2);
        for known in [secret(), other()] {
            assert_eq!(
                verify_standard_webhook(&[known], ID, "1614265330", &both, BODY, AT),
                Ok(())
            );
        }
        let old = sign_standard_webhook(&[other()], ID, 1_614_265_330, BODY).unwrap();
        assert_eq!(
            verify_standard_webhook(&[secret(), other()], ID, "1614265330", &old, BODY, AT),
            Ok(())
        );
        assert_eq!(
            verify_standard_webhook(&[secret()], ID, "1614265330", &old, BODY, AT),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn what_is_changed_old_or_malformed_is_refused() {
        let header = sign_standard_webhook(&[secret()], ID, 1_614_265_330, BODY).unwrap();
        let check = |id: &str, at: &str, header: &str, body: &[u8], now: i64| {
            verify_standard_webhook(&[secret()], id, at, header, body, Timestamp(now))
        };
        let now = AT.0;
        assert_eq!(
            check("msg_other", "1614265330", &header, BODY, now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(ID, "1614265331", &header, BODY, now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(ID, "1614265330", &header, b"{}", now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(ID, "1614265330", &header, BODY, now + 300_000),
            Ok(())
        );
        assert_eq!(
            check(ID, "1614265330", &header, BODY, now - 300_000),
            Ok(())
        );
        assert_eq!(
            check(ID, "1614265330", &header, BODY, now + 300_001),
            Err(SignatureError::Stale)
        );
        assert_eq!(
            check(ID, "1614265330", &header, BODY, now - 300_001),
            Err(SignatureError::Stale)
        );
        for bad in [
            "",
            "v1",
            "v1,",
            "v2,abc",
            "v1,***",
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ] {
            assert!(check(ID, "1614265330", bad, BODY, now).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "-1614265330",
            "+1614265330",
            "1614265330.0",
            "99999999999999999999",
            "soon",
        ] {
            assert_eq!(
                check(ID, bad, &header, BODY, now),
                Err(SignatureError::Malformed),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn without_a_usable_secret_nothing_is_signed_or_accepted() {
        let bad = [Secret::new("whsec_"), Secret::new("whsec_not base64!")];
        for secret in bad {
            assert_eq!(
                sign_standard_webhook(&[secret], ID, 1, BODY),
                Err(SignatureError::BadSecret)
            );
        }
        assert_eq!(
            sign_standard_webhook(&[], ID, 1, BODY),
            Err(SignatureError::BadSecret)
        );
        let header = sign_standard_webhook(&[secret()], ID, 1_614_265_330, BODY).unwrap();
        assert_eq!(
            verify_standard_webhook(&[], ID, "1614265330", &header, BODY, AT),
            Err(SignatureError::Mismatch)
        );
    }
}
