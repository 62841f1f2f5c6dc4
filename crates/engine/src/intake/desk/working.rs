//! One alert under work, from what was read of it to what is written.

use model::{Alert, AlertId, Event, Lane, SourceId, Timestamp};
use store::{AlertWrite, LanePut};

use crate::intake::route::LaneState;

/// One alert under work.
pub(in crate::intake) struct Working {
    pub alert: Alert,
    /// Repeats that the row does not know of.
    pub(super) seen: Option<Seen>,
    /// The version that the store has; `None`: the alert is new.
    pub stored: Option<u32>,
    pub hash: u128,
    pub lanes: Vec<LaneState>,
    pub events: Vec<Event>,
    pub retires: Option<(AlertId, u32)>,
    pub message: Option<(SourceId, String)>,
    /// The content hash of the signal that it shows now, if one of this group.
    pub content: Option<u128>,
    pub changed: bool,
    /// The items that it took part in.
    pub items: Vec<usize>,
}

/// What repeats said since the row was written.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub last: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub count: u64,
}

impl Working {
    /// An alert as it is stored.
    pub(super) fn stored(
        alert: Alert,
        lanes: Vec<Lane>,
        seen: Option<Seen>,
        hash: u128,
    ) -> Working {
        Working {
            stored: Some(alert.version),
            lanes: lanes.into_iter().map(LaneState::stored).collect(),
            seen,
            ..Working::new(alert, hash)
        }
    }

    /// An alert that begins.
    pub fn new(alert: Alert, hash: u128) -> Working {
        Working {
            alert,
            seen: None,
            stored: None,
            hash,
            lanes: Vec::new(),
            events: Vec::new(),
            retires: None,
            message: None,
            content: None,
            changed: false,
            items: Vec::new(),
        }
    }

    /// What is to be written of it.
    pub fn write(&self, now: Timestamp) -> AlertWrite {
        let put = |lane: &LaneState| LanePut {
            lane: lane.lane.clone(),
            expected: lane.stored,
        };
        let lanes = self.lanes.iter();
        AlertWrite {
            alert: self.alert.clone(),
            expected: self.stored,
            retires: self.retires,
            events: self.events.clone(),
            lanes: lanes
                .clone()
                .filter(|l| l.changed && !l.removed)
                .map(put)
                .collect(),
            removed_lanes: lanes
                .filter(|l| l.removed)
                .filter_map(|l| Some((l.lane.key, l.stored?)))
                .collect(),
            message: self.message.clone(),
            at: now,
        }
    }

    /// The row's new version makes its `seen` row void: what repeats promised since goes into the row.
    pub fn keep_promises(&mut self) {
        let Some(seen) = self
            .seen
            .filter(|s| s.last > self.alert.last_seen && !self.alert.is_closed())
        else {
            return;
        };
        self.alert.last_seen = seen.last;
        if let Some(ends_at) = seen.ends_at {
            self.alert.ends_at = Some(ends_at);
            self.alert.silence_after_ms = Some(ends_at.since(seen.last).0);
        }
    }
}
