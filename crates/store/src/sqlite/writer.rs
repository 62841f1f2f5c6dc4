//! The one thread that writes. It takes whatever has come, runs it in one transaction, commits, and answers all: while
//! a commit waits for the disk the next group gathers by itself, so nothing ever waits for a group to fill.

use std::sync::Arc;

use model::limits::GROUP_SIGNALS_MAX;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::fault::{Fault, Res};
use super::memory::{Memory, Pending, Tally};
use super::reader::Look;
use crate::{StoreError, StoreResult};

/// Requests waiting for the writer. Callers wait for room; each request holds many rows, so this is minutes of work.
const QUEUE_REQUESTS_MAX: usize = 1024;

/// What is sent to the writer.
pub(super) enum Request {
    Write(Box<dyn Job>),
    /// A read on the writer's connection, after everything before it: only for databases in memory.
    Look(Look),
}

/// One caller's work, which may run twice: with its group, and alone if the group failed.
pub(super) trait Job: Send {
    /// How many rows' worth of work it is.
    fn weight(&self) -> usize;
    fn run(&mut self, tx: &mut Tx<'_>) -> Res<()>;
    /// After the commit, or with the reason why there was none.
    fn answer(self: Box<Self>, result: StoreResult<()>);
}

/// A running transaction.
pub(super) struct Tx<'a> {
    pub conn: &'a Connection,
    pub memory: &'a Memory,
    pub pending: Pending,
    /// The group failed before: each item gets a savepoint, so that it fails alone.
    careful: bool,
}

impl Tx<'_> {
    /// Runs one item of a job: all of it or nothing. The inner error is that item's own.
    pub(super) fn item<T>(&mut self, work: impl FnOnce(&mut Self) -> Res<T>) -> Res<Res<T>> {
        if !self.careful {
            return Ok(Ok(work(self)?));
        }
        let before = self.pending.clone();
        self.conn.execute_batch("SAVEPOINT item")?;
        match work(self) {
            Ok(done) => {
                self.conn.execute_batch("RELEASE item")?;
                Ok(Ok(done))
            }
            Err(fault) if fault.is_environment() => Err(fault),
            Err(fault) => {
                self.conn.execute_batch("ROLLBACK TO item; RELEASE item")?;
                self.pending = before;
                Ok(Err(fault))
            }
        }
    }
}

/// The way to the writer thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn spawn(
        conn: Connection,
        memory: Arc<Memory>,
        changed: Arc<watch::Sender<u64>>,
    ) -> StoreResult<Writer> {
        let (queue, requests) = mpsc::channel(QUEUE_REQUESTS_MAX);
        let tally = Tally::read(&conn).map_err(|f| f.into_store("tally", &1))?;
        let work = Loop {
            conn,
            memory,
            changed,
            tally,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work.run(requests))
            .map_err(|e| StoreError::Unavailable {
                what: format!("the operating system gave no thread for the writer: {e}"),
            })?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Runs `work` in a transaction with others; returns after the commit.
    pub(super) async fn write<T, F>(&self, weight: usize, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Res<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work {
            weight,
            work,
            done: None,
            reply,
        });
        self.send(Request::Write(job)).await?;
        answer.await.map_err(|_| gone())?
    }

    pub(super) async fn send(&self, request: Request) -> StoreResult<()> {
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(request).await.map_err(|_| gone())
    }

    /// Lets the thread finish what it has, and waits for it.
    pub(super) fn stop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: said on stderr already.
            let _panicked = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable {
        what: "the store's writer has stopped; restart the hub and report what its log says".into(),
    }
}

struct Work<T, F> {
    weight: usize,
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<StoreResult<T>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Res<T> + Send,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Res<()> {
        self.done = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, result: StoreResult<()>) {
        let Work { done, reply, .. } = *self;
        let answer = result.and_then(|()| done.ok_or_else(gone));
        // Whoever asked has gone; the work is done all the same.
        let _nobody = reply.send(answer);
    }
}

struct Loop {
    conn: Connection,
    memory: Arc<Memory>,
    changed: Arc<watch::Sender<u64>>,
    tally: Tally,
}

impl Loop {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut next = Some(first);
            let mut group = Vec::new();
            let mut weight = 0;
            let mut look = None;
            while let Some(request) = next.take() {
                match request {
                    Request::Look(l) => look = Some(l),
                    Request::Write(job) => {
                        weight += job.weight();
                        group.push(job);
                        if weight < GROUP_SIGNALS_MAX {
                            next = requests.try_recv().ok();
                        }
                    }
                }
            }
            self.group(group);
            if let Some(look) = look {
                look(&self.conn, &self.memory);
            }
        }
        // The next start need not recover a log.
        let _checkpointed = self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        match self.attempt(&mut jobs, false) {
            Ok(()) => jobs.into_iter().for_each(|job| job.answer(Ok(()))),
            Err(fault) if fault.is_environment() => {
                let error = fault.into_store("(group)", &"");
                tracing::error!(%error, "a group of writes was refused");
                for job in jobs {
                    job.answer(Err(StoreError::Unavailable {
                        what: error.to_string(),
                    }));
                }
            }
            // One of them is poisoned: each alone, so that it refuses only itself.
            Err(_) => {
                for mut job in jobs {
                    let result = self.attempt(std::slice::from_mut(&mut job), true);
                    job.answer(result.map_err(|f| {
                        let error = f.into_store("(request)", &"");
                        tracing::error!(%error, "a write was refused");
                        error
                    }));
                }
            }
        }
    }

    /// Runs the jobs in one transaction.
    fn attempt(&mut self, jobs: &mut [Box<dyn Job>], careful: bool) -> Res<()> {
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let before = self.conn.total_changes();
        match self.transact(jobs, careful) {
            Ok(pending) => {
                self.tally = pending.tally;
                self.memory.merge(pending);
                if self.conn.total_changes() != before {
                    self.changed.send_modify(|n| *n += 1);
                }
                Ok(())
            }
            Err(fault) => {
                // SQLite ends the transaction by itself on some errors.
                if !self.conn.is_autocommit() {
                    self.conn.execute_batch("ROLLBACK")?;
                }
                Err(fault)
            }
        }
    }

    fn transact(&self, jobs: &mut [Box<dyn Job>], careful: bool) -> Res<Pending> {
        let mut tx = Tx {
            conn: &self.conn,
            memory: &self.memory,
            pending: Pending::new(self.tally),
            careful,
        };
        for job in jobs {
            job.run(&mut tx)?;
        }
        if tx.pending.tally != self.tally {
            tx.pending.tally.write(&self.conn)?;
        }
        self.conn.execute_batch("COMMIT").map_err(Fault::Sql)?;
        Ok(tx.pending)
    }
}
