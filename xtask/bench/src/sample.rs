//! One measurement, with what it cost.

use serde::Serialize;

use crate::clock::Stopwatch;
use crate::rows::Row;
use crate::servers::{Kind, Server};
use crate::usage::{Disk, Usage, machine_cpu};

/// One figure of one server in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    pub row: Row,
    #[serde(skip)]
    pub kind: Kind,
    /// In the row's unit.
    pub value: f64,
    #[serde(flatten)]
    pub costs: Costs,
    /// What else was seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What was spent on a figure.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Costs {
    /// Processor time of the server for each alert or request, in microseconds.
    pub cpu_us: Option<f64>,
    /// The most memory that the server ever had until then, in bytes.
    pub peak: Option<u64>,
    /// Flushes of the disk meanwhile, by whatever program, for each thousand alerts or requests.
    pub flushes: Option<f64>,
    /// How much of the machine's processors others than server and bench took: 0 on a quiet machine.
    pub others: f64,
}

/// A stretch of time under measurement.
pub struct Span {
    disk: Disk,
    server: Usage,
    flushes: Option<u64>,
    others: Others,
}

impl Span {
    pub fn begin(server: &mut Server, disk: Disk) -> anyhow::Result<Span> {
        Ok(Span {
            server: server.usage()?,
            flushes: disk.flushes(),
            disk,
            others: Others::begin()?,
        })
    }

    /// What has been spent since the beginning on so many alerts or requests.
    pub fn costs(&self, server: &mut Server, units: usize) -> anyhow::Result<Costs> {
        let units = units as f64;
        let usage = server.usage()?;
        let cpu = usage.cpu - self.server.cpu;
        let flushes = self.disk.flushes().zip(self.flushes);
        Ok(Costs {
            cpu_us: Some(cpu * 1e6 / units),
            peak: Some(usage.peak),
            flushes: flushes.map(|(now, before)| (now - before) as f64 * 1000.0 / units),
            others: self.others.share(cpu)?,
        })
    }
}

/// Watches what programs that have no part in the measurement take.
pub struct Others {
    watch: Stopwatch,
    bench: f64,
    machine: f64,
}

impl Others {
    pub fn begin() -> anyhow::Result<Others> {
        Ok(Others {
            watch: Stopwatch::start(),
            bench: Usage::of(std::process::id())?.cpu,
            machine: machine_cpu(),
        })
    }

    /// Their share of the processors, where the server took so many seconds.
    pub fn share(&self, server: f64) -> anyhow::Result<f64> {
        let bench = Usage::of(std::process::id())?.cpu - self.bench;
        let others = (machine_cpu() - self.machine - server - bench).max(0.0);
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        Ok(others / (self.watch.seconds() * processors))
    }
}
