//! The hub in one process: its parts, how it starts and how it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use lifecycle::lanes;
use model::{
    AlertId, Clock, DurationMs, Entropy, IdSource, IntegrationId, Lane, NodeId, Timestamp, limits,
};
use parking_lot::Mutex;
use store::{LaneChange, LanePut, LaneWrite, Store, StoreError, WriteError};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::Egress;

use crate::catalog::{Catalog, CatalogError, Sealer, build, compare};
use crate::desired::Desired;
use crate::dispatch::health::Health;
use crate::dispatch::{Dispatcher, RESULTS_MAX, settle_loop};
use crate::intake::{Intake, KeyCache, Queues, Stepper, flush_seen};
use crate::{keeping, monitoring, telling, timers, walk};

/// Rows read in one step of the walks at start.
const WALK_STEP: usize = 1000;
/// Tries to apply a configuration against other nodes that do the same.
const APPLY_TRIES_MAX: usize = 20;
/// How long stopping waits for sends in flight; longer than any sink's deadline.
const STOP_WITHIN: DurationMs = DurationMs::from_secs(40);

/// What a hub is made of.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub egress: Egress,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub sealer: Sealer,
    /// The hub's address as people reach it, without a slash at its end.
    pub external_url: String,
    pub retention: Retention,
    /// Tests kill the process here: `name` or `name:n` for the n-th time.
    pub crash_at: Option<String>,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub closed_alerts: DurationMs,
    pub attempts: DurationMs,
}

impl Default for Retention {
    /// Ninety days answer "was this so before?"; thirty days of attempts answer "why was I (not) told?".
    fn default() -> Retention {
        Retention {
            closed_alerts: DurationMs::from_hours(24 * 90),
            attempts: DurationMs::from_hours(24 * 30),
        }
    }
}

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// What all loops share. Lives as long as the process.
pub(crate) struct Shared {
    pub store: Arc<dyn Store>,
    pub egress: Egress,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: IdSource,
    pub node: NodeId,
    pub external_url: String,
    pub catalog: ArcSwap<Catalog>,
    pub cache: Mutex<KeyCache>,
    pub queues: Queues,
    pub health: Mutex<Health>,
    pub dispatch_wake: Notify,
    pub stopping: CancellationToken,
    sealer: Sealer,
    /// Since when senders were heard without a gap (I13).
    listening_since: AtomicI64,
    crash_at: Option<(String, AtomicU64)>,
    /// One change of configuration at a time.
    applying: tokio::sync::Mutex<()>,
}

impl Shared {
    pub fn listening_since(&self) -> Timestamp {
        Timestamp(self.listening_since.load(Ordering::Relaxed))
    }

    /// From now on silence counts anew: the hub refused senders, or the clock jumped.
    pub fn listen_anew(&self) {
        self.listening_since
            .store(self.clock.now().0, Ordering::Relaxed);
    }

    /// A sender was turned away: its silence proves nothing.
    pub fn refusing(&self) {
        self.listen_anew();
    }

    /// Kills the process without any clean-up, if a test asked for it here (DESIGN §11).
    pub fn crash_point(&self, name: &str) {
        let Some((wanted, left)) = &self.crash_at else {
            return;
        };
        if wanted == name && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let me = rustix::process::getpid();
            // Nothing can be done if the kernel refuses; then the test fails, as it should.
            let _refused = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
    }

    /// Makes a new snapshot of the stored configuration; keeps the old one if that fails.
    pub async fn reload(&self) {
        let rows = match self.store.catalog().await {
            Ok(rows) => rows,
            Err(error) => return telling::store_failed("catalog", &error),
        };
        let organization = self.catalog.load().organization.clone();
        match build(&organization, &rows, &self.sealer) {
            Ok(catalog) => self.catalog.store(Arc::new(catalog)),
            Err(error) => telling::catalog_failed(&error),
        }
    }
}

/// A running hub. Clones share it.
#[derive(Clone)]
pub struct Hub {
    pub(crate) shared: Arc<Shared>,
    loops: TaskTracker,
    sends: TaskTracker,
    started_at: Timestamp,
}

