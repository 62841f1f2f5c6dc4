//! What a lane does next. The rows' codes are those of docs/lanes.md; the first that matches wins.

use model::limits::PENDING_EVENTS_MAX;
use model::{Alert, AlertKind, Event, EventKind, Lane, Manner, Status, Timestamp, Told, Verb};

use super::{LanePolicy, SkipReason, WaitReason};

mod lifecycle;
mod log;
mod mirror;

/// What a lane does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Claim the lane, say `verb`; if that succeeds, events up to `upto` are settled.
    Send { verb: Verb, upto: u32 },
    /// Settle events up to `upto` without a word, and plan again.
    Skip { upto: u32, reason: SkipReason },
    /// Look again at `until`; [`Timestamp::NEVER`]: only when something happens.
    Wait { until: Timestamp, why: WaitReason },
}

/// Decides what `lane` does at `now`. It must not hold a live claim. `pending` are the alert's events in
/// `(cursor, head]`, oldest first; trimmed ones may be missing and it may be cut at `PENDING_EVENTS_MAX`.
pub fn plan(
    policy: &LanePolicy,
    lane: &Lane,
    pending: &[Event],
    alert: &Alert,
    now: Timestamp,
) -> Plan {
    // G1
    if now < lane.not_before {
        return wait(lane.not_before, WaitReason::Retry);
    }
    let view = View::new(policy, lane, pending, alert, now);
    if lane.cursor >= lane.head {
        return view.idle();
    }
    if view.fresh
        && let Some(held) = view.hold()
    {
        return held;
    }
    match policy.manner {
        Manner::Lifecycle => lifecycle::plan(&view),
        Manner::Mirror => mirror::plan(&view),
        Manner::Log => log::plan(&view),
    }
}

/// When the dispatcher must look at `lane` next, `None` if only an event can make it owe something.
/// Store it with every change of the lane; arguments as for [`plan`].
pub fn due_at(
    policy: &LanePolicy,
    lane: &Lane,
    pending: &[Event],
    alert: &Alert,
    now: Timestamp,
) -> Option<Timestamp> {
    if let Some(claim) = &lane.claim {
        return Some(claim.until);
    }
    match plan(policy, lane, pending, alert, now) {
        Plan::Send { .. } | Plan::Skip { .. } => Some(now),
        Plan::Wait { until, .. } if until == Timestamp::NEVER => None,
        Plan::Wait { until, .. } => Some(until),
    }
}

/// The conditions that the table speaks of, worked out once.
struct View<'a> {
    policy: &'a LanePolicy,
    lane: &'a Lane,
    pending: &'a [Event],
    alert: &'a Alert,
    now: Timestamp,
    /// The newest event that this plan may settle: the lane's head, or the last of a list that was cut short.
    head: u32,
    on: bool,
    shut: bool,
    /// Nothing of ours is open there, certainly.
    fresh: bool,
    /// Nothing of ours is open there, unless the last try was applied.
    maybe: bool,
    silenced: bool,
    /// What the vendor should show, as far as it can be said to it.
    state: Told,
}

