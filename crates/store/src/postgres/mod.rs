//! PostgreSQL 15 or newer: several equal nodes on one database.
//!
//! - A group of writes is one transaction of two or three round trips: rows are locked in the order of their keys and
//!   looked at, then everything is written by a few statements over arrays, with the commit behind them. What the
//!   database rolls back because of others (deadlocks, serialization) is done again at once, and counted.
//! - Every claim is a row, and vendors' buckets are rows that are debited with it.
//! - Nobody waits long: an operation of the hot path that has no answer in time is `Unavailable`, its connection is
//!   thrown away, and whoever asked is told to try again.
//! - `synchronous_commit` must stay on (DESIGN §14): nothing here turns it off for data.

mod catalog;
mod claims;
mod commit;
mod connect;
mod due;
mod fault;
mod inner;
mod lanes;
mod listing;
mod live;
mod load;
mod node;
mod schema;
mod silences;
mod sweep;
mod time;
mod wake;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::{
    AlertId, Attempt, BoxFuture, Event, IntegrationId, Lane, LaneKey, NodeId, Silence, SourceId,
    Timestamp,
};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use self::connect::Address;
pub(crate) use self::connect::{Alone, alone, failed};
use self::fault::{Fault, Res};
use self::inner::Inner;
pub(crate) use self::live::live_key;
use self::node::Share;
pub use self::schema::{migrate, missing};
use crate::*;

/// How a database is worked on.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections of this node's pool; one more listens. A node's loops use about six at once.
    pub connections: usize,
    /// How long an operation of the hot path may take before its caller is told to try again: senders are answered
    /// within two seconds, whatever happens to the database.
    pub timeout: Duration,
    /// The same for listings, counts and house-keeping.
    pub slow_timeout: Duration,
    /// Whether the database's clock is everybody's. False for tests that move time.
    pub clock: bool,
    /// Whether opening takes the schema's missing steps that older nodes can live with.
    pub migrate: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections: 10,
            timeout: Duration::from_millis(1500),
            slow_timeout: Duration::from_secs(30),
            clock: true,
            migrate: true,
        }
    }
}

/// One column of many rows, as a statement over arrays wants it.
fn columns<'a, T, C>(rows: &'a [T], column: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(column).collect()
}

/// A store on PostgreSQL, shared with other nodes. Clones of the `Arc` share its connections; its background tasks end
/// when the last one is dropped.
pub struct PgStore {
    inner: Arc<Inner>,
}

impl PgStore {
    /// Connects, takes the schema's missing steps, and looks whether this program may work here.
    ///
    /// # Errors
    /// `Unavailable` if the address cannot be used or nobody answers, `Schema` if the database is a newer version's or
    /// holds an unfinished copy.
    pub async fn open(url: &str, options: &Options) -> StoreResult<Arc<PgStore>> {
        let address = Address::read(url, options)?;
        let feed_added = schema::open(&address, options).await?;
        let wake = wake::Wake::new();
        tokio::spawn(wake::run(address.clone(), Arc::downgrade(&wake)));
        let inner = Arc::new(Inner {
            pool: address.pool(options)?,
            options: options.clone(),
            wake,
            slots: RwLock::default(),
            slow_turns: Semaphore::new((options.connections / 2).max(1)),
            feed_added,
            share: RwLock::new(Share::WHOLE),
            all_heard: AtomicBool::new(true),
            aside: RwLock::new(None),
            node: Mutex::new(None),
            redone: AtomicU64::new(0),
            counted: Mutex::new(None),
        });
        Ok(Arc::new(PgStore { inner }))
    }

    /// An operation of the hot path.
    fn quick<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'a,
        F: Future<Output = Res<T>> + Send + 'a,
    {
        Box::pin(async move {
            let done = self.inner.in_time(work).await;
            done.map_err(|fault| fault.into_store("(database)", &"?"))
        })
    }

    /// A listing, a count, house-keeping: at most half of the connections do such things.
    fn slow<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'a,
        F: Future<Output = Res<T>> + Send + 'a,
    {
        let limit = self.inner.options.slow_timeout;
        Box::pin(async move {
            let in_turn = async {
                // Never closed.
                let _turn = self.inner.slow_turns.acquire().await;
                work.await
            };
            let done = tokio::time::timeout(limit, in_turn).await;
            done.unwrap_or(Err(Fault::Late(limit)))
                .map_err(|fault| fault.into_store("(database)", &"?"))
        })
    }

