//! The hub in one process: its parts, how it starts and how it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use model::{Clock, DurationMs, Entropy, IdSource, IntegrationId, NodeId, Timestamp};
use parking_lot::Mutex;
use store::{Store, StoreError, WriteError};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::Egress;

use crate::catalog::{Catalog, CatalogError, Sealer, build, compare};
use crate::clock::{self, DatabaseClock};
use crate::desired::Desired;
use crate::dispatch::health::Health;
use crate::dispatch::{Dispatcher, RESULTS_MAX, settle_loop};
use crate::intake::{
    Hashes, Heard, Intake, KeyCache, Queues, Stepper, Witness, flush, flush_loop, witness,
};
use crate::leases::{self, Leases};
pub(crate) use crate::shared::Shared;
use crate::shared::crash_wish;
use crate::silencing::{Silences, inhibition};
use crate::starting::{doubt, fill_cache};
use crate::watched::Watched;
use crate::{following, keeping, monitoring, telling, timers, walk};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub closed_alerts: DurationMs,
    pub attempts: DurationMs,
    /// After their end.
    pub silences: DurationMs,
}

impl Default for Retention {
    /// Ninety days answer "was this so before?"; thirty days of attempts answer "why was I (not) told?"; ended silences
    /// can be looked at, and made anew, as long as Alertmanager keeps them.
    fn default() -> Retention {
        Retention {
            closed_alerts: DurationMs::from_hours(24 * 90),
            attempts: DurationMs::from_hours(24 * 30),
            silences: DurationMs::from_hours(24 * 5),
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
        let watched = Arc::new(Watched::new(store, clock.clone()));
        let store: Arc<dyn Store> = watched.clone();
        let database_clock = DatabaseClock::of(&*store, &clock).await?.map(Arc::new);
        let clock: Arc<dyn Clock> = match &database_clock {
            Some(database) => database.clone(),
            None => clock,
        };
        let now = clock.now();
        let ids = IdSource::new(clock.clone(), entropy.clone());
        let node = NodeId(ids.next());
        let report = store.start(node, now).await?;
        let mut hash_keys = [0; 16];
        entropy.fill(&mut hash_keys);
        let hashes = Hashes(hash_keys);
        let rows = store.catalog().await?;
        let catalog = build(&desired.organization, &rows, &sealer)?;
        let silences = store.silences().await?;
        let is_shared = store.shared();
        let (witness, witnessed) = Witness::new();
        let shared = Arc::new(Shared {
            node,
            watched,
            store,
            egress,
            clock,
            entropy,
            ids,
            external_url,
            catalog: ArcSwap::from_pointee(catalog),
            silences: ArcSwap::from_pointee(Silences::new(silences)),
            inhibitors: Mutex::default(),
            reading_silences: tokio::sync::Mutex::default(),
            openings: Mutex::default(),
            hashes,
            heard: Heard::default(),
            cache: Mutex::new(KeyCache::new(hashes, is_shared)),
            queues: Queues::default(),
            health: Mutex::new(Health::default()),
            dispatch_wake: Notify::new(),
            stopping: CancellationToken::new(),
            leases: Leases::new(!is_shared),
            sealer,
            listening_since: AtomicI64::new(now.0),
            crash_at: crash_at.map(|text| crash_wish(&text)),
            applying: tokio::sync::Mutex::default(),
            catalog_version: AtomicU64::new(rows.version),
            health_rows: tokio::sync::Mutex::default(),
            walk_note: tokio::sync::Mutex::default(),
            witness,
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
            shared.store.doubted().await?;
            telling::unclean_start(doubted);
        }
        if !is_shared {
            // Beside other nodes a cache never knows all keys, and misses are looked up.
            fill_cache(&shared).await?;
        }
        inhibition::adopt_rules(&shared).await?;
        leases::renew(&shared).await;
        let hub = Hub {
            shared,
            loops: TaskTracker::new(),
            sends: TaskTracker::new(),
            started_at: now,
        };
        hub.run_loops(retention);
        if is_shared {
            let (shared, stop) = (hub.shared.clone(), hub.stopping().clone());
            hub.loops.spawn(witness::run(shared, witnessed, stop));
        }
        if let Some(database) = database_clock {
            let (store, stop) = (hub.store().clone(), hub.stopping().clone());
            hub.loops.spawn(clock::run(database, store, stop));
        }
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
        self.loops.spawn(flush_loop(shared.clone(), stop.clone()));
        if shared.store.shared() {
            self.loops.spawn(leases::run(shared.clone(), stop.clone()));
            self.loops
                .spawn(following::run(shared.clone(), stop.clone()));
            self.loops
                .spawn(inhibition::follow(shared.clone(), stop.clone()));
        }
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

    /// Why no sender should be sent to this node now, if so: it stands aside for a newer version, or its shared store
    /// has not answered lately.
    pub fn trouble(&self) -> Option<String> {
        let watched = &self.shared.watched;
        if let Some(why) = watched.aside() {
            return Some(format!("this node stands aside: {why}"));
        }
        (watched.shared() && !watched.is_fresh()).then(|| {
            format!(
                "the store has not answered for {}; it is asked again each second",
                watched.silent_for()
            )
        })
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

    /// Whether nothing is on its way, no timer is due and nothing that is due could leave: the rest waits for a time
    /// or a vendor.
    pub async fn is_calm(&self) -> Result<bool, StoreError> {
        let now = self.shared.clock.now();
        if self
            .shared
            .store
            .next_timer()
            .await?
            .is_some_and(|t| t <= now)
        {
            return Ok(false);
        }
        let keys: Vec<_> = self.catalog().revisions.keys().copied().collect();
        let dues = self.shared.store.next_due(keys.clone()).await?;
        let health = self.shared.health.lock();
        let mut could_leave = keys.iter().zip(dues).filter(|(key, due)| {
            due.is_some_and(|d| d <= now) && health.closed_until(**key) <= now
        });
        Ok(health.is_idle() && could_leave.next().is_none())
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
        let mut built = version;
        if comparison.rows != store::CatalogRows::default() {
            let change = store::CatalogRows {
                version,
                ..comparison.rows
            };
            match shared.store.put_catalog(change).await {
                // Nobody else wrote in between, so that this version follows; if a store counts otherwise, it is read
                // once more.
                Ok(()) => built += 1,
                Err(WriteError::Conflict) => return Ok(None),
                Err(WriteError::Store(error)) => return Err(error.into()),
            }
        }
        shared.catalog_version.store(built, Ordering::Relaxed);
        shared.catalog.store(Arc::new(catalog));
        inhibition::adopt_rules(shared).await?;
        if !comparison.recovered.is_empty() {
            let _on_its_way = shared.health_rows.lock().await;
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
        flush(shared).await;
        leases::release(shared).await;
        if !in_time {
            telling::stopped_hard();
            return;
        }
        if let Err(error) = shared.store.stop_clean().await {
            telling::store_failed("stop", &error);
        }
    }
}
