//! The loop: look, decide, tell.

use std::sync::{Arc, Mutex, PoisonError};

use model::{BoxFuture, Clock, DurationMs, Signal};

use super::{HostRules, Rule, Sample, Sampler};

/// Why the hub did not take signals.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Looks every `settings.every` and hands what it means to `sink`, until `stop` is ready. `sink` returns once the
/// hub has the signals durably (I1); after an error the next look says what still holds, so nothing is queued here,
/// and while the hub is slow looks are left out. Dropping the future stops it as well.
///
/// The machine is read on Tokio's blocking threads. If a dead mount blocks that for ever, the monitor stands still
/// and says so in the log; shut the runtime down with a timeout.
pub async fn run<F>(
    rules: HostRules,
    sampler: Box<dyn Sampler>,
    clock: Arc<dyn Clock>,
    sink: F,
    stop: impl Future<Output = ()> + Send,
) where
    F: Fn(Vec<Signal>) -> BoxFuture<'static, Result<(), SinkError>> + Send + Sync,
{
    tokio::select! {
        () = stop => {}
        () = watch(rules, Arc::new(Mutex::new(sampler)), clock, sink) => {}
    }
}

async fn watch<F>(
    mut rules: HostRules,
    sampler: Arc<Mutex<Box<dyn Sampler>>>,
    clock: Arc<dyn Clock>,
    sink: F,
) where
    F: Fn(Vec<Signal>) -> BoxFuture<'static, Result<(), SinkError>> + Send + Sync,
{
    let every = rules.settings().every;
    let start = clock.boot_ms();
    let mut trouble = Trouble::default();
    loop {
        match look(&sampler, clock.as_ref(), every).await {
            Err(what) => trouble.is(Some(what)),
            Ok(sample) => {
                let blind = rules.blind(&sample);
                let signals = rules.observe(&sample, clock.now());
                let told = if signals.is_empty() {
                    Ok(())
                } else {
                    sink(signals).await
                };
                if told.is_ok() {
                    rules.acknowledge();
                }
                trouble.is(match told {
                    Err(error) => Some(format!("the hub does not take its signals: {error}")),
                    Ok(()) => cannot_measure(&blind),
                });
            }
        }
        // The next multiple of `every` by the clock that never jumps: looks that were missed are not made up for.
        let into = (clock.boot_ms() - start).rem_euclid(every.0);
        clock.sleep(DurationMs(every.0 - into)).await;
    }
}

/// One look at the machine, off the async threads.
async fn look(
    sampler: &Arc<Mutex<Box<dyn Sampler>>>,
    clock: &dyn Clock,
    every: DurationMs,
) -> Result<Sample, String> {
    let sampler = Arc::clone(sampler);
    let mut reading = tokio::task::spawn_blocking(move || {
        sampler
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sample()
    });
    let read = tokio::select! {
        read = &mut reading => read,
        () = clock.sleep(every) => {
            tracing::warn!("host monitor: reading this machine takes longer than {every}; is a mount's device gone?");
            reading.await
        }
    };
    read.map_err(|error| format!("reading this machine failed: {error}"))
}

fn cannot_measure(blind: &[Rule]) -> Option<String> {
    let names: Vec<&str> = blind.iter().map(|rule| rule.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "finds nothing to measure here for {}: switch it off in the settings, or for disks name a mount in \
             disk.mounts.include",
            names.join(" and ")
        )
    })
}

/// What is wrong now, logged when it changes.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn is(&mut self, now: Option<String>) {
        if self.0 != now {
            match &now {
                Some(what) => tracing::warn!("host monitor: {what}"),
                None => tracing::info!("host monitor: works again"),
            }
            self.0 = now;
        }
    }
}
