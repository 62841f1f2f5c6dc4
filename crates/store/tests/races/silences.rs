//! Silences that several nodes write, and read as soon as they are told.

use std::time::Duration;

use model::{Silence, Timestamp};
use pgtest::Server;
use store::{SweepRules, WriteError};

use super::super::conformance::silences::silence;
use super::super::open;
use super::*;

fn forgetting() -> SweepRules {
    SweepRules {
        closed_before: Timestamp::ZERO,
        attempts_before: Timestamp::ZERO,
        messages_before: Timestamp::ZERO,
        silences_before: at(10_000_000),
        updates_kept: 1000,
        limit: 100,
    }
}

#[tokio::test]
async fn another_node_is_woken_by_a_silence_and_by_its_end() {
    let database = Server::shared().database();
    let (one, two) = (open(&database).await, open(&database).await);
    let mut changed = two.changed();
    // Until it listens it cannot hear.
    tokio::time::timeout(Duration::from_secs(10), changed.changed())
        .await
        .unwrap()
        .unwrap();
    let mut woken = async || {
        let woken = tokio::time::timeout(Duration::from_secs(5), changed.changed()).await;
        woken.unwrap().unwrap();
    };
    let before = two.catalog_version().await.unwrap();
    one.put_silence(silence(1), None).await.unwrap();
    woken().await;
    assert_eq!(two.catalog_version().await.unwrap(), before + 1);
    assert_eq!(two.silences().await.unwrap(), vec![silence(1)]);
    assert_eq!(one.sweep(forgetting()).await.unwrap().silences, 1);
    woken().await;
    assert_eq!(two.catalog_version().await.unwrap(), before + 2);
    assert_eq!(two.silences().await.unwrap(), vec![]);
}

#[tokio::test]
async fn two_nodes_that_change_many_silences_at_once_lose_none_and_count_each() {
    let database = Server::shared().database();
    let stores = [open(&database).await, open(&database).await];
    let before = stores[0].catalog_version().await.unwrap();
    for n in 1..=5 {
        stores[0].put_silence(silence(n), None).await.unwrap();
    }
    let mut tasks = Vec::new();
    for (node, store) in stores.iter().enumerate() {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut written = 0;
            for round in 0..10 {
                let mut found = store.silences().await.unwrap();
                if node == 1 {
                    found.reverse();
                }
                for old in found {
                    let next = Silence {
                        version: old.version + 1,
                        comment: format!("{node} {round}"),
                        ..old.clone()
                    };
                    match store.put_silence(next, Some(old.version)).await {
                        Ok(()) => written += 1,
                        Err(WriteError::Conflict) => {}
                        Err(other) => panic!("{other}"),
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
    let silences = stores[0].silences().await.unwrap();
    let versions: u32 = silences.iter().map(|silence| silence.version - 1).sum();
    assert_eq!(versions, written, "each write that was confirmed, once");
    assert!(written >= 50, "of each pair one at least wins");
    assert_eq!(
        stores[1].catalog_version().await.unwrap(),
        before + 5 + u64::from(written)
    );
}

#[tokio::test]
async fn a_silence_that_is_prolonged_while_it_is_swept_stays() {
    let database = Server::shared().database();
    let store = open(&database).await;
    store.put_silence(silence(1), None).await.unwrap();
    let before = store.catalog_version().await.unwrap();
    // Another node has prolonged it, as this store does: the catalog's row first. It is not yet committed.
    let (other, _drive) = session(&database).await;
    other
        .batch_execute(&format!(
            "BEGIN; SELECT 1 FROM meta WHERE name = 'store.catalog' FOR UPDATE;
             UPDATE silence SET ends_at = {}, version = 2",
            i64::MAX
        ))
        .await
        .unwrap();
    let sweep = tokio::spawn({
        let store = store.clone();
        async move { store.sweep(forgetting()).await }
    });
    somebody_waits(&database).await;
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sweep.await.unwrap().unwrap().silences, 0);
    let left = store.silences().await.unwrap();
    assert_eq!((left.len(), left[0].ends_at), (1, Timestamp::NEVER));
    assert_eq!(
        store.catalog_version().await.unwrap(),
        before,
        "nobody is told to read what did not change"
    );
}
