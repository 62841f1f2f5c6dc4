//! Two equal nodes on one shared store, with moved time.

mod duties;
mod outages;
mod repeats;
mod signals;
mod store;
mod world;

pub use world::Twins;
