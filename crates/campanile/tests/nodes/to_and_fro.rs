//! A sender that says each thing once, now to this node and now to that.

use pgtest::Server;
use tokio::task::JoinSet;

use crate::check::settled;
use crate::cluster::{Cluster, EPISODES};
use crate::dice::Dice;
use crate::load::signal;
use crate::senders::Sender;
use crate::{full, none, pause};

/// At the same time.
const KEYS_AT_ONCE: u64 = 100;
/// Between two of the three signals at most: all three come within a second.
const REST_MAX_MS: u64 = 450;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn critical_here_closed_there_and_critical_here_again_is_open_in_the_end() {
    let mut cluster = Cluster::start(Server::shared(), 2).await;
    let runs = if full() { 1000 } else { 100 };
    for round in 0..runs / KEYS_AT_ONCE {
        let mut keys = JoinSet::new();
        for key in 0..KEYS_AT_ONCE {
            let mut sender = Sender::new(cluster.addresses.clone(), 0);
            let mut dice = Dice(round * KEYS_AT_ONCE + key);
            let (a, b) = (cluster.address(0), cluster.address(1));
            keys.spawn(async move {
                let name = format!("to-and-fro-{round:02}-{key:02}");
                for (node, said) in [(a, Some("critical")), (b, None), (a, Some("critical"))] {
                    let body = signal(&name, said).to_string();
                    let path = format!("/s/{EPISODES}");
                    let heard = sender.send(node, &path, body.as_bytes()).await;
                    let (status, body) = heard.expect("the node answers");
                    let body = String::from_utf8_lossy(&body).into_owned();
                    assert!((200..300).contains(&status), "{status} {body}");
                    // A third goes on at once.
                    let rest = dice
                        .below(REST_MAX_MS * 3 / 2)
                        .saturating_sub(REST_MAX_MS / 2);
                    pause(i64::try_from(rest).unwrap()).await;
                }
            });
        }
        while let Some(ended) = keys.join_next().await {
            ended.unwrap();
        }
    }
    let state = settled(&mut cluster.api(1).await).await;
    let mut problems = Vec::new();
    let closed = state.alerts.iter().filter(|a| a.status == "closed").count() as u64;
    let open = state.alerts.iter().filter(|a| a.status == "open").count() as u64;
    println!("to and fro: {runs} runs, {open} alerts open, {closed} closed before");
    if (open, closed) != (runs, runs) {
        problems.push(format!("of {runs} keys {open} are open, {closed} closed"));
    }
    let mut seen = std::collections::HashSet::new();
    for alert in state.alerts.iter().filter(|a| a.status == "open") {
        if !seen.insert(&alert.key) {
            problems.push(format!("{} is open twice", alert.key));
        }
    }
    problems.extend(cluster.stop().await);
    none(&problems);
}
