//! The HTTP side over a real hub, a real store and real sockets.

mod actions;
mod bad_input;
mod harness;
mod listings;
mod openapi;
mod operations;
mod stream;
mod ways_in;
