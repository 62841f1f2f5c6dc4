//! Wake-ups between nodes: one connection per node listens, and tells others that something was written.
//!
//! A notification says nothing but "look": correctness never rests on it (I11). It is sent outside of transactions,
//! many writes in one, because inside them it would make all commits wait for each other.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client};

use super::connect::{Address, Driven};
use super::fault::{Res, said};
use super::time;

/// The least time between two notifications of one node.
const SPACING: Duration = Duration::from_millis(10);
/// Between two tries to connect.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Drives a connection that nobody notifies.
pub(super) fn drive_alone(mut connection: Driven) -> JoinHandle<()> {
    tokio::spawn(
        async move { while let Some(Ok(_)) = poll_fn(|cx| connection.poll_next(cx)).await {} },
    )
}

/// What writers hold to wake others.
pub(super) struct Wake {
    changed: watch::Sender<u64>,
    written: Notify,
}

impl Wake {
    pub(super) fn new() -> Arc<Wake> {
        Arc::new(Wake {
            changed: watch::Sender::new(0),
            written: Notify::new(),
        })
    }

    /// Events were committed here: all nodes may have something to do or to show.
    pub(super) fn written(&self) {
        self.here();
        self.written.notify_one();
    }

    /// Something was committed that concerns this node first: another finds it when it looks by itself.
    pub(super) fn here(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// Listens and notifies until the store is dropped.
pub(super) async fn run(address: Address, wake: Weak<Wake>) {
    while wake.strong_count() > 0 {
        if let Err(fault) = once(&address, &wake).await {
            tracing::debug!(?fault, "no wake-ups from PostgreSQL for now");
        }
        time::pause(AGAIN_AFTER).await;
    }
}

async fn once(address: &Address, wake: &Weak<Wake>) -> Res<()> {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let (client, drive) = address.alone(|connection| drive(connection, heard)).await?;
    let talked = talk(&client, wake, &mut hears).await;
    drive.abort();
    talked
}

/// Passes on who notified, until the connection ends.
fn drive(mut connection: Driven, heard: mpsc::UnboundedSender<i32>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match poll_fn(|cx| connection.poll_next(cx)).await {
                Some(Ok(AsyncMessage::Notification(from))) => {
                    if heard.send(from.process_id()).is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(error = said(&error), "the listening connection ended");
                    return;
                }
                None => return,
            }
        }
    })
}

async fn talk(
    client: &Client,
    wake: &Weak<Wake>,
    hears: &mut mpsc::UnboundedReceiver<i32>,
) -> Res<()> {
    // A notification carries no data, so its own commit need not be on the disk.
    client
        .batch_execute("SET synchronous_commit = off; LISTEN campanile")
        .await?;
    let own: i32 = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await?
        .get(0);
    if let Some(wake) = wake.upgrade() {
        // Whatever was missed while nobody listened.
        wake.changed.send_modify(|n| *n += 1);
    }
    loop {
        let Some(alive) = wake.upgrade() else {
            return Ok(());
        };
        tokio::select! {
            from = hears.recv() => match from {
                None => return Ok(()),
                Some(from) if from != own => alive.changed.send_modify(|n| *n += 1),
                Some(_) => {}
            },
            () = alive.written.notified() => {
                drop(alive);
                client.batch_execute("NOTIFY campanile").await?;
                time::pause(SPACING).await;
            }
            // Now and then, to see whether the store still lives.
            () = time::pause(AGAIN_AFTER) => {}
        }
    }
}
