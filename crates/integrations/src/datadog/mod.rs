//! Datadog: every event of an alert as an event of Datadog's, those of one alert grouped by its id.

mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::DATADOG;
