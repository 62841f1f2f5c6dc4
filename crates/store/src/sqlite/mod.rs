//! SQLite: one writer thread, readers beside it. For one process on one machine.
//!
//! - Whatever has come is written in one transaction and answered after its `fsync` (I1); see `writer`.
//! - The guard of live keys is a set of hashes in memory, rebuilt at the start: no index on random values (DESIGN §4).
//! - Claims that need not be durable, and buckets' debits, are kept in memory: they end with the process.

mod alerts;
pub(crate) mod backup;
mod blobs;
mod catalog;
mod claims;
mod due;
mod fault;
mod lanes;
mod listing;
mod live;
mod load;
pub(crate) mod lock;
mod memory;
mod reader;
pub(crate) mod schema;
mod silences;
mod sweep;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{
    AlertId, Attempt, BoxFuture, Event, IntegrationId, Lane, LaneKey, NodeId, Silence, SourceId,
    Timestamp,
};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::backup::{FileReport, backup, migrate, restore};
use self::fault::Res;
use self::memory::Memory;
use self::reader::Readers;
use self::writer::{Tx, Writer};
use crate::*;

/// How a file is worked on. The defaults fit a machine of 2 cores and 4 GB.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read.
    pub readers: usize,
    /// The writer's page cache.
    pub writer_cache_kib: i64,
    /// Each reader's page cache; the operating system caches the file besides.
    pub reader_cache_kib: i64,
    /// Pages in the log before they are carried into the file.
    pub checkpoint_pages: i64,
    /// How long SQLite waits for a lock that somebody else holds: a backup tool, `sqlite3`.
    pub busy: Duration,
    /// Pages (8 kB) beyond which the file does not grow; then it is as if the disk were full.
    pub pages_max: Option<i64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            readers: 3,
            writer_cache_kib: 16 * 1024,
            reader_cache_kib: 2 * 1024,
            checkpoint_pages: 4096,
            busy: Duration::from_secs(5),
            pages_max: None,
        }
    }
}

/// A store in one SQLite file, owned by this process.
pub struct SqliteStore {
    // Dropped in this order: readers and writer end before the lock is given back.
    readers: Readers,
    writer: Writer,
    memory: Arc<Memory>,
    changed: Arc<watch::Sender<u64>>,
    /// One process: leases are between its own parts, and end with it.
    leases: Mutex<HashMap<&'static str, (NodeId, Timestamp)>>,
    _lock: Option<lock::Lock>,
}

impl SqliteStore {
    /// Opens or makes the database at `path`; blocks while migrations run and live keys are read (about a second for
    /// a million).
    ///
    /// # Errors
    /// `Unavailable` if another process works on it or the folder cannot be written to, `Schema` if it is another
    /// program's or a newer version's, `Inconsistent` if a row cannot be read.
    pub fn open(path: &Path, options: &Options) -> StoreResult<Arc<SqliteStore>> {
        let lock = lock::take(path)?;
        SqliteStore::over(Some(path), options, Some(lock))
    }

    /// A store that ends with the process: for tests and `demo`. Reads wait for writes.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn in_memory() -> StoreResult<Arc<SqliteStore>> {
        SqliteStore::over(None, &Options::default(), None)
    }

    fn over(
        path: Option<&Path>,
        options: &Options,
        lock: Option<lock::Lock>,
    ) -> StoreResult<Arc<SqliteStore>> {
        let conn = schema::open_writer(path, options)?;
        let memory = Memory::rebuild(&conn).map_err(|f| f.into_store("(start)", &"?"))?;
        let memory = Arc::new(memory);
        let changed = Arc::new(watch::Sender::new(0));
        let readers = match path {
            Some(path) => Readers::spawn(path, options, &memory)?,
            None => Readers::Writer,
        };
        let writer = Writer::spawn(conn, memory.clone(), changed.clone())?;
        Ok(Arc::new(SqliteStore {
            readers,
            writer,
            memory,
            changed,
            leases: Mutex::default(),
            _lock: lock,
        }))
    }

    fn read<'a, T, F>(&'a self, look: F) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection, &Memory) -> Res<T> + Send + 'static,
    {
        Box::pin(self.readers.read(&self.writer, look))
    }

    fn write<'a, T, F>(&'a self, weight: usize, work: F) -> BoxFuture<'a, StoreResult<T>>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Res<T> + Send + 'static,
    {
        Box::pin(self.writer.write(weight, work))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.readers.stop();
        self.writer.stop();
    }
}

