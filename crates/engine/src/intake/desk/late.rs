//! Repeats that were acknowledged for an alert that another node had changed.

use std::sync::Arc;

use model::{Alert, AlertId, CloseReason, DurationMs, Signal};

use super::Desk;
use crate::intake::cache::{Kept, Late};

/// Nodes' times of one database differ by about a round trip's half: what is closer than this has no order, and the
/// repeat counts. Closing too early is worse than one alert more.
const MARGIN: DurationMs = DurationMs(5);

impl Desk<'_> {
    /// Decides about a late repeat as about any signal, unless what changed its alert came after it.
    pub(super) fn late(&mut self, index: usize, late: &Late) {
        let kept = &*late.kept;
        let holder = self.live.get(&late.hash).copied();
        let came_before = |id: AlertId| {
            let at = self.by_id.get(&id)?;
            Some(overtook(&self.workings[*at].alert, kept))
        };
        let over = came_before(late.alert).unwrap_or(false)
            || holder.and_then(came_before).unwrap_or(false);
        if over {
            return;
        }
        let mut signal = kept.signal.clone();
        if let Some(end) = signal.ends_at.filter(|end| *end <= self.now) {
            // Its promise held when it came; it is we who are late.
            let vouched = end.since(kept.came_at);
            let moved = Signal {
                ends_at: Some(self.now + vouched),
                ..Signal::clone(&signal)
            };
            signal = Arc::new(moved);
        }
        self.signal(index, &kept.source, &signal, late.hash, kept.content);
    }
}

/// Whether what the alert says now was said after the repeat came. An expiry is no such word: the repeat is the proof
/// that its sender was not silent.
fn overtook(alert: &Alert, kept: &Kept) -> bool {
    let said_at = match alert.closed_at.filter(|_| alert.is_closed()) {
        Some(_) if alert.closed_because == Some(CloseReason::Expired) => return false,
        Some(closed_at) => closed_at,
        None => alert.last_seen,
    };
    said_at > kept.came_at + MARGIN
}
