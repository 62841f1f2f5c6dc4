//! Looking at silences, making, changing and ending them, and trying what one would hold.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::catalog::Catalog;
use engine::{PREVIEW_ALERTS_MAX, PreviewError};
use http::StatusCode;
use integrations::kit::{SilenceCommand, SilenceOutcome};
use model::{Matcher, ProjectId, Silence, SilenceId, SilenceState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dto::AlertDto;
use super::request::{JsonBody, Params, SilencePath, limit, no_such_silence, short};
use super::silence_forms::{SilenceBody, SilenceDto, end as shown_end, states};
use super::{cursor, json, named};
use crate::app::App;
use crate::limits::SEARCH_CHARS_MAX;
use crate::problem::{Problem, ProblemJson};

/// Which silences are wanted; what is left out does not matter.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSilences {
    /// A project's name.
    project: Option<String>,
    /// States, separated by commas: `pending`, `active`, `expired`.
    state: Option<String>,
    /// Found in one of its matchers as they are shown (`env="prod"`), in any case.
    matcher: Option<String>,
    /// Rows of a page, 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of silences.
#[derive(Serialize, ToSchema)]
pub(crate) struct SilencePage {
    silences: Vec<SilenceDto>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Lists silences, newest first; ended ones until they are forgotten.
#[utoipa::path(get, path = "/api/v1/silences", operation_id = "list_silences", tag = "silences", params(ListSilences),
    responses((status = 200, body = inline(SilencePage))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Params(asked): Params<ListSilences>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    let limit = limit(asked.limit)?;
    let states = states(asked.state.as_deref())?;
    let text = short("matcher", asked.matcher, SEARCH_CHARS_MAX)?.map(|text| text.to_lowercase());
    let before: Option<SilenceId> = asked
        .cursor
        .map(|c| cursor::read("silences", &c))
        .transpose()?;
    let now = app.hub.clock().now();
    let has = |matcher: &Matcher, text: &str| matcher.to_string().to_lowercase().contains(text);
    let mut found: Vec<Silence> = of(&app, &catalog, project)
        .filter(|silence| before.is_none_or(|before| silence.id < before))
        .filter(|silence| states.contains(&silence.state(now)))
        .filter(|silence| {
            let mut matchers = silence.matchers.iter();
            text.as_ref()
                .is_none_or(|text| matchers.any(|matcher| has(matcher, text)))
        })
        .collect();
    found.sort_unstable_by_key(|silence| Reverse(silence.id));
    let more = cursor::cut(&mut found, limit);
    let last = found.last().map(|silence| silence.id);
    Ok(json(&SilencePage {
        silences: found
            .iter()
            .map(|silence| SilenceDto::new(silence, &catalog, &app.hub))
            .collect(),
        next_cursor: last
            .filter(|_| more)
            .map(|id| cursor::write("silences", id)),
    }))
}

/// The silences of one project, or of all.
fn of<'a>(
    app: &'a App,
    catalog: &'a Catalog,
    project: Option<ProjectId>,
) -> impl Iterator<Item = Silence> + 'a {
    let projects = catalog.projects.iter().map(|p| p.id);
    projects
        .filter(move |id| project.is_none_or(|project| project == *id))
        .flat_map(|id| app.hub.silences(id))
}

/// One silence.
#[utoipa::path(get, path = "/api/v1/silences/{id}", operation_id = "get_silence", tag = "silences",
    params(("id" = String, Path, description = "The silence's id")),
    responses((status = 200, body = SilenceDto)))]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    SilencePath(id): SilencePath,
) -> Result<Response, Problem> {
    let silence = find(&app, id)?;
    Ok(shown(&app, &silence))
}

fn find(app: &App, id: SilenceId) -> Result<Silence, Problem> {
    let catalog = app.hub.catalog();
    let mut all = of(app, &catalog, None);
    all.find(|silence| silence.id == id)
        .ok_or_else(no_such_silence)
}

fn shown(app: &App, silence: &Silence) -> Response {
    json(&SilenceDto::new(silence, &app.hub.catalog(), &app.hub))
}

/// Makes a silence. It needs `matchers`, and `ends_at`, `lasting` or `windows`.
#[utoipa::path(post, path = "/api/v1/silences", operation_id = "make_silence", tag = "silences",
    request_body = inline(SilenceBody), responses((status = 200, body = SilenceDto)))]
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    JsonBody(body): JsonBody<SilenceBody>,
) -> Result<Response, Problem> {
    let project = project_of(&app.hub.catalog(), &body)?;
    let draft = body.draft(None, app.hub.clock().now())?;
    put(&app, project, None, draft).await
}

