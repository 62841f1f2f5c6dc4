//! Stores carried from one place to another: copies, backups, dumps, and databases of older schemas.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

mod backup;
mod configured;
mod copy;
mod dump;
mod fill;
#[path = "../conformance/make.rs"]
#[expect(dead_code, reason = "made for the suite; here some of it is used")]
mod make;
mod read;
mod upgrades;
