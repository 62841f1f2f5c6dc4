//! A shared store without a database server: each node's own door to one SQLite store. The door can be shut.

use std::sync::Arc;

use model::{
    AlertId, Attempt, BoxFuture, Clock, DurationMs, Event, IntegrationId, Lane, LaneKey, NodeId,
    Silence, SourceId, TestClock, Timestamp,
};
use parking_lot::Mutex;
use store::sqlite::SqliteStore;
use store::*;
use tokio::sync::watch;

/// How the door is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    /// Every call fails at once.
    Shut,
    /// Every call fails after this time, as it does when nothing answers.
    Hanging(DurationMs),
    /// The database belongs to a newer version.
    Newer,
}

/// One node's way to the store.
pub struct Shared {
    inner: Arc<SqliteStore>,
    /// The database's time.
    clock: Arc<TestClock>,
    door: Mutex<Door>,
}

impl Shared {
    pub fn new(inner: Arc<SqliteStore>, clock: Arc<TestClock>) -> Arc<Shared> {
        let door = Mutex::new(Door::Open);
        Arc::new(Shared { inner, clock, door })
    }

    pub fn set(&self, door: Door) {
        *self.door.lock() = door;
    }

    fn through<'a, T, E>(
        &'a self,
        call: impl FnOnce() -> BoxFuture<'a, Result<T, E>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, E>>
    where
        T: Send + 'a,
        E: From<StoreError> + Send + 'a,
    {
        let door = *self.door.lock();
        Box::pin(async move {
            let what = "the database of the test".to_owned();
            match door {
                Door::Open => call().await,
                Door::Shut => Err(StoreError::Unavailable { what }.into()),
                Door::Hanging(within) => {
                    self.clock.sleep(within).await;
                    Err(StoreError::Unavailable { what }.into())
                }
                Door::Newer => Err(StoreError::Schema { what }.into()),
            }
        })
    }
}

macro_rules! through {
    ($(fn $name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)*) => {
        $(fn $name(&self, $($arg: $kind),*) -> BoxFuture<'_, $out> {
            self.through(move || self.inner.$name($($arg),*))
        })*
    };
}

impl Store for Shared {
    fn shared(&self) -> bool {
        true
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed()
    }
    fn start(&self, _: NodeId, _: Timestamp) -> BoxFuture<'_, StoreResult<StartReport>> {
        self.through(|| {
            let report = StartReport {
                clean: true,
                first: false,
            };
            Box::pin(std::future::ready(Ok(report)))
        })
    }
    fn stop_clean(&self) -> BoxFuture<'_, StoreResult<()>> {
        self.through(|| Box::pin(std::future::ready(Ok(()))))
    }
    fn database_now(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        self.through(|| Box::pin(std::future::ready(Ok(Some(self.clock.now())))))
    }
    fn meta(&self, name: &str) -> BoxFuture<'_, StoreResult<Option<String>>> {
        let name = name.to_owned();
        self.through(move || Box::pin(async move { self.inner.meta(&name).await }))
    }
    fn set_meta(&self, name: &str, value: &str) -> BoxFuture<'_, StoreResult<()>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.through(move || Box::pin(async move { self.inner.set_meta(&name, &value).await }))
    }
    through! {
        fn lease(name: &'static str, holder: NodeId, now: Timestamp, until: Timestamp) -> StoreResult<bool>;
        fn release_leases(holder: NodeId) -> StoreResult<()>;
        fn catalog() -> StoreResult<CatalogRows>;
        fn put_catalog(change: CatalogRows) -> Result<(), WriteError>;
        fn catalog_version() -> StoreResult<u64>;
        fn remove_revision(integration: IntegrationId, revision: u32) -> StoreResult<()>;
        fn put_health(rows: Vec<HealthRow>) -> StoreResult<()>;
        fn silences() -> StoreResult<Vec<Silence>>;
        fn put_silence(silence: Silence, expected: Option<u32>) -> Result<(), WriteError>;
        fn live_alerts(after: Option<AlertId>, limit: usize) -> StoreResult<Vec<SeenAlert>>;
        fn load(ids: Vec<AlertId>) -> StoreResult<Vec<Option<LoadedAlert>>>;
        fn find_live(keys: Vec<LiveKey>) -> StoreResult<Vec<Option<LoadedAlert>>>;
        fn commit(changes: Vec<AlertWrite>) -> StoreResult<Vec<Result<(), WriteError>>>;
        fn seen(rows: Vec<SeenRow>) -> StoreResult<Vec<bool>>;
        fn timers_due(now: Timestamp, limit: usize) -> StoreResult<Vec<SeenAlert>>;
        fn next_timer() -> StoreResult<Option<Timestamp>>;
        fn known_messages(ids: Vec<(SourceId, String)>) -> StoreResult<Vec<Option<AlertId>>>;
        fn retire_live(now: Timestamp, limit: usize) -> StoreResult<Vec<AlertId>>;
        fn next_due(of: Vec<(IntegrationId, u32)>) -> StoreResult<Vec<Option<Timestamp>>>;
        fn due_lanes(now: Timestamp, wants: Vec<DueQuery>) -> StoreResult<Vec<LaneWork>>;
        fn lane_work(key: LaneKey) -> StoreResult<Option<LaneWork>>;
        fn claim(claims: Vec<ClaimWrite>) -> StoreResult<Vec<ClaimAnswer>>;
        fn write_lanes(writes: Vec<LaneWrite>) -> StoreResult<Vec<Result<(), WriteError>>>;
        fn block_bucket(bucket: String, until: Timestamp) -> StoreResult<()>;
        fn lanes_of_revision(
            integration: IntegrationId,
            revision: u32,
            after: Option<AlertId>,
            limit: usize
        ) -> StoreResult<Vec<Lane>>;
        fn revision_in_use(integration: IntegrationId, revision: u32) -> StoreResult<bool>;
        fn list_alerts(query: AlertQuery) -> StoreResult<Vec<SeenAlert>>;
        fn events(alert: AlertId, after: u32, limit: usize) -> StoreResult<Vec<Event>>;
        fn attempts(query: AttemptQuery) -> StoreResult<Vec<(u64, Attempt)>>;
        fn feed(after: u64, limit: usize) -> StoreResult<Vec<(u64, Event)>>;
        fn feed_end() -> StoreResult<u64>;
        fn counts() -> StoreResult<Counts>;
        fn sweep(rules: SweepRules) -> StoreResult<SweepReport>;
    }
}
