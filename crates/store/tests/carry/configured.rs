//! A configuration to fill a store with.

use std::sync::Arc;

use model::{
    DurationMs, IntegrationId, Labels, MatchOp, Matcher, Outcome, Silence, SilenceId, TimeInterval,
    TimeRange, Timestamp,
};
use store::{
    CatalogRows, HealthRow, IntegrationRow, ProjectRow, RevisionRow, SourceRow, Store, Suspension,
};

use crate::fill::{PROJECTS, REVISIONS, SOURCES};
use crate::make::at;

/// Projects, sources, integrations with their revisions, one that is suspended, and silences.
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
    write_silences(store).await;
}

/// One that is plain, one with something of everything that recurs for ever, and one that was ended.
async fn write_silences(store: &Arc<dyn Store>) {
    let matcher = |name: &str, op, value: &str| Matcher {
        name: name.into(),
        op,
        value: value.into(),
    };
    let plain = Silence {
        id: SilenceId(0x51),
        project: PROJECTS[0],
        matchers: vec![matcher("env", MatchOp::Equal, "prod")],
        starts_at: at(0),
        ends_at: at(3_600_000),
        windows: vec![],
        created_by: "ann \u{e9}".into(),
        comment: String::new(),
        annotations: Labels::new(),
        updated_at: at(0),
        version: 1,
    };
    let window = TimeInterval {
        times: vec![TimeRange {
            start_time: "22:00".into(),
            end_time: "24:00".into(),
        }],
        weekdays: vec!["monday:friday".into()],
        days_of_month: vec!["-3:-1".into()],
        months: vec!["may:august".into()],
        years: vec!["2026:2030".into()],
        location: Some("Europe/Berlin".into()),
    };
    let recurring = Silence {
        id: SilenceId(u128::MAX - 7),
        project: PROJECTS[1],
        matchers: vec![
            matcher("host", MatchOp::NotEqual, ""),
            matcher("severity", MatchOp::Regex, "critical|major"),
            matcher("team \u{1f514}", MatchOp::NotRegex, "'\"\\"),
        ],
        ends_at: Timestamp::NEVER,
        windows: vec![window, TimeInterval::default()],
        comment: "nights\u{0}\nof \u{1f514}".into(),
        annotations: [("ticket", "OPS-1")].into_iter().collect(),
        ..plain.clone()
    };
    let long = Silence {
        id: SilenceId(0x52),
        ..plain.clone()
    };
    for silence in [&plain, &recurring, &long] {
        store.put_silence(silence.clone(), None).await.unwrap();
    }
    let ended = Silence {
        ends_at: at(5),
        updated_at: at(5),
        version: 2,
        ..long
    };
    store.put_silence(ended, Some(1)).await.unwrap();
}
