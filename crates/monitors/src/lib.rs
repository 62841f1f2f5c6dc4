//! Code that watches something and emits signals, and the stress that makes it do so.
//!
//! [`host`]: core load, disks and memory of this machine. [`stress`]: what `demo --stress` does to it, within bounds.

pub mod host;
pub mod limits;
pub mod stress;
