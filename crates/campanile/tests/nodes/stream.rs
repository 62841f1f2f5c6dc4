//! Who watches one node sees what all do.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use pgtest::Server;
use serde_json::Value;

use crate::check::settled;
use crate::cluster::Cluster;
use crate::hub::TOKEN;
use crate::load::Load;
use crate::{Shared, none, now, pause};

/// The last events come to a stream within this.
const SEEN_WITHIN_MS: i64 = 15_000;

/// Position, alert and event number of each message, in the order of their coming.
type Seen = Shared<Vec<(u64, String, u64)>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_of_each_node_has_every_event_of_all_nodes() {
    let mut cluster = Cluster::start(Server::shared(), 3).await;
    let mut streams = Vec::new();
    for node in 0..3 {
        streams.push(watch(cluster.address(node)).await);
    }
    let truth = Load::start(&cluster.addresses, 3_000, 0).done().await;
    let mut problems = truth.problems;
    let state = settled(&mut cluster.api(0).await).await;
    let logs = state.events.iter();
    let all: BTreeSet<(String, u64)> = logs
        .flat_map(|(alert, log)| log.iter().map(move |(seq, _)| (alert.clone(), *seq)))
        .collect();
    let deadline = now() + SEEN_WITHIN_MS;
    for (node, seen) in streams.iter().enumerate() {
        while seen.lock().unwrap().len() < all.len() && now() < deadline {
            pause(100).await;
        }
        let seen = seen.lock().unwrap().clone();
        let events = seen.iter().map(|(_, alert, seq)| (alert.clone(), *seq));
        let missing = all.difference(&events.collect()).count();
        let (came, wanted) = (seen.len(), all.len());
        println!("stream of node {node}: {came} of {wanted} events");
        if missing > 0 || came != wanted {
            problems.push(format!(
                "node {node}: {came} of {wanted} events, {missing} missing"
            ));
        }
        if !seen.is_sorted_by(|before, next| before.0 < next.0) {
            problems.push(format!("node {node}: positions do not rise"));
        }
    }
    problems.extend(cluster.stop().await);
    none(&problems);
}

/// Opens a stream; returns once it has begun.
async fn watch(address: SocketAddr) -> Seen {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut requests, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    // Its error ends the body too.
    tokio::spawn(async move { connection.await.ok() });
    let request = http::Request::get("/api/v1/stream")
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = requests.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let seen: Seen = Arc::new(Mutex::new(Vec::new()));
    let to = seen.clone();
    let mut body = response.into_body();
    // What it begins with is no event.
    let mut text = next(&mut body).await.unwrap_or_default();
    tokio::spawn(async move {
        // The connection stays as long as somebody may send.
        let _requests = requests;
        loop {
            while let Some(end) = text.find("\n\n") {
                to.lock().unwrap().extend(message(&text[..end]));
                text.drain(..end + 2);
            }
            match next(&mut body).await {
                Some(more) => text.push_str(&more),
                None => break,
            }
        }
    });
    seen
}

async fn next(body: &mut hyper::body::Incoming) -> Option<String> {
    let frame = body.frame().await?.ok()?;
    let data = frame.into_data().unwrap_or_default();
    Some(String::from_utf8_lossy(&data).into_owned())
}

/// `None`: a comment.
fn message(text: &str) -> Option<(u64, String, u64)> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let data: Value = serde_json::from_str(field("data:")?.trim()).ok()?;
    let id = field("id:")?.trim().parse().ok()?;
    let alert = data["event"]["alert"].as_str()?.to_owned();
    Some((id, alert, data["event"]["seq"].as_u64()?))
}
