//! The words of the product as types: ids, time, severity, signals, alerts, events, lanes, secrets, limits.
//!
//! No I/O. Everything above speaks these types; what crosses the network has twins of its own (DTOs in
//! `server`, request bodies in `integrations`). The `serde` forms here are the storage's forms.

mod alert;
mod clock;
mod event;
mod id;
mod interval;
mod labels;
mod lane;
pub mod limits;
mod matcher;
mod secret;
mod severity;
mod signal;
mod silence;
mod timestamp;

pub use alert::{Alert, AlertKind, CloseReason, Content, LifecycleModel, Status};
pub use clock::{BoxFuture, Clock, Entropy, OsEntropy, SeededEntropy, SystemClock, TestClock};
pub use event::{Event, EventKind};
pub use id::{
    AlertId, ClaimId, IdSource, IntegrationId, NodeId, ParseIdError, ProjectId, SilenceId, SourceId,
};
pub use interval::{TimeInterval, TimeRange};
pub use labels::{Labels, Link};
pub use lane::{
    Attempt, AttemptKind, Capabilities, Claim, Handle, HeldBy, Lane, LaneKey, Manner, Outcome,
    Told, Verb,
};
pub use matcher::{MatchOp, Matcher};
pub use secret::Secret;
pub use severity::{ParseSeverityError, Severity};
pub use signal::{Action, ActionVerb, Actor, Origin, Scope, SharedScope, Signal, SignalKind};
pub use silence::{Silence, SilenceState};
pub use timestamp::{DurationMs, ParseDurationError, ParseTimestampError, Timestamp};
