//! How bad it is. Five steps; vendors' own words are mapped at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Severities in rising order, so that `>` reads as "worse than".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    #[default]
    Warning,
    Minor,
    Major,
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 5] = [
        Severity::Info,
        Severity::Warning,
        Severity::Minor,
        Severity::Major,
        Severity::Critical,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Minor => "minor",
            Severity::Major => "major",
            Severity::Critical => "critical",
        }
    }

    /// Reads the words that senders commonly use for severities (`page`, `error`, `P2`, `high` …), in any case.
    /// `None` for a word that is not known; what to assume then is the caller's decision.
    pub fn from_common_word(word: &str) -> Option<Severity> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "crit" | "fatal" | "emergency" | "emerg" | "page" | "disaster" | "p1"
            | "sev1" => Severity::Critical,
            "major" | "error" | "err" | "high" | "severe" | "alert" | "p2" | "sev2" => {
                Severity::Major
            }
            "minor" | "medium" | "average" | "p3" | "sev3" => Severity::Minor,
            "warning" | "warn" | "low" | "p4" | "sev4" => Severity::Warning,
            "info" | "informational" | "information" | "notice" | "debug" | "none" | "ok"
            | "p5" | "sev5" => Severity::Info,
            _ => return None,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is none of the five severities.
#[derive(Debug, thiserror::Error)]
#[error("not a severity: critical, major, minor, warning or info")]
pub struct ParseSeverityError;

impl FromStr for Severity {
    type Err = ParseSeverityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Severity::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or(ParseSeverityError)
    }
}
