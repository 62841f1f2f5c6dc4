//! Jira Service Management Operations: its integration API takes Opsgenie's requests, as far as it has them.

mod sink;
#[cfg(test)]
mod tests;

pub use sink::JSM;
