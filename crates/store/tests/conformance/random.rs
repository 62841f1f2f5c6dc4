//! Long random histories against a model that is simple enough to be seen to be right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Alert, AlertId, Event, EventKind, Lane, Status, Timestamp, Told};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use store::{AlertWrite, ClaimAnswer, LanePut, SeenRow, Store, SweepRules, WriteError};

use super::make::*;

/// Far longer than a count is answered from memory here.
const COUNTED_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// Few alerts and fewer keys, so that writes meet.
const ALERTS: u128 = 9;
const KEYS: u128 = 4;

#[derive(Clone, Debug)]
enum Op {
    /// Opens an alert, perhaps with a lane, perhaps taking over a closed one's key.
    Open {
        n: u128,
        lane: bool,
        takes_over: bool,
    },
    /// Writes the alert's next version; `off` moves the version it names, `lane_off` that of its lane.
    Follow {
        n: u128,
        to: Status,
        live: bool,
        off: u32,
        raise: bool,
        lane_off: u32,
    },
    Claim {
        n: u128,
        durable: bool,
        off: u32,
        lease: i64,
    },
    Result {
        n: u128,
        told: Told,
        off: u32,
        due: Option<i64>,
    },
    Seen {
        n: u128,
        off: u32,
        count: u64,
    },
    /// Time goes on, and keys are retired.
    Retire {
        by: i64,
    },
    Sweep,
}

fn op() -> impl Strategy<Value = Op> {
    // Most writers name the right version.
    let off = || prop_oneof![5 => Just(0u32), 1 => Just(1u32)];
    let n = || 1..=ALERTS;
    let status = prop_oneof![
        3 => Just(Status::Closed),
        2 => Just(Status::Open),
        1 => Just(Status::Acknowledged),
        1 => Just(Status::Shelved),
    ];
    let told = prop_oneof![
        Just(Told::Nothing),
        Just(Told::Open),
        Just(Told::Acked),
        Just(Told::Closed)
    ];
    prop_oneof![
        4 => (n(), any::<bool>(), any::<bool>())
            .prop_map(|(n, lane, takes_over)| Op::Open { n, lane, takes_over }),
        6 => (n(), status, any::<bool>(), off(), any::<bool>(), off())
            .prop_map(|(n, to, live, off, raise, lane_off)| Op::Follow { n, to, live, off, raise, lane_off }),
        3 => (n(), any::<bool>(), off(), 0..200i64)
            .prop_map(|(n, durable, off, lease)| Op::Claim { n, durable, off, lease }),
        3 => (n(), told, off(), proptest::option::of(0..300i64))
            .prop_map(|(n, told, off, due)| Op::Result { n, told, off, due }),
        2 => (n(), off(), 1..9u64).prop_map(|(n, off, count)| Op::Seen { n, off, count }),
        2 => (0..60i64).prop_map(|by| Op::Retire { by }),
        1 => Just(Op::Sweep),
    ]
}

#[derive(Default)]
struct Simple {
    now: i64,
    alerts: BTreeMap<u128, Kept>,
    attempts: usize,
    feed: Vec<Event>,
}

#[derive(Clone)]
struct Kept {
    alert: Alert,
    lane: Option<Lane>,
    events: Vec<Event>,
    seen: Option<SeenRow>,
}

impl Simple {
    fn now(&self) -> Timestamp {
        at(self.now)
    }

    fn holder(&self, key: &str) -> Option<u128> {
        let holds = |kept: &&Kept| holds_key(&kept.alert) && kept.alert.key == key;
        self.alerts.values().find(holds).map(|kept| kept.alert.id.0)
    }

    /// Whether the write goes through, by the rules as the trait states them.
    fn commit(&mut self, write: &AlertWrite) -> bool {
        let n = write.alert.id.0;
        let before = self.alerts.get(&n);
        if before.map(|kept| kept.alert.version) != write.expected {
            return false;
        }
        let retired = write.retires.map(|(id, version)| (id.0, version));
        if let Some((old, version)) = retired {
            let matches = |kept: &Kept| kept.alert.version == version && kept.alert.is_closed();
            if !self.alerts.get(&old).is_some_and(matches) {
                return false;
            }
        }
        let holder = self.holder(&write.alert.key);
        let free = holder.is_none() || holder == Some(n) || holder == retired.map(|r| r.0);
        if holds_key(&write.alert) && !free {
            return false;
        }
        let mut lane = before.and_then(|kept| kept.lane.clone());
        for put in &write.lanes {
            if lane.as_ref().map(|l| l.version) != put.expected {
                return false;
            }
            lane = Some(put.lane.clone());
        }
        if let Some((old, _)) = retired {
            self.alerts.get_mut(&old).unwrap().give_up_key();
        }
        let mut events = self
            .alerts
            .get(&n)
            .map_or(vec![], |kept| kept.events.clone());
        events.extend(write.events.iter().cloned());
        self.feed.extend(write.events.iter().cloned());
        let kept = Kept {
            alert: write.alert.clone(),
            lane,
            events,
            seen: None,
        };
        self.alerts.insert(n, kept);
        true
    }

