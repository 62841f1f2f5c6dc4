//! How many re-sent alerts a second the hub takes over HTTP (DESIGN §12): senders as Prometheus is one, each alert again
//! and again with its end moved, on a store on disk.
//!
//! `cargo run --release -p campanile-server --example resend -- [SECONDS] [ALERTS] [BATCH] [CONNECTIONS]`
//! Senders and hub share the machine; the figure is of all of it.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use engine::catalog::Sealer;
use engine::desired::{DebugHidden, Desired, DesiredProject, DesiredSource, SourceWay};
use engine::{Hub, Parts, Retention};
use metrics_exporter_prometheus::PrometheusBuilder;
use model::{Clock, DurationMs, Entropy, OsEntropy, Secret, SystemClock, Timestamp};
use server::{ServerOptions, router, serve};
use store::sqlite::{Options, SqliteStore};
use tokio_util::sync::CancellationToken;
use wire::{Egress, EgressPolicy, EgressSettings, KeyRing};

const KEY: &str = "prometheus-key-of-the-measurement";

#[tokio::main]
async fn main() {
    let argument = |n: usize, default: usize| {
        let given = std::env::args().nth(n);
        given.map_or(default, |text| text.parse().unwrap())
    };
    let (seconds, alerts) = (argument(1, 10), argument(2, 100_000));
    let (batch, connections) = (argument(3, 64), argument(4, 8));
    let folder = tempfile::tempdir().unwrap();
    let (hub, address) = hub(folder.path()).await;
    let bodies: Vec<Vec<usize>> = (0..alerts)
        .collect::<Vec<_>>()
        .chunks(batch)
        .map(<[usize]>::to_vec)
        .collect();
    let senders: Vec<Sender> = (0..connections)
        .map(|n| {
            let own = bodies.iter().skip(n).step_by(connections);
            Sender::new(address, own.map(|numbers| request(numbers)).collect())
        })
        .collect();
    // Opened, and said once more, before anything is timed.
    let (senders, _) = rounds(senders, DurationMs(60_000), 1).await;
    let (senders, _) = rounds(senders, DurationMs(60_000), 2).await;
    let (begin, before) = (SystemClock.now(), processor_ticks());
    let (_, sent) = rounds(senders, DurationMs::from_secs(seconds as i64), usize::MAX).await;
    let ms = SystemClock.now().since(begin).0 as f64;
    let ticks = (processor_ticks() - before) as f64;
    let count = (sent * batch) as f64;
    println!(
        "{:.0} alerts/s ({sent} requests of {batch} in {:.1} s); {:.2} µs of processor per alert, senders included",
        count * 1000.0 / ms,
        ms / 1000.0,
        ticks * 10_000.0 / count
    );
    hub.stop().await;
}

async fn hub(folder: &std::path::Path) -> (Hub, SocketAddr) {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let parts = Parts {
        store: SqliteStore::open(&folder.join("store.sqlite"), &Options::default()).unwrap(),
        egress: Egress::new(EgressSettings::new(
            EgressPolicy::parse(["127.0.0.0/8"]).unwrap(),
        ))
        .unwrap(),
        clock: Arc::new(SystemClock),
        entropy: entropy.clone(),
        sealer: Sealer::new(KeyRing::generate(&*entropy), entropy),
        external_url: "http://hub.example".to_owned(),
        retention: Retention::default(),
        crash_at: None,
    };
    let source = DesiredSource {
        name: "prometheus".to_owned(),
        way: SourceWay::Dialect {
            name: "alertmanager".to_owned(),
            settings: DebugHidden::default(),
        },
        keys: vec![Secret::new(KEY)],
    };
    let desired = Desired {
        organization: "resend".to_owned(),
        projects: vec![DesiredProject {
            name: "shop".to_owned(),
            owner_email: None,
            inhibitions: Vec::new(),
            sources: vec![source],
            integrations: Vec::new(),
        }],
    };
    let hub = Hub::start(parts, &desired).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = ServerOptions {
        hub: hub.clone(),
        admin_token: Secret::new("admin-token-of-the-measurement"),
        version: "measured",
        prometheus: PrometheusBuilder::new().install_recorder().unwrap(),
        reload: Arc::new(|| Box::pin(async { Ok(Vec::new()) })),
    };
    tokio::spawn(serve(listener, router(options), CancellationToken::new()));
    (hub, address)
}

