//! What all loops of a hub share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use model::{Clock, DurationMs, Entropy, IdSource, NodeId, Timestamp};
use parking_lot::Mutex;
use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire::Egress;

use crate::catalog::{Catalog, Sealer};
use crate::dispatch::health::Health;
use crate::intake::{Busy, Hashes, Heard, KeyCache, Queues, Witness};
use crate::leases::Leases;
use crate::silencing::Silences;
use crate::silencing::flapping::Openings;
use crate::silencing::inhibition::Inhibitors;
use crate::watched::Watched;

/// What all loops share. Lives as long as the process.
pub(crate) struct Shared {
    /// `watched`, as the loops see it.
    pub store: Arc<dyn Store>,
    pub watched: Arc<Watched>,
    pub egress: Egress,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: IdSource,
    pub node: NodeId,
    pub external_url: String,
    pub catalog: ArcSwap<Catalog>,
    pub silences: ArcSwap<Silences>,
    pub inhibitors: Mutex<Inhibitors>,
    /// Held while the silences are read anew.
    pub reading_silences: tokio::sync::Mutex<()>,
    pub openings: Mutex<Openings>,
    pub hashes: Hashes,
    pub heard: Heard,
    pub cache: Mutex<KeyCache>,
    pub queues: Queues,
    pub health: Mutex<Health>,
    pub dispatch_wake: Notify,
    pub stopping: CancellationToken,
    pub leases: Leases,
    pub sealer: Sealer,
    /// Since when senders were heard without a gap (I13).
    pub listening_since: AtomicI64,
    pub crash_at: Option<(String, AtomicU64)>,
    /// One change of configuration at a time.
    pub applying: tokio::sync::Mutex<()>,
    /// The version of the rows that `catalog` was built from.
    pub catalog_version: AtomicU64,
    /// Held while a change of health is on its way to its row.
    pub health_rows: tokio::sync::Mutex<()>,
    /// Held, with a lease, while the note of the walks is changed.
    pub walk_note: tokio::sync::Mutex<()>,
    /// Beside other nodes repeats are written before they count.
    pub witness: Witness,
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

    /// Whether the cache may be asked for repeats: always when nobody else writes to the store, otherwise only while the
    /// store answers (DESIGN §4), and not while the hub stops.
    pub fn trusts_cache(&self) -> bool {
        !self.store.shared() || (self.watched.is_fresh() && !self.stopping.is_cancelled())
    }

    /// Why nobody can be heard now, if so: the same as the store would say, without waiting for it.
    pub fn refusal(&self) -> Option<Busy> {
        if let Some(why) = self.watched.aside() {
            return Some(Busy {
                reason: format!("this node stands aside: {why}"),
                retry_after: DurationMs::from_secs(30),
            });
        }
        if self.store.shared() && self.watched.is_down() {
            self.refusing();
            return Some(Busy {
                reason: "the hub's store does not answer".to_owned(),
                retry_after: DurationMs::from_secs(5),
            });
        }
        None
    }

    /// The version of the configuration that this node works by.
    pub fn known_version(&self) -> u64 {
        self.catalog_version.load(Ordering::Relaxed)
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
}

/// A crash point's name and at which of its times.
pub(crate) fn crash_wish(text: &str) -> (String, AtomicU64) {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    (name.to_owned(), AtomicU64::new(count.parse().unwrap_or(1)))
}
