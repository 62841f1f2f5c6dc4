//! Two replicas of one Prometheus, each with its own node.

use pgtest::Server;
use sandbox::slack::Slack;
use serde_json::{Value, json};

use crate::check::{color, settled};
use crate::cluster::{Cluster, PROMETHEUS};
use crate::none;
use crate::now;
use crate::senders::Sender;
use crate::vendors::CHANNEL;

const ALERTS: usize = 200;
/// What Prometheus sends at once.
const BATCH: usize = 64;
const ROUNDS: i64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_of_prometheus_at_two_nodes_make_one_alert_and_one_message_of_each() {
    let mut cluster = Cluster::start(Server::shared(), 2).await;
    // They noticed a moment apart.
    let began = now();
    for round in 0..ROUNDS {
        let ends_at = |alert| began + 240_000 + round * 60_000 + alert;
        tokio::join!(
            send(&cluster, 0, began, ends_at(0)),
            send(&cluster, 1, began + 700, ends_at(700)),
        );
    }
    let state = settled(&mut cluster.api(0).await).await;
    let mut problems = problems(&cluster, &state.alerts.len(), "danger");
    problems.extend(not_all(&state, "open"));
    // Resolved: it ended a moment ago.
    let over = now();
    tokio::join!(
        send(&cluster, 0, began, over - 900),
        send(&cluster, 1, began + 700, over - 200),
    );
    let state = settled(&mut cluster.api(1).await).await;
    problems.extend(self::problems(&cluster, &state.alerts.len(), "good"));
    problems.extend(not_all(&state, "closed"));
    let redone = cluster.redone().await;
    println!("replicas: {ALERTS} alerts from two senders; {redone} transactions done again");
    problems.extend(cluster.stop().await);
    none(&problems);
}

/// One replica says all its alerts to its node.
async fn send(cluster: &Cluster, node: usize, starts_at: i64, ends_at: i64) {
    let time = |ms| model::Timestamp(ms).to_string();
    let alerts: Vec<Value> = (0..ALERTS)
        .map(|n| {
            json!({
                "labels": { "alertname": "InstanceDown", "instance": format!("host-{n}"), "severity": "critical" },
                "annotations": { "summary": format!("host-{n} is down") },
                "startsAt": time(starts_at), "endsAt": time(ends_at), "generatorURL": "http://prometheus.example/graph",
            })
        })
        .collect();
    let mut sender = Sender::new(cluster.addresses.clone(), 0);
    let path = format!("/s/{PROMETHEUS}/api/v2/alerts");
    for batch in alerts.chunks(BATCH) {
        let body = Value::from(batch).to_string();
        let answer = sender.send(cluster.address(node), &path, body.as_bytes());
        let (status, body) = answer.await.expect("the node answers");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }
}

fn problems(cluster: &Cluster, alerts: &usize, wanted: &str) -> Vec<String> {
    let slack: &Slack = cluster.vendors.sandbox.vendor().unwrap();
    let messages = slack.messages(CHANNEL);
    let mut problems = Vec::new();
    if (*alerts, messages.len()) != (ALERTS, ALERTS) {
        let messages = messages.len();
        problems.push(format!(
            "{alerts} alerts and {messages} messages of {ALERTS}"
        ));
    }
    let other = messages.iter().filter(|m| color(m) != wanted);
    problems.extend(other.map(|m| format!("a message is {}, not {wanted}", color(m))));
    problems
}

fn not_all(state: &crate::check::State, status: &str) -> Vec<String> {
    let other = state.alerts.iter().filter(|a| a.status != status);
    other
        .map(|a| format!("{} is {}, not {status}", a.key, a.status))
        .collect()
}
