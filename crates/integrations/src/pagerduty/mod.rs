//! PagerDuty: a service's integration key over Events API v2 (`pagerduty`, issues as incidents), and change events
//! (`pagerduty_change`, notifications beside them, which page nobody).

mod change;
mod judge;
mod kind;
mod manifest;
mod plan;
mod render;
mod rest;
mod settings;
mod sink;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_rest;

pub use change::PAGERDUTY_CHANGE;
pub use kind::PAGERDUTY;
