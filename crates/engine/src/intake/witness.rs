//! Repeats beside other nodes: each is written, on the version that it repeats, before its sender hears of it.
//!
//! The entry that a repeat was recognised by may be stale: another node may have closed the alert, and then the
//! repeat is a new alert. Taking it first and finding that out later would put it behind what its sender says next,
//! through whatever node (docs/adr/002). So the row is the witness: the store writes it only while the alert is at the
//! entry's version. Whatever has come is written in one statement while the one before is on its way.

use std::sync::Arc;

use model::{DurationMs, limits};
use store::SeenRow;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Busy;
use crate::hub::Shared;
use crate::telling;

/// Batches that wait to be written; more are told to come again.
const WAITING_MAX: usize = 4096;

/// A batch of repeats.
pub(crate) struct Asked {
    rows: Vec<SeenRow>,
    /// For each row whether it was written; an error says that the store failed.
    reply: oneshot::Sender<Result<Vec<bool>, Busy>>,
}

/// The way to the loop that writes.
pub(crate) struct Witness {
    asked: mpsc::Sender<Asked>,
}

impl Witness {
    pub fn new() -> (Witness, mpsc::Receiver<Asked>) {
        let (asked, asks) = mpsc::channel(WAITING_MAX);
        (Witness { asked }, asks)
    }

    /// Writes repeats; for each whether it is one.
    pub async fn ask(&self, rows: Vec<SeenRow>) -> Result<Vec<bool>, Busy> {
        let (reply, answer) = oneshot::channel();
        if self.asked.try_send(Asked { rows, reply }).is_err() {
            return Err(busy("the hub has too much waiting"));
        }
        answer
            .await
            .unwrap_or_else(|_| Err(busy("the hub is stopping")))
    }
}

/// Writes until `stop`, and what waits then.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut asks: mpsc::Receiver<Asked>,
    stop: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            first = asks.recv() => first,
            () = stop.cancelled() => {
                // Nobody adds to them: a hub that stops trusts its cache no more.
                asks.close();
                asks.recv().await
            }
        };
        let Some(first) = first else { return };
        let mut count = first.rows.len();
        let mut group = vec![first];
        while count < limits::GROUP_SIGNALS_MAX
            && let Ok(more) = asks.try_recv()
        {
            count += more.rows.len();
            group.push(more);
        }
        let rows = group.iter().flat_map(|asked| asked.rows.iter().copied());
        match shared.store.seen(rows.collect()).await {
            Ok(written) => {
                let mut written = written.into_iter();
                for asked in group {
                    let own = written.by_ref().take(asked.rows.len()).collect();
                    // A sender that went away does not hear that its repeats were noted.
                    let _gone = asked.reply.send(Ok(own));
                }
            }
            Err(error) => {
                telling::store_failed("repeats", &error);
                shared.refusing();
                // Whoever waited behind them would only wait for the next failure.
                while let Ok(more) = asks.try_recv() {
                    group.push(more);
                }
                for asked in group {
                    let _gone = asked
                        .reply
                        .send(Err(busy("the hub's store does not answer")));
                }
            }
        }
    }
}

fn busy(reason: &str) -> Busy {
    Busy {
        reason: reason.to_owned(),
        retry_after: DurationMs::from_secs(5),
    }
}
