//! Results become rows: the lane's new state and its attempt, together.

use std::borrow::Cow;
use std::sync::Arc;

use integrations::kit::Finish;
use lifecycle::lanes::{self, LanePolicy, Verdict};
use model::{
    Alert, Attempt, AttemptKind, Claim, DurationMs, Event, Lane, Manner, Outcome, Timestamp,
};
use store::{HealthRow, LaneChange, LanePut, LaneWork, LaneWrite, WriteError};
use tokio::sync::mpsc;

use crate::catalog::Revision;
use crate::dispatch::health::HealthChange;
use crate::hub::Shared;
use crate::telling;

/// Results written in one go.
const BATCH_MAX: usize = 512;
/// Tries until a contested lane is left to its lease: intake may raise a lane while its result is written.
const TRIES_MAX: usize = 8;
/// How long a failing store is left alone between tries; the results wait in memory meanwhile.
const STORE_PAUSE: DurationMs = DurationMs::from_secs(1);

/// A send that is over.
pub(crate) struct Settled {
    pub policy: LanePolicy,
    /// It went to the alert's group: nothing was learnt of the vendor.
    pub is_member: bool,
    /// It was sent, or tried; if not, its claim is given back as if it had never been.
    pub begun: bool,
    /// Its slot was given to the next one already.
    pub taken: bool,
    pub revision: Arc<Revision>,
    /// As it was claimed, at the version that the store has.
    pub lane: Lane,
    pub claim: Claim,
    pub alert: Alert,
    pub pending: Vec<Event>,
    /// The cursor before the send.
    pub from: u32,
    pub buckets: Vec<String>,
    pub finish: Finish,
    pub took: DurationMs,
}

/// The finish of a send that was not begun, because its claim had grown old.
pub(crate) fn too_late() -> Finish {
    Finish {
        outcome: Outcome::Retry,
        handle: None,
        status: Some(0),
        excerpt: "not sent: by the time of its turn its claim had grown old (the hub was stopped, or the sends before it hung)"
            .to_owned(),
    }
}

/// Writes results until every sender is gone.
pub(crate) async fn settle_loop(shared: Arc<Shared>, mut results: mpsc::Receiver<Settled>) {
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let settled: Vec<Settled> = std::mem::take(&mut batch);
        vendors_pauses(&shared, &settled).await;
        write(&shared, &settled).await;
        shared.crash_point("after_record");
        for one in &settled {
            health(&shared, one).await;
        }
        shared.dispatch_wake.notify_one();
    }
}

/// A vendor's "not so fast" holds for everything that draws from the same bucket.
async fn vendors_pauses(shared: &Shared, settled: &[Settled]) {
    for one in settled {
        let Outcome::Throttled { after_ms } = one.finish.outcome else {
            continue;
        };
        let pause = DurationMs(after_ms.unwrap_or(one.policy.retry.first.0))
            .clamp(DurationMs(1), one.policy.retry.throttle_max);
        for bucket in &one.buckets {
            let until = shared.clock.now() + pause;
            if let Err(error) = shared.store.block_bucket(bucket.clone(), until).await {
                telling::store_failed("settle", &error);
            }
        }
    }
}

async fn write(shared: &Shared, settled: &[Settled]) {
    let mut left: Vec<(&Settled, Option<LaneWork>)> = settled.iter().map(|s| (s, None)).collect();
    for _ in 0..TRIES_MAX {
        let now = shared.clock.now();
        let writes: Vec<LaneWrite> = left
            .iter()
            .map(|(one, fresh)| {
                let random = shared.entropy.next_u64();
                match fresh {
                    None => one.recorded(&one.lane, &one.alert, &one.pending, now, random),
                    Some(work) => one.recorded(&work.lane, &work.alert, &work.pending, now, random),
                }
            })
            .collect();
        let results = loop {
            // A result that is not written leaves its lane to its lease: worse than waiting for the store.
            match shared.store.write_lanes(Vec::clone(&writes)).await {
                Ok(results) => break results,
                Err(error) => {
                    telling::store_failed("settle", &error);
                    if shared.stopping.is_cancelled() {
                        return;
                    }
                    shared.clock.sleep(STORE_PAUSE).await;
                }
            }
        };
        let mut again = Vec::new();
        for ((one, _), result) in left.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(WriteError::Conflict) => match shared.store.lane_work(one.lane.key).await {
                    Ok(Some(fresh)) => again.push((one, Some(fresh))),
                    Ok(None) => lane_gone(shared, one).await,
                    Err(error) => telling::store_failed("settle", &error),
                },
                Err(WriteError::Store(error)) => telling::store_failed("settle", &error),
            }
        }
        left = again;
        if left.is_empty() {
            return;
        }
    }
}

