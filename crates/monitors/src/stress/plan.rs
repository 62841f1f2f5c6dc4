//! What stress will do, said before it is done (C8). Pure.

use std::path::PathBuf;
use std::str::FromStr;

use super::surroundings::Surroundings;
use super::work::FILE_NAME;
use crate::host::{HostSettings, MountSettings, Rule, bytes, threshold_text};
use crate::limits::{
    STRESS_BYTES_MIN, STRESS_FILE_MAX, STRESS_MAX, STRESS_MEMORY_MAX, STRESS_THREADS_MAX,
};

/// What is put under stress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StressKind {
    /// Real load above the rule's real threshold.
    Cpu,
    /// A little memory, and the rule's threshold lowered to where that little crosses it.
    Memory,
    /// A small file, and the rule's threshold lowered likewise.
    Disk,
}

impl StressKind {
    pub const ALL: [StressKind; 3] = [StressKind::Cpu, StressKind::Memory, StressKind::Disk];

    pub fn as_str(self) -> &'static str {
        match self {
            StressKind::Cpu => "cpu",
            StressKind::Memory => "memory",
            StressKind::Disk => "disk",
        }
    }
}

impl FromStr for StressKind {
    type Err = PlanError;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut all = StressKind::ALL.into_iter();
        all.find(|kind| kind.as_str() == word)
            .ok_or_else(|| PlanError::UnknownKind(word.to_owned()))
    }
}

/// Why this machine cannot be put under that stress, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("there is no stress {0:?}: use cpu, memory or disk")]
    UnknownKind(String),
    #[error("this system does not tell its {0}: use another kind of stress")]
    Unreadable(&'static str),
    #[error(
        "{threads} busy threads would be needed, and {STRESS_THREADS_MAX} are allowed: lower core_load.above"
    )]
    TooManyThreads { threads: u64 },
    #[error("only {} of {what} are available, too little to take from: free some, or use another kind of stress", bytes(*.available))]
    TooLittleRoom { what: &'static str, available: u64 },
    #[error("{} is on a file system that the disk rule does not watch: give a folder on a disk (not tmpfs, overlay or a network share)", .0.display())]
    NotOnDisk(PathBuf),
}

/// What will be done: sentences for people, settings for the demo's host monitor, and the work.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub kind: StressKind,
    /// In order; each a sentence. What `--plan` prints.
    pub sentences: Vec<String>,
    /// The given settings, with the kind's rule on and, for memory and disk, its threshold lowered.
    pub settings: HostSettings,
    pub(super) work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Busy { threads: u32 },
    Hold { bytes: u64 },
    Fill { folder: PathBuf, bytes: u64 },
}

/// Plans stress that opens the issue of `kind`'s rule and that closes it by ending, on a machine where nothing else
/// happens meanwhile. Memory: at most a tenth of what is available and `STRESS_MEMORY_MAX`. Disk: at most a
/// hundredth of what is free and `STRESS_FILE_MAX`.
pub fn plan(
    kind: StressKind,
    around: &Surroundings,
    settings: &HostSettings,
) -> Result<Plan, PlanError> {
    let mut plan = match kind {
        StressKind::Cpu => cpu(around, settings.clone()),
        StressKind::Memory => memory(around, settings.clone()),
        StressKind::Disk => disk(around, settings.clone()),
    }?;
    plan.sentences.push(format!(
        "It ends with the demo, and by itself after {STRESS_MAX}; the issue closes soon after."
    ));
    Ok(plan)
}

fn cpu(around: &Surroundings, mut settings: HostSettings) -> Result<Plan, PlanError> {
    let (cores, physical) = around
        .sample
        .cores()
        .ok_or(PlanError::Unreadable("cores"))?;
    if around.sample.load1.is_none() {
        return Err(PlanError::Unreadable("load average"));
    }
    settings.core_load.enabled = true;
    let above = settings.core_load.above;
    let line = above * f64::from(cores);
    // The average creeps towards the number of threads and never reaches it, so half as many again.
    let wanted = (line * 1.5).ceil() as u64 + 1;
    let threads = u32::try_from(wanted)
        .ok()
        .filter(|threads| *threads <= STRESS_THREADS_MAX)
        .ok_or(PlanError::TooManyThreads { threads: wanted })?;
    // load(t) = threads · (1 − e^(−t/60 s)), from an idle machine.
    let seconds = (-60.0 * (1.0 - line / f64::from(threads)).ln()).ceil();
    let which = if physical { "physical" } else { "logical" };
    let rule = Rule::CoreLoad.as_str();
    let threshold = threshold_text(Rule::CoreLoad, above);
    let sentences = vec![
        format!(
            "Starts {threads} busy threads of lowest priority on {cores} {which} cores, so that the machine's real \
             1-minute load average rises."
        ),
        format!(
            "The issue {rule} opens when it is above {threshold} per core: about {seconds} seconds later on a machine \
             that was idle."
        ),
    ];
    Ok(Plan {
        kind: StressKind::Cpu,
        sentences,
        settings,
        work: Work::Busy { threads },
    })
}

