//! Commands that talk to a hub: over its native API and, for `send`, over a source's own address.
//!
//! `http` asks, `find` turns what people type into an id, `text`, `table`, `show` make the answers readable (pure).

mod alerts;
mod attempts;
mod error;
mod find;
mod http;
mod integrations;
mod json;
mod list;
mod send;
mod show;
mod silences;
mod sse;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod watch;

pub use alerts::run as alerts;
pub use attempts::run as attempts;
pub use integrations::run as integrations;
pub use send::run as send;
pub use silences::run as silences;
pub use table::{Column, table};
pub use text::clean;
