//! Names for buckets.

use model::{DurationMs, Secret};
use sha2::{Digest, Sha256};

use crate::kit::Pace;

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
