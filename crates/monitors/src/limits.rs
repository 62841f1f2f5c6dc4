//! Every limit of the monitors, each with its reason (I10).

use model::DurationMs;

/// A node's name in bytes: the longest DNS name.
pub const NODE_BYTES_MAX: usize = 253;
/// A watched mount's path in bytes: Kubernetes' volume paths have about 150, and rule, node and mount together
/// stay under `model::limits::KEY_BYTES_MAX`. File systems mounted deeper are left out.
pub const MOUNT_BYTES_MAX: usize = 240;
/// File systems watched on one node; a container host with more repeats its volumes' mounts.
pub const DISKS_MAX: usize = 512;
/// Entries of `mounts.include` and of `mounts.exclude`.
pub const MOUNT_PATTERNS_MAX: usize = 256;
/// Shortest time between two looks: the load average itself moves every five seconds, a demo wants to be quick.
pub const EVERY_MIN: DurationMs = DurationMs::from_secs(1);
/// Longest time between two looks: beyond it the 1-minute load average misses what happened between them.
pub const EVERY_MAX: DurationMs = DurationMs::from_mins(1);
/// Measurements in a row that "consistently" may ask for: an hour at the longest interval.
pub const SAMPLES_MAX: u32 = 60;
/// Longest stress: a forgotten demo gives the machine back.
pub const STRESS_MAX: DurationMs = DurationMs::from_mins(10);
/// Busy threads: enough for 300 cores; beyond it a demo disturbs more than it shows.
pub const STRESS_THREADS_MAX: u32 = 1024;
/// Memory that stress holds, besides a tenth of what is available: never the last of it, and enough that other
/// programs' coming and going does not hide its end.
pub const STRESS_MEMORY_MAX: u64 = 2 << 30;
/// Size of stress' file, besides a hundredth of what is free.
pub const STRESS_FILE_MAX: u64 = 256 << 20;
/// Less than this cannot be told from what other programs do meanwhile.
pub const STRESS_BYTES_MIN: u64 = 4 << 20;
