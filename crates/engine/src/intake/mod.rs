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
pub(crate) mod witness;

use std::sync::Arc;

use integrations::kit::SignalOutcome;
use lifecycle::group::GroupOf;
use model::{
    Action, Alert, AlertId, DurationMs, IntegrationId, Origin, Signal, SignalKind, SourceId,
    Timestamp,
};
use store::SeenRow;
use tokio::sync::oneshot;

pub(crate) use cache::KeyCache;
pub(crate) use flush::{flush, flush_loop};
pub(crate) use queue::Queues;
pub(crate) use stepper::Stepper;
pub(crate) use witness::Witness;

use crate::catalog::{Revision, Source};
use crate::hub::Shared;
use crate::telling;

/// What is asked of the stepper.
#[derive(Clone)]
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
    /// Brings a group up to date with a member as it is now.
    Member {
        member: AlertId,
        /// The member's: a group's first one names the group's.
        source: SourceId,
        revision: Arc<Revision>,
        of: GroupOf,
        /// It belongs to another group now.
        leaves: bool,
        hash: u128,
    },
    /// What held this alert's lanes may have ended: look at them.
    Replan {
        alert: AlertId,
    },
    /// An integration is new or changed: look at this alert's lane there again; with `entering` it may get one.
    Reroute {
        alert: AlertId,
        integration: IntegrationId,
        entering: bool,
    },
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
    /// The group that it is in, if that is there.
    Grouped(Option<AlertId>),
    /// A send to the integration is on its way: to be asked again after it.
    InFlight,
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
        // With their places in the batch.
        let mut items = Vec::new();
        let mut doubtful = Vec::new();
        let mut barred = Barred {
            shared: &self.shared,
            hashes: Vec::new(),
        };
        {
            let mut cache = self.shared.cache.lock();
            for (place, signal) in signals.into_iter().enumerate() {
                let hash = cache.hash_of_key(source.project.id, source.scope, &signal.key);
                let content = cache.hash_of_content(&signal);
                let row = match trusts_cache {
                    true => repeat(&mut cache, hash, content, &signal, now),
                    false => None,
                };
                outcomes.push(row.map(|row| SignalOutcome::Repeated(row.alert)));
                if row.is_some() && !is_shared {
                    continue;
                }
                let item = Item::Signal {
                    source: source.clone(),
                    signal: Arc::new(signal),
                    hash,
                    content,
                };
                match row {
                    Some(row) => doubtful.push((place, hash, row, item)),
                    None => {
                        cache.bar(hash);
                        barred.hashes.push(hash);
                        items.push((place, item));
                    }
                }
            }
        }
        if !doubtful.is_empty() {
            let rows = doubtful.iter().map(|(_, _, row, _)| *row).collect();
            let written = self.shared.witness.ask(rows).await?;
            telling::repeats_stepped(written.iter().filter(|written| !**written).count());
            let mut cache = self.shared.cache.lock();
            for ((place, hash, row, item), written) in doubtful.into_iter().zip(written) {
                if !written {
                    // Another node has changed the alert: a signal like any other, before those that came after it.
                    cache.doubt(hash, &row);
                    cache.bar(hash);
                    barred.hashes.push(hash);
                    items.push((place, item));
                }
            }
            items.sort_by_key(|(place, _)| *place);
        }
        if !items.is_empty() {
            let (places, items): (Vec<usize>, Vec<Item>) = items.into_iter().unzip();
            let results = self.ask(Some(source.id.0), items).await;
            drop(barred);
            for (place, outcome) in places.into_iter().zip(results?) {
                outcomes[place] = Some(match outcome {
                    ItemOutcome::Signal(outcome) => outcome,
                    ItemOutcome::Refused(why) => SignalOutcome::Refused(why),
                    ItemOutcome::NotFound => {
                        SignalOutcome::Ignored("there is no such alert".to_owned())
                    }
                    ItemOutcome::Failed(busy) => return Err(busy),
                    ItemOutcome::Acted(_)
                    | ItemOutcome::Done
                    | ItemOutcome::Grouped(_)
                    | ItemOutcome::InFlight => SignalOutcome::Ignored(String::new()),
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
        if let Some(busy) = self.shared.refusal() {
            return Err(busy);
        }
        self.shared.queues.push(queue, submission)?;
        answer.await.map_err(|_| Busy {
            reason: "the hub is stopping".to_owned(),
            retry_after: DurationMs::from_secs(5),
        })
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
) -> Option<SeenRow> {
    if signal.kind != SignalKind::Fire || signal.message_id.is_some() {
        return None;
    }
    if signal.ends_at.is_some_and(|ends| ends <= now) {
        return None;
    }
    cache.repeat(hash, content, signal.ends_at, now)
}
