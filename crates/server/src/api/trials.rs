//! Trying out an integration.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use engine::Trial;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::json;
use super::named;
use super::request::Params;
use crate::app::App;
use crate::problem::{Problem, ProblemJson};

/// Of which project, where several have an integration of that name.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InProject {
    project: Option<String>,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    /// Whether the service took every message.
    ok: bool,
    integration: String,
    /// Where it goes, without secrets.
    target: String,
    /// In order; the first that was not taken is the last.
    messages: Vec<MessageDto>,
}

/// One message of a test.
#[derive(Serialize, ToSchema)]
#[schema(as = TestMessage)]
pub(crate) struct MessageDto {
    /// `opened`, `closed`, or `informed` for a notification.
    said: &'static str,
    ok: bool,
    /// `delivered`, `accepted`, `throttled`, `retry`, `ambiguous`, `credential_bad`, `scope_missing`, `target_gone`,
    /// `payload_bad` or `stale`.
    outcome: &'static str,
    /// The service's HTTP status; `null` if it did not answer.
    status: Option<u16>,
    /// The service's words, or what is wrong and what to do. Without secrets.
    words: String,
    took_ms: i64,
}

/// Sends a test alert to the service, now, and closes it again. It says that it is a test, and is not kept. A suspended
/// integration that works again goes on with what it owes.
#[utoipa::path(post, path = "/api/v1/integrations/{integration}/test", operation_id = "test_integration", tag = "configuration",
    params(("integration" = String, Path, description = "The integration's name or id"), InProject),
    responses(
        (status = 200, description = "It was tried; `ok` says whether it works", body = inline(Tested)),
        (status = 400, description = "There is no integration of this name", body = ProblemJson, content_type = "application/problem+json"),
    ))]
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    Path(wanted): Path<String>,
    Params(asked): Params<InProject>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    let id = named::integration(&catalog, project, Some(&wanted))?;
    let mut all = catalog.integrations.values().flatten();
    let revision = id
        .and_then(|id| all.find(|integration| integration.id == id))
        .and_then(|integration| catalog.revision(integration.id, integration.revision))
        .ok_or_else(|| Problem::not_found("there is no integration with this id"))?;
    let trials = app.hub.try_out(revision).await;
    Ok(json(&Tested {
        ok: trials.iter().all(Trial::is_good),
        integration: revision.integration.name.clone(),
        target: revision.sink.target(),
        messages: trials.into_iter().map(message).collect(),
    }))
}

fn message(trial: Trial) -> MessageDto {
    MessageDto {
        said: trial.said,
        ok: trial.is_good(),
        outcome: trial.outcome.as_str(),
        status: trial.status,
        words: trial.words,
        took_ms: trial.took.0,
    }
}
