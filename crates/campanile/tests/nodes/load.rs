//! Twelve senders, each with keys of its own and some that all share, through whichever node takes the request.

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::{Addresses, EPISODES, REOPENING};
use crate::dice::Dice;
use crate::senders::{Sender, Sent, named};
use crate::truth::{Key, Truth};
use crate::{Shared, now, pause};

/// For three processes, four each.
const WORKERS: usize = 12;
const OWN_KEYS: usize = 14;
const SHARED_KEYS: u64 = 24;
/// Signals of one request, to either source.
const BATCH: usize = 7;
const SEVERITIES: [&str; 3] = ["critical", "major", "warning"];

pub struct Load {
    stop: watch::Sender<bool>,
    truth: Shared<Truth>,
    tasks: Vec<JoinHandle<()>>,
    addresses: Addresses,
    began: i64,
}

impl Load {
    /// Sends until stopped, or until so many signals are accepted; each sender rests so long between two requests.
    pub fn start(addresses: &Addresses, signals: u64, rest_ms: i64) -> Load {
        let (stop, stopped) = watch::channel(false);
        let truth = Shared::<Truth>::default();
        let worker = |number: usize| {
            let keys = (0..OWN_KEYS).map(|n| Key::new(format!("own-{number:02}-{n:02}")));
            let worker = Worker {
                keys: keys.collect(),
                next: 0,
                dice: Dice(number as u64 + 1),
                sender: Sender::new(addresses.clone(), number as u64),
                truth: truth.clone(),
                rest_ms,
            };
            let requests = signals.div_ceil((WORKERS * BATCH) as u64);
            tokio::spawn(worker.run(requests, stopped.clone()))
        };
        Load {
            tasks: (0..WORKERS).map(worker).collect(),
            stop,
            truth,
            addresses: addresses.clone(),
            began: now(),
        }
    }

    /// Signals accepted so far.
    pub fn accepted(&self) -> u64 {
        self.truth.lock().unwrap().accepted
    }

    /// Ends the senders after the request that they are at.
    pub async fn stop(self) -> Truth {
        self.stop.send_replace(true);
        self.done().await
    }

    /// Waits until each sender has sent its share. Then every key is said once more, so that all know how it ends.
    pub async fn done(self) -> Truth {
        for task in self.tasks {
            task.await.unwrap();
        }
        let mut truth = std::mem::take(&mut *self.truth.lock().unwrap());
        truth.took_ms = now() - self.began;
        truth.last_words(self.addresses).await;
        truth
    }
}

struct Worker {
    keys: Vec<Key>,
    /// Keys take turns.
    next: usize,
    dice: Dice,
    sender: Sender,
    truth: Shared<Truth>,
    rest_ms: i64,
}

impl Worker {
    async fn run(mut self, requests: u64, stop: watch::Receiver<bool>) {
        for number in 0..requests {
            if *stop.borrow() {
                break;
            }
            // One of four is about keys that all share.
            if number % 4 == 3 {
                self.shared().await;
            } else {
                self.own().await;
            }
            if self.rest_ms > 0 {
                pause(self.rest_ms).await;
            }
        }
        self.truth.lock().unwrap().own.append(&mut self.keys);
    }

    async fn own(&mut self) {
        let picked: Vec<usize> = (0..BATCH)
            .map(|n| (self.next + n) % self.keys.len())
            .collect();
        self.next = (self.next + BATCH) % self.keys.len();
        let said: Vec<_> = picked.iter().map(|key| self.say(*key)).collect();
        let signals = picked.iter().zip(&said);
        let signals = signals.map(|(key, said)| signal(&self.keys[*key].name, *said));
        let body = Value::from_iter(signals).to_string();
        let path = format!("/s/{REOPENING}");
        let sent = self.sender.until_accepted(&path, body.as_bytes()).await;
        let mut truth = self.truth.lock().unwrap();
        let alerts = truth.take(&sent, BATCH);
        for (place, (key, said)) in picked.into_iter().zip(said).enumerate() {
            let key = &mut self.keys[key];
            key.doubtful |= sent.unanswered > 0;
            key.accepted(said);
            key.alerts.extend(alerts.get(place).cloned().flatten());
        }
    }

