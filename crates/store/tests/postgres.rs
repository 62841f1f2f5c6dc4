//! The store on PostgreSQL: the suite that every store passes, and what only several writers can show.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

mod conformance;
mod races;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use conformance::Made;
use conformance::make::*;
use model::{AlertId, DurationMs, EventKind, NodeId, Told};
use pgtest::{Database, Server};
use store::postgres::{Options, PgStore};
use store::{ClaimAnswer, Debit, Store, StoreError, WriteError};

fn options() -> Options {
    Options {
        connections: 4,
        ..Options::default()
    }
}

async fn open(database: &Database<'_>) -> Arc<dyn Store> {
    PgStore::open(&database.url(), &options()).await.unwrap()
}

async fn made() -> Made {
    let database = Server::shared().database();
    let store = open(&database).await;
    Made {
        store,
        keep: Box::new(()),
    }
}

crate::conformance!(postgres, crate::made);

#[tokio::test]
async fn nodes_see_each_others_writes_and_wake_each_other() {
    let database = Server::shared().database();
    let (one, two) = (open(&database).await, open(&database).await);
    let mut changed = two.changed();
    // Until it listens it cannot hear.
    tokio::time::timeout(Duration::from_secs(10), changed.changed())
        .await
        .unwrap()
        .unwrap();
    commit(&one, opening(&alert(1))).await.unwrap();
    let woken = tokio::time::timeout(Duration::from_secs(5), changed.changed()).await;
    woken.unwrap().unwrap();
    assert_eq!(load(&two, 1).await.unwrap().alert, alert(1));
}

#[tokio::test]
async fn of_two_nodes_that_open_the_same_keys_at_once_one_wins_each() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    for round in 0..20u128 {
        let mut tasks = Vec::new();
        for (node, store) in stores.iter().enumerate() {
            let store = store.clone();
            // The same keys in opposite orders: unsorted, they would wait for each other in a circle.
            let mut numbers: Vec<u128> = (0..100).collect();
            if node == 1 {
                numbers.reverse();
            }
            tasks.push(tokio::spawn(async move {
                let writes = numbers.iter().map(|n| {
                    let mut new = alert(1 + round * 1000 + n + 500 * node as u128);
                    new.key = format!("key-{round}-{n}");
                    opening(&new)
                });
                let answers = store.commit(writes.collect()).await.unwrap();
                let mut won = HashMap::new();
                for (n, answer) in numbers.into_iter().zip(answers) {
                    match answer {
                        Ok(()) => won.insert(n, true),
                        Err(WriteError::Conflict) => won.insert(n, false),
                        Err(other) => panic!("{other}"),
                    };
                }
                won
            }));
        }
        let mut won = Vec::new();
        for task in tasks {
            won.push(task.await.unwrap());
        }
        for n in 0..100 {
            assert_ne!(won[0][&n], won[1][&n], "key {n}: exactly one opens it");
        }
    }
}

#[tokio::test]
async fn two_nodes_that_change_the_same_alerts_in_opposite_orders_heal_what_deadlocks() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    let opened = (1..=50).map(|n| opening(&alert(n)));
    stores[0].commit(opened.collect()).await.unwrap();
    let mut tasks = Vec::new();
    for (node, store) in stores.iter().enumerate() {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut written = 0;
            for _ in 0..40 {
                let mut ids: Vec<AlertId> = (1..=50).map(AlertId).collect();
                if node == 1 {
                    ids.reverse();
                }
                let loaded = store.load(ids).await.unwrap();
                let notes = loaded
                    .into_iter()
                    .map(|l| following(&l.unwrap().alert, EventKind::Noted, |_| {}));
                let answers = store.commit(notes.collect()).await.unwrap();
                for answer in answers {
                    match answer {
                        Ok(()) => written += 1,
                        other => assert_conflict(other),
                    }
                }
            }
            written
        }));
    }
    let mut written = 0;
    for task in tasks {
        written += task.await.unwrap();
    }
    let mut versions = 0;
    for n in 1..=50 {
        let alert = load(&stores[0], n).await.unwrap().alert;
        versions += alert.version - 1;
        let events = stores[0].events(alert.id, 0, 1000).await.unwrap();
        assert_eq!(events.len(), alert.seq as usize, "no event is lost");
    }
    assert_eq!(
        versions, written,
        "each write that was confirmed is there, once"
    );
}

