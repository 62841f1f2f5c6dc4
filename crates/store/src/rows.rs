//! What goes in and out of a store, as plain values.

use model::{
    Alert, AlertId, Attempt, DurationMs, Event, IntegrationId, Lane, LaneKey, Outcome, ProjectId,
    Scope, Severity, SourceId, Status, Timestamp,
};
use serde::{Deserialize, Serialize};

/// How the last process on this store ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartReport {
    /// False after a crash or a kill, where lanes claimed in memory may have been in flight. A shared store keeps every
    /// claim, so that it is always true there.
    pub clean: bool,
    /// The store was empty.
    pub first: bool,
}

/// The configuration as rows. In `put_catalog`, rows replace those of the same id; rows not named stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogRows {
    /// The version that these rows were read at.
    pub version: u64,
    pub projects: Vec<ProjectRow>,
    pub sources: Vec<SourceRow>,
    pub integrations: Vec<IntegrationRow>,
    pub revisions: Vec<RevisionRow>,
    /// Only read; written by `put_health`.
    pub health: Vec<HealthRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRow {
    pub id: ProjectId,
    /// Unique.
    pub name: String,
    /// What else is configured, as the engine's own JSON.
    pub settings: serde_json::Value,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRow {
    pub id: SourceId,
    pub project: ProjectId,
    /// Unique within the project among those not deleted.
    pub name: String,
    /// SHA-256 of each key that authenticates senders.
    pub key_hashes: Vec<Vec<u8>>,
    pub settings: serde_json::Value,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegrationRow {
    pub id: IntegrationId,
    pub project: ProjectId,
    /// Unique within the project among those not deleted.
    pub name: String,
    /// The current revision; lanes of older ones finish there.
    pub revision: u32,
    pub enabled: bool,
    pub deleted: bool,
    /// Matchers, `of`, policy, as the engine's own JSON. No secrets.
    pub settings: serde_json::Value,
}

/// One target of an integration. Kept until its last lane is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevisionRow {
    pub integration: IntegrationId,
    pub revision: u32,
    /// The sink's name in the registry.
    pub sink: String,
    /// The sink's settings, secrets and all, sealed (DESIGN §13).
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
}

/// A revision's health, where it is not well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthRow {
    pub integration: IntegrationId,
    pub revision: u32,
    /// `None` removes the row: it is well again.
    pub suspended: Option<Suspension>,
}

/// Why and since when a revision sends nothing but probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    pub since: Timestamp,
    pub outcome: Outcome,
    /// For people: what the vendor said and what to do.
    pub reason: String,
    pub probe_at: Timestamp,
}

/// A key that an episode holds while it can take signals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LiveKey {
    pub project: ProjectId,
    pub scope: Scope,
    pub key: String,
}

/// An alert with its lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedAlert {
    pub alert: Alert,
    pub seen: Option<SeenRow>,
    pub lanes: Vec<Lane>,
}

/// One alert's change, with everything that belongs to it (I3).
#[derive(Clone, Debug)]
pub struct AlertWrite {
    pub alert: Alert,
    /// The version that was read; `None`: the alert is new.
    pub expected: Option<u32>,
    /// A closed episode of the same key that gives up its live key for this one, with the version that was read.
    /// Its version moves by one.
    pub retires: Option<(AlertId, u32)>,
    pub events: Vec<Event>,
    pub lanes: Vec<LanePut>,
    /// Lanes that go, with the version that was read: they moved to another revision before they were told anything.
    pub removed_lanes: Vec<(LaneKey, u32)>,
    /// The vendor's message that did this: remembered with it. One that is known already is a conflict, so a message
    /// that says several things needs an id for each.
    pub message: Option<(SourceId, String)>,
    pub at: Timestamp,
}

/// A lane's new state; `expected` as in [`AlertWrite`].
#[derive(Clone, Debug)]
pub struct LanePut {
    pub lane: Lane,
    pub expected: Option<u32>,
}

/// The newest repeat of an alert (I1's exception).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenRow {
    pub alert: AlertId,
    /// The alert's version that the repeat repeated: on another one the row is ignored by the writer.
    pub version: u32,
    pub last_seen: Timestamp,
    pub repeat_count: u64,
    pub ends_at: Option<Timestamp>,
}

