//! Settings of the host monitor, as an operator writes them.

use model::{DurationMs, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{
    EVERY_MAX, EVERY_MIN, MOUNT_BYTES_MAX, MOUNT_PATTERNS_MAX, NODE_BYTES_MAX, SAMPLES_MAX,
};

/// Watches core load, disks and memory of the machine that runs it. Without any setting it uses Event Store Cloud's
/// thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HostSettings {
    /// Time between two measurements, 1s to 1m. The default of 15s measures four times a minute.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub every: DurationMs,
    /// How many measurements in a row make "consistently", 1 to 60.
    pub samples: u32,
    /// Name of this node in alerts. Default: the host name. Set it where the host name changes with each restart
    /// (containers): an issue that the old name opened is not closed under a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Load average per core.
    pub core_load: CoreLoadSettings,
    /// Usage of file systems.
    pub disk: DiskSettings,
    /// Usage of memory.
    pub memory: MemorySettings,
}

impl Default for HostSettings {
    fn default() -> Self {
        HostSettings {
            every: DurationMs::from_secs(15),
            samples: 3,
            node: None,
            core_load: CoreLoadSettings::default(),
            disk: DiskSettings::default(),
            memory: MemorySettings::default(),
        }
    }
}

/// Load average per core: opens at once when above, closes when consistently below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CoreLoadSettings {
    /// Whether this rule is on.
    pub enabled: bool,
    /// The 1-minute load average divided by the number of physical cores, above which the issue opens.
    pub above: f64,
    /// Severity of the issue.
    #[schemars(with = "SeverityWord")]
    pub severity: Severity,
    /// Load per core above which the issue is critical. Default: twice `above`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_above: Option<f64>,
}

impl CoreLoadSettings {
    pub(crate) fn critical_at(&self) -> f64 {
        self.critical_above.unwrap_or(self.above * 2.0)
    }
}

impl Default for CoreLoadSettings {
    fn default() -> Self {
        CoreLoadSettings {
            enabled: true,
            above: 2.0,
            severity: Severity::Warning,
            critical_above: None,
        }
    }
}

/// Usage of file systems, one issue for each: opens when consistently above, closes when it drops below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiskSettings {
    /// Whether this rule is on.
    pub enabled: bool,
    /// Percentage in use, as `df` counts it, above which the issue opens.
    pub above: f64,
    /// Severity of the issues.
    #[schemars(with = "SeverityWord")]
    pub severity: Severity,
    /// Which file systems are watched.
    pub mounts: MountSettings,
}

impl Default for DiskSettings {
    fn default() -> Self {
        DiskSettings {
            enabled: true,
            above: 80.0,
            severity: Severity::Critical,
            mounts: MountSettings::default(),
        }
    }
}

/// Mount points, each exact or with a `*` at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MountSettings {
    /// Only these. Empty: everything that keeps data on a disk. A mount named here exactly is watched also when its
    /// type would be left out (tmpfs, overlay, fuse …).
    pub include: Vec<String>,
    /// Not these, whatever `include` says.
    pub exclude: Vec<String>,
}

/// Usage of memory: opens at once when above, closes when consistently below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemorySettings {
    /// Whether this rule is on.
    pub enabled: bool,
    /// Percentage in use (total minus available) above which the issue opens.
    pub above: f64,
    /// Severity of the issue.
    #[schemars(with = "SeverityWord")]
    pub severity: Severity,
}

impl Default for MemorySettings {
    fn default() -> Self {
        MemorySettings {
            enabled: true,
            above: 90.0,
            severity: Severity::Critical,
        }
    }
}

/// One thing that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the setting: `disk.above`.
    pub field: String,
    /// What is wrong and what would be right, a sentence.
    pub message: String,
}

/// Settings that cannot be used: the operator's to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(|p| format!("{}: {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
pub struct InvalidSettings {
    pub problems: Vec<Problem>,
}

