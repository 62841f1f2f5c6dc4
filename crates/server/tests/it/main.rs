//! The HTTP side over a real hub, a real store and real sockets.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod actions;
mod bad_input;
mod harness;
mod listings;
mod openapi;
mod operations;
mod silences;
mod stream;
mod ways_in;
