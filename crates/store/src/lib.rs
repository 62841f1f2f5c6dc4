//! What the hub keeps, behind one trait with two implementations: SQLite inside, PostgreSQL for several nodes.
//!
//! Decisions are made above, on values read here, and written back with the version that was read: a writer
//! that lost a race hears [`WriteError::Conflict`], reads again and decides again. Nothing in this crate decides
//! about alerts, and nothing above it knows SQL. Times come from the caller's clock, which a shared store sets
//! ([`Store::database_now`]).

pub mod copy;
mod format;
pub mod postgres;
mod progress;
mod rows;
pub mod sqlite;

use model::{
    Alert, AlertId, Attempt, BoxFuture, Event, IntegrationId, Lane, LaneKey, NodeId, Silence,
    SourceId, Timestamp,
};
pub use progress::{Listener, Progress, Step};
pub use rows::*;

/// Something the store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is too busy; the same call may work later.
    #[error("the store is not available: {what}")]
    Unavailable { what: String },
    /// A stored row makes no sense to this version of the hub.
    #[error("table {table} holds a row that this version cannot read ({row}): {what}")]
    Inconsistent {
        table: &'static str,
        row: String,
        what: String,
    },
    /// The database belongs to a newer or a foreign version.
    #[error("{what}")]
    Schema { what: String },
}

pub type StoreResult<T> = Result<T, StoreError>;

/// Why one write of a group was not made. The others of its group are not touched by it.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The row is not at the version that the writer read (or its live key exists already): read and decide again.
    #[error("somebody else changed it meanwhile")]
    Conflict,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The hub's memory. Every method may be called from any task; none holds a lock or a transaction when it returns.
