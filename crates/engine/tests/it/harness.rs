//! A hub in this process: a store of its own, the sandbox on a free port, one clock for both.

use std::sync::Arc;
use std::time::Duration;

use crate::place::Place;
use engine::catalog::{Sealer, Way};
use engine::desired::{
    DebugHidden, Desired, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy,
    SourceWay,
};
use engine::{Hub, Parts, Retention};
use integrations::kit::{Accepted, Inbound, SignalOutcome};
use model::{
    Alert, AlertId, Clock, DurationMs, Entropy, Secret, SeededEntropy, Signal, SignalKind,
    TestClock, Timestamp,
};
use sandbox::slack::{Message, Slack};
use sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use store::Store;
use wire::{Egress, EgressPolicy, EgressSettings, KeyRing};

pub const CHANNEL: &str = "#ops";
/// The hub's key file.
pub const KEYS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// Friday, 2026-11-20, noon.
pub const NOON: Timestamp = Timestamp(1_795_176_000_000);
/// How long, in real time, a condition may take to come true.
const DEADLINE: Duration = Duration::from_secs(20);

/// A hub and what is around it.
pub struct World {
    pub clock: Arc<TestClock>,
    pub sandbox: Sandbox,
    pub vendors: String,
    pub hub: Hub,
    pub desired: Desired,
    place: Place,
    keys: String,
}

impl World {
    pub async fn new(change: impl FnOnce(&mut Desired, &str)) -> World {
        World::of(None, change).await
    }

    /// What the vendors get is recorded in a file that `cargo xtask wire` holds against their specs.
    pub async fn recorded(name: &str, change: impl FnOnce(&mut Desired, &str)) -> World {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("wire");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.jsonl"));
        // The record is appended to.
        let _first_run = std::fs::remove_file(&file);
        World::of(Some(file), change).await
    }

    async fn of(
        record: Option<std::path::PathBuf>,
        change: impl FnOnce(&mut Desired, &str),
    ) -> World {
        let clock = Arc::new(TestClock::at(NOON));
        let vendors_clock = clock.clone();
        let mut options = SandboxOptions::new(Arc::new(move || vendors_clock.now().0));
        options.record = record;
        let sandbox = Sandbox::new(options).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendors = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
        let mut desired = usual(&vendors);
        change(&mut desired, &vendors);
        let place = Place::new();
        let keys = KEYS.to_owned();
        let hub = start(&clock, &place, &keys, &desired).await;
        World {
            clock,
            sandbox,
            vendors,
            hub,
            desired,
            place,
            keys,
        }
    }

    /// Stops the hub, lets `down` go by, and starts it again on the same store.
    pub async fn restart(self, down: DurationMs) -> World {
        let World {
            clock,
            sandbox,
            vendors,
            hub,
            desired,
            place,
            keys,
        } = self;
        stop(&hub, &clock).await;
        drop(hub);
        clock.advance(down);
        let hub = start(&clock, &place, &keys, &desired).await;
        World {
            clock,
            sandbox,
            vendors,
            hub,
            desired,
            place,
            keys,
        }
    }

    pub async fn send(&self, signals: Vec<Signal>) -> Vec<SignalOutcome> {
        let catalog = self.hub.catalog();
        let source = catalog.source_of_key("key-of-the-tests").unwrap();
        self.hub.intake().submit(source, signals).await.unwrap()
    }

    /// Posts a body to a source, as its dialect takes it.
    pub async fn post(&self, key: &str, path: &str, body: &str) {
        let catalog = self.hub.catalog();
        let source = catalog.source_of_key(key).unwrap();
        let Way::Dialect { dialect, settings } = &source.way else {
            panic!("{key} is a monitor's")
        };
        let inbound = Inbound {
            method: &http::Method::POST,
            path,
            query: "",
            headers: &http::HeaderMap::new(),
            body: body.as_bytes(),
            received_at: self.clock.now(),
            source: &source.name,
        };
        match dialect.accept(&inbound, settings).decoded() {
            Accepted::Signals {
                signals,
                rejections,
            } => {
                assert_eq!(rejections, []);
                self.hub.intake().submit(source, signals).await.unwrap();
            }
            _ => panic!("not taken: {body}"),
        }
    }

    pub async fn fire(&self, key: &str) -> AlertId {
        self.fire_signal(fire(key)).await
    }

    pub async fn fire_signal(&self, signal: Signal) -> AlertId {
        match self.send(vec![signal]).await.remove(0) {
            SignalOutcome::Opened(id)
            | SignalOutcome::Changed(id)
            | SignalOutcome::Repeated(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub async fn resolve(&self, key: &str) {
        self.send(vec![Signal {
            kind: SignalKind::Resolve,
            ..fire(key)
        }])
        .await;
    }

    pub async fn alert(&self, id: AlertId) -> Alert {
        self.hub
            .store()
            .load(vec![id])
            .await
            .unwrap()
            .remove(0)
            .unwrap()
            .alert
    }

    pub fn slack(&self) -> &Slack {
        self.sandbox.vendor::<Slack>().unwrap()
    }

    pub fn messages(&self) -> Vec<Message> {
        self.slack().messages(CHANNEL)
    }

    /// The colours of all messages, in order.
    pub fn colors(&self) -> Vec<String> {
        self.messages().iter().map(color).collect()
    }

    /// Waits, in real time, until `condition` holds. A millisecond goes by with each look: beside other writers the hub
    /// makes short pauses.
    pub async fn until(&self, what: &str, condition: impl Fn(&World) -> bool) {
        eventually(what, || {
            let holds = condition(self);
            if !holds {
                self.clock.advance(DurationMs(1));
            }
            holds
        })
        .await;
    }

    /// Waits until an alert as it is stored is as wanted; time moves on meanwhile.
    pub async fn until_stored(
        &self,
        what: &str,
        id: AlertId,
        condition: impl Fn(&store::LoadedAlert) -> bool,
    ) {
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                let loaded = self.hub.store().load(vec![id]).await.unwrap().remove(0);
                if loaded.is_some_and(|l| condition(&l)) {
                    return;
                }
                self.clock.advance(DurationMs(100));
                tick().await;
            }
        });
        assert!(waited.await.is_ok(), "did not come true: {what}");
    }

