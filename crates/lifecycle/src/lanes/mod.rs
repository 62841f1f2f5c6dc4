//! Lanes: what each integration is told, when, and why not.
//!
//! ```text
//! enter, raise ─► lane ─► plan ─► Send ─► claim ─► (a sink talks) ─► record ─┐
//!                  ▲        │                        lapse (lease over) ─► record
//!                  │        ├─► Skip ─► skip ─┐                              │
//!                  └────────┴─────────────────┴──────────────────────────────┘
//! ```
//! All of it is pure (I2). The table is docs/lanes.md; `tests/lane_model` tries it against simulated vendors.

mod change;
mod enter;
mod explain;
mod plan;
mod policy;
mod record;

pub use change::{
    hear, hold, in_doubt_after_unclean_start, keeps_alert, release, replay, retarget, skip,
};
pub use enter::{Raised, enter, raise};
pub use explain::{SkipReason, WaitReason};
pub use plan::{Plan, due_at, plan};
pub use policy::{EventKinds, LanePolicy, RetrySchedule};
pub use record::{Recorded, Verdict, claim, give_back, idempotency_key, lapse, record};
