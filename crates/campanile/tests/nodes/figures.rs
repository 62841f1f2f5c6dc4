//! How fast one node and three nodes are on PostgreSQL, beside one on SQLite: the table of `docs/scaling.md`.
//!
//! `cargo test --release -p campanile --test nodes -- --ignored --nocapture figures`. Senders, nodes, database and receiver
//! share the machine, so three nodes show what sharing costs there, not what three machines give.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pgtest::{Durability, Server};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Connection, Heard};
use crate::hub::{Node, TOKEN};
use crate::{now, pause};

/// Distinct alerts of each part; a webhook for each in the last.
const ALERTS: usize = 50_000;
/// As Prometheus sends them.
const BATCH: usize = 64;
const CONNECTIONS: usize = 8;
/// Rounds in which all alerts come again, with a later end.
const ROUNDS: usize = 2;
const KEY: &str = "figures-source-key-00000000000001";

#[derive(Clone, Copy)]
enum Store {
    Sqlite,
    Postgres { nodes: usize },
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a quiet machine and a release build"]
async fn figures() {
    println!("| | new alerts/s | repeats/s | deliveries/s |\n|---|---|---|---|");
    for store in [
        Store::Sqlite,
        Store::Postgres { nodes: 1 },
        Store::Postgres { nodes: 3 },
    ] {
        let (opens, repeats) = accepted(store).await;
        let deliveries = delivered(store).await;
        let name = match store {
            Store::Sqlite => "SQLite, one node".to_owned(),
            Store::Postgres { nodes } => format!("PostgreSQL, nodes: {nodes}"),
        };
        println!("| {name} | {opens} | {repeats} | {deliveries} |");
    }
}

/// New alerts and repeats that nobody is told of.
async fn accepted(store: Store) -> (u64, u64) {
    let running = Running::start(store, "").await;
    let opens = running.post_all(1, 0).await;
    let repeats = running.post_all(ROUNDS, 1).await;
    running.stop().await;
    (opens, repeats)
}

/// From the first alert's way in to the last webhook's arrival.
async fn delivered(store: Store) -> u64 {
    let receiver = Receiver::start().await;
    let integration = format!(
        "    integrations:\n      - {{ name: hook, sink: webhook, settings: {{ url: \"http://{}/\" }} }}\n",
        receiver.address
    );
    let running = Running::start(store, &integration).await;
    let begun = now();
    running.post_all(1, 0).await;
    while receiver.count() < ALERTS as u64 {
        assert!(now() < begun + 300_000, "{} arrived", receiver.count());
        pause(20).await;
    }
    let took = now() - begun;
    running.stop().await;
    rate(receiver.count(), took)
}

fn rate(count: u64, took_ms: i64) -> u64 {
    count * 1000 / u64::try_from(took_ms.max(1)).unwrap()
}

/// Nodes on a fresh store.
struct Running {
    nodes: Vec<Node>,
    addresses: Vec<SocketAddr>,
    _server: Option<Server>,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start(store: Store, integrations: &str) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("hub.yaml");
        let text = format!(
            "server: {{ admin_token: \"{TOKEN}\" }}\negress: {{ allow: [\"127.0.0.0/8\"] }}\nprojects:\n  - name: figures\n    \
             sources:\n      - {{ name: prometheus, dialect: alertmanager, key: \"{KEY}\" }}\n{integrations}"
        );
        std::fs::write(&config, text).unwrap();
        let (url, count, server) = match store {
            Store::Sqlite => (format!("sqlite:{}", at(folder.path())), 1, None),
            Store::Postgres { nodes } => {
                let server = Server::start(Durability::Real);
                let url = server.database().url();
                (url, nodes, Some(server))
            }
        };
        let (mut nodes, mut addresses) = (Vec::<Node>::new(), Vec::new());
        for number in 0..count {
            let own = folder.path().join(format!("node-{number}"));
            let mut node = Node::new(own, config.clone(), url.clone());
            if let Some(first) = nodes.first() {
                node.take_key(&first.key_file());
            }
            addresses.push(node.start().await);
            nodes.push(node);
        }
        Running {
            nodes,
            addresses,
            _server: server,
            _folder: folder,
        }
    }

    /// Posts every alert so many times, over all nodes; alerts a second.
    async fn post_all(&self, rounds: usize, later: usize) -> u64 {
        let begun = now();
        let mut senders = Vec::new();
        for sender in 0..CONNECTIONS {
            let address = self.addresses[sender % self.addresses.len()];
            senders.push(tokio::spawn(async move {
                let mut connection = Connection::open(address).await.unwrap();
                for round in 0..rounds {
                    let batches = (0..ALERTS.div_ceil(BATCH)).filter(|b| b % CONNECTIONS == sender);
                    for batch in batches {
                        let body = body(batch, later + round);
                        let path = format!("/s/{KEY}/api/v2/alerts");
                        match connection.send("POST", &path, "", body).await {
                            Heard::Answer { status: 200, .. } => {}
                            Heard::Answer { status, body } => {
                                panic!("{status} {}", String::from_utf8_lossy(&body))
                            }
                            _ => panic!("no answer"),
                        }
                    }
                }
            }));
        }
        for sender in senders {
            sender.await.unwrap();
        }
        rate((ALERTS * rounds) as u64, now() - begun)
    }

    async fn stop(mut self) {
        for node in &mut self.nodes {
            node.stop().await;
        }
    }
}

fn at(folder: &Path) -> String {
    folder.join("hub.sqlite").display().to_string()
}

/// A batch as Prometheus posts it: 7 labels, 2 annotations.
fn body(batch: usize, later: usize) -> Vec<u8> {
    let numbers = batch * BATCH..((batch + 1) * BATCH).min(ALERTS);
    let alerts: Vec<_> = numbers
        .map(|n| {
            json!({
                "labels": {
                    "alertname": "DiskFull", "severity": "critical", "instance": format!("host-{n}:9100"),
                    "job": "node", "env": "prod", "region": "eu-west-1", "device": format!("sd{}", n % 7),
                },
                "annotations": {
                    "summary": format!("Disk of host-{n} is nearly full"),
                    "description": "It is used to more than 95 % for ten minutes; remove what is not needed.",
                },
                "startsAt": "2026-11-21T10:00:00Z",
                "endsAt": format!("2126-11-21T10:{:02}:00Z", later % 60),
                "generatorURL": "http://prometheus.example/graph",
            })
        })
        .collect();
    serde_json::to_vec(&alerts).unwrap()
}

/// Counts requests and says 200.
struct Receiver {
    address: SocketAddr,
    arrived: Arc<AtomicU64>,
}

impl Receiver {
    async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(AtomicU64::new(0));
        let counted = arrived.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, counted.clone()));
            }
        });
        Receiver { address, arrived }
    }

    fn count(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }
}

/// Until the connection ends, which is how a node that stops says goodbye.
async fn serve(stream: TcpStream, arrived: Arc<AtomicU64>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        arrived.fetch_add(1, Ordering::Relaxed);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
}