fn memory(around: &Surroundings, mut settings: HostSettings) -> Result<Plan, PlanError> {
    let memory = around.sample.memory;
    let before = memory
        .used_percent()
        .ok_or(PlanError::Unreadable("memory"))?;
    let available = memory
        .available
        .min(around.container_memory.unwrap_or(u64::MAX));
    let take = amount(available / 10, STRESS_MEMORY_MAX, "memory", available)?;
    let real = settings.memory.above;
    settings.memory.enabled = true;
    settings.memory.above = halfway(before, take, memory.total);
    let sentences = vec![
        format!(
            "Allocates {} of {} available memory and touches every page of it.",
            bytes(take),
            bytes(available)
        ),
        lowered(Rule::MemoryUsage, real, settings.memory.above, before),
    ];
    Ok(Plan {
        kind: StressKind::Memory,
        sentences,
        settings,
        work: Work::Hold { bytes: take },
    })
}

fn disk(around: &Surroundings, mut settings: HostSettings) -> Result<Plan, PlanError> {
    let not_on_disk = || PlanError::NotOnDisk(around.folder.clone());
    let disk = around.disk.as_ref().ok_or_else(not_on_disk)?;
    let before = disk.used_percent().ok_or_else(not_on_disk)?;
    let take = amount(
        disk.available / 100,
        STRESS_FILE_MAX,
        "disk space",
        disk.available,
    )?;
    let real = settings.disk.above;
    settings.disk.enabled = true;
    settings.disk.above = halfway(before, take, disk.total);
    // Other file systems are above the lowered threshold for reasons of their own.
    settings.disk.mounts = MountSettings {
        include: vec![disk.mount.clone()],
        exclude: Vec::new(),
    };
    let sentences = vec![
        format!(
            "Removes what an earlier demo left behind, and writes {} into {}, where {} are free.",
            bytes(take),
            around.folder.join(FILE_NAME).display(),
            bytes(disk.available)
        ),
        lowered(Rule::DiskUsage, real, settings.disk.above, before),
        format!("Only {} is watched for disk usage meanwhile.", disk.mount),
    ];
    Ok(Plan {
        kind: StressKind::Disk,
        sentences,
        settings,
        work: Work::Fill {
            folder: around.folder.clone(),
            bytes: take,
        },
    })
}

fn amount(share: u64, most: u64, what: &'static str, available: u64) -> Result<u64, PlanError> {
    let take = share.min(most);
    if take < STRESS_BYTES_MIN {
        return Err(PlanError::TooLittleRoom { what, available });
    }
    Ok(take)
}

/// A threshold between usage now and usage with `take` bytes more, with no more digits than needed: taking them
/// opens the issue, giving them back closes it.
fn halfway(before: f64, take: u64, total: u64) -> f64 {
    let after = before + take as f64 * 100.0 / total as f64;
    let middle = f64::midpoint(before, after);
    (1..=6)
        .filter_map(|digits| format!("{middle:.digits$}").parse().ok())
        .find(|rounded| (middle - rounded).abs() < (after - before) / 4.0)
        .unwrap_or(middle)
}

