//! The webhook: every event of an alert as one signed POST, in the form of Standard Webhooks.

mod form;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::WEBHOOK;
