//! What befalls nodes, their network and the database, under load.

use std::collections::BTreeMap;

use pgtest::{Durability, Server};
use sandbox::Fault;
use serde_json::Value;

use crate::api::Lane;
use crate::check::{self, Expected};
use crate::cluster::Cluster;
use crate::http::Connection;
use crate::hub::TOKEN;
use crate::load::Load;
use crate::{none, now, pause};

/// So many signals that nobody sends them all: the load ends when it is stopped.
const ENDLESS: u64 = u64::MAX / 2;
const REST_MS: i64 = 60;
/// A claim's lease: the deadline of a webhook or a message (15 s) and what comes on top (20 s).
const LEASE_MS: i64 = 35_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i7_nodes_that_are_killed_lose_nothing() {
    let mut cluster = Cluster::start(Server::shared(), 3).await;
    let load = Load::start(&cluster.addresses, ENDLESS, REST_MS);
    for node in [1, 2, 0] {
        pause(1500).await;
        cluster.kill_node(node).await;
        let before = load.accepted();
        pause(1500).await;
        assert!(load.accepted() > before, "the others take no signals");
        cluster.start_node(node).await;
    }
    let truth = load.stop().await;
    let problems = check::all("killed", &mut cluster, &truth, Expected::CountedRepeats).await;
    none(&problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_a_node_that_wakes_up_late_changes_no_lane() {
    let mut cluster = Cluster::start(Server::shared(), 3).await;
    // What it holds of the database while it sleeps, others do without for a second.
    cluster.database_goes = true;
    // Signals come to the others only: what the sleeper does late is deliveries.
    let sleeper = cluster.hide_node(0);
    let slow = Fault {
        vendor: "webhook".to_owned(),
        delay_ms: Some(1000),
        ..Fault::default()
    };
    cluster.vendors.sandbox.add_fault(slow).unwrap();
    let load = Load::start(&cluster.addresses, ENDLESS, REST_MS);
    pause(3000).await;
    cluster.nodes[0].stand_still();
    let asleep_since = now();
    pause(2000).await;
    cluster.vendors.sandbox.remove_faults(None);
    let truth = load.stop().await;
    check::settled(&mut cluster.api(1).await).await;
    pause(asleep_since + LEASE_MS + 5000 - now()).await;
    let state = check::settled(&mut cluster.api(1).await).await;
    let lanes = |state: &check::State| -> BTreeMap<String, String> {
        let alerts = state.alerts.iter();
        let lanes = alerts.flat_map(|a| a.lanes.iter().map(|l| (a.id.clone(), l)));
        lanes
            .map(|(alert, lane)| (format!("{alert} {}", lane.integration), standing(lane)))
            .collect()
    };
    let before = lanes(&state);
    let late_before = late_attempts(&cluster).await;
    cluster.nodes[0].go_on();
    let deadline = now() + 60_000;
    while late_attempts(&cluster).await == late_before && now() < deadline {
        pause(500).await;
    }
    pause(3000).await;
    let late = late_attempts(&cluster).await - late_before;
    cluster.addresses.lock().unwrap()[0] = Some(sleeper);
    let after = lanes(&check::settled(&mut cluster.api(1).await).await);
    let changed = before
        .iter()
        .filter(|(lane, shown)| after.get(*lane) != Some(*shown));
    let mut problems: Vec<String> = changed
        .map(|(lane, shown)| format!("{lane} was\n  {shown} and is\n  {:?}", after.get(lane)))
        .collect();
    println!(
        "woke up late: {late} late attempts, {} lanes changed",
        problems.len()
    );
    if late == 0 {
        problems.push("no late attempt is listed".to_owned());
    }
    problems.extend(
        check::all(
            "woke up late",
            &mut cluster,
            &truth,
            Expected::CountedRepeats,
        )
        .await,
    );
    none(&problems);
}

/// Where a lane stands. Not what is counted of it, nor the messages beside its own, which a late reply may name (I5).
fn standing(lane: &Lane) -> String {
    let whole: Value = serde_json::from_str(&lane.shown).unwrap();
    let field = |name: &str| whole[name].to_string();
    ["told", "cursor", "head", "object"].map(field).join(" ")
}

/// How many attempts are late, that is came to their end under a claim that was lost.
async fn late_attempts(cluster: &Cluster) -> usize {
    let mut connection = Connection::open(cluster.address(1)).await.unwrap();
    let mut late = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/attempts?limit=1000{cursor}");
        let page = connection.get(&path, TOKEN).await;
        let attempts = page["attempts"].as_array().unwrap();
        late += attempts.iter().filter(|a| a["kind"] == "late").count();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return late,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_node_that_is_cut_off_takes_nothing_and_comes_back_by_itself() {
    let mut cluster = Cluster::start(Server::shared(), 3).await;
    cluster.database_goes = true;
    let load = Load::start(&cluster.addresses, ENDLESS, REST_MS);
    pause(1500).await;
    cluster.networks[0].cut();
    pause(8000).await;
    cluster.networks[0].heal();
    pause(3000).await;
    cluster.networks[1].refuse();
    pause(4000).await;
    cluster.networks[1].heal();
    pause(3000).await;
    let truth = load.stop().await;
    assert!(truth.refused + truth.unanswered > 0, "nothing was cut off");
    for (number, node) in cluster.nodes.iter_mut().enumerate() {
        assert!(node.runs(), "node {number} ended");
    }
    let problems = check::all("cut off", &mut cluster, &truth, Expected::LateRequests).await;
    none(&problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_database_that_is_restarted_under_load_loses_nothing() {
    let server = Server::start(Durability::Fast);
    let mut cluster = Cluster::start(&server, 3).await;
    cluster.database_goes = true;
    let load = Load::start(&cluster.addresses, ENDLESS, REST_MS);
    for _ in 0..3 {
        pause(2000).await;
        // In a thread that may wait, so that senders go on.
        tokio::task::block_in_place(|| server.stop_hard());
        pause(1500).await;
        tokio::task::block_in_place(|| server.start_again());
    }
    pause(3000).await;
    let before = load.accepted();
    pause(2000).await;
    assert!(load.accepted() > before, "nothing is taken any more");
    let truth = load.stop().await;
    for (number, node) in cluster.nodes.iter_mut().enumerate() {
        assert!(node.runs(), "node {number} ended");
    }
    let problems = check::all(
        "database restarted",
        &mut cluster,
        &truth,
        Expected::CountedRepeats,
    )
    .await;
    none(&problems);
}
