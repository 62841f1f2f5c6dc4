//! One lane in one situation, in a few words.

use std::sync::Arc;

use lifecycle::lanes::{self, EventKinds, LanePolicy, Plan, Recorded, RetrySchedule};
use model::{
    Alert, AlertId, AlertKind, Capabilities, Claim, ClaimId, Content, DurationMs, Event, EventKind,
    Handle, IntegrationId, Lane, LaneKey, LifecycleModel, Manner, NodeId, Outcome, ProjectId,
    Scope, SourceId, Status, Timestamp, Told, Verb,
};

pub use EventKind::{
    Acknowledged, Assigned, Closed, Informed, Noted, Opened, Reopened, Shelved, Unacknowledged,
    Unshelved, Updated,
};

pub const NOW: i64 = 1000;

pub fn at(ms: i64) -> Timestamp {
    Timestamp(ms)
}

pub struct Case {
    pub policy: LanePolicy,
    pub lane: Lane,
    pub alert: Alert,
    pub events: Vec<Event>,
    pub now: Timestamp,
}

/// A vendor that ignores closes for unknown keys.
pub fn keyed(log: &[EventKind]) -> Case {
    let mut case = Case::new(Manner::Lifecycle, log);
    case.policy.can.ignores_unknown_close = true;
    case.policy.can.late_request_changes_state = true;
    case
}

pub fn mail(log: &[EventKind]) -> Case {
    Case::new(Manner::Lifecycle, log)
}

/// A message that can be edited.
pub fn chat(log: &[EventKind]) -> Case {
    let mut case = Case::new(Manner::Mirror, log);
    case.policy.can.late_request_changes_state = true;
    case
}

pub fn log(log: &[EventKind]) -> Case {
    Case::new(Manner::Log, log)
}

impl Case {
    /// Events at 1 ms, 2 ms …, none told yet, nothing holds, and it is much later.
    fn new(manner: Manner, log: &[EventKind]) -> Case {
        let mut alert = alert();
        let mut events = Vec::new();
        for (i, kind) in log.iter().enumerate() {
            let seq = u32::try_from(i).unwrap() + 1;
            alert.status = status_after(*kind, alert.status);
            alert.seq = seq;
            alert.closed_at = alert.is_closed().then(|| at(i64::from(seq)));
            if *kind == Informed {
                alert.kind = AlertKind::Notification;
            }
            events.push(event(seq, *kind, alert.status));
        }
        let policy = policy(manner);
        let lane = Lane {
            key: LaneKey {
                alert: alert.id,
                integration: IntegrationId(7),
                revision: 1,
            },
            priority: 0,
            version: 0,
            retired: false,
            cursor: 0,
            head: alert.seq,
            told: Told::Nothing,
            told_at: at(0),
            doubt: false,
            unsure_until: None,
            delay_until: at(0),
            held_until: at(0),
            held_by: None,
            not_before: at(0),
            edit_after: at(0),
            remind_at: at(0),
            due_at: None,
            handle: None,
            extra_handles: Vec::new(),
            claim: None,
            attempts: 0,
            failures: 0,
            duplicates: 0,
            orphans: 0,
            replay: 0,
            reminders: 0,
        };
        Case {
            policy,
            lane,
            alert,
            events,
            now: at(NOW),
        }
    }

