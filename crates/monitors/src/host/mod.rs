//! Host rules: core load, disk and memory of one node (checklist E6–E13).
//!
//! [`HostSampler`] reads the machine, [`HostRules`] decides, [`run`](run()) connects the two to the hub.

mod disks;
mod message;
mod rules;
mod run;
mod sample;
mod sampler;
mod settings;
mod watch;

pub(crate) use disks::watched;
pub(crate) use message::{bytes, threshold_text};
pub use rules::{HostRules, Rule};
pub use run::{SinkError, run};
pub use sample::{Disk, Memory, Sample, Sampler};
pub use sampler::{HostSampler, SamplerError};
pub use settings::{
    CoreLoadSettings, DiskSettings, HostSettings, InvalidSettings, MemorySettings, MountSettings,
    Problem,
};
