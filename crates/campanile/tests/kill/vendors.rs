//! The simulated vendors, and what goes wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use sandbox::slack::{Message, Slack};
use sandbox::webhook::Webhook;
use sandbox::{Cut, Fault, Sandbox, SandboxOptions};

use crate::now;
use crate::webhooks::Webhooks;

pub const CHANNEL: &str = "#kills";
pub const SLACK_TOKEN: &str = "xoxb-kills";
pub const WEBHOOK_PATH: &str = "/kills";
pub const SECRET: &str = "whsec_a2lsbC10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5";
/// Of each kind; three kinds make a fifth.
const FAULT_RATE: f64 = 0.07;

pub struct Vendors {
    pub sandbox: Sandbox,
    pub url: String,
    pub webhooks: Webhooks,
}

impl Vendors {
    /// Faulty from the beginning.
    pub async fn start(seed: u64) -> Vendors {
        let mut options = SandboxOptions::new(Arc::new(now));
        options.limits = false;
        let sandbox = Sandbox::new(options).unwrap();
        let webhook: &Webhook = sandbox.vendor().unwrap();
        webhook
            .set_secrets(WEBHOOK_PATH, &[SECRET.to_owned()])
            .unwrap();
        for (number, vendor) in ["slack", "webhook"].into_iter().enumerate() {
            for (kind, (status, cut)) in [
                (Some(500), None),
                (None, Some(Cut::After)),
                (None, Some(Cut::Before)),
            ]
            .into_iter()
            .enumerate()
            {
                let fault = Fault {
                    vendor: vendor.to_owned(),
                    status,
                    cut,
                    rate: Some(FAULT_RATE),
                    seed: seed + (number * 3 + kind) as u64,
                    ..Fault::default()
                };
                sandbox.add_fault(fault).unwrap();
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
        let webhooks = Webhooks::watch(sandbox.clone());
        Vendors {
            sandbox,
            url,
            webhooks,
        }
    }

    /// No more faults.
    pub fn heal(&self) {
        self.sandbox.remove_faults(None);
    }

    pub fn violations(&self) -> Vec<String> {
        let all = self.sandbox.violations();
        let mut shown: Vec<String> = all.iter().take(5).map(|v| format!("{v:?}")).collect();
        if self.sandbox.violation_count() > 0 && shown.is_empty() {
            shown.push(format!("{} violations", self.sandbox.violation_count()));
        }
        shown
    }

    pub fn requests(&self) -> u64 {
        self.sandbox.request_counts().0
    }

    /// The channel's messages by the alert that they name.
    pub fn messages(&self) -> HashMap<String, Vec<Message>> {
        let slack: &Slack = self.sandbox.vendor().unwrap();
        let mut by_alert: HashMap<String, Vec<Message>> = HashMap::new();
        for message in slack.messages(CHANNEL) {
            by_alert
                .entry(alert_of(&message))
                .or_default()
                .push(message);
        }
        by_alert
    }
}

/// The footer is `project · integration · alert`.
fn alert_of(message: &Message) -> String {
    let footer = message.content.attachments[0]["footer"].as_str();
    footer
        .and_then(|text| text.rsplit(" · ").next())
        .unwrap_or_default()
        .to_owned()
}
