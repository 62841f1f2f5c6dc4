//! Looking at the running configuration, and reading it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::catalog::{Integration, Way};
use engine::desired::{GroupBy, Of};
use http::StatusCode;
use model::{DurationMs, EventKind, TimeInterval};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::json;
use super::named;
use super::request::Params;
use crate::app::App;
use crate::problem::{Problem, ProblemJson};

/// Of which project.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfProject {
    /// A project's name; all projects if left out.
    project: Option<String>,
}

/// All integrations.
#[derive(Serialize, ToSchema)]
pub(crate) struct Integrations {
    integrations: Vec<IntegrationDto>,
}

/// A rule that tells a sink.
#[derive(Serialize, ToSchema)]
#[schema(as = Integration)]
pub(crate) struct IntegrationDto {
    id: String,
    project: String,
    name: String,
    /// `issues`, `notifications` or `metrics`.
    of: &'static str,
    /// What an alert must match to enter.
    r#match: Vec<String>,
    /// What all of one of these lists match does not enter.
    except: Vec<Vec<String>>,
    /// The name under which Alertmanager's clients see it.
    receiver: String,
    sink: String,
    /// Where it goes, without secrets.
    target: String,
    /// Counts the targets that it had.
    revision: u32,
    /// Off: opens nothing, still closes.
    enabled: bool,
    /// Taken out of the configuration; it goes once nothing is owed.
    deleted: bool,
    policy: PolicyDto,
    health: HealthDto,
}

/// How it delivers.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct PolicyDto {
    /// How long an alert must stay open before anything is sent.
    delay: String,
    /// Between reminders; `0s`: none.
    interval: String,
    /// Between edits that show mere updates.
    edit_interval: String,
    /// Kinds of events that are wanted; `null`: all.
    notify_on: Option<Vec<&'static str>>,
    close_notifications: bool,
    /// How alerts are put together; `null`: each is told by itself.
    group: Option<GroupDto>,
    /// Within these times nothing is opened, updated or reminded of. As in the configuration, names resolved.
    #[schema(value_type = Vec<Object>)]
    mute: Vec<TimeInterval>,
    /// Outside of these times, if there are any: as `mute`.
    #[schema(value_type = Vec<Object>)]
    active: Vec<TimeInterval>,
    /// When an alert counts as flapping; `null`: never.
    flapping: Option<FlappingDto>,
    /// As what a severity is told here, where that is not itself.
    severity: BTreeMap<&'static str, &'static str>,
}

/// How alerts are put together.
#[derive(Serialize, ToSchema)]
#[schema(as = Grouping)]
pub(crate) struct GroupDto {
    /// Labels that the alerts of a group have in common; `["..."]`: all.
    by: Vec<String>,
    /// How long a new group waits for more.
    wait: String,
    /// Between two words about a group that only say that it changed.
    interval: String,
}

/// When an alert counts as flapping.
#[derive(Serialize, ToSchema)]
#[schema(as = Flapping)]
pub(crate) struct FlappingDto {
    /// So many openings of one key …
    changes: u32,
    /// … within this time.
    window: String,
}

/// How well it is.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthDto {
    /// `well`, `paused` (the vendor asked for it, or does not answer) or `suspended` (credential or target are bad;
    /// it is probed every ten minutes).
    state: &'static str,
    /// What is wrong and what to do.
    reason: Option<String>,
    /// Since when it is suspended.
    since: Option<String>,
    /// When the next send is tried.
    until: Option<String>,
}

/// The integrations, by project and name.
#[utoipa::path(get, path = "/api/v1/integrations", operation_id = "list_integrations", tag = "configuration",
    params(OfProject), responses((status = 200, body = inline(Integrations))))]
pub(crate) async fn integrations(
    State(app): State<Arc<App>>,
    Params(asked): Params<OfProject>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    let all = catalog.integrations.values().flatten();
    let mut found: Vec<IntegrationDto> = all
        .filter(|integration| project.is_none_or(|p| p == integration.project.id))
        .map(|integration| {
            let revision = catalog.revision(integration.id, integration.revision);
            IntegrationDto {
                id: integration.id.to_string(),
                project: integration.project.name.clone(),
                name: integration.name.clone(),
                of: match integration.of {
                    Of::Issues => "issues",
                    Of::Notifications => "notifications",
                    Of::Metrics => "metrics",
                },
                r#match: integration.matchers_shown.clone(),
                except: (integration.except.iter())
                    .map(|list| list.matchers().map(ToString::to_string).collect())
                    .collect(),
                receiver: integration.receiver.clone(),
                sink: revision.map_or("", |r| r.manifest.name).to_owned(),
                target: revision.map(|r| r.sink.target()).unwrap_or_default(),
                revision: integration.revision,
                enabled: integration.enabled,
                deleted: integration.deleted,
                policy: policy(integration),
                health: health(&app, integration),
            }
        })
        .collect();
    found.sort_by(|a, b| (&a.project, &a.name, &a.id).cmp(&(&b.project, &b.name, &b.id)));
    Ok(json(&Integrations {
        integrations: found,
    }))
}

