//! The three host rules, as a pure function of samples and of what they remember.

use std::collections::BTreeMap;

use model::{Severity, Signal, Timestamp};

use super::disks::watched;
use super::message::{self, Facts};
use super::sample::Sample;
use super::settings::{HostSettings, InvalidSettings};
use super::watch::{Patience, Reading, Verdict, Watch};
use crate::limits::NODE_BYTES_MAX;

/// What is watched on a node. The names are the alerts' `event` and their label `rule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Load average per core (E6–E8): opens at once, closes when consistently below.
    CoreLoad,
    /// Usage of one file system (E9–E11): opens when consistently above, closes when it drops below.
    DiskUsage,
    /// Usage of memory (E12): opens at once, closes when consistently below.
    MemoryUsage,
}

impl Rule {
    pub const ALL: [Rule; 3] = [Rule::CoreLoad, Rule::DiskUsage, Rule::MemoryUsage];

    pub fn as_str(self) -> &'static str {
        match self {
            Rule::CoreLoad => "core_load",
            Rule::DiskUsage => "disk_usage",
            Rule::MemoryUsage => "memory_usage",
        }
    }

    /// The alert's key: rule, node, and of a disk its mount (E13).
    pub fn key(self, node: &str, mount: Option<&str>) -> String {
        let rule = self.as_str();
        match mount {
            Some(mount) => format!("{rule}:{node}:{mount}"),
            None => format!("{rule}:{node}"),
        }
    }

    /// Rule and mount of a key of this node; `None` for keys of other nodes, which are not ours to judge.
    fn of_key<'a>(key: &'a str, node: &str) -> Option<(Rule, Option<&'a str>)> {
        Rule::ALL.into_iter().find_map(|rule| {
            let rest = key
                .strip_prefix(rule.as_str())?
                .strip_prefix(':')?
                .strip_prefix(node)?;
            match (rule, rest.strip_prefix(':')) {
                (Rule::DiskUsage, Some(mount)) => Some((rule, Some(mount))),
                (Rule::CoreLoad | Rule::MemoryUsage, None) if rest.is_empty() => Some((rule, None)),
                _ => None,
            }
        })
    }
}

/// The rules of one node with what they remember between samples.
///
/// While an issue is open each sample is a fire with the newest value (the lifecycle coalesces them); it ends with
/// one resolve, or a cancel when the thing is no longer watched. Both are given again with each sample until
/// [`HostRules::acknowledge`] says that the hub has them; a lost fire heals by the next.
#[derive(Debug)]
pub struct HostRules {
    settings: HostSettings,
    watches: BTreeMap<String, Watched>,
    /// Keys that were open before we started, until the first sample names the node.
    resumed: Vec<String>,
    /// Resolves and cancels that the hub has not acknowledged.
    owed: BTreeMap<String, Signal>,
}

#[derive(Debug)]
struct Watched {
    rule: Rule,
    mount: Option<String>,
    watch: Watch,
    /// Samples in a row that did not have it at all.
    absent: u32,
}

/// One rule's measurement of one thing.
struct Measure {
    rule: Rule,
    mount: Option<String>,
    /// `None`: could not be read, which says nothing: no issue opens, closes or is told because of it.
    value: Option<f64>,
    threshold: f64,
    severity: Severity,
    critical_above: Option<f64>,
    patience: Patience,
    facts: Facts,
}

impl HostRules {
    /// Fails with everything that is wrong in the settings.
    pub fn new(settings: HostSettings) -> Result<HostRules, InvalidSettings> {
        settings.validate()?;
        Ok(HostRules {
            settings,
            watches: BTreeMap::new(),
            resumed: Vec::new(),
            owed: BTreeMap::new(),
        })
    }

    pub fn settings(&self) -> &HostSettings {
        &self.settings
    }

    /// Takes over issues that are open in the hub from before a restart or a change of settings: they go on, or are
    /// resolved, or are cancelled if they are no longer watched. `open_keys` are the keys of the source's alerts that
    /// are not closed; those of other nodes are left alone.
    pub fn resume(&mut self, open_keys: impl IntoIterator<Item = String>) {
        self.resumed.extend(open_keys);
    }

    /// What this sample means: at most one signal per key.
    pub fn observe(&mut self, sample: &Sample, now: Timestamp) -> Vec<Signal> {
        let node = self.node(sample);
        self.adopt_resumed(&node);
        let mut signals: BTreeMap<String, Signal> = BTreeMap::new();
        for watched in self.watches.values_mut() {
            watched.absent = watched.absent.saturating_add(1);
        }
        for measure in self.measures(&node, sample) {
            let key = measure.rule.key(&node, measure.mount.as_deref());
            if let Some(signal) = self.judge(&key, &node, measure, now) {
                signals.insert(key, signal);
            }
        }
        self.cancel_absent(&node, now, &mut signals);
        for (key, signal) in &signals {
            if message::is_ending(signal) {
                self.owed.insert(key.clone(), signal.clone());
            } else {
                // It burns again: the end that the hub never heard did not happen.
                self.owed.remove(key);
            }
        }
        for (key, signal) in &self.owed {
            signals.entry(key.clone()).or_insert_with(|| signal.clone());
        }
        signals.into_values().collect()
    }

    /// The hub has durably taken all signals of the last [`HostRules::observe`].
    pub fn acknowledge(&mut self) {
        self.owed.clear();
    }

