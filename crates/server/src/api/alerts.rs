//! Looking at alerts.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use model::{AlertId, Severity, Status, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AlertQuery, LoadedAlert};
use utoipa::{IntoParams, ToSchema};

use super::dto::{AlertDto, EventDto, Explained, LaneDto};
use super::request::{AlertPath, Params, limit, no_such_alert, parsed, short};
use super::{cursor, json, named};
use crate::app::App;
use crate::limits::SEARCH_CHARS_MAX;
use crate::problem::Problem;

/// Which alerts are wanted; what is left out does not matter.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAlerts {
    /// Statuses, separated by commas: `tracking`, `open`, `acknowledged`, `shelved`, `closed`.
    status: Option<String>,
    /// This severity or worse: `info`, `warning`, `minor`, `major`, `critical`.
    severity: Option<String>,
    /// Found in title, resource, event or key, in any case.
    text: Option<String>,
    /// A project's name.
    project: Option<String>,
    /// A source's name or id.
    source: Option<String>,
    /// The whole key.
    key: Option<String>,
    /// Changed at this time or later (RFC 3339).
    changed_since: Option<String>,
    /// Rows of a page, 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertPage<'a> {
    alerts: Vec<AlertDto<'a>>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Lists alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "list_alerts", tag = "alerts", params(ListAlerts),
    responses((status = 200, body = inline(AlertPage))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Params(asked): Params<ListAlerts>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    let limit = limit(asked.limit)?;
    let query = AlertQuery {
        project,
        source: named::source(&catalog, project, asked.source.as_deref())?,
        statuses: statuses(asked.status.as_deref())?,
        severity_at_least: parsed::<Severity>("severity", asked.severity.as_deref())?,
        key: asked.key,
        text: short("text", asked.text, SEARCH_CHARS_MAX)?.filter(|text| !text.is_empty()),
        changed_since: parsed::<Timestamp>("changed_since", asked.changed_since.as_deref())?,
        before: asked
            .cursor
            .map(|c| cursor::read("alerts", &c))
            .transpose()?,
        limit: limit + 1,
    };
    let found = app.hub.store().list_alerts(query).await;
    let mut rows = found.map_err(|error| Problem::of_store("api", &error))?;
    let more = cursor::cut(&mut rows, limit);
    let last = rows.last().map(|row| row.alert.id);
    Ok(json(&AlertPage {
        alerts: rows
            .iter()
            .map(|row| AlertDto::of(row, &catalog, &app.hub))
            .collect(),
        next_cursor: last.filter(|_| more).map(|id| cursor::write("alerts", id)),
    }))
}

fn statuses(text: Option<&str>) -> Result<Vec<Status>, Problem> {
    let words = text
        .into_iter()
        .flat_map(|text| text.split(','))
        .map(str::trim);
    words
        .map(|word| {
            let known = Status::ALL.into_iter().find(|s| s.as_str() == word);
            known.ok_or_else(|| {
                let all = Status::ALL.map(Status::as_str).join(", ");
                Problem::bad_request(format!("`status`: {word:?} is none of {all}"))
            })
        })
        .collect()
}

/// An alert with its lanes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertWithLanes<'a> {
    #[serde(flatten)]
    alert: AlertDto<'a>,
    lanes: Vec<LaneDto>,
}

/// One alert with its lanes.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", operation_id = "get_alert", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id")),
    responses((status = 200, body = inline(AlertWithLanes))))]
pub(crate) async fn one(State(app): State<Arc<App>>, path: AlertPath) -> Result<Response, Problem> {
    let loaded = load(&app, path.id).await?;
    let catalog = app.hub.catalog();
    Ok(json(&AlertWithLanes {
        alert: AlertDto::new(&loaded.alert, loaded.seen, &catalog, &app.hub),
        lanes: loaded
            .lanes
            .iter()
            .map(|lane| LaneDto::new(lane, &catalog))
            .collect(),
    }))
}

/// The lanes of an alert.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lanes {
    lanes: Vec<LaneDto>,
}

/// What each integration was told of an alert, and what it is owed.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/lanes", operation_id = "list_lanes", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id")),
    responses((status = 200, body = inline(Lanes))))]
pub(crate) async fn lanes(
    State(app): State<Arc<App>>,
    path: AlertPath,
) -> Result<Response, Problem> {
    let loaded = load(&app, path.id).await?;
    let catalog = app.hub.catalog();
    let lanes = loaded.lanes.iter();
    Ok(json(&Lanes {
        lanes: lanes.map(|lane| LaneDto::new(lane, &catalog)).collect(),
    }))
}

/// Which events are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListEvents {
    /// Events after this number; all if left out.
    #[serde(default)]
    after: u32,
    /// Rows of a page, 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// A part of an alert's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Events<'a> {
    events: Vec<EventDto<'a>>,
}

/// An alert's log, oldest first. The next page is `after` the last event's `seq`.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/events", operation_id = "list_events", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id"), ListEvents),
    responses((status = 200, body = inline(Events))))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    path: AlertPath,
    Params(asked): Params<ListEvents>,
) -> Result<Response, Problem> {
    let limit = limit(asked.limit)?;
    let found = app.hub.store().events(path.id, asked.after, limit).await;
    let found = found.map_err(|error| Problem::of_store("api", &error))?;
    if found.is_empty() {
        load(&app, path.id).await?;
    }
    Ok(json(&Events {
        events: found.iter().map(EventDto::new).collect(),
    }))
}

/// Why each integration was told of an alert, or not: what was tried, what waits for what, what was left out.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/explain", operation_id = "explain_alert", tag = "alerts",
    params(("id" = String, Path, description = "The alert's id")),
    responses((status = 200, body = inline(Explained))))]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    path: AlertPath,
) -> Result<Response, Problem> {
    let explanation = app.hub.explain(path.id).await;
    let explanation = explanation
        .map_err(|error| Problem::of_store("api", &error))?
        .ok_or_else(no_such_alert)?;
    let catalog = app.hub.catalog();
    let explained = Explained::new(&explanation, &catalog, &app.hub);
    Ok(json(&explained))
}

async fn load(app: &App, id: AlertId) -> Result<LoadedAlert, Problem> {
    let loaded = app.hub.store().load(vec![id]).await;
    loaded
        .map_err(|error| Problem::of_store("api", &error))?
        .pop()
        .flatten()
        .ok_or_else(no_such_alert)
}
