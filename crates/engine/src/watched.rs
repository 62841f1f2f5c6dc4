//! The store as the loops use it: the same store, and a note of when it last answered.
//!
//! On a shared store the cache is trusted only while answers come (DESIGN §4), senders are refused at once while none
//! do, and a node that is too old for the database stands aside. One line in the log says that the store went, one
//! that it is back.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use model::{
    AlertId, Attempt, BoxFuture, Clock, DurationMs, Event, IntegrationId, Lane, LaneKey, NodeId,
    Silence, SourceId, Timestamp,
};
use parking_lot::Mutex;
use store::*;
use tokio::sync::watch;

use crate::telling;

/// How long an answer of a shared store vouches for this node's picture of it (DESIGN §4).
pub(crate) const TRUSTED_FOR: DurationMs = DurationMs::from_secs(2);

/// What a call does. Told apart because a full disk fails writes while reads go on.
#[derive(Clone, Copy)]
enum Way {
    Read,
    Write,
}

/// A store that is watched. Boot times are of the clock that it was given.
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// When the newest call that was answered began.
    answered: AtomicI64,
    /// When the newest call that failed began.
    failed: AtomicI64,
    /// Since when reads and writes fail, where they do.
    down: Mutex<[Option<i64>; 2]>,
    /// Why this node does not work on this database any more.
    aside: OnceLock<String>,
}

/// An error of a call, as far as the watcher cares.
trait Failing: From<StoreError> {
    fn store(&self) -> Option<&StoreError>;
}

impl Failing for StoreError {
    fn store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Failing for WriteError {
    fn store(&self) -> Option<&StoreError> {
        match self {
            WriteError::Conflict => None,
            WriteError::Store(error) => Some(error),
        }
    }
}

impl Watched {
    pub fn new(inner: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Watched {
        Watched {
            answered: AtomicI64::new(clock.boot_ms()),
            failed: AtomicI64::new(i64::MIN),
            inner,
            clock,
            down: Mutex::default(),
            aside: OnceLock::new(),
        }
    }

    /// Whether the store answered lately. A node that was paused, or is cut off, hears `false`.
    pub fn is_fresh(&self) -> bool {
        self.silent_for() < TRUSTED_FOR
    }

    /// How long ago the newest call that was answered began.
    pub fn silent_for(&self) -> DurationMs {
        DurationMs(self.clock.boot_ms() - self.answered.load(Ordering::Relaxed))
    }

    /// Whether calls fail and none was answered for a while: another try would only make a sender wait.
    pub fn is_down(&self) -> bool {
        self.failed.load(Ordering::Relaxed) > self.answered.load(Ordering::Relaxed)
            && !self.is_fresh()
    }

    /// Why this node stands aside, if it does: it stays so until it is started anew.
    pub fn aside(&self) -> Option<&str> {
        self.aside.get().map(String::as_str)
    }

    /// One call. `trip`: it asks the database something, so that its answer is a sign of life.
    fn call<'a, T, E>(
        &'a self,
        way: Way,
        trip: bool,
        call: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T, E>>,
    ) -> BoxFuture<'a, Result<T, E>>
    where
        T: Send + 'a,
        E: Failing + Send + 'a,
    {
        if let Some(what) = self.aside.get() {
            let what = what.clone();
            return Box::pin(std::future::ready(Err(StoreError::Schema { what }.into())));
        }
        let began = self.clock.boot_ms();
        let answer = call(&*self.inner);
        Box::pin(async move {
            let result = answer.await;
            match &result {
                Ok(_) if trip => self.answered(way, began),
                Ok(_) => {}
                Err(error) => match error.store() {
                    Some(error) => self.failed(way, began, error),
                    None => self.answered(way, began),
                },
            }
            result
        })
    }

    fn answered(&self, way: Way, began: i64) {
        self.answered.fetch_max(began, Ordering::Relaxed);
        let (was, still) = {
            let mut down = self.down.lock();
            let was = down[way as usize].take();
            (was, down.iter().any(Option::is_some))
        };
        if let Some(since) = was
            && !still
        {
            telling::store_back(DurationMs(self.clock.boot_ms() - since));
        }
    }

