//! ntfy: every event of an alert as a push message of a topic.

mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::NTFY;