impl HostSettings {
    /// Everything that is wrong at once, so that it is mended at once.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, field: &str, message: String| {
            if !ok {
                let field = field.to_owned();
                problems.push(Problem { field, message });
            }
        };
        check(
            (EVERY_MIN..=EVERY_MAX).contains(&self.every),
            "every",
            format!("is {}; give {EVERY_MIN} to {EVERY_MAX}", self.every),
        );
        check(
            (1..=SAMPLES_MAX).contains(&self.samples),
            "samples",
            format!("is {}; give 1 to {SAMPLES_MAX}", self.samples),
        );
        if let Some(node) = &self.node {
            check(
                !node.trim().is_empty()
                    && node.len() <= NODE_BYTES_MAX
                    && !node.contains(char::is_control),
                "node",
                format!(
                    "give 1 to {NODE_BYTES_MAX} bytes without control characters, or leave it out to use the host name"
                ),
            );
        }
        let load = &self.core_load;
        check(
            load.above.is_finite() && load.above > 0.0,
            "core_load.above",
            format!(
                "is {}; give a load per core above 0, such as 2.0",
                load.above
            ),
        );
        if let Some(critical) = load.critical_above {
            check(
                critical.is_finite() && critical > load.above,
                "core_load.critical_above",
                format!(
                    "is {critical}; give more than core_load.above ({}), or leave it out for twice that",
                    load.above
                ),
            );
        }
        for (field, percent) in [
            ("disk.above", self.disk.above),
            ("memory.above", self.memory.above),
        ] {
            check(
                percent > 0.0 && percent < 100.0,
                field,
                format!("is {percent}; give a percentage between 0 and 100, both exclusive"),
            );
        }
        for (field, patterns) in [
            ("disk.mounts.include", &self.disk.mounts.include),
            ("disk.mounts.exclude", &self.disk.mounts.exclude),
        ] {
            check(
                patterns.len() <= MOUNT_PATTERNS_MAX,
                field,
                format!(
                    "has {} entries; give at most {MOUNT_PATTERNS_MAX}, and join what begins alike with a * at the end",
                    patterns.len()
                ),
            );
            for pattern in patterns.iter().take(MOUNT_PATTERNS_MAX) {
                let stem = pattern.strip_suffix('*').unwrap_or(pattern);
                check(
                    !stem.contains('*')
                        && pattern.len() <= MOUNT_BYTES_MAX
                        && stem.starts_with('/'),
                    field,
                    format!(
                        "{pattern:?} is not a mount point: give an absolute path of at most {MOUNT_BYTES_MAX} bytes, with * only at its end"
                    ),
                );
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(InvalidSettings { problems })
        }
    }
}

/// The words of [`Severity`], for the form.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum SeverityWord {
    Critical,
    Major,
    Minor,
    Warning,
    Info,
}

/// Durations as people write them: `15s`.
mod duration_text {
    use model::DurationMs;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(d: &DurationMs, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(d)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DurationMs, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> HostSettings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn without_any_setting_the_seeds_thresholds_apply() {
        let settings = read("{}");
        assert_eq!(settings, HostSettings::default());
        assert_eq!(settings.every, DurationMs::from_secs(15));
        assert_eq!(settings.samples, 3);
        assert_eq!(
            (settings.core_load.above, settings.core_load.critical_at()),
            (2.0, 4.0)
        );
        assert_eq!((settings.disk.above, settings.memory.above), (80.0, 90.0));
        settings.validate().unwrap();
    }

    #[test]
    fn settings_read_back_what_they_write() {
        let settings = read(
            r#"{"every":"5s","samples":2,"node":"db-1","core_load":{"above":1.5,"severity":"major","critical_above":2},
                "disk":{"above":95,"mounts":{"include":["/","/data*"],"exclude":["/data/tmp"]}},"memory":{"enabled":false}}"#,
        );
        settings.validate().unwrap();
        let text = serde_json::to_string(&settings).unwrap();
        assert!(text.contains(r#""every":"5s""#), "{text}");
        assert_eq!(read(&text), settings);
    }

    #[test]
    fn unknown_and_unreadable_settings_are_refused() {
        for bad in [
            r#"{"evry":"15s"}"#,
            r#"{"every":15}"#,
            r#"{"every":"soon"}"#,
            r#"{"disk":{"treshold":1}}"#,
            r#"{"memory":{"severity":"bad"}}"#,
        ] {
            assert!(serde_json::from_str::<HostSettings>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_wrong_value_is_named_with_what_would_be_right() {
        for (json, field) in [
            (r#"{"every":"500ms"}"#, "every"),
            (r#"{"every":"2m"}"#, "every"),
            (r#"{"samples":0}"#, "samples"),
            (r#"{"samples":61}"#, "samples"),
            (r#"{"node":" "}"#, "node"),
            (r#"{"node":"a\nb"}"#, "node"),
            (r#"{"core_load":{"above":0}}"#, "core_load.above"),
            (
                r#"{"core_load":{"critical_above":2.0}}"#,
                "core_load.critical_above",
            ),
            (r#"{"disk":{"above":100}}"#, "disk.above"),
            (r#"{"memory":{"above":-1}}"#, "memory.above"),
            (
                r#"{"disk":{"mounts":{"include":["data"]}}}"#,
                "disk.mounts.include",
            ),
            (
                r#"{"disk":{"mounts":{"exclude":["/a*b"]}}}"#,
                "disk.mounts.exclude",
            ),
        ] {
            let error = read(json).validate().unwrap_err();
            assert_eq!(error.problems.len(), 1, "{json}: {error}");
            assert_eq!(error.problems[0].field, field);
            assert!(error.to_string().contains("give "), "{error}");
        }
        let mut settings = HostSettings::default();
        settings.memory.above = f64::NAN;
        settings.core_load.above = f64::INFINITY;
        assert_eq!(settings.validate().unwrap_err().problems.len(), 2);
    }

    #[test]
    fn the_schema_describes_each_setting() {
        let schema = serde_json::to_value(schemars::schema_for!(HostSettings)).unwrap();
        assert_eq!(schema["properties"]["every"]["type"], "string");
        let disk = &schema["$defs"]["DiskSettings"]["properties"];
        assert!(
            disk["above"]["description"]
                .as_str()
                .unwrap()
                .contains("df")
        );
        assert!(schema.to_string().contains(r#""critical""#));
    }
}
