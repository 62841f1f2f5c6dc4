//! The JSON documents of rows: what no query asks for, under short names, with what is usual left out.
//!
//! They are part of the file's format: a field may be added with a default, none may change its name or meaning.

use std::borrow::Cow;

use model::{
    Actor, Alert, AlertKind, Attempt, AttemptKind, Claim, CloseReason, Event, Handle, HeldBy, Lane,
    LifecycleModel, Origin, Timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{BadRow, Read};

pub(crate) fn write<T: Serialize>(table: &'static str, doc: &T) -> Read<String> {
    serde_json::to_string(doc).map_err(|e| BadRow::new(table, "new", e))
}

pub(crate) fn read<T: DeserializeOwned>(
    table: &'static str,
    row: impl std::fmt::Display,
    text: &str,
) -> Read<T> {
    serde_json::from_str(text).map_err(|e| BadRow::new(table, row, e))
}

fn usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An alert's row beside its columns.
#[derive(Serialize, Deserialize)]
pub(crate) struct AlertDoc<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub g: Option<Cow<'a, str>>,
    /// A notification; most are issues.
    #[serde(default, skip_serializing_if = "usual")]
    pub n: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<CloseReason>,
    pub o: Timestamp,
    pub e: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub au: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub su: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tu: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sa: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tr: Option<Timestamp>,
    pub lu: Timestamp,
    pub ls: Timestamp,
    pub rc: u64,
    #[serde(default, skip_serializing_if = "usual")]
    pub m: LifecycleModel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<Cow<'a, serde_json::Value>>,
    #[serde(default, skip_serializing_if = "empty")]
    pub v: Cow<'a, [String]>,
}

fn empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

impl<'a> From<&'a Alert> for AlertDoc<'a> {
    fn from(alert: &'a Alert) -> AlertDoc<'a> {
        // Named one by one, so that a new field of the model cannot be forgotten here.
        let Alert {
            id: _,
            project: _,
            source: _,
            scope: _,
            key: _,
            group_key,
            kind,
            status: _,
            closed_because,
            content: _,
            opened_at,
            closed_at: _,
            changed_at: _,
            seq: _,
            version: _,
            episode,
            acked_until,
            shelved_until,
            tracking_until,
            assignee,
            ends_at,
            silence_after_ms,
            trailing_update_at,
            last_update_at,
            timer_at: _,
            live_until: _,
            last_seen,
            repeat_count,
            model,
            model_state,
            via,
        } = alert;
        AlertDoc {
            g: group_key.as_deref().map(Cow::Borrowed),
            n: *kind == AlertKind::Notification,
            b: *closed_because,
            o: *opened_at,
            e: *episode,
            au: *acked_until,
            su: *shelved_until,
            tu: *tracking_until,
            a: assignee.as_deref().map(Cow::Borrowed),
            ends: *ends_at,
            sa: *silence_after_ms,
            tr: *trailing_update_at,
            lu: *last_update_at,
            ls: *last_seen,
            rc: *repeat_count,
            m: *model,
            ms: model_state.as_ref().map(Cow::Borrowed),
            v: Cow::Borrowed(via),
        }
    }
}

/// An event's row beside its columns; `None` in the table when there is nothing to say.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct EventDoc<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Cow<'a, Actor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<CloseReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub o: Option<Cow<'a, Origin>>,
}

impl<'a> EventDoc<'a> {
    pub(crate) fn of(event: &'a Event) -> Option<EventDoc<'a>> {
        let Event {
            alert: _,
            seq: _,
            at: _,
            kind: _,
            status: _,
            content: _,
            by,
            note,
            assignee,
            until,
            because,
            origin,
        } = event;
        let silent = by.is_none()
            && note.is_none()
            && assignee.is_none()
            && until.is_none()
            && because.is_none()
            && origin.is_none();
        (!silent).then(|| EventDoc {
            by: by.as_ref().map(Cow::Borrowed),
            n: note.as_deref().map(Cow::Borrowed),
            a: assignee.as_deref().map(Cow::Borrowed),
            u: *until,
            b: *because,
            o: origin.as_ref().map(Cow::Borrowed),
        })
    }
}

/// A lane's row beside its columns.
#[derive(Serialize, Deserialize)]
pub(crate) struct LaneDoc<'a> {
    #[serde(default, skip_serializing_if = "usual")]
    pub d: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "usual")]
    pub dl: Timestamp,
    #[serde(default, skip_serializing_if = "usual")]
    pub hu: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hb: Option<Cow<'a, HeldBy>>,
    #[serde(default, skip_serializing_if = "usual")]
    pub nb: Timestamp,
    #[serde(default, skip_serializing_if = "usual")]
    pub ea: Timestamp,
    #[serde(default, skip_serializing_if = "usual")]
    pub ra: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h: Option<Cow<'a, Handle>>,
    #[serde(default, skip_serializing_if = "empty")]
    pub x: Cow<'a, [Handle]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c: Option<Cow<'a, Claim>>,
    #[serde(default, skip_serializing_if = "usual")]
    pub a: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub f: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub rp: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub rm: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub ta: Timestamp,
    #[serde(default, skip_serializing_if = "usual")]
    pub rt: bool,
}

impl<'a> From<&'a Lane> for LaneDoc<'a> {
    fn from(lane: &'a Lane) -> LaneDoc<'a> {
        let Lane {
            key: _,
            version: _,
            priority: _,
            cursor: _,
            head: _,
            told: _,
            told_at,
            retired,
            doubt,
            unsure_until,
            delay_until,
            held_until,
            held_by,
            not_before,
            edit_after,
            remind_at,
            due_at: _,
            handle,
            extra_handles,
            claim,
            attempts,
            failures,
            duplicates: _,
            orphans: _,
            replay,
            reminders,
        } = lane;
        LaneDoc {
            d: *doubt,
            u: *unsure_until,
            dl: *delay_until,
            hu: *held_until,
            hb: held_by.as_ref().map(Cow::Borrowed),
            nb: *not_before,
            ea: *edit_after,
            ra: *remind_at,
            h: handle.as_ref().map(Cow::Borrowed),
            x: Cow::Borrowed(extra_handles),
            c: claim.as_ref().map(Cow::Borrowed),
            a: *attempts,
            f: *failures,
            rp: *replay,
            rm: *reminders,
            ta: *told_at,
            rt: *retired,
        }
    }
}

/// An attempt's row beside its columns.
#[derive(Serialize, Deserialize)]
pub(crate) struct AttemptDoc<'a> {
    pub k: Cow<'a, AttemptKind>,
    #[serde(default, skip_serializing_if = "usual")]
    pub f: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub u: u32,
    #[serde(default, skip_serializing_if = "usual")]
    pub t: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<u16>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub x: Cow<'a, str>,
}

impl<'a> From<&'a Attempt> for AttemptDoc<'a> {
    fn from(attempt: &'a Attempt) -> AttemptDoc<'a> {
        let Attempt {
            lane: _,
            at: _,
            kind,
            from,
            upto,
            took_ms,
            status,
            excerpt,
        } = attempt;
        AttemptDoc {
            k: Cow::Borrowed(kind),
            f: *from,
            u: *upto,
            t: *took_ms,
            s: *status,
            x: Cow::Borrowed(excerpt),
        }
    }
}
