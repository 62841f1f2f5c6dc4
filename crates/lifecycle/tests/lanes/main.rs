//! The decision table, row by row (docs/lanes.md), and what stands around it.

mod beyond;
mod changes;
mod ends;
mod kit;
mod rows;
