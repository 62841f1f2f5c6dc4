use super::*;
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
