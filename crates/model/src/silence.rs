//! Silences: what is not to be told for a while, by whom and why.

use serde::{Deserialize, Serialize};

use crate::{Labels, Matcher, ProjectId, SilenceId, TimeInterval, Timestamp};

/// One silence. It belongs to a project and holds what any integration would open, update or remind of; what was
/// told already is still acknowledged and closed. Its matchers never change: other matchers make another silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    pub project: ProjectId,
    /// All must match; at least one does not match the empty value.
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    /// From here on it is over. [`Timestamp::NEVER`] for one that recurs until it is ended by hand.
    pub ends_at: Timestamp,
    /// If there are any, it holds only within these, between `starts_at` and `ends_at`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<TimeInterval>,
    pub created_by: String,
    pub comment: String,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    pub updated_at: Timestamp,
    /// Counts every write; two writers that saw the same version cannot both win.
    pub version: u32,
}

/// Where a silence is in its life, leaving its windows aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    Pending,
    Active,
    Expired,
}

impl Silence {
    /// Its state at `now`; windows are not looked at.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now >= self.ends_at {
            SilenceState::Expired
        } else if now < self.starts_at {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }
}

impl SilenceState {
    pub fn as_str(self) -> &'static str {
        match self {
            SilenceState::Pending => "pending",
            SilenceState::Active => "active",
            SilenceState::Expired => "expired",
        }
    }
}