/// How many due lanes of a revision are wanted.
#[derive(Clone, Copy, Debug)]
pub struct DueQuery {
    pub integration: IntegrationId,
    pub revision: u32,
    pub limit: usize,
}

/// A lane with what `plan` needs.
#[derive(Clone, Debug)]
pub struct LaneWork {
    pub lane: Lane,
    pub alert: Alert,
    /// The events in (cursor, head], at most `PENDING_EVENTS_MAX`.
    pub pending: Vec<Event>,
}

/// A lane to be taken for sending: its new state holds the claim.
#[derive(Clone, Debug)]
pub struct ClaimWrite {
    pub lane: Lane,
    pub expected: u32,
    pub durable: bool,
    pub debits: Vec<Debit>,
    pub now: Timestamp,
}

/// What a send costs in one of the vendor's buckets: at most `burst` at once, one more each `every`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debit {
    /// Names the bucket across nodes; holds no secret.
    pub bucket: String,
    pub every: DurationMs,
    pub burst: u32,
}

/// What became of a claim.
#[derive(Debug)]
pub enum ClaimAnswer {
    Claimed,
    /// Somebody else changed the lane.
    Conflict,
    /// This bucket is empty or blocked until then; nothing was debited.
    Blocked {
        bucket: String,
        until: Timestamp,
    },
}

/// A lane's new state and what its history gains.
#[derive(Clone, Debug)]
pub struct LaneWrite {
    pub change: LaneChange,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug)]
pub enum LaneChange {
    Put(Box<LanePut>),
    /// The lane goes (a deleted integration's, drained).
    Remove {
        key: LaneKey,
        expected: u32,
    },
    /// Only the attempts are written.
    None,
}

/// Which alerts a listing wants; newest first.
#[derive(Clone, Debug, Default)]
pub struct AlertQuery {
    pub project: Option<ProjectId>,
    pub source: Option<SourceId>,
    /// Empty: all.
    pub statuses: Vec<Status>,
    pub severity_at_least: Option<Severity>,
    pub key: Option<String>,
    /// Found in title, resource, event or key; case-insensitive.
    pub text: Option<String>,
    pub changed_since: Option<Timestamp>,
    /// The last id of the page before.
    pub before: Option<AlertId>,
    pub limit: usize,
}

/// Which attempts a listing wants; newest first.
#[derive(Clone, Debug, Default)]
pub struct AttemptQuery {
    pub alert: Option<AlertId>,
    pub integration: Option<IntegrationId>,
    /// Of `Outcome::as_str`, or `skipped`.
    pub outcome: Option<String>,
    pub since: Option<Timestamp>,
    /// The last position of the page before.
    pub before: Option<u64>,
    pub limit: usize,
}

/// Figures for /metrics and `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub alerts_by_status: Vec<(Status, u64)>,
    /// Lanes with a due time, events before them, or a claim.
    pub lanes_owing: u64,
    /// Lanes that owe nothing and are open downstream: `told` open or acked.
    pub lanes_open: u64,
    pub duplicates: u64,
    pub orphans: u64,
    pub bytes: u64,
    /// Transactions that the database rolled back because of others' (deadlocks, serialization) and that were done
    /// again, by this process since it started.
    pub redone: u64,
}

/// What may be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct SweepRules {
    /// Alerts closed before this go, if they hold no live key and no lane owes or is `told` open or acked.
    /// Their attempts stay until `attempts_before`.
    pub closed_before: Timestamp,
    pub attempts_before: Timestamp,
    pub messages_before: Timestamp,
    /// Silences that ended before this go. Moves the catalog's version if one does.
    pub silences_before: Timestamp,
    /// `updated` events kept for each alert; a store may keep one more, if it holds the alert's content.
    pub updates_kept: u32,
    /// Rows removed in one step.
    pub limit: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    pub alerts: usize,
    pub attempts: usize,
    pub messages: usize,
    pub events: usize,
    pub silences: usize,
    pub more: bool,
}
