//! The decision table, row by row (docs/lanes.md), and what stands around it.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of test functions"
)]

mod beyond;
mod changes;
mod ends;
mod kit;
mod rows;