fn policy(integration: &Integration) -> PolicyDto {
    let policy = &integration.policy;
    let shown = |span: DurationMs| span.to_string();
    PolicyDto {
        delay: shown(policy.delay),
        interval: shown(policy.interval),
        edit_interval: shown(policy.edit_interval),
        notify_on: policy
            .notify_on
            .as_ref()
            .map(|kinds| kinds.iter().copied().map(EventKind::as_str).collect()),
        close_notifications: policy.close_notifications,
        group: policy.group.as_ref().map(|group| GroupDto {
            by: match &group.by {
                GroupBy::All => vec!["...".to_owned()],
                GroupBy::Labels(names) => names.clone(),
            },
            wait: shown(group.wait),
            interval: shown(group.interval),
        }),
        mute: policy.mute.clone(),
        active: policy.active.clone(),
        flapping: policy.flapping.map(|flapping| FlappingDto {
            changes: flapping.changes,
            window: shown(flapping.window),
        }),
        severity: (policy.severity.iter())
            .map(|(own, told)| (own.as_str(), told.as_str()))
            .collect(),
    }
}

fn health(app: &App, integration: &Integration) -> HealthDto {
    if let Some(suspension) = app.hub.suspension_of(integration.id, integration.revision) {
        return HealthDto {
            state: "suspended",
            reason: Some(suspension.reason),
            since: Some(suspension.since.to_string()),
            until: Some(suspension.probe_at.to_string()),
        };
    }
    let pause = app.hub.pause_of(integration.id, integration.revision);
    let (reason, until) = pause.unzip();
    HealthDto {
        state: if reason.is_some() { "paused" } else { "well" },
        reason,
        since: None,
        until: until.map(|until| until.to_string()),
    }
}

/// All sources.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sources {
    sources: Vec<SourceDto>,
}

/// A way in.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(crate) struct SourceDto {
    id: String,
    project: String,
    name: String,
    /// The dialect that it speaks; `null` for a monitor.
    dialect: Option<&'static str>,
    /// The monitor that it is; `null` for a dialect.
    monitor: Option<String>,
}

/// The sources, by project and name.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "list_sources", tag = "configuration",
    params(OfProject), responses((status = 200, body = inline(Sources))))]
pub(crate) async fn sources(
    State(app): State<Arc<App>>,
    Params(asked): Params<OfProject>,
) -> Result<Response, Problem> {
    let catalog = app.hub.catalog();
    let project = named::project(&catalog, asked.project.as_deref())?;
    let all = catalog.sources.values();
    let mut found: Vec<SourceDto> = all
        .filter(|source| project.is_none_or(|p| p == source.project.id))
        .map(|source| {
            let (dialect, monitor) = match &source.way {
                Way::Dialect { dialect, .. } => (Some(dialect.manifest().name), None),
                Way::Monitor { name, .. } => (None, Some(name.clone())),
            };
            SourceDto {
                id: source.id.to_string(),
                project: source.project.name.clone(),
                name: source.name.clone(),
                dialect,
                monitor,
            }
        })
        .collect();
    found.sort_by(|a, b| (&a.project, &a.name).cmp(&(&b.project, &b.name)));
    Ok(json(&Sources { sources: found }))
}

/// What changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reloaded {
    /// A line per change; empty if there was none.
    changes: Vec<String>,
}

/// Reads the configuration file again and applies it. A file with a problem changes nothing.
#[utoipa::path(post, path = "/api/v1/reload", operation_id = "reload", tag = "configuration",
    responses(
        (status = 200, body = inline(Reloaded)),
        (status = 422, description = "The configuration has problems; nothing changed", body = ProblemJson,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn reload(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    // In a task of its own: a client that hangs up must not stop it half-way.
    match tokio::spawn((app.reload)()).await {
        Ok(Ok(changes)) => Ok(json(&Reloaded { changes })),
        Ok(Err(problems)) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the configuration has problems; nothing was changed",
        )
        .with_problems(problems)),
        Err(error) => match error.try_into_panic() {
            Ok(fault) => std::panic::resume_unwind(fault),
            Err(_) => Err(Problem::busy(
                "the hub is stopping",
                DurationMs::from_secs(5),
            )),
        },
    }
}
