//! The vendors that are simulated. A new one is a folder of its own and one line here.

use crate::vendor::Vendor;

pub(crate) fn all() -> Vec<Box<dyn Vendor>> {
    vec![
        Box::new(crate::slack::Slack::default()),
        Box::new(crate::webhook::Webhook::default()),
    ]
}
