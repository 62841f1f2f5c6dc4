//! New Relic: every event of an alert as a custom event in New Relic's database.

mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::NEWRELIC;
