//! Loops that look, compare and act: intake, dispatcher, timers, catalogue, housekeeping.
//!
//! Each loop is woken by a hint and by a timer, takes no input but the store, and can run twice: crash, restart
//! and second node use the same path (I11).

pub mod catalog;
mod clock;
pub mod desired;
mod dispatch;
pub mod entering;
pub mod explain;
mod following;
mod hub;
mod intake;
mod keeping;
mod leases;
mod monitoring;
mod shared;
mod silencing;
mod starting;
pub mod telling;
mod testing;
mod timers;
mod walk;
mod watched;

pub use hub::{Hub, Parts, Retention, StartError};
pub use intake::{ActError, Busy, Fate, Intake, NotTaken, Taken};
pub use silencing::{PREVIEW_ALERTS_MAX, Preview, PreviewError};
pub use testing::Trial;
