//! The way in: signals, actions and timers become changes of alerts.
//!
//! Senders' tasks call [`Intake::submit`]. It recognises repeats at once (they cost no transaction) and queues
//! the rest, per source and bounded. One loop, `stepper`, takes a group in turn from all queues, decides with
//! pure functions, writes the group in one transaction, and only then answers (I1).

mod cache;
mod desk;
mod flush;
mod queue;
mod route;
mod stepper;

use std::sync::Arc;

use integrations::kit::SignalOutcome;
use model::{
    Action, Alert, AlertId, DurationMs, IntegrationId, Origin, Signal, SignalKind, Timestamp,
    limits,
};
use tokio::sync::oneshot;

pub(crate) use cache::KeyCache;
use cache::{Kept, Late};
pub(crate) use flush::{flush_at_the_end, flush_loop};
pub(crate) use queue::Queues;
pub(crate) use stepper::Stepper;

use crate::catalog::Source;
use crate::hub::Shared;

/// What is asked of the stepper.
pub(crate) enum Item {
    Signal {
        source: Arc<Source>,
        signal: Arc<Signal>,
        hash: u128,
        content: u128,
    },
    Act {
        alert: AlertId,
        action: Action,
        origin: Option<Origin>,
    },
    Timer {
        alert: AlertId,
    },
    /// An integration is new or changed: look at this alert's lane there again; with `entering` it may get one.
    Reroute {
        alert: AlertId,
        integration: IntegrationId,
        entering: bool,
    },
    /// A repeat that was acknowledged, of an alert that another node has changed since: it is a signal after all,
    /// unless it came before that change.
    Late(Late),
}

/// What became of an item.
#[derive(Debug)]
pub(crate) enum ItemOutcome {
    Signal(SignalOutcome),
    Acted(Box<Alert>),
    /// For a person: why not.
    Refused(String),
    NotFound,
    Done,
    /// Not written: the sender is asked to try again.
    Failed(Busy),
}

/// The hub cannot take more now, and why; nothing was lost, because nothing was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; try again in {retry_after}")]
pub struct Busy {
    pub reason: String,
    pub retry_after: DurationMs,
}

/// Why an action was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    #[error("there is no alert with this id")]
    NotFound,
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// A batch that waits for its turn.
pub(crate) struct Submission {
    pub items: Vec<Item>,
    /// In boot time.
    pub asked_at: i64,
    pub reply: oneshot::Sender<Vec<ItemOutcome>>,
}

