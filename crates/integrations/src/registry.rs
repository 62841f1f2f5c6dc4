//! The list: a vendor is one folder and one line here.

use crate::kit::{Dialect, SinkKind};

/// Every way out.
pub static SINKS: &[&dyn SinkKind] = &[
    &crate::slack::SLACK,
    &crate::slack::SLACK_WEBHOOK,
    &crate::webhook::WEBHOOK,
    &crate::pagerduty::PAGERDUTY,
    &crate::pagerduty::PAGERDUTY_CHANGE,
    &crate::opsgenie::OPSGENIE,
    &crate::jsm::JSM,
    &crate::victorops::VICTOROPS,
    &crate::datadog::DATADOG,
    &crate::newrelic::NEWRELIC,
    &crate::sendgrid::SENDGRID,
    &crate::discord::DISCORD,
    &crate::telegram::TELEGRAM,
    &crate::teams::TEAMS,
    &crate::dingtalk::DINGTALK,
    &crate::ntfy::NTFY,
    &crate::flowdock::FLOWDOCK,
    &crate::hipchat::HIPCHAT,
];

/// Every way in.
pub static DIALECTS: &[&dyn Dialect] = &[
    &crate::alertmanager::ALERTMANAGER,
    &crate::alertmanager_webhook::ALERTMANAGER_WEBHOOK,
    &crate::generic::GENERIC,
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
