//! A snapshot from rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use integrations::kit::{SettingsError, SinkManifest, SourceDefaults};
use integrations::registry;
use lifecycle::SourcePolicy;
use lifecycle::lanes::{EventKinds, LanePolicy, RetrySchedule};
use lifecycle::matching::CompiledMatchers;
use lifecycle::schedule::Schedule;
use model::{
    Capabilities, DurationMs, EventKind, IntegrationId, LifecycleModel, Manner, Matcher, ProjectId,
    Scope, SharedScope, SourceId, TimeInterval,
};
use store::{CatalogRows, IntegrationRow, RevisionRow, SourceRow};

use crate::catalog::compare::{parse_source, revision_context, source_context};
use crate::catalog::entrances::Entrances;
use crate::catalog::{
    Catalog, CatalogError, CompiledInhibition, Integration, IntegrationSettings, Project,
    ProjectSettings, Revision, Sealer, Source, SourceRowSettings, Way,
};
use crate::desired::{GroupBy, Inhibition};
use crate::dispatch::LEASE_SLACK;

/// Builds the snapshot. A row that cannot be used is an error: the caller keeps the snapshot that it has.
pub fn build(
    organization: &str,
    rows: &CatalogRows,
    sealer: &Sealer,
) -> Result<Catalog, CatalogError> {
    let mut projects: HashMap<ProjectId, Arc<Project>> = HashMap::new();
    for row in &rows.projects {
        let settings: ProjectSettings = stored(&row.name, &row.settings)?;
        let project = Project {
            id: row.id,
            name: row.name.clone(),
            owner_email: settings.owner_email,
            inhibitions: Arc::new(inhibitions(&row.name, settings.inhibitions)?),
        };
        projects.insert(row.id, Arc::new(project));
    }
    let mut sources: HashMap<SourceId, Arc<Source>> = HashMap::new();
    let mut by_key = HashMap::new();
    for row in rows.sources.iter().filter(|s| !s.deleted) {
        let source = Arc::new(source(row, project_of(&projects, row.project)?, sealer)?);
        for hash in &row.key_hashes {
            if let Ok(hash) = <[u8; 32]>::try_from(hash.as_slice()) {
                by_key.insert(hash, source.clone());
            }
        }
        sources.insert(row.id, source);
    }
    let mut integrations: HashMap<ProjectId, Vec<Arc<Integration>>> = HashMap::new();
    let mut revisions: BTreeMap<(IntegrationId, u32), Arc<Revision>> = BTreeMap::new();
    for row in &rows.integrations {
        let integration = Arc::new(integration(row, project_of(&projects, row.project)?)?);
        for revision in rows.revisions.iter().filter(|r| r.integration == row.id) {
            let built = build_revision(revision, &integration, sealer)?;
            revisions.insert((row.id, revision.revision), Arc::new(built));
        }
        integrations
            .entry(row.project)
            .or_default()
            .push(integration);
    }
    let live = rows.projects.iter().filter(|p| !p.deleted);
    let entrances = integrations
        .iter()
        .map(|(project, of)| (*project, Entrances::of(of)))
        .collect();
    Ok(Catalog {
        organization: organization.to_owned(),
        projects: live.filter_map(|p| projects.get(&p.id).cloned()).collect(),
        sources,
        integrations,
        entrances,
        revisions,
        by_key,
    })
}

fn project_of(
    projects: &HashMap<ProjectId, Arc<Project>>,
    id: ProjectId,
) -> Result<Arc<Project>, CatalogError> {
    projects
        .get(&id)
        .cloned()
        .ok_or_else(|| CatalogError::Stored {
            what: format!("project {id}"),
            problem: "something belongs to it, but it is missing".to_owned(),
        })
}