fn lowered(rule: Rule, real: f64, now: f64, before: f64) -> String {
    format!(
        "Sets the threshold of {} for this demo from {} to {}: {before:.2} % are in use now, so the issue opens without \
         the machine coming close to its limits.",
        rule.as_str(),
        threshold_text(rule, real),
        threshold_text(rule, now),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Disk, Memory, Sample};

    fn around(memory: (u64, u64), disk: (u64, u64)) -> Surroundings {
        Surroundings {
            sample: Sample {
                node: "n".into(),
                load1: Some(0.0),
                physical_cores: Some(2),
                logical_cores: 4,
                memory: Memory {
                    total: memory.0,
                    available: memory.1,
                },
                disks: Vec::new(),
            },
            container_memory: None,
            folder: "/data/demo".into(),
            disk: Some(Disk {
                mount: "/data".into(),
                total: disk.0,
                available: disk.1,
                ..Disk::default()
            }),
        }
    }

    const GIB: u64 = 1 << 30;

    #[test]
    fn c7_enough_threads_for_the_real_threshold() {
        let mut around = around((GIB, GIB), (GIB, GIB));
        let settings = HostSettings::default();
        for (physical, logical, threads) in [
            (Some(2), 4, 7),
            (Some(8), 16, 25),
            (None, 3, 10),
            (Some(1), 1, 4),
        ] {
            around.sample.physical_cores = physical;
            around.sample.logical_cores = logical;
            let plan = plan(StressKind::Cpu, &around, &settings).unwrap();
            assert_eq!(plan.work, Work::Busy { threads });
            assert_eq!(plan.settings, settings);
        }
        around.sample.physical_cores = Some(2000);
        assert_eq!(
            plan(StressKind::Cpu, &around, &settings),
            Err(PlanError::TooManyThreads { threads: 6001 })
        );
        around.sample.physical_cores = None;
        around.sample.logical_cores = 0;
        assert!(plan(StressKind::Cpu, &around, &settings).is_err());
    }

    #[test]
    fn c7_memory_is_never_the_last_and_its_threshold_lies_between_before_and_after() {
        let settings = HostSettings::default();
        for (total, available, expected) in [
            (64 * GIB, 48 * GIB, STRESS_MEMORY_MAX),
            (4 * GIB, 2 * GIB, 2 * GIB / 10),
            (GIB, 100 << 20, 10 << 20),
        ] {
            let around = around((total, available), (GIB, GIB));
            let plan = plan(StressKind::Memory, &around, &settings).unwrap();
            assert_eq!(plan.work, Work::Hold { bytes: expected });
            plan.settings.validate().unwrap();
            let with = |available| Memory { total, available }.used_percent().unwrap();
            let line = plan.settings.memory.above;
            assert!(
                with(available) < line && line < with(available - expected),
                "{line}"
            );
        }
        let mut small = around((8 * GIB, 4 * GIB), (GIB, GIB));
        small.container_memory = Some(200 << 20);
        let taken = plan(StressKind::Memory, &small, &settings).unwrap().work;
        assert_eq!(
            taken,
            Work::Hold { bytes: 20 << 20 },
            "a container's limit counts"
        );
        small.container_memory = Some(1 << 20);
        assert!(matches!(
            plan(StressKind::Memory, &small, &settings),
            Err(PlanError::TooLittleRoom { .. })
        ));
    }

    #[test]
    fn c7_the_file_is_small_and_only_its_file_system_is_watched() {
        let settings = HostSettings::default();
        let around = around((GIB, GIB), (250 * GIB, 72 * GIB));
        let plan = plan(StressKind::Disk, &around, &settings).unwrap();
        let Work::Fill { bytes, .. } = &plan.work else {
            panic!("{plan:?}")
        };
        assert_eq!(*bytes, STRESS_FILE_MAX);
        plan.settings.validate().unwrap();
        assert_eq!(plan.settings.disk.mounts.include, ["/data"]);
        let disk = around.disk.unwrap();
        let after = Disk {
            available: disk.available - bytes,
            ..disk.clone()
        };
        let line = plan.settings.disk.above;
        assert!(disk.used_percent().unwrap() < line && line < after.used_percent().unwrap());
    }

    #[test]
    fn a_folder_that_no_rule_watches_is_refused_with_what_to_do() {
        let mut around = around((GIB, GIB), (GIB, GIB));
        around.disk = None;
        let error = plan(StressKind::Disk, &around, &HostSettings::default()).unwrap_err();
        assert!(
            error.to_string().contains("give a folder on a disk"),
            "{error}"
        );
    }

    #[test]
    fn c8_each_plan_says_what_will_be_done_in_sentences() {
        let around = around((8 * GIB, 4 * GIB), (80 * GIB, 40 * GIB));
        for (kind, words) in [
            (StressKind::Cpu, ["7 busy threads", "core_load", "10m"]),
            (StressKind::Memory, ["409.6 MiB", "from 90 % to", "10m"]),
            (
                StressKind::Disk,
                ["256.0 MiB into /data/demo/", "from 80 % to", "10m"],
            ),
        ] {
            let told = plan(kind, &around, &HostSettings::default())
                .unwrap()
                .sentences;
            assert!(
                told.iter().all(|sentence| sentence.ends_with('.')),
                "{told:?}"
            );
            let text = told.join(" ");
            for word in words {
                assert!(text.contains(word), "{word} in {text}");
            }
        }
    }

    #[test]
    fn kinds_read_back_and_others_are_refused() {
        for kind in StressKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("network".parse::<StressKind>().is_err());
    }
}
