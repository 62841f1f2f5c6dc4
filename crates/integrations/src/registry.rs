//! The list: a vendor is one folder and one line here.

use crate::kit::{Dialect, SinkKind};
use crate::{
    alertmanager, alertmanager_webhook, datadog, flowdock, generic, hipchat, newrelic, sendgrid,
    slack, webhook,
};

/// Every way out.
pub static SINKS: &[&dyn SinkKind] = &[
    &slack::SLACK,
    &slack::SLACK_WEBHOOK,
    &webhook::WEBHOOK,
    &datadog::DATADOG,
    &newrelic::NEWRELIC,
    &sendgrid::SENDGRID,
    &flowdock::FLOWDOCK,
    &hipchat::HIPCHAT,
];

/// Every way in.
pub static DIALECTS: &[&dyn Dialect] = &[
    &alertmanager::ALERTMANAGER,
    &alertmanager_webhook::ALERTMANAGER_WEBHOOK,
    &generic::GENERIC,
];

/// The sink of this name.
pub fn sink(name: &str) -> Option<&'static dyn SinkKind> {
    SINKS
        .iter()
        .copied()
        .find(|kind| kind.manifest().name == name)
}

/// The dialect of this name.
pub fn dialect(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS
        .iter()
        .copied()
        .find(|dialect| dialect.manifest().name == name)
}
