//! A configuration to fill a store with.

use std::sync::Arc;

use model::{DurationMs, IntegrationId, Outcome};
use store::{
    CatalogRows, HealthRow, IntegrationRow, ProjectRow, RevisionRow, SourceRow, Store, Suspension,
};

use crate::fill::{PROJECTS, REVISIONS, SOURCES};
use crate::make::at;

/// Projects, sources, integrations with their revisions, and one that is suspended.
pub async fn write(store: &Arc<dyn Store>) {
    let version = store.catalog_version().await.unwrap();
    let name = |n: u128| format!("name {n:x} \u{fc}");
    let settings = serde_json::json!({ "a": [1, null, "x"] });
    let mut integrations: Vec<IntegrationId> = REVISIONS.map(|(id, _)| id).into();
    integrations.dedup();
    let rows = CatalogRows {
        version,
        projects: (PROJECTS.iter())
            .map(|id| ProjectRow {
                id: *id,
                name: name(id.0),
                settings: settings.clone(),
                deleted: false,
            })
            .collect(),
        sources: (SOURCES.iter())
            .map(|id| SourceRow {
                id: *id,
                project: PROJECTS[0],
                name: name(id.0),
                key_hashes: vec![vec![1, 2, 255], vec![]],
                settings: settings.clone(),
                deleted: id.0 == 2,
            })
            .collect(),
        integrations: (integrations.iter())
            .map(|id| IntegrationRow {
                id: *id,
                project: PROJECTS[1],
                name: name(id.0),
                revision: 2,
                enabled: id.0 == 3,
                deleted: false,
                settings: settings.clone(),
            })
            .collect(),
        revisions: (REVISIONS.iter())
            .map(|(integration, revision)| RevisionRow {
                integration: *integration,
                revision: *revision,
                sink: "slack".into(),
                sealed: vec![0, 1, 254, 255],
                created_at: at(-1),
            })
            .collect(),
        health: vec![],
    };
    store.put_catalog(rows).await.unwrap();
    let health = HealthRow {
        integration: REVISIONS[0].0,
        revision: REVISIONS[0].1,
        suspended: Some(Suspension {
            since: at(1),
            outcome: Outcome::CredentialBad,
            reason: "the vendor said no".into(),
            probe_at: at(1) + DurationMs(60_000),
        }),
    };
    store.put_health(vec![health]).await.unwrap();
}
