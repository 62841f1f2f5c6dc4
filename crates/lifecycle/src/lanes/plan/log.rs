//! Rows G2–G4: every event, in order (webhooks, Datadog events).

use model::{Event, EventKind, Verb};

use super::{Plan, View, is_open, send, skip, wait};
use crate::lanes::{SkipReason, WaitReason};

pub(super) fn plan(view: &View<'_>) -> Plan {
    let View { policy, lane, .. } = *view;
    let wanted = |event: &&Event| policy.wants(event.kind) && !view.is_echo(event);
    let Some(first) = view.pending.iter().find(wanted) else {
        let reason = if view.pending.is_empty() {
            SkipReason::Trimmed
        } else {
            SkipReason::NotWanted
        };
        return skip(view.head, reason);
    };
    // G2
    if !view.on {
        return match view.pending.iter().find(|event| event.kind.is_closing()) {
            Some(close) if policy.wants_closes() && close.seq == first.seq => event(first),
            Some(close) if policy.wants_closes() => skip(close.seq - 1, SkipReason::Disabled),
            _ => skip(view.head, SkipReason::Disabled),
        };
    }
    // G3
    if view.silenced && !passes(first.kind) {
        let passing = view
            .pending
            .iter()
            .filter(wanted)
            .find(|event| passes(event.kind));
        return match passing {
            Some(event) if is_open(lane.told) || lane.doubt => {
                skip(event.seq - 1, SkipReason::Silenced)
            }
            _ => wait(lane.held_until, WaitReason::Held),
        };
    }
    // G4: what came before it was trimmed or is not wanted
    if let Some(unwanted) = view.pending.first().filter(|event| event.seq < first.seq) {
        let reason = if policy.wants(unwanted.kind) {
            SkipReason::Echo
        } else {
            SkipReason::NotWanted
        };
        return skip(first.seq - 1, reason);
    }
    if first.seq > lane.cursor + 1 {
        return skip(first.seq - 1, SkipReason::Trimmed);
    }
    event(first)
}

fn event(event: &Event) -> Plan {
    send(
        Verb::Event {
            seq: event.seq,
            status: event.status,
        },
        event.seq,
    )
}

/// What a silence lets pass.
fn passes(kind: EventKind) -> bool {
    kind.is_closing() || matches!(kind, EventKind::Acknowledged | EventKind::Unacknowledged)
}
