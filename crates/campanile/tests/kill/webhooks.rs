//! Every webhook that arrived, in its order, read from the sandbox before it forgets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sandbox::Sandbox;
use sandbox::webhook::{Delivery, Webhook};
use serde_json::Value;

use crate::{Shared, pause};

/// Between two looks; the sandbox keeps some ten seconds' worth.
const LOOK_EVERY_MS: i64 = 300;

/// What one alert's webhooks said.
#[derive(Debug, Default)]
pub struct Heard {
    /// (webhook-id, event number, event kind) as they first came.
    pub first: Vec<(String, u64, String)>,
    /// Further arrivals of a known id.
    pub again: u64,
}

#[derive(Default)]
struct Seen {
    last: Option<Delivery>,
    by_alert: HashMap<String, Heard>,
    arrived: u64,
    problems: Vec<String>,
}

#[derive(Clone)]
pub struct Webhooks {
    sandbox: Sandbox,
    seen: Shared<Seen>,
}

impl Webhooks {
    pub fn watch(sandbox: Sandbox) -> Webhooks {
        let webhooks = Webhooks {
            sandbox,
            seen: Arc::new(Mutex::new(Seen::default())),
        };
        let watching = webhooks.clone();
        tokio::spawn(async move {
            loop {
                watching.catch_up();
                pause(LOOK_EVERY_MS).await;
            }
        });
        webhooks
    }

    /// Reads what came since the last look.
    pub fn catch_up(&self) {
        let webhook: &Webhook = self.sandbox.vendor().unwrap();
        let mut seen = self.seen.lock().unwrap();
        let all = webhook.deliveries(None);
        let known = seen.last.as_ref().map(|last| {
            let is_last = |d: &Delivery| Arc::ptr_eq(&d.request, &last.request);
            all.iter().rposition(is_last)
        });
        let from = match known {
            None => 0,
            Some(Some(place)) => place + 1,
            Some(None) => {
                let problem = "webhooks came faster than they were read";
                seen.problems.push(problem.to_owned());
                0
            }
        };
        for delivery in &all[from..] {
            seen.take(delivery);
        }
        seen.last = all.last().cloned();
    }

    pub fn look<T>(&self, at: impl FnOnce(&HashMap<String, Heard>) -> T) -> T {
        at(&self.seen.lock().unwrap().by_alert)
    }

    pub fn arrived(&self) -> u64 {
        self.seen.lock().unwrap().arrived
    }

    pub fn problems(&self) -> Vec<String> {
        self.seen.lock().unwrap().problems.clone()
    }
}

impl Seen {
    fn take(&mut self, delivery: &Delivery) {
        self.arrived += 1;
        if !delivery.verified {
            self.problems
                .push(format!("refused with {}", delivery.status));
            return;
        }
        let id = delivery.request.header("webhook-id").unwrap().to_owned();
        let body: Value = serde_json::from_slice(&delivery.request.body).unwrap();
        let alert = body["data"]["alert"]["id"].as_str().unwrap();
        let event = &body["data"]["event"];
        let (seq, kind) = (
            event["seq"].as_u64().unwrap(),
            event["kind"].as_str().unwrap(),
        );
        let heard = self.by_alert.entry(alert.to_owned()).or_default();
        let known = heard.first.iter().rev().find(|(known, ..)| *known == id);
        match known {
            None => heard.first.push((id, seq, kind.to_owned())),
            Some((_, known_seq, known_kind)) => {
                if (*known_seq, known_kind.as_str()) != (seq, kind) {
                    let problem = format!("{id} came as event {known_seq}, then as {seq}");
                    self.problems.push(problem);
                }
                heard.again += 1;
            }
        }
    }
}
