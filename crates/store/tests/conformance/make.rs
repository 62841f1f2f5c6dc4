//! Alerts, lanes and writes to test with, and the calls that most cases need.

use std::sync::Arc;

use model::{
    Alert, AlertId, AlertKind, Attempt, AttemptKind, Claim, ClaimId, CloseReason, Content,
    DurationMs, Event, EventKind, IntegrationId, Lane, LaneKey, LifecycleModel, NodeId, Outcome,
    ProjectId, Scope, Severity, SourceId, Status, Timestamp, Told, Verb,
};
use store::{
    AlertWrite, ClaimAnswer, ClaimWrite, DueQuery, LaneChange, LanePut, LaneWork, LaneWrite,
    LiveKey, LoadedAlert, Store, WriteError,
};

pub const PROJECT: ProjectId = ProjectId(1);
pub const SOURCE: SourceId = SourceId(2);
pub const INTEGRATION: IntegrationId = IntegrationId(3);
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub fn at(ms: i64) -> Timestamp {
    NOW + DurationMs(ms)
}

pub fn content(text: &str) -> Arc<Content> {
    Arc::new(Content {
        severity: Severity::Major,
        resource: format!("host-{text}"),
        event: "DiskFull".into(),
        title: format!("Disk of {text} is full"),
        text: "\"quoted\", ünïcode, \u{1F514}".into(),
        value: Some("97 %".into()),
        labels: [("env", "prod"), ("host", text)].into_iter().collect(),
        annotations: [("summary", "no room")].into_iter().collect(),
        links: vec![],
        starts_at: at(-5),
    })
}

/// An open alert, number `n`, at its first event.
pub fn alert(n: u128) -> Alert {
    Alert {
        id: AlertId(n),
        project: PROJECT,
        source: SOURCE,
        scope: Scope::Source(SOURCE),
        key: format!("key-{n}"),
        group_key: None,
        kind: AlertKind::Issue,
        status: Status::Open,
        closed_because: None,
        content: content(&n.to_string()),
        opened_at: NOW,
        closed_at: None,
        changed_at: NOW,
        seq: 1,
        version: 1,
        episode: 1,
        acked_until: None,
        shelved_until: None,
        tracking_until: None,
        assignee: None,
        ends_at: None,
        silence_after_ms: None,
        trailing_update_at: None,
        last_update_at: NOW,
        timer_at: None,
        live_until: None,
        last_seen: NOW,
        repeat_count: 1,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: vec![],
    }
}

