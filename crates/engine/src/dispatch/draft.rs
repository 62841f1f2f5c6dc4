//! From a decision to a send: the claim that is asked for, and the task that sends once it is had.

use std::sync::Arc;

use integrations::kit::Pace;
use lifecycle::lanes::{self, LanePolicy};
use model::{Attempt, Claim, ClaimId, DurationMs, Event, Lane, Outcome, Timestamp, Verb};
use store::{ClaimWrite, Debit, LaneWork};

use super::send::{Errand, send, told_as};
use super::settle::Settled;
use super::{Dispatcher, LEASE_SLACK, grouping, settle};
use crate::catalog::{Catalog, Revision, group_of_handle};
use crate::telling;

/// A send that is about to be claimed.
pub(super) struct Draft {
    /// With the claim.
    pub lane: Lane,
    claim: Claim,
    expected: u32,
    durable: bool,
    errand: Errand,
    /// Everything after the cursor, for the lane's next due time.
    pending: Vec<Event>,
    paces: Vec<Pace>,
    /// What was decided on the way to this send.
    pub skips: Vec<Attempt>,
    from: u32,
    policy: LanePolicy,
    /// It tells its group, not the vendor.
    is_member: bool,
}

impl Draft {
    pub(super) fn claim_write(&self, now: Timestamp) -> ClaimWrite {
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

impl Dispatcher {
    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct would only repeat `Draft`"
    )]
    pub(super) fn draft(
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
        let mut events: Vec<Event> = work
            .pending
            .iter()
            .filter(|e| e.seq > from && e.seq <= upto)
            .cloned()
            .collect();
        let later: Vec<Event> = work.pending.into_iter().filter(|e| e.seq > from).collect();
        let mut alert = work.alert;
        told_as(
            &revision.integration.policy.severity,
            &mut alert,
            &mut events,
        );
        let source = catalog
            .sources
            .get(&alert.source)
            .map_or(String::new(), |s| s.name.clone());
        let errand = Errand {
            revision,
            source,
            alert,
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

    pub(super) fn start(&self, draft: Draft, claimed_boot_ms: i64) {
        let key = (draft.lane.key.integration, draft.lane.key.revision);
        let slots = self.shared.health.lock().claimed(key);
        let (shared, results) = (self.shared.clone(), self.results.clone());
        self.sends.spawn(async move {
            // A member goes to its group, however long the vendor thinks. The slots are never closed.
            let slot = match draft.is_member {
                true => None,
                false => slots.acquire_owned().await.ok(),
            };
            let started = shared.clock.boot_ms();
            // A process that was stopped between its look and the send must not send under a lapsed claim (DESIGN §5).
            let begun = started - claimed_boot_ms <= LEASE_SLACK.0 / 2;
            let finish = match (begun, draft.is_member) {
                (false, _) => settle::too_late(),
                (true, true) => grouping::tell(&shared, &draft.errand).await,
                (true, false) => send(&shared, &draft.errand).await,
            };
            drop(slot);
            shared.crash_point("after_reply_before_record");
            let took = DurationMs(shared.clock.boot_ms() - started);
            telling::attempt_ended(draft.errand.revision.manifest.name, &finish.outcome, took);
            // How quickly a group took a member says nothing of the vendor.
            let taken = !draft.is_member
                && matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted);
            if taken && shared.health.lock().taken(key, took) {
                shared.dispatch_wake.notify_one();
            }
            let settled = Settled {
                begun,
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
