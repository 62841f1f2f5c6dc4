//! Discord: one message an alert, posted through a webhook of a channel and edited as the alert goes on.

mod judge;
mod kind;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use kind::DISCORD;
