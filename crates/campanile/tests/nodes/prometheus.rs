//! Two real replicas of one Prometheus: what they both say is one alert and one message.

use std::collections::HashSet;

use pgtest::Server;
use sandbox::slack::{Message, Slack};

use crate::check::{State, color, settled};
use crate::cluster::{Cluster, PROMETHEUS};
use crate::program::{Prometheus, WATCHED};
use crate::vendors::CHANNEL;
use crate::{none, now, pause};

/// Longer than anything here takes on a busy machine.
const WITHIN_MS: i64 = 150_000;
const REPLICAS: [&str; 2] = ["left", "right"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_real_prometheus_at_both_nodes_make_one_alert_and_one_message() {
    pair("both nodes", [&[0, 1], &[0, 1]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_real_prometheus_at_a_node_each_make_one_alert_and_one_message() {
    pair("a node each", [&[0], &[1]]).await;
}

/// `nodes`: those that each replica sends to.
async fn pair(name: &str, nodes: [&[usize]; 2]) {
    let mut cluster = Cluster::start(Server::shared(), 2).await;
    let folders = REPLICAS.map(|_| tempfile::tempdir().unwrap());
    let addresses = [0, 1].map(|node| cluster.address(node).to_string());
    let replicas = [0, 1].map(|n| {
        let targets: Vec<&str> = nodes[n].iter().map(|&to| &*addresses[to]).collect();
        Prometheus::start(folders[n].path(), REPLICAS[n], PROMETHEUS, &targets)
    });
    let mut api = cluster.api(0).await;
    let slack: &Slack = cluster.vendors.sandbox.vendor().unwrap();

    // Its value ends with the replica that said it last: both are heard, each through all its nodes, while it is open.
    let give_up = now() + WITHIN_MS;
    let mut heard: HashSet<&str> = HashSet::new();
    let mut reds = 0;
    while heard.len() < 2 || reds == 0 || !all_sent(&replicas, nodes, &addresses).await {
        let late = now() > give_up;
        assert!(!late, "heard of {heard:?}, {reds} red messages");
        ask(&replicas).await;
        for alert in api.alerts().await.iter().filter(|a| a.status == "open") {
            heard.extend(
                REPLICAS
                    .iter()
                    .find(|replica| alert.value.ends_with(**replica)),
            );
        }
        reds = slack
            .messages(CHANNEL)
            .iter()
            .filter(|m| color(m) == "danger")
            .count();
        pause(100).await;
    }

    // Nobody asks any more. Each replica finds that by itself, one before the other.
    let give_up = now() + WITHIN_MS;
    while !all_quiet(&replicas).await {
        assert!(now() < give_up, "a replica still fires");
        pause(100).await;
    }
    let mut problems = Vec::new();
    let state = loop {
        let state = settled(&mut api).await;
        if state.alerts.iter().all(|a| a.status == "closed") || now() > give_up {
            break state;
        }
    };
    let messages = slack.messages(CHANNEL);
    let log = log(&state);
    let colors: Vec<Vec<String>> = messages.iter().map(colors).collect();
    println!("{name}: the alerts' logs {log:?}; the messages' colours {colors:?}");
    // Between the two ends the one that still fires may open it again; it stays the same alert and the same message.
    let one_episode = |log: &Vec<String>| {
        log.first().is_some_and(|kind| kind == "opened")
            && log.last().is_some_and(|kind| kind == "closed")
            && log.iter().filter(|kind| *kind == "opened").count() == 1
    };
    if log.len() != 1 || !log.iter().all(one_episode) {
        problems.push(format!("not one alert of one episode: {log:?}"));
    }
    let red_then_green = |colors: &Vec<String>| {
        colors.first().is_some_and(|c| c == "danger") && colors.last().is_some_and(|c| c == "good")
    };
    if colors.len() != 1 || !colors.iter().all(red_then_green) {
        problems.push(format!("not one message, red and then green: {colors:?}"));
    }
    cluster.vendors.webhooks.catch_up();
    problems.extend(cluster.vendors.webhooks.problems());
    problems.extend(cluster.vendors.violations());
    drop(replicas);
    problems.extend(cluster.stop().await);
    none(&problems);
}

async fn ask(replicas: &[Prometheus; 2]) {
    tokio::join!(replicas[0].get(WATCHED), replicas[1].get(WATCHED));
}

/// Whether each replica had an alert taken by each of its nodes, as it counts itself.
async fn all_sent(
    replicas: &[Prometheus; 2],
    nodes: [&[usize]; 2],
    addresses: &[String; 2],
) -> bool {
    for (replica, nodes) in replicas.iter().zip(nodes) {
        let metrics = replica.get("/metrics").await;
        let count = |of: &str, node: usize| -> f64 {
            let start = format!("prometheus_notifications_{of}_total{{");
            let line = metrics
                .lines()
                .find(|line| line.starts_with(&start) && line.contains(&addresses[node]));
            line.and_then(|line| line.rsplit(' ').next())
                .map_or(0.0, |figure| figure.parse().unwrap())
        };
        // What failed is counted as sent too.
        if !nodes
            .iter()
            .all(|&node| count("sent", node) > count("errors", node))
        {
            return false;
        }
    }
    true
}

/// Whether no replica's rule fires.
async fn all_quiet(replicas: &[Prometheus; 2]) -> bool {
    for replica in replicas {
        if !replica
            .get("/api/v1/alerts")
            .await
            .contains(r#""alerts":[]"#)
        {
            return false;
        }
    }
    true
}

/// The kinds of each alert's events.
fn log(state: &State) -> Vec<Vec<String>> {
    let kinds = |events: &Vec<(u64, String)>| events.iter().map(|(_, kind)| kind.clone()).collect();
    state.events.values().map(kinds).collect()
}

/// Those that a message had, oldest first.
fn colors(message: &Message) -> Vec<String> {
    let past = message.history.iter().map(|version| &version.content);
    past.chain([&message.content])
        .map(|content| {
            content.attachments[0]["color"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}