/// The lane was removed while we sent: the attempt is kept (I5).
async fn lane_gone(shared: &Shared, one: &Settled) {
    let now = shared.clock.now();
    let recorded = one.recorded(&one.lane, &one.alert, &one.pending, now, 0);
    let write = LaneWrite {
        change: LaneChange::None,
        attempts: recorded.attempts,
    };
    if let Err(error) = shared.store.write_lanes(vec![write]).await {
        telling::store_failed("settle", &error);
    }
}

impl Settled {
    /// The vendor's words; before them, what was left out because something newer was said.
    fn told(&self, verdict: Verdict) -> Cow<'_, str> {
        let words = &self.finish.excerpt;
        let (from, upto) = (self.from + 1, self.claim.upto);
        if verdict != Verdict::Ok || self.policy.manner == Manner::Log || from >= upto {
            return Cow::Borrowed(words);
        }
        let left_out = if from + 1 == upto {
            format!("event {from}")
        } else {
            format!("events {from} to {}", upto - 1)
        };
        Cow::Owned(format!(
            "{left_out}: superseded, only the state after event {upto} was said. {words}"
        ))
    }

    fn recorded(
        &self,
        lane: &Lane,
        alert: &Alert,
        pending: &[Event],
        now: Timestamp,
        random: u64,
    ) -> LaneWrite {
        let stored = lane.version;
        if !self.begun {
            return self.given_back(lane.clone(), now);
        }
        let recorded = lanes::record(
            &self.policy,
            lane.clone(),
            &self.claim,
            self.finish.outcome.clone(),
            self.finish.handle.clone(),
            now,
            random,
        );
        let mut lane = recorded.lane;
        let after = pending
            .iter()
            .position(|e| e.seq > lane.cursor)
            .unwrap_or(pending.len());
        let rest = &pending[after..];
        lane.due_at = if lane.cursor < lane.head && rest.is_empty() {
            // More is pending than was read.
            Some(now.max(lane.not_before))
        } else {
            lanes::due_at(&self.policy, &lane, rest, alert, now)
        };
        lane.version = stored + 1;
        let attempt = Attempt {
            lane: lane.key,
            at: self.claim.sent_at,
            kind: recorded.kind,
            from: self.from,
            upto: self.claim.upto,
            took_ms: self.took.0,
            status: self.finish.status.filter(|s| *s > 0),
            excerpt: wire::redact::excerpt(
                &self.told(recorded.verdict),
                &self.revision.sink.secrets(),
                model::limits::EXCERPT_CHARS_MAX,
            ),
        };
        let put = LanePut {
            lane,
            expected: Some(stored),
        };
        LaneWrite {
            change: LaneChange::Put(Box::new(put)),
            attempts: vec![attempt],
        }
    }
}

impl Settled {
    /// The lane without the claim that nobody used, and a row that says so; if the claim was lost, only that row.
    fn given_back(&self, mut lane: Lane, now: Timestamp) -> LaneWrite {
        let stored = lane.version;
        let (key, mine) = (lane.key, lanes::give_back(&mut lane, &self.claim));
        let (kind, change) = match mine {
            false => {
                let (verb, outcome) = (self.claim.verb, self.finish.outcome.clone());
                (AttemptKind::Late { verb, outcome }, LaneChange::None)
            }
            true => {
                lane.due_at = Some(now.max(lane.not_before));
                lane.version = stored + 1;
                let put = LanePut {
                    lane,
                    expected: Some(stored),
                };
                (AttemptKind::Skipped, LaneChange::Put(Box::new(put)))
            }
        };
        let attempt = Attempt {
            lane: key,
            at: self.claim.sent_at,
            kind,
            from: self.from,
            upto: self.from,
            took_ms: 0,
            status: None,
            excerpt: self.finish.excerpt.clone(),
        };
        LaneWrite {
            change,
            attempts: vec![attempt],
        }
    }
}

async fn health(shared: &Shared, one: &Settled) {
    let key = (one.lane.key.integration, one.lane.key.revision);
    if one.is_member || !one.begun {
        shared.health.lock().released(key, one.taken);
        return;
    }
    let integration = &one.revision.integration;
    let (project, name) = (integration.project.name.as_str(), integration.name.as_str());
    // A reload must not see the change without its row, or it would undo it.
    let _on_its_way = shared.health_rows.lock().await;
    let change = shared
        .health
        .lock()
        .finished(key, &one.finish, one.taken, shared.clock.now());
    let suspended = match change {
        HealthChange::None => return,
        HealthChange::BreakerOpened(pause) => {
            telling::breaker_opened(project, name, pause);
            return;
        }
        HealthChange::Suspended(suspension) => {
            telling::suspended(project, name, &suspension.reason);
            Some(suspension)
        }
        HealthChange::StillSuspended(suspension) => Some(suspension),
        HealthChange::Recovered => {
            telling::recovered(project, name);
            None
        }
    };
    let row = HealthRow {
        integration: key.0,
        revision: key.1,
        suspended,
    };
    if let Err(error) = shared.store.put_health(vec![row]).await {
        telling::store_failed("settle", &error);
    }
}
