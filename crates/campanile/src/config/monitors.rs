//! The monitors that a source may name, and the check of their settings.

use integrations::kit::{SettingField, SettingsError, SettingsMap};

/// A kind of monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonitorKind {
    Host,
}

pub const KINDS: &[(&str, MonitorKind)] = &[("host", MonitorKind::Host)];

impl MonitorKind {
    pub fn name(self) -> &'static str {
        match self {
            MonitorKind::Host => "host",
        }
    }

    /// Its settings, for types and "did you mean"; `None`: not known here.
    // LEAD: once branch `monitors` is merged: `fields_of(&schemars::schema_for!(monitors::host::HostSettings))`.
    pub fn fields(self) -> Option<Vec<SettingField>> {
        None
    }

    /// Every problem with its settings.
    // LEAD: once branch `monitors` is merged: deserialize `HostSettings`, then its `validate()`.
    pub fn check(self, _settings: &SettingsMap) -> Result<(), Vec<SettingsError>> {
        Ok(())
    }
}
