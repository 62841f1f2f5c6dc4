//! VictorOps, now Splunk On-Call: its REST endpoint, where the body of an answer decides and not its status.

mod judge;
mod kind;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use kind::VICTOROPS;