impl Hub {
    /// Starts the hub on its store with this configuration. When it returns, it takes signals.
    pub async fn start(parts: Parts, desired: &Desired) -> Result<Hub, StartError> {
        let Parts {
            store,
            egress,
            clock,
            entropy,
            sealer,
            external_url,
            retention,
            crash_at,
        } = parts;
        let now = clock.now();
        let ids = IdSource::new(clock.clone(), entropy.clone());
        let node = NodeId(ids.next());
        let report = store.start(node, now).await?;
        let mut hash_keys = [0; 16];
        entropy.fill(&mut hash_keys);
        let rows = store.catalog().await?;
        let catalog = build(&desired.organization, &rows, &sealer)?;
        let shared = Arc::new(Shared {
            node,
            store,
            egress,
            clock,
            entropy,
            ids,
            external_url,
            catalog: ArcSwap::from_pointee(catalog),
            cache: Mutex::new(KeyCache::new(hash_keys)),
            queues: Queues::default(),
            health: Mutex::new(Health::default()),
            dispatch_wake: Notify::new(),
            stopping: CancellationToken::new(),
            sealer,
            listening_since: AtomicI64::new(now.0),
            crash_at: crash_at.map(|text| crash_wish(&text)),
            applying: tokio::sync::Mutex::new(()),
        });
        for row in rows.health {
            shared
                .health
                .lock()
                .set_suspended((row.integration, row.revision), row.suspended);
        }
        // Before any loop and any change of settings (lane-plan, Claims and starts).
        if !report.clean && !report.first {
            let doubted = doubt(&shared).await?;
            telling::unclean_start(doubted);
        }
        fill_cache(&shared).await?;
        let hub = Hub {
            shared,
            loops: TaskTracker::new(),
            sends: TaskTracker::new(),
            started_at: now,
        };
        hub.run_loops(retention);
        hub.apply(desired).await?;
        Ok(hub)
    }

    fn run_loops(&self, retention: Retention) {
        let shared = &self.shared;
        let stop = &shared.stopping;
        let intake = self.intake();
        let (results_in, results_out) = mpsc::channel(RESULTS_MAX);
        self.loops.spawn(Stepper::new(shared.clone()).run());
        self.loops.spawn(
            Dispatcher::new(shared.clone(), results_in, self.sends.clone()).run(stop.clone()),
        );
        self.loops.spawn(settle_loop(shared.clone(), results_out));
        self.loops
            .spawn(timers::run(shared.clone(), intake.clone(), stop.clone()));
        self.loops
            .spawn(keeping::run(shared.clone(), stop.clone(), retention));
        self.loops.spawn(monitoring::run(
            shared.clone(),
            intake.clone(),
            stop.clone(),
        ));
        self.loops
            .spawn(walk::run(shared.clone(), intake, stop.clone()));
    }

    pub fn intake(&self) -> Intake {
        Intake::new(self.shared.clone())
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.load_full()
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    pub fn external_url(&self) -> &str {
        &self.shared.external_url
    }

    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Whether it is taking signals (not stopping).
    pub fn is_ready(&self) -> bool {
        !self.shared.stopping.is_cancelled()
    }

    /// Cancelled when the hub begins to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.shared.stopping
    }

