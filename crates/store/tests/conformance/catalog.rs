//! Configuration, health, meta, starts.

use std::sync::Arc;

use model::{IntegrationId, Outcome, ProjectId, SourceId};
use store::{
    CatalogRows, HealthRow, IntegrationRow, ProjectRow, RevisionRow, SourceRow, Store, Suspension,
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

pub async fn the_catalog_reads_back_as_it_was_written(store: Arc<dyn Store>) {
    assert_eq!(store.catalog().await.unwrap(), CatalogRows::default());
    let rows = CatalogRows {
        projects: vec![project(1, "shop"), project(2, "bank")],
        sources: vec![source(1, "prometheus"), source(2, "host")],
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1), revision(1, 2), revision(2, 1)],
        health: vec![],
    };
    store.put_catalog(rows.clone()).await.unwrap();
    assert_eq!(store.catalog().await.unwrap(), rows);
}

pub async fn rows_replace_those_of_the_same_id(store: Arc<dyn Store>) {
    let first = CatalogRows {
        projects: vec![project(1, "shop")],
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1)],
        ..CatalogRows::default()
    };
    store.put_catalog(first).await.unwrap();
    let mut edited = integration(1, "slack-new");
    edited.revision = 2;
    edited.enabled = false;
    let change = CatalogRows {
        integrations: vec![edited.clone()],
        revisions: vec![revision(1, 2)],
        ..CatalogRows::default()
    };
    store.put_catalog(change).await.unwrap();
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
    assert!(store.put_catalog(bad).await.is_err());
    assert_eq!(store.catalog().await.unwrap(), CatalogRows::default());
}

pub async fn two_sources_may_exchange_their_names(store: Arc<dyn Store>) {
    let with = |a: &str, b: &str| CatalogRows {
        sources: vec![source(1, a), source(2, b)],
        ..CatalogRows::default()
    };
    store.put_catalog(with("a", "b")).await.unwrap();
    store.put_catalog(with("b", "a")).await.unwrap();
    assert_eq!(store.catalog().await.unwrap(), with("b", "a"));
}

pub async fn a_deleted_name_may_be_used_again(store: Arc<dyn Store>) {
    let mut old = integration(1, "slack");
    old.deleted = true;
    let rows = CatalogRows {
        integrations: vec![old, integration(2, "slack")],
        ..CatalogRows::default()
    };
    store.put_catalog(rows.clone()).await.unwrap();
    assert_eq!(store.catalog().await.unwrap(), rows);
}

pub async fn an_integration_goes_with_its_last_revision(store: Arc<dyn Store>) {
    let rows = CatalogRows {
        integrations: vec![integration(1, "slack"), integration(2, "pager")],
        revisions: vec![revision(1, 1), revision(1, 2), revision(2, 1)],
        ..CatalogRows::default()
    };
    store.put_catalog(rows).await.unwrap();
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
    let report = store.start(NOW).await.unwrap();
    assert!(report.first && report.clean);
    let report = store.start(at(1)).await.unwrap();
    assert!(!report.first && !report.clean, "nobody said goodbye");
    store.stop_clean().await.unwrap();
    let report = store.start(at(2)).await.unwrap();
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