fn source(row: &SourceRow, project: Arc<Project>, sealer: &Sealer) -> Result<Source, CatalogError> {
    let context = source_context(row.id);
    let (way, policy, scope) = match parse_source(&context, &row.settings)? {
        SourceRowSettings::Dialect { name, sealed } => {
            let settings = sealer.open_text(&context, &sealed)?;
            let problem = |problem: String| CatalogError::Settings {
                project: project.name.clone(),
                what: "source",
                name: row.name.clone(),
                problem,
            };
            let dialect = registry::dialect(&name)
                .ok_or_else(|| problem(format!("there is no dialect {name}")))?;
            let settings = dialect
                .settings(&settings)
                .map_err(|errors| problem(joined(&errors)))?;
            let policy = policy_of(&settings.defaults);
            let scope = match name.as_str() {
                "alerta" => Scope::Dialect(row.project, SharedScope::Alerta),
                "opsgenie" => Scope::Dialect(row.project, SharedScope::Opsgenie),
                _ => Scope::Source(row.id),
            };
            (Way::Dialect { dialect, settings }, policy, scope)
        }
        SourceRowSettings::Monitor { name, sealed } => {
            let settings = sealer.open_text(&context, &sealed)?;
            (
                Way::Monitor { name, settings },
                monitor_policy(),
                Scope::Source(row.id),
            )
        }
    };
    Ok(Source {
        id: row.id,
        project,
        name: row.name.clone(),
        scope,
        policy,
        way,
    })
}

/// Monitors say when a problem is over: nothing is reopened. They have a handful of alerts and measure every 15
/// seconds: each value is worth an event, so that a message shows it as soon as its integration edits.
fn monitor_policy() -> SourcePolicy {
    SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: DurationMs::ZERO,
        reopen_begun_before: false,
        live_after_close: DurationMs::ZERO,
        update_interval: DurationMs::from_secs(15),
        tracking_delay: DurationMs::ZERO,
    }
}

fn policy_of(defaults: &SourceDefaults) -> SourcePolicy {
    SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: defaults.reopen_window,
        reopen_begun_before: defaults.reopen_begun_before,
        live_after_close: defaults.live_after_close,
        update_interval: defaults.update_interval,
        tracking_delay: defaults.tracking_delay,
    }
}

fn integration(row: &IntegrationRow, project: Arc<Project>) -> Result<Integration, CatalogError> {
    let settings: IntegrationSettings = stored(&row.name, &row.settings)?;
    let compile = |matchers: &[Matcher]| {
        CompiledMatchers::compile(matchers.iter().cloned()).map_err(|e| CatalogError::Settings {
            project: project.name.clone(),
            what: "integration",
            name: row.name.clone(),
            problem: e.to_string(),
        })
    };
    let matchers = compile(&settings.matchers)?;
    let except: Result<_, _> = settings.except.iter().map(|list| compile(list)).collect();
    let except = except?;
    let schedule = |field: &str, intervals: &[TimeInterval]| {
        Schedule::compile(intervals).map_err(|e| CatalogError::Settings {
            project: project.name.clone(),
            what: "integration",
            name: row.name.clone(),
            problem: format!("{field}: {e}"),
        })
    };
    let mute = schedule("mute", &settings.policy.mute)?;
    let active = schedule("active", &settings.policy.active)?;
    Ok(Integration {
        id: row.id,
        project,
        name: row.name.clone(),
        of: settings.of,
        matchers,
        except,
        receiver: settings.receiver.unwrap_or_else(|| row.name.clone()),
        matchers_shown: settings.matchers.iter().map(ToString::to_string).collect(),
        policy: settings.policy,
        existing: settings.existing,
        enabled: row.enabled && !row.deleted,
        deleted: row.deleted,
        revision: row.revision,
        mute,
        active,
    })
}

fn inhibitions(
    project: &str,
    rules: Vec<Inhibition>,
) -> Result<Vec<CompiledInhibition>, CatalogError> {
    let compile = |name: &str, matchers: &[Matcher]| {
        CompiledMatchers::compile(matchers.iter().cloned()).map_err(|e| CatalogError::Settings {
            project: project.to_owned(),
            what: "inhibition",
            name: name.to_owned(),
            problem: e.to_string(),
        })
    };
    rules
        .into_iter()
        .map(|rule| {
            Ok(CompiledInhibition {
                source: compile(&rule.name, &rule.source)?,
                target: compile(&rule.name, &rule.target)?,
                name: rule.name.clone(),
                equal: rule.equal.clone(),
                rule,
            })
        })
        .collect()
}

