//! What people read: value, threshold, cause and what to do in every message (E5, E8, E11, E12).

use model::{Labels, Signal, SignalKind, Timestamp};

use super::rules::Rule;
use super::sample::{Disk, Memory};
use super::watch::Reading;
use crate::limits::MOUNT_BYTES_MAX;

/// Whose issue a signal is about.
pub(crate) struct About<'a> {
    pub key: &'a str,
    pub node: &'a str,
    pub rule: Rule,
    pub mount: Option<&'a str>,
}

/// A measured value and the threshold it is held against, in the rule's unit.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    pub value: f64,
    pub threshold: f64,
}

/// What a rule found, in words, and labels that only its kind of thing has.
pub(crate) struct Facts {
    /// What the value is made of: a sentence.
    measured: String,
    cause: String,
    remedy: String,
    labels: Vec<(&'static str, String)>,
}

impl Facts {
    pub(crate) fn core_load(node: &str, load: Option<f64>, cores: Option<(u32, bool)>) -> Facts {
        let load = load.unwrap_or_default();
        let (cores, physical) = cores.unwrap_or_default();
        let measured = if physical {
            format!(
                "It is the 1-minute load average, {load:.2}, divided by {cores} physical cores."
            )
        } else {
            format!(
                "It is the 1-minute load average, {load:.2}, divided by {cores} logical cores, because this \
                 system does not tell how many physical ones it has."
            )
        };
        Facts {
            measured,
            cause: format!(
                "On {node} more threads want to run, or wait for a disk, than its cores can serve."
            ),
            remedy: format!(
                "See with top or ps what runs on {node}, and stop or spread what need not run there. If this load is \
                 its ordinary work, give the node a larger instance size."
            ),
            labels: Vec::new(),
        }
    }

    pub(crate) fn memory(node: &str, memory: &Memory) -> Facts {
        let used = bytes(memory.total.saturating_sub(memory.available));
        let (total, free) = (bytes(memory.total), bytes(memory.available));
        Facts {
            measured: format!("{used} of {total} are in use, {free} are available."),
            cause: format!(
                "The programs on {node} hold almost all of its memory; when it runs out, the system slows down or \
                 kills one of them."
            ),
            remedy: format!(
                "See with top or ps which program holds it, and restart or limit that one if it should not. If it is \
                 needed, give {node} a larger instance size."
            ),
            labels: Vec::new(),
        }
    }

    pub(crate) fn disk(node: &str, mount: &str, disk: &Disk) -> Facts {
        let used = bytes(disk.total.saturating_sub(disk.available));
        let (total, free) = (bytes(disk.total), bytes(disk.available));
        let (device, fs) = (clipped(&disk.device), clipped(&disk.fs));
        Facts {
            measured: format!("{used} of {total} on {device} ({fs}) are in use, {free} are free."),
            cause: format!(
                "The data on {mount} of {node} has grown; when the file system is full, writes fail."
            ),
            remedy: format!(
                "Remove data that is not needed, let the database give space back (scavenge, vacuum, compact), or \
                 give {node} a larger disk."
            ),
            labels: vec![("device", device), ("filesystem", fs)],
        }
    }
}

/// A fire. `row`: this reading, how many measurements in a row are below, how many it takes to close.
pub(crate) fn fire(
    about: &About<'_>,
    level: Level,
    facts: &Facts,
    row: (Reading, u32, u32),
) -> Signal {
    let (value, threshold) = shown(about.rule, level);
    let is = match row {
        (Reading::Above, ..) => format!("is above {threshold}"),
        (Reading::At, ..) => format!("is at {threshold}, no longer above it"),
        // The same words as the end's: the alert keeps its last title when it closes.
        (Reading::Below, ..) => format!("is below {threshold} again"),
    };
    let title = format!("{} {is}", subject(about, &value));
    let row = match row {
        (Reading::Below, below, needed) => {
            format!(
                " This closes after {needed} such measurements in a row; this is number {below}."
            )
        }
        _ => String::new(),
    };
    let Facts {
        measured,
        cause,
        remedy,
        ..
    } = facts;
    Signal {
        text: format!("{title}.{row} {measured} Cause: {cause} What to do: {remedy}"),
        title,
        annotations: [
            ("cause", cause.clone()),
            ("remedy", remedy.clone()),
            ("threshold", threshold),
        ]
        .into_iter()
        .collect(),
        value: Some(value),
        ..signal(about, SignalKind::Fire, &facts.labels)
    }
}

/// The end of an issue whose value is good again.
pub(crate) fn resolve(about: &About<'_>, level: Level, facts: &Facts, now: Timestamp) -> Signal {
    let (value, threshold) = shown(about.rule, level);
    let title = format!("{} is below {threshold} again", subject(about, &value));
    Signal {
        text: format!("{title}. {} Nothing is left to do.", facts.measured),
        title,
        annotations: [("threshold", threshold)].into_iter().collect(),
        value: Some(value),
        ends_at: Some(now),
        ..signal(about, SignalKind::Resolve, &facts.labels)
    }
}

/// The end of an issue that nobody can measure any more.
pub(crate) fn cancel(about: &About<'_>, now: Timestamp) -> Signal {
    let (cause, remedy) = match about.mount {
        Some(mount) => (
            format!("{mount} is not mounted any more, or the settings leave it out."),
            "Mount it again, or name it in disk.mounts.include, if it should be watched.",
        ),
        None => (
            "The rule is switched off, or the node has another name now.".to_owned(),
            "Switch the rule on again, or give the node its name in the settings, if it should be watched.",
        ),
    };
    let title = format!("{} is no longer watched", subject(about, ""));
    Signal {
        text: format!("{title}. Cause: {cause} What to do: {remedy}"),
        title,
        annotations: [("cause", cause.as_str()), ("remedy", remedy)]
            .into_iter()
            .collect(),
        ends_at: Some(now),
        ..signal(about, SignalKind::Cancel, &[])
    }
}

/// Whether the signal ends its issue.
pub(crate) fn is_ending(signal: &Signal) -> bool {
    matches!(signal.kind, SignalKind::Resolve | SignalKind::Cancel)
}

fn signal(about: &About<'_>, kind: SignalKind, more: &[(&'static str, String)]) -> Signal {
    let mut labels = Labels::new();
    labels.set("rule", about.rule.as_str());
    labels.set("node", about.node);
    if let Some(mount) = about.mount {
        labels.set("mount", mount);
    }
    for (name, value) in more {
        labels.set(*name, value.clone());
    }
    Signal {
        key: about.key.to_owned(),
        kind,
        resource: about.node.to_owned(),
        event: about.rule.as_str().to_owned(),
        labels,
        ..Signal::default()
    }
}

