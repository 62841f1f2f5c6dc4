//! How Slack names messages, channels and users.

use sha2::{Digest as _, Sha256};

/// A message's name within its channel: microseconds, written `seconds.micros`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ts(pub(super) u64);

impl Ts {
    /// Reads `1503435956.000247`; exactly six digits after the point, as Slack writes them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (seconds, micros) = text.split_once('.')?;
        let digits = |part: &str| {
            !part.is_empty() && part.len() <= 12 && part.bytes().all(|b| b.is_ascii_digit())
        };
        if micros.len() != 6 || !digits(seconds) || !digits(micros) {
            return None;
        }
        Some(Self(
            seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?,
        ))
    }

    pub(super) fn ms(self) -> i64 {
        i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Display for Ts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// An id in Slack's alphabet that is always the same for the same name.
pub(super) fn stable_id(prefix: char, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let digest = Sha256::digest(name.as_bytes());
    std::iter::once(prefix)
        .chain(
            digest
                .iter()
                .take(10)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)])),
        )
        .collect()
}

/// Whether a text has the form of a conversation's id and not of a name (names are in lower case).
pub(super) fn is_id(text: &str) -> bool {
    has_form(text, &['C', 'G', 'D'])
}

/// Whether a text has the form of a user's id.
pub(super) fn is_user(text: &str) -> bool {
    has_form(text, &['U', 'W'])
}

fn has_form(text: &str, first: &[char]) -> bool {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    text.len() >= 6 && text.starts_with(first) && text.bytes().all(allowed)
}

/// Whether Slack allows a channel of that name: lower case, digits, `-` and `_`, at most 80 characters.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |c: char| {
        c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase()) || c == '-' || c == '_'
    };
    !text.is_empty() && text.chars().count() <= 80 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ts_keeps_its_six_digits_and_nothing_else_is_one() {
        for text in ["1503435956.000247", "0.000001", "1700000000.999999"] {
            assert_eq!(Ts::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "1503435956",
            "1503435956.24",
            "1503435956.0002470",
            "-1.000000",
            "a.000000",
            "+1.000000",
            ".000000",
            "1.00000x",
        ] {
            assert_eq!(Ts::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_stable_and_are_not_taken_for_names() {
        let id = stable_id('C', "ops");
        assert_eq!(id, stable_id('C', "ops"));
        assert_ne!(id, stable_id('C', "ops2"));
        assert!(is_id(&id) && !is_name(&id));
        for name in ["ops", "team-a_1", "überwachung", "日本"] {
            assert!(is_name(name) && !is_id(name), "{name}");
        }
        for neither in ["", "Ops", "a b", "a.b", "#ops"] {
            assert!(!is_name(neither) && !is_id(neither), "{neither}");
        }
    }
}
