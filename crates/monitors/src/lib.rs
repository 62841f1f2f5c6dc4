//!

pub mod host;
pub mod limits;
