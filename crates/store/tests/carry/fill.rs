//! A store with something of everything in it, by seed.

use std::sync::Arc;

use model::{
    AlertId, AlertKind, CloseReason, EventKind, IntegrationId, Lane, LaneKey, NodeId, Outcome,
    ProjectId, Scope, SharedScope, SourceId, Status, Told,
};
use store::{AlertWrite, LaneChange, LanePut, LaneWrite, SeenRow, Store};

use crate::make::{alert, at, attempt, claim, closing, content, following, lane, opening, told};

pub const PROJECTS: [ProjectId; 2] = [ProjectId(1), ProjectId(0x99)];
pub const SOURCES: [SourceId; 3] = [SourceId(2), SourceId(0x77), SourceId(u128::MAX - 5)];
pub const REVISIONS: [(IntegrationId, u32); 4] = [
    (IntegrationId(3), 1),
    (IntegrationId(3), 2),
    (IntegrationId(u128::MAX - 1), 1),
    (IntegrationId(0xabc), 7),
];
/// Blocked until an hour after the beginning.
pub const BUCKET: &str = "chat:\u{fc}ber";

/// Numbers that are the same for a seed on every machine and at every time.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    /// In one of `of` cases.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// What was written of one alert.
struct Kept {
    alert: model::Alert,
    lanes: Vec<Lane>,
}

/// Writes `count` alerts and what belongs to them, the catalog, health, silences, a blocked bucket and named values, as a node
/// that does not stop cleanly; their ids.
pub async fn fill(store: &Arc<dyn Store>, seed: u64, count: usize) -> Vec<AlertId> {
    let mut chance = Chance(seed);
    store.start(NodeId(5), at(0)).await.unwrap();
    crate::configured::write(store).await;
    store.set_meta("hub.id", "0190-\u{fc}").await.unwrap();
    store.set_meta("walk", "{\"a\":1}").await.unwrap();
    store
        .block_bucket(BUCKET.into(), at(3_600_000))
        .await
        .unwrap();
    let mut ids = Vec::new();
    let mut left = count;
    while left > 0 {
        let group = left.min(100);
        left -= group;
        let mut kept = open(store, &mut chance, group).await;
        let rounds = if chance.one_in(3) { 20 } else { 3 };
        for _ in 0..rounds {
            follow(store, &mut chance, &mut kept).await;
            send(store, &mut chance, &mut kept).await;
        }
        repeat(store, &mut chance, &kept).await;
        ids.extend(kept.iter().map(|kept| kept.alert.id));
        ids.extend(take_over(store, &mut chance, &kept).await);
    }
    ids
}

async fn open(store: &Arc<dyn Store>, chance: &mut Chance, count: usize) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut writes = Vec::new();
    for _ in 0..count {
        let id = (u128::from(chance.next()) << 64) | u128::from(chance.next());
        let mut alert = alert(id);
        alert.project = chance.pick(&PROJECTS);
        alert.source = chance.pick(&SOURCES);
        alert.scope = match chance.below(3) {
            0 => Scope::Dialect(alert.project, SharedScope::Alerta),
            1 => Scope::Dialect(alert.project, SharedScope::Opsgenie),
            _ => Scope::Source(alert.source),
        };
        alert.key = format!("key \u{1f514}'\"\\ {id:x}");
        alert.group_key = chance.one_in(3).then(|| "group".to_owned());
        if chance.one_in(5) {
            alert.kind = AlertKind::Notification;
        }
        if chance.one_in(4) {
            alert.status = Status::Tracking;
            alert.tracking_until = Some(at(5));
        }
        alert.timer_at = chance.one_in(3).then(|| at(i64::from(chance.one_in(2))));
        alert.changed_at = at(i64::try_from(chance.below(100_000)).unwrap());
        let mut write = opening(&alert);
        if chance.one_in(4) {
            // Its content stands in its own row.
            write.events[0].content = None;
        }
        if chance.one_in(3) {
            write.message = Some((alert.source, format!("message {id:x}")));
        }
        let mut lanes = Vec::new();
        for (integration, revision) in REVISIONS {
            if chance.one_in(2) {
                let mut lane = lane(id);
                lane.key = LaneKey {
                    alert: alert.id,
                    integration,
                    revision,
                };
                lane.priority = u8::try_from(chance.below(5)).unwrap();
                lane.due_at = Some(at(i64::try_from(chance.below(1000)).unwrap()));
                lanes.push(lane);
            }
        }
        write.lanes = lanes.iter().map(|lane| put(lane, None)).collect();
        writes.push(write);
        kept.push(Kept { alert, lanes });
    }
    commit(store, writes).await;
    kept
}

