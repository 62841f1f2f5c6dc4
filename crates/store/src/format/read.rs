//! Rows as values: the columns of an alert, an event, a lane, an attempt, back into the model's types.

use std::sync::Arc;

use model::{
    Alert, AlertId, AlertKind, Attempt, Content, Event, Lane, LaneKey, ProjectId, Scope, SourceId,
    Timestamp,
};

use super::codes::{self, number};
use super::{Read, docs};

/// An alert's columns as a store reads them.
pub(crate) struct AlertColumns<'a> {
    pub id: AlertId,
    pub project: ProjectId,
    pub source: SourceId,
    pub scope: Option<&'a str>,
    pub key: String,
    pub status: i64,
    pub version: i64,
    pub seq: i64,
    pub live_until: Option<i64>,
    pub timer_at: Option<i64>,
    pub changed_at: i64,
    pub closed_at: Option<i64>,
    pub doc: &'a str,
    pub content: Arc<Content>,
}

/// The scope in its column; without one it is the source.
pub(crate) fn scope(id: AlertId, source: SourceId, text: Option<&str>) -> Read<Scope> {
    match text {
        None => Ok(Scope::Source(source)),
        Some(text) => docs::read("alert", id, text),
    }
}

impl AlertColumns<'_> {
    pub(crate) fn read(self) -> Read<Alert> {
        let doc: docs::AlertDoc<'static> = docs::read("alert", self.id, self.doc)?;
        Ok(Alert {
            id: self.id,
            project: self.project,
            source: self.source,
            scope: scope(self.id, self.source, self.scope)?,
            key: self.key,
            group_key: doc.g.map(Into::into),
            kind: if doc.n {
                AlertKind::Notification
            } else {
                AlertKind::Issue
            },
            status: codes::status_of(self.status)?,
            closed_because: doc.b,
            content: self.content,
            opened_at: doc.o,
            closed_at: self.closed_at.map(Timestamp),
            changed_at: Timestamp(self.changed_at),
            seq: number("seq", self.seq)?,
            version: number("version", self.version)?,
            episode: doc.e,
            acked_until: doc.au,
            shelved_until: doc.su,
            tracking_until: doc.tu,
            assignee: doc.a.map(Into::into),
            ends_at: doc.ends,
            silence_after_ms: doc.sa,
            trailing_update_at: doc.tr,
            last_update_at: doc.lu,
            timer_at: self.timer_at.map(Timestamp),
            live_until: self.live_until.map(Timestamp),
            last_seen: doc.ls,
            repeat_count: doc.rc,
            model: doc.m,
            model_state: doc.ms.map(|state| state.into_owned()),
            via: doc.v.into_owned(),
        })
    }
}

/// An event's columns.
pub(crate) struct EventColumns<'a> {
    pub alert: AlertId,
    pub seq: i64,
    pub at: i64,
    pub kind: i64,
    pub status: i64,
    pub doc: Option<&'a str>,
    pub content: Option<&'a str>,
}

impl EventColumns<'_> {
    pub(crate) fn read(self) -> Read<Event> {
        let doc: docs::EventDoc<'static> = match self.doc {
            Some(text) => docs::read("event", self.alert, text)?,
            None => docs::EventDoc::default(),
        };
        let content = match self.content {
            Some(text) => Some(Arc::new(docs::read("event", self.alert, text)?)),
            None => None,
        };
        Ok(Event {
            alert: self.alert,
            seq: number("seq", self.seq)?,
            at: Timestamp(self.at),
            kind: codes::kind_of(self.kind)?,
            status: codes::status_of(self.status)?,
            content,
            by: doc.by.map(|by| by.into_owned()),
            note: doc.n.map(Into::into),
            assignee: doc.a.map(Into::into),
            until: doc.u,
            because: doc.b,
            origin: doc.o.map(|origin| origin.into_owned()),
        })
    }
}

/// A lane's columns.
pub(crate) struct LaneColumns<'a> {
    pub key: LaneKey,
    pub version: i64,
    pub priority: i64,
    pub cursor: i64,
    pub head: i64,
    pub told: i64,
    pub duplicates: i64,
    pub orphans: i64,
    pub due_at: Option<i64>,
    pub doc: &'a str,
}

impl LaneColumns<'_> {
    pub(crate) fn read(self) -> Read<Lane> {
        let doc: docs::LaneDoc<'static> = docs::read("lane", self.key.alert, self.doc)?;
        Ok(Lane {
            key: self.key,
            version: number("version", self.version)?,
            priority: number("priority", self.priority)?,
            cursor: number("cursor", self.cursor)?,
            head: number("head", self.head)?,
            told: codes::told_of(self.told)?,
            told_at: doc.ta,
            retired: doc.rt,
            doubt: doc.d,
            unsure_until: doc.u,
            delay_until: doc.dl,
            held_until: doc.hu,
            held_by: doc.hb.map(|by| by.into_owned()),
            not_before: doc.nb,
            edit_after: doc.ea,
            remind_at: doc.ra,
            due_at: self.due_at.map(Timestamp),
            handle: doc.h.map(|handle| handle.into_owned()),
            extra_handles: doc.x.into_owned(),
            claim: doc.c.map(|claim| claim.into_owned()),
            attempts: doc.a,
            failures: doc.f,
            duplicates: number("duplicates", self.duplicates)?,
            orphans: number("orphans", self.orphans)?,
            replay: doc.rp,
            reminders: doc.rm,
        })
    }
}

/// An attempt's columns.
pub(crate) fn attempt(pos: u64, lane: LaneKey, at: i64, text: &str) -> Read<Attempt> {
    let doc: docs::AttemptDoc<'static> = docs::read("attempt", pos, text)?;
    Ok(Attempt {
        lane,
        at: Timestamp(at),
        kind: doc.k.into_owned(),
        from: doc.f,
        upto: doc.u,
        took_ms: doc.t,
        status: doc.s,
        excerpt: doc.x.into_owned(),
    })
}
