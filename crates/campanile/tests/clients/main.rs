//! The real binary with clients that others wrote, and the sandbox at its other end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod alertmanager;
mod amtool;
mod caller;
mod compare;
#[path = "../kill/dice.rs"]
mod dice;
mod forwarding;
mod hub;
mod program;
mod prometheus;
mod trying;