    /// A write whose transactions have their own time limit.
    fn write<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'a,
        F: Future<Output = Res<T>> + Send + 'a,
    {
        Box::pin(async move { work.await.map_err(|f| f.into_store("(database)", &"?")) })
    }
}

impl Store for PgStore {
    fn shared(&self) -> bool {
        true
    }

    fn start(&self, node: NodeId, _: Timestamp) -> BoxFuture<'_, StoreResult<StartReport>> {
        self.slow(async move {
            node::beat(&self.inner, node).await?;
            *self.inner.node.lock() = Some(node);
            node::keep_beating(&self.inner);
            catalog::start(&self.inner).await
        })
    }

    fn listening(&self) -> bool {
        self.inner.all_heard.load(Ordering::Relaxed)
    }

    fn lease(
        &self,
        name: &'static str,
        holder: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        self.quick(node::lease(&self.inner, name, holder, now, until))
    }

    fn release_leases(&self, holder: NodeId) -> BoxFuture<'_, StoreResult<()>> {
        self.quick(node::release_leases(&self.inner, holder))
    }

    fn doubted(&self) -> BoxFuture<'_, StoreResult<()>> {
        self.quick(catalog::doubted(&self.inner))
    }

    fn stop_clean(&self) -> BoxFuture<'_, StoreResult<()>> {
        let node = self.inner.node.lock().take();
        self.quick(async move {
            match node {
                Some(node) => node::leave(&self.inner, node).await,
                None => Ok(()),
            }
        })
    }

    fn database_now(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        self.quick(async {
            match self.inner.options.clock {
                true => node::now(&self.inner).await.map(Some),
                false => Ok(None),
            }
        })
    }

    fn meta(&self, name: &str) -> BoxFuture<'_, StoreResult<Option<String>>> {
        let name = name.to_owned();
        self.quick(async move { catalog::meta(&self.inner, &name).await })
    }

    fn set_meta(&self, name: &str, value: &str) -> BoxFuture<'_, StoreResult<()>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.quick(async move { catalog::set_meta(&self.inner, &name, &value).await })
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.wake.subscribe()
    }

    fn catalog(&self) -> BoxFuture<'_, StoreResult<CatalogRows>> {
        self.slow(catalog::read(&self.inner))
    }

    fn put_catalog(&self, change: CatalogRows) -> BoxFuture<'_, Result<(), WriteError>> {
        let written = self.slow(async move { catalog::put(&self.inner, &change).await });
        Box::pin(async move {
            match written.await? {
                true => Ok(()),
                false => Err(WriteError::Conflict),
            }
        })
    }

    fn catalog_version(&self) -> BoxFuture<'_, StoreResult<u64>> {
        self.quick(catalog::version(&self.inner))
    }

    fn remove_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<()>> {
        self.slow(catalog::remove_revision(&self.inner, integration, revision))
    }

    fn put_health(&self, rows: Vec<HealthRow>) -> BoxFuture<'_, StoreResult<()>> {
        self.slow(async move { catalog::put_health(&self.inner, &rows).await })
    }

    fn silences(&self) -> BoxFuture<'_, StoreResult<Vec<Silence>>> {
        self.slow(silences::read(&self.inner))
    }

    fn put_silence(
        &self,
        silence: Silence,
        expected: Option<u32>,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        let written =
            self.slow(async move { silences::put(&self.inner, &silence, expected).await });
        Box::pin(async move {
            match written.await? {
                true => Ok(()),
                false => Err(WriteError::Conflict),
            }
        })
    }

    fn live_alerts(
        &self,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        self.slow(async move {
            let sql = format!(
                "SELECT {} FROM {} WHERE a.live_key IS NOT NULL AND a.id > $1 ORDER BY a.id LIMIT $2",
                load::COLUMNS,
                load::TABLES
            );
            let after = Uuid::from_u128(after.map_or(0, |id| id.0));
            let limit = format::codes::limit(limit);
            load::select_alerts(&self.inner, &sql, &[&after, &limit]).await
        })
    }

    fn load(&self, ids: Vec<AlertId>) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        self.quick(async move { load::load(&self.inner, &ids).await })
    }

    fn find_live(
        &self,
        keys: Vec<LiveKey>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        let keys = columns(&keys, live_key);
        self.quick(async move { load::find_live(&self.inner, &keys).await })
    }

    fn commit(
        &self,
        changes: Vec<AlertWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        self.write(commit::commit(&self.inner, changes))
    }

    fn seen(&self, rows: Vec<SeenRow>) -> BoxFuture<'_, StoreResult<Vec<bool>>> {
        self.write(async move { self.inner.again(|| live::seen(&self.inner, &rows)).await })
    }

    fn timers_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        self.quick(async move {
            let sql = format!(
                "SELECT {} FROM {} WHERE a.timer_at <= $1 ORDER BY a.timer_at LIMIT $2",
                load::COLUMNS,
                load::TABLES
            );
            let limit = format::codes::limit(limit);
            load::select_alerts(&self.inner, &sql, &[&now.0, &limit]).await
        })
    }

    fn next_timer(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        self.quick(live::next_timer(&self.inner))
    }

    fn known_messages(
        &self,
        ids: Vec<(SourceId, String)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<AlertId>>>> {
        self.quick(async move { live::known_messages(&self.inner, &ids).await })
    }

    fn retire_live(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<AlertId>>> {
        self.write(async move {
            let retire = || live::retire_live(&self.inner, now, limit);
            self.inner.again(retire).await
        })
    }

    fn next_due(
        &self,
        of: Vec<(IntegrationId, u32)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<Timestamp>>>> {
        self.quick(async move { due::next_due(&self.inner, &of).await })
    }

    fn due_lanes(
        &self,
        now: Timestamp,
        wants: Vec<DueQuery>,
    ) -> BoxFuture<'_, StoreResult<Vec<LaneWork>>> {
        self.quick(async move { due::due_lanes(&self.inner, now, &wants).await })
    }

    fn lane_work(&self, key: LaneKey) -> BoxFuture<'_, StoreResult<Option<LaneWork>>> {
        self.quick(due::lane_work(&self.inner, key))
    }

    fn claim(&self, claims: Vec<ClaimWrite>) -> BoxFuture<'_, StoreResult<Vec<ClaimAnswer>>> {
        self.write(claims::claim(&self.inner, claims))
    }

    fn write_lanes(
        &self,
        writes: Vec<LaneWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        self.write(lanes::write(&self.inner, writes))
    }

    fn block_bucket(&self, bucket: String, until: Timestamp) -> BoxFuture<'_, StoreResult<()>> {
        self.quick(async move { claims::block_bucket(&self.inner, &bucket, until).await })
    }

    fn lanes_of_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Lane>>> {
        self.slow(due::lanes_of_revision(
            &self.inner,
            (integration, revision),
            after,
            limit,
        ))
    }

    fn revision_in_use(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        self.slow(due::revision_in_use(&self.inner, (integration, revision)))
    }

    fn list_alerts(&self, query: AlertQuery) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        self.slow(async move { listing::alerts(&self.inner, &query).await })
    }

    fn events(
        &self,
        alert: AlertId,
        after: u32,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Event>>> {
        self.slow(load::events(&self.inner, alert, after, limit))
    }

    fn attempts(&self, query: AttemptQuery) -> BoxFuture<'_, StoreResult<Vec<(u64, Attempt)>>> {
        self.slow(async move { listing::attempts(&self.inner, &query).await })
    }

    fn feed(&self, after: u64, limit: usize) -> BoxFuture<'_, StoreResult<Vec<(u64, Event)>>> {
        self.slow(listing::feed(&self.inner, after, limit))
    }

    fn feed_end(&self) -> BoxFuture<'_, StoreResult<u64>> {
        self.quick(listing::feed_end(&self.inner))
    }

    fn counts(&self) -> BoxFuture<'_, StoreResult<Counts>> {
        self.slow(listing::counts(&self.inner))
    }

    fn sweep(&self, rules: SweepRules) -> BoxFuture<'_, StoreResult<SweepReport>> {
        self.slow(async move {
            let mut report = sweep::sweep(&self.inner, &rules).await?;
            report.silences =
                silences::forget(&self.inner, rules.silences_before, rules.limit).await?;
            report.more |= report.silences >= rules.limit;
            if !report.more {
                node::forget_the_gone(&self.inner).await?;
                claims::forget_idle(&self.inner, rules.messages_before).await?;
            }
            Ok(report)
        })
    }
}
