//! What is wrong with a configuration file, and where.

use serde::Serialize;

/// One thing that the operator should mend, or (as a warning) know. Holds no secret (I9): values appear only where
/// they are words of ours, and never if they came from a variable or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// `projects[0].sources[1].key`; empty where the file as a whole is meant.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The nearest word that would have been understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl std::fmt::Display for Problem {
    /// `LINE:COLUMN: path: message (did you mean ...?)`, so that `FILE:` before it makes a link in editors.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (did you mean `{hint}`?)"),
            None => Ok(()),
        }
    }
}

/// A place in the file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub line: usize,
    pub column: usize,
}

impl At {
    pub const START: At = At { line: 1, column: 1 };

    pub fn problem(self, path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem {
            line: self.line,
            column: self.column,
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }
}

impl Problem {
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Problem {
        self.hint = hint;
        self
    }
}

/// The known word that `word` was probably meant to be. Case, `-` and `_` make no difference; otherwise about one
/// letter in four may be wrong.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    // Longer than any word of ours: the distance would only cost time.
    if word.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &plain(candidate));
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            let length = candidate.chars().count().max(word.chars().count());
            *distance <= (length / 4).max(1) && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_one_that_a_finger_could_have_missed() {
        let known = ["listen", "data_dir", "external_url", "of", "key"];
        for (word, expected) in [
            ("lisen", Some("listen")),
            ("dataDir", Some("data_dir")),
            ("data-dir", Some("data_dir")),
            ("DATA_DIR", Some("data_dir")),
            ("ky", Some("key")),
            ("fo", Some("of")),
            ("x", None),
            ("port", None),
        ] {
            assert_eq!(nearest(word, known).as_deref(), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}
