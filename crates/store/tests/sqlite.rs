//! SQLite: the conformance suite, on a file and in memory, and what is SQLite's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod conformance;

use std::path::Path;
use std::sync::Arc;

use conformance::Made;
use conformance::make::*;
use model::{EventKind, NodeId, Told};
use store::sqlite::{Options, SqliteStore};
use store::{ClaimAnswer, Debit, Store, StoreError, WriteError};
use tempfile::TempDir;

async fn file() -> Made {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    Made {
        store,
        keep: Box::new(folder),
    }
}

async fn memory() -> Made {
    Made {
        store: SqliteStore::in_memory().unwrap(),
        keep: Box::new(()),
    }
}

conformance!(on_a_file, super::super::file);
conformance!(in_memory, super::super::memory);

fn try_open(folder: &Path) -> Result<Arc<SqliteStore>, StoreError> {
    SqliteStore::open(&folder.join("hub.db"), &Options::default())
}

fn open(folder: &Path) -> Arc<dyn Store> {
    try_open(folder).unwrap()
}

fn raw(folder: &TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.path().join("hub.db")).unwrap()
}

fn refused<T>(opened: Result<T, StoreError>) -> StoreError {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn i1_what_was_answered_is_there_after_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.start(NodeId(1), NOW).await.unwrap();
    open_with_lanes(&store, &[lane(1), lane(2), lane(3)]).await;
    let close = closing(&alert(3), Some(at(900)));
    let closed = close.alert.clone();
    commit(&store, close).await.unwrap();
    let held = claim(&lane(1), at(60_000), true);
    assert_claimed(&claim_one(&store, held.clone()).await);
    let in_memory = claim(&lane(2), at(60_000), false);
    assert_claimed(&claim_one(&store, in_memory).await);
    store.block_bucket("pd".into(), at(5000)).await.unwrap();
    let counts = store.counts().await.unwrap();
    drop(store);

    let store = open(folder.path());
    assert!(!store.start(NodeId(1), at(1)).await.unwrap().clean);
    assert_eq!(load(&store, 1).await.unwrap().lanes, vec![held.lane]);
    assert_eq!(
        load(&store, 2).await.unwrap().lanes,
        vec![lane(2)],
        "claimed in memory only"
    );
    assert_eq!(load(&store, 3).await.unwrap().alert, closed);
    let after = store.counts().await.unwrap();
    assert_eq!(after.alerts_by_status, counts.alerts_by_status);
    // Live keys are guarded again.
    for n in [1, 3] {
        let mut other = alert(9);
        other.key = alert(n).key;
        assert_conflict(commit(&store, opening(&other)).await);
    }
    let mut second = claim(&lane(2), at(60_000), false);
    second.debits = vec![Debit {
        bucket: "pd".into(),
        every: model::DurationMs(0),
        burst: 1,
    }];
    let blocked = claim_one(&store, second).await;
    assert!(matches!(blocked, ClaimAnswer::Blocked { until, .. } if until == at(5000)));
    // Positions and slots go on where they were.
    commit(&store, opening(&alert(4))).await.unwrap();
    assert_eq!(store.feed_end().await.unwrap(), 5);
    write_lane(&store, result(told(&lane(2), Told::Open)))
        .await
        .unwrap();
    assert_eq!(due_ids(&store, at(1), 10).await, vec![3]);
}

#[tokio::test]
async fn i12_a_poisoned_write_refuses_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, opening(&alert(1))).await.unwrap();
    // A lane of a priority that does not exist: the table refuses it, after the rest of its write was made.
    let mut bad_lane = lane(6);
    bad_lane.priority = 9;
    let mut poisoned = opening(&alert(6));
    poisoned.lanes = vec![put_new(bad_lane)];
    let group = vec![opening(&alert(2)), poisoned, opening(&alert(3))];
    let (first, second) = tokio::join!(
        store.commit(group),
        store.commit(vec![opening(&alert(4)), opening(&alert(5))])
    );
    let mut answers = first.unwrap();
    answers.extend(second.unwrap());
    let poison = answers.remove(1);
    let error = match poison {
        Err(WriteError::Store(error @ StoreError::Inconsistent { table: "alert", .. })) => error,
        other => panic!("{other:?}"),
    };
    assert!(
        error.to_string().contains(&alert(6).id.to_string()),
        "{error}"
    );
    for answer in answers {
        answer.unwrap();
    }
    for n in 2..=5 {
        assert_eq!(load(&store, n).await.unwrap().alert, alert(n));
    }
    assert_eq!(load(&store, 6).await, None);
    assert_eq!(store.feed(0, 100).await.unwrap().len(), 5);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.alerts_by_status[1].1, counts.lanes_owing), (5, 0));
    // Its live key and its integration's slot went with it.
    open_with_lanes(&store, &[lane(6)]).await;
    drop(store);
    let store = open(folder.path());
    assert_eq!(due_ids(&store, NOW, 10).await, vec![6]);
}

