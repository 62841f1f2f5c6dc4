//! Rules of a vendor that requests broke, for tests that assert none did.

use crate::exchange::Request;
use crate::kept::Kept;
use crate::limits;
use serde::Serialize;

/// A request that broke a rule of its vendor.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    /// When, milliseconds since the epoch.
    pub at: i64,
    pub vendor: &'static str,
    pub method: String,
    pub path: String,
    /// The rule, in words.
    pub problem: String,
}

impl Violation {
    pub(crate) fn new(request: &Request, problem: &str) -> Self {
        Self {
            at: request.at,
            vendor: request.vendor,
            method: request.method.to_string(),
            path: request.path.chars().take(limits::VIOLATION_CHARS).collect(),
            problem: problem.chars().take(limits::VIOLATION_CHARS).collect(),
        }
    }
}

pub(crate) fn kept() -> Kept<Violation> {
    Kept::new(limits::VIOLATIONS, usize::MAX)
}
