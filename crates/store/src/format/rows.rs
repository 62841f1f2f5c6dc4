//! Values as rows: what is written of an alert, an event, a lane, an attempt. Made in the caller's task, so that
//! whoever writes serialises nothing.

use std::sync::Arc;

use model::{
    Alert, Attempt, Content, Event, Lane, LaneKey, ProjectId, Scope, SourceId, Timestamp, Told,
};
use siphasher::sip::SipHasher24;

use super::{Read, codes, docs};
use crate::AlertWrite;

/// An alert's columns.
pub(crate) struct AlertRow {
    pub project: ProjectId,
    pub source: SourceId,
    /// `None`: the scope is the source.
    pub scope: Option<String>,
    pub key: String,
    pub status: i64,
    pub severity: i64,
    pub version: u32,
    pub seq: u32,
    /// Whether it holds its live key.
    pub live: bool,
    pub live_until: Option<i64>,
    pub timer_at: Option<i64>,
    pub changed_at: i64,
    pub closed_at: Option<i64>,
    pub doc: String,
    /// The event that carries the content; otherwise the content itself.
    pub content_seq: Option<u32>,
    pub content: Option<String>,
    pub content_sum: i64,
}

pub(crate) struct EventRow {
    pub seq: u32,
    pub at: i64,
    pub kind: i64,
    pub status: i64,
    pub doc: Option<String>,
    pub content: Option<String>,
}

/// A lane's new state.
pub(crate) struct LaneRow {
    pub key: LaneKey,
    pub expected: Option<u32>,
    pub version: u32,
    pub priority: u8,
    pub cursor: u32,
    pub head: u32,
    pub told: i64,
    pub duplicates: u32,
    pub orphans: u32,
    pub due_at: Option<i64>,
    pub look_at: Option<i64>,
    pub doc: String,
}

pub(crate) struct AttemptRow {
    pub lane: LaneKey,
    pub at: i64,
    pub outcome: i64,
    pub doc: String,
}

/// An open alert holds its key; a closed one as long as signals may still belong to it.
fn holds_key(alert: &Alert) -> bool {
    !alert.is_closed() || alert.live_until.is_some()
}

/// A change's alert and events; content that an event carries is written once.
pub(crate) fn alert(write: &AlertWrite) -> Read<(AlertRow, Vec<EventRow>)> {
    let alert = &write.alert;
    let mut events = Vec::with_capacity(write.events.len());
    let mut content_seq = None;
    for event in &write.events {
        if let Some(content) = &event.content
            && (Arc::ptr_eq(content, &alert.content) || content == &alert.content)
        {
            content_seq = Some(event.seq);
        }
        events.push(event_row(event)?);
    }
    let carried = content_seq
        .and_then(|seq| events.iter().rev().find(|event| event.seq == seq))
        .and_then(|event| event.content.as_deref());
    let (content, content_sum) = match carried {
        Some(text) => (None, sum(text)),
        None => {
            let text = docs::write("alert", &*alert.content)?;
            let sum = sum(&text);
            (Some(text), sum)
        }
    };
    let own_scope = alert.scope == Scope::Source(alert.source);
    let row = AlertRow {
        project: alert.project,
        source: alert.source,
        scope: match own_scope {
            true => None,
            false => Some(docs::write("alert", &alert.scope)?),
        },
        key: alert.key.clone(),
        status: codes::status(alert.status),
        severity: codes::severity(alert.severity()),
        version: alert.version,
        seq: alert.seq,
        live: holds_key(alert),
        live_until: alert.live_until.map(|t| t.0),
        timer_at: alert.timer_at.map(|t| t.0),
        changed_at: alert.changed_at.0,
        closed_at: alert.closed_at.map(|t| t.0),
        doc: docs::write("alert", &docs::AlertDoc::from(alert))?,
        content_seq,
        content,
        content_sum,
    };
    Ok((row, events))
}

/// Tells contents of one alert apart; not a secret and not a defence.
fn sum(text: &str) -> i64 {
    SipHasher24::new().hash(text.as_bytes()).cast_signed()
}

fn event_row(event: &Event) -> Read<EventRow> {
    let content = |c: &Arc<Content>| docs::write("event", &**c);
    Ok(EventRow {
        seq: event.seq,
        at: event.at.0,
        kind: codes::kind(event.kind),
        status: codes::status(event.status),
        doc: docs::EventDoc::of(event)
            .map(|doc| docs::write("event", &doc))
            .transpose()?,
        content: event.content.as_ref().map(content).transpose()?,
    })
}

/// Whether the lane owes something: it is due some time, has events before it, or is being worked on.
pub(crate) fn owes(lane: &Lane) -> bool {
    lane.due_at.is_some() || lane.cursor < lane.head || lane.claim.is_some()
}

/// When the lane may be handed out: not while somebody holds it, and never if nothing is owed.
pub(crate) fn look_at(lane: &Lane) -> Option<Timestamp> {
    let lease_end = lane.claim.as_ref().map(|c| c.until);
    match (lane.due_at, lease_end) {
        (Some(due), Some(end)) => Some(due.max(end)),
        (Some(due), None) => Some(due),
        (None, Some(end)) => Some(end),
        (None, None) => owes(lane).then_some(Timestamp::NEVER),
    }
}

pub(crate) fn lane(lane: &Lane, expected: Option<u32>) -> Read<LaneRow> {
    Ok(LaneRow {
        key: lane.key,
        expected,
        version: lane.version,
        priority: lane.priority,
        cursor: lane.cursor,
        head: lane.head,
        told: codes::told(lane.told),
        duplicates: lane.duplicates,
        orphans: lane.orphans,
        due_at: lane.due_at.map(|t| t.0),
        look_at: look_at(lane).map(|t| t.0),
        doc: docs::write("lane", &docs::LaneDoc::from(lane))?,
    })
}

/// Whether a lane that is told so, and owes nothing, is open downstream.
pub(crate) fn is_open(told: i64) -> bool {
    told == codes::told(Told::Open) || told == codes::told(Told::Acked)
}

pub(crate) fn attempt(attempt: &Attempt) -> Read<AttemptRow> {
    Ok(AttemptRow {
        lane: attempt.lane,
        at: attempt.at.0,
        outcome: codes::outcome(&attempt.kind),
        doc: docs::write("attempt", &docs::AttemptDoc::from(attempt))?,
    })
}