/// About half of the alerts change.
async fn follow(store: &Arc<dyn Store>, chance: &mut Chance, kept: &mut [Kept]) {
    let mut writes = Vec::new();
    for kept in kept.iter_mut() {
        if chance.one_in(2) || kept.alert.is_closed() && !chance.one_in(8) {
            continue;
        }
        let number = chance.below(1_000_000);
        let mut write = match chance.below(6) {
            0 => closing(&kept.alert, None),
            1 => closing(&kept.alert, Some(at(i64::try_from(number).unwrap()))),
            2 => following(&kept.alert, EventKind::Acknowledged, |alert| {
                alert.status = Status::Acknowledged;
                alert.acked_until = Some(at(10));
                alert.assignee = Some("ann \u{e9}".into());
            }),
            3 => following(&kept.alert, EventKind::Shelved, |alert| {
                alert.status = Status::Shelved;
                alert.shelved_until = Some(at(99));
                alert.timer_at = Some(at(99));
            }),
            _ => following(&kept.alert, EventKind::Updated, |alert| {
                alert.content = content(&number.to_string());
                alert.ends_at = Some(at(7));
            }),
        };
        // An open alert is not closed in any way.
        if !write.alert.is_closed() {
            write.alert.closed_at = None;
            write.alert.closed_because = None;
            write.alert.live_until = None;
        } else if chance.one_in(2) {
            write.alert.closed_because = Some(CloseReason::Expired);
        }
        if kept.alert.is_closed() && kept.alert.live_until.is_none() {
            // Its key is another's perhaps: it stays closed.
            continue;
        }
        if write.events[0].kind == EventKind::Updated {
            write.events[0].content = Some(write.alert.content.clone());
        }
        write.events[0].note = chance.one_in(2).then(|| format!("note {number}"));
        for lane in &mut kept.lanes {
            let before = lane.version;
            lane.version += 1;
            lane.head = write.alert.seq;
            lane.due_at = chance.one_in(2).then(|| at(12));
            write.lanes.push(put(lane, Some(before)));
        }
        kept.alert = write.alert.clone();
        writes.push(write);
    }
    commit(store, writes).await;
}

/// Some lanes are claimed, some are told something; some claims stay.
async fn send(store: &Arc<dyn Store>, chance: &mut Chance, kept: &mut [Kept]) {
    let outcomes = [
        Outcome::Delivered,
        Outcome::Throttled { after_ms: Some(3) },
        Outcome::Ambiguous,
        Outcome::Retry,
    ];
    let mut claims = Vec::new();
    let mut writes = Vec::new();
    for lane in kept.iter_mut().flat_map(|kept| &mut kept.lanes) {
        match chance.below(12) {
            0 if lane.claim.is_none() => {
                let claim = claim(lane, at(50), true);
                *lane = claim.lane.clone();
                claims.push(claim);
            }
            1..4 => {
                let state = [Told::Nothing, Told::Open, Told::Acked, Told::Closed];
                let mut next = told(lane, chance.pick(&state));
                next.duplicates += u32::from(chance.one_in(9));
                next.orphans += u32::from(chance.one_in(9));
                next.handle = chance.one_in(2).then(|| model::Handle {
                    object: "C1/17".into(),
                    data: serde_json::json!({ "ts": "1.5" }),
                });
                let outcome = outcomes[usize::try_from(chance.below(4)).unwrap()].clone();
                writes.push(LaneWrite {
                    attempts: vec![attempt(next.key, next.told_at.max(at(1)), outcome)],
                    change: LaneChange::Put(Box::new(put(&next, Some(lane.version)))),
                });
                *lane = next;
            }
            4 => writes.push(LaneWrite {
                attempts: vec![attempt(lane.key, at(2), Outcome::Stale)],
                change: LaneChange::None,
            }),
            _ => {}
        }
    }
    for answer in store.write_lanes(writes).await.unwrap() {
        answer.unwrap();
    }
    for answer in store.claim(claims).await.unwrap() {
        crate::make::assert_claimed(&answer);
    }
}

async fn repeat(store: &Arc<dyn Store>, chance: &mut Chance, kept: &[Kept]) {
    let mut rows = Vec::new();
    for kept in kept {
        if chance.one_in(3) {
            rows.push(SeenRow {
                alert: kept.alert.id,
                version: kept.alert.version,
                last_seen: at(77),
                repeat_count: chance.below(1000),
                ends_at: chance.one_in(2).then(|| at(78)),
            });
        }
    }
    let count = rows.len();
    assert_eq!(store.seen(rows).await.unwrap(), vec![true; count]);
}

/// New episodes of keys that closed alerts hold.
async fn take_over(store: &Arc<dyn Store>, chance: &mut Chance, kept: &[Kept]) -> Vec<AlertId> {
    let mut writes = Vec::new();
    let closed = kept.iter().map(|kept| &kept.alert);
    for old in closed.filter(|alert| alert.is_closed() && alert.live_until.is_some()) {
        if chance.one_in(2) {
            let mut alert = alert(u128::from(chance.next()));
            alert.project = old.project;
            alert.source = old.source;
            alert.scope = old.scope;
            alert.key = old.key.clone();
            alert.episode = old.episode + 1;
            let mut write = opening(&alert);
            write.retires = Some((old.id, old.version));
            writes.push(write);
        }
    }
    let ids = writes.iter().map(|write| write.alert.id).collect();
    commit(store, writes).await;
    ids
}

fn put(lane: &Lane, expected: Option<u32>) -> LanePut {
    LanePut {
        lane: lane.clone(),
        expected,
    }
}

async fn commit(store: &Arc<dyn Store>, writes: Vec<AlertWrite>) {
    for answer in store.commit(writes).await.unwrap() {
        answer.unwrap();
    }
}
