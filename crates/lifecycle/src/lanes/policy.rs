//! What the decisions about a lane may know of its integration and of its sink.

use model::{AlertKind, Capabilities, DurationMs, EventKind, Manner};

/// A set of event kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKinds(u16);

impl EventKinds {
    pub const NONE: EventKinds = EventKinds(0);
    /// What an integration wants if it does not say: everything.
    pub const ALL: EventKinds = EventKinds(u16::MAX);
    const CLOSING: EventKinds =
        EventKinds(bit(EventKind::Closed) | bit(EventKind::Cancelled) | bit(EventKind::Expired));

    pub fn contains(self, kind: EventKind) -> bool {
        self.0 & bit(kind) != 0
    }

    #[must_use]
    pub fn without(self, kind: EventKind) -> EventKinds {
        EventKinds(self.0 & !bit(kind))
    }

    fn meets(self, other: EventKinds) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<EventKind> for EventKinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> EventKinds {
        EventKinds(kinds.into_iter().fold(0, |set, kind| set | bit(kind)))
    }
}

const fn bit(kind: EventKind) -> u16 {
    1 << kind as u16
}

/// How long a lane waits after a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// After the first failure; doubled with each further one.
    pub first: DurationMs,
    /// Never longer than this.
    pub max: DurationMs,
    /// A pause that a vendor asks for is believed up to this.
    pub throttle_max: DurationMs,
    /// A close that was refused stays owed; this often it is tried.
    pub refused_close: DurationMs,
}

impl Default for RetrySchedule {
    /// 5 s is longer than most vendors' hiccups; after ten minutes a person is looking at it already. An hour is the
    /// longest pause that known vendors ask for.
    fn default() -> RetrySchedule {
        RetrySchedule {
            first: DurationMs::from_secs(5),
            max: DurationMs::from_mins(10),
            throttle_max: DurationMs::from_hours(1),
            refused_close: DurationMs::from_hours(1),
        }
    }
}

impl RetrySchedule {
    /// The pause after `failures` failures in a row (1 for the first): exponential, and shortened by up to half
    /// by `random`, so that lanes which failed together do not return together.
    pub fn pause(&self, failures: u32, random: u64) -> DurationMs {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self
            .first
            .0
            .saturating_mul(1 << doublings)
            .clamp(1, self.max.0.max(1));
        let span = u64::try_from(full / 2 + 1).unwrap_or(1);
        DurationMs(full - i64::try_from(random % span).unwrap_or(0))
    }
}

/// What `plan` and its companions may know of an integration and its sink. Cheap to copy; built once per
/// integration and settings change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanePolicy {
    pub manner: Manner,
    pub can: Capabilities,
    /// A disabled integration opens nothing, and still closes what it opened.
    pub enabled: bool,
    /// A deleted integration acts like a disabled one until its last lane is finished.
    pub deleted: bool,
    /// How long an opening waits; an alert that closes within it is never told.
    pub delay: DurationMs,
    /// How often an open alert is told again; zero: never.
    pub interval: DurationMs,
    /// Mirrors: updates edit the message at most this often.
    pub edit_interval: DurationMs,
    /// The kinds that it wants to hear of. Closes always pass to lifecycle and mirror sinks (I6).
    pub notify_on: EventKinds,
    /// Where a vendor has only alerts with a lifecycle: close what was opened for a notification.
    pub close_notifications: bool,
    /// The revision of its present target.
    pub revision: u32,
    /// How long a claim holds; longer than `deadline`.
    pub lease: DurationMs,
    /// How long one send may take.
    pub deadline: DurationMs,
    pub retry: RetrySchedule,
}

impl LanePolicy {
    /// Opens and updates go out.
    pub fn on(&self) -> bool {
        self.enabled && !self.deleted
    }

    /// Whether an event of this kind moves the lane's head.
    pub fn wants(&self, kind: EventKind) -> bool {
        match kind {
            // While the condition's delay runs, nobody is told.
            EventKind::Tracked => false,
            _ if kind.is_closing() => self.wants_closes(),
            _ => self.notify_on.contains(kind),
        }
    }

    /// A lifecycle or mirror sink hears every close; a log hears all kinds of them or none.
    pub fn wants_closes(&self) -> bool {
        self.manner != Manner::Log || self.notify_on.meets(EventKinds::CLOSING)
    }

    /// It can show that somebody looks after an alert. A mirror shows whatever we write into its message.
    pub(super) fn says_ack(&self) -> bool {
        (self.can.ack || self.manner == Manner::Mirror)
            && self.notify_on.contains(EventKind::Acknowledged)
    }

    pub(super) fn says_unack(&self) -> bool {
        self.can.unack || self.manner == Manner::Mirror
    }

    /// An event that the sink tells by itself, in its own place.
    pub(super) fn tells_alone(&self, kind: EventKind) -> bool {
        self.manner == Manner::Lifecycle
            && self.notify_on.contains(kind)
            && match kind {
                EventKind::Noted => self.can.note,
                EventKind::Assigned => self.can.assign,
                EventKind::Shelved | EventKind::Unshelved => self.can.snooze,
                _ => false,
            }
    }

    /// Whether a lost request may still change what people see.
    pub(super) fn fears_late_requests(&self) -> bool {
        self.manner != Manner::Log && self.can.late_request_changes_state
    }

    /// How long an opening of this kind of alert waits: a notification is a point in time, nothing can end it
    /// while it waits.
    pub(super) fn delay_for(&self, kind: AlertKind) -> DurationMs {
        match kind {
            AlertKind::Issue => self.delay,
            AlertKind::Notification => DurationMs::ZERO,
        }
    }
}
