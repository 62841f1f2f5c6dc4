//! A few threads that read beside the writer: each sees the last commit, and never waits for one.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault::Res;
use super::memory::Memory;
use super::writer::{Request, Writer};
use super::{Options, schema};
use crate::{StoreError, StoreResult};

/// Reads waiting for a thread; more are refused, because their callers would have given up before their turn.
const QUEUE_READS_MAX: usize = 4096;

/// A read with its answer's address inside.
pub(super) type Look = Box<dyn FnOnce(&Connection, &Memory) + Send>;

/// Where reads run.
pub(super) enum Readers {
    Threads {
        queue: Option<SyncSender<Look>>,
        threads: Vec<std::thread::JoinHandle<()>>,
    },
    /// A database in memory has one connection, and the writer owns it.
    Writer,
}

impl Readers {
    pub(super) fn spawn(
        path: &Path,
        options: &Options,
        memory: &Arc<Memory>,
    ) -> StoreResult<Readers> {
        let (queue, looks) = sync_channel::<Look>(QUEUE_READS_MAX);
        let looks = Arc::new(Mutex::new(looks));
        let mut threads = Vec::new();
        for n in 0..options.readers.max(1) {
            let conn = schema::open_reader(path, options)?;
            let (looks, memory) = (looks.clone(), memory.clone());
            let thread = std::thread::Builder::new()
                .name(format!("store-reader-{n}"))
                .spawn(move || read_loop(&looks, &conn, &memory))
                .map_err(|e| StoreError::Unavailable {
                    what: format!("the operating system gave no thread for a reader: {e}"),
                })?;
            threads.push(thread);
        }
        Ok(Readers::Threads {
            queue: Some(queue),
            threads,
        })
    }

    /// Runs `look` on one of the threads. `table` is named if SQLite itself fails.
    pub(super) async fn read<T, F>(&self, writer: &Writer, look: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Memory) -> Res<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |conn, memory| {
            // Whoever asked has gone.
            let _nobody = reply.send(look(conn, memory));
        });
        match self {
            Readers::Writer => writer.send(Request::Look(look)).await?,
            Readers::Threads { queue, .. } => {
                let queue = queue.as_ref().ok_or_else(gone)?;
                queue.try_send(look).map_err(|e| match e {
                    TrySendError::Full(_) => StoreError::Unavailable {
                        what: format!("{QUEUE_READS_MAX} reads wait already; ask again later"),
                    },
                    TrySendError::Disconnected(_) => gone(),
                })?;
            }
        }
        let result = answer.await.map_err(|_| gone())?;
        result.map_err(|fault| fault.into_store("(query)", &"?"))
    }

    pub(super) fn stop(&mut self) {
        if let Readers::Threads { queue, threads } = self {
            *queue = None;
            for thread in threads.drain(..) {
                // It panicked: said on stderr already.
                let _panicked = thread.join();
            }
        }
    }
}

fn read_loop(looks: &Mutex<Receiver<Look>>, conn: &Connection, memory: &Memory) {
    loop {
        // One thread waits in `recv`, the others for the lock: whoever gets a read lets the next one wait.
        let next = looks.lock().recv();
        match next {
            Ok(look) => {
                // One look sees one commit. If it cannot begin, its first statement fails and says why.
                let _begun = conn.execute_batch("BEGIN");
                look(conn, memory);
                let _ended = conn.execute_batch("COMMIT");
            }
            Err(_) => return,
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable {
        what: "the store's readers have stopped; restart the hub and report what its log says"
            .into(),
    }
}
