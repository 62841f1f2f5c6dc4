//! Opsgenie: one alert there for each alert here, through Alert API v2. Jira Service Management's integration API
//! (`jsm`) takes the same requests, but fewer kinds of them, and shares this code.

mod api;
mod calls;
mod form;
mod judge;
mod manifest;
mod plan;
mod preset;
mod render;
mod sink;
mod talk;
#[cfg(test)]
mod tests;

pub(crate) use api::Product;
pub(crate) use form::FormSettings;
pub(crate) use manifest::SENTENCES;
pub use sink::OPSGENIE;
pub(crate) use sink::{build, example_error};
pub(crate) use talk::REQUESTS_MAX;
