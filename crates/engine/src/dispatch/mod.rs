//! The way out: due lanes are looked at, claimed, sent and settled.
//!
//! One loop looks (this file), tasks send (`send`), one loop writes results (`settle`). No connection, lock or
//! transaction is held while a vendor thinks. A lost wake-up costs a second at most (I11).

mod draft;
mod grouping;
pub(crate) mod health;
mod look;
pub(crate) mod send;
mod settle;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{DurationMs, Timestamp};
use store::{
    ClaimAnswer, ClaimWrite, DueQuery, LaneChange, LanePut, LaneWork, LaneWrite, StoreError,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::Shared;
use crate::telling;
use health::RevisionKey;
use look::{Looked, look};
use settle::Settled;
pub(crate) use settle::settle_loop;

/// Looks by itself this often, whatever hints it gets (I11).
const POLL: DurationMs = DurationMs::from_secs(1);
/// Members of groups that are looked at in one pass, whatever becomes of the vendor; groups are far fewer.
const MEMBERS_AT_ONCE: usize = 64;
/// After a look in which another node won every claim: the least and the most of the pause until the next one.
const CONTESTED_PAUSE: (DurationMs, DurationMs) = (DurationMs(20), DurationMs(50));
/// Results that wait to be written: none has to wait for room.
pub(crate) const RESULTS_MAX: usize = health::SLOTS_IN_ALL + health::UNRECORDED_IN_ALL;
/// A lease lasts this much longer than the deadlines of all the requests of a task: for the queue to the network.
pub(crate) const LEASE_SLACK: DurationMs = DurationMs::from_secs(20);

pub(crate) struct Dispatcher {
    pub shared: Arc<Shared>,
    pub results: mpsc::Sender<Settled>,
    /// The sends in flight.
    pub sends: TaskTracker,
    /// Where the turn of revisions stands (I12).
    turn: usize,
    /// Revisions that had more due at the last look than was taken: they need not be asked again.
    more_due: HashSet<RevisionKey>,
}

/// What a pass found.
struct Passed {
    /// When there is something to do next.
    next: Option<Timestamp>,
    /// There is more to do at once.
    more: bool,
    /// Other nodes were quicker with everything: looking again at once would only hinder them.
    contested: bool,
}

/// What came of the lanes that were due.
#[derive(Default)]
struct Worked {
    did: bool,
    lost: bool,
}

impl Dispatcher {
    pub fn new(
        shared: Arc<Shared>,
        results: mpsc::Sender<Settled>,
        sends: TaskTracker,
    ) -> Dispatcher {
        Dispatcher {
            shared,
            results,
            sends,
            turn: 0,
            more_due: HashSet::new(),
        }
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let mut changed = self.shared.store.changed();
        while !stop.is_cancelled() {
            changed.borrow_and_update();
            let shared = self.shared.clone();
            let woken = shared.dispatch_wake.notified();
            let now = self.shared.clock.now();
            let boot = self.shared.clock.boot_ms();
            let passed = match self.pass(now, boot).await {
                Ok(passed) => passed,
                Err(error) => {
                    telling::store_failed("dispatcher", &error);
                    Passed {
                        next: None,
                        more: false,
                        contested: false,
                    }
                }
            };
            if passed.more {
                continue;
            }
            let until = match passed.contested {
                true => self.shared.clock.now() + self.contested_pause(),
                false => passed
                    .next
                    .map_or(now + POLL, |next| next.clamp(now, now + POLL)),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = changed.changed() => {}
                () = woken => {}
                () = self.shared.clock.sleep_until(until) => {}
            }
        }
    }

    /// One look at everything that is due at `now`, which was at `boot`.
    async fn pass(&mut self, now: Timestamp, boot: i64) -> Result<Passed, StoreError> {
        let catalog = self.shared.catalog.load_full();
        let keys: Vec<RevisionKey> = catalog.revisions.keys().copied().collect();
        let guessed = !self.more_due.is_empty();
        let dues = self.dues(&keys, now).await?;
        let mut next: Option<Timestamp> = None;
        let mut wants: Vec<DueQuery> = Vec::new();
        let mut vendor_slots: HashMap<RevisionKey, usize> = HashMap::new();
        {
            let health = self.shared.health.lock();
            for (key, due) in keys.iter().zip(dues).filter_map(|(k, d)| Some((*k, d?))) {
                let free = health.free_slots(key, now);
                let groups = catalog
                    .revision(key.0, key.1)
                    .is_some_and(|revision| revision.group_by.is_some());
                // Members join their groups though the vendor is in trouble, so that it is told of the whole group when it
                // is back. What is for the vendor must not hide them.
                let limit = match groups {
                    true => free.max(MEMBERS_AT_ONCE),
                    false => free,
                };
                if due <= now && limit > 0 {
                    wants.push(DueQuery {
                        integration: key.0,
                        revision: key.1,
                        limit,
                    });
                    vendor_slots.insert(key, free);
                    if free > 0 {
                        continue;
                    }
                }
                // Without free slots a finished send wakes us.
                let at = due.max(health.closed_until(key));
                if at > now {
                    next = Some(next.map_or(at, |n| n.min(at)));
                }
            }
        }
        if wants.is_empty() {
            return Ok(Passed {
                next,
                more: false,
                contested: false,
            });
        }
        self.take_turns(&mut wants);
        let works = self.shared.store.due_lanes(now, wants.clone()).await?;
        if works.is_empty() {
            return Ok(Passed {
                next,
                more: guessed,
                contested: false,
            });
        }
        let full = full(&wants, &works);
        let worked = self.work(works, vendor_slots, now, boot).await?;
        if worked.did {
            self.more_due = full;
        }
        // Alone, a lane that was lost was raised by the stepper, which is done with it.
        let contested = worked.lost && !worked.did && self.shared.store.shared();
        Ok(Passed {
            next,
            // After a guess `next` does not tell of the revisions that were not asked.
            more: worked.did || guessed || (worked.lost && !contested),
            contested,
        })
    }

    /// When each revision has something to do.
    async fn dues(
        &mut self,
        keys: &[RevisionKey],
        now: Timestamp,
    ) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let more_due = std::mem::take(&mut self.more_due);
        let asked: Vec<RevisionKey> = keys
            .iter()
            .copied()
            .filter(|key| !more_due.contains(key))
            .collect();
        let found = match asked.is_empty() {
            true => Vec::new(),
            false => self.shared.store.next_due(asked).await?,
        };
        let mut found = found.into_iter();
        let due = |key| match more_due.contains(key) {
            true => Some(now),
            false => found.next().flatten(),
        };
        Ok(keys.iter().map(due).collect())
    }

    fn contested_pause(&self) -> DurationMs {
        let (least, most) = (CONTESTED_PAUSE.0.0, CONTESTED_PAUSE.1.0);
        let spread = self.shared.entropy.next_u64() % most.abs_diff(least);
        DurationMs(least.saturating_add_unsigned(spread))
    }

    /// Shares the slots evenly and begins each time with another revision.
    fn take_turns(&mut self, wants: &mut [DueQuery]) {
        let room = self.shared.health.lock().room();
        let share = (room / wants.len()).max(1);
        for want in wants.iter_mut() {
            want.limit = want.limit.min(share);
        }
        self.turn = self.turn.wrapping_add(1);
        let by = self.turn % wants.len();
        wants.rotate_left(by);
    }

    /// Looks at lanes, writes what needs no sending, claims and starts the rest: as many for a vendor as it has slots.
    /// Leases count from `now`, which was at `boot`.
    async fn work(
        &mut self,
        works: Vec<LaneWork>,
        mut vendor_slots: HashMap<RevisionKey, usize>,
        now: Timestamp,
        boot: i64,
    ) -> Result<Worked, StoreError> {
        let catalog = self.shared.catalog.load_full();
        let mut writes = Vec::new();
        let mut drafts = Vec::new();
        for work in works {
            let key = work.lane.key;
            let Some(revision) = catalog.revision(key.integration, key.revision) else {
                continue;
            };
            let expected = work.lane.version;
            let is_member = revision.is_member(&work.alert, Some(&work.lane));
            let hold = self
                .shared
                .hold(&catalog, revision, &work.alert, is_member, now);
            match look(
                revision.policy_for(&work.alert, Some(&work.lane)),
                &work,
                hold,
                now,
                self.shared.entropy.next_u64(),
            ) {
                Looked::Held => {}
                Looked::Write { mut lane, attempts } => {
                    lane.version = expected + 1;
                    let put = LanePut {
                        lane,
                        expected: Some(expected),
                    };
                    writes.push(LaneWrite {
                        change: LaneChange::Put(Box::new(put)),
                        attempts,
                    });
                }
                Looked::Send {
                    lane,
                    verb,
                    upto,
                    attempts,
                } => {
                    let slots = vendor_slots.entry((key.integration, key.revision));
                    let slots = slots.or_default();
                    if !is_member {
                        if *slots == 0 {
                            continue;
                        }
                        *slots -= 1;
                    }
                    drafts.push(self.draft(
                        &catalog,
                        revision.clone(),
                        work,
                        lane,
                        verb,
                        upto,
                        attempts,
                        now,
                    ));
                }
            }
        }
        let mut worked = Worked::default();
        let claims: Vec<ClaimWrite> = drafts.iter().map(|d| d.claim_write(now)).collect();
        if !claims.is_empty() {
            let answers = self.shared.store.claim(claims).await?;
            self.shared.crash_point("after_claim_before_send");
            for (draft, answer) in drafts.into_iter().zip(answers) {
                match answer {
                    ClaimAnswer::Claimed => {
                        worked.did = true;
                        if !draft.skips.is_empty() {
                            writes.push(LaneWrite {
                                change: LaneChange::None,
                                attempts: draft.skips.clone(),
                            });
                        }
                        self.start(draft, boot);
                    }
                    // Somebody changed it: the next pass sees how.
                    ClaimAnswer::Conflict => worked.lost = true,
                    ClaimAnswer::Blocked { until, .. } => {
                        let key = (draft.lane.key.integration, draft.lane.key.revision);
                        self.shared.health.lock().blocked(key, until);
                    }
                }
            }
        }
        if !writes.is_empty() {
            // A write that lost a race is decided again in the next pass.
            for written in self.shared.store.write_lanes(writes).await? {
                match written {
                    Ok(()) => worked.did = true,
                    Err(_) => worked.lost = true,
                }
            }
        }
        Ok(worked)
    }
}

/// The revisions that gave as many lanes as were wanted.
fn full(wants: &[DueQuery], works: &[LaneWork]) -> HashSet<RevisionKey> {
    let mut got: HashMap<RevisionKey, usize> = HashMap::new();
    for work in works {
        let key = work.lane.key;
        *got.entry((key.integration, key.revision)).or_default() += 1;
    }
    let keys = wants
        .iter()
        .map(|want| ((want.integration, want.revision), want.limit));
    keys.filter(|(key, limit)| got.get(key).is_some_and(|got| got >= limit))
        .map(|(key, _)| key)
        .collect()
}
