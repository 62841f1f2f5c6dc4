//! Signatures of webhooks, ours and the vendors'. Pure functions over the raw bytes as they crossed the wire: verify
//! before parsing. Comparisons take constant time. Several secrets may be active at once (rotation): any may match.

mod hmac_of;
mod standard_webhooks;
mod vendors;

pub use standard_webhooks::{sign_standard_webhook, verify_standard_webhook};
pub use vendors::{
    Encoding, sign_dingtalk, sign_feishu, sign_grafana, sign_mms, sign_pagerduty, sign_sentry,
    sign_slack, verify_grafana, verify_mms, verify_pagerduty, verify_sentry, verify_slack,
};

use model::Timestamp;

use crate::limits;

/// Why a signature is not accepted. The sender is at fault, but for `BadSecret`, which is the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature or its timestamp is missing or not in the vendor's form")]
    Malformed,
    #[error(
        "the signed timestamp is more than five minutes from this hub's clock: check both clocks, or it is a replay"
    )]
    Stale,
    #[error(
        "no active secret gives this signature: the secret differs, or the body was changed on its way"
    )]
    Mismatch,
    #[error("the signing secret is not in the vendor's form")]
    BadSecret,
}

/// Reads a timestamp in seconds and checks its distance from `now`.
fn fresh(seconds: &str, now: Timestamp) -> Result<(), SignatureError> {
    if seconds.is_empty() || !seconds.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SignatureError::Malformed);
    }
    let signed_ms = seconds
        .parse::<i64>()
        .ok()
        .and_then(|s| s.checked_mul(1000))
        .ok_or(SignatureError::Malformed)?;
    if now.0.abs_diff(signed_ms) > limits::SIGNATURE_TOLERANCE_MS.unsigned_abs() {
        Err(SignatureError::Stale)
    } else {
        Ok(())
    }
}
