//! The way in: signals, actions and timers become changes of alerts.
//!
//! Senders' tasks call [`Intake::take`] and [`Intake::finish`]. These recognise repeats at once (they cost no
//! transaction, and mostly no decoding) and queue the rest, per source and bounded. One loop, `stepper`, takes a group in turn from all queues, decides with
//! pure functions, writes the group in one transaction, and only then answers (I1).

mod cache;
mod desk;
mod flush;
mod hashes;
mod heard;
mod queue;
mod route;
mod stepper;
mod taking;
pub(crate) mod witness;

use std::sync::Arc;

use integrations::kit::SignalOutcome;
use lifecycle::group::GroupOf;
use model::{Action, Alert, AlertId, DurationMs, IntegrationId, Origin, Signal, SourceId};
use tokio::sync::oneshot;

pub(crate) use cache::KeyCache;
pub(crate) use flush::{flush, flush_loop};
pub(crate) use hashes::Hashes;
pub(crate) use heard::Heard;
pub(crate) use queue::Queues;
pub(crate) use stepper::Stepper;
pub use taking::{Fate, NotTaken, Taken};
pub(crate) use witness::Witness;

use crate::catalog::{Revision, Source};
use crate::hub::Shared;

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
