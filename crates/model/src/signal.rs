//! What comes in: one statement about one thing, and actions on alerts.

use serde::{Deserialize, Serialize};

use crate::{DurationMs, IntegrationId, Labels, Link, ProjectId, Severity, SourceId, Timestamp};

/// One statement about one thing, as a dialect or a monitor understood it. The lengths of its fields are
/// checked where it is made (`limits`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// What makes it the same thing as before, within its [`Scope`]. Not empty.
    pub key: String,
    /// Where alerts are looked up together (Alerta correlates; a dialect may leave it out).
    pub group_key: Option<String>,
    pub kind: SignalKind,
    /// `None`: the sender did not say; a new alert is then a warning, an old one keeps what it has.
    pub severity: Option<Severity>,
    /// What has the problem: a host, a service, a cluster. May be empty.
    pub resource: String,
    /// Which problem: the alert's name. May be empty.
    pub event: String,
    /// One line for people.
    pub title: String,
    /// The rest for people; may be empty.
    pub text: String,
    /// The measured value as the sender shows it.
    pub value: Option<String>,
    pub labels: Labels,
    pub annotations: Labels,
    pub links: Vec<Link>,
    /// When the problem began, by the sender's word.
    pub starts_at: Option<Timestamp>,
    /// A fire: until when the sender vouches for it; silence beyond that resolves it (I13).
    /// A resolve: when it ended.
    pub ends_at: Option<Timestamp>,
    /// The vendor's id of this message: the same one twice changes nothing.
    pub message_id: Option<String>,
    /// The external object this came from, where it came from one.
    pub origin: Option<Origin>,
    /// Names of the hubs this passed, oldest first.
    pub via: Vec<String>,
}

/// What a signal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignalKind {
    /// There is a problem.
    #[default]
    Fire,
    /// The problem is over.
    Resolve,
    /// The problem became meaningless (its rule was removed …).
    Cancel,
    /// Something noteworthy happened: a notification, a point in time.
    Inform,
    /// Somebody did something about it.
    Act(Action),
}

/// Where a key is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Keys of one source.
    Source(SourceId),
    /// Keys shared by all sources of the project that speak this dialect (`alerta`, `opsgenie`).
    Dialect(ProjectId, SharedScope),
    /// The groups of this integration; each is an alert of `LifecycleModel::Group`.
    Group(IntegrationId),
}

/// Dialects whose users share alerts across keys (DESIGN §4, Identity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SharedScope {
    Alerta,
    Opsgenie,
}

/// Something done to an alert by a person, a vendor, a timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub verb: ActionVerb,
    pub by: Actor,
    /// A remark that goes into the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What can be done to an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionVerb {
    /// Somebody looks after it, for `lasting` if given.
    Acknowledge {
        lasting: Option<DurationMs>,
    },
    Unacknowledge,
    /// Put aside for `lasting`.
    Shelve {
        lasting: DurationMs,
    },
    Unshelve,
    Close,
    Reopen,
    /// The remark itself is the action's `note`.
    Note,
    /// `None` takes the assignment away.
    Assign {
        to: Option<String>,
    },
}

/// Who did it, and through what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person's or program's name, as the way in knows it.
    pub name: String,
    /// The way in: `api`, `cli`, `slack`, `opsgenie`, `timer` …
    pub via: String,
}

/// The external object that a change came from: this incident, that message (I8). Not the vendor's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    pub vendor: String,
    /// Equal to the `object` of the lane's handle.
    pub object: String,
}
