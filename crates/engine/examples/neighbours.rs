//! What one bad neighbour does to everybody else's delivery times (I12): a webhook of a well-behaved project, alone
//! and beside a sink that hangs, alerts that are refused whatever is sent, and a source that floods the hub.
//!
//! `cargo run --release -p campanile-engine --example neighbours -- [SECONDS]`
//! Real time, real HTTP. The figure is from the signal's submission to the webhook's arrival.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use engine::catalog::Sealer;
use engine::desired::{
    DebugHidden, Desired, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy,
    SourceWay,
};
use engine::{Hub, Parts, Retention};
use model::{Clock, Entropy, OsEntropy, Secret, Signal, SystemClock};
use sandbox::webhook::Webhook;
use sandbox::{Sandbox, SandboxOptions};
use serde_json::json;
use store::sqlite::{Options, SqliteStore};
use wire::{Egress, EgressPolicy, EgressSettings, KeyRing};

/// Signals of the well-behaved project each second.
const GOOD_PER_SECOND: usize = 50;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).map_or(10, |a| a.parse().unwrap());
    println!(
        "{GOOD_PER_SECOND} alerts/s of one project for {seconds} s; milliseconds until its webhook has them"
    );
    println!("neighbour                       p50     p99     max   timed");
    for (name, neighbour) in [
        ("none", Neighbour::None),
        ("a sink that hangs", Neighbour::Hanging),
        ("alerts refused whatever is sent", Neighbour::Refused),
        ("a source that floods", Neighbour::Flood),
    ] {
        let mut times = measure(neighbour, seconds).await;
        times.sort_unstable();
        let at = |share: f64| {
            times
                .get(((times.len() as f64 - 1.0) * share) as usize)
                .copied()
                .unwrap_or(-1)
        };
        println!(
            "{name:<30} {:>5}  {:>6}  {:>6}  {:>6}",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len()
        );
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Neighbour {
    None,
    Hanging,
    Refused,
    Flood,
}

async fn measure(neighbour: Neighbour, seconds: usize) -> Vec<i64> {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock);
    let mut options = SandboxOptions::new(Arc::new(|| SystemClock.now().0));
    // Under a flood the sandbox forgets older deliveries: the times are those of the ones it still has.
    options.keep = 1_000_000;
    let sandbox = Sandbox::new(options).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vendors = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
    let fault = match neighbour {
        Neighbour::Hanging => {
            Some(json!({ "vendor": "webhook", "path": "/bad", "delay_ms": 30_000 }))
        }
        Neighbour::Refused => Some(json!({ "vendor": "webhook", "path": "/bad", "status": 400 })),
        Neighbour::None | Neighbour::Flood => None,
    };
    if let Some(fault) = fault {
        sandbox
            .add_fault(serde_json::from_value(fault).unwrap())
            .unwrap();
    }
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let parts = Parts {
        store: SqliteStore::open(&folder.path().join("store.sqlite"), &Options::default()).unwrap(),
        egress: Egress::new(EgressSettings::new(
            EgressPolicy::parse(["127.0.0.0/8"]).unwrap(),
        ))
        .unwrap(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        sealer: Sealer::new(KeyRing::generate(&*entropy), entropy),
        external_url: "http://hub.example".to_owned(),
        retention: Retention::default(),
        crash_at: None,
    };
    let desired = Desired {
        organization: "neighbours".to_owned(),
        projects: vec![project("good", &vendors), project("bad", &vendors)],
    };
    let hub = Hub::start(parts, &desired).await.unwrap();
    let flood = (neighbour != Neighbour::None).then(|| {
        let hub = hub.clone();
        // A flood sends as fast as it is answered; the others a hundred alerts a second.
        let pause = Duration::from_millis(if neighbour == Neighbour::Flood {
            0
        } else {
            100
        });
        let batch = if neighbour == Neighbour::Flood {
            500
        } else {
            10
        };
        tokio::spawn(async move {
            for n in 0_u64.. {
                let signals = (0..batch)
                    .map(|m| signal(&format!("bad-{n}-{m}")))
                    .collect();
                send(&hub, "bad", signals).await;
                pause_for(pause).await;
            }
        })
    });

    let mut sent: HashMap<String, i64> = HashMap::new();
    let began = clock.boot_ms();
    for n in 0..seconds * GOOD_PER_SECOND {
        let key = format!("good-{n}");
        sent.insert(key.clone(), SystemClock.now().0);
        send(&hub, "good", vec![signal(&key)]).await;
        let next = began + (n as i64 + 1) * 1000 / GOOD_PER_SECOND as i64;
        pause_for(Duration::from_millis(
            u64::try_from(next - clock.boot_ms()).unwrap_or(0),
        ))
        .await;
    }
    let webhook = sandbox.vendor::<Webhook>().unwrap();
    for _ in 0..200 {
        if webhook.counts(Some("/good")).accepted as usize == sent.len() {
            break;
        }
        pause_for(Duration::from_millis(50)).await;
    }
    let counts = webhook.counts(Some("/good"));
    if counts.accepted as usize != sent.len() {
        println!(
            "  (only {} of {} had come ten seconds after the last was sent)",
            counts.accepted,
            sent.len()
        );
    }
    let mut times = Vec::new();
    for delivery in webhook.deliveries(Some("/good")) {
        let body: serde_json::Value = serde_json::from_slice(&delivery.request.body).unwrap();
        let key = body
            .pointer("/data/alert/key")
            .and_then(|k| k.as_str())
            .unwrap_or_default();
        if let Some(at) = sent.get(key) {
            times.push(delivery.request.at - at);
        }
    }
    if let Some(flood) = flood {
        flood.abort();
    }
    serving.abort();
    times
}

async fn send(hub: &Hub, project: &str, signals: Vec<Signal>) {
    let source = hub
        .catalog()
        .source_of_key(&format!("key-of-the-{project}-project"))
        .unwrap()
        .clone();
    // A refused batch is the flood's own trouble.
    let _busy = hub.intake().submit(&source, signals).await;
}

fn signal(key: &str) -> Signal {
    Signal {
        key: key.to_owned(),
        title: key.to_owned(),
        event: "Test".to_owned(),
        ..Signal::default()
    }
}

fn project(name: &str, vendors: &str) -> DesiredProject {
    let settings = json!({ "url": format!("{vendors}/webhook/{name}") });
    DesiredProject {
        name: name.to_owned(),
        owner_email: None,
        inhibitions: Vec::new(),
        sources: vec![DesiredSource {
            name: "tools".to_owned(),
            way: SourceWay::Dialect {
                name: "generic".to_owned(),
                settings: DebugHidden::default(),
            },
            keys: vec![Secret::new(format!("key-of-the-{name}-project"))],
        }],
        integrations: vec![DesiredIntegration {
            name: "webhook".to_owned(),
            of: Of::Issues,
            matchers: Vec::new(),
            except: Vec::new(),
            receiver: None,
            sink: "webhook".to_owned(),
            settings: DebugHidden(settings.as_object().unwrap().clone()),
            policy: Policy::default(),
            enabled: true,
            existing: Existing::Tell,
        }],
    }
}

#[expect(clippy::disallowed_methods, reason = "the measurement's own pace")]
async fn pause_for(length: Duration) {
    tokio::time::sleep(length).await;
}
