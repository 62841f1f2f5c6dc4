//! Every decision about alerts and lanes, as pure functions: what to do, and why (I2). No I/O; time and chance
//! are arguments.

mod fold;
pub mod group;
pub mod lanes;
pub mod matching;
mod pick;
pub mod schedule;
mod step;

pub use fold::{FoldError, Folded, fold};
pub use pick::{is_live, pick};
pub use step::{Change, Decision, Identity, Input, Refusal, SourcePolicy, StepContext, step};
