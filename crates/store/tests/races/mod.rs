//! What may happen between two statements of one operation: another session stands in the way at the worst moment.

mod silences;

use std::time::Duration;

use model::{AlertId, EventKind, Told};
use pgtest::{Database, Server};
use store::{SeenRow, SweepRules, WriteError};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::conformance::make::*;
use super::open;

/// A session of somebody else's.
async fn session(database: &Database<'_>) -> (Client, JoinHandle<()>) {
    let (client, drive) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    // Ends with its client.
    let drive = tokio::spawn(async move { drive.await.unwrap_or_default() });
    (client, drive)
}

/// Until a session of the database waits for a row.
async fn somebody_waits(database: &Database<'_>) {
    let waits = async {
        while database
            .sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
            .trim()
            == "0"
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits)
        .await
        .unwrap();
}

fn repeat(version: u32, last_seen: i64) -> SeenRow {
    SeenRow {
        alert: AlertId(1),
        version,
        last_seen: at(last_seen),
        repeat_count: 1,
        ends_at: Some(at(last_seen + 90_000)),
    }
}

#[tokio::test]
async fn of_an_alerts_repeats_in_one_call_only_those_of_its_version_are_repeats() {
    let database = Server::shared().database();
    let store = open(&database).await;
    commit(&store, opening(&alert(1))).await.unwrap();
    commit(&store, following(&alert(1), EventKind::Noted, |_| {}))
        .await
        .unwrap();
    let written = store.seen(vec![repeat(1, 10), repeat(2, 20)]).await;
    assert_eq!(written.unwrap(), [false, true]);
    let written = store.seen(vec![repeat(2, 30), repeat(1, 10)]).await;
    assert_eq!(written.unwrap(), [true, false]);
    assert_eq!(load(&store, 1).await.unwrap().seen, Some(repeat(2, 30)));
}

#[tokio::test]
async fn a_repeat_that_waited_while_its_alert_moved_on_does_not_undo_a_newer_one() {
    let database = Server::shared().database();
    let store = open(&database).await;
    commit(&store, opening(&alert(1))).await.unwrap();
    store.seen(vec![repeat(1, 10)]).await.unwrap();
    // Somebody writes a repeat of the next version, and the late one comes between.
    let (other, _drive) = session(&database).await;
    other
        .batch_execute("BEGIN; SELECT 1 FROM seen FOR UPDATE")
        .await
        .unwrap();
    let late = tokio::spawn({
        let store = store.clone();
        async move { store.seen(vec![repeat(1, 20)]).await }
    });
    somebody_waits(&database).await;
    commit(&store, following(&alert(1), EventKind::Noted, |_| {}))
        .await
        .unwrap();
    let newer = repeat(2, 30);
    other
        .batch_execute(&format!(
            "UPDATE seen SET version = 2, last_seen = {}, ends_at = {}; COMMIT",
            newer.last_seen.0,
            newer.last_seen.0 + 90_000
        ))
        .await
        .unwrap();
    assert_eq!(late.await.unwrap().unwrap(), [false], "it is no repeat");
    assert_eq!(load(&store, 1).await.unwrap().seen, Some(newer));
}

#[tokio::test]
async fn a_lane_that_begins_to_owe_while_its_alert_is_swept_keeps_it() {
    let database = Server::shared().database();
    let store = open(&database).await;
    let mut done = lane(1);
    (done.cursor, done.due_at, done.told) = (done.head, None, Told::Closed);
    let mut write = opening(&alert(1));
    write.lanes = vec![put_new(done)];
    commit(&store, write).await.unwrap();
    commit(&store, closing(&alert(1), None)).await.unwrap();
    // A note on the long closed alert: its change is written, and not yet committed.
    let (other, _drive) = session(&database).await;
    other
        .batch_execute(
            "BEGIN; UPDATE alert SET version = version + 1; UPDATE lane SET head = head + 1, look_at = 0, due_at = 0",
        )
        .await
        .unwrap();
    let sweep = tokio::spawn({
        let store = store.clone();
        async move {
            let rules = SweepRules {
                closed_before: at(10_000),
                attempts_before: at(-1_000_000),
                messages_before: at(-1_000_000),
                silences_before: at(-1_000_000),
                updates_kept: 1000,
                limit: 100,
            };
            store.sweep(rules).await
        }
    });
    somebody_waits(&database).await;
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sweep.await.unwrap().unwrap().alerts, 0);
    assert_eq!(load(&store, 1).await.unwrap().lanes.len(), 1);
}

#[tokio::test]
async fn i12_a_message_id_that_no_index_takes_refuses_only_its_own_write() {
    let database = Server::shared().database();
    let store = open(&database).await;
    let mut writes: Vec<_> = (1..=3).map(|n| opening(&alert(n))).collect();
    // Text that cannot be pressed together. Dialects let none so long through; a fault of ours may.
    let mut number = 1u64;
    let noise = (0..12_000).map(|_| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + u8::try_from((number >> 33) % 90).unwrap())
    });
    writes[1].message = Some((SOURCE, noise.collect()));
    let answers = store.commit(writes).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(
        matches!(answers[1], Err(WriteError::Store(_))),
        "{answers:?}"
    );
}
