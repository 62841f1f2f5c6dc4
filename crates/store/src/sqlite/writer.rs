//! The one thread that writes. It takes whatever has come, runs it in one transaction, commits, and answers all: while
//! a commit waits for the disk the next group gathers by itself.
//!
//! After a commit, those who were answered come back with their next request a moment later, one by one. Taking the
//! first of them at once would spend a whole commit on it while the others wait, so on a slow disk the writer lingers
//! for as many requests as the last group had, for at most a quarter of the time that a commit takes. Whoever is
//! alone never waits.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use model::limits::GROUP_SIGNALS_MAX;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::fault::{Fault, Res};
use super::memory::{Memory, Pending, Tally};
use super::reader::Look;
use crate::{StoreError, StoreResult};

/// Requests waiting for the writer. Callers wait for room; each request holds many rows, so this is minutes of work.
const QUEUE_REQUESTS_MAX: usize = 1024;

/// The longest that a group waits for more, however slow the disk.
const LINGER_MAX: Duration = Duration::from_millis(2);

/// A request and its place in the queue.
type Queued = (Request, OwnedSemaphorePermit);

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
    queue: Option<mpsc::Sender<Queued>>,
    room: Arc<Semaphore>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn spawn(
        conn: Connection,
        memory: Arc<Memory>,
        changed: Arc<watch::Sender<u64>>,
    ) -> StoreResult<Writer> {
        let (queue, requests) = mpsc::channel();
        let tally = Tally::read(&conn).map_err(|f| f.into_store("tally", &1))?;
        let work = Loop {
            conn,
            memory,
            changed,
            tally,
            last_group: 0,
            last_commit: Duration::ZERO,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work.run(requests))
            .map_err(|e| StoreError::Unavailable {
                what: format!("the operating system gave no thread for the writer: {e}"),
            })?;
        Ok(Writer {
            queue: Some(queue),
            room: Arc::new(Semaphore::new(QUEUE_REQUESTS_MAX)),
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
        let place = self.room.clone().acquire_owned().await;
        let place = place.map_err(|_| gone())?;
        queue.send((request, place)).map_err(|_| gone())
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
    /// Requests in the last group.
    last_group: usize,
    /// How long its commit took.
    last_commit: Duration,
}

impl Loop {
    fn run(mut self, requests: mpsc::Receiver<Queued>) {
        while let Ok((first, _)) = requests.recv() {
            let linger = (self.last_commit / 4).min(LINGER_MAX);
            let begun = time();
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
                            let more = group.len() < self.last_group;
                            let left = linger.saturating_sub(begun.elapsed());
                            let came = match more && !left.is_zero() {
                                true => requests.recv_timeout(left).ok(),
                                false => requests.try_recv().ok(),
                            };
                            next = came.map(|(request, _)| request);
                        }
                    }
                }
            }
            self.last_group = group.len();
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
        // A rollback that failed would leave its transaction to the next group.
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
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

    fn transact(&mut self, jobs: &mut [Box<dyn Job>], careful: bool) -> Res<Pending> {
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
        let pending = tx.pending;
        let begun = time();
        self.conn.execute_batch("COMMIT").map_err(Fault::Sql)?;
        self.last_commit = begun.elapsed();
        Ok(pending)
    }
}

/// For measuring the disk.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a commit takes is the disk's matter: no value that is stored or decided depends on it"
)]
fn time() -> Instant {
    Instant::now()
}
