//! What crosses the wire: outbound HTTP under an address policy, signatures, retry times, sealing of secrets,
//! templates, and the helpers that sinks share for texts.
//!
//! Only [`Egress::send`] and [`KeyRing::load_or_create`] (with its `save`) do I/O; the rest is pure. This is the only
//! crate of the product that makes outbound HTTP requests.

mod egress;
pub mod http;
pub mod limits;
pub mod redact;
mod retry;
mod seal;
pub mod signatures;
mod template;
pub mod text;

pub use egress::{Egress, EgressError, EgressPolicy, EgressSettings, NotARange, Refused};
pub use http::{HeaderText, HttpReply, HttpRequest, Sent, TransportError, TransportErrorKind};
pub use retry::{RetrySchedule, retry_after};
pub use seal::{KeyError, KeyRing, LoadedKeys, OpenError, SealError};
pub use template::{RenderError, Template, TemplateError, TemplateKind};
