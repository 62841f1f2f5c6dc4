//! The engine on a real store, with real HTTP to the sandbox, and time moved by hand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod delivery;
mod groups;
mod harness;
mod holds;
mod keeping;
mod outages;
mod place;
mod settings;
mod silences;
mod story;
mod texts;
mod trials;
mod twin;