    fn sweep(&mut self) -> usize {
        let before = self.alerts.len();
        let stays = |kept: &Kept| {
            !kept.alert.is_closed()
                || kept.alert.live_until.is_some()
                || kept
                    .lane
                    .as_ref()
                    .is_some_and(|lane| owes(lane) || matches!(lane.told, Told::Open | Told::Acked))
        };
        self.alerts.retain(|_, kept| stays(kept));
        let left: BTreeSet<_> = self.alerts.keys().copied().collect();
        self.feed.retain(|event| left.contains(&event.alert.0));
        before - self.alerts.len()
    }
}

impl Kept {
    fn give_up_key(&mut self) {
        self.alert.live_until = None;
        self.alert.version += 1;
        if let Some(seen) = &mut self.seen {
            seen.version += 1;
        }
    }
}

fn holds_key(alert: &Alert) -> bool {
    !alert.is_closed() || alert.live_until.is_some()
}

fn owes(lane: &Lane) -> bool {
    lane.due_at.is_some() || lane.cursor < lane.head || lane.claim.is_some()
}

pub async fn a_random_history_agrees_with_a_simple_model(store: Arc<dyn Store>) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut model = Simple::default();
    for step in 0..1500 {
        let op = op().new_tree(&mut runner).unwrap().current();
        let what = format!("step {step}: {op:?}");
        apply(&store, &mut model, op, &what).await;
        if step % 10 == 0 {
            compare(&store, &model, &what).await;
        }
    }
    compare(&store, &model, "at the end").await;
    assert!(
        model.attempts > 50 && model.feed.len() > 5,
        "the history is worth its time"
    );
}

async fn apply(store: &Arc<dyn Store>, model: &mut Simple, op: Op, what: &str) {
    let now = model.now();
    match op {
        Op::Open {
            n,
            lane: with_lane,
            takes_over,
        } => {
            let mut alert = alert(n);
            alert.key = format!("key-{}", n % KEYS);
            alert.changed_at = now;
            let mut write = opening(&alert);
            if with_lane {
                write.lanes = vec![put_new(lane(n))];
            }
            let holder = model
                .holder(&alert.key)
                .map(|old| &model.alerts[&old].alert);
            if takes_over && let Some(old) = holder {
                write.retires = Some((old.id, old.version));
            }
            commit_both(store, model, write, what).await;
        }
        Op::Follow {
            n,
            to,
            live,
            off,
            raise,
            lane_off,
        } => {
            let Some(kept) = model.alerts.get(&n) else {
                return;
            };
            let mut write = following(&kept.alert, EventKind::Noted, |alert| {
                alert.status = to;
                let closed = to == Status::Closed;
                alert.closed_at = closed.then_some(now);
                alert.live_until = (closed && live).then(|| now + model::DurationMs(50));
                alert.timer_at = live.then_some(now);
            });
            write.expected = Some(kept.alert.version + off);
            if raise && let Some(lane) = &kept.lane {
                let mut raised = lane.clone();
                raised.head = write.alert.seq;
                raised.due_at = Some(now);
                raised.version += 1;
                write.lanes = vec![LanePut {
                    lane: raised,
                    expected: Some(lane.version + lane_off),
                }];
            }
            commit_both(store, model, write, what).await;
        }
        Op::Claim {
            n,
            durable,
            off,
            lease,
        } => {
            let Some(lane) = model.alerts.get_mut(&n).and_then(|kept| kept.lane.as_mut()) else {
                return;
            };
            // Only what owes is claimed.
            if lane.due_at.is_none() {
                return;
            }
            let mut write = claim(lane, now + model::DurationMs(lease), durable);
            write.expected += off;
            write.now = now;
            let claimed = match claim_one(store, write.clone()).await {
                ClaimAnswer::Claimed => true,
                ClaimAnswer::Conflict => false,
                other => panic!("{what}: {other:?}"),
            };
            assert_eq!(claimed, off == 0, "{what}");
            if claimed {
                *lane = write.lane;
            }
        }
        Op::Result {
            n,
            told: state,
            off,
            due,
        } => {
            let Some(lane) = model.alerts.get_mut(&n).and_then(|kept| kept.lane.as_mut()) else {
                return;
            };
            let mut next = told(lane, state);
            next.due_at = due.map(|ms| now + model::DurationMs(ms));
            let mut write = result(next.clone());
            if let store::LaneChange::Put(put) = &mut write.change {
                put.expected = put.expected.map(|version| version + off);
            }
            let answer = write_lane(store, write).await;
            assert_eq!(agreed(answer), off == 0, "{what}");
            if off == 0 {
                *lane = next;
                model.attempts += 1;
            }
        }
        Op::Seen { n, off, count } => {
            let Some(kept) = model.alerts.get_mut(&n) else {
                return;
            };
            let row = SeenRow {
                alert: AlertId(n),
                version: kept.alert.version + off,
                last_seen: now,
                repeat_count: count,
                ends_at: (count > 4).then_some(now),
            };
            assert_eq!(store.seen(vec![row]).await.unwrap(), [off == 0], "{what}");
            if off == 0 {
                // Nodes count for themselves: the highest count stands.
                let before = kept.seen.filter(|seen| seen.version == row.version);
                kept.seen = Some(SeenRow {
                    repeat_count: before.map_or(count, |seen| seen.repeat_count.max(count)),
                    ..row
                });
            }
        }
        Op::Retire { by } => {
            model.now += by;
            let now = model.now();
            let mut retired = store.retire_live(now, 100).await.unwrap();
            retired.sort();
            let over = |kept: &Kept| kept.alert.live_until.is_some_and(|until| until <= now);
            let mut expected = Vec::new();
            for kept in model.alerts.values_mut().filter(|kept| over(kept)) {
                kept.give_up_key();
                expected.push(kept.alert.id);
            }
            assert_eq!(retired, expected, "{what}");
        }
        Op::Sweep => {
            let rules = SweepRules {
                closed_before: Timestamp::NEVER,
                attempts_before: Timestamp::ZERO,
                messages_before: Timestamp::ZERO,
                silences_before: Timestamp::ZERO,
                updates_kept: 1000,
                limit: 100_000,
            };
            let swept = store.sweep(rules).await.unwrap().alerts;
            assert_eq!(swept, model.sweep(), "{what}");
        }
    }
}

