//! Statements that are decoded only if they say something new.

use model::{Signal, Timestamp};

use crate::kit::{Answer, Rejection};

/// The statements of one request, found but not decoded. Most senders say what they said a minute ago: the hub knows
/// such statements by their text and asks for the others only.
pub trait Batch: Send + Sync {
    /// How many statements there are.
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The text of the statement at `place` but for when it ends; `None` if only decoding can tell.
    ///
    /// A promise: statements of one source whose gists have the same text, one of which was decoded, both fires by their
    /// ends and both begun before they end, mean the same but for `ends_at`, whatever the time and the settings are.
    fn gist(&self, place: usize) -> Option<Gist<'_>>;
    /// Decodes the statements at `places`, in this order; or refuses the whole request, because it is not what it
    /// should be (then none of it may be taken).
    fn decode(&self, places: &[usize]) -> Result<Vec<Result<Signal, Rejection>>, Answer>;
}

/// What a statement says without being decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gist<'a> {
    /// Its text before and after the end.
    pub text: [&'a str; 2],
    /// What [`Signal::ends_at`] will be.
    pub ends_at: Timestamp,
}
