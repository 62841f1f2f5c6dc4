//! The configuration as the loops use it: an immutable snapshot, swapped as a whole.
//!
//! The store holds it as rows (`store::CatalogRows`). `compare` says how the rows must change to mean what the
//! operator wants; `build` makes a snapshot of rows. Nothing else reads or writes configuration.

mod build;
pub(crate) mod compare;
mod entrances;
mod sealed;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use integrations::kit::{Dialect, Sink, SinkManifest, SourceSettings};
use lifecycle::SourcePolicy;
use lifecycle::group::GroupOf;
use lifecycle::lanes::LanePolicy;
use lifecycle::matching::{CompiledMatchers, Subject};
use lifecycle::schedule::Schedule;
use model::{
    Alert, AlertId, DurationMs, Handle, IntegrationId, Lane, LifecycleModel, ProjectId, Scope,
    SourceId, Timestamp, Told,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use build::build;
pub(crate) use compare::compare;
pub use sealed::Sealer;

use crate::catalog::entrances::Entrances;
use crate::desired::{Existing, Inhibition, Of, Policy};
use crate::entering::Entry;

/// A problem with the configuration that only shows when it is put to work. Whose fault: the operator's, unless a
/// stored row cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("project {project}, {what} {name}: {problem}")]
    Settings {
        project: String,
        what: &'static str,
        name: String,
        problem: String,
    },
    #[error(
        "stored settings of {what} cannot be opened: {problem}; is this the key file that sealed them?"
    )]
    Sealed { what: String, problem: String },
    #[error("stored settings of {what} make no sense to this version: {problem}")]
    Stored { what: String, problem: String },
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// One project.
#[derive(Debug)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub owner_email: Option<String>,
    pub inhibitions: Arc<Vec<CompiledInhibition>>,
}

/// One inhibition rule, ready to be asked.
#[derive(Debug)]
pub struct CompiledInhibition {
    pub name: String,
    pub source: CompiledMatchers,
    pub target: CompiledMatchers,
    pub equal: Vec<String>,
    rule: Inhibition,
}

impl PartialEq for CompiledInhibition {
    fn eq(&self, other: &CompiledInhibition) -> bool {
        self.rule == other.rule
    }
}

/// One way in.
pub struct Source {
    pub id: SourceId,
    pub project: Arc<Project>,
    pub name: String,
    pub scope: Scope,
    pub policy: SourcePolicy,
    pub way: Way,
}

/// How signals come in.
pub enum Way {
    Dialect {
        dialect: &'static dyn Dialect,
        settings: SourceSettings,
    },
    Monitor {
        name: String,
        settings: integrations::kit::SettingsMap,
    },
}

/// One rule that tells a sink.
pub struct Integration {
    pub id: IntegrationId,
    pub project: Arc<Project>,
    pub name: String,
    pub of: Of,
    pub matchers: CompiledMatchers,
    /// What all of one of these match does not enter.
    pub except: Vec<CompiledMatchers>,
    /// The name that Alertmanager's clients see.
    pub receiver: String,
    /// The matchers as they were written, for `explain`.
    pub matchers_shown: Vec<String>,
    pub policy: Policy,
    pub existing: Existing,
    pub enabled: bool,
    pub deleted: bool,
    /// The revision that new lanes are made on.
    pub revision: u32,
    /// `Policy::mute` and `Policy::active`, ready to be asked.
    mute: Schedule,
    active: Schedule,
}

/// A schedule that does not change within its search's reach is asked again after so long.
const MUTED_AT_MOST: DurationMs = DurationMs::from_hours(24);

impl Integration {
    /// Until when the integration's own times keep it quiet, if they do at `now`.
    pub fn muted_until(&self, now: Timestamp) -> Option<Timestamp> {
        let of = |schedule: &Schedule| {
            let latest = now + MUTED_AT_MOST;
            schedule
                .until(now)
                .map_or(latest, |until| until.min(latest))
        };
        if !self.mute.is_empty() && self.mute.covers(now) {
            return Some(of(&self.mute));
        }
        (!self.active.is_empty() && !self.active.covers(now)).then(|| of(&self.active))
    }
}

/// One target of an integration; lanes belong to a revision and finish on it.
pub struct Revision {
    pub integration: Arc<Integration>,
    pub number: u32,
    pub manifest: &'static SinkManifest,
    pub sink: Arc<dyn Sink>,
    pub lane_policy: LanePolicy,
    /// For the lanes of alerts that are told in their group: what they tell is their group.
    member_policy: LanePolicy,
    /// The labels that make a group, if alerts are put together.
    pub group_by: Option<Vec<String>>,
    /// How its groups live.
    pub group_life: SourcePolicy,
}

impl Revision {
    /// Whether an alert is told through its group here: new ones by the present setting, what is open already by what
    /// it was told with.
    pub fn is_member(&self, alert: &Alert, lane: Option<&Lane>) -> bool {
        let bound = lane.filter(|lane| matches!(lane.told, Told::Open | Told::Acked) || lane.doubt);
        alert.model != LifecycleModel::Group
            && match bound {
                Some(lane) => group_of_handle(lane.handle.as_ref()).is_some(),
                None => self.group_by.is_some(),
            }
    }