fn agreed(answer: Result<(), WriteError>) -> bool {
    match answer {
        Ok(()) => true,
        Err(WriteError::Conflict) => false,
        Err(WriteError::Store(error)) => panic!("{error}"),
    }
}

async fn commit_both(store: &Arc<dyn Store>, model: &mut Simple, write: AlertWrite, what: &str) {
    let written = agreed(commit(store, write.clone()).await);
    assert_eq!(written, model.commit(&write), "{what}");
}

async fn compare(store: &Arc<dyn Store>, model: &Simple, what: &str) {
    for n in 1..=ALERTS {
        let loaded = load(store, n).await;
        let kept = model.alerts.get(&n);
        assert_eq!(
            loaded.as_ref().map(|l| &l.alert),
            kept.map(|k| &k.alert),
            "{what}"
        );
        let lanes = kept.map(|k| k.lane.iter().cloned().collect::<Vec<_>>());
        assert_eq!(loaded.as_ref().map(|l| l.lanes.clone()), lanes, "{what}");
        assert_eq!(
            loaded.and_then(|l| l.seen),
            kept.and_then(|k| k.seen),
            "{what}"
        );
        let events = store.events(AlertId(n), 0, 10_000).await.unwrap();
        assert_eq!(events, kept.map_or(vec![], |k| k.events.clone()), "{what}");
    }
    for key in 0..KEYS {
        let mut live = key_of(&alert(1));
        live.key = format!("key-{key}");
        let found = store.find_live(vec![live.clone()]).await.unwrap();
        let found = found[0].as_ref().map(|f| f.alert.id.0);
        assert_eq!(found, model.holder(&live.key), "{what}");
    }
    let feed = feed(store, model.feed.len()).await;
    let feed: Vec<Event> = feed.into_iter().map(|f| f.1).collect();
    assert_eq!(feed, model.feed, "{what}");

    let lanes = || model.alerts.values().filter_map(|kept| kept.lane.as_ref());
    let ready = |lane: &&Lane| {
        let free = lane.claim.as_ref().is_none_or(|c| c.until <= model.now());
        let time = lane.due_at.or(lane.claim.as_ref().map(|c| c.until));
        free && time.is_some_and(|t| t <= model.now())
    };
    let expected: BTreeSet<u128> = lanes().filter(ready).map(|l| l.key.alert.0).collect();
    let due: BTreeSet<u128> = due_ids(store, model.now(), 1000)
        .await
        .into_iter()
        .collect();
    assert_eq!(due, expected, "{what}");

    let of_status = |status| {
        let alerts = model.alerts.values();
        alerts.filter(|k| k.alert.status == status).count() as u64
    };
    let owing = lanes().filter(|l| owes(l)).count();
    let open = lanes()
        .filter(|l| !owes(l) && matches!(l.told, Told::Open | Told::Acked))
        .count();
    // A store may answer a count that is dear, on a busy machine any, from memory for a while.
    let mut counts = store.counts().await.unwrap();
    let agreed = tokio::time::timeout(COUNTED_WITHIN, async {
        loop {
            let by_status = counts.alerts_by_status.iter();
            if by_status.clone().all(|(s, n)| *n == of_status(*s))
                && (counts.lanes_owing, counts.lanes_open) == (owing as u64, open as u64)
            {
                return;
            }
            tokio::task::yield_now().await;
            counts = store.counts().await.unwrap();
        }
    });
    let agreed = agreed.await.is_ok();
    assert!(
        agreed,
        "{what}: {owing} lanes owe, {open} are open, {counts:?}"
    );
}
