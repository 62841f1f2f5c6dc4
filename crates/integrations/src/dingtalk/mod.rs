//! DingTalk: every event of an alert as a text in a group, through a custom robot with signed addresses (C11).

mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::DINGTALK;
