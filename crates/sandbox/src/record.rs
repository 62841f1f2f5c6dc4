//! The record file: one JSON line a request, written by a thread of its own.

use crate::exchange::Recorded;
use crate::limits;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, oneshot};

/// The record file cannot be opened: the operator's path or permissions.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the record file {path}: {source}. Give --record a path that can be written")]
pub struct RecordError {
    path: PathBuf,
    source: std::io::Error,
}

enum Order {
    Write(Recorded),
    Flush(oneshot::Sender<()>),
}

/// The sending half of the record.
#[derive(Debug, Clone)]
pub(crate) struct Record(mpsc::Sender<Order>);

impl Record {
    /// Opens the file for appending and starts the thread that writes it.
    pub(crate) fn open(path: &Path) -> Result<Self, RecordError> {
        let fail = |source| RecordError {
            path: path.to_owned(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(fail)?;
        let (sender, orders) = mpsc::channel(limits::RECORD_QUEUE);
        std::thread::Builder::new()
            .name("record".into())
            .spawn(move || write_all(file, orders))
            .map_err(fail)?;
        Ok(Self(sender))
    }

    /// Queues a line; waits while the queue is full, so that none is lost.
    pub(crate) async fn write(&self, recorded: Recorded) {
        // The thread ends only when every sender is gone.
        let _ = self.0.send(Order::Write(recorded)).await;
    }

    /// Returns when everything queued before is in the file.
    pub(crate) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.0.send(Order::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

/// Writes until every sender is gone; flushes whenever it has caught up.
fn write_all(file: File, mut orders: mpsc::Receiver<Order>) {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let mut complained = false;
    while let Some(first) = orders.blocking_recv() {
        let mut next = Some(first);
        let mut flushed = Vec::new();
        let mut result = Ok(());
        while let Some(order) = next {
            match order {
                Order::Write(recorded) => {
                    result = result.and_then(|()| write_line(&mut out, &recorded))
                }
                Order::Flush(done) => flushed.push(done),
            }
            next = orders.try_recv().ok();
        }
        if let Err(error) = result.and_then(|()| out.flush())
            && !complained
        {
            complained = true;
            eprintln!(
                "sandbox: the record file lacks requests from here on: {error}. Free the disk and start again"
            );
        }
        for done in flushed {
            let _ = done.send(());
        }
    }
}

fn write_line(out: &mut impl Write, recorded: &Recorded) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, recorded)?;
    out.write_all(b"\n")
}