/// "Core load 2.41 on node-1", "Disk usage 83.2 % of /data on node-1".
fn subject(about: &About<'_>, value: &str) -> String {
    let what = match about.rule {
        Rule::CoreLoad => "Core load",
        Rule::DiskUsage => "Disk usage",
        Rule::MemoryUsage => "Memory usage",
    };
    let space = if value.is_empty() { "" } else { " " };
    let of = about
        .mount
        .map(|mount| format!(" of {mount}"))
        .unwrap_or_default();
    format!("{what}{space}{value}{of} on {}", about.node)
}

/// Value and threshold as people read them: with as many digits as it takes that unequal numbers look unequal.
fn shown(rule: Rule, Level { value, threshold }: Level) -> (String, String) {
    let fewest = if rule == Rule::CoreLoad { 2 } else { 1 };
    let digits = |n: usize| format!("{value:.n$}");
    let value = (fewest..=9)
        .map(digits)
        .find(|text| value == threshold || text.parse() != Ok(threshold))
        .unwrap_or_else(|| value.to_string());
    let unit = if rule == Rule::CoreLoad { "" } else { " %" };
    (format!("{value}{unit}"), threshold_text(rule, threshold))
}

/// `2.0` for the load, `80 %` for shares.
pub(crate) fn threshold_text(rule: Rule, threshold: f64) -> String {
    if rule == Rule::CoreLoad {
        format!("{threshold:?}")
    } else {
        format!("{threshold} %")
    }
}

/// Sizes as `df -h` shows them: `41.2 GiB`.
pub(crate) fn bytes(n: u64) -> String {
    let mut size = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] {
        if size < 1023.95 {
            return if unit == "B" {
                format!("{n} B")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1024.0;
    }
    format!("{size:.1} EiB")
}

/// Names from the machine without control characters: a mount point may contain any of them.
pub(crate) fn clean(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

/// A name that only describes, cut to the length that mounts have too.
fn clipped(name: &str) -> String {
    clean(&name[..name.floor_char_boundary(MOUNT_BYTES_MAX)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unequal_numbers_look_unequal() {
        let show = |rule, value, threshold| shown(rule, Level { value, threshold });
        assert_eq!(
            show(Rule::CoreLoad, 2.409, 2.0),
            ("2.41".into(), "2.0".into())
        );
        assert_eq!(
            show(Rule::CoreLoad, 2.0004, 2.0),
            ("2.0004".into(), "2.0".into())
        );
        assert_eq!(
            show(Rule::CoreLoad, 2.0, 2.0),
            ("2.00".into(), "2.0".into())
        );
        assert_eq!(
            show(Rule::DiskUsage, 83.21, 80.0),
            ("83.2 %".into(), "80 %".into())
        );
        assert_eq!(
            show(Rule::DiskUsage, 80.04, 80.0),
            ("80.04 %".into(), "80 %".into())
        );
        assert_eq!(
            show(Rule::MemoryUsage, 89.99, 90.0),
            ("89.99 %".into(), "90 %".into())
        );
        let close = show(Rule::MemoryUsage, 90.0_f64.next_up(), 90.0).0;
        assert_ne!(close, "90.0 %");
    }

    #[test]
    fn sizes_read_as_df_shows_them() {
        for (n, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (44_238_000_000, "41.2 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }
}
