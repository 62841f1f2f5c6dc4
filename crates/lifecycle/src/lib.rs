//! Every decision about alerts and lanes, as pure functions: what to do, and why (I2). No I/O; time and chance
//! are arguments.

pub mod lanes;
pub mod matching;
mod step;

pub use step::{Change, Decision, Identity, Input, Refusal, SourcePolicy, StepContext, step};