#[tokio::test]
async fn a_deadlock_is_healed_and_counted() {
    let database = Server::shared().database();
    let store = open(&database).await;
    store
        .commit(vec![opening(&alert(1)), opening(&alert(2))])
        .await
        .unwrap();
    assert_eq!(store.counts().await.unwrap().redone, 0);
    let (other, drive) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    let drive = tokio::spawn(drive);
    let lock = |n: u128| {
        let id = AlertId(n);
        format!("SELECT 1 FROM alert WHERE id = '{id}' FOR UPDATE")
    };
    // Somebody who takes rows in another order, and has patience: the store's transaction is the one rolled back.
    other
        .batch_execute(&format!("SET deadlock_timeout = '30s'; BEGIN; {}", lock(2)))
        .await
        .unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            let notes = [1, 2].map(|n| following(&alert(n), EventKind::Noted, |_| {}));
            store.commit(notes.into()).await.unwrap()
        }
    });
    // It holds the first and waits for the second; now the circle closes.
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.sql(waits).trim() == "0" {
        tokio::task::yield_now().await;
    }
    other.batch_execute(&lock(1)).await.unwrap();
    other.batch_execute("COMMIT").await.unwrap();
    for answer in writing.await.unwrap() {
        answer.unwrap();
    }
    // Once, or twice where the second try met the other again.
    assert!(store.counts().await.unwrap().redone >= 1);
    drive.abort();
}

#[tokio::test]
async fn a_lane_that_two_nodes_claim_is_one_s() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    let lanes: Vec<_> = (1..=200).map(lane).collect();
    open_with_lanes(&stores[0], &lanes).await;
    let debit = || Debit {
        bucket: "slack".into(),
        every: DurationMs(1000),
        burst: 150,
    };
    let mut tasks = Vec::new();
    for store in &stores {
        let (store, lanes) = (store.clone(), lanes.clone());
        tasks.push(tokio::spawn(async move {
            let mut claimed = 0;
            for some in lanes.chunks(10) {
                let mut claims = Vec::new();
                for lane in some {
                    let mut claim = claim(lane, at(30_000), true);
                    claim.debits = vec![debit()];
                    claims.push(claim);
                }
                for answer in store.claim(claims).await.unwrap() {
                    claimed += usize::from(matches!(answer, ClaimAnswer::Claimed));
                }
            }
            claimed
        }));
    }
    let mut claimed = 0;
    for task in tasks {
        claimed += task.await.unwrap();
    }
    assert_eq!(
        claimed, 150,
        "no lane twice, and the bucket is one for both"
    );
}