    fn failed(&self, way: Way, began: i64, error: &StoreError) {
        match error {
            StoreError::Unavailable { .. } => {
                self.failed.fetch_max(began, Ordering::Relaxed);
                let first = {
                    let mut down = self.down.lock();
                    let first = down.iter().all(Option::is_none);
                    down[way as usize].get_or_insert(began);
                    first
                };
                if first {
                    telling::store_lost(error);
                }
            }
            StoreError::Schema { what } if self.inner.shared() => {
                if self.aside.set(what.clone()).is_ok() {
                    telling::stands_aside(what);
                }
            }
            StoreError::Schema { .. } | StoreError::Inconsistent { .. } => {}
        }
    }
}

/// Delegates: `read` or `write`, whether it asks the database something, the call.
macro_rules! watched {
    ($self:ident, read, $trip:expr, $name:ident ( $($arg:expr),* )) => {
        $self.call(Way::Read, $trip, move |store| store.$name($($arg),*))
    };
    ($self:ident, write, $trip:expr, $name:ident ( $($arg:expr),* )) => {
        $self.call(Way::Write, $trip, move |store| store.$name($($arg),*))
    };
}

impl Store for Watched {
    fn shared(&self) -> bool {
        self.inner.shared()
    }
    fn listening(&self) -> bool {
        self.inner.listening()
    }
    fn start(&self, node: NodeId, now: Timestamp) -> BoxFuture<'_, StoreResult<StartReport>> {
        watched!(self, write, true, start(node, now))
    }
    fn lease(
        &self,
        name: &'static str,
        holder: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        watched!(self, write, true, lease(name, holder, now, until))
    }
    fn release_leases(&self, holder: NodeId) -> BoxFuture<'_, StoreResult<()>> {
        watched!(self, write, true, release_leases(holder))
    }
    fn doubted(&self) -> BoxFuture<'_, StoreResult<()>> {
        // Alone a store has nothing to write here.
        watched!(self, write, false, doubted())
    }
    fn stop_clean(&self) -> BoxFuture<'_, StoreResult<()>> {
        // A shared store has nothing to write here.
        watched!(self, write, false, stop_clean())
    }
    fn database_now(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        watched!(self, read, true, database_now())
    }
    fn meta(&self, name: &str) -> BoxFuture<'_, StoreResult<Option<String>>> {
        watched!(self, read, true, meta(name))
    }
    fn set_meta(&self, name: &str, value: &str) -> BoxFuture<'_, StoreResult<()>> {
        watched!(self, write, true, set_meta(name, value))
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed()
    }

    fn catalog(&self) -> BoxFuture<'_, StoreResult<CatalogRows>> {
        watched!(self, read, true, catalog())
    }
    fn put_catalog(&self, change: CatalogRows) -> BoxFuture<'_, Result<(), WriteError>> {
        watched!(self, write, true, put_catalog(change))
    }
    fn catalog_version(&self) -> BoxFuture<'_, StoreResult<u64>> {
        watched!(self, read, true, catalog_version())
    }
    fn remove_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<()>> {
        watched!(self, write, true, remove_revision(integration, revision))
    }
    fn put_health(&self, rows: Vec<HealthRow>) -> BoxFuture<'_, StoreResult<()>> {
        let trip = !rows.is_empty();
        watched!(self, write, trip, put_health(rows))
    }

    fn silences(&self) -> BoxFuture<'_, StoreResult<Vec<Silence>>> {
        watched!(self, read, true, silences())
    }
    fn put_silence(
        &self,
        silence: Silence,
        expected: Option<u32>,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        watched!(self, write, true, put_silence(silence, expected))
    }

    fn live_alerts(
        &self,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        watched!(self, read, true, live_alerts(after, limit))
    }
    fn load(&self, ids: Vec<AlertId>) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        let trip = !ids.is_empty();
        watched!(self, read, trip, load(ids))
    }
    fn find_live(
        &self,
        keys: Vec<LiveKey>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        let trip = !keys.is_empty();
        watched!(self, read, trip, find_live(keys))
    }
    fn commit(
        &self,
        changes: Vec<AlertWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        let trip = !changes.is_empty();
        watched!(self, write, trip, commit(changes))
    }
    fn seen(&self, rows: Vec<SeenRow>) -> BoxFuture<'_, StoreResult<Vec<bool>>> {
        let trip = !rows.is_empty();
        watched!(self, write, trip, seen(rows))
    }
    fn timers_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        watched!(self, read, true, timers_due(now, limit))
    }
    fn next_timer(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        watched!(self, read, true, next_timer())
    }
    fn known_messages(
        &self,
        ids: Vec<(SourceId, String)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<AlertId>>>> {
        let trip = !ids.is_empty();
        watched!(self, read, trip, known_messages(ids))
    }
    fn retire_live(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<AlertId>>> {
        watched!(self, write, true, retire_live(now, limit))
    }

    fn next_due(
        &self,
        of: Vec<(IntegrationId, u32)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<Timestamp>>>> {
        let trip = !of.is_empty();
        watched!(self, read, trip, next_due(of))
    }
    fn due_lanes(
        &self,
        now: Timestamp,
        wants: Vec<DueQuery>,
    ) -> BoxFuture<'_, StoreResult<Vec<LaneWork>>> {
        let trip = !wants.is_empty();
        watched!(self, read, trip, due_lanes(now, wants))
    }
    fn lane_work(&self, key: LaneKey) -> BoxFuture<'_, StoreResult<Option<LaneWork>>> {
        watched!(self, read, true, lane_work(key))
    }
    fn claim(&self, claims: Vec<ClaimWrite>) -> BoxFuture<'_, StoreResult<Vec<ClaimAnswer>>> {
        let trip = !claims.is_empty();
        watched!(self, write, trip, claim(claims))
    }
    fn write_lanes(
        &self,
        writes: Vec<LaneWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        let trip = !writes.is_empty();
        watched!(self, write, trip, write_lanes(writes))
    }
    fn block_bucket(&self, bucket: String, until: Timestamp) -> BoxFuture<'_, StoreResult<()>> {
        watched!(self, write, true, block_bucket(bucket, until))
    }
    fn lanes_of_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Lane>>> {
        watched!(
            self,
            read,
            true,
            lanes_of_revision(integration, revision, after, limit)
        )
    }

    fn revision_in_use(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        watched!(self, read, true, revision_in_use(integration, revision))
    }

    fn list_alerts(&self, query: AlertQuery) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        watched!(self, read, true, list_alerts(query))
    }
    fn events(
        &self,
        alert: AlertId,
        after: u32,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Event>>> {
        watched!(self, read, true, events(alert, after, limit))
    }
    fn attempts(&self, query: AttemptQuery) -> BoxFuture<'_, StoreResult<Vec<(u64, Attempt)>>> {
        watched!(self, read, true, attempts(query))
    }
    fn feed(&self, after: u64, limit: usize) -> BoxFuture<'_, StoreResult<Vec<(u64, Event)>>> {
        watched!(self, read, true, feed(after, limit))
    }
    fn feed_end(&self) -> BoxFuture<'_, StoreResult<u64>> {
        watched!(self, read, true, feed_end())
    }
    fn counts(&self) -> BoxFuture<'_, StoreResult<Counts>> {
        watched!(self, read, true, counts())
    }

    fn sweep(&self, rules: SweepRules) -> BoxFuture<'_, StoreResult<SweepReport>> {
        watched!(self, write, true, sweep(rules))
    }
}

#[cfg(test)]
mod tests {
    use model::TestClock;
    use store::sqlite::SqliteStore;

    use super::*;

    #[tokio::test]
    async fn an_answer_vouches_for_two_seconds_and_a_call_that_asks_nothing_is_none() {
        let clock = Arc::new(TestClock::at(Timestamp(1_000_000)));
        let watched = Watched::new(SqliteStore::in_memory().unwrap(), clock.clone());
        assert!(watched.is_fresh());
        // A process that was stopped: no call failed, none was answered.
        clock.advance(TRUSTED_FOR);
        assert!(!watched.is_fresh());
        assert!(!watched.is_down(), "nothing has failed yet");
        watched.load(Vec::new()).await.unwrap();
        assert!(!watched.is_fresh());
        watched.catalog_version().await.unwrap();
        assert!(watched.is_fresh());
    }
}
