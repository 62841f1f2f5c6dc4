//! The loop with a moved clock, scripted samples and a hub that is well, refuses, or is slow.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::{BoxFuture, Clock, DurationMs, Signal, SignalKind, TestClock, Timestamp};
use monitors::host::{HostRules, HostSettings, Memory, Sample, Sampler, SinkError, run};
use tokio::sync::{Notify, oneshot};

/// Gives these loads per core one after the other, the last one for ever, and counts the looks.
struct Script {
    loads: Vec<f64>,
    looks: Arc<AtomicUsize>,
}

impl Sampler for Script {
    fn sample(&mut self) -> Sample {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        Sample {
            node: "n".into(),
            load1: Some(self.loads[look.min(self.loads.len() - 1)]),
            physical_cores: Some(1),
            logical_cores: 1,
            memory: Memory {
                total: 100,
                available: 50,
            },
            disks: Vec::new(),
        }
    }
}

struct Bench {
    clock: Arc<TestClock>,
    looks: Arc<AtomicUsize>,
    told: Arc<Mutex<Vec<SignalKind>>>,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

/// What the hub does with the n-th batch.
type Hub = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<(), SinkError>> + Send + Sync>;

fn start(loads: &[f64], hub: Hub) -> Bench {
    let clock = Arc::new(TestClock::at(Timestamp(1_000_000)));
    let looks = Arc::new(AtomicUsize::new(0));
    let told: Arc<Mutex<Vec<SignalKind>>> = Arc::default();
    let (stop, stopped) = oneshot::channel();
    let sampler = Box::new(Script {
        loads: loads.to_vec(),
        looks: Arc::clone(&looks),
    });
    let heard = Arc::clone(&told);
    let batches = AtomicUsize::new(0);
    let sink = move |signals: Vec<Signal>| {
        let verdict = hub(batches.fetch_add(1, Ordering::SeqCst));
        let heard = Arc::clone(&heard);
        let taken: BoxFuture<'static, Result<(), SinkError>> = Box::pin(async move {
            verdict.await?;
            heard
                .lock()
                .expect("no test panics while it holds this")
                .extend(signals.into_iter().map(|s| s.kind));
            Ok(())
        });
        taken
    };
    let rules = HostRules::new(HostSettings::default()).expect("the defaults are valid");
    let its_clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
    let task = tokio::spawn(async move {
        run(rules, sampler, its_clock, sink, async {
            let _told_or_dropped = stopped.await;
        })
        .await;
    });
    Bench {
        clock,
        looks,
        told,
        stop: Some(stop),
        task,
    }
}

impl Bench {
    /// Moves time on, a second at a time, until `done`.
    async fn until(&self, done: impl Fn(&Bench) -> bool) {
        let patient = async {
            while !done(self) {
                self.clock.advance(DurationMs::from_secs(1));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), patient)
            .await
            .expect("in time");
    }

    fn told(&self) -> Vec<SignalKind> {
        self.told
            .lock()
            .expect("no test panics while it holds this")
            .clone()
    }
}

fn well() -> Hub {
    Arc::new(|_| Box::pin(async { Ok(()) }))
}

#[tokio::test]
async fn it_looks_by_itself_tells_what_holds_and_stops_when_told() {
    let mut bench = start(&[1.0, 3.0, 3.0, 1.0, 1.0, 1.0], well());
    bench
        .until(|bench| bench.told().contains(&SignalKind::Resolve))
        .await;
    let fire = SignalKind::Fire;
    assert_eq!(
        bench.told(),
        [
            fire.clone(),
            fire.clone(),
            fire.clone(),
            fire,
            SignalKind::Resolve
        ]
    );
    bench.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), bench.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_refused_resolve_is_told_again_with_the_next_look() {
    // Batches 0 to 2 are fires, 3 is the resolve: refused twice.
    let hub: Hub = Arc::new(|batch| {
        Box::pin(async move {
            if (3..5).contains(&batch) {
                return Err("503 from the hub".into());
            }
            Ok(())
        })
    });
    let bench = start(&[3.0, 1.0, 1.0, 1.0], hub);
    bench
        .until(|bench| bench.told().contains(&SignalKind::Resolve))
        .await;
    let looks = bench.looks.load(Ordering::SeqCst);
    assert!(looks >= 6, "{looks} looks");
    bench
        .until(|bench| bench.looks.load(Ordering::SeqCst) > looks + 2)
        .await;
    let resolves = bench
        .told()
        .iter()
        .filter(|kind| **kind == SignalKind::Resolve)
        .count();
    assert_eq!(resolves, 1);
}

#[tokio::test]
async fn a_slow_hub_makes_it_leave_looks_out_instead_of_queueing_them() {
    let release = Arc::new(Notify::new());
    let gate = Arc::clone(&release);
    let hub: Hub = Arc::new(move |batch| {
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            if batch == 0 {
                gate.notified().await;
            }
            Ok(())
        })
    });
    let bench = start(&[3.0], hub);
    bench
        .until(|bench| bench.looks.load(Ordering::SeqCst) == 1)
        .await;
    bench.clock.advance(DurationMs::from_mins(10));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.looks.load(Ordering::SeqCst), 1);
    assert_eq!(bench.told(), []);
    release.notify_one();
    bench
        .until(|bench| bench.looks.load(Ordering::SeqCst) >= 3)
        .await;
    assert!(
        bench.told().len() <= 3,
        "the ten minutes are not made up for"
    );
}

struct Breaks(u32);

impl Sampler for Breaks {
    fn sample(&mut self) -> Sample {
        self.0 += 1;
        assert!(self.0 != 1, "the first look fails");
        Script {
            loads: vec![3.0],
            looks: Arc::default(),
        }
        .sample()
    }
}

#[tokio::test]
async fn a_look_that_fails_is_not_the_last_one() {
    let clock = Arc::new(TestClock::at(Timestamp(0)));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let sink = move |signals: Vec<Signal>| -> BoxFuture<'static, Result<(), SinkError>> {
        let sent = tell.send(signals).map_err(SinkError::from);
        Box::pin(async move { sent })
    };
    let its_clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
    let rules = HostRules::new(HostSettings::default()).unwrap();
    let task = tokio::spawn(run(
        rules,
        Box::new(Breaks(0)),
        its_clock,
        sink,
        std::future::pending(),
    ));
    let first = async {
        loop {
            if let Ok(signals) = told.try_recv() {
                return signals;
            }
            clock.advance(DurationMs::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let signals = tokio::time::timeout(Duration::from_secs(20), first)
        .await
        .unwrap();
    assert_eq!(signals[0].kind, SignalKind::Fire);
    task.abort();
}
