//! `store::copy`: a hub goes from SQLite to PostgreSQL, and nothing is lost or changed on the way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{AlertId, NodeId};
use pgtest::{Database, Server};
use store::copy::{CopyOptions, CopyReport, copy};
use store::postgres::{self, PgStore};
use store::sqlite::{self, SqliteStore};
use store::{Progress, Step, Store, StoreError, StoreResult};

use crate::fill::{BUCKET, fill};
use crate::make::{alert, at, claim, commit, lane_key, opening, put_new};
use crate::read::{assert_same, everything};

/// Small, so that there are many.
const CHUNK_ROWS: usize = 70;

fn options() -> CopyOptions {
    CopyOptions {
        chunk_rows: CHUNK_ROWS,
        postgres: postgres::Options {
            connections: 2,
            ..postgres::Options::default()
        },
    }
}

fn quiet(_: Progress) {}

/// A file with a filled store, closed, and the ids of its alerts.
async fn filled(folder: &Path, seed: u64, count: usize) -> (PathBuf, Vec<AlertId>) {
    let path = folder.join("hub.db");
    let store: Arc<dyn Store> = SqliteStore::open(&path, &sqlite::Options::default()).unwrap();
    let ids = fill(&store, seed, count).await;
    drop(store);
    (path, ids)
}

async fn open_source(path: &Path) -> Arc<dyn Store> {
    SqliteStore::open(path, &sqlite::Options::default()).unwrap()
}

async fn open_target(database: &Database<'_>) -> StoreResult<Arc<dyn Store>> {
    let store = PgStore::open(&database.url(), &options().postgres).await?;
    Ok(store)
}

async fn copied(path: &Path, database: &Database<'_>) -> StoreResult<CopyReport> {
    copy(path, &database.url(), &options(), &quiet).await
}

#[tokio::test]
async fn every_value_reads_back_from_the_copy_as_from_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ids) = filled(folder.path(), 1, 1500).await;
    let database = Server::shared().database();
    let report = copied(&path, &database).await.unwrap();
    assert_eq!(report.differences(), Vec::<&str>::new());
    assert!(report.unclean && !report.resumed);
    for table in &report.tables {
        assert!(table.source_rows > 0, "{table:?}: something of everything");
    }
    let events = report.tables.iter().find(|table| table.table == "event");
    assert!(events.unwrap().source_rows > 3000, "{events:?}");

    let (source, target) = (
        open_source(&path).await,
        open_target(&database).await.unwrap(),
    );
    let (before, after) = (
        everything(&source, &ids).await,
        everything(&target, &ids).await,
    );
    assert_same(&before, &after);

    // It goes on: what was given before is not given again, and is not open to others.
    let started = target.start(NodeId(6), at(0)).await.unwrap();
    assert!(!started.clean && !started.first, "{started:?}");
    let second = target.start(NodeId(7), at(0)).await.unwrap();
    assert!(!second.clean, "until the doubt is written down: {second:?}");
    target.doubted().await.unwrap();
    let again = target.start(NodeId(6), at(0)).await.unwrap();
    assert!(again.clean && !again.first, "{again:?}");
    let feed_end = target.feed_end().await.unwrap();
    assert!(feed_end >= source.feed_end().await.unwrap());
    assert!(target.feed(feed_end, 10).await.unwrap().is_empty());
    let mut write = opening(&alert(1));
    write.lanes = vec![put_new(crate::make::lane(1))];
    commit(&target, write).await.unwrap();
    let after = target.feed(feed_end, 10).await.unwrap();
    assert_eq!(after.len(), 1, "{after:?}");
    assert_eq!(after[0].1.alert, alert(1).id);
    let lane = crate::make::load_lane(&target, 1).await;
    let mut blocked = claim(&lane, at(10), true);
    blocked.debits = vec![store::Debit {
        bucket: BUCKET.into(),
        every: model::DurationMs(1),
        burst: 10,
    }];
    let answer = crate::make::claim_one(&target, blocked).await;
    assert!(
        matches!(&answer, store::ClaimAnswer::Blocked { bucket, until } if bucket == BUCKET && *until == at(3_600_000)),
        "{answer:?}"
    );
    let newest = |store: Arc<dyn Store>| async move {
        let query = store::AttemptQuery {
            limit: 1,
            ..Default::default()
        };
        store.attempts(query).await.unwrap()[0].0
    };
    let last = newest(source.clone()).await;
    crate::make::write_lane(
        &target,
        crate::make::result(crate::make::told(&lane, model::Told::Open)),
    )
    .await
    .unwrap();
    assert!(newest(target.clone()).await > last);
    assert!(target.lane_work(lane_key(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_empty_store_that_was_stopped_cleanly_is_copied_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open_source(&path).await;
    store.start(NodeId(5), at(0)).await.unwrap();
    store.stop_clean().await.unwrap();
    drop(store);
    let database = Server::shared().database();
    let report = copied(&path, &database).await.unwrap();
    assert!(report.differences().is_empty() && !report.unclean);
    let target = open_target(&database).await.unwrap();
    let started = target.start(NodeId(6), at(0)).await.unwrap();
    assert!(started.clean && !started.first, "{started:?}");
    commit(&target, opening(&alert(1))).await.unwrap();
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
#[ignore = "run by a_killed_copy_is_not_opened_and_goes_on_where_it_was"]
async fn a_copy_that_aborts() {
    let wanted = |name: &str| std::env::var(name).unwrap();
    let last: u64 = wanted("COPY_ABORT_AFTER").parse().unwrap();
    let told = AtomicU64::new(0);
    let from = PathBuf::from(wanted("COPY_FROM"));
    let heard = |progress: Progress| {
        if progress.step == Step::Copying && told.fetch_add(1, Ordering::Relaxed) == last {
            std::process::abort();
        }
    };
    copy(&from, &wanted("COPY_TO"), &options(), &heard)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_killed_copy_is_not_opened_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ids) = filled(folder.path(), 2, 400).await;
    let database = Server::shared().database();
    let mut rows = 0;
    for after in [3, 20, 35, 9] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "copy::a_copy_that_aborts", "--ignored"])
            .env("COPY_FROM", &path)
            .env("COPY_TO", database.url())
            .env("COPY_ABORT_AFTER", after.to_string());
        let output = child.output().unwrap();
        assert!(!output.status.success(), "it was to be aborted");
        let events: u64 = database.sql("SELECT count(*) FROM event").parse().unwrap();
        assert!(events >= rows, "what was written stays");
        rows = events;
        match open_target(&database).await {
            Err(StoreError::Schema { what }) => {
                assert!(what.contains("unfinished copy"), "{what}");
            }
            other => panic!("{}", other.is_ok()),
        }
    }
    assert!(rows > 0, "it was killed among events");
    let report = copied(&path, &database).await.unwrap();
    assert!(report.resumed);
    assert_eq!(report.differences(), Vec::<&str>::new());
    let source = open_source(&path).await;
    let target = open_target(&database).await.unwrap();
    assert_same(
        &everything(&source, &ids).await,
        &everything(&target, &ids).await,
    );
}

