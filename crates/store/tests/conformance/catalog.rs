//! Configuration, health, meta, starts.

use std::sync::Arc;

use model::{IntegrationId, NodeId, Outcome, ProjectId, SourceId};
use store::{
    CatalogRows, HealthRow, IntegrationRow, ProjectRow, RevisionRow, SourceRow, Store, Suspension,
    WriteError,
};

use super::make::*;

fn project(n: u128, name: &str) -> ProjectRow {
    ProjectRow {
        id: ProjectId(n),
        name: name.into(),
        settings: serde_json::json!({"owner": "a@example.org", "list": [1, 2]}),
        deleted: false,
    }
}

fn source(n: u128, name: &str) -> SourceRow {
    SourceRow {
        id: SourceId(n),
        project: PROJECT,
        name: name.into(),
        key_hashes: vec![vec![0, 255, 7], vec![]],
        settings: serde_json::Value::Null,
        deleted: false,
    }
}

fn integration(n: u128, name: &str) -> IntegrationRow {
    IntegrationRow {
        id: IntegrationId(n),
        project: PROJECT,
        name: name.into(),
        revision: 1,
        enabled: true,
        deleted: false,
        settings: serde_json::json!({"match": ["a=b"]}),
    }
}

fn revision(n: u128, revision: u32) -> RevisionRow {
    RevisionRow {
        integration: IntegrationId(n),
        revision,
        sink: "slack".into(),
        sealed: vec![1, 0, 255],
        created_at: NOW,
    }
}

fn ill(n: u128, revision: u32) -> HealthRow {
    HealthRow {
        integration: IntegrationId(n),
        revision,
        suspended: Some(Suspension {
            since: NOW,
            outcome: Outcome::Throttled { after_ms: Some(5) },
            reason: "the token was revoked".into(),
            probe_at: at(600_000),
        }),
    }
}

/// Writes a change on top of what is there.
async fn put(store: &Arc<dyn Store>, change: CatalogRows) -> Result<(), WriteError> {
    let version = store.catalog_version().await.unwrap();
    store.put_catalog(CatalogRows { version, ..change }).await
}

/// The catalog but for its version.
async fn read(store: &Arc<dyn Store>) -> CatalogRows {
    let rows = store.catalog().await.unwrap();
    CatalogRows { version: 0, ..rows }
}

pub async fn a_change_of_an_outdated_catalog_is_a_conflict(store: Arc<dyn Store>) {
    let change = |id: u128, version| CatalogRows {
        projects: vec![project(id, &format!("p{id}"))],
        version,
        ..CatalogRows::default()
    };
    store.put_catalog(change(1, 0)).await.unwrap();
    assert_conflict(store.put_catalog(change(2, 0)).await);
    let rows = store.catalog().await.unwrap();
    assert_eq!(rows.projects, vec![project(1, "p1")]);
    assert_eq!(store.catalog_version().await.unwrap(), rows.version);
    store.put_catalog(change(2, rows.version)).await.unwrap();
    let before = store.catalog_version().await.unwrap();
    store.put_health(vec![ill(1, 1)]).await.unwrap();
    assert_ne!(store.catalog_version().await.unwrap(), before, "health too");
}

pub async fn two_first_starts_make_one_catalog(store: Arc<dyn Store>) {
    let mut tasks = Vec::new();
    for n in 1..=4 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let rows = CatalogRows {
                projects: vec![project(n, "shop")],
                ..CatalogRows::default()
            };
            store.put_catalog(rows).await
        }));
    }
    let mut written = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => written += 1,
            other => assert_conflict(other),
        }
    }
    assert_eq!(written, 1);
    assert_eq!(store.catalog().await.unwrap().projects.len(), 1);
}

pub async fn a_lease_is_one_holders_until_it_ends_or_is_given_back(store: Arc<dyn Store>) {
    let (one, two) = (NodeId(1), NodeId(2));
    let lease = |holder, now, until| store.lease("sweep", holder, at(now), at(until));
    assert!(lease(one, 0, 10).await.unwrap());
    assert!(!lease(two, 5, 15).await.unwrap());
    assert!(lease(one, 9, 19).await.unwrap(), "renewed");
    assert!(!lease(two, 18, 28).await.unwrap());
    assert!(lease(two, 19, 29).await.unwrap(), "it has ended");
    assert!(!lease(one, 20, 30).await.unwrap());
    assert!(store.lease("walk", one, at(20), at(30)).await.unwrap());
    store.release_leases(two).await.unwrap();
    assert!(lease(one, 21, 31).await.unwrap(), "it was given back");
}