    /// Moves time on in small steps until `condition` holds; panics after `within` of moved time.
    pub async fn move_until(
        &self,
        what: &str,
        within: DurationMs,
        step: DurationMs,
        condition: impl Fn(&World) -> bool,
    ) {
        let end = self.clock.now() + within;
        while !condition(self) {
            assert!(
                self.clock.now() < end,
                "not within {within}: {what}; messages: {:?}",
                self.messages()
                    .iter()
                    .map(|m| format!("{} {:?}", color(m), m.content))
                    .collect::<Vec<_>>()
            );
            self.clock.advance(step);
            self.calm().await;
        }
    }

    /// As [`World::calm`], while time goes on: for vendors that are asked again after a moment, or ask for patience.
    pub async fn settled(&self) {
        let end = self.clock.now() + DurationMs::from_mins(10);
        let mut quiet = 0;
        while quiet < 20 {
            assert!(self.clock.now() < end, "it does not come to rest");
            self.clock.advance(DurationMs(250));
            tick().await;
            quiet = if self.hub.is_calm().await.unwrap() {
                quiet + 1
            } else {
                0
            };
        }
    }

    pub fn integration_name(&self, id: model::IntegrationId) -> String {
        let catalog = self.hub.catalog();
        let mut all = catalog.integrations.values().flatten();
        let found = all.find(|integration| integration.id == id);
        found.unwrap().name.clone()
    }

    /// Lets the loops do what is to be done at this time: until nothing is due or in flight.
    pub async fn calm(&self) {
        let mut quiet = 0;
        while quiet < 3 {
            tick().await;
            quiet = if self.hub.is_calm().await.unwrap() {
                quiet + 1
            } else {
                0
            };
        }
    }
}

pub fn color(message: &Message) -> String {
    message.content.attachments[0]["color"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub fn fire(key: &str) -> Signal {
    Signal {
        key: key.to_owned(),
        severity: Some(model::Severity::Critical),
        resource: "db-1".to_owned(),
        event: "DiskFull".to_owned(),
        title: format!("Disk full on {key}"),
        text: "The disk is at 97 %.".to_owned(),
        labels: [("env", "prod"), ("key", key)].into_iter().collect(),
        ..Signal::default()
    }
}

/// One project, a generic source, Slack.
pub fn usual(vendors: &str) -> Desired {
    Desired {
        organization: "test".to_owned(),
        projects: vec![DesiredProject {
            name: "shop".to_owned(),
            owner_email: None,
            inhibitions: Vec::new(),
            sources: vec![source("tools", "generic", "key-of-the-tests")],
            integrations: vec![slack("slack", vendors)],
        }],
    }
}

pub fn source(name: &str, dialect: &str, key: &str) -> DesiredSource {
    DesiredSource {
        name: name.to_owned(),
        way: SourceWay::Dialect {
            name: dialect.to_owned(),
            settings: DebugHidden::default(),
        },
        keys: vec![Secret::new(key)],
    }
}

pub fn slack(name: &str, vendors: &str) -> DesiredIntegration {
    integration(
        name,
        "slack",
        json!({
            "channel": CHANNEL, "token": "xoxb-test-token", "base_url": format!("{vendors}/slack"),
        }),
    )
}

pub fn webhook(name: &str, vendors: &str) -> DesiredIntegration {
    integration(
        name,
        "webhook",
        json!({ "url": format!("{vendors}/webhook/{name}") }),
    )
}

pub fn integration(name: &str, sink: &str, settings: Value) -> DesiredIntegration {
    let Value::Object(settings) = settings else {
        unreachable!("an object is written above")
    };
    DesiredIntegration {
        name: name.to_owned(),
        of: Of::Issues,
        matchers: Vec::new(),
        except: Vec::new(),
        receiver: None,
        sink: sink.to_owned(),
        settings: DebugHidden(settings),
        policy: Policy::default(),
        enabled: true,
        existing: Existing::Tell,
    }
}

async fn start(clock: &Arc<TestClock>, place: &Place, keys: &str, desired: &Desired) -> Hub {
    let parts = parts(place.open().await, clock.clone(), keys, 7);
    Hub::start(parts, desired).await.unwrap()
}

/// What a hub of the tests is made of. Hubs on one store need different seeds.
pub fn parts(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keys: &str, seed: u64) -> Parts {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    let allow = EgressPolicy::parse(["127.0.0.0/8"]).unwrap();
    Parts {
        store,
        egress: Egress::new(EgressSettings::new(allow)).unwrap(),
        clock,
        entropy: entropy.clone(),
        sealer: Sealer::new(KeyRing::from_text(keys).unwrap(), entropy),
        external_url: "http://hub.example".to_owned(),
        retention: Retention::default(),
        crash_at: None,
    }
}

pub async fn stop(hub: &Hub, clock: &TestClock) {
    let stopping = hub.clone();
    let mut stopped = tokio::spawn(async move { stopping.stop().await });
    loop {
        tokio::select! {
            ended = &mut stopped => return ended.unwrap(),
            () = tick() => clock.advance(DurationMs(1)),
        }
    }
}

/// Waits, in real time, until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !condition() {
            tick().await;
        }
    });
    assert!(waited.await.is_ok(), "did not come true: {what}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at a condition"
)]
pub async fn tick() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}