#[tokio::test]
async fn a_log_with_two_events_of_one_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, opening(&alert(1))).await.unwrap();
    let mut twice = following(&alert(1), EventKind::Noted, |_| {});
    twice.events.push(twice.events[0].clone());
    let answer = commit(&store, twice).await;
    assert!(matches!(
        answer,
        Err(WriteError::Store(StoreError::Inconsistent { .. }))
    ));
    assert_eq!(load(&store, 1).await.unwrap().alert, alert(1));
    assert_eq!(store.feed_end().await.unwrap(), 1);
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = refused(try_open(folder.path())).to_string();
    assert!(error.contains("another process"), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    drop(store);
    try_open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let insert = "INSERT INTO migration (number, name, checksum) VALUES (99, 'of the future', 1)";
    raw(&folder).execute(insert, []).unwrap();
    let error = refused(try_open(folder.path()));
    assert!(matches!(error, StoreError::Schema { .. }));
    assert!(error.to_string().contains("newer Campanile"), "{error}");
    raw(&folder)
        .execute("DELETE FROM migration WHERE number = 99", [])
        .unwrap();
    try_open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_migration_that_changed_after_it_ran_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    raw(&folder)
        .execute("UPDATE migration SET checksum = checksum + 1", [])
        .unwrap();
    let error = refused(try_open(folder.path()));
    assert!(error.to_string().contains("0001_initial"), "{error}");
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    raw(&folder)
        .execute_batch("CREATE TABLE theirs (x INTEGER)")
        .unwrap();
    let error = refused(try_open(folder.path()));
    assert!(error.to_string().contains("another program"), "{error}");
    let tables: i64 = raw(&folder)
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("hub.db"),
        "not a database at all, ".repeat(100),
    )
    .unwrap();
    let error = refused(try_open(folder.path()));
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, opening(&alert(1))).await.unwrap();
    raw(&folder)
        .execute("UPDATE alert SET doc = '{}'", [])
        .unwrap();
    let error = store.load(vec![alert(1).id]).await.unwrap_err();
    match error {
        StoreError::Inconsistent { table, row, .. } => {
            assert_eq!((table, row), ("alert", alert(1).id.to_string()));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn readers_see_the_last_commit_while_a_write_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, opening(&alert(1))).await.unwrap();
    // Somebody else's transaction holds the writer up.
    let other = raw(&folder);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move { commit(&store, opening(&alert(2))).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(load(&store, 1).await.unwrap().alert, alert(1));
    assert_eq!(load(&store, 2).await, None);
    assert!(!writing.is_finished());
    other.execute_batch("ROLLBACK").unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(load(&store, 2).await.unwrap().alert, alert(2));
}

#[tokio::test]
async fn i1_a_full_disk_acknowledges_nothing_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        pages_max: Some(80),
        ..Options::default()
    };
    let path = folder.path().join("hub.db");
    let store: Arc<dyn Store> = SqliteStore::open(&path, &options).unwrap();
    let mut written = 0;
    let error = loop {
        match store.commit(vec![opening(&alert(written + 1))]).await {
            Ok(answers) => {
                answers.into_iter().next().unwrap().unwrap();
                written += 1;
            }
            Err(error) => break error,
        }
        assert!(written < 100_000);
    };
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert!(written > 0);
    assert_eq!(load(&store, written + 1).await, None);
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.feed_end().await.unwrap() as u128, written);
    commit(&store, opening(&alert(written + 1))).await.unwrap();
}
