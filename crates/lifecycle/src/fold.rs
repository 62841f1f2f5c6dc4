//! The log made into the alert again. `step` writes every event through [`Folded::apply`], so what an event does to
//! an alert is said in one place, and folding a log cannot disagree with the row that the log made.

use std::sync::Arc;

use model::{Alert, AlertKind, CloseReason, Content, Event, EventKind, Status, Timestamp};

/// The part of an alert that its log alone decides.
///
/// Not in the log, so not here: who it is (`project`, `source`, `scope`, `key`, `group_key`, `via`, `model`,
/// `model_state`); the row's counter `version`; what repeats move (`last_seen`, `repeat_count`, `ends_at`,
/// `silence_after_ms`); and what follows from policy (`live_until`, `trailing_update_at`, `timer_at`).
///
/// One field may lag behind the row: `content`, while the row's `trailing_update_at` is set or its status is
/// `tracking`. The next event that carries content closes the gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    pub kind: AlertKind,
    pub status: Status,
    pub closed_because: Option<CloseReason>,
    pub content: Arc<Content>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub changed_at: Timestamp,
    pub seq: u32,
    pub episode: u32,
    pub acked_until: Option<Timestamp>,
    pub shelved_until: Option<Timestamp>,
    pub tracking_until: Option<Timestamp>,
    pub assignee: Option<String>,
    pub last_update_at: Timestamp,
}

/// Why a list of events is not a log. Stored data that does this is our fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    #[error("the log is empty")]
    Empty,
    #[error(
        "the log begins with event {seq} `{kind}`; a log begins with 1 and tracked, opened or informed"
    )]
    Beginning { seq: u32, kind: EventKind },
    #[error("event {seq} stands after event {before}; events stand in rising order")]
    Order { before: u32, seq: u32 },
    #[error("event {seq} belongs to another alert")]
    OtherAlert { seq: u32 },
}

/// Folds a whole log, oldest event first. Gaps are taken for trimmed `updated` events.
pub fn fold(events: &[Event]) -> Result<Folded, FoldError> {
    let first = events.first().ok_or(FoldError::Empty)?;
    let begins = matches!(
        first.kind,
        EventKind::Tracked | EventKind::Opened | EventKind::Informed
    );
    if first.seq != 1 || !begins {
        return Err(FoldError::Beginning {
            seq: first.seq,
            kind: first.kind,
        });
    }
    let mut folded = Folded::before_anything();
    for event in events {
        if event.alert != first.alert {
            return Err(FoldError::OtherAlert { seq: event.seq });
        }
        if event.seq <= folded.seq {
            return Err(FoldError::Order {
                before: folded.seq,
                seq: event.seq,
            });
        }
        folded.apply(event);
    }
    Ok(folded)
}

impl Folded {
    /// The state before the first event.
    fn before_anything() -> Folded {
        Folded {
            kind: AlertKind::Issue,
            status: Status::Tracking,
            closed_because: None,
            content: Arc::default(),
            opened_at: Timestamp::ZERO,
            closed_at: None,
            changed_at: Timestamp::ZERO,
            seq: 0,
            episode: 1,
            acked_until: None,
            shelved_until: None,
            tracking_until: None,
            assignee: None,
            last_update_at: Timestamp::ZERO,
        }
    }

    /// What `alert` shows of its log.
    pub fn of(alert: &Alert) -> Folded {
        Folded {
            kind: alert.kind,
            status: alert.status,
            closed_because: alert.closed_because,
            content: Arc::clone(&alert.content),
            opened_at: alert.opened_at,
            closed_at: alert.closed_at,
            changed_at: alert.changed_at,
            seq: alert.seq,
            episode: alert.episode,
            acked_until: alert.acked_until,
            shelved_until: alert.shelved_until,
            tracking_until: alert.tracking_until,
            assignee: alert.assignee.clone(),
            last_update_at: alert.last_update_at,
        }
    }

    /// Puts this state into the row.
    pub(crate) fn write_to(self, alert: &mut Alert) {
        alert.kind = self.kind;
        alert.status = self.status;
        alert.closed_because = self.closed_because;
        alert.content = self.content;
        alert.opened_at = self.opened_at;
        alert.closed_at = self.closed_at;
        alert.changed_at = self.changed_at;
        alert.seq = self.seq;
        alert.episode = self.episode;
        alert.acked_until = self.acked_until;
        alert.shelved_until = self.shelved_until;
        alert.tracking_until = self.tracking_until;
        alert.assignee = self.assignee;
        alert.last_update_at = self.last_update_at;
    }

    /// What one event does.
    pub fn apply(&mut self, event: &Event) {
        if event.seq == 1 {
            self.opened_at = event.at;
        }
        match event.kind {
            EventKind::Tracked => self.tracking_until = event.until,
            EventKind::Opened => self.tracking_until = None,
            EventKind::Informed => {
                self.kind = AlertKind::Notification;
                self.closed_at = Some(event.at);
                self.closed_because = event.because;
            }
            EventKind::Acknowledged => {
                self.acked_until = event.until;
                self.shelved_until = None;
            }
            EventKind::Unacknowledged => self.acked_until = None,
            EventKind::Shelved => {
                // An acknowledgement without an end must survive the shelf too: see `Alert::acked_until`.
                if self.status == Status::Acknowledged {
                    self.acked_until.get_or_insert(Timestamp::NEVER);
                }
                self.shelved_until = event.until;
            }
            EventKind::Unshelved => {
                self.shelved_until = None;
                let back_to_ack = event.status == Status::Acknowledged;
                self.acked_until = self
                    .acked_until
                    .filter(|until| back_to_ack && *until != Timestamp::NEVER);
            }
            EventKind::Assigned => self.assignee.clone_from(&event.assignee),
            EventKind::Closed | EventKind::Cancelled | EventKind::Expired => {
                self.closed_at = Some(event.at);
                self.closed_because = event.because;
                self.acked_until = None;
                self.shelved_until = None;
                self.tracking_until = None;
            }
            EventKind::Reopened => {
                self.closed_at = None;
                self.closed_because = None;
                self.opened_at = event.at;
                self.episode = self.episode.saturating_add(1);
            }
            EventKind::Updated | EventKind::SeverityChanged | EventKind::Noted => {}
        }
        if let Some(content) = &event.content {
            self.content = Arc::clone(content);
            self.last_update_at = event.at;
        }
        self.status = event.status;
        self.changed_at = event.at;
        self.seq = event.seq;
    }
}
