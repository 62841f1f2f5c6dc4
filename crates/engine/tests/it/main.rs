//! The engine on a real store, with real HTTP to the sandbox, and time moved by hand.

mod delivery;
mod harness;
mod outages;
mod settings;