pub fn event(alert: &Alert, kind: EventKind) -> Event {
    Event {
        alert: alert.id,
        seq: alert.seq,
        at: alert.changed_at,
        kind,
        status: alert.status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}

/// The first write of an alert.
pub fn opening(alert: &Alert) -> AlertWrite {
    let mut opened = event(alert, EventKind::Opened);
    opened.content = Some(alert.content.clone());
    AlertWrite {
        alert: alert.clone(),
        expected: None,
        retires: None,
        events: vec![opened],
        lanes: vec![],
        removed_lanes: vec![],
        message: None,
        at: alert.changed_at,
    }
}

/// The next write of an alert that was read as `before`: one event, one version on.
pub fn following(before: &Alert, kind: EventKind, change: impl FnOnce(&mut Alert)) -> AlertWrite {
    let mut alert = before.clone();
    alert.version += 1;
    alert.seq += 1;
    alert.changed_at = before.changed_at + DurationMs(1);
    change(&mut alert);
    AlertWrite {
        events: vec![event(&alert, kind)],
        expected: Some(before.version),
        retires: None,
        lanes: vec![],
        removed_lanes: vec![],
        message: None,
        at: alert.changed_at,
        alert,
    }
}

pub fn closing(before: &Alert, live_until: Option<Timestamp>) -> AlertWrite {
    following(before, EventKind::Closed, |alert| {
        alert.status = Status::Closed;
        alert.closed_because = Some(CloseReason::Resolved);
        alert.closed_at = Some(alert.changed_at);
        alert.live_until = live_until;
    })
}

pub fn key_of(alert: &Alert) -> LiveKey {
    LiveKey {
        project: alert.project,
        scope: alert.scope,
        key: alert.key.clone(),
    }
}

pub fn lane_key(alert: u128) -> LaneKey {
    LaneKey {
        alert: AlertId(alert),
        integration: INTEGRATION,
        revision: 1,
    }
}

/// A lane that owes the alert's first event since `NOW`.
pub fn lane(alert: u128) -> Lane {
    Lane {
        key: lane_key(alert),
        version: 1,
        priority: 1,
        cursor: 0,
        head: 1,
        told: Told::Nothing,
        told_at: Timestamp(0),
        retired: false,
        doubt: false,
        unsure_until: None,
        delay_until: Timestamp::ZERO,
        held_until: Timestamp::ZERO,
        held_by: None,
        not_before: Timestamp::ZERO,
        edit_after: Timestamp::ZERO,
        remind_at: Timestamp::ZERO,
        due_at: Some(NOW),
        handle: None,
        extra_handles: vec![],
        claim: None,
        attempts: 0,
        failures: 0,
        duplicates: 0,
        orphans: 0,
        replay: 0,
        reminders: 0,
    }
}

/// The lane after it was told everything.
pub fn told(before: &Lane, told: Told) -> Lane {
    Lane {
        version: before.version + 1,
        cursor: before.head,
        told,
        due_at: None,
        claim: None,
        ..before.clone()
    }
}

pub fn put_new(lane: Lane) -> LanePut {
    LanePut {
        lane,
        expected: None,
    }
}

/// A result: the lane moves on from the version before.
pub fn result(lane: Lane) -> LaneWrite {
    let expected = Some(lane.version - 1);
    LaneWrite {
        attempts: vec![attempt(lane.key, NOW, Outcome::Delivered)],
        change: LaneChange::Put(Box::new(LanePut { lane, expected })),
    }
}

pub fn attempt(lane: LaneKey, at: Timestamp, outcome: Outcome) -> Attempt {
    Attempt {
        lane,
        at,
        kind: AttemptKind::Sent {
            verb: Verb::Open,
            outcome,
        },
        from: 0,
        upto: 1,
        took_ms: 12,
        status: Some(200),
        excerpt: "ok".into(),
    }
}

/// The claim of a lane as it was read, held until `until`.
pub fn claim(before: &Lane, until: Timestamp, durable: bool) -> ClaimWrite {
    let mut lane = before.clone();
    lane.version += 1;
    lane.claim = Some(Claim {
        id: ClaimId(77 + u128::from(lane.version)),
        node: NodeId(5),
        verb: Verb::Open,
        upto: lane.head,
        head: lane.head,
        sent_at: NOW,
        until,
    });
    ClaimWrite {
        lane,
        expected: before.version,
        durable,
        debits: vec![],
        now: NOW,
    }
}

pub async fn commit(store: &Arc<dyn Store>, write: AlertWrite) -> Result<(), WriteError> {
    let mut answers = store.commit(vec![write]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// Writes alerts with one lane each.
pub async fn open_with_lanes(store: &Arc<dyn Store>, lanes: &[Lane]) {
    let writes = lanes.iter().map(|lane| {
        let mut write = opening(&alert(lane.key.alert.0));
        write.lanes = vec![put_new(lane.clone())];
        write
    });
    for answer in store.commit(writes.collect()).await.unwrap() {
        answer.unwrap();
    }
}

pub async fn load(store: &Arc<dyn Store>, n: u128) -> Option<LoadedAlert> {
    let mut found = store.load(vec![AlertId(n)]).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub async fn load_lane(store: &Arc<dyn Store>, n: u128) -> Lane {
    let work = store.lane_work(lane_key(n)).await.unwrap();
    work.unwrap().lane
}

pub async fn due(store: &Arc<dyn Store>, now: Timestamp, limit: usize) -> Vec<LaneWork> {
    let want = DueQuery {
        integration: INTEGRATION,
        revision: 1,
        limit,
    };
    store.due_lanes(now, vec![want]).await.unwrap()
}

pub async fn due_ids(store: &Arc<dyn Store>, now: Timestamp, limit: usize) -> Vec<u128> {
    let works = due(store, now, limit).await;
    works.iter().map(|work| work.lane.key.alert.0).collect()
}

pub async fn claim_one(store: &Arc<dyn Store>, claim: ClaimWrite) -> ClaimAnswer {
    let mut answers = store.claim(vec![claim]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

pub async fn write_lane(store: &Arc<dyn Store>, write: LaneWrite) -> Result<(), WriteError> {
    let mut answers = store.write_lanes(vec![write]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

#[track_caller]
pub fn assert_conflict(answer: Result<(), WriteError>) {
    assert!(matches!(answer, Err(WriteError::Conflict)), "{answer:?}");
}

#[track_caller]
pub fn assert_claimed(answer: &ClaimAnswer) {
    assert!(matches!(answer, ClaimAnswer::Claimed), "{answer:?}");
}

#[track_caller]
pub fn assert_claim_conflict(answer: &ClaimAnswer) {
    assert!(matches!(answer, ClaimAnswer::Conflict), "{answer:?}");
}

/// How long, in real time, a feed may wait for transactions of others.
const FED_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// The feed once it has at least so many events. On PostgreSQL an event shows when every transaction that was open as it
/// was written has ended: anybody's on that server, also that of a test beside this one.
pub async fn feed(store: &Arc<dyn Store>, count: usize) -> Vec<(u64, Event)> {
    let fed = tokio::time::timeout(FED_WITHIN, async {
        loop {
            let found = store.feed(0, 100_000).await.unwrap();
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    match fed.await {
        Ok(found) => found,
        Err(_) => panic!("the feed does not come to {count} events"),
    }
}
