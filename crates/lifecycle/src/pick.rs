//! Which alert a signal is about, before `step` decides what it does to it.

use model::{Alert, AlertKind, Signal, Timestamp};

/// Whether signals of its key still belong to this alert: an issue that is not closed, or closed so recently that a
/// repeated resolve or a reopening is still its own. A notification never is: it is a point in time.
pub fn is_live(alert: &Alert, now: Timestamp) -> bool {
    alert.kind == AlertKind::Issue
        && (!alert.is_closed() || alert.live_until.is_some_and(|until| now < until))
}

/// Chooses among `candidates` (alerts of the signal's scope, by key or by group key) the one that `signal` is about:
/// the live one of its key; were there several, one that is not closed, then the youngest.
///
/// A model that correlates (Alerta: other events of the same resource) does it here.
pub fn pick<'a>(
    candidates: impl IntoIterator<Item = &'a Alert>,
    signal: &Signal,
    now: Timestamp,
) -> Option<&'a Alert> {
    candidates
        .into_iter()
        .filter(|alert| alert.key == signal.key && is_live(alert, now))
        .max_by_key(|alert| (!alert.is_closed(), alert.opened_at, alert.id))
}