pub trait Store: Send + Sync + 'static {
    // ---- running
    /// Whether other processes may write to it at the same time. Then what was read may have changed since, and only
    /// versions tell; a cache that lacks something proves nothing.
    fn shared(&self) -> bool;
    /// Notes that this process works on the store as `node`, and says how the last one ended.
    fn start(&self, node: NodeId, now: Timestamp) -> BoxFuture<'_, StoreResult<StartReport>>;
    /// Whether all nodes that senders may speak to are heard from. While one is missing without a goodbye (killed, cut
    /// off, and given up after ten minutes), the silence of its senders proves nothing (I13).
    fn listening(&self) -> bool {
        true
    }
    /// Takes or renews the lease `name` for `holder`: true if it is the holder's until `until`. Another holder's lease
    /// gives way once it has ended (its `until` <= `now`) or was given back.
    fn lease(
        &self,
        name: &'static str,
        holder: NodeId,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'_, StoreResult<bool>>;
    /// Gives the holder's leases back, so that others need not wait for their end.
    fn release_leases(&self, holder: NodeId) -> BoxFuture<'_, StoreResult<()>>;
    /// What an unclean start left in doubt is written down: nobody needs to do it again.
    fn doubted(&self) -> BoxFuture<'_, StoreResult<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Notes a clean end: nothing was in flight.
    fn stop_clean(&self) -> BoxFuture<'_, StoreResult<()>>;
    /// What wall time writers of this store go by: SQLite: `None` (the process's clock), PostgreSQL: the database's.
    fn database_now(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>>;
    /// Small named values: the hub's id and the like.
    fn meta(&self, name: &str) -> BoxFuture<'_, StoreResult<Option<String>>>;
    fn set_meta(&self, name: &str, value: &str) -> BoxFuture<'_, StoreResult<()>>;
    /// A hint that something was written; carries no data (I11). It changes after the commit.
    fn changed(&self) -> tokio::sync::watch::Receiver<u64>;

    // ---- configuration
    fn catalog(&self) -> BoxFuture<'_, StoreResult<CatalogRows>>;
    /// Writes all of it or nothing, if the catalog is still at `change.version`.
    fn put_catalog(&self, change: CatalogRows) -> BoxFuture<'_, Result<(), WriteError>>;
    /// Moves with every change of the catalog, health included: whoever saw another one reads it again.
    fn catalog_version(&self) -> BoxFuture<'_, StoreResult<u64>>;
    /// Removes a drained integration's revision, or the integration with its last one.
    fn remove_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<()>>;
    fn put_health(&self, rows: Vec<HealthRow>) -> BoxFuture<'_, StoreResult<()>>;

    // ---- silences
    /// All silences of all projects by id, ended ones included until they are forgotten.
    fn silences(&self) -> BoxFuture<'_, StoreResult<Vec<Silence>>>;
    /// Writes a silence if it is still at version `expected` (`None`: it is new). Moves the catalog's version, so that
    /// other nodes read it.
    fn put_silence(
        &self,
        silence: Silence,
        expected: Option<u32>,
    ) -> BoxFuture<'_, Result<(), WriteError>>;

    // ---- way in
    /// Alerts that hold a live key (open, or closed and still able to take signals), by id: the start-up's walk.
    fn live_alerts(
        &self,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>>;
    /// Alerts with their lanes, in the order asked for.
    fn load(&self, ids: Vec<AlertId>) -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>>;
    /// The alerts that hold these live keys, in the order asked for.
    fn find_live(&self, keys: Vec<LiveKey>)
    -> BoxFuture<'_, StoreResult<Vec<Option<LoadedAlert>>>>;
    /// Writes each change with its events and lanes, each all or nothing (I3), durably (I1) before it answers.
    fn commit(
        &self,
        changes: Vec<AlertWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>>;
    /// Repeats: last time, count and `ends_at`. For each, whether its alert was still at the version that it repeated;
    /// if not, nothing was written for it.
    fn seen(&self, rows: Vec<SeenRow>) -> BoxFuture<'_, StoreResult<Vec<bool>>>;
    /// Alerts whose timer is due, earliest first, with their `seen` rows.
    fn timers_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>>;
    /// The earliest timer.
    fn next_timer(&self) -> BoxFuture<'_, StoreResult<Option<Timestamp>>>;
    /// Which of these messages came before, and the alert that they changed then.
    fn known_messages(
        &self,
        ids: Vec<(SourceId, String)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<AlertId>>>>;
    /// Takes the live key from closed alerts whose `live_until` has passed (`live_until` becomes `None`, the version
    /// moves by one); their ids, for caches.
    fn retire_live(&self, now: Timestamp, limit: usize)
    -> BoxFuture<'_, StoreResult<Vec<AlertId>>>;

    // ---- way out
    /// When each of these revisions has its next due lane.
    fn next_due(
        &self,
        of: Vec<(IntegrationId, u32)>,
    ) -> BoxFuture<'_, StoreResult<Vec<Option<Timestamp>>>>;
    /// Due lanes of these revisions with what `plan` needs, each revision's most urgent first: by
    /// `priority` (0 to 4), then by due time. A claimed lane is not among them until its lease has ended
    /// (`claim.until <= now`); then it comes with its claim.
    fn due_lanes(
        &self,
        now: Timestamp,
        wants: Vec<DueQuery>,
    ) -> BoxFuture<'_, StoreResult<Vec<LaneWork>>>;
    /// One lane with what `plan` needs; `None` if it is gone.
    fn lane_work(&self, key: LaneKey) -> BoxFuture<'_, StoreResult<Option<LaneWork>>>;
    /// Takes lanes for sending, with their buckets' debits in the same transaction. `durable: false` lets a store
    /// with a single process keep the claim in memory (lane-plan, Claims and starts); every read shows it all the same.
    fn claim(&self, claims: Vec<ClaimWrite>) -> BoxFuture<'_, StoreResult<Vec<ClaimAnswer>>>;
    /// Writes lanes and their attempt rows, each write all or nothing: on a conflict its attempts are not written
    /// either, and the caller writes them without the lane (`LaneChange::None`, I5) once it has decided again.
    fn write_lanes(
        &self,
        writes: Vec<LaneWrite>,
    ) -> BoxFuture<'_, StoreResult<Vec<Result<(), WriteError>>>>;
    /// Blocks a vendor's bucket until `until` (its own word: Retry-After).
    fn block_bucket(&self, bucket: String, until: Timestamp) -> BoxFuture<'_, StoreResult<()>>;
    /// Lanes of a revision that owe something (due some time, behind their head, or claimed), by alert: walks at start
    /// and when settings change.
    fn lanes_of_revision(
        &self,
        integration: IntegrationId,
        revision: u32,
        after: Option<AlertId>,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Lane>>>;

    /// Whether a lane of the revision owes something or is open downstream (told open or acked): as long as one does,
    /// the revision is needed (I6). Looks at many lanes: for revisions that are to go.
    fn revision_in_use(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> BoxFuture<'_, StoreResult<bool>>;

    // ---- looking
    fn list_alerts(&self, query: AlertQuery) -> BoxFuture<'_, StoreResult<Vec<SeenAlert>>>;
    fn events(
        &self,
        alert: AlertId,
        after: u32,
        limit: usize,
    ) -> BoxFuture<'_, StoreResult<Vec<Event>>>;
    /// Attempts, newest first.
    fn attempts(&self, query: AttemptQuery) -> BoxFuture<'_, StoreResult<Vec<(u64, Attempt)>>>;
    /// Events of all alerts after a position, in the order in which they became visible; never skips a late commit.
    fn feed(&self, after: u64, limit: usize) -> BoxFuture<'_, StoreResult<Vec<(u64, Event)>>>;
    /// A position behind which the feed has nothing yet, and before all that comes.
    fn feed_end(&self) -> BoxFuture<'_, StoreResult<u64>>;
    fn counts(&self) -> BoxFuture<'_, StoreResult<Counts>>;

    // ---- keeping
    /// One small step of forgetting; says whether there is more to do.
    fn sweep(&self, rules: SweepRules) -> BoxFuture<'_, StoreResult<SweepReport>>;
}

/// The alert's own row with the newest of its repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenAlert {
    pub alert: Alert,
    pub seen: Option<SeenRow>,
}
