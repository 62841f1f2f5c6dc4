//! Telegram: one message an alert, posted by a bot and edited as the alert goes on; notes answer to it.

mod judge;
mod kind;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use kind::TELEGRAM;
