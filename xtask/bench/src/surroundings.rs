//! On what the figures were measured: without it they say nothing.

use serde::Serialize;

/// The machine and the programs.
#[derive(Serialize)]
pub struct Surroundings {
    pub processor: String,
    pub processors: usize,
    pub memory_gb: u64,
    pub kernel: String,
    /// Programs that wanted to run, on the average of the last minute.
    pub load: String,
    /// `None`: it was not measured.
    pub alertmanager: Option<String>,
    pub campanile: &'static str,
    pub at: String,
}

pub fn look(alertmanager: Option<String>) -> anyhow::Result<Surroundings> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or(String::new(), |(_, v)| v.trim().to_owned())
    };
    let kilobytes: u64 = after(&memory, "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or(0);
    let load = read("/proc/loadavg");
    Ok(Surroundings {
        processor: after(&cpu, "model name"),
        processors: std::thread::available_parallelism()?.get(),
        memory_gb: kilobytes.div_ceil(1024 * 1024),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load: load.split(' ').next().unwrap_or_default().to_owned(),
        alertmanager,
        campanile: env!("CARGO_PKG_VERSION"),
        at: jiff::Timestamp::from_second(crate::clock::unix_seconds())?.to_string(),
    })
}
