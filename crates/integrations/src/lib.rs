//! The catalogue of vendors. One folder a vendor, whatever it is: dialect (way in), sink (way out), callback.
//!
//! Everything here is pure: bytes in, signals out; a task in, a request out; a reply in, a verdict out. What a
//! vendor is and needs stands in its manifest; forms, reference pages, masks and conformance tests come from there.

pub mod kit;
pub mod pages;
pub mod registry;

mod alertmanager;
mod alertmanager_webhook;
mod datadog;
mod flowdock;
mod generic;
mod hipchat;
mod newrelic;
mod sendgrid;
mod slack;
mod webhook;