pub async fn the_catalog_reads_back_as_it_was_written(store: Arc<dyn Store>) {
    assert_eq!(store.catalog().await.unwrap(), CatalogRows::default());
    let rows = CatalogRows {
        projects: vec![project(1, "shop"), project(2, "bank")],
        sources: vec![source(1, "prometheus"), source(2, "host")],
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1), revision(1, 2), revision(2, 1)],
        ..CatalogRows::default()
    };
    put(&store, rows.clone()).await.unwrap();
    assert_eq!(read(&store).await, rows);
}

pub async fn rows_replace_those_of_the_same_id(store: Arc<dyn Store>) {
    let first = CatalogRows {
        projects: vec![project(1, "shop")],
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1)],
        ..CatalogRows::default()
    };
    put(&store, first).await.unwrap();
    let mut edited = integration(1, "slack-new");
    edited.revision = 2;
    edited.enabled = false;
    let change = CatalogRows {
        integrations: vec![edited.clone()],
        revisions: vec![revision(1, 2)],
        ..CatalogRows::default()
    };
    put(&store, change).await.unwrap();
    let now = store.catalog().await.unwrap();
    assert_eq!(now.projects, vec![project(1, "shop")]);
    assert_eq!(now.integrations, vec![edited, integration(2, "pager")]);
    assert_eq!(now.revisions, vec![revision(1, 1), revision(1, 2)]);
}

pub async fn a_catalog_change_is_written_all_or_not_at_all(store: Arc<dyn Store>) {
    let bad = CatalogRows {
        projects: vec![project(1, "shop")],
        sources: vec![source(1, "same"), source(2, "same")],
        ..CatalogRows::default()
    };
    assert!(put(&store, bad).await.is_err());
    assert_eq!(store.catalog().await.unwrap(), CatalogRows::default());
}

pub async fn two_sources_may_exchange_their_names(store: Arc<dyn Store>) {
    let with = |a: &str, b: &str| CatalogRows {
        sources: vec![source(1, a), source(2, b)],
        ..CatalogRows::default()
    };
    put(&store, with("a", "b")).await.unwrap();
    put(&store, with("b", "a")).await.unwrap();
    assert_eq!(read(&store).await, with("b", "a"));
}

pub async fn a_deleted_name_may_be_used_again(store: Arc<dyn Store>) {
    let mut old = integration(1, "slack");
    old.deleted = true;
    let rows = CatalogRows {
        integrations: vec![old, integration(2, "slack")],
        ..CatalogRows::default()
    };
    put(&store, rows.clone()).await.unwrap();
    assert_eq!(read(&store).await, rows);
}

pub async fn an_integration_goes_with_its_last_revision(store: Arc<dyn Store>) {
    let rows = CatalogRows {
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1), revision(1, 2), revision(2, 1)],
        ..CatalogRows::default()
    };
    put(&store, rows).await.unwrap();
    store.put_health(vec![ill(1, 1), ill(1, 2)]).await.unwrap();
    store.remove_revision(IntegrationId(1), 1).await.unwrap();
    let now = store.catalog().await.unwrap();
    assert_eq!(now.integrations.len(), 2);
    assert_eq!(now.health, vec![ill(1, 2)]);
    store.remove_revision(IntegrationId(1), 2).await.unwrap();
    let now = store.catalog().await.unwrap();
    assert_eq!(now.integrations, vec![integration(2, "pager")]);
    assert_eq!((now.revisions, now.health), (vec![revision(2, 1)], vec![]));
}

pub async fn health_is_a_row_while_it_is_bad(store: Arc<dyn Store>) {
    store.put_health(vec![ill(1, 1), ill(2, 1)]).await.unwrap();
    assert_eq!(
        store.catalog().await.unwrap().health,
        vec![ill(1, 1), ill(2, 1)]
    );
    let well = HealthRow {
        suspended: None,
        ..ill(1, 1)
    };
    store.put_health(vec![well]).await.unwrap();
    assert_eq!(store.catalog().await.unwrap().health, vec![ill(2, 1)]);
}

pub async fn a_start_says_how_the_last_process_ended(store: Arc<dyn Store>) {
    let report = store.start(NodeId(1), NOW).await.unwrap();
    assert!(report.first && report.clean);
    let report = store.start(NodeId(2), at(1)).await.unwrap();
    assert!(!report.first);
    assert_eq!(report.clean, store.shared(), "nobody said goodbye");
    store.stop_clean().await.unwrap();
    let report = store.start(NodeId(3), at(2)).await.unwrap();
    assert!(!report.first && report.clean);
}

pub async fn small_values_are_kept(store: Arc<dyn Store>) {
    assert_eq!(store.meta("hub").await.unwrap(), None);
    store.set_meta("hub", "a").await.unwrap();
    store.set_meta("hub", "b").await.unwrap();
    store.set_meta("other", "").await.unwrap();
    assert_eq!(store.meta("hub").await.unwrap().as_deref(), Some("b"));
    assert_eq!(store.meta("other").await.unwrap().as_deref(), Some(""));
}
