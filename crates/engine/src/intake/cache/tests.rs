use super::*;
use model::{ProjectId, Signal, SourceId};

fn cache() -> KeyCache {
    KeyCache::new(Hashes([7; 16]), false)
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
    let content = Hashes([7; 16]).of_content(&signal);
    let moved = Signal {
        ends_at: Some(Timestamp(5)),
        ..signal.clone()
    };
    assert_eq!(content, Hashes([7; 16]).of_content(&moved));
    let other = Signal {
        value: Some("2".into()),
        ..signal.clone()
    };
    assert_ne!(content, Hashes([7; 16]).of_content(&other));

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
        Some(SeenRow {
            alert: AlertId(9),
            version: 1,
            last_seen: Timestamp(2),
            repeat_count: 1,
            ends_at: None,
        })
    );
    let rows = cache.take_dirty();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].repeat_count, 1);
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
        let mut cache = KeyCache::new(Hashes([7; 16]), true);
        let alert = opened(1);
        let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
        cache.put(hash, &alert, Some(CONTENT), None);
        Beside { cache, alert, hash }
    }

    fn repeat(&mut self, at: i64) -> Option<SeenRow> {
        self.cache.repeat(self.hash, CONTENT, None, Timestamp(at))
    }
}

fn opened(id: u128) -> Alert {
    use lifecycle::{Decision, Identity, Input, SourcePolicy, StepContext, step};
    let policy = SourcePolicy {
        model: model::LifecycleModel::Campanile,
        reopen_window: model::DurationMs::ZERO,
        reopen_begun_before: false,
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

fn next(alert: &Alert) -> Alert {
    Alert {
        version: alert.version + 1,
        ..alert.clone()
    }
}

#[test]
fn a_repeat_that_the_store_did_not_write_closes_the_fast_path_until_something_was_read() {
    let mut beside = Beside::new();
    let row = beside.repeat(200).unwrap();
    assert_eq!((row.version, row.repeat_count), (1, 1));
    beside.cache.doubt(beside.hash, &row);
    assert_eq!(beside.repeat(300), None);
    // It was read, and was so after all.
    let alert = beside.alert.clone();
    beside.cache.note(beside.hash, &alert, None);
    assert_eq!(beside.repeat(400).map(|row| row.repeat_count), Some(2));
    let newer = next(&alert);
    beside.cache.put(beside.hash, &newer, None, Some(1));
    beside.cache.doubt(beside.hash, &row);
    assert!(
        beside.repeat(500).is_some(),
        "the doubt was of an older version"
    );
}

#[test]
fn our_own_write_keeps_the_content_and_that_of_another_node_does_not() {
    let mut beside = Beside::new();
    let own = next(&beside.alert);
    beside.cache.put(beside.hash, &own, None, Some(1));
    assert_eq!(beside.repeat(200).map(|row| row.version), Some(2));
    beside.cache.note(beside.hash, &next(&own), None);
    assert_eq!(
        beside.repeat(300),
        None,
        "what the other node wrote may say something else"
    );
}

#[test]
fn beside_other_nodes_nothing_waits_for_a_flush() {
    let mut beside = Beside::new();
    beside.repeat(200).unwrap();
    assert_eq!(beside.cache.take_dirty(), vec![]);
}

#[test]
fn i10_what_nothing_asks_for_is_forgotten_after_minutes_and_what_waits_is_not() {
    let mut beside = Beside::new();
    for _ in 0..=GENERATIONS_KEPT {
        beside.cache.age();
    }
    assert_eq!(beside.cache.len(), 0);

    let mut beside = Beside::new();
    beside.cache.bar(beside.hash);
    for _ in 0..=GENERATIONS_KEPT {
        beside.cache.age();
    }
    assert_eq!(beside.cache.len(), 1);
}
