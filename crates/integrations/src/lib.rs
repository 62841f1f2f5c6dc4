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
mod dingtalk;
mod discord;
mod flowdock;
mod generic;
mod hipchat;
mod jsm;
mod newrelic;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod sendgrid;
mod slack;
mod teams;
mod telegram;
mod victorops;
mod webhook;
