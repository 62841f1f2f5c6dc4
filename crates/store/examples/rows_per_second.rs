//! How many rows a second a store writes, durably, on this machine:
//! `cargo run --release -p campanile-store --example rows_per_second -- WHERE [ALERTS] [BATCH]`.
//!
//! WHERE is a folder for a SQLite file, or `postgres` for a server that is started for it (with `fsync` on).
//! Eight tasks hand in batches. Documents are made inside the measured time.
#![expect(
    clippy::unwrap_used,
    reason = "a measuring tool may stop where it fails"
)]

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use model::{
    Alert, AlertId, AlertKind, Attempt, AttemptKind, Clock, Content, Event, EventKind, IdSource,
    IntegrationId, Lane, LaneKey, LifecycleModel, Outcome, ProjectId, Scope, SeededEntropy,
    Severity, SourceId, Status, SystemClock, Timestamp, Told, Verb,
};
use pgtest::{Durability, Server};
use store::postgres::{self, PgStore};
use store::sqlite::{Options, SqliteStore};
use store::{AlertWrite, ClaimWrite, DueQuery, LaneChange, LanePut, LaneWrite, SeenRow, Store};

const TASKS: usize = 8;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let place = args.next().expect("a folder to write to, or `postgres`");
    let alerts: usize = args.next().map_or(100_000, |n| n.parse().unwrap());
    let batch: usize = args.next().map_or(256, |n| n.parse().unwrap());
    let place = Place::of(&place);
    let store = place.open().await;
    let ids = IdSource::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(1)));
    println!("{alerts} alerts, batches of {batch}, {TASKS} tasks");

    let plain: Vec<Alert> = (0..alerts).map(|n| alert(AlertId(ids.next()), n)).collect();
    let writes = plain.iter().map(|a| opening(a, false)).collect();
    measure(
        "opens (alert + event)",
        &store,
        writes,
        batch,
        |store, rows| async move {
            for answer in store.commit(rows).await.unwrap() {
                answer.unwrap();
            }
        },
    )
    .await;
    size(&store, alerts).await;

    let laned: Vec<Alert> = (0..alerts)
        .map(|n| alert(AlertId(ids.next()), alerts + n))
        .collect();
    let writes = laned.iter().map(|a| opening(a, true)).collect();
    measure(
        "opens with a lane",
        &store,
        writes,
        batch,
        |store, rows| async move {
            for answer in store.commit(rows).await.unwrap() {
                answer.unwrap();
            }
        },
    )
    .await;

    let clock = SystemClock;
    let begin = clock.boot_ms();
    let mut handed = 0;
    while handed < alerts / 10 {
        let want = DueQuery {
            integration: IntegrationId(3),
            revision: 1,
            limit: 500,
        };
        let works = store.due_lanes(clock.now(), vec![want]).await.unwrap();
        handed += works.len();
    }
    report(
        "due lanes read (one reader)",
        handed,
        clock.boot_ms() - begin,
    );

    let claims = laned.iter().map(|a| claim(&lane(a.id))).collect();
    measure(
        "claims (SQLite: in memory)",
        &store,
        claims,
        batch,
        |store, rows| async move {
            store.claim(rows).await.unwrap();
        },
    )
    .await;

    let finishes = laned
        .iter()
        .map(|a| finish(&claim(&lane(a.id)).lane))
        .collect();
    measure(
        "finishes (lane + attempt)",
        &store,
        finishes,
        batch,
        |store, rows| async move {
            for answer in store.write_lanes(rows).await.unwrap() {
                answer.unwrap();
            }
        },
    )
    .await;

    let repeats: Vec<SeenRow> = plain.iter().map(|a| seen(a.id)).collect();
    measure(
        "seen rows, new",
        &store,
        repeats.clone(),
        batch,
        |store, rows| async move {
            store.seen(rows).await.unwrap();
        },
    )
    .await;
    measure(
        "seen rows, again",
        &store,
        repeats,
        batch,
        |store, rows| async move {
            store.seen(rows).await.unwrap();
        },
    )
    .await;

    let closes = plain.iter().map(closing).collect();
    measure(
        "closes (alert + event)",
        &store,
        closes,
        batch,
        |store, rows| async move {
            for answer in store.commit(rows).await.unwrap() {
                answer.unwrap();
            }
        },
    )
    .await;
    size(&store, 2 * alerts).await;
    drop(store);
    let begin = clock.boot_ms();
    let store = place.open().await;
    println!("reopened in {} ms", clock.boot_ms() - begin);
    let begin = clock.boot_ms();
    let (mut after, mut walked) = (None, 0);
    loop {
        let page = store.live_alerts(after, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.alert.id);
        walked += page.len();
    }
    report("live alerts walked", walked, clock.boot_ms() - begin);
}