    async fn shared(&mut self) {
        let first = self.dice.below(SHARED_KEYS);
        let names: Vec<String> = (0..BATCH as u64)
            .map(|n| format!("shared-{:02}", (first + n) % SHARED_KEYS))
            .collect();
        let signals = names.iter().map(|name| {
            let said = (self.dice.below(3) > 0).then(|| self.severity());
            signal(name, said)
        });
        let body = Value::from_iter(signals.collect::<Vec<_>>()).to_string();
        let path = format!("/s/{EPISODES}");
        let sent = self.sender.until_accepted(&path, body.as_bytes()).await;
        let mut truth = self.truth.lock().unwrap();
        let alerts = truth.take(&sent, BATCH);
        for (name, alert) in names.into_iter().zip(alerts) {
            let (_, named) = truth.shared.entry(name).or_default();
            named.extend(alert);
        }
    }

    /// A tenth resolves, three tenths say the same again, the rest changes the severity.
    fn say(&mut self, key: usize) -> Option<&'static str> {
        let before = self.keys[key].severity;
        match self.dice.below(10) {
            0 if before.is_some() => None,
            1..=3 if before.is_some() => before,
            _ => Some(self.severity()),
        }
    }

    fn severity(&mut self) -> &'static str {
        SEVERITIES[self.dice.below(3) as usize]
    }
}

impl Truth {
    /// Counts a request; the alerts that its answer named.
    fn take(&mut self, sent: &Sent, signals: usize) -> Vec<Option<String>> {
        self.refused += sent.refused * signals as u64;
        self.unanswered += sent.unanswered * signals as u64;
        self.problems.extend(sent.problems.iter().cloned());
        if !sent.problems.is_empty() {
            return Vec::new();
        }
        self.accepted += signals as u64;
        named(&sent.body, signals).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Vec::new()
        })
    }

    /// Every key once more, by one sender: first all fire, then each second one is resolved.
    async fn last_words(&mut self, addresses: Addresses) {
        let mut sender = Sender::new(addresses, 99);
        let shared: Vec<String> = self.shared.keys().cloned().collect();
        for (said, every) in [(Some("critical"), 1), (None, 2)] {
            let own = (0..self.own.len()).step_by(every).collect::<Vec<_>>();
            for picked in own.chunks(50) {
                let signals = picked.iter().map(|key| signal(&self.own[*key].name, said));
                let body = Value::from_iter(signals).to_string();
                let path = format!("/s/{REOPENING}");
                let sent = sender.until_accepted(&path, body.as_bytes()).await;
                let alerts = self.take(&sent, picked.len());
                for (place, key) in picked.iter().enumerate() {
                    self.own[*key].accepted(said);
                    let alert = alerts.get(place).cloned().flatten();
                    self.own[*key].alerts.extend(alert);
                }
            }
            let picked: Vec<&String> = shared.iter().step_by(every).collect();
            if picked.is_empty() {
                continue;
            }
            let body = Value::from_iter(picked.iter().map(|name| signal(name, said))).to_string();
            let path = format!("/s/{EPISODES}");
            let sent = sender.until_accepted(&path, body.as_bytes()).await;
            let alerts = self.take(&sent, picked.len());
            for (name, alert) in picked.into_iter().zip(alerts) {
                let known = self.shared.get_mut(name).unwrap();
                known.0 = said.is_some();
                known.1.extend(alert);
            }
        }
    }
}

/// One signal of the generic dialect; `None` resolves.
pub fn signal(key: &str, severity: Option<&str>) -> Value {
    match severity {
        Some(severity) => json!({
            "key": key, "status": "firing", "severity": severity, "title": format!("{key} is ill"),
            "resource": key, "event": "Ill", "labels": { "team": "nodes" },
        }),
        None => json!({ "key": key, "status": "resolved" }),
    }
}
