//! What was tried, over all alerts.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use model::{AlertId, Outcome, Timestamp};
use serde::{Deserialize, Serialize};
use store::AttemptQuery;
use utoipa::{IntoParams, ToSchema};

use super::dto::AttemptDto;
use super::request::{Params, limit, parsed};
use super::{cursor, json, named};
use crate::app::App;
use crate::problem::Problem;

/// Which attempts are wanted; what is left out does not matter.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAttempts {
    /// An alert's id.
    alert: Option<String>,
    /// A project's name; tells integrations of the same name apart.
    project: Option<String>,
    /// An integration's name or id.
    integration: Option<String>,
    /// One outcome: `delivered`, `retry`, `credential_bad`, `skipped` …
    outcome: Option<String>,
    /// At this time or later (RFC 3339).
    since: Option<String>,
    /// Rows of a page, 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of attempts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptPage {
    attempts: Vec<AttemptDto>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Every word that an attempt can end with.
const OUTCOMES: [Outcome; 10] = [
    Outcome::Delivered,
    Outcome::Accepted,
    Outcome::Throttled { after_ms: None },
    Outcome::Retry,
    Outcome::Ambiguous,
    Outcome::CredentialBad,
    Outcome::ScopeMissing,
    Outcome::TargetGone,
    Outcome::PayloadBad,
    Outcome::Stale,
];

/// Lists attempts, newest first.
#[utoipa::path(get, path = "/api/v1/attempts", operation_id = "list_attempts", tag = "attempts",
    params(ListAttempts), responses((status = 200, body = inline(AttemptPage))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Params(asked): Params<ListAttempts>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    if project.is_some() && asked.integration.is_none() {
        return Err(Problem::bad_request(
            "`project` only tells integrations of the same name apart: name the `integration` too",
        ));
    }
    let limit = limit(asked.limit)?;
    let query = AttemptQuery {
        alert: parsed::<AlertId>("alert", asked.alert.as_deref())?,
        integration: named::integration(&catalog, project, asked.integration.as_deref())?,
        outcome: asked.outcome.map(outcome).transpose()?,
        since: parsed::<Timestamp>("since", asked.since.as_deref())?,
        before: asked
            .cursor
            .map(|c| cursor::read("attempts", &c))
            .transpose()?,
        limit: limit + 1,
    };
    let found = app.hub.store().attempts(query).await;
    let mut rows = found.map_err(|error| Problem::of_store("api", &error))?;
    let more = cursor::cut(&mut rows, limit);
    let last = rows.last().map(|(position, _)| *position);
    Ok(json(&AttemptPage {
        attempts: rows
            .iter()
            .map(|(_, attempt)| AttemptDto::new(attempt, &catalog))
            .collect(),
        next_cursor: last
            .filter(|_| more)
            .map(|at| cursor::write("attempts", at)),
    }))
}

fn outcome(word: String) -> Result<String, Problem> {
    let mut known: Vec<&str> = OUTCOMES.iter().map(Outcome::as_str).collect();
    known.push("skipped");
    match known.contains(&word.as_str()) {
        true => Ok(word),
        false => Err(Problem::bad_request(format!(
            "`outcome`: {word:?} is none of {}",
            known.join(", ")
        ))),
    }
}
