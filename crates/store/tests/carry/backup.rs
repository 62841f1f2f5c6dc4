//! Back-up and restore of SQLite stores.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::AlertId;
use store::sqlite::{Options, SqliteStore, backup, restore};
use store::{Progress, Store, StoreError};

use crate::fill::fill;
use crate::make::{alert, commit, load, opening};
use crate::read::{assert_same, everything};

fn quiet(_: Progress) {}

fn open(path: &Path) -> Arc<dyn Store> {
    SqliteStore::open(path, &Options::default()).unwrap()
}

#[tokio::test]
async fn a_backup_under_writes_is_one_moment_and_starts_as_a_hub() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, file, other) = (
        folder.path().join("hub.db"),
        folder.path().join("backup.db"),
        folder.path().join("other.db"),
    );
    let store = open(&hub);
    let ids = fill(&store, 11, 1000).await;
    let before = everything(&store, &ids).await;
    let mark = store.feed_end().await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU64::new(0));
    let writing = tokio::spawn({
        let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                let n = written.load(Ordering::Relaxed) + 1;
                commit(&store, opening(&alert(u128::from(n))))
                    .await
                    .unwrap();
                written.store(n, Ordering::Relaxed);
            }
        }
    });
    while written.load(Ordering::Relaxed) < 5 {
        tokio::task::yield_now().await;
    }
    let acknowledged = written.load(Ordering::Relaxed);
    let report = tokio::task::spawn_blocking({
        let (hub, file) = (hub.clone(), file.clone());
        move || backup(&hub, &file, &quiet).unwrap()
    });
    let report = report.await.unwrap();
    let at_the_end = written.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    drop(store);
    let rows = |table: &str| {
        let found = report.tables.iter().find(|(name, _)| name == table);
        found.unwrap().1
    };
    assert!(rows("event") >= mark + acknowledged && rows("event") <= mark + at_the_end + 1);

    restore(&file, &other, &quiet).unwrap();
    let restored = open(&other);
    for n in 1..=acknowledged {
        assert!(load(&restored, u128::from(n)).await.is_some(), "{n}");
    }
    // What came while it was written is there from the first one to some one, without a gap.
    let feed = restored.feed(mark, 1_000_000).await.unwrap();
    let found: Vec<AlertId> = feed.iter().map(|(_, event)| event.alert).collect();
    let expected: Vec<AlertId> = (1..=found.len() as u128).map(AlertId).collect();
    assert_eq!(found, expected);
    // All else is as it was.
    let after = everything(&restored, &ids).await;
    assert_same(&before["alerts"], &after["alerts"]);
    assert_same(&before["catalog"], &after["catalog"]);
    assert_same(&before["attempts"], &after["attempts"]);
    commit(&restored, opening(&alert(1 << 90))).await.unwrap();
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_is_left() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let store = open(&at("hub.db"));
    fill(&store, 12, 5).await;
    backup(&at("hub.db"), &at("one.db"), &quiet).unwrap();
    let mode = std::fs::metadata(at("one.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(at("one.db")).unwrap();
    let error = backup(&at("hub.db"), &at("one.db"), &quiet).unwrap_err();
    assert!(error.to_string().contains("there already"), "{error}");
    assert_eq!(std::fs::read(at("one.db")).unwrap(), before);
    // A hub is at work there, or a file is there, or a log without its file.
    let error = restore(&at("one.db"), &at("hub.db"), &quiet).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(store);
    let error = restore(&at("one.db"), &at("hub.db"), &quiet).unwrap_err();
    assert!(error.to_string().contains("there already"), "{error}");
    std::fs::write(at("left.db-wal"), b"x").unwrap();
    let error = restore(&at("one.db"), &at("left.db"), &quiet).unwrap_err();
    assert!(error.to_string().contains("left.db-wal"), "{error}");
    assert!(!at("left.db").exists());
    // A backup that was cut short is named; the file has its name only once it is whole.
    std::fs::write(at("two.db.partial"), b"x").unwrap();
    let error = backup(&at("hub.db"), &at("two.db"), &quiet).unwrap_err();
    assert!(error.to_string().contains("two.db.partial"), "{error}");
    assert!(!at("two.db").exists());
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let store = open(&at("hub.db"));
    fill(&store, 13, 200).await;
    drop(store);
    backup(&at("hub.db"), &at("good.db"), &quiet).unwrap();
    let good = std::fs::read(at("good.db")).unwrap();

    std::fs::write(at("text.db"), "not a database at all, ".repeat(500)).unwrap();
    std::fs::write(at("empty.db"), b"").unwrap();
    std::fs::write(at("short.db"), &good[..good.len() / 2]).unwrap();
    let mut bent = good.clone();
    // The middle of each page but the first few.
    for page in (3..good.len() / 8192).map(|page| page * 8192 + 4000) {
        bent[page..page + 200].fill(0x5a);
    }
    std::fs::write(at("bent.db"), &bent).unwrap();
    let theirs = rusqlite::Connection::open(at("theirs.db")).unwrap();
    theirs.execute_batch("CREATE TABLE a (b)").unwrap();
    std::fs::copy(at("good.db"), at("newer.db")).unwrap();
    let newer = rusqlite::Connection::open(at("newer.db")).unwrap();
    newer
        .execute("INSERT INTO migration VALUES (999, 'later', 1)", [])
        .unwrap();
    for (name, word) in [
        ("text.db", "damaged"),
        ("empty.db", "not a hub's database"),
        ("short.db", "damaged"),
        ("bent.db", "damaged"),
        ("theirs.db", "not a hub's database"),
        ("newer.db", "does not know"),
        ("missing.db", "is the path right"),
    ] {
        let error = restore(&at(name), &at("target.db"), &quiet).unwrap_err();
        assert!(error.to_string().contains(word), "{name}: {error}");
        assert!(!matches!(error, StoreError::Inconsistent { .. }) || word == "damaged");
        assert!(!at("target.db").exists(), "{name}");
    }
    restore(&at("good.db"), &at("target.db"), &quiet).unwrap();
}