    /// It was told `told`; events up to `cursor` are settled.
    pub fn told(mut self, told: Told, cursor: u32) -> Case {
        self.lane.told = told;
        self.lane.cursor = cursor;
        if self.policy.manner == Manner::Mirror && told != Told::Nothing {
            self.lane.handle = Some(handle("C1/1"));
        }
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Case)) -> Case {
        change(&mut self);
        self
    }

    pub fn doubt(self) -> Case {
        self.with(|c| c.lane.doubt = true)
    }

    pub fn off(self) -> Case {
        self.with(|c| c.policy.enabled = false)
    }

    pub fn silenced(self) -> Case {
        self.with(|c| c.lane.held_until = at(NOW + 500))
    }

    pub fn pending(&self) -> Vec<Event> {
        let wanted = self.lane.cursor + 1..=self.lane.head;
        self.events
            .iter()
            .filter(|e| wanted.contains(&e.seq))
            .cloned()
            .collect()
    }

    pub fn plan(&self) -> Plan {
        lanes::plan(
            &self.policy,
            &self.lane,
            &self.pending(),
            &self.alert,
            self.now,
        )
    }

    pub fn due(&self) -> Option<Timestamp> {
        lanes::due_at(
            &self.policy,
            &self.lane,
            &self.pending(),
            &self.alert,
            self.now,
        )
    }

    pub fn claim(&self, verb: Verb, upto: u32) -> Claim {
        Claim {
            id: ClaimId(u128::from(self.lane.attempts) + 1),
            node: NodeId(1),
            verb,
            upto,
            head: self.lane.head,
            sent_at: self.now,
            until: self.now + self.policy.lease,
        }
    }

    /// Sends what the plan says, which ends so. Returns the verb.
    pub fn send(&mut self, outcome: Outcome, brings: Option<Handle>) -> Verb {
        let Plan::Send { verb, upto } = self.plan() else {
            panic!("it does not send: {:?}", self.plan());
        };
        self.end(verb, upto, outcome, brings);
        verb
    }

    pub fn end(
        &mut self,
        verb: Verb,
        upto: u32,
        outcome: Outcome,
        brings: Option<Handle>,
    ) -> Recorded {
        let claim = self.claim(verb, upto);
        assert!(lanes::claim(&mut self.lane, claim.clone()));
        let recorded = lanes::record(
            &self.policy,
            self.lane.clone(),
            &claim,
            outcome,
            brings,
            self.now,
            0,
        );
        self.lane = recorded.lane.clone();
        recorded
    }

    /// One more event, now.
    pub fn happens(&mut self, kind: EventKind) {
        let closed_at = self.alert.closed_at;
        self.alert.status = status_after(kind, self.alert.status);
        self.alert.seq += 1;
        self.alert.closed_at = self.alert.is_closed().then_some(self.now);
        let mut event = event(self.alert.seq, kind, self.alert.status);
        event.at = self.now;
        self.events.push(event.clone());
        if let Some(raised) = lanes::raise(
            &self.lane,
            closed_at,
            &self.alert,
            &[event],
            &self.policy,
            self.now,
        ) {
            self.lane = raised.lane;
        }
    }
}

pub fn send(verb: Verb, upto: u32) -> Plan {
    Plan::Send { verb, upto }
}

pub fn skip(upto: u32, reason: lanes::SkipReason) -> Plan {
    Plan::Skip { upto, reason }
}

pub fn wait(until: i64, why: lanes::WaitReason) -> Plan {
    Plan::Wait {
        until: at(until),
        why,
    }
}

pub fn idle() -> Plan {
    Plan::Wait {
        until: Timestamp::NEVER,
        why: lanes::WaitReason::Idle,
    }
}

pub fn handle(object: &str) -> Handle {
    Handle {
        object: object.into(),
        data: serde_json::Value::Null,
    }
}

fn status_after(kind: EventKind, before: Status) -> Status {
    match kind {
        EventKind::Tracked => Status::Tracking,
        Opened | Reopened | Unacknowledged | Unshelved => Status::Open,
        Acknowledged => Status::Acknowledged,
        Shelved => Status::Shelved,
        Closed | EventKind::Cancelled | EventKind::Expired | Informed => Status::Closed,
        _ => before,
    }
}

pub fn event(seq: u32, kind: EventKind, status: Status) -> Event {
    Event {
        alert: AlertId(1),
        seq,
        at: at(i64::from(seq)),
        kind,
        status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}

pub fn policy(manner: Manner) -> LanePolicy {
    LanePolicy {
        manner,
        can: Capabilities {
            update: true,
            ack: true,
            unack: true,
            note: true,
            assign: true,
            snooze: false,
            ignores_unknown_close: false,
            idempotent: false,
            late_request_changes_state: false,
            pages: false,
        },
        enabled: true,
        deleted: false,
        delay: DurationMs::ZERO,
        interval: DurationMs::ZERO,
        edit_interval: DurationMs(300),
        notify_on: EventKinds::ALL,
        close_notifications: true,
        revision: 1,
        lease: DurationMs(60),
        deadline: DurationMs(30),
        retry: RetrySchedule::default(),
    }
}

fn alert() -> Alert {
    Alert {
        id: AlertId(1),
        project: ProjectId(1),
        source: SourceId(1),
        scope: Scope::Source(SourceId(1)),
        key: "disk full".into(),
        group_key: None,
        kind: AlertKind::Issue,
        status: Status::Open,
        closed_because: None,
        content: Arc::new(Content::default()),
        opened_at: at(1),
        closed_at: None,
        changed_at: at(1),
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
        last_update_at: at(1),
        timer_at: None,
        live_until: None,
        last_seen: at(1),
        repeat_count: 0,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: Vec::new(),
    }
}
