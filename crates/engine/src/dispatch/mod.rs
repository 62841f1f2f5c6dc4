//! The way out: due lanes are looked at, claimed, sent and settled.
//!
//! One loop looks (this file), tasks send (`send`), one loop writes results (`settle`). No connection, lock or
//! transaction is held while a vendor thinks. A lost wake-up costs a second at most (I11).

mod grouping;
pub(crate) mod health;
mod look;
pub(crate) mod send;
mod settle;

use std::collections::HashMap;
use std::sync::Arc;

use integrations::kit::Pace;
use lifecycle::lanes::{self, LanePolicy};
use model::{Attempt, Claim, ClaimId, DurationMs, Event, Lane, Outcome, Timestamp, Verb};
use store::{
    ClaimAnswer, ClaimWrite, Debit, DueQuery, LaneChange, LanePut, LaneWork, LaneWrite, StoreError,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{Catalog, Revision, group_of_handle};
use crate::hub::Shared;
use crate::telling;
use health::RevisionKey;
use look::{Looked, look};
use send::{Errand, send};
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
        let dues = self.shared.store.next_due(keys.clone()).await?;
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
        let works = self.shared.store.due_lanes(now, wants).await?;
        if works.is_empty() {
            return Ok(Passed {
                next,
                more: false,
                contested: false,
            });
        }
        let worked = self.work(works, vendor_slots, now, boot).await?;
        // Alone, a lane that was lost was raised by the stepper, which is done with it.
        let contested = worked.lost && !worked.did && self.shared.store.shared();
        Ok(Passed {
            next,
            more: worked.did || (worked.lost && !contested),
            contested,
        })
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

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct would only repeat `Draft`"
    )]
    fn draft(
        &self,
        catalog: &Catalog,
        revision: Arc<Revision>,
        work: LaneWork,
        mut lane: Lane,
        verb: Verb,
        upto: u32,
        skips: Vec<Attempt>,
        now: Timestamp,
    ) -> Draft {
        let is_member = revision.is_member(&work.alert, Some(&work.lane));
        let policy = *revision.policy_for(&work.alert, Some(&work.lane));
        let idempotency_key = lanes::idempotency_key(&lane, verb);
        let from = lane.cursor;
        let claim = Claim {
            id: ClaimId(self.shared.ids.next()),
            node: self.shared.node,
            verb,
            upto,
            head: lane.head,
            sent_at: now,
            until: now + policy.lease,
        };
        lanes::claim(&mut lane, claim.clone());
        lane.due_at = Some(claim.until);
        let expected = work.lane.version;
        lane.version = expected + 1;
        let durable = !policy.can.idempotent;
        let handle = match verb {
            Verb::CloseExtra(i) => lane.extra_handles.get(i as usize).cloned(),
            _ => lane.handle.clone(),
        };
        // A group's is of no use to the vendor.
        let handle = handle.filter(|h| is_member || group_of_handle(Some(h)).is_none());
        let events: Vec<Event> = work
            .pending
            .iter()
            .filter(|e| e.seq > from && e.seq <= upto)
            .cloned()
            .collect();
        let later: Vec<Event> = work.pending.into_iter().filter(|e| e.seq > from).collect();
        let source = catalog
            .sources
            .get(&work.alert.source)
            .map_or(String::new(), |s| s.name.clone());
        let errand = Errand {
            revision,
            source,
            alert: work.alert,
            events,
            handle,
            verb,
            idempotency_key,
            test: false,
        };
        let paces = match is_member {
            true => Vec::new(),
            false => errand
                .revision
                .sink
                .paces(&errand.task(&self.shared, &errand.alert)),
        };
        Draft {
            lane,
            claim,
            expected,
            durable,
            errand,
            pending: later,
            paces,
            skips,
            from,
            policy,
            is_member,
        }
    }

    fn start(&self, draft: Draft, claimed_boot_ms: i64) {
        let key = (draft.lane.key.integration, draft.lane.key.revision);
        self.shared.health.lock().claimed(key);
        let (shared, results) = (self.shared.clone(), self.results.clone());
        self.sends.spawn(async move {
            let started = shared.clock.boot_ms();
            // A process that was stopped between its look and the send must not send under a lapsed claim (DESIGN §5).
            let finish = if started - claimed_boot_ms > LEASE_SLACK.0 / 2 {
                settle::too_late()
            } else if draft.is_member {
                grouping::tell(&shared, &draft.errand).await
            } else {
                send(&shared, &draft.errand).await
            };
            shared.crash_point("after_reply_before_record");
            let took = DurationMs(shared.clock.boot_ms() - started);
            telling::attempt_ended(draft.errand.revision.manifest.name, &finish.outcome, took);
            let taken = matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted);
            if taken && shared.health.lock().taken(key) {
                shared.dispatch_wake.notify_one();
            }
            let settled = Settled {
                taken,
                policy: draft.policy,
                is_member: draft.is_member,
                revision: draft.errand.revision.clone(),
                lane: draft.lane,
                claim: draft.claim,
                alert: draft.errand.alert,
                pending: draft.pending,
                from: draft.from,
                buckets: draft.paces.into_iter().map(|p| p.bucket).collect(),
                finish,
                took,
            };
            // The receiver lives until all sends are done.
            let _closed = results.send(settled).await;
        });
    }
}

/// A send that is about to be claimed.
struct Draft {
    /// With the claim.
    lane: Lane,
    claim: Claim,
    expected: u32,
    durable: bool,
    errand: Errand,
    /// Everything after the cursor, for the lane's next due time.
    pending: Vec<Event>,
    paces: Vec<Pace>,
    /// What was decided on the way to this send.
    skips: Vec<Attempt>,
    from: u32,
    policy: LanePolicy,
    /// It tells its group, not the vendor.
    is_member: bool,
}

impl Draft {
    fn claim_write(&self, now: Timestamp) -> ClaimWrite {
        let debits = self.paces.iter().map(|pace| Debit {
            bucket: pace.bucket.clone(),
            every: pace.every,
            burst: pace.burst,
        });
        ClaimWrite {
            lane: self.lane.clone(),
            expected: self.expected,
            durable: self.durable,
            debits: debits.collect(),
            now,
        }
    }
}
