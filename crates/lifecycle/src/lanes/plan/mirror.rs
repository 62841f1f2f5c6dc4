//! Rows M1–M5: one message that shows the newest state (Slack, Discord, Telegram).

use model::{EventKind, Told, Verb};

use super::{Plan, View, send, skip, wait};
use crate::lanes::{SkipReason, WaitReason};

pub(super) fn plan(view: &View<'_>) -> Plan {
    let View {
        lane,
        on,
        shut,
        maybe,
        state,
        ..
    } = *view;
    let head = view.head;
    // M1
    if shut && lane.told == Told::Closed && !lane.doubt {
        return skip(head, SkipReason::Echo);
    }
    // M2
    if !on && (!shut || (maybe && lane.handle.is_none())) {
        let reason = if shut {
            SkipReason::Orphaned
        } else {
            SkipReason::Disabled
        };
        return skip(head, reason);
    }
    // M3
    if maybe && !shut && view.silenced {
        return wait(lane.held_until, WaitReason::Held);
    }
    // M4
    if lane.doubt || lane.told != state {
        let verb = match state {
            Told::Closed if view.is_notification() => Verb::Inform,
            Told::Closed => Verb::Close,
            Told::Acked => Verb::Ack,
            Told::Open | Told::Nothing => Verb::Open,
        };
        return send(verb, head);
    }
    // M5
    if lane.handle.is_none() {
        return skip(head, SkipReason::Gone);
    }
    // The person who shelved it looks at the message and wants to see that it worked.
    let shelving = view.has(|kind| matches!(kind, EventKind::Shelved | EventKind::Unshelved));
    let until = lane.edit_after.max(lane.held_until);
    if view.now < until && !shelving {
        let why = if lane.held_until >= lane.edit_after {
            WaitReason::Held
        } else {
            WaitReason::EditInterval
        };
        return view.wait_reminding(until, why);
    }
    send(Verb::Update, head)
}
