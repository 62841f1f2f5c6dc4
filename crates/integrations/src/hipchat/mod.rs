//! HipChat: every event of an alert as a room notification. Its cloud is gone; servers and bridges are left.

mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::HIPCHAT;