fn build_revision(
    row: &RevisionRow,
    of: &Arc<Integration>,
    sealer: &Sealer,
) -> Result<Revision, CatalogError> {
    let problem = |problem: String| CatalogError::Settings {
        project: of.project.name.clone(),
        what: "integration",
        name: of.name.clone(),
        problem,
    };
    let kind = registry::sink(&row.sink)
        .ok_or_else(|| problem(format!("there is no sink {}", row.sink)))?;
    let settings = sealer.open(
        &revision_context(row.integration, row.revision),
        &row.sealed,
    )?;
    let sink = kind
        .build(&settings)
        .map_err(|errors| problem(joined(&errors)))?;
    let manifest = kind.manifest();
    let lane_policy = lane_policy(of, manifest, sink.can(manifest));
    Ok(Revision {
        integration: of.clone(),
        number: row.revision,
        manifest,
        sink,
        lane_policy,
        member_policy: member_policy(of),
        group_by: of.policy.group.as_ref().and_then(|group| match &group.by {
            GroupBy::Labels(names) => Some(names.clone()),
            // Each alert is a group of its own: it waits and is updated like one, and needs no second alert.
            GroupBy::All => None,
        }),
        group_life: group_life(of),
    })
}

/// A member's lane tells its group, which is in this store: in order, at once, and again without harm.
fn member_policy(of: &Integration) -> LanePolicy {
    let deadline = DurationMs::from_secs(10);
    LanePolicy {
        manner: Manner::Log,
        can: Capabilities {
            update: true,
            ack: true,
            unack: true,
            note: false,
            assign: false,
            snooze: false,
            ignores_unknown_close: true,
            idempotent: true,
            late_request_changes_state: false,
            pages: false,
        },
        enabled: of.enabled,
        deleted: of.deleted,
        delay: of.policy.delay,
        interval: DurationMs::ZERO,
        edit_interval: DurationMs::ZERO,
        notify_on: EventKinds::ALL,
        close_notifications: true,
        revision: of.revision,
        lease: DurationMs(deadline.0.saturating_add(LEASE_SLACK.0)),
        deadline,
        retry: RetrySchedule::default(),
    }
}

/// A group closes with its last member; who comes later begins a new one.
fn group_life(of: &Integration) -> SourcePolicy {
    let interval = of.policy.group.as_ref().map(|group| group.interval);
    SourcePolicy {
        model: LifecycleModel::Group,
        reopen_window: DurationMs::ZERO,
        reopen_begun_before: false,
        live_after_close: DurationMs::ZERO,
        update_interval: interval.unwrap_or(of.policy.edit_interval),
        tracking_delay: DurationMs::ZERO,
    }
}

fn joined(errors: &[SettingsError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn stored<T: serde::de::DeserializeOwned>(
    what: &str,
    value: &serde_json::Value,
) -> Result<T, CatalogError> {
    serde_json::from_value(value.clone()).map_err(|e| CatalogError::Stored {
        what: what.to_owned(),
        problem: e.to_string(),
    })
}

/// What the decisions about lanes may know of an integration and its sink.
fn lane_policy(of: &Integration, manifest: &SinkManifest, mut can: Capabilities) -> LanePolicy {
    let deadlines = manifest
        .deadline_ms
        .saturating_mul(u64::from(manifest.requests_max) * 3);
    let deadline = DurationMs(i64::try_from(deadlines).unwrap_or(i64::MAX / 4));
    let group = of.policy.group.as_ref();
    let notify_on = of
        .policy
        .notify_on
        .as_ref()
        .map_or(EventKinds::ALL, |kinds| kinds.iter().copied().collect());
    // An excluded acknowledgement means that the capability is off (docs/lanes.md).
    can.ack &= notify_on.contains(EventKind::Acknowledged);
    LanePolicy {
        manner: manifest.manner,
        can,
        enabled: of.enabled,
        deleted: of.deleted,
        delay: group.map_or(of.policy.delay, |group| match &group.by {
            GroupBy::Labels(_) => group.wait,
            GroupBy::All => of.policy.delay.max(group.wait),
        }),
        interval: if manifest.can.pages {
            DurationMs::ZERO
        } else {
            of.policy.interval
        },
        edit_interval: group.map_or(of.policy.edit_interval, |group| group.interval),
        notify_on,
        close_notifications: of.policy.close_notifications,
        revision: of.revision,
        lease: DurationMs(deadline.0.saturating_add(LEASE_SLACK.0)),
        deadline,
        retry: RetrySchedule::default(),
    }
}