/// Changes a silence; what is left out stays as it is. With other matchers, or another beginning where it has begun, the
/// old one ends and another is made: the answer has the new id.
#[utoipa::path(put, path = "/api/v1/silences/{id}", operation_id = "change_silence", tag = "silences",
    params(("id" = String, Path, description = "The silence's id")),
    request_body = inline(SilenceBody),
    responses(
        (status = 200, body = SilenceDto),
        (status = 409, description = "It has ended", body = ProblemJson, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    SilencePath(id): SilencePath,
    JsonBody(body): JsonBody<SilenceBody>,
) -> Result<Response, Problem> {
    let now = app.hub.clock().now();
    let old = find(&app, id)?;
    let named = named::project(&app.hub.catalog(), body.project.as_deref())?;
    if named.is_some_and(|project| project != old.project) {
        return Err(Problem::bad_request(
            "a silence stays in its project: make another one there",
        ));
    }
    if old.state(now) == SilenceState::Expired {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "this silence has ended: make another one",
        ));
    }
    let draft = body.draft(Some(&old), now)?;
    put(&app, old.project, Some(id), draft).await
}

async fn put(
    app: &App,
    project: ProjectId,
    id: Option<SilenceId>,
    draft: integrations::kit::SilenceDraft,
) -> Result<Response, Problem> {
    done(app, project, SilenceCommand::Put { id, draft }).await
}

/// Ends a silence now, also one that has not begun; one that has ended stays as it is. What it held is told within
/// seconds, if it is still so.
#[utoipa::path(delete, path = "/api/v1/silences/{id}", operation_id = "end_silence", tag = "silences",
    params(("id" = String, Path, description = "The silence's id")),
    responses((status = 200, body = SilenceDto)))]
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    SilencePath(id): SilencePath,
) -> Result<Response, Problem> {
    let old = find(&app, id)?;
    done(&app, old.project, SilenceCommand::Expire(id)).await
}

/// Has it done and answers with the silence as it is then.
async fn done(app: &App, project: ProjectId, command: SilenceCommand) -> Result<Response, Problem> {
    let was = match &command {
        SilenceCommand::Put { id, .. } => *id,
        SilenceCommand::Expire(id) => Some(*id),
    };
    let outcome = app.hub.silence(project, command).await;
    let id = match outcome.map_err(|error| Problem::of_store("api", &error))? {
        SilenceOutcome::Done(id) => Some(id),
        SilenceOutcome::AlreadyExpired => was,
        SilenceOutcome::NotFound => None,
        SilenceOutcome::Refused(why) => return Err(Problem::bad_request(why)),
    };
    let silence = find(app, id.ok_or_else(no_such_silence)?)?;
    Ok(shown(app, &silence))
}

/// What a silence would hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct SilencePreview<'a> {
    /// Whether it would hold at this moment: it begins now, and this is within its windows if it has any.
    holds: bool,
    /// How many alerts that are not closed its matchers match at this moment.
    count: usize,
    /// `false`: there are more alerts than were looked at, and so perhaps more that match.
    complete: bool,
    /// The newest hundred of them.
    alerts: Vec<AlertDto<'a>>,
    /// Of a silence with windows: when it holds next, the window of this moment included; at most five, none later
    /// than two years from now.
    next_windows: Vec<SpanDto>,
}

/// A time with a beginning and an end.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpanDto {
    starts_at: String,
    /// `null`: it goes on for two years or more.
    ends_at: Option<String>,
}

/// Says what a silence would hold, and makes none.
#[utoipa::path(post, path = "/api/v1/silences/preview", operation_id = "preview_silence", tag = "silences",
    request_body = inline(SilenceBody), responses((status = 200, body = inline(SilencePreview))))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    JsonBody(body): JsonBody<SilenceBody>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = project_of(&catalog, &body)?;
    let draft = body.draft(None, app.hub.clock().now())?;
    let preview = app.hub.preview_silence(project, &draft).await;
    let preview = preview.map_err(|error| match error {
        PreviewError::Refused(why) => Problem::bad_request(why),
        PreviewError::Store(error) => Problem::of_store("api", &error),
    })?;
    let windows = preview.next_windows.iter();
    Ok(json(&SilencePreview {
        holds: preview.holds,
        count: preview.count,
        complete: preview.complete,
        alerts: preview
            .first
            .iter()
            .take(PREVIEW_ALERTS_MAX)
            .map(|row| AlertDto::of(row, &catalog, &app.hub))
            .collect(),
        next_windows: windows
            .map(|(from, to)| SpanDto {
                starts_at: from.to_string(),
                ends_at: shown_end(*to),
            })
            .collect(),
    }))
}

/// The project that is meant: the named one, or the only one.
fn project_of(catalog: &Catalog, body: &SilenceBody) -> Result<ProjectId, Problem> {
    match (
        named::project(catalog, body.project.as_deref())?,
        &*catalog.projects,
    ) {
        (Some(project), _) => Ok(project),
        (None, [only]) => Ok(only.id),
        (None, []) => Err(Problem::bad_request(
            "there is no project that could be silenced",
        )),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|p| p.name.as_str()).take(20).collect();
            Err(Problem::bad_request(format!(
                "say which `project` is meant; there are: {}",
                names.join(", ")
            )))
        }
    }
}
