//! What the hub says of its alerts, read over its API.

use std::net::SocketAddr;

use serde_json::Value;

use crate::http::{Connection, Heard};
use crate::hub::TOKEN;

/// An alert with its lanes.
#[derive(Debug)]
pub struct Alert {
    pub id: String,
    pub key: String,
    pub source: String,
    pub status: String,
    pub value: String,
    pub seq: u64,
    pub lanes: Vec<Lane>,
}

#[derive(Debug)]
pub struct Lane {
    pub integration: String,
    pub told: String,
    pub owed: bool,
    pub object: Option<String>,
    pub duplicates: u64,
    pub orphans: u64,
    /// The whole, for people.
    pub shown: String,
}

impl Alert {
    pub fn lane(&self, integration: &str) -> Option<&Lane> {
        self.lanes.iter().find(|l| l.integration == integration)
    }
}

pub struct Api(Connection);

impl Api {
    pub async fn open(address: SocketAddr) -> Api {
        Api(Connection::open(address).await.unwrap())
    }

    /// Lanes that owe something, by the figures; `None`: not counted yet.
    pub async fn lanes_owing(&mut self) -> Option<u64> {
        let Heard::Answer { body, .. } = self.0.send("GET", "/metrics", TOKEN, Vec::new()).await
        else {
            panic!("no answer to GET /metrics");
        };
        let text = String::from_utf8(body.to_vec()).unwrap();
        let figure = text
            .lines()
            .find_map(|line| line.strip_prefix("campanile_lanes_owing "))?;
        Some(figure.parse().unwrap())
    }

    /// Every alert, with its lanes.
    pub async fn alerts(&mut self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/alerts?limit=1000{cursor}");
            let page = self.0.get(&path, TOKEN).await;
            for row in page["alerts"].as_array().unwrap() {
                alerts.push(alert(row));
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        for alert in &mut alerts {
            let path = format!("/api/v1/alerts/{}/lanes", alert.id);
            let lanes = self.0.get(&path, TOKEN).await;
            alert.lanes = lanes["lanes"]
                .as_array()
                .unwrap()
                .iter()
                .map(lane)
                .collect();
        }
        alerts
    }

    /// Number and kind of each event of an alert's log.
    pub async fn events(&mut self, alert: &str) -> Vec<(u64, String)> {
        let path = format!("/api/v1/alerts/{alert}/events?limit=1000");
        let page = self.0.get(&path, TOKEN).await;
        let events = page["events"].as_array().unwrap().iter();
        events
            .map(|e| (e["seq"].as_u64().unwrap(), text(&e["kind"])))
            .collect()
    }

    /// The tries of one integration whose end nobody knows.
    pub async fn unsure_attempts(&mut self, alert: &str, integration: &str) -> u64 {
        let path = format!(
            "/api/v1/attempts?alert={alert}&integration={integration}&outcome=ambiguous&limit=1000"
        );
        let page = self.0.get(&path, TOKEN).await;
        page["attempts"].as_array().unwrap().len() as u64
    }
}

fn alert(row: &Value) -> Alert {
    Alert {
        id: text(&row["id"]),
        key: text(&row["key"]),
        source: text(&row["source"]),
        status: text(&row["status"]),
        value: text(&row["value"]),
        seq: row["seq"].as_u64().unwrap(),
        lanes: Vec::new(),
    }
}

fn lane(row: &Value) -> Lane {
    Lane {
        integration: text(&row["integration"]),
        told: text(&row["told"]),
        owed: row["owed"].as_bool().unwrap(),
        object: row["object"].as_str().map(str::to_owned),
        duplicates: row["duplicates"].as_u64().unwrap(),
        orphans: row["orphans"].as_u64().unwrap(),
        shown: row.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
