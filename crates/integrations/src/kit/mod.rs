//! What all vendors' folders share: the shapes of dialects and sinks, manifests, judging, rendering.

pub mod address;
mod alert_json;
mod batch;
pub mod buckets;
#[cfg(test)]
mod conformance;
mod dialect;
mod fit;
mod happening;
mod judge;
mod manifest;
#[cfg(test)]
pub(crate) mod samples;
mod settings;
mod sink;
pub mod telling;
pub mod words;

pub use alert_json::{ActorJson, AlertJson, EventJson, Names};

pub use batch::{Batch, Gist};
pub use buckets::{account_name, pace};
pub use dialect::{
    Accepted, AlertmanagerFilter, AlertmanagerRead, Answer, Dialect, Inbound, ReadAlert, ReadData,
    ReadIntegration, ReadWant, Rejection, SignalOutcome, SilenceCommand, SilenceDraft,
    SilenceOutcome, SourceDefaults, SourceSettings,
};
pub use fit::fit;
pub use happening::{Body, Happening};
pub use judge::{Judge, standard, standard_sentence};
pub use manifest::{
    DialectManifest, Edition, ErrorSentence, SettingField, SettingKind, SinkManifest,
};
pub use settings::{
    SecretText, SettingsError, SettingsMap, Span, fields_of, parse_settings, standard_secret,
};
pub use sink::{AFTER_MAX, Finish, Next, Pace, Reply, Sink, SinkKind, Step, Task};
