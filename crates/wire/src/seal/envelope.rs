//! Sealing and opening.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead as _, Payload};
use model::{Entropy, Secret};
use zeroize::Zeroizing;

use super::keys::{ID_BYTES, Key, KeyRing};
use crate::limits;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + ID_BYTES;

/// Why a secret is not sealed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("a secret may have {} bytes at most", limits::SECRET_BYTES_MAX)]
    TooLong,
}

/// Why an envelope does not open.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed secret is damaged or of an unknown version")]
    Malformed,
    #[error(
        "the sealed secret needs the key {id}, which is not in the key ring: add that key to it"
    )]
    UnknownKey { id: String },
    #[error("the sealed secret was changed, or belongs to another row")]
    Refused,
    #[error("the sealed secret is not text")]
    NotText,
}

impl KeyRing {
    /// Seals `plaintext` for the place that `context` names.
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > limits::SECRET_BYTES_MAX {
            return Err(SealError::TooLong);
        }
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let mut envelope = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + plaintext.len() + 16);
        envelope.push(VERSION);
        envelope.extend_from_slice(&self.current.id);
        let aad = associated(&envelope, context);
        let sealed = self.current.cipher().encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: plaintext,
                aad: &aad,
            },
        );
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed.map_err(|_| SealError::TooLong)?);
        Ok(envelope)
    }

    /// Opens an envelope that was sealed for the same context.
    pub fn open(&self, context: &[u8], envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (head, rest) = envelope
            .split_at_checked(HEAD_BYTES)
            .ok_or(OpenError::Malformed)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(OpenError::Malformed)?;
        let key = self.key_of(head)?;
        let aad = associated(head, context);
        let opened = key.cipher().decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: sealed,
                aad: &aad,
            },
        );
        opened.map(Zeroizing::new).map_err(|_| OpenError::Refused)
    }

    /// [`KeyRing::open`] for texts.
    pub fn open_secret(&self, context: &[u8], envelope: &[u8]) -> Result<Secret, OpenError> {
        let opened = self.open(context, envelope)?;
        let text = std::str::from_utf8(&opened).map_err(|_| OpenError::NotText)?;
        Ok(Secret::new(text))
    }

    /// Seals anew what an older key sealed; `None` if it is already under the current one.
    pub fn reseal(
        &self,
        entropy: &dyn Entropy,
        context: &[u8],
        envelope: &[u8],
    ) -> Result<Option<Vec<u8>>, OpenError> {
        let plaintext = self.open(context, envelope)?;
        if envelope.get(1..HEAD_BYTES) == Some(&self.current.id) {
            return Ok(None);
        }
        self.seal(entropy, context, &plaintext)
            .map(Some)
            .map_err(|SealError::TooLong| OpenError::Malformed)
    }

    fn key_of(&self, head: &[u8]) -> Result<&Key, OpenError> {
        let (version, id) = head.split_first().ok_or(OpenError::Malformed)?;
        if *version != VERSION {
            return Err(OpenError::Malformed);
        }
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        keys.find(|key| key.id == id)
            .ok_or_else(|| OpenError::UnknownKey {
                id: hex::encode(id),
            })
    }
}

/// What is authenticated besides the text. The head has a fixed length, so the two cannot be confused.
fn associated(head: &[u8], context: &[u8]) -> Vec<u8> {
    [head, context].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededEntropy;
    use proptest::prelude::*;

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&SeededEntropy::new(seed))
    }

    #[test]
    fn an_envelope_opens_only_in_its_own_row() {
        let entropy = SeededEntropy::new(1);
        let sealed = ring(1)
            .seal(&entropy, b"integration/1/token", b"xoxb-1")
            .unwrap();
        assert_eq!(
            ring(1)
                .open_secret(b"integration/1/token", &sealed)
                .unwrap()
                .expose(),
            "xoxb-1"
        );
        assert_eq!(
            ring(1).open(b"integration/2/token", &sealed).unwrap_err(),
            OpenError::Refused
        );
        let id = ring(1).current_id();
        assert_eq!(
            ring(2).open(b"integration/1/token", &sealed).unwrap_err(),
            OpenError::UnknownKey { id }
        );
    }

    #[test]
    fn a_rotated_ring_opens_the_old_and_seals_with_the_new_key() {
        let entropy = SeededEntropy::new(7);
        let old = ring(1);
        let sealed = old.seal(&entropy, b"row", b"secret").unwrap();
        let new = old.rotated(&entropy).unwrap();
        assert_ne!(new.current_id(), old.current_id());
        let again = new
            .reseal(&entropy, b"row", &sealed)
            .unwrap()
            .expect("the old key sealed it");
        assert_eq!(new.open(b"row", &again).unwrap().as_slice(), b"secret");
        assert_eq!(new.reseal(&entropy, b"row", &again), Ok(None));
        assert!(matches!(
            old.open(b"row", &again),
            Err(OpenError::UnknownKey { .. })
        ));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(plaintext: Vec<u8>, context: Vec<u8>, seed: u64) {
            let sealed = ring(seed).seal(&SeededEntropy::new(seed ^ 1), &context, &plaintext).unwrap();
            let opened = ring(seed).open(&context, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plaintext);
        }

        #[test]
        fn any_changed_bit_and_any_cut_is_noticed(plaintext: Vec<u8>, place: prop::sample::Index, bit in 0u8..8) {
            let sealed = ring(1).seal(&SeededEntropy::new(9), b"row", &plaintext).unwrap();
            let mut changed = sealed.clone();
            let at = place.index(changed.len());
            changed[at] ^= 1 << bit;
            prop_assert!(ring(1).open(b"row", &changed).is_err());
            prop_assert!(ring(1).open(b"row", &sealed[..at]).is_err());
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            prop_assert!(ring(1).open(b"row", &bytes).is_err());
        }
    }
}