    /// Why a revision sends nothing but probes, if so.
    pub fn suspension_of(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> Option<store::Suspension> {
        let health = self.shared.health.lock();
        health.suspension((integration, revision)).cloned()
    }

    /// Why and until when a revision is held back as a whole, for `explain`.
    pub fn pause_of(
        &self,
        integration: IntegrationId,
        revision: u32,
    ) -> Option<(String, Timestamp)> {
        let health = self.shared.health.lock();
        if let Some(suspension) = health.suspension((integration, revision)) {
            return Some((
                format!("suspended: {}", suspension.reason),
                suspension.probe_at,
            ));
        }
        let now = self.shared.clock.now();
        health
            .pause((integration, revision), now)
            .map(|(why, until)| (why.to_owned(), until))
    }

    /// Whether nothing is on its way and nothing that is due could leave: the rest waits for a time or a vendor.
    pub async fn is_calm(&self) -> Result<bool, StoreError> {
        let now = self.shared.clock.now();
        let keys: Vec<_> = self.catalog().revisions.keys().copied().collect();
        let dues = self.shared.store.next_due(keys.clone()).await?;
        let health = self.shared.health.lock();
        let mut could_leave = keys.iter().zip(dues).filter(|(key, due)| {
            due.is_some_and(|d| d <= now) && health.closed_until(**key) <= now
        });
        Ok(health.in_flight() == 0 && could_leave.next().is_none())
    }

    /// Makes the configuration mean `desired`; a line per change, for people. On an error nothing has changed.
    pub async fn apply(&self, desired: &Desired) -> Result<Vec<String>, CatalogError> {
        let shared = &self.shared;
        let _one_at_a_time = shared.applying.lock().await;
        // Another node may change the configuration at the same time: then compare with what it made of it.
        for _ in 0..APPLY_TRIES_MAX {
            if let Some(summary) = self.try_apply(desired).await? {
                return Ok(summary);
            }
        }
        Err(StoreError::Unavailable {
            what: "other nodes change the configuration all the time".to_owned(),
        }
        .into())
    }

    /// One try; `None` if somebody else changed the configuration meanwhile.
    async fn try_apply(&self, desired: &Desired) -> Result<Option<Vec<String>>, CatalogError> {
        let shared = &self.shared;
        let rows = shared.store.catalog().await?;
        let version = rows.version;
        let comparison = compare(
            &rows,
            desired,
            &shared.sealer,
            &shared.ids,
            shared.clock.now(),
        )?;
        // A trial of the whole before anything is written: a bad file changes nothing.
        let after = compare::merged(rows, &comparison.rows);
        let catalog = build(&desired.organization, &after, &shared.sealer)?;
        if comparison.rows != store::CatalogRows::default() {
            let change = store::CatalogRows {
                version,
                ..comparison.rows
            };
            match shared.store.put_catalog(change).await {
                Ok(()) => {}
                Err(WriteError::Conflict) => return Ok(None),
                Err(WriteError::Store(error)) => return Err(error.into()),
            }
        }
        shared.catalog.store(Arc::new(catalog));
        if !comparison.recovered.is_empty() {
            {
                let mut health = shared.health.lock();
                for row in &comparison.recovered {
                    health.set_suspended((row.integration, row.revision), None);
                }
            }
            shared.store.put_health(comparison.recovered).await?;
        }
        walk::wish(shared, &comparison.changed, &comparison.widened).await?;
        shared.dispatch_wake.notify_one();
        Ok(Some(comparison.summary))
    }

    /// Stops: takes nothing new, lets sends in flight end, writes what is to be written.
    pub async fn stop(&self) {
        let shared = &self.shared;
        shared.queues.close();
        shared.stopping.cancel();
        self.sends.close();
        self.loops.close();
        let calm = async {
            self.sends.wait().await;
            self.loops.wait().await;
        };
        let in_time = tokio::select! {
            () = calm => true,
            () = shared.clock.sleep(STOP_WITHIN) => false,
        };
        flush_seen(shared).await;
        if !in_time {
            telling::stopped_hard();
            return;
        }
        if let Err(error) = shared.store.stop_clean().await {
            telling::store_failed("stop", &error);
        }
    }
}

fn crash_wish(text: &str) -> (String, AtomicU64) {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    (name.to_owned(), AtomicU64::new(count.parse().unwrap_or(1)))
}

/// Fills the cache with every live key.
async fn fill_cache(shared: &Shared) -> Result<(), StoreError> {
    let mut after: Option<AlertId> = None;
    loop {
        let page = shared.store.live_alerts(after, WALK_STEP).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.alert.id);
        let mut cache = shared.cache.lock();
        for row in page {
            let mut alert = row.alert;
            if let Some(seen) = row.seen.filter(|s| s.version == alert.version) {
                alert.last_seen = seen.last_seen;
                alert.repeat_count = seen.repeat_count;
                alert.ends_at = seen.ends_at;
            }
            let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
            cache.put(hash, &alert, None);
        }
    }
}

/// After an unclean start: lanes whose claim was in memory only may have been in flight.
async fn doubt(shared: &Shared) -> Result<usize, StoreError> {
    let catalog = shared.catalog.load_full();
    let now = shared.clock.now();
    let mut doubted = 0;
    for ((integration, number), revision) in &catalog.revisions {
        if !revision.manifest.can.idempotent {
            continue;
        }
        let mut after = None;
        loop {
            let lanes: Vec<Lane> = shared
                .store
                .lanes_of_revision(*integration, *number, after, WALK_STEP)
                .await?;
            let Some(last) = lanes.last() else { break };
            after = Some(last.key.alert);
            let loaded = shared
                .store
                .load(lanes.iter().map(|l| l.key.alert).collect())
                .await?;
            let mut writes = Vec::new();
            for (mut lane, loaded) in lanes.into_iter().zip(loaded) {
                let Some(loaded) = loaded else { continue };
                let expected = lane.version;
                if lanes::in_doubt_after_unclean_start(
                    &mut lane,
                    &loaded.alert,
                    &revision.lane_policy,
                    now,
                ) {
                    lane.version = expected + 1;
                    lane.due_at = Some(now);
                    let put = LanePut {
                        lane,
                        expected: Some(expected),
                    };
                    writes.push(LaneWrite {
                        change: LaneChange::Put(Box::new(put)),
                        attempts: Vec::new(),
                    });
                }
            }
            doubted += writes.len();
            for chunk in writes.chunks(limits::GROUP_SIGNALS_MAX) {
                shared.store.write_lanes(chunk.to_vec()).await?;
            }
        }
    }
    Ok(doubted)
}
