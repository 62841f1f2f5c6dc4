//! Reads this machine.

use std::path::Path;

use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, System};

use super::sample::{Disk, Memory, Sample, Sampler};

/// Reads load, cores, memory and mounts of the machine it runs on.
///
/// In a container, load, cores and memory are the host's (`/proc` is), not the container's limits; mounts are those
/// that the container sees. Run the monitor on the host for the host's disks. Network file systems (NFS, CIFS) and
/// what automount would mount are not looked at, because a stat of them may block for ever when their server is gone.
pub struct HostSampler {
    system: System,
    disks: Disks,
}

/// The machine cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read this machine ({0}): the host monitor needs /proc; leave the source out where there is none"
)]
pub struct SamplerError(sysinfo::Error);

impl HostSampler {
    pub fn new() -> Result<HostSampler, SamplerError> {
        Ok(HostSampler {
            system: System::new().map_err(SamplerError)?,
            disks: Disks::new().map_err(SamplerError)?,
        })
    }
}

impl Sampler for HostSampler {
    fn sample(&mut self) -> Sample {
        self.system
            .refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.system.refresh_cpu_list(CpuRefreshKind::nothing());
        self.disks
            .refresh_specifics(true, DiskRefreshKind::nothing());
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Sample {
            node: System::host_name().unwrap_or_default(),
            load1: System::load_average().ok().map(|load| load.one),
            physical_cores: System::physical_core_count().ok().map(count),
            logical_cores: count(self.system.cpus().len()),
            memory: Memory {
                total: self.system.total_memory(),
                available: self.system.available_memory(),
            },
            disks: self.disks.iter().map(disk).collect(),
        }
    }
}

fn disk(found: &sysinfo::Disk) -> Disk {
    let (total, available) = usable(found.mount_point()).unwrap_or((0, 0));
    Disk {
        mount: found.mount_point().to_string_lossy().into_owned(),
        device: found.name().to_string_lossy().into_owned(),
        fs: found.file_system().to_string_lossy().into_owned(),
        total,
        available,
    }
}

/// Size and free space as `df` counts its percentage: without the blocks that are reserved for root.
fn usable(mount: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(mount).ok()?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let total = used.saturating_add(stat.f_bavail);
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some((bytes(total), bytes(stat.f_bavail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_of_proc() -> f64 {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn e6_the_load_is_the_one_minute_average_of_the_machine() {
        let mut sampler = HostSampler::new().unwrap();
        // The kernel moves it every five seconds: a look that was preempted across two moves is repeated.
        let agrees = (0..5).any(|_| {
            let before = load_of_proc();
            let load = sampler.sample().load1.unwrap();
            load == before || load == load_of_proc()
        });
        assert!(agrees);
    }

    #[test]
    fn this_machine_reads_plausibly() {
        let sample = HostSampler::new().unwrap().sample();
        assert!(!sample.node.is_empty());
        let (cores, _) = sample.cores().unwrap();
        assert!(cores >= 1 && cores <= sample.logical_cores);
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let logical = info
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count();
        assert_eq!(sample.logical_cores as usize, logical);
        assert!(sample.memory.total > 64 << 20);
        assert!(sample.memory.available > 0 && sample.memory.available < sample.memory.total);
        for disk in &sample.disks {
            assert!(
                disk.mount.starts_with('/') && !disk.fs.is_empty(),
                "{disk:?}"
            );
            assert!(disk.available <= disk.total, "{disk:?}");
        }
    }

    #[test]
    fn e9_disk_usage_is_the_percentage_that_df_shows() {
        let here = std::env::current_dir().unwrap();
        let run = std::process::Command::new("df")
            .arg("--output=pcent,target")
            .arg(&here)
            .output();
        let text = String::from_utf8(run.unwrap().stdout).unwrap();
        let line = text.lines().nth(1).unwrap().trim();
        let (percent, mount) = line.split_once("% ").unwrap();
        let (total, available) = usable(Path::new(mount)).unwrap();
        let ours = Disk {
            total,
            available,
            ..Disk::default()
        }
        .used_percent()
        .unwrap();
        // df rounds up to whole percents, and others write meanwhile.
        let theirs: f64 = percent.trim().parse().unwrap();
        assert!(
            (theirs - 2.0..=theirs + 1.0).contains(&ours),
            "{ours} against {theirs}"
        );
    }
}
