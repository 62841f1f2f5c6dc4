//! Flowdock: every event of an alert in a flow, in one thread. Its cloud is gone; bridges are left.

mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::FLOWDOCK;
