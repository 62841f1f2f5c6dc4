//! The vendors that are simulated. A new one is a folder of its own and one line here.

use crate::vendor::Vendor;

/// Every vendor, empty; those that keep requests of their own keep at most `keep`.
pub(crate) fn all(keep: usize) -> Vec<Box<dyn Vendor>> {
    vec![
        Box::new(crate::dingtalk::DingTalk::default()),
        Box::new(crate::discord::Discord::default()),
        Box::new(crate::ntfy::Ntfy::default()),
        Box::new(crate::slack::Slack::default()),
        Box::new(crate::teams::Teams::default()),
        Box::new(crate::telegram::Telegram::default()),
        Box::new(crate::webhook::Webhook::keeping(keep)),
        Box::new(crate::pagerduty::PagerDuty::default()),
        Box::new(crate::victorops::VictorOps::default()),
        Box::new(crate::datadog::Datadog::default()),
        Box::new(crate::newrelic::NewRelic::default()),
        Box::new(crate::sendgrid::SendGrid::default()),
        Box::new(crate::opsgenie::Opsgenie::default()),
        Box::new(crate::jsm::Jsm::default()),
        Box::new(crate::flowdock::Flowdock::default()),
        Box::new(crate::hipchat::HipChat::default()),
    ]
}
