//! Secrets at rest: XChaCha20-Poly1305 under a key that lives outside the database.
//!
//! An envelope is `version (1) | key id (8) | nonce (24) | ciphertext and tag`. The head and the caller's context (the
//! row that holds the secret) are authenticated with it, so that an envelope moved to another row does not open.
//! Nonces are random: with 24 bytes, chance gives no repetition.

mod envelope;
mod keys;

pub use envelope::{OpenError, SealError};
pub use keys::{KeyError, KeyRing, LoadedKeys};