impl<'a> View<'a> {
    fn new(
        policy: &'a LanePolicy,
        lane: &'a Lane,
        pending: &'a [Event],
        alert: &'a Alert,
        now: Timestamp,
    ) -> View<'a> {
        let unopened = !is_open(lane.told);
        let head = match pending.last() {
            Some(last) if pending.len() >= PENDING_EVENTS_MAX => last.seq,
            _ => lane.head,
        };
        let shut = alert.is_closed() || lane.retired;
        View {
            policy,
            lane,
            pending,
            alert,
            now,
            head,
            on: policy.on(),
            shut,
            fresh: unopened && !lane.doubt,
            maybe: unopened && lane.doubt,
            silenced: now < lane.held_until,
            state: if shut {
                Told::Closed
            } else {
                state(policy, lane.told, alert.status)
            },
        }
    }

    /// Rows E1–E6: no event is pending.
    fn idle(&self) -> Plan {
        let View {
            policy,
            lane,
            now,
            on,
            shut,
            ..
        } = *self;
        // E1
        if shut && !lane.extra_handles.is_empty() {
            return send(Verb::CloseExtra(0), lane.cursor);
        }
        // E2
        if shut && lane.doubt && policy.manner == Manner::Lifecycle {
            return send(Verb::Close, lane.cursor);
        }
        // E6: what passed while the integration was off, and what the vendor changed of a closed alert
        if (on || shut)
            && is_open(lane.told)
            && !lane.doubt
            && lane.told != self.state
            && let Some(verb) = self.state_verb()
        {
            return send(verb, lane.cursor);
        }
        let reminder = self.reminder();
        // E3
        let repeatable = lane.told == self.state
            && (shut || on)
            && (policy.manner != Manner::Mirror || lane.handle.is_some());
        let unsure = lane.unsure_until.filter(|_| repeatable);
        if unsure.is_some_and(|until| now >= until) {
            return send(Verb::Repeat(self.state), lane.cursor);
        }
        // E4
        if reminder.is_some_and(|at| now >= at) {
            return send(Verb::Remind, lane.cursor);
        }
        match (unsure, reminder) {
            (Some(unsure), Some(at)) if at < unsure => wait(at, WaitReason::Reminder),
            (Some(unsure), _) => wait(unsure, WaitReason::Unsure),
            (None, Some(at)) => wait(at, WaitReason::Reminder),
            // E5
            (None, None) => wait(Timestamp::NEVER, WaitReason::Idle),
        }
    }

    /// Rows F1–F3: nothing of ours is open there, so an opening may be held back.
    fn hold(&self) -> Option<Plan> {
        let lane = self.lane;
        let hold_end = lane.delay_until.max(lane.held_until);
        // F1; a notification ends as it begins
        let opening = lane.told == Told::Nothing || self.has(EventKind::is_opening);
        let closed_while_held = |event: &&Event| {
            (event.kind.is_closing() || event.kind == EventKind::Informed) && event.at < hold_end
        };
        if opening && let Some(close) = self.pending.iter().rev().find(closed_while_held) {
            return Some(skip(close.seq, SkipReason::ClosedWhileHeld));
        }
        // F4: a note on what nobody there has heard of
        let ends = |kind: EventKind| kind.is_closing() || kind == EventKind::Informed;
        if lane.told == Told::Nothing && self.shut && self.head == lane.head && !self.has(ends) {
            return Some(skip(self.head, SkipReason::NeverTold));
        }
        // F2
        if !self.on {
            return Some(skip(self.head, SkipReason::Disabled));
        }
        // F3
        if self.now < hold_end {
            let why = if lane.held_until > self.now {
                WaitReason::Held
            } else {
                WaitReason::Delay
            };
            return Some(wait(hold_end, why));
        }
        None
    }

    /// When the next reminder is due (E4), if there is to be one.
    fn reminder(&self) -> Option<Timestamp> {
        let View { policy, lane, .. } = *self;
        let wanted = self.on
            && policy.interval.0 > 0
            && !policy.can.pages
            && !self.shut
            && lane.told == Told::Open
            && !lane.doubt
            && self.alert.status == Status::Open
            && (policy.manner != Manner::Mirror || lane.handle.is_some());
        wanted.then(|| lane.remind_at.max(lane.held_until))
    }

    /// A wait while something is pending: reminders go on meanwhile, or steady updates would starve them (E4).
    fn wait_reminding(&self, until: Timestamp, why: WaitReason) -> Plan {
        match self.reminder() {
            Some(at) if self.now >= at => send(Verb::Remind, self.lane.cursor),
            Some(at) if at < until => wait(at, WaitReason::Reminder),
            _ => wait(until, why),
        }
    }

    /// The word that brings an object which is open there into `state`.
    fn state_verb(&self) -> Option<Verb> {
        match (self.policy.manner, self.state) {
            (Manner::Log, _) | (_, Told::Nothing) => None,
            (_, Told::Closed) => Some(Verb::Close),
            (_, Told::Acked) => Some(Verb::Ack),
            (Manner::Lifecycle, Told::Open) => Some(Verb::Unack),
            (Manner::Mirror, Told::Open) => Some(Verb::Open),
        }
    }

    /// Whether a pending event is of such a kind.
    fn has(&self, kind: impl Fn(EventKind) -> bool) -> bool {
        self.pending.iter().any(|event| kind(event.kind))
    }

    /// What came from this lane's own object is not told to it (I8).
    fn is_echo(&self, event: &Event) -> bool {
        match (&event.origin, &self.lane.handle) {
            (Some(origin), Some(handle)) => origin.object == handle.object,
            _ => false,
        }
    }

    fn is_notification(&self) -> bool {
        self.alert.kind == AlertKind::Notification
    }
}

/// What the vendor should show of an alert that is not closed, as far as it can be said to a vendor that shows `told`.
pub(super) fn state(policy: &LanePolicy, told: Told, status: Status) -> Told {
    match status {
        Status::Closed => Told::Closed,
        Status::Acknowledged if policy.says_ack() => Told::Acked,
        // Shelving is no state there: it holds the lane, and vendors that can snooze hear of it as they hear of a note.
        Status::Shelved if is_open(told) => told,
        _ if told == Told::Acked && !policy.says_unack() => Told::Acked,
        _ => Told::Open,
    }
}

/// Something of ours is open there.
pub(super) fn is_open(told: Told) -> bool {
    matches!(told, Told::Open | Told::Acked)
}

/// Events that change the state; all others change what is said about it.
fn is_state_event(kind: EventKind) -> bool {
    kind.is_opening()
        || kind.is_closing()
        || matches!(
            kind,
            EventKind::Acknowledged
                | EventKind::Unacknowledged
                | EventKind::Shelved
                | EventKind::Unshelved
        )
}

fn send(verb: Verb, upto: u32) -> Plan {
    Plan::Send { verb, upto }
}

fn skip(upto: u32, reason: SkipReason) -> Plan {
    Plan::Skip { upto, reason }
}

fn wait(until: Timestamp, why: WaitReason) -> Plan {
    Plan::Wait { until, why }
}
