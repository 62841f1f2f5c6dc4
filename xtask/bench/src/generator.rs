//! Sends requests over connections that stay; the same for every server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};
use tokio::task::JoinSet;

use crate::clock::Stopwatch;
use crate::http::Connection;

/// Sends each request once, over so many connections, each of which waits for its reply before the next; returns the
/// seconds from the first byte to the last reply.
///
/// # Errors
/// A connection that breaks, or any reply but 2xx: what was not accepted must not count.
pub async fn drive(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
) -> anyhow::Result<f64> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await.context("cannot connect")?);
    }
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    let watch = Stopwatch::start();
    for connection in open {
        senders.spawn(send(connection, requests.clone(), next.clone()));
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    Ok(watch.seconds())
}

async fn send(
    mut connection: Connection,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<()> {
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let reply = connection.exchange(request).await?;
        if !(200..300).contains(&reply.status) {
            let said = String::from_utf8_lossy(&reply.body);
            bail!("the server answered {}: {}", reply.status, said.trim());
        }
    }
    Ok(())
}