/// Takes signals and actions; clones share it.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    pub(crate) fn new(shared: Arc<Shared>) -> Intake {
        Intake { shared }
    }

    /// Takes one batch of a source. Returns once every signal of it is durable or known as a repeat, with what
    /// became of each, in order.
    pub async fn submit(
        &self,
        source: &Arc<Source>,
        signals: Vec<Signal>,
    ) -> Result<Vec<SignalOutcome>, Busy> {
        if let Some(busy) = self.shared.refusal() {
            return Err(busy);
        }
        let now = self.shared.clock.now();
        let trusts_cache = self.shared.trusts_cache();
        let is_shared = self.shared.store.shared();
        let mut outcomes: Vec<Option<SignalOutcome>> = Vec::with_capacity(signals.len());
        let mut items = Vec::new();
        // Where each item's outcome belongs.
        let mut places: Vec<Option<usize>> = Vec::new();
        let mut barred = Barred {
            shared: &self.shared,
            hashes: Vec::new(),
        };
        let kept_count;
        {
            let mut cache = self.shared.cache.lock();
            for signal in signals {
                let hash = cache.hash_of_key(source.project.id, source.scope, &signal.key);
                let content = cache.hash_of_content(&signal);
                if trusts_cache && let Some(alert) = repeat(&mut cache, hash, content, &signal, now)
                {
                    outcomes.push(Some(SignalOutcome::Repeated(alert)));
                    if is_shared {
                        let kept = Kept {
                            source: source.clone(),
                            signal: Arc::new(signal),
                            content,
                            came_at: now,
                        };
                        cache.keep(hash, kept);
                    }
                    continue;
                }
                // What was acknowledged before is decided before.
                if is_shared {
                    for late in cache.take_kept(hash) {
                        cache.bar(hash);
                        items.push(Item::Late(late));
                        places.push(None);
                    }
                }
                cache.bar(hash);
                barred.hashes.push(hash);
                places.push(Some(outcomes.len()));
                outcomes.push(None);
                items.push(Item::Signal {
                    source: source.clone(),
                    signal: Arc::new(signal),
                    hash,
                    content,
                });
            }
            kept_count = cache.kept_count();
        }
        if kept_count > limits::REPEATS_FLUSHED_AT {
            self.shared.flush_wake.notify_one();
        }
        if !items.is_empty() {
            let results = self.ask(Some(source.id.0), items).await;
            drop(barred);
            for (place, outcome) in places.into_iter().zip(results?) {
                let Some(place) = place else { continue };
                outcomes[place] = Some(match outcome {
                    ItemOutcome::Signal(outcome) => outcome,
                    ItemOutcome::Refused(why) => SignalOutcome::Refused(why),
                    ItemOutcome::NotFound => {
                        SignalOutcome::Ignored("there is no such alert".to_owned())
                    }
                    ItemOutcome::Failed(busy) => return Err(busy),
                    ItemOutcome::Acted(_) | ItemOutcome::Done => {
                        SignalOutcome::Ignored(String::new())
                    }
                });
            }
        }
        Ok(outcomes
            .into_iter()
            .map(|o| o.unwrap_or_else(|| SignalOutcome::Ignored("it was not looked at".to_owned())))
            .collect())
    }

    /// Does `action` to an alert, for a person or a vendor; the alert as it is then.
    pub async fn act(
        &self,
        alert: AlertId,
        action: Action,
        origin: Option<Origin>,
    ) -> Result<Alert, ActError> {
        let outcome = self
            .ask(
                None,
                vec![Item::Act {
                    alert,
                    action,
                    origin,
                }],
            )
            .await?
            .pop();
        match outcome {
            Some(ItemOutcome::Acted(alert)) => Ok(*alert),
            Some(ItemOutcome::NotFound) => Err(ActError::NotFound),
            Some(ItemOutcome::Refused(why)) => Err(ActError::Refused(why)),
            Some(ItemOutcome::Failed(busy)) => Err(ActError::Busy(busy)),
            _ => Err(ActError::Refused("nothing changed".to_owned())),
        }
    }

    /// Hands items to the stepper and waits for their fate.
    pub(crate) async fn ask(
        &self,
        queue: Option<u128>,
        items: Vec<Item>,
    ) -> Result<Vec<ItemOutcome>, Busy> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission {
            items,
            asked_at: self.shared.clock.boot_ms(),
            reply,
        };
        let pushed = match self.shared.refusal() {
            None => self.shared.queues.push(queue, submission),
            Some(busy) => Err((busy, submission)),
        };
        if let Err((busy, submission)) = pushed {
            put_off(&mut self.shared.cache.lock(), submission.items);
            return Err(busy);
        }
        answer.await.map_err(|_| Busy {
            reason: "the hub is stopping".to_owned(),
            retry_after: DurationMs::from_secs(5),
        })
    }
}

/// Repeats among items that are not worked on are decided another time: they were acknowledged.
fn put_off(cache: &mut KeyCache, items: impl IntoIterator<Item = Item>) {
    for item in items {
        if let Item::Late(late) = item {
            cache.unbar(late.hash);
            cache.put_off([late]);
        }
    }
}

/// Keys whose fast path is barred while their signals wait; let go also when the sender's task is dropped.
struct Barred<'a> {
    shared: &'a Shared,
    hashes: Vec<u128>,
}

impl Drop for Barred<'_> {
    fn drop(&mut self) {
        let mut cache = self.shared.cache.lock();
        for hash in self.hashes.drain(..) {
            cache.unbar(hash);
        }
    }
}

/// Recognises a repeat: the same content for an alert that is known and still open, and nothing of this key waiting.
fn repeat(
    cache: &mut KeyCache,
    hash: u128,
    content: u128,
    signal: &Signal,
    now: Timestamp,
) -> Option<AlertId> {
    if signal.kind != SignalKind::Fire || signal.message_id.is_some() {
        return None;
    }
    if signal.ends_at.is_some_and(|ends| ends <= now) {
        return None;
    }
    cache.repeat(hash, content, signal.ends_at, now)
}