    /// Rules that are on and find nothing to measure in this sample: the monitor is blind there.
    pub fn blind(&self, sample: &Sample) -> Vec<Rule> {
        let measures = self.measures("", sample);
        let sees = |rule| {
            measures
                .iter()
                .any(|measure| measure.rule == rule && measure.value.is_some())
        };
        let is_on = |rule| match rule {
            Rule::CoreLoad => self.settings.core_load.enabled,
            Rule::DiskUsage => self.settings.disk.enabled,
            Rule::MemoryUsage => self.settings.memory.enabled,
        };
        Rule::ALL
            .into_iter()
            .filter(|rule| is_on(*rule) && !sees(*rule))
            .collect()
    }

    fn node(&self, sample: &Sample) -> String {
        let name = self.settings.node.as_deref().unwrap_or(&sample.node).trim();
        let clean = message::clean(name);
        let end = clean.floor_char_boundary(NODE_BYTES_MAX);
        match &clean[..end] {
            "" => "localhost".to_owned(),
            name => name.to_owned(),
        }
    }

    fn adopt_resumed(&mut self, node: &str) {
        for key in std::mem::take(&mut self.resumed) {
            if let Some((rule, mount)) = Rule::of_key(&key, node) {
                let watched = Watched {
                    rule,
                    mount: mount.map(str::to_owned),
                    watch: Watch::resumed(),
                    absent: 0,
                };
                let known = self.watches.entry(key).or_insert(watched);
                if !known.watch.is_open() {
                    known.watch = Watch::resumed();
                }
            }
        }
    }

    /// Measures everything that the settings ask for.
    fn measures(&self, node: &str, sample: &Sample) -> Vec<Measure> {
        let HostSettings {
            samples,
            core_load,
            disk,
            memory,
            ..
        } = &self.settings;
        let at_once = Patience {
            open_after: 1,
            close_after: *samples,
        };
        let patiently = Patience {
            open_after: *samples,
            close_after: 1,
        };
        let mut measures = Vec::new();
        if core_load.enabled {
            let load = sample.load1.filter(|load| load.is_finite() && *load >= 0.0);
            let cores = sample.cores();
            measures.push(Measure {
                rule: Rule::CoreLoad,
                mount: None,
                value: load
                    .zip(cores)
                    .map(|(load, (cores, _))| load / f64::from(cores)),
                threshold: core_load.above,
                severity: core_load.severity,
                critical_above: Some(core_load.critical_at()),
                patience: at_once,
                facts: Facts::core_load(node, load, cores),
            });
        }
        if memory.enabled {
            measures.push(Measure {
                rule: Rule::MemoryUsage,
                mount: None,
                value: sample.memory.used_percent(),
                threshold: memory.above,
                severity: memory.severity,
                critical_above: None,
                patience: at_once,
                facts: Facts::memory(node, &sample.memory),
            });
        }
        if disk.enabled {
            measures.extend(
                watched(&sample.disks, &disk.mounts)
                    .into_iter()
                    .map(|found| {
                        let mount = message::clean(&found.mount);
                        Measure {
                            rule: Rule::DiskUsage,
                            value: found.used_percent(),
                            threshold: disk.above,
                            severity: disk.severity,
                            critical_above: None,
                            patience: patiently,
                            facts: Facts::disk(node, &mount, found),
                            mount: Some(mount),
                        }
                    }),
            );
        }
        measures
    }

    fn judge(&mut self, key: &str, node: &str, measure: Measure, now: Timestamp) -> Option<Signal> {
        let watched = self
            .watches
            .entry(key.to_owned())
            .or_insert_with(|| Watched {
                rule: measure.rule,
                mount: measure.mount.clone(),
                watch: Watch::default(),
                absent: 0,
            });
        watched.absent = 0;
        let value = measure.value?;
        let reading = Reading::of(value, measure.threshold);
        let verdict = watched.watch.look(reading, measure.patience, now);
        let about = message::About {
            key,
            node,
            rule: measure.rule,
            mount: measure.mount.as_deref(),
        };
        let level = message::Level {
            value,
            threshold: measure.threshold,
        };
        match verdict {
            Verdict::Quiet => None,
            Verdict::Over => Some(message::resolve(&about, level, &measure.facts, now)),
            Verdict::Open { below } => {
                let above_critical = measure.critical_above.is_some_and(|line| value > line);
                let critical = watched
                    .watch
                    .is_critical(above_critical, self.settings.samples);
                let severity = if critical {
                    Severity::Critical
                } else {
                    measure.severity
                };
                let row = (reading, below, measure.patience.close_after);
                let mut signal = message::fire(&about, level, &measure.facts, row);
                signal.severity = Some(severity);
                signal.starts_at = watched.watch.since;
                Some(signal)
            }
        }
    }

    /// Ends what has been gone for as many samples as "consistently" means: one unreadable look cancels nothing.
    fn cancel_absent(
        &mut self,
        node: &str,
        now: Timestamp,
        signals: &mut BTreeMap<String, Signal>,
    ) {
        let patience = self.settings.samples;
        self.watches.retain(|key, watched| {
            let gone = watched.absent >= patience;
            if gone && watched.watch.is_open() {
                let about = message::About {
                    key,
                    node,
                    rule: watched.rule,
                    mount: watched.mount.as_deref(),
                };
                signals.insert(key.clone(), message::cancel(&about, now));
            }
            // What is not open and was not seen has no row to keep.
            !gone && (watched.absent == 0 || watched.watch.is_open())
        });
    }
}
