//! The database is down: senders are told to come again, soon, in the words of their dialect.

use pgtest::{Durability, Server};
use serde_json::{Value, json};

use crate::check::settled;
use crate::cluster::{Cluster, EPISODES, PROMETHEUS};
use crate::http::Connection;
use crate::hub::TOKEN;
use crate::load::signal;
use crate::senders::Sender;
use crate::{none, now, pause};

/// A sender hears "try again" within this.
const ANSWER_WITHIN_MS: i64 = 2000;
/// A node answers from what it knows for so long after the last word from the database, a repeat that is.
const TRUSTED_MS: i64 = 2000;
/// The hub takes signals again so soon after the database does.
const BACK_WITHIN_MS: i64 = 30_000;
const DOWN_MS: i64 = 8000;

/// Path and body of a signal that opens an alert of this name, in each dialect.
fn requests(name: &str) -> [(&'static str, String, String); 2] {
    let prometheus = json!([{
        "labels": { "alertname": name, "severity": "critical" },
        "startsAt": "2026-01-01T00:00:00Z",
    }]);
    [
        (
            "generic",
            format!("/s/{EPISODES}"),
            signal(name, Some("critical")).to_string(),
        ),
        (
            "alertmanager",
            format!("/s/{PROMETHEUS}/api/v2/alerts"),
            prometheus.to_string(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_without_the_database_nothing_is_accepted_and_all_recovers_by_itself() {
    let server = Server::start(Durability::Fast);
    let mut cluster = Cluster::start(&server, 2).await;
    cluster.database_goes = true;
    let mut sender = Sender::new(cluster.addresses.clone(), 0);
    let mut problems = Vec::new();
    for number in 0..20 {
        for (_, path, body) in requests(&format!("before-{number}")) {
            let sent = sender.until_accepted(&path, body.as_bytes()).await;
            problems.extend(sent.problems);
        }
    }
    tokio::task::block_in_place(|| server.stop_hard());
    let (mut slowest, mut tried) = (0, 0);
    let down_since = now();
    while now() < down_since + DOWN_MS {
        for node in 0..2 {
            let mut tries = Vec::from(requests(&format!("during-{tried}")));
            if now() > down_since + TRUSTED_MS {
                // Known alerts: a node that cannot ask must not say that it heard them again.
                tries.extend(requests("before-3"));
            }
            for (dialect, path, body) in tries {
                let began = now();
                let heard = sender
                    .send(cluster.address(node), &path, body.as_bytes())
                    .await;
                let took = now() - began;
                slowest = slowest.max(took);
                tried += 1;
                let status = heard.map(|(status, _)| status);
                if status != Some(503) || took > ANSWER_WITHIN_MS {
                    problems.push(format!(
                        "node {node}, {dialect}: {status:?} after {took} ms"
                    ));
                }
            }
        }
        pause(100).await;
    }
    tokio::task::block_in_place(|| server.start_again());
    let up_since = now();
    for node in 0..2 {
        for (dialect, path, body) in requests(&format!("after-{node}")) {
            loop {
                let heard = sender
                    .send(cluster.address(node), &path, body.as_bytes())
                    .await;
                if heard.is_some_and(|(status, _)| (200..300).contains(&status)) {
                    break;
                }
                let late = now() > up_since + BACK_WITHIN_MS;
                assert!(!late, "node {node}, {dialect}: not back in time");
                pause(50).await;
            }
        }
    }
    let back = now() - up_since;
    settled(&mut cluster.api(1).await).await;
    let names: Vec<String> = (0..20)
        .map(|n| format!("before-{n}"))
        .chain((0..2).map(|n| format!("after-{n}")))
        .collect();
    let mut connection = Connection::open(cluster.address(1)).await.unwrap();
    let page = connection.get("/api/v1/alerts?limit=1000", TOKEN).await;
    let alerts = page["alerts"].as_array().unwrap();
    for source in ["episodes", "prometheus"] {
        for name in &names {
            // Its key here, one of its labels there.
            let is_it = |alert: &&Value| {
                let named = alert["key"] == *name || alert["labels"]["alertname"] == *name;
                named && alert["source"] == source && alert["status"] == "open"
            };
            let count = alerts.iter().filter(is_it).count();
            if count != 1 {
                problems.push(format!("{source}: {count} open alerts of {name}"));
            }
        }
    }
    for (number, node) in cluster.nodes.iter_mut().enumerate() {
        if !node.runs() {
            problems.push(format!("node {number} ended"));
        }
    }
    println!(
        "down: {tried} requests refused, the slowest after {slowest} ms; back after {back} ms"
    );
    problems.extend(cluster.stop().await);
    none(&problems);
}
