//! A sender that knows several nodes and tries the next when one does not take its signals.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::cluster::Addresses;
use crate::dice::Dice;
use crate::http::{Connection, Heard};
use crate::{now, pause};

/// Senders do not wait longer for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// With a node that works among them, nothing is tried for so long.
const GIVE_UP_MS: i64 = 120_000;

pub struct Sender {
    addresses: Addresses,
    connections: HashMap<SocketAddr, Connection>,
    dice: Dice,
}

/// What it took to have a request accepted.
pub struct Sent {
    pub body: Bytes,
    /// "Try again" was answered so often.
    pub refused: u64,
    /// Nothing was answered so often.
    pub unanswered: u64,
    pub problems: Vec<String>,
}

impl Sender {
    pub fn new(addresses: Addresses, seed: u64) -> Sender {
        Sender {
            addresses,
            connections: HashMap::new(),
            dice: Dice(seed + 1000),
        }
    }

    /// Sends the same body to one node after the other until it is accepted.
    pub async fn until_accepted(&mut self, path: &str, body: &[u8]) -> Sent {
        let mut sent = Sent {
            body: Bytes::new(),
            refused: 0,
            unanswered: 0,
            problems: Vec::new(),
        };
        let give_up = now() + GIVE_UP_MS;
        while now() < give_up {
            let Some(address) = self.pick() else {
                pause(20).await;
                continue;
            };
            match self.send(address, path, body).await {
                Some((status, body)) if (200..300).contains(&status) => {
                    sent.body = body;
                    return sent;
                }
                Some((503, _)) => sent.refused += 1,
                Some((status, body)) => {
                    let body = String::from_utf8_lossy(&body);
                    sent.problems.push(format!("answered {status}: {body}"));
                    return sent;
                }
                None => sent.unanswered += 1,
            }
            pause(20).await;
        }
        sent.problems
            .push(format!("no node took a request in {GIVE_UP_MS} ms"));
        sent
    }

    /// One try at one node; `None`: no answer.
    pub async fn send(&mut self, at: SocketAddr, path: &str, body: &[u8]) -> Option<(u16, Bytes)> {
        let mut connection = match self.connections.remove(&at) {
            Some(connection) => connection,
            None => Connection::open(at).await?,
        };
        let heard = connection.send("POST", path, "", body.to_vec());
        match tokio::time::timeout(ANSWER_WITHIN, heard).await {
            Ok(Heard::Answer { status, body }) => {
                self.connections.insert(at, connection);
                Some((status, body))
            }
            Ok(Heard::Nothing | Heard::Silence) | Err(_) => None,
        }
    }

    fn pick(&mut self) -> Option<SocketAddr> {
        let addresses = self.addresses.lock().unwrap();
        let listening: Vec<SocketAddr> = addresses.iter().copied().flatten().collect();
        drop(addresses);
        let count = listening.len() as u64;
        (count > 0).then(|| listening[self.dice.below(count) as usize])
    }
}

/// The alerts that an answer of the generic dialect names, by the place of their signal.
pub fn named(body: &[u8], signals: usize) -> Result<Vec<Option<String>>, String> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("an answer is not JSON: {error}"))?;
    if answer["errors"].as_array().is_none_or(|e| !e.is_empty()) {
        return Err(format!("2xx with errors: {}", answer["errors"]));
    }
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    if results.len() != signals {
        return Err(format!("{} results for {signals} signals", results.len()));
    }
    let alert = |result: &Value| result["alert"].as_str().map(str::to_owned);
    Ok(results.iter().map(alert).collect())
}
