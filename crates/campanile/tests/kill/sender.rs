//! The senders: 1,000 signals a second over 500 keys, each key with one signal at a time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::http::{Connection, Heard};
use crate::truth::{Key, Said, Truth};
use crate::{Shared, now, pause};

/// Of the two sources: one reopens the alert that it closed, one begins a new one.
pub const KEYS: [&str; 2] = ["kill-source-reopening-01", "kill-source-episodes-02"];
const SENDERS: usize = 20;
const KEYS_OF_A_SENDER: usize = 25;
/// Of the senders, those whose source begins a new alert each time.
const SENDERS_OF_EPISODES: usize = 5;
const BATCH: usize = 10;
/// 20 senders × 10 signals each 200 ms: 1,000 a second.
const EVERY_MS: i64 = 200;
/// Of a thousand signals for an open alert, how many resolve it.
const RESOLVES: u64 = 25;

/// Where to send; nothing while no hub listens.
type Target = Option<SocketAddr>;

pub struct Load {
    target: watch::Sender<Target>,
    stop: watch::Sender<bool>,
    truth: Shared<Truth>,
    tasks: Vec<JoinHandle<()>>,
    since: Mutex<Option<i64>>,
}

impl Load {
    pub fn start(seed: u64) -> Load {
        let (target, targets) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let truth = Arc::new(Mutex::new(Truth::default()));
        let sender = |number: usize| {
            let source = usize::from(number < SENDERS_OF_EPISODES);
            let keys = (0..KEYS_OF_A_SENDER)
                .map(|n| Key::new(format!("{number:02}-{n:02}"), source))
                .collect();
            let sender = Sender {
                source,
                keys,
                next: 0,
                value: 0,
                dice: Dice(seed.wrapping_mul(1000) + number as u64),
                truth: truth.clone(),
            };
            tokio::spawn(sender.run(targets.clone(), stopped.clone()))
        };
        let tasks = (0..SENDERS).map(sender).collect();
        Load {
            target,
            stop,
            truth,
            tasks,
            since: Mutex::new(None),
        }
    }

    pub fn send_to(&self, target: Target) {
        let mut since = self.since.lock().unwrap();
        if let Some(began) = since.take() {
            self.truth.lock().unwrap().sending_ms += now() - began;
        }
        *since = target.map(|_| now());
        self.target.send_replace(target);
    }

    pub async fn stop(self) -> Truth {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *self.truth.lock().unwrap())
    }
}

struct Sender {
    source: usize,
    keys: Vec<Key>,
    /// Keys take turns.
    next: usize,
    value: u64,
    dice: Dice,
    truth: Shared<Truth>,
}

impl Sender {
    async fn run(mut self, mut targets: watch::Receiver<Target>, mut stop: watch::Receiver<bool>) {
        let mut open: Option<(SocketAddr, Connection)> = None;
        while !*stop.borrow() {
            let target = *targets.borrow_and_update();
            let Some(target) = target else {
                tokio::select! {
                    _ = targets.changed() => {}
                    _ = stop.changed() => {}
                }
                continue;
            };
            let due = now() + EVERY_MS;
            if open.as_ref().is_none_or(|(at, _)| *at != target) {
                open = Connection::open(target).await.map(|c| (target, c));
            }
            if let Some((_, connection)) = &mut open
                && !self.send(connection).await
            {
                open = None;
            }
            pause((due - now()).max(1)).await;
        }
        self.truth.lock().unwrap().keys.append(&mut self.keys);
    }

    /// Sends a batch. Whether the connection can be used on.
    async fn send(&mut self, connection: &mut Connection) -> bool {
        let picked: Vec<usize> = (0..BATCH)
            .map(|n| (self.next + n) % self.keys.len())
            .collect();
        self.next = (self.next + BATCH) % self.keys.len();
        let said: Vec<Said> = picked.iter().map(|key| self.say(*key)).collect();
        let signals: Vec<Value> = picked
            .iter()
            .zip(&said)
            .map(|(key, said)| signal(&self.keys[*key], said))
            .collect();
        let body = serde_json::to_vec(&signals).unwrap();
        let path = format!("/s/{}", KEYS[self.source]);
        let heard = connection.send("POST", &path, "", body).await;

        let truth = self.truth.clone();
        let mut truth = truth.lock().unwrap();
        truth.sent += BATCH as u64;
        match heard {
            Heard::Answer { status, body } if (200..300).contains(&status) => {
                truth.accepted += BATCH as u64;
                let named = named(&body).unwrap_or_else(|problem| {
                    truth.problems.push(problem);
                    Vec::new()
                });
                for (place, (key, said)) in picked.into_iter().zip(said).enumerate() {
                    let key = &mut self.keys[key];
                    key.answered(said);
                    let alert = named.get(place).cloned().flatten();
                    if let Some(alert) = alert.filter(|a| !key.alerts.contains(a)) {
                        key.alerts.push(alert);
                    }
                }
                true
            }
            Heard::Answer { status, body } => {
                truth.refused += BATCH as u64;
                // The hub's "try again" is no fault of its own; anything else is.
                if status != 503 {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    truth.problems.push(format!("answered {status}: {body}"));
                }
                self.doubt(picked, said);
                true
            }
            Heard::Nothing => {
                truth.unanswered += BATCH as u64;
                self.doubt(picked, said);
                false
            }
            Heard::Silence => {
                truth
                    .problems
                    .push("a request was neither answered nor cut".to_owned());
                self.doubt(picked, said);
                false
            }
        }
    }

    /// A fifth says the same again; one in forty resolves; the rest has a new value.
    fn say(&mut self, key: usize) -> Said {
        let key = &mut self.keys[key];
        let said = match key.last {
            Said::Fire { .. } if self.dice.below(1000) < RESOLVES => Said::Resolve,
            Said::Fire { value } if self.dice.below(5) == 0 => Said::Fire { value },
            _ => {
                self.value += 1;
                Said::Fire { value: self.value }
            }
        };
        key.last = said.clone();
        said
    }

    fn doubt(&mut self, picked: Vec<usize>, said: Vec<Said>) {
        for (key, said) in picked.into_iter().zip(said) {
            self.keys[key].unanswered.push(said);
        }
    }
}

fn signal(key: &Key, said: &Said) -> Value {
    match said {
        Said::Fire { value } => json!({
            "key": key.name, "status": "firing", "severity": "critical", "title": format!("Queue {} is long", key.name),
            "resource": key.name, "event": "QueueLength", "value": value.to_string(), "labels": { "team": "kills" },
        }),
        Said::Resolve => json!({ "key": key.name, "status": "resolved" }),
    }
}

/// The alerts of an answer, by the place of their signal. A status without its body names none.
fn named(body: &[u8]) -> Result<Vec<Option<String>>, String> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("an answer is not JSON: {error}"))?;
    if answer["errors"].as_array().is_none_or(|e| !e.is_empty()) {
        return Err(format!("2xx with errors: {}", answer["errors"]));
    }
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    if results.len() != BATCH {
        return Err(format!("{} results for {BATCH} signals", results.len()));
    }
    Ok(results
        .iter()
        .map(|r| r["alert"].as_str().map(str::to_owned))
        .collect())
}
