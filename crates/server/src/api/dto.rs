//! The native API's JSON. Alerts and events are the published forms that webhooks carry too
//! (`integrations::kit::AlertJson`), with what only the API knows added.

use engine::Hub;
use engine::catalog::Catalog;
use engine::explain::{Explanation, LaneStory, outcome_word};
use integrations::kit::{AlertJson, EventJson, Names};
use model::{Alert, Attempt, AttemptKind, Event, IntegrationId, Lane, Timestamp, Told, Verb};
use serde::Serialize;
use store::{SeenAlert, SeenRow};
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

/// An alert.
#[derive(Debug, Serialize)]
pub struct AlertDto<'a> {
    #[serde(flatten)]
    pub alert: AlertJson<'a>,
    /// When a signal last spoke of it; up to a second old.
    pub last_seen: String,
    /// Number of its newest event.
    pub seq: u32,
    /// Ids of the silences that hold it now; of a closed alert none.
    pub silenced_by: Vec<String>,
}

impl<'a> AlertDto<'a> {
    pub fn of(row: &'a SeenAlert, catalog: &'a Catalog, hub: &'a Hub) -> AlertDto<'a> {
        AlertDto::new(&row.alert, row.seen, catalog, hub)
    }

    pub fn new(
        alert: &'a Alert,
        seen: Option<SeenRow>,
        catalog: &'a Catalog,
        hub: &'a Hub,
    ) -> AlertDto<'a> {
        let source = catalog.sources.get(&alert.source);
        let project = source.map(|s| &s.project).or_else(|| {
            let mut all = catalog.projects.iter();
            all.find(|p| p.id == alert.project)
        });
        let names = Names {
            project: project.map_or("", |p| &p.name),
            source: source.map_or("", |s| &s.name),
            external_url: hub.external_url(),
        };
        let silences = match alert.is_closed() {
            true => Vec::new(),
            false => hub.silenced_by(alert),
        };
        let seen = seen.filter(|seen| seen.version == alert.version);
        let mut json = AlertJson::new(alert, names);
        json.repeat_count = seen.map_or(alert.repeat_count, |seen| seen.repeat_count);
        AlertDto {
            alert: json,
            last_seen: seen
                .map_or(alert.last_seen, |seen| seen.last_seen)
                .to_string(),
            seq: alert.seq,
            silenced_by: silences.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One event of an alert's log.
#[derive(Debug, Serialize)]
pub struct EventDto<'a> {
    /// The alert's id.
    pub alert: String,
    #[serde(flatten)]
    pub event: EventJson<'a>,
    /// What it said then, for events that carry content.
    pub severity: Option<&'static str>,
    pub title: Option<&'a str>,
    pub value: Option<&'a str>,
}

impl<'a> EventDto<'a> {
    pub fn new(event: &'a Event) -> EventDto<'a> {
        let content = event.content.as_deref();
        EventDto {
            alert: event.alert.to_string(),
            event: EventJson::new(event),
            severity: content.map(|c| c.severity.as_str()),
            title: content.map(|c| c.title.as_str()),
            value: content.and_then(|c| c.value.as_deref()),
        }
    }
}

/// One integration's position in an alert's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lane)]
pub struct LaneDto {
    /// The integration's name; its id if it is gone from the configuration.
    pub integration: String,
    pub integration_id: String,
    /// The sink's word; empty if the integration is gone.
    pub sink: String,
    /// Where it goes, without secrets.
    pub target: String,
    /// Which of the integration's targets this is.
    pub revision: u32,
    /// The last certain state of the vendor's object: `nothing`, `open`, `acked`, `closed`.
    pub told: &'static str,
    /// Whether something is still to be said.
    pub owed: bool,
    /// Newest event that it has dealt with.
    pub cursor: u32,
    /// Newest event that it wants to deal with.
    pub head: u32,
    /// The last send may or may not have arrived.
    pub doubt: bool,
    /// When the hub looks at it next.
    pub due_at: Option<String>,
    /// Back-off after failures.
    pub not_before: Option<String>,
    /// Whether it is being sent right now.
    pub sending: bool,
    /// The vendor's object: the message, the incident.
    pub object: Option<String>,
    pub attempts: u32,
    /// Failures in a row.
    pub failures: u32,
    /// Sends that may have been applied twice.
    pub duplicates: u32,
    /// Posts whose reply was lost and that cannot be found again.
    pub orphans: u32,
}

impl LaneDto {
    pub fn new(lane: &Lane, catalog: &Catalog) -> LaneDto {
        let revision = catalog.revision(lane.key.integration, lane.key.revision);
        LaneDto {
            integration: integration_name(catalog, lane.key.integration),
            integration_id: lane.key.integration.to_string(),
            sink: revision.map_or("", |r| r.manifest.name).to_owned(),
            target: revision.map(|r| r.sink.target()).unwrap_or_default(),
            revision: lane.key.revision,
            told: told_word(lane.told),
            owed: lane.due_at.is_some(),
            cursor: lane.cursor,
            head: lane.head,
            doubt: lane.doubt,
            due_at: shown(lane.due_at),
            not_before: shown((lane.not_before > Timestamp::ZERO).then_some(lane.not_before)),
            sending: lane.claim.is_some(),
            object: lane.handle.as_ref().map(|handle| handle.object.clone()),
            attempts: lane.attempts,
            failures: lane.failures,
            duplicates: lane.duplicates,
            orphans: lane.orphans,
        }
    }
}

/// One try to deliver, or a decision not to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptDto {
    /// The alert's id.
    pub alert: String,
    /// The integration's name; its id if it is gone from the configuration.
    pub integration: String,
    pub integration_id: String,
    pub revision: u32,
    pub at: String,
    /// `sent`, `late` (the result came after somebody else took over) or `skipped`.
    pub kind: &'static str,
    /// What was said: `open`, `update`, `ack`, `close`, `note` …; none if it was skipped.
    pub verb: Option<&'static str>,
    /// Events after this one …
    pub from: u32,
    /// … up to this one.
    pub upto: u32,
    /// `delivered`, `accepted`, `throttled`, `retry`, `ambiguous`, `credential_bad`, `scope_missing`,
    /// `target_gone`, `payload_bad`, `stale` or `skipped`.
    pub outcome: &'static str,
    /// The vendor's status code, where it gave one.
    pub status: Option<u16>,
    pub took_ms: i64,
    /// The vendor's words, or why nothing was sent.
    pub text: String,
}

impl AttemptDto {
    pub fn new(attempt: &Attempt, catalog: &Catalog) -> AttemptDto {
        let (kind, verb) = match &attempt.kind {
            AttemptKind::Sent { verb, .. } => ("sent", Some(verb)),
            AttemptKind::Late { verb, .. } => ("late", Some(verb)),
            AttemptKind::Skipped => ("skipped", None),
        };
        AttemptDto {
            alert: attempt.lane.alert.to_string(),
            integration: integration_name(catalog, attempt.lane.integration),
            integration_id: attempt.lane.integration.to_string(),
            revision: attempt.lane.revision,
            at: attempt.at.to_string(),
            kind,
            verb: verb.map(verb_word),
            from: attempt.from,
            upto: attempt.upto,
            outcome: outcome_word(&attempt.kind),
            status: attempt.status,
            took_ms: attempt.took_ms,
            text: attempt.excerpt.clone(),
        }
    }
}

/// A lane with its story.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedLane {
    #[serde(flatten)]
    pub lane: LaneDto,
    /// What it has and what it lacks, as one sentence.
    pub state: String,
    /// What happens next and when, as one sentence.
    pub next: String,
    /// Oldest first; of all lanes together the newest thousand.
    pub history: Vec<AttemptDto>,
}

impl ExplainedLane {
    fn new(story: &LaneStory, catalog: &Catalog) -> ExplainedLane {
        let history = story.history.iter();
        ExplainedLane {
            lane: LaneDto::new(&story.lane, catalog),
            state: story.state.clone(),
            next: story.next.clone(),
            history: history.map(|a| AttemptDto::new(a, catalog)).collect(),
        }
    }
}

/// An integration without a lane, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotTold {
    pub integration: String,
    pub reason: String,
}

