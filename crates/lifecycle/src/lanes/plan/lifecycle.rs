//! Rows L1–L8 and N1: sinks that are told states, not keystrokes (PagerDuty, Opsgenie, mail).

use model::{Event, Told, Verb};

use super::{Plan, View, is_state_event, send, skip, wait};
use crate::lanes::{SkipReason, WaitReason};

pub(super) fn plan(view: &View<'_>) -> Plan {
    let View {
        policy,
        lane,
        on,
        shut,
        fresh,
        maybe,
        state,
        ..
    } = *view;
    let head = view.head;
    // N1: told once, and again only after a lost reply
    if view.is_notification() && lane.told == Told::Nothing && on {
        return if policy.close_notifications {
            send(Verb::Open, head - 1)
        } else {
            send(Verb::Inform, head)
        };
    }
    let note = view
        .pending
        .iter()
        .find(|event| policy.tells_alone(event.kind) && !view.is_echo(event))
        .map(|event| event.seq);
    // `upto` for what stands before the first note
    let before_note = note.map_or(head, |n| n - 1);
    if fresh {
        // L1: an ack, and notes, follow
        if !shut {
            let upto = if state_after_open_differs(view) {
                head - 1
            } else {
                head
            };
            return send(Verb::Open, upto.min(before_note));
        }
        // L2: a vendor of L3 hears of a reopening that is over already as little as of any other
        let reopened = view.has(|kind| kind.is_opening());
        if lane.told == Told::Closed && (!reopened || policy.can.ignores_unknown_close) {
            return skip(head, SkipReason::Echo);
        }
        // L3
        if policy.can.ignores_unknown_close {
            return send(Verb::Close, head);
        }
        // L4
        return send(Verb::Open, head - 1);
    }
    // L5
    if !on && !shut {
        return skip(head, SkipReason::Disabled);
    }
    if maybe && shut {
        if policy.can.ignores_unknown_close || !on {
            return send(Verb::Close, head);
        }
        if head - 1 > lane.cursor {
            return send(Verb::Open, head - 1);
        }
    }
    // L6
    if lane.doubt && !shut {
        if (maybe || view.alert.status == model::Status::Shelved) && view.silenced {
            return wait(lane.held_until, WaitReason::Held);
        }
        return send(Verb::Set(state), before_note);
    }
    // L7
    if let Some(n) = note {
        let first_is_note = view.pending.first().is_some_and(|event| event.seq == n);
        if shut && !first_is_note {
            return skip(n - 1, SkipReason::Superseded);
        }
        let later_state = view
            .pending
            .iter()
            .any(|event| event.seq > n && is_state_event(event.kind));
        if first_is_note && (lane.told == state || later_state) {
            return send(Verb::Note(n), n);
        }
    }
    newest(view, before_note)
}

/// Row L8: the newest state, or the newest content, up to `upto`.
fn newest(view: &View<'_>, upto: u32) -> Plan {
    let View {
        policy,
        lane,
        shut,
        state,
        ..
    } = *view;
    if shut {
        return send(Verb::Close, upto);
    }
    let before = |event: &&Event| event.seq <= upto;
    let update = view
        .pending
        .iter()
        .filter(before)
        .rfind(|event| {
            policy.can.update
                && (event.kind.is_update() || event.kind.is_opening())
                && policy.wants(event.kind)
        })
        .map(|event| event.seq);
    if lane.told != state
        && let Some(verb) = view.state_verb()
    {
        let change = view
            .pending
            .iter()
            .filter(before)
            .rfind(|event| is_state_event(event.kind))
            .map(|event| event.seq);
        return match (update, change) {
            // An update that came first goes first, or the ack would swallow it; a silence holds updates, not acks.
            (Some(update), Some(change)) if update < change && !view.silenced => {
                send(Verb::Update, change - 1)
            }
            (Some(update), Some(change)) if update > change => send(verb, change),
            _ => send(verb, upto),
        };
    }
    match update {
        Some(_) if view.silenced => view.wait_reminding(lane.held_until, WaitReason::Held),
        Some(_) => send(Verb::Update, upto),
        None => skip(upto, SkipReason::NothingToSay),
    }
}

/// Whether an ack follows the open: then the open leaves the newest event to it.
fn state_after_open_differs(view: &View<'_>) -> bool {
    view.state == Told::Acked
}
