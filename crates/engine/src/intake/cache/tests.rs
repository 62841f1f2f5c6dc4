use std::sync::Arc;

use super::*;
use crate::catalog::Source;
use model::{ProjectId, SourceId};

fn cache() -> KeyCache {
    KeyCache::new([7; 16], false)
}

#[test]
fn a_repeat_is_recognised_by_its_content_and_barred_while_a_signal_of_its_key_waits() {
    let mut cache = cache();
    let scope = Scope::Source(SourceId(1));
    let hash = cache.hash_of_key(ProjectId(1), scope, "k");
    assert_ne!(hash, cache.hash_of_key(ProjectId(2), scope, "k"));
    let signal = Signal {
        key: "k".into(),
        title: "t".into(),
        ..Signal::default()
    };
    let content = cache.hash_of_content(&signal);
    let moved = Signal {
        ends_at: Some(Timestamp(5)),
        ..signal.clone()
    };
    assert_eq!(content, cache.hash_of_content(&moved));
    let other = Signal {
        value: Some("2".into()),
        ..signal.clone()
    };
    assert_ne!(content, cache.hash_of_content(&other));

    assert_eq!(cache.repeat(hash, content, None, Timestamp(1)), None);
    cache.bar(hash);
    cache.entries.insert(
        hash,
        Entry {
            alert: AlertId(9),
            version: 1,
            content,
            takes_repeats: true,
            ends_at: None,
            last_seen: Timestamp(0),
            repeat_count: 0,
            dirty: false,
            waiting: 1,
            touched: 0,
            kept: None,
        },
    );
    cache.barred.clear();
    assert_eq!(
        cache.repeat(hash, content, None, Timestamp(1)),
        None,
        "one waits"
    );
    cache.unbar(hash);
    assert_eq!(
        cache.repeat(hash, content, None, Timestamp(2)),
        Some(AlertId(9))
    );
    let rows = cache.take_dirty();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].1.repeat_count, 1);
    assert!(cache.take_dirty().is_empty());
}

/// An alert of key `k` beside other nodes, and what is known of it.
struct Beside {
    cache: KeyCache,
    alert: Alert,
    hash: u128,
}

const CONTENT: u128 = 77;

impl Beside {
    /// Opened by this node, as version 1.
    fn new() -> Beside {
        let mut cache = KeyCache::new([7; 16], true);
        let alert = opened(1);
        let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
        cache.put(hash, &alert, Some(CONTENT), None);
        Beside { cache, alert, hash }
    }

    /// A repeat that came at `at`.
    fn repeat(&mut self, at: i64) {
        let alert = self.cache.repeat(self.hash, CONTENT, None, Timestamp(at));
        assert_eq!(alert, Some(self.alert.id));
        self.cache.keep(self.hash, kept(at));
    }

    fn row(&mut self) -> SeenRow {
        let rows = self.cache.take_dirty();
        assert_eq!(rows.len(), 1);
        rows[0].1
    }

    fn late(&mut self) -> Vec<i64> {
        let late = self.cache.take_late();
        for one in &late {
            self.cache.unbar(one.hash);
        }
        late.iter().map(|one| one.kept.came_at.0).collect()
    }
}

fn opened(id: u128) -> Alert {
    use lifecycle::{Decision, Identity, Input, SourcePolicy, StepContext, step};
    let policy = SourcePolicy {
        model: model::LifecycleModel::Campanile,
        reopen_window: model::DurationMs::ZERO,
        reopen_same_start: false,
        live_after_close: model::DurationMs::ZERO,
        update_interval: model::DurationMs::ZERO,
        tracking_delay: model::DurationMs::ZERO,
    };
    let context = StepContext {
        now: Timestamp(100),
        policy: &policy,
        listening_since: Timestamp(0),
        new_id: AlertId(id),
        key_taken: false,
    };
    let signal = Signal {
        key: "k".into(),
        ..Signal::default()
    };
    let identity = Identity {
        project: ProjectId(1),
        source: SourceId(1),
        scope: Scope::Source(SourceId(1)),
    };
    let input = Input::Signal {
        signal: Box::new(signal),
        identity,
    };
    match step(None, input, &context) {
        Decision::Change(change) => change.alert,
        other => panic!("{other:?}"),
    }
}

