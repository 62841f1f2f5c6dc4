//! One integration's position in one alert's log: what it was told, what it is owed.
//!
//! The decisions over these values are `lifecycle::lanes` (`plan`, `record`); the table behind them is
//! docs/lanes.md.

use serde::{Deserialize, Serialize};

use crate::{AlertId, ClaimId, IntegrationId, NodeId, Status, Timestamp};

/// Which lane. An integration whose target was edited has a new revision; lanes opened on the old one finish there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneKey {
    pub alert: AlertId,
    pub integration: IntegrationId,
    pub revision: u32,
}

/// A lane's whole state. One row; every writer names the `version` it saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub key: LaneKey,
    pub version: u32,
    /// 0 is the most urgent: `4 - severity` of the alert when it entered or was last raised. Orders due lanes.
    pub priority: u8,
    /// The alert goes on in a lane on a newer target; this one only closes what it left open.
    pub retired: bool,
    /// Newest event that it has dealt with: told, or skipped with a reason.
    pub cursor: u32,
    /// Newest event that it wants to deal with.
    pub head: u32,
    /// The last state that the vendor certainly has from us, or told us.
    pub told: Told,
    /// When we last heard or said what may have changed the object; what a vendor says of an earlier time is old
    /// news (I8).
    pub told_at: Timestamp,
    /// The last state verb ended ambiguously.
    pub doubt: bool,
    /// After an ambiguous or late result: when the current state is repeated, once.
    pub unsure_until: Option<Timestamp>,
    /// Set on entry and on reopening from the policy's `delay`.
    pub delay_until: Timestamp,
    /// Silence and the like; a release writes the present time and never clears it.
    pub held_until: Timestamp,
    pub held_by: Option<HeldBy>,
    /// Back-off after failures; nothing else writes it.
    pub not_before: Timestamp,
    /// Mirrors: not edited before this.
    pub edit_after: Timestamp,
    /// When the next reminder is due, if the policy has an interval.
    pub remind_at: Timestamp,
    /// When the dispatcher looks at it next; `None` while nothing is owed. Indexed.
    pub due_at: Option<Timestamp>,
    /// What the vendor gave us to speak of its object again.
    pub handle: Option<Handle>,
    /// Objects made by late results; each is closed after the main one.
    pub extra_handles: Vec<Handle>,
    pub claim: Option<Claim>,
    /// Tries so far.
    pub attempts: u32,
    /// Failures in a row; what the back-off counts.
    pub failures: u32,
    /// Sends that may have been applied twice (I7).
    pub duplicates: u32,
    /// Posts whose reply was lost and that cannot be found again (I6).
    pub orphans: u32,
    /// How often it was replayed by hand; part of the idempotency key.
    pub replay: u32,
    /// How many reminders were sent; part of the idempotency key.
    pub reminders: u32,
}

/// The last certain state of the vendor's object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    #[default]
    Nothing,
    Open,
    Acked,
    Closed,
}

/// What holds a lane back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldBy {
    /// The silence's id or name.
    Silence(String),
    Inhibition(String),
    Flapping,
    /// The integration's own times.
    Muted,
    Shelve,
    DailyQuota,
}

/// What a vendor gave us to speak of its object again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Handle {
    /// Names the external object: what callbacks and `Origin` carry (Slack: `channel/ts`).
    pub object: String,
    /// What the sink needs besides, as it wrote it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

/// One worker's hold on a lane while it sends. Compared by `id` for equality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub id: ClaimId,
    pub node: NodeId,
    pub verb: Verb,
    /// What the cursor becomes if this succeeds.
    pub upto: u32,
    /// `head` when it was claimed: a refused open moves the cursor here.
    pub head: u32,
    pub sent_at: Timestamp,
    /// The lease: later than the deadline of the send. Past it, others may take the lane.
    pub until: Timestamp,
}

/// What is said to a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Open,
    /// A notification that nothing will close: a post, after which nothing is owed.
    Inform,
    Update,
    Ack,
    Unack,
    Close,
    /// The event with this seq: a note, an assignment, or (where the vendor can snooze) a shelving or its end.
    Note(u32),
    Remind,
    /// Log sinks: the event with this seq, as it is. Its status says what the vendor knows afterwards.
    Event {
        seq: u32,
        status: Status,
    },
    /// The lane is in doubt: put the vendor's object into this state, whatever it is in.
    Set(Told),
    /// The lane is unsure: the state it already has, once more.
    Repeat(Told),
    /// Close the extra handle with this index.
    CloseExtra(u32),
}

/// How a sink speaks (DESIGN §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// Told states: opened, acknowledged, closed.
    Lifecycle,
    /// One message that shows the newest state.
    Mirror,
    /// Every event, in order.
    Log,
}

/// What a sink's vendor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    pub update: bool,
    pub ack: bool,
    pub unack: bool,
    pub note: bool,
    pub assign: bool,
    pub snooze: bool,
    /// A close for a key that it does not know changes nothing there.
    pub ignores_unknown_close: bool,
    /// Two sends with the same idempotency key are applied once, or state verbs are keyed by a dedup key of ours.
    pub idempotent: bool,
    /// A request that arrives late changes what people see (not so for mail and logs).
    pub late_request_changes_state: bool,
    /// It pages by itself: no reminders from us.
    pub pages: bool,
}

/// How one try ended, as the sink judged it (wire facts §0). Serves every vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Applied.
    Delivered,
    /// Taken, may still be dropped; a confirmation may come.
    Accepted,
    /// Not applied; the vendor wants a pause of so many milliseconds (`None`: it did not say).
    Throttled {
        after_ms: Option<i64>,
    },
    /// Certainly not applied; worth another try.
    Retry,
    /// Nobody knows whether it was applied.
    Ambiguous,
    CredentialBad,
    ScopeMissing,
    TargetGone,
    /// Will never be taken as it is.
    PayloadBad,
    /// The object of the handle cannot be changed any more.
    Stale,
}

impl Outcome {
    /// A word for metrics and tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Accepted => "accepted",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Retry => "retry",
            Outcome::Ambiguous => "ambiguous",
            Outcome::CredentialBad => "credential_bad",
            Outcome::ScopeMissing => "scope_missing",
            Outcome::TargetGone => "target_gone",
            Outcome::PayloadBad => "payload_bad",
            Outcome::Stale => "stale",
        }
    }
}

/// One row of a lane's history: a try to deliver, or a decision not to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub lane: LaneKey,
    pub at: Timestamp,
    pub kind: AttemptKind,
    /// Events after this one …
    pub from: u32,
    /// … up to this one were dealt with (or would have been).
    pub upto: u32,
    pub took_ms: i64,
    /// The vendor's status code, where it gave one.
    pub status: Option<u16>,
    /// What a person should read: the vendor's words or ours; redacted and cut.
    pub excerpt: String,
}

/// What an attempt row tells of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// A request was made, and ended so.
    Sent { verb: Verb, outcome: Outcome },
    /// A result came after its claim was lost: the lane did not move (I5).
    Late { verb: Verb, outcome: Outcome },
    /// Nothing was sent, for this reason (also in `excerpt`).
    Skipped,
}
