//! What is tried: vendors, policies, and everything that can happen.

use std::sync::Arc;

use lifecycle::lanes::{EventKinds, LanePolicy, RetrySchedule};
use model::{
    Alert, AlertId, AlertKind, Capabilities, CloseReason, Content, DurationMs, Event, EventKind,
    LifecycleModel, Manner, ProjectId, Scope, SourceId, Status, Timestamp,
};

use crate::vendor::Kind;
use crate::world::{Row, World};

/// A silence without an end; times in the model are small numbers.
pub const FAR: i64 = 1000;
/// What is tried: a vendor and a policy.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub kind: Kind,
    pub delay: i64,
    pub interval: i64,
    pub edit_interval: i64,
    /// Claims die with the process (SQLite, vendors with idempotency).
    pub memory_claims: bool,
}

impl Setup {
    pub fn of(kind: Kind, delay: i64) -> Setup {
        Setup {
            kind,
            delay,
            interval: 0,
            edit_interval: 1,
            memory_claims: matches!(kind, Kind::Keyed | Kind::Log),
        }
    }

    pub fn policy(&self) -> LanePolicy {
        let kind = self.kind;
        LanePolicy {
            manner: match kind {
                Kind::Keyed | Kind::Mail => Manner::Lifecycle,
                Kind::Chat => Manner::Mirror,
                Kind::Log => Manner::Log,
            },
            can: Capabilities {
                update: true,
                ack: true,
                unack: true,
                note: true,
                assign: true,
                snooze: false,
                ignores_unknown_close: kind == Kind::Keyed,
                idempotent: self.memory_claims,
                late_request_changes_state: matches!(kind, Kind::Keyed | Kind::Chat),
                pages: false,
            },
            enabled: true,
            deleted: false,
            delay: DurationMs(self.delay),
            interval: DurationMs(self.interval),
            edit_interval: DurationMs(self.edit_interval),
            notify_on: EventKinds::ALL,
            close_notifications: true,
            revision: 1,
            lease: DurationMs(1),
            deadline: DurationMs(1),
            retry: RetrySchedule {
                first: DurationMs(1),
                max: DurationMs(1),
                throttle_max: DurationMs(1),
                refused_close: DurationMs(1),
            },
        }
    }
}

/// Everything that can happen. A credential edit is not among them: it changes nothing in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opens, or reopens.
    Fire,
    Update,
    Ack,
    Unack,
    Note,
    Resolve,
    /// One tick goes by.
    Time,
    SilenceOn,
    SilenceOff,
    SendOk,
    /// Also of a close.
    SendRefused,
    /// Certainly not applied.
    SendFails,
    /// Applied, the reply is lost.
    SendAmbiguousApplied,
    /// No reply; it may arrive late or never.
    SendAmbiguous,
    /// The claim is taken, the request leaves.
    SendStart,
    FlightLands,
    EndOk,
    EndRefused,
    EndAmbiguous,
    /// The lease is over while the sender still waits.
    Lapse,
    /// A request whose reply nobody waits for any more arrives.
    LandLate,
    /// The reply under a lost claim comes.
    LateResult,
    Crash,
    TargetEdit,
    Disable,
    Enable,
    Delete,
    VendorAcks,
    VendorCloses,
    /// The vendor's change comes to us (by itself only in the random runs; else at once).
    MessageDeleted,
}

impl Act {
    pub const ALL: [Act; 30] = [
        Act::Fire,
        Act::Update,
        Act::Ack,
        Act::Unack,
        Act::Note,
        Act::Resolve,
        Act::Time,
        Act::SilenceOn,
        Act::SilenceOff,
        Act::SendOk,
        Act::SendRefused,
        Act::SendFails,
        Act::SendAmbiguousApplied,
        Act::SendAmbiguous,
        Act::SendStart,
        Act::FlightLands,
        Act::EndOk,
        Act::EndRefused,
        Act::EndAmbiguous,
        Act::Lapse,
        Act::LandLate,
        Act::LateResult,
        Act::Crash,
        Act::TargetEdit,
        Act::Disable,
        Act::Enable,
        Act::Delete,
        Act::VendorAcks,
        Act::VendorCloses,
        Act::MessageDeleted,
    ];
}

/// What one thread keeps for its work.
pub struct Bench {
    pub setup: Setup,
    pub policy: LanePolicy,
    pub alert: Alert,
    pub events: Vec<Event>,
}

impl Bench {
    pub fn new(setup: Setup) -> Bench {
        Bench {
            setup,
            policy: setup.policy(),
            alert: blank_alert(),
            events: Vec::new(),
        }
    }

    /// The policy and the alert of `world`.
    pub fn load(&mut self, world: &World) {
        self.policy.enabled = world.enabled;
        self.policy.deleted = world.deleted;
        self.policy.revision = world.revision;
        self.alert.status = world.status.unwrap_or(Status::Tracking);
        self.alert.seq = world.seq();
        let reopened = world
            .log
            .iter()
            .filter(|row| row.kind == EventKind::Reopened);
        self.alert.episode = 1 + u32::try_from(reopened.count()).unwrap();
        self.alert.opened_at = Timestamp(world.log.first().map_or(0, |row| row.at));
        let closed = world.log.iter().rfind(|row| row.kind.is_closing());
        self.alert.closed_at = closed.map(|row| Timestamp(row.at));
    }

    pub fn load_events(&mut self, world: &World, after: u32, upto: u32) {
        self.events.clear();
        for seq in after + 1..=upto.min(world.seq()) {
            let row = world.log[seq as usize - 1];
            self.events.push(event(seq, row));
        }
    }
}

fn event(seq: u32, row: Row) -> Event {
    Event {
        alert: AlertId(1),
        seq,
        at: Timestamp(row.at),
        kind: row.kind,
        status: row.status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}

fn blank_alert() -> Alert {
    Alert {
        id: AlertId(1),
        project: ProjectId(1),
        source: SourceId(1),
        scope: Scope::Source(SourceId(1)),
        key: "disk full".into(),
        group_key: None,
        kind: AlertKind::Issue,
        status: Status::Open,
        closed_because: Some(CloseReason::Resolved),
        content: Arc::new(Content::default()),
        opened_at: Timestamp::ZERO,
        closed_at: None,
        changed_at: Timestamp::ZERO,
        seq: 0,
        version: 0,
        episode: 1,
        acked_until: None,
        shelved_until: None,
        tracking_until: None,
        assignee: None,
        ends_at: None,
        silence_after_ms: None,
        trailing_update_at: None,
        last_update_at: Timestamp::ZERO,
        timer_at: None,
        live_until: None,
        last_seen: Timestamp::ZERO,
        repeat_count: 0,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: Vec::new(),
    }
}
