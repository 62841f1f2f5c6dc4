//! What a dialect's clients may read.

use std::sync::Arc;

use engine::catalog::{Catalog, Integration, Source};
use engine::desired::{GroupBy, Of};
use integrations::kit::{
    AlertmanagerRead, Answer, Dialect, ReadAlert, ReadData, ReadIntegration, ReadWant,
};
use model::{DurationMs, LifecycleModel, Status, limits};
use store::{AlertQuery, SeenAlert, StoreError};

use crate::app::App;
use crate::limits::READ_ALERTS_MAX;

/// Everything but closed.
const LIVE: [Status; 4] = [
    Status::Tracking,
    Status::Open,
    Status::Acknowledged,
    Status::Shelved,
];

/// Answers a question about one source.
pub(super) async fn read(
    app: &App,
    source: &Source,
    dialect: &'static dyn Dialect,
    want: ReadWant,
) -> Answer {
    let alerts = if wants_alerts(&want) {
        live_alerts(app, source).await
    } else {
        Ok(Vec::new())
    };
    let alerts = match alerts {
        Ok(alerts) => alerts,
        Err(error) => {
            engine::telling::store_failed("reading", &error);
            return dialect.busy(DurationMs::from_secs(2));
        }
    };
    let catalog = app.hub.catalog();
    let integrations = readable(&catalog, source);
    let alerts: Vec<ReadAlert> = alerts
        .into_iter()
        .map(|row| read_alert(app, &catalog, &integrations, row))
        .collect();
    let integrations: Vec<ReadIntegration> = integrations
        .iter()
        .map(|integration| read_integration(integration))
        .collect();
    let silences = app.hub.silences(source.project.id);
    let data = ReadData {
        alerts: &alerts,
        integrations: &integrations,
        silences: &silences,
        version: app.version,
        started_at: app.hub.started_at(),
        node: &app.hub.node().to_string(),
        now: app.hub.clock().now(),
    };
    dialect.render(&want, &data)
}

fn wants_alerts(want: &ReadWant) -> bool {
    let ReadWant::Alertmanager(want) = want;
    matches!(
        want,
        AlertmanagerRead::Alerts(_) | AlertmanagerRead::Groups(_)
    )
}

/// What may take alerts of the source. Its alerts are issues, so what is of something else is not for its clients.
fn readable<'a>(catalog: &'a Catalog, source: &Source) -> Vec<&'a Arc<Integration>> {
    catalog
        .integrations_of(source.project.id)
        .iter()
        .filter(|integration| !integration.deleted && integration.of == Of::Issues)
        .collect()
}

async fn live_alerts(app: &App, source: &Source) -> Result<Vec<SeenAlert>, StoreError> {
    let mut found = Vec::new();
    let mut before = None;
    while found.len() < READ_ALERTS_MAX {
        let query = AlertQuery {
            source: Some(source.id),
            statuses: LIVE.to_vec(),
            before,
            limit: limits::PAGE_MAX,
            ..AlertQuery::default()
        };
        let page = app.hub.store().list_alerts(query).await?;
        let full = page.len() == limits::PAGE_MAX;
        before = page.last().map(|row| row.alert.id);
        // A group is the hub's own alert: its members are what the sender knows.
        let known = |row: &SeenAlert| row.alert.model != LifecycleModel::Group;
        found.extend(page.into_iter().filter(known));
        if !full {
            break;
        }
    }
    Ok(found)
}

fn read_alert(
    app: &App,
    catalog: &Catalog,
    integrations: &[&Arc<Integration>],
    row: SeenAlert,
) -> ReadAlert {
    let seen = row.seen.filter(|seen| seen.version == row.alert.version);
    let (ends_at, last_seen) = seen.map_or((row.alert.ends_at, row.alert.last_seen), |seen| {
        (seen.ends_at, seen.last_seen)
    });
    let taken = |integration: &Integration| catalog.takes(integration, &row.alert);
    ReadAlert {
        ends_at,
        last_seen,
        silenced_by: app.hub.silenced_by(&row.alert),
        inhibited_by: app.hub.inhibited_by(&row.alert).into_iter().collect(),
        integrations: (0..integrations.len())
            .filter(|at| taken(integrations[*at]))
            .collect(),
        alert: row.alert,
    }
}

fn read_integration(of: &Integration) -> ReadIntegration {
    let group = of.policy.group.as_ref();
    ReadIntegration {
        receiver: of.receiver.clone(),
        matchers: of.matchers.matchers().cloned().collect(),
        except: of
            .except
            .iter()
            .map(|list| list.matchers().cloned().collect())
            .collect(),
        enabled: of.enabled,
        group_by: group.and_then(|group| match &group.by {
            GroupBy::Labels(names) => Some(names.clone()),
            GroupBy::All => None,
        }),
        group_wait: group.map_or(DurationMs::ZERO, |group| group.wait),
        group_interval: group.map_or(DurationMs::ZERO, |group| group.interval),
    }
}