/// Why somebody was told, or not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained<'a> {
    pub alert: AlertDto<'a>,
    pub lanes: Vec<ExplainedLane>,
    pub not_told: Vec<NotTold>,
}

impl<'a> Explained<'a> {
    pub fn new(explanation: &'a Explanation, catalog: &'a Catalog, hub: &'a Hub) -> Explained<'a> {
        let lanes = explanation.lanes.iter();
        let not_told = explanation.not_told.iter();
        Explained {
            alert: AlertDto::of(&explanation.alert, catalog, hub),
            lanes: lanes
                .map(|story| ExplainedLane::new(story, catalog))
                .collect(),
            not_told: not_told
                .map(|(integration, reason)| NotTold {
                    integration: integration.clone(),
                    reason: reason.clone(),
                })
                .collect(),
        }
    }
}

fn integration_name(catalog: &Catalog, id: IntegrationId) -> String {
    catalog
        .integration(id)
        .map_or_else(|| id.to_string(), |integration| integration.name.clone())
}

pub(crate) fn shown(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn told_word(told: Told) -> &'static str {
    match told {
        Told::Nothing => "nothing",
        Told::Open => "open",
        Told::Acked => "acked",
        Told::Closed => "closed",
    }
}

fn verb_word(verb: &Verb) -> &'static str {
    match verb {
        Verb::Open => "open",
        Verb::Inform => "inform",
        Verb::Update => "update",
        Verb::Ack => "ack",
        Verb::Unack => "unack",
        Verb::Close => "close",
        Verb::Note(_) => "note",
        Verb::Remind => "remind",
        Verb::Event { .. } => "event",
        Verb::Set(_) => "set",
        Verb::Repeat(_) => "repeat",
        Verb::CloseExtra(_) => "close_extra",
    }
}

// The forms shared with webhooks describe themselves by schemars; `openapi` puts those schemas in these places.
macro_rules! described_elsewhere {
    ($type:ident, $name:literal) => {
        impl utoipa::PartialSchema for $type<'_> {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object(ObjectBuilder::new().build()))
            }
        }
        impl ToSchema for $type<'_> {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}
described_elsewhere!(AlertDto, "Alert");
described_elsewhere!(EventDto, "Event");
