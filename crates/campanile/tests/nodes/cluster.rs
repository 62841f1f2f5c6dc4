//! Nodes on one database, the network between, the vendors behind.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use pgtest::{Proxy, Server};
use tempfile::TempDir;

use crate::Shared;
use crate::api::Api;
use crate::http::{Connection, Heard};
use crate::hub::{Node, TOKEN};
use crate::vendors::{CHANNEL, SECRET, SLACK_TOKEN, Vendors, WEBHOOK_PATH};

/// Of the source whose closed alerts are opened again.
pub const REOPENING: &str = "nodes-source-reopening-0001";
/// Of the source that begins a new alert each time.
pub const EPISODES: &str = "nodes-source-episodes-00002";
/// Of Prometheus.
pub const PROMETHEUS: &str = "nodes-source-prometheus-003";

/// Where the nodes that take signals listen; `None`: not now.
pub type Addresses = Shared<Vec<Option<SocketAddr>>>;

pub struct Cluster {
    pub nodes: Vec<Node>,
    /// Of each node, to the database.
    pub networks: Vec<Proxy>,
    pub vendors: Vendors,
    pub addresses: Addresses,
    /// The test takes the database away, and nodes may say so.
    pub database_goes: bool,
    folder: TempDir,
}

impl Cluster {
    /// So many nodes on a fresh database, all listening.
    pub async fn start(server: &Server, nodes: usize) -> Cluster {
        let vendors = Vendors::start(1).await;
        vendors.heal();
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("hub.yaml");
        std::fs::write(&config, configuration(&vendors.url)).unwrap();
        let database = server.database();
        let networks: Vec<Proxy> = (0..nodes).map(|_| Proxy::start(server.port())).collect();
        let node = |(number, network): (usize, &Proxy)| {
            let folder = folder.path().join(format!("node-{number}"));
            Node::new(folder, config.clone(), network.url_for(&database))
        };
        let mut cluster = Cluster {
            nodes: networks.iter().enumerate().map(node).collect(),
            networks,
            vendors,
            addresses: Arc::new(Mutex::new(vec![None; nodes])),
            database_goes: false,
            folder,
        };
        cluster.start_node(0).await;
        let key = cluster.nodes[0].key_file();
        for number in 1..nodes {
            cluster.nodes[number].take_key(&key);
            cluster.start_node(number).await;
        }
        cluster
    }

    /// From now on senders use it.
    pub async fn start_node(&mut self, number: usize) {
        let address = self.nodes[number].start().await;
        self.addresses.lock().unwrap()[number] = Some(address);
    }

    pub async fn kill_node(&mut self, number: usize) {
        self.nodes[number].kill().await;
        self.addresses.lock().unwrap()[number] = None;
    }

    /// Senders use it no more, though it runs.
    pub fn hide_node(&self, number: usize) -> SocketAddr {
        self.addresses.lock().unwrap()[number].take().unwrap()
    }

    pub fn address(&self, number: usize) -> SocketAddr {
        self.addresses.lock().unwrap()[number].unwrap()
    }

    pub async fn api(&self, number: usize) -> Api {
        Api::open(self.address(number)).await
    }

    /// Transactions that the nodes did again because of each other's.
    pub async fn redone(&self) -> u64 {
        let mut all = 0;
        let addresses = self.addresses.lock().unwrap().clone();
        for address in addresses.into_iter().flatten() {
            let mut connection = Connection::open(address).await.unwrap();
            let heard = connection.send("GET", "/metrics", TOKEN, Vec::new()).await;
            let Heard::Answer { body, .. } = heard else {
                panic!("no answer to GET /metrics");
            };
            let text = String::from_utf8(body.to_vec()).unwrap();
            let figure = text
                .lines()
                .find_map(|line| line.strip_prefix("campanile_store_redone_total "));
            all += figure.map_or(0, |figure| figure.parse().unwrap());
        }
        all
    }

    /// Stops all nodes; what was wrong with how they ended, or stands in their logs.
    pub async fn stop(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Some(status) = node.stop().await
                && !status.success()
            {
                problems.push(format!("asked to stop, node {number} ended with {status}"));
            }
            let said = |line: &String| self.database_goes && line.contains("the store failed");
            problems.extend(node.log_problems().into_iter().filter(|line| !said(line)));
        }
        problems
    }
}

impl Drop for Cluster {
    /// A failed run leaves its logs for whoever looks into it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the nodes' logs are in {}", self.folder.path().display());
            self.folder.disable_cleanup(true);
        }
    }
}

fn configuration(vendors: &str) -> String {
    format!(
        r##"
server: {{ admin_token: "{TOKEN}", external_url: "http://hub.example" }}
egress: {{ allow: ["127.0.0.0/8"] }}
projects:
  - name: nodes
    sources:
      - {{ name: reopening, dialect: generic, key: "{REOPENING}", settings: {{ reopen_window: 24h }} }}
      - {{ name: episodes, dialect: generic, key: "{EPISODES}" }}
      - {{ name: prometheus, dialect: alertmanager, key: "{PROMETHEUS}" }}
    integrations:
      - name: slack
        sink: slack
        settings: {{ channel: "{CHANNEL}", token: "{SLACK_TOKEN}", base_url: "{vendors}/slack", messages_per_second: 500 }}
        policy: {{ edit_interval: 2s }}
      - name: webhook
        sink: webhook
        settings: {{ url: "{vendors}/webhook{WEBHOOK_PATH}", secret: "{SECRET}" }}
"##
    )
}
