//! Many active alerts, sent again each minute as Prometheus does it: memory and disk must stay flat.
//!
//! `cargo run --release -p campanile-engine --example soak -- [ALERTS] [MINUTES]`
//! Time is moved by hand between rounds; the hub, its store, the dialect and the webhooks' HTTP are real.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use std::sync::Arc;
use std::time::Duration;

use engine::catalog::{Sealer, Source, Way};
use engine::desired::{
    DebugHidden, Desired, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy,
    SourceWay,
};
use engine::{Hub, Parts, Retention};
use integrations::kit::{Accepted, Inbound};
use model::{Clock, DurationMs, Entropy, OsEntropy, Secret, SystemClock, TestClock, Timestamp};
use sandbox::webhook::Webhook;
use sandbox::{Sandbox, SandboxOptions};
use store::sqlite::{Options, SqliteStore};
use wire::{Egress, EgressPolicy, EgressSettings, KeyRing};

const BATCH: usize = 64;
const SENDERS: usize = 8;

#[tokio::main]
async fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|a| a.parse::<usize>().unwrap());
    let alerts = args.next().unwrap_or(100_000);
    let minutes = args.next().unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let clock = Arc::new(TestClock::at(SystemClock.now()));

    let vendors_clock = clock.clone();
    let mut options = SandboxOptions::new(Arc::new(move || vendors_clock.now().0));
    options.keep = 100;
    let sandbox = Sandbox::new(options).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vendors = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));

    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let parts = Parts {
        store: SqliteStore::open(&file, &Options::default()).unwrap(),
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
    let hub = Hub::start(parts, &desired(&vendors)).await.unwrap();
    let source = hub
        .catalog()
        .source_of_key("key-of-the-soak")
        .unwrap()
        .clone();
    println!(
        "{alerts} alerts, 7 labels, 2 annotations, batches of {BATCH}, {SENDERS} senders; one webhook each"
    );
    println!("round  seconds  alerts/s  webhooks  resident MB  file MB");
    for round in 0..=minutes {
        let began = SystemClock.boot_ms();
        send_all(&hub, &source, alerts, clock.now()).await;
        let took = (SystemClock.boot_ms() - began).max(1);
        let webhook = sandbox.vendor::<Webhook>().unwrap();
        while webhook.counts(None).accepted < alerts as u64 {
            pause().await;
        }
        clock.advance(DurationMs::from_mins(1));
        for _ in 0..20 {
            pause().await;
        }
        println!(
            "{round:>5}  {:>7.1}  {:>8.0}  {:>8}  {:>11}  {:>7.1}",
            took as f64 / 1000.0,
            alerts as f64 * 1000.0 / took as f64,
            webhook.counts(None).accepted,
            resident_mb(),
            files_mb(folder.path()),
        );
    }
}

async fn send_all(hub: &Hub, source: &Arc<Source>, alerts: usize, now: Timestamp) {
    let senders = (0..SENDERS).map(|sender| {
        let (hub, source) = (hub.clone(), source.clone());
        tokio::spawn(async move {
            let own: Vec<usize> = (sender..alerts).step_by(SENDERS).collect();
            for batch in own.chunks(BATCH) {
                let body = body(batch, now);
                let Way::Dialect { dialect, settings } = &source.way else {
                    unreachable!("it is a dialect")
                };
                let inbound = Inbound {
                    method: &http::Method::POST,
                    path: "/api/v2/alerts",
                    query: "",
                    headers: &http::HeaderMap::new(),
                    body: body.as_bytes(),
                    received_at: now,
                    source: &source.name,
                };
                let Accepted::Batch(batch) = dialect.accept(&inbound, settings) else {
                    panic!("the dialect does not take what Prometheus sends")
                };
                let taken = hub.intake().take_batch(&source, batch).unwrap();
                let fate = hub.intake().finish(taken).await.unwrap();
                assert!(fate.rejections.is_empty(), "{:?}", fate.rejections);
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
}

/// As Prometheus sends it: `endsAt` moves with each round.
fn body(batch: &[usize], now: Timestamp) -> String {
    let ends = now + DurationMs::from_mins(4);
    let rows: Vec<String> = batch
        .iter()
        .map(|n| {
            format!(
                r#"{{"annotations":{{"summary":"Instance host-{n} is down","description":"host-{n} of job node has been down for more than five minutes."}},"endsAt":"{ends}","startsAt":"2026-11-20T10:00:00.000Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0","labels":{{"alertname":"InstanceDown","cluster":"eu-1","env":"prod","instance":"host-{n}:9100","job":"node","severity":"critical","team":"sre"}}}}"#
            )
        })
        .collect();
    format!("[{}]", rows.join(","))
}

fn desired(vendors: &str) -> Desired {
    let settings = serde_json::json!({ "url": format!("{vendors}/webhook/soak") });
    Desired {
        organization: "soak".to_owned(),
        projects: vec![DesiredProject {
            name: "soak".to_owned(),
            owner_email: None,
            inhibitions: Vec::new(),
            sources: vec![DesiredSource {
                name: "prometheus".to_owned(),
                way: SourceWay::Dialect {
                    name: "alertmanager".to_owned(),
                    settings: DebugHidden::default(),
                },
                keys: vec![Secret::new("key-of-the-soak")],
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
        }],
    }
}

fn resident_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        / 1024
}

fn files_mb(folder: &std::path::Path) -> f64 {
    let sizes = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len());
    sizes.sum::<u64>() as f64 / 1_048_576.0
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