    /// By which policy this lane of `alert` is planned (`None`: one that begins).
    pub fn policy_for(&self, alert: &Alert, lane: Option<&Lane>) -> &LanePolicy {
        match self.is_member(alert, lane) {
            true => &self.member_policy,
            false => &self.lane_policy,
        }
    }
}

/// What a lane keeps of the group that its alert is in.
pub(crate) fn handle_of_group(group: AlertId, of: &GroupOf) -> Handle {
    Handle {
        object: group.to_string(),
        data: serde_json::json!({ "group": of.key, "labels": of.labels }),
    }
}

/// The group that a lane's alert is in, if it is told through one.
pub(crate) fn group_of_handle(handle: Option<&Handle>) -> Option<GroupOf> {
    let data = &handle?.data;
    Some(GroupOf {
        key: data.get("group")?.as_str()?.to_owned(),
        labels: serde_json::from_value(data.get("labels")?.clone()).ok()?,
    })
}

/// The configuration, ready for use.
#[derive(Default)]
pub struct Catalog {
    pub organization: String,
    pub projects: Vec<Arc<Project>>,
    pub sources: HashMap<SourceId, Arc<Source>>,
    /// Integrations of each project, deleted ones included while they drain.
    pub integrations: HashMap<ProjectId, Vec<Arc<Integration>>>,
    /// The same by what they ask for.
    pub(crate) entrances: HashMap<ProjectId, Entrances>,
    pub revisions: BTreeMap<(IntegrationId, u32), Arc<Revision>>,
    by_key: HashMap<[u8; 32], Arc<Source>>,
}

impl Catalog {
    /// The source that this key authenticates. The key is hashed before it is looked up, so the look-up's time
    /// tells nothing about keys.
    pub fn source_of_key(&self, key: &str) -> Option<&Arc<Source>> {
        self.by_key.get(&hash_of_key(key))
    }

    pub fn integrations_of(&self, project: ProjectId) -> &[Arc<Integration>] {
        self.integrations.get(&project).map_or(&[], Vec::as_slice)
    }

    pub fn integration(&self, id: IntegrationId) -> Option<&Arc<Integration>> {
        self.integrations.values().flatten().find(|i| i.id == id)
    }

    pub fn revision(&self, integration: IntegrationId, number: u32) -> Option<&Arc<Revision>> {
        self.revisions.get(&(integration, number))
    }

    /// An alert as matchers look at it.
    pub fn subject<'a>(&'a self, alert: &'a Alert) -> Subject<'a> {
        let source = self.sources.get(&alert.source);
        let team = alert.content.labels.get("team").unwrap_or_default();
        Subject::of(alert, source.map_or("", |s| s.name.as_str()), team)
    }

    /// The integrations that have something to do with an alert: those that it might enter as it is now, and those of
    /// `lanes`; in the project's order.
    pub(crate) fn concerned(
        &self,
        alert: &Alert,
        lanes: impl Iterator<Item = IntegrationId>,
    ) -> impl Iterator<Item = &Arc<Integration>> {
        let all = self.integrations_of(alert.project);
        let mut places = Vec::new();
        if let Some(entrances) = self.entrances.get(&alert.project) {
            places = match alert.scope {
                // Its members were let in.
                Scope::Group(of) => entrances.place_of(of).into_iter().collect(),
                _ => entrances.might_take(&self.subject(alert)),
            };
            places.extend(lanes.filter_map(|integration| entrances.place_of(integration)));
            places.sort_unstable();
            places.dedup();
        }
        places.into_iter().filter_map(|place| all.get(place))
    }

    /// Whether an integration of the alert's project wants it to enter, as it is now.
    pub fn takes(&self, integration: &Integration, alert: &Alert) -> bool {
        let rule = integration.rule();
        // Its members were let in.
        if let Scope::Group(of) = alert.scope {
            return of == integration.id && rule.enabled && rule.of == Of::Issues;
        }
        rule.decide(alert.kind, &self.subject(alert)) == Entry::Enters
    }

    pub fn project_named(&self, name: &str) -> Option<&Arc<Project>> {
        self.projects.iter().find(|p| p.name == name)
    }
}

/// What stores keep of a key.
pub fn hash_of_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// `IntegrationRow::settings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct IntegrationSettings {
    of: Of,
    matchers: Vec<model::Matcher>,
    #[serde(default)]
    except: Vec<Vec<model::Matcher>>,
    #[serde(default)]
    receiver: Option<String>,
    policy: Policy,
    existing: Existing,
}

/// `SourceRow::settings`. What the dialect or monitor was given is sealed: it may hold secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "lowercase")]
enum SourceRowSettings {
    Dialect { name: String, sealed: String },
    Monitor { name: String, sealed: String },
}

/// `ProjectRow::settings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ProjectSettings {
    owner_email: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inhibitions: Vec<Inhibition>,
}
