//! Loops that look, compare and act: intake, dispatcher, timers, catalogue, housekeeping.

pub mod desired;