impl Store for SqliteStore {
    fn shared(&self) -> bool {
        false
    }

    fn start(&self, _: NodeId, now: Timestamp) -> BoxFuture<'_, StoreResult<StartReport>> {
        self.write(1, move |tx| catalog::start(tx, now))
    }

    fn lease(
        &self,
        name: &'static str,
        holder: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        let mut leases = self.leases.lock();
        let lease = leases.entry(name).or_insert((holder, until));
        if lease.0 == holder || lease.1 <= now {
            *lease = (holder, until);
        }
        Box::pin(std::future::ready(Ok(lease.0 == holder)))
    }

    fn release_leases(&self, holder: NodeId) -> BoxFuture<'_, StoreResult<()>> {
        self.leases.lock().retain(|_, (of, _)| *of != holder);
        Box::pin(std::future::ready(Ok(())))
    }

    fn stop_clean(&self) -> BoxFuture<'_, StoreResult<()>> {
        self.write(1, catalog::stop_clean)
    }

    fn database_now(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn meta(&self, name: &str) -> BoxFuture<'_, StoreResult<Option<String>>> {
        let name = name.to_owned();
        self.read(move |conn, _| catalog::meta(conn, &name))
    }

    fn set_meta(&self, name: &str, value: &str) -> BoxFuture<'_, StoreResult<()>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(1, move |tx| catalog::set_meta(tx, &name, &value))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn catalog(&self) -> BoxFuture<'_, StoreResult<CatalogRows>> {
        self.read(|conn, _| catalog::read(conn))
    }

    fn put_catalog(&self, change: CatalogRows) -> BoxFuture<'_, Result<(), WriteError>> {
        let weight = change.projects.len() + change.sources.len() + change.integrations.len();
        let written = self.write(weight, move |tx| catalog::put(tx, &change));
        Box::pin(async move {
            match written.await? {
                true => Ok(()),
                false => Err(WriteError::Conflict),
            }
        })
    }

    fn catalog_version(&self) -> BoxFuture<'_, StoreResult<u64>> {
        self.read(|conn, _| catalog::version(conn))
    }

    fn remove_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<()>> {
        self.write(1, move |tx| {
            catalog::remove_revision(tx, integration, revision)
        })
    }

    fn put_health(&self, rows: Vec<HealthRow>) -> BoxFuture<'_, StoreResult<()>> {
        self.write(rows.len(), move |tx| catalog::put_health(tx, &rows))
    }

    fn silences(&self) -> BoxFuture<'_, StoreResult<Vec<Silence>>> {
        self.read(|conn, _| silences::read(conn))
    }

    fn put_silence(
        &self,
        silence: Silence,
        expected: Option<u32>,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        let written = self.write(1, move |tx| silences::put(tx, &silence, expected));
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
        self.read(move |conn, _| load::live_alerts(conn, after, limit))
    }

    fn load(&self, ids: Vec<AlertId>) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        self.read(move |conn, memory| load::load(conn, memory, &ids))
    }

    fn find_live(
        &self,
        keys: Vec<LiveKey>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>> {
        self.read(move |conn, memory| load::find_live(conn, memory, &keys))
    }

    fn commit(
        &self,
        changes: Vec<AlertWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        let rows = alerts::prepared(changes, &self.memory);
        self.write(rows.len(), move |tx| alerts::commit(tx, &rows))
    }

    fn seen(&self, rows: Vec<SeenRow>) -> BoxFuture<'_, StoreResult<Vec<bool>>> {
        self.write(rows.len(), move |tx| live::seen(tx, &rows))
    }

    fn timers_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        self.read(move |conn, _| load::timers_due(conn, now, limit))
    }

    fn next_timer(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>> {
        self.read(|conn, _| load::next_timer(conn))
    }

    fn known_messages(
        &self,
        ids: Vec<(SourceId, String)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<AlertId>>>> {
        self.read(move |conn, _| {
            ids.iter()
                .map(|(source, id)| live::known_message(conn, *source, id))
                .collect()
        })
    }

    fn retire_live(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<AlertId>>> {
        self.write(limit, move |tx| live::retire_live(tx, now, limit))
    }

    fn next_due(
        &self,
        of: Vec<(IntegrationId, u32)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<Timestamp>>>> {
        self.read(move |conn, memory| due::next_due(conn, memory, &of))
    }

    fn due_lanes(
        &self,
        now: Timestamp,
        wants: Vec<DueQuery>,
    ) -> BoxFuture<'_, StoreResult<Vec<LaneWork>>> {
        self.read(move |conn, memory| due::due_lanes(conn, memory, now, &wants))
    }

    fn lane_work(&self, key: LaneKey) -> BoxFuture<'_, StoreResult<Option<LaneWork>>> {
        self.read(move |conn, memory| due::lane_work(conn, memory, key))
    }

    fn claim(&self, claims: Vec<ClaimWrite>) -> BoxFuture<'_, StoreResult<Vec<ClaimAnswer>>> {
        if let Some(claim) = claims.first() {
            self.memory.tidy_buckets(claim.now);
        }
        self.write(claims.len(), move |tx| claims::claim(tx, &claims))
    }

    fn write_lanes(
        &self,
        writes: Vec<LaneWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>> {
        let rows: Res<Vec<_>> = writes.iter().map(lanes::prepare_write).collect();
        match rows {
            Ok(rows) => self.write(rows.len(), move |tx| lanes::write(tx, &rows)),
            Err(fault) => Box::pin(std::future::ready(Err(fault.into_store("lane", &"new")))),
        }
    }

    fn block_bucket(&self, bucket: String, until: Timestamp) -> BoxFuture<'_, StoreResult<()>> {
        self.write(1, move |tx| claims::block_bucket(tx, &bucket, until))
    }

    fn lanes_of_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Lane>>> {
        let of = (integration, revision);
        self.read(move |conn, memory| due::lanes_of_revision(conn, memory, of, after, limit))
    }

    fn revision_in_use(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        self.read(move |conn, memory| due::revision_in_use(conn, memory, integration, revision))
    }

    fn list_alerts(&self, query: AlertQuery) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>> {
        self.read(move |conn, _| listing::alerts(conn, &query))
    }

    fn events(
        &self,
        alert: AlertId,
        after: u32,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Event>>> {
        self.read(move |conn, _| listing::events(conn, alert, after, limit))
    }

    fn attempts(&self, query: AttemptQuery) -> BoxFuture<'_, StoreResult<Vec<(u64, Attempt)>>> {
        self.read(move |conn, _| listing::attempts(conn, &query))
    }

    fn feed(&self, after: u64, limit: usize) -> BoxFuture<'_, StoreResult<Vec<(u64, Event)>>> {
        self.read(move |conn, _| listing::feed(conn, after, limit))
    }

    fn feed_end(&self) -> BoxFuture<'_, StoreResult<u64>> {
        self.read(|conn, _| listing::feed_end(conn))
    }

    fn counts(&self) -> BoxFuture<'_, StoreResult<Counts>> {
        self.read(|conn, _| listing::counts(conn))
    }

    fn sweep(&self, rules: SweepRules) -> BoxFuture<'_, StoreResult<SweepReport>> {
        Box::pin(async move {
            let found = self.read(move |conn, _| sweep::find(conn, &rules)).await?;
            let weight = rules.limit;
            self.write(weight, move |tx| sweep::remove(tx, &found, &rules))
                .await
        })
    }
}
