//! What all vendors' folders share: the shapes of dialects and sinks, manifests, judging, rendering.

mod dialect;
mod manifest;
mod settings;
mod sink;

pub use dialect::{
    Accepted, AlertmanagerRead, Answer, Dialect, Inbound, ReadData, ReadWant, Rejection,
    SignalOutcome, SourceDefaults, SourceSettings,
};
pub use manifest::{
    DialectManifest, Edition, ErrorSentence, SettingField, SettingKind, SinkManifest,
};
pub use settings::{SecretText, SettingsError, SettingsMap, fields_of, parse_settings};
pub use sink::{Finish, Next, Pace, Reply, Sink, SinkKind, Step, Task};