/// Copies until the first report of this step, and gives up there.
async fn until(path: &Path, database: &Database<'_>, step: Step) {
    let (reached, wait) = tokio::sync::oneshot::channel();
    let reached = std::sync::Mutex::new(Some(reached));
    let url = database.url();
    let options = options();
    let heard = |progress: Progress| {
        if progress.step == step
            && let Some(reached) = reached.lock().unwrap().take()
        {
            reached.send(()).unwrap();
        }
    };
    tokio::select! {
        biased;
        _ = wait => {}
        done = copy(path, &url, &options, &heard) => panic!("it was to end before: {done:?}"),
    }
}

#[tokio::test]
async fn a_row_that_changed_in_the_target_is_noticed_and_the_target_stays_shut() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 3, 150).await;
    for (change, table) in [
        (
            "UPDATE alert SET key = key || 'x' WHERE id = (SELECT min(id::text)::uuid FROM alert)",
            "alert",
        ),
        (
            "DELETE FROM event WHERE pos = (SELECT max(pos) FROM event)",
            "event",
        ),
        (
            "UPDATE lane SET due_at = due_at + 1 WHERE (alert, slot) IN (SELECT alert, slot FROM lane WHERE due_at IS NOT NULL LIMIT 1)",
            "lane",
        ),
        (
            "UPDATE revision SET sealed = '\\x00' WHERE revision = 7",
            "revision",
        ),
        (
            "UPDATE alert SET live_key = gen_random_uuid() WHERE id = (SELECT id FROM alert WHERE live_key IS NOT NULL LIMIT 1)",
            "alert",
        ),
    ] {
        let database = Server::shared().database();
        until(&path, &database, Step::Checking).await;
        database.sql(change);
        let report = copied(&path, &database).await.unwrap();
        assert_eq!(report.differences(), [table], "{change}");
        assert!(open_target(&database).await.is_err());
    }
}

#[tokio::test]
async fn another_source_or_a_database_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 4, 120).await;
    let refused = |result: StoreResult<CopyReport>, word: &str| match result {
        Err(StoreError::Schema { what }) => assert!(what.contains(word), "{what}"),
        other => panic!("{other:?}"),
    };
    // A hub's database.
    let used = Server::shared().database();
    let hub = open_target(&used).await.unwrap();
    hub.set_meta("hub.id", "x").await.unwrap();
    refused(copied(&path, &used).await, "not empty");
    // An unfinished copy of the source as it was before a hub worked on it.
    let database = Server::shared().database();
    until(&path, &database, Step::Checking).await;
    let source = open_source(&path).await;
    commit(&source, opening(&alert(1))).await.unwrap();
    drop(source);
    refused(copied(&path, &database).await, "another source");
    // A finished one.
    let done = Server::shared().database();
    copied(&path, &done).await.unwrap();
    refused(copied(&path, &done).await, "finished copy");
}

#[tokio::test]
async fn a_source_that_a_hub_works_on_or_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 5, 10).await;
    let database = Server::shared().database();
    let hub = open_source(&path).await;
    let error = copied(&path, &database).await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(hub);
    let missing = folder.path().join("no.db");
    let error = copied(&missing, &database).await.unwrap_err();
    assert!(error.to_string().contains("is the path right"), "{error}");
    assert!(!missing.exists());
    assert!(copied(&path, &database).await.is_ok());
}
