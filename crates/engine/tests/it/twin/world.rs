//! Two hubs of one installation: one store, one set of vendors, clocks that disagree.

use std::sync::Arc;

use engine::Hub;
use engine::desired::Desired;
use integrations::kit::SignalOutcome;
use model::{
    Alert, AlertId, BoxFuture, Clock, DurationMs, Signal, SignalKind, Status, TestClock, Timestamp,
};
use sandbox::slack::{Message, Slack};
use sandbox::{Sandbox, SandboxOptions};
use store::sqlite::{Options, SqliteStore};
use store::{AlertQuery, SeenAlert, Store};

use super::store::Shared;
use crate::harness::{CHANNEL, KEYS, NOON, fire, parts, stop, tick, usual};

/// A node's own clock: its wall time is wrong by `wall`, and it was booted some time after the database.
struct Skewed {
    base: Arc<TestClock>,
    wall: DurationMs,
    booted: i64,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        self.base.now() + self.wall
    }
    fn boot_ms(&self) -> i64 {
        self.base.boot_ms() - self.booted
    }
    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'static, ()> {
        self.base.sleep_until(Timestamp(t.0 - self.wall.0))
    }
}

/// One node.
pub struct Node {
    pub hub: Hub,
    pub door: Arc<Shared>,
}

/// Two nodes and what is around them.
pub struct Twins {
    /// The database's clock; the others go along.
    pub clock: Arc<TestClock>,
    pub sandbox: Sandbox,
    pub vendors: String,
    pub desired: Desired,
    pub store: Arc<SqliteStore>,
    pub a: Node,
    pub b: Node,
    _folder: tempfile::TempDir,
}

impl Twins {
    pub async fn new(change: impl FnOnce(&mut Desired, &str)) -> Twins {
        let clock = Arc::new(TestClock::at(NOON));
        let vendors_clock = clock.clone();
        let sandbox =
            Sandbox::new(SandboxOptions::new(Arc::new(move || vendors_clock.now().0))).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendors = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
        let mut desired = usual(&vendors);
        change(&mut desired, &vendors);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.sqlite");
        let store = SqliteStore::open(&file, &Options::default()).unwrap();
        // Hours apart, in both directions: nothing may depend on it.
        let a = node(&store, &clock, DurationMs::from_hours(-5), 1, &desired).await;
        let b = node(&store, &clock, DurationMs::from_hours(3), 2, &desired).await;
        Twins {
            clock,
            sandbox,
            vendors,
            desired,
            store,
            a,
            b,
            _folder: folder,
        }
    }

    /// Moves everybody's time on in steps, and lets the loops work in each.
    pub async fn pass(&self, time: DurationMs) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            let step = end.since(self.clock.now()).0.min(100);
            self.clock.advance(DurationMs(step));
            tick().await;
        }
    }

    /// Moves time on until `condition` holds; fails after `within`.
    pub async fn pass_until(
        &self,
        what: &str,
        within: DurationMs,
        condition: impl AsyncFn(&Twins) -> bool,
    ) {
        let end = self.clock.now() + within;
        while !condition(self).await {
            assert!(self.clock.now() < end, "not within {within}: {what}");
            self.clock.advance(DurationMs(50));
            tick().await;
        }
    }

    /// All alerts of a key, oldest first (those that two nodes open in one millisecond in any order).
    pub async fn alerts(&self, key: &str) -> Vec<SeenAlert> {
        let query = AlertQuery {
            key: Some(key.to_owned()),
            limit: 100,
            ..AlertQuery::default()
        };
        let mut alerts = self.store.list_alerts(query).await.unwrap();
        alerts.reverse();
        alerts
    }

    pub async fn statuses(&self, key: &str) -> Vec<Status> {
        let alerts = self.alerts(key).await;
        alerts.iter().map(|a| a.alert.status).collect()
    }

    pub fn messages(&self) -> Vec<Message> {
        self.sandbox.vendor::<Slack>().unwrap().messages(CHANNEL)
    }

    pub async fn stop(&self, node: &Node) {
        stop(&node.hub, &self.clock).await;
    }
}

async fn node(
    store: &Arc<SqliteStore>,
    clock: &Arc<TestClock>,
    wall: DurationMs,
    seed: u64,
    desired: &Desired,
) -> Node {
    let door = Shared::new(store.clone(), clock.clone());
    let own = Arc::new(Skewed {
        base: clock.clone(),
        wall,
        booted: i64::try_from(seed).unwrap() * 1_000_000,
    });
    let parts = parts(door.clone(), own, KEYS, seed);
    let hub = Hub::start(parts, desired).await.unwrap();
    Node { hub, door }
}

impl Node {
    pub async fn try_send(&self, signal: Signal) -> Result<SignalOutcome, engine::Busy> {
        let catalog = self.hub.catalog();
        let source = catalog.source_of_key("key-of-the-tests").unwrap();
        let outcomes = self.hub.intake().submit(source, vec![signal]).await;
        outcomes.map(|mut all| all.remove(0))
    }

    pub async fn send(&self, signal: Signal) -> SignalOutcome {
        self.try_send(signal).await.unwrap()
    }

    pub async fn fire(&self, key: &str) -> AlertId {
        match self.send(fire(key)).await {
            SignalOutcome::Opened(id)
            | SignalOutcome::Changed(id)
            | SignalOutcome::Repeated(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub async fn resolve(&self, key: &str) -> SignalOutcome {
        self.send(resolve(key)).await
    }

    pub async fn act(&self, alert: AlertId, verb: model::ActionVerb) -> Alert {
        self.hub
            .intake()
            .act(alert, action(verb), None)
            .await
            .unwrap()
    }
}

pub fn resolve(key: &str) -> Signal {
    Signal {
        kind: SignalKind::Resolve,
        ..fire(key)
    }
}

pub fn action(verb: model::ActionVerb) -> model::Action {
    model::Action {
        verb,
        by: model::Actor {
            name: "ada".to_owned(),
            via: "api".to_owned(),
        },
        note: None,
    }
}