fn kept(at: i64) -> Kept {
    let project = crate::catalog::Project {
        id: ProjectId(1),
        name: "shop".into(),
        owner_email: None,
    };
    let policy = lifecycle::SourcePolicy {
        model: model::LifecycleModel::Campanile,
        reopen_window: model::DurationMs::ZERO,
        reopen_same_start: false,
        live_after_close: model::DurationMs::ZERO,
        update_interval: model::DurationMs::ZERO,
        tracking_delay: model::DurationMs::ZERO,
    };
    let source = Source {
        id: SourceId(1),
        project: Arc::new(project),
        name: "tools".into(),
        scope: Scope::Source(SourceId(1)),
        policy,
        way: crate::catalog::Way::Monitor {
            name: "host".into(),
            settings: serde_json::Map::new(),
        },
    };
    Kept {
        source: Arc::new(source),
        signal: Arc::new(Signal::default()),
        content: CONTENT,
        came_at: Timestamp(at),
    }
}

fn next(alert: &Alert) -> Alert {
    Alert {
        version: alert.version + 1,
        ..alert.clone()
    }
}

#[test]
fn a_repeat_is_kept_until_its_row_is_written() {
    let mut beside = Beside::new();
    beside.repeat(200);
    let row = beside.row();
    assert_eq!(beside.cache.kept_count(), 1);
    beside.repeat(300);
    beside.cache.flushed(beside.hash, &row, true);
    assert_eq!(beside.cache.kept_count(), 1, "a newer one came meanwhile");
    let row = beside.row();
    beside.cache.flushed(beside.hash, &row, true);
    assert_eq!(beside.cache.kept_count(), 0);
    assert!(beside.late().is_empty());
}

#[test]
fn a_repeat_whose_row_was_not_written_is_stepped_once_and_closes_the_fast_path() {
    let mut beside = Beside::new();
    beside.repeat(200);
    let row = beside.row();
    beside.cache.flushed(beside.hash, &row, false);
    let again = beside
        .cache
        .repeat(beside.hash, CONTENT, None, Timestamp(300));
    assert_eq!(again, None, "nothing is trusted until it was read");
    assert_eq!(beside.late(), [200]);
    assert!(beside.late().is_empty());
    assert_eq!(beside.cache.kept_count(), 0);
}

#[test]
fn a_repeat_whose_row_met_a_failing_store_goes_with_the_next_flush() {
    let mut beside = Beside::new();
    beside.repeat(200);
    let row = beside.row();
    beside.cache.flush_again(&[(beside.hash, row)]);
    assert_eq!(beside.row(), row);
    assert_eq!(beside.cache.kept_count(), 1);
}

#[test]
fn our_own_write_takes_the_repeats_before_it_along_and_that_of_another_node_does_not() {
    let mut beside = Beside::new();
    beside.repeat(200);
    let mut own = next(&beside.alert);
    own.repeat_count = 1;
    beside.cache.put(beside.hash, &own, None, Some(1));
    assert_eq!(beside.cache.kept_count(), 0);
    assert!(beside.late().is_empty());

    beside.repeat(300);
    let others = next(&own);
    beside.cache.note(beside.hash, &others, None);
    assert_eq!(beside.late(), [300]);
    let again = beside
        .cache
        .repeat(beside.hash, CONTENT, None, Timestamp(400));
    assert_eq!(
        again, None,
        "what the other node wrote may say something else"
    );
}

#[test]
fn a_newer_signal_of_the_key_takes_the_repeats_before_it_in_their_order() {
    let mut beside = Beside::new();
    beside.repeat(200);
    beside.cache.note(beside.hash, &opened(2), None);
    beside
        .cache
        .learn(beside.hash, AlertId(2), CONTENT, None, Timestamp(300));
    beside.cache.keep(beside.hash, kept(300));
    let late = beside.cache.take_kept(beside.hash);
    let of: Vec<_> = late.iter().map(|l| (l.alert.0, l.kept.came_at.0)).collect();
    assert_eq!(of, [(1, 200), (2, 300)]);
    assert!(beside.cache.take_kept(beside.hash).is_empty());
    assert!(beside.late().is_empty());
}

#[test]
fn i10_what_nothing_asks_for_is_forgotten_after_minutes_and_what_waits_is_not() {
    let mut beside = Beside::new();
    for _ in 0..=GENERATIONS_KEPT {
        beside.cache.age();
    }
    assert_eq!(beside.cache.len(), 0);

    let mut beside = Beside::new();
    beside.repeat(200);
    for _ in 0..=GENERATIONS_KEPT {
        beside.cache.age();
    }
    assert_eq!(beside.cache.len(), 1, "a repeat waits to be written");

    let mut alone = cache();
    let alert = opened(1);
    let hash = alone.hash_of_key(alert.project, alert.scope, &alert.key);
    alone.put(hash, &alert, None, None);
    for _ in 0..=GENERATIONS_KEPT {
        alone.age();
    }
    assert_eq!(alone.len(), 1, "alone, the cache has every live key");
}