/// Where the rows go.
enum Place {
    Folder(PathBuf),
    Postgres { url: String, _server: Server },
}

impl Place {
    fn of(text: &str) -> Place {
        if text != "postgres" {
            return Place::Folder(text.into());
        }
        let server = Server::start(Durability::Real);
        let url = server.database().url();
        Place::Postgres {
            url,
            _server: server,
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        match self {
            Place::Folder(folder) => {
                let path = folder.join("rows_per_second.db");
                SqliteStore::open(&path, &Options::default()).unwrap()
            }
            Place::Postgres { url, .. } => {
                // No sender waits here: a slow disk should show as a figure, not as an error.
                let options = postgres::Options {
                    timeout: std::time::Duration::from_secs(30),
                    ..postgres::Options::default()
                };
                PgStore::open(url, &options).await.unwrap()
            }
        }
    }
}

/// Hands the rows in, from several tasks.
async fn measure<T, F, W>(what: &str, store: &Arc<dyn Store>, rows: Vec<T>, batch: usize, write: W)
where
    T: Send + 'static,
    F: Future<Output = ()> + Send,
    W: Fn(Arc<dyn Store>, Vec<T>) -> F + Copy + Send + 'static,
{
    let total = rows.len();
    let mut batches = Vec::new();
    let mut rows = rows.into_iter();
    loop {
        let next: Vec<T> = rows.by_ref().take(batch).collect();
        if next.is_empty() {
            break;
        }
        batches.push(next);
    }
    let batches = Arc::new(std::sync::Mutex::new(batches.into_iter()));
    let clock = SystemClock;
    let begin = clock.boot_ms();
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let (store, batches) = (store.clone(), batches.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let next = batches.lock().unwrap().next();
                match next {
                    Some(next) => write(store.clone(), next).await,
                    None => break,
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    report(what, total, clock.boot_ms() - begin);
}

fn report(what: &str, rows: usize, ms: i64) {
    let rate = i64::try_from(rows).unwrap() * 1000 / ms.max(1);
    println!("{what:28} {rate:>9} /s   ({rows} in {ms} ms)");
}

async fn size(store: &Arc<dyn Store>, alerts: usize) {
    let bytes = store.counts().await.unwrap().bytes;
    println!(
        "    {} bytes in the file for each alert",
        bytes / alerts as u64
    );
}

fn alert(id: AlertId, n: usize) -> Alert {
    let now = SystemClock.now();
    let labels = [
        ("alertname", "NodeFilesystemAlmostOutOfSpace".to_owned()),
        ("cluster", "eu-west-1-prod".to_owned()),
        ("device", "/dev/nvme0n1p1".to_owned()),
        (
            "instance",
            format!("10.1.{}.{}:9100", n / 250 % 250, n % 250),
        ),
        ("job", "node-exporter".to_owned()),
        ("mountpoint", "/var/lib/data".to_owned()),
        ("severity", "critical".to_owned()),
    ];
    let content = Content {
        severity: Severity::Critical,
        resource: format!("10.1.{}.{}:9100", n / 250 % 250, n % 250),
        event: "NodeFilesystemAlmostOutOfSpace".to_owned(),
        title: "Filesystem has less than 3% space left.".to_owned(),
        text: String::new(),
        value: None,
        labels: labels.into_iter().collect(),
        annotations: [
            ("summary", "Filesystem has less than 3% space left."),
            (
                "description",
                "Filesystem on /dev/nvme0n1p1 has only 2.71% available space left.",
            ),
        ]
        .into_iter()
        .collect(),
        links: vec![],
        starts_at: now,
    };
    Alert {
        id,
        project: ProjectId(1),
        source: SourceId(2),
        scope: Scope::Source(SourceId(2)),
        key: format!("{n:032x}"),
        group_key: None,
        kind: AlertKind::Issue,
        status: Status::Open,
        closed_because: None,
        content: Arc::new(content),
        opened_at: now,
        closed_at: None,
        changed_at: now,
        seq: 1,
        version: 1,
        episode: 1,
        acked_until: None,
        shelved_until: None,
        tracking_until: None,
        assignee: None,
        ends_at: Some(Timestamp(now.0 + 240_000)),
        silence_after_ms: Some(240_000),
        trailing_update_at: None,
        last_update_at: now,
        timer_at: Some(Timestamp(now.0 + 240_000)),
        live_until: None,
        last_seen: now,
        repeat_count: 1,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: vec![],
    }
}

fn event(alert: &Alert, kind: EventKind, content: Option<Arc<Content>>) -> Event {
    Event {
        alert: alert.id,
        seq: alert.seq,
        at: alert.changed_at,
        kind,
        status: alert.status,
        content,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}

fn opening(alert: &Alert, with_lane: bool) -> AlertWrite {
    AlertWrite {
        alert: alert.clone(),
        expected: None,
        retires: None,
        events: vec![event(alert, EventKind::Opened, Some(alert.content.clone()))],
        lanes: with_lane
            .then(|| LanePut {
                lane: lane(alert.id),
                expected: None,
            })
            .into_iter()
            .collect(),
        removed_lanes: vec![],
        message: None,
        at: alert.changed_at,
    }
}

fn closing(before: &Alert) -> AlertWrite {
    let mut alert = before.clone();
    alert.status = Status::Closed;
    alert.closed_at = Some(alert.changed_at);
    alert.version = 2;
    alert.seq = 2;
    alert.timer_at = None;
    AlertWrite {
        expected: Some(1),
        retires: None,
        events: vec![event(&alert, EventKind::Closed, None)],
        lanes: vec![],
        removed_lanes: vec![],
        message: None,
        at: alert.changed_at,
        alert,
    }
}

fn lane(alert: AlertId) -> Lane {
    let now = Timestamp(1_700_000_000_000);
    Lane {
        key: LaneKey {
            alert,
            integration: IntegrationId(3),
            revision: 1,
        },
        version: 1,
        priority: 0,
        cursor: 0,
        head: 1,
        told: Told::Nothing,
        told_at: Timestamp(0),
        retired: false,
        doubt: false,
        unsure_until: None,
        delay_until: now,
        held_until: Timestamp::ZERO,
        held_by: None,
        not_before: Timestamp::ZERO,
        edit_after: Timestamp::ZERO,
        remind_at: Timestamp::ZERO,
        due_at: Some(now),
        handle: None,
        extra_handles: vec![],
        claim: None,
        attempts: 0,
        failures: 0,
        duplicates: 0,
        orphans: 0,
        replay: 0,
        reminders: 0,
    }
}

fn claim(before: &Lane) -> ClaimWrite {
    let now = SystemClock.now();
    let mut lane = before.clone();
    lane.version += 1;
    lane.claim = Some(model::Claim {
        id: model::ClaimId(9),
        node: model::NodeId(8),
        verb: Verb::Open,
        upto: 1,
        head: 1,
        sent_at: now,
        until: Timestamp(now.0 + 60_000),
    });
    ClaimWrite {
        lane,
        expected: before.version,
        durable: false,
        debits: vec![],
        now,
    }
}

fn finish(before: &Lane) -> LaneWrite {
    let now = SystemClock.now();
    let mut lane = before.clone();
    lane.version += 1;
    lane.cursor = lane.head;
    lane.told = Told::Open;
    lane.due_at = None;
    lane.claim = None;
    lane.attempts = 1;
    let attempt = Attempt {
        lane: lane.key,
        at: now,
        kind: AttemptKind::Sent {
            verb: Verb::Open,
            outcome: Outcome::Delivered,
        },
        from: 0,
        upto: 1,
        took_ms: 12,
        status: Some(200),
        excerpt: String::new(),
    };
    LaneWrite {
        change: LaneChange::Put(Box::new(LanePut {
            lane,
            expected: Some(before.version),
        })),
        attempts: vec![attempt],
    }
}

fn seen(alert: AlertId) -> SeenRow {
    let now = SystemClock.now();
    SeenRow {
        alert,
        version: 1,
        last_seen: now,
        repeat_count: 2,
        ends_at: Some(now),
    }
}
