//! Real stress for `demo --stress`, within safe bounds (C6–C10): [`plan()`] says what would be done, [`Plan::start`]
//! does it, dropping the [`Stress`] undoes it. Nothing lasts longer than `limits::STRESS_MAX`.

mod plan;
mod surroundings;
mod work;

pub use plan::{Plan, PlanError, StressKind, plan};
pub use surroundings::{Surroundings, SurroundingsError};
pub use work::{FILE_NAME, Stress, remove_leftovers};