/// A request as Prometheus sends it, and where its alerts' ends stand in it.
struct Request {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

fn request(numbers: &[usize]) -> Request {
    let alerts: Vec<String> = numbers
        .iter()
        .map(|n| {
            format!(
                r#"{{"annotations":{{"description":"The disk of node-{n} is at 97 % and will be full in 4 hours.","summary":"Disk of node-{n} is nearly full"}},"endsAt":"{END}","startsAt":"2026-11-20T10:00:00.123Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=node_filesystem_avail_bytes+%3C+10\u0026g0.tab=1","labels":{{"alertname":"DiskFull","device":"/dev/sda1","env":"prod","instance":"node-{n}:9100","job":"node","mountpoint":"/var","severity":"critical"}}}}"#
            )
        })
        .collect();
    let body = format!("[{}]", alerts.join(","));
    let head = format!(
        "POST /s/{KEY}/api/v2/alerts HTTP/1.1\r\nHost: hub\r\nUser-Agent: resend\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let text = head + &body;
    Request {
        ends: text.match_indices(END).map(|(at, _)| at).collect(),
        bytes: text.into_bytes(),
    }
}

/// Where an end is to stand.
const END: &str = "2000-01-01T00:00:00.000Z";

struct Sender {
    stream: TcpStream,
    requests: Vec<Request>,
}

impl Sender {
    fn new(address: SocketAddr, requests: Vec<Request>) -> Sender {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Sender { stream, requests }
    }

    /// Everything once, unless `stop`; how many requests were answered.
    fn round(&mut self, stop: &AtomicBool) -> usize {
        let mut answer = [0; 4096];
        for (count, request) in self.requests.iter_mut().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return count;
            }
            let end = Timestamp(SystemClock.now().0 + 240_000).to_string();
            let end = format!("{}Z", &format!("{}.000", end.trim_end_matches('Z'))[..23]);
            for at in &request.ends {
                request.bytes[*at..at + END.len()].copy_from_slice(end.as_bytes());
            }
            self.stream.write_all(&request.bytes).unwrap();
            let mut had = 0;
            while !answer[..had].ends_with(b"\r\n\r\n") {
                match self.stream.read(&mut answer[had..]).unwrap() {
                    0 => panic!("the hub hung up"),
                    more => had += more,
                }
            }
            assert!(
                answer.starts_with(b"HTTP/1.1 200"),
                "{}",
                String::from_utf8_lossy(&answer[..had])
            );
        }
        self.requests.len()
    }
}

/// Sends everything so many times, or for so long.
async fn rounds(senders: Vec<Sender>, within: DurationMs, times: usize) -> (Vec<Sender>, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = senders
        .into_iter()
        .map(|mut sender| {
            let (stop, sent) = (stop.clone(), sent.clone());
            std::thread::spawn(move || {
                for _ in 0..times {
                    sent.fetch_add(sender.round(&stop), Ordering::Relaxed);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                sender
            })
        })
        .collect();
    let ended = tokio::task::spawn_blocking(move || {
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut ended = std::pin::pin!(ended);
    let senders = tokio::select! {
        senders = &mut ended => senders,
        () = SystemClock.sleep(within) => {
            stop.store(true, Ordering::Relaxed);
            ended.await
        }
    };
    (senders.unwrap(), sent.load(Ordering::Relaxed))
}

/// What this process has used, in hundredths of a second.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
