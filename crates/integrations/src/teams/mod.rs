//! Microsoft Teams: every event of an alert as an adaptive card, through a Workflows webhook.

mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::TEAMS;
