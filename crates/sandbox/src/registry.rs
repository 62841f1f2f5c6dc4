//! The vendors that are simulated. A new one is a folder of its own and one line here.

use crate::vendor::Vendor;

/// Every vendor, empty; those that keep requests of their own keep at most `keep`.
pub(crate) fn all(keep: usize) -> Vec<Box<dyn Vendor>> {
    vec![
        Box::new(crate::slack::Slack::default()),
        Box::new(crate::webhook::Webhook::keeping(keep)),
        Box::new(crate::datadog::Datadog::default()),
        Box::new(crate::newrelic::NewRelic::default()),
        Box::new(crate::sendgrid::SendGrid::default()),
        Box::new(crate::flowdock::Flowdock::default()),
        Box::new(crate::hipchat::HipChat::default()),
    ]
}
