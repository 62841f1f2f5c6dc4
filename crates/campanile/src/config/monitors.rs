//! The monitors that a source may name, and the check of their settings.

use integrations::kit::{SettingField, SettingsError, SettingsMap, fields_of};
use monitors::host::HostSettings;
use serde_json::Value;

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

    /// Its settings, for types and "did you mean".
    pub fn fields(self) -> Vec<SettingField> {
        match self {
            MonitorKind::Host => fields_of(&schemars::schema_for!(HostSettings)),
        }
    }

    /// Every problem with its settings.
    pub fn check(self, settings: &SettingsMap) -> Result<(), Vec<SettingsError>> {
        match self {
            MonitorKind::Host => check_host(settings),
        }
    }
}

fn check_host(settings: &SettingsMap) -> Result<(), Vec<SettingsError>> {
    let read = |map: SettingsMap| serde_json::from_value::<HostSettings>(Value::Object(map));
    // Each alone, because every setting has a default and the error of all together does not name its field.
    let unreadable: Vec<SettingsError> = settings
        .iter()
        .filter_map(|(name, value)| {
            let alone = SettingsMap::from_iter([(name.clone(), value.clone())]);
            Some(SettingsError::new(name, read(alone).err()?.to_string()))
        })
        .collect();
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    let settings =
        read(settings.clone()).map_err(|error| vec![SettingsError::new("", error.to_string())])?;
    settings.validate().map_err(|invalid| {
        invalid
            .problems
            .into_iter()
            .map(|problem| SettingsError::new(problem.field, problem.message))
            .collect()
    })
}
