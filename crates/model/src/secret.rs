//! A value that must not be seen (I9).

use std::fmt;

use zeroize::Zeroize;

/// A secret text. Its `Debug` hides it, it has no `Display` and no `Serialize`, and its memory is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself. Call it where bytes leave for the vendor, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What people are shown in its place: stars and the last four characters, stars alone if it is short.
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        if count < 12 {
            return "********".to_owned();
        }
        let tail: String = self.0.chars().skip(count - 4).collect();
        format!("********{tail}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_a_secret_shows_at_most_its_last_four_characters() {
        let secret = Secret::new("xoxb-123456789-abcd");
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(secret.masked(), "********abcd");
        assert_eq!(Secret::new("short").masked(), "********");
    }
}
