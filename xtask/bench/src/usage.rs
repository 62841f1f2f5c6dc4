//! What processes and the disk did, by the kernel's own books in `/proc`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

/// Ticks of `/proc/PID/stat` in a second: fixed in the kernel's interface.
const TICKS: f64 = 100.0;

/// One process, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time of all its threads, the ended ones too.
    pub cpu: f64,
    /// The most memory that was ever resident, in bytes.
    pub peak: u64,
}

impl Usage {
    /// # Errors
    /// The process is gone.
    pub fn of(pid: u32) -> anyhow::Result<Usage> {
        let read = |what: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/{what}"))
                .with_context(|| format!("process {pid} is gone"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        let cpu = cpu_ticks(&stat).context("/proc/PID/stat cannot be read")? / TICKS;
        let peak = kilobytes(&status, "VmHWM:").context("the process has ended")?;
        Ok(Usage {
            cpu,
            peak: peak * 1024,
        })
    }
}

/// User and system time, after the name, which may hold anything.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seconds that programs of the whole machine have run, without interrupts and waiting.
pub fn machine_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace();
    // user, nice, system
    let busy: f64 = fields
        .skip(1)
        .take(3)
        .filter_map(|f| f.parse::<f64>().ok())
        .sum();
    busy / TICKS
}

/// The disk that holds a folder.
#[derive(Clone, Copy)]
pub struct Disk {
    major: u64,
    minor: u64,
}

impl Disk {
    pub fn under(folder: &Path) -> anyhow::Result<Disk> {
        let device = std::fs::metadata(folder)?.dev();
        // As the C library's `major` and `minor` do.
        Ok(Disk {
            major: (device >> 8) & 0xfff,
            minor: (device & 0xff) | ((device >> 12) & 0xf_ff00),
        })
    }

    /// Flushes that the disk has done since the machine's start, whoever asked for them. Every `fsync` that reaches a
    /// disk with a cache of its own is one. `None` where the kernel does not count them for this file system.
    pub fn flushes(self) -> Option<u64> {
        flushes(&std::fs::read_to_string("/proc/diskstats").ok()?, self)
    }
}

fn flushes(table: &str, disk: Disk) -> Option<u64> {
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (major, minor) = (
            fields.first()?.parse::<u64>(),
            fields.get(1)?.parse::<u64>(),
        );
        let is_it = major.ok()? == disk.major && minor.ok()? == disk.minor;
        is_it.then(|| fields.get(18)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_books_are_read_rightly() {
        let stat = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4 0 9 9 9";
        assert_eq!(cpu_ticks(stat), Some(300.0));
        assert_eq!(
            kilobytes("VmPeak: 9 kB\nVmHWM:\t  512 kB\n", "VmHWM:"),
            Some(512)
        );
        let table = "7 0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n\
                     254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 185757 17";
        let disk = Disk {
            major: 254,
            minor: 0,
        };
        assert_eq!(flushes(table, disk), Some(185_757));
        assert_eq!(flushes(table, Disk { major: 8, minor: 0 }), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.peak > 100_000);
        assert!(machine_cpu() > 0.0);
    }
}