#[tokio::test]
async fn nodes_share_the_due_lanes_and_take_over_what_another_leaves() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    let lanes: Vec<_> = (1..=40).map(lane).collect();
    open_with_lanes(&stores[0], &lanes).await;
    for (n, store) in (1..).zip(&stores) {
        store.start(NodeId(n), NOW).await.unwrap();
    }
    // The first learns of the second with its next heartbeat.
    tokio::time::timeout(Duration::from_secs(10), async {
        while due(&stores[0], NOW, 100).await.len() == 40 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let mut both = due_ids(&stores[0], NOW, 100).await;
    let second = due_ids(&stores[1], NOW, 100).await;
    assert_eq!((both.len(), second.len()), (20, 20));
    both.extend(second);
    both.sort_unstable();
    assert_eq!(both, (1..=40).collect::<Vec<_>>());
    assert_eq!(due(&stores[0], at(500), 100).await.len(), 40, "left lying");
}

#[tokio::test]
async fn i13_a_node_that_is_missing_without_a_goodbye_makes_silence_no_evidence() {
    let database = Server::shared().database();
    let store = open(&database).await;
    store.start(NodeId(1), NOW).await.unwrap();
    assert!(store.listening());
    let until = async |wanted: bool| {
        let seen = tokio::time::timeout(Duration::from_secs(10), async {
            while store.listening() != wanted {
                tokio::task::yield_now().await;
            }
        });
        seen.await.unwrap();
    };
    let ago = |ms: i64| format!("(extract(epoch FROM clock_timestamp()) * 1000)::bigint - {ms}");
    database.sql(&format!(
        "INSERT INTO node VALUES ('00000000-0000-0000-0000-000000000002', {}, 1)",
        ago(7_000)
    ));
    until(false).await;
    database.sql(&format!(
        "UPDATE node SET seen_at = {} WHERE id <> '00000000-0000-0000-0000-000000000001'",
        ago(601_000)
    ));
    until(true).await;
}

#[tokio::test]
async fn the_feed_never_skips_a_transaction_that_commits_late() {
    let database = Server::shared().database();
    let store = open(&database).await;
    // A transaction that took its number before, and is still running.
    let (late, drive) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    let drive = tokio::spawn(drive);
    late.batch_execute(
        "BEGIN; INSERT INTO event (alert, seq, pos, at, kind, status)
         VALUES ('00000000-0000-0000-0000-000000000063', 1, pg_current_xact_id()::text::bigint << 20, 1, 2, 1)",
    )
    .await
    .unwrap();
    commit(&store, opening(&alert(1))).await.unwrap();
    assert_eq!(
        store.feed(0, 10).await.unwrap(),
        vec![],
        "not yet: something older may come"
    );
    let end = store.feed_end().await.unwrap();
    late.batch_execute("COMMIT").await.unwrap();
    let found = feed(&store, 2).await;
    let ids: Vec<u128> = found.iter().map(|(_, e)| e.alert.0).collect();
    assert_eq!(ids, [0x63, 1], "in the order of their transactions");
    let missed = found.iter().filter(|(pos, _)| *pos <= end).count();
    assert_eq!(missed, 0, "whoever began at the end then misses nothing");
    drive.abort();
}

#[tokio::test]
async fn a_poisoned_write_refuses_only_itself() {
    let database = Server::shared().database();
    let store = open(&database).await;
    let mut writes: Vec<_> = (1..=9).map(|n| opening(&alert(n))).collect();
    // PostgreSQL keeps no NUL in a text; dialects take it out, so only a fault of ours can bring it here.
    writes[4].alert.key = "nul\0".into();
    let answers = store.commit(writes).await.unwrap();
    for (n, answer) in (1..).zip(answers) {
        match n {
            5 => assert!(
                matches!(
                    answer,
                    Err(WriteError::Store(StoreError::Inconsistent { .. }))
                ),
                "{answer:?}"
            ),
            _ => answer.unwrap(),
        }
    }
    assert_eq!(store.live_alerts(None, 100).await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_message_that_comes_to_two_nodes_at_once_changes_something_once() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    for round in 0..50u128 {
        let mut tasks = Vec::new();
        for (node, store) in (0..).zip(&stores) {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let mut writes = Vec::new();
                for n in 0..5 {
                    let mut write = opening(&alert(1 + round * 100 + n * 2 + node));
                    write.message = Some((SOURCE, format!("message-{round}-{n}")));
                    writes.push(write);
                }
                let answers = store.commit(writes).await.unwrap();
                answers.iter().filter(|answer| answer.is_ok()).count()
            }));
        }
        let mut written = 0;
        for task in tasks {
            written += task.await.unwrap();
        }
        assert_eq!(written, 5);
    }
}

#[tokio::test]
async fn the_databases_clock_is_everybodys() {
    let database = Server::shared().database();
    let store = open(&database).await;
    let now = store.database_now().await.unwrap().unwrap();
    let said: i64 = database
        .sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        .trim()
        .parse()
        .unwrap();
    assert!((said - now.0).abs() < 5_000, "{now} {said}");
}

#[tokio::test]
async fn a_database_that_needs_a_newer_program_is_left_alone_and_a_running_node_stands_aside() {
    let database = Server::shared().database();
    let store = open(&database).await;
    store.start(NodeId(1), NOW).await.unwrap();
    commit(&store, opening(&alert(1))).await.unwrap();
    database.sql("INSERT INTO meta VALUES ('schema.needs', '99')");
    let error = PgStore::open(&database.url(), &options())
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Schema { .. }), "{error}");
    assert!(error.to_string().contains("newer Campanile"), "{error}");
    let aside = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Err(error) = store.load(vec![AlertId(1)]).await {
                return error;
            }
        }
    });
    let error = aside.await.unwrap();
    assert!(matches!(error, StoreError::Schema { .. }), "{error}");
    assert!(matches!(
        store.commit(vec![opening(&alert(2))]).await,
        Err(StoreError::Schema { .. })
    ));
}

#[tokio::test]
async fn told_lanes_and_claims_survive_their_node() {
    let database = Server::shared().database();
    {
        let store = open(&database).await;
        store.start(NodeId(1), NOW).await.unwrap();
        open_with_lanes(&store, &[lane(1), lane(2)]).await;
        let claimed = claim(&lane(1), at(30_000), false);
        assert_claimed(&claim_one(&store, claimed).await);
        let done = told(&lane(2), Told::Open);
        write_lane(&store, result(done)).await.unwrap();
    }
    let store = open(&database).await;
    let report = store.start(NodeId(2), NOW).await.unwrap();
    assert!(report.clean && !report.first, "no claim was in memory only");
    assert!(load_lane(&store, 1).await.claim.is_some());
    assert_eq!(load_lane(&store, 2).await.told, Told::Open);
    assert_eq!(due_ids(&store, at(29_999), 10).await, [0u128; 0]);
    assert_eq!(due_ids(&store, at(30_000), 10).await, [1]);
}
