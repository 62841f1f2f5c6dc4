//! Calls as requests. After the create, alerts are named by alias: their ids are not known before the create was
//! processed (Opsgenie's documentation, "Alert API", read 2026-11).

use http::Method;
use model::{Actor, CloseReason, Event, Timestamp};
use serde_json::{Value, json};
use wire::text::{clean, cut_chars, one_line};

use super::form::{Form, Preset, SOURCE_CHARS_MAX, is_id};
use super::plan::{Call, Field};
use super::render::{Shown, create};
use crate::kit::Task;

/// Opsgenie's documentation, "Add Note to Alert", read 2026-11.
const NOTE_CHARS_MAX: usize = 25_000;

/// Method, path below `/v2/alerts`, and body.
pub struct Request {
    pub method: Method,
    pub path: String,
    pub body: Value,
}

/// The alias of a task's alert: its id, as Alerta's plugin has it too.
pub fn alias(task: &Task<'_>) -> String {
    task.alert.id.to_string()
}

/// The request of a call.
pub fn request(task: &Task<'_>, form: &Form, call: &Call<'_>) -> Request {
    let post = |what: &str, body| Request {
        method: Method::POST,
        path: of_alias(&alias(task), what),
        body,
    };
    match call {
        Call::Create => Request {
            method: Method::POST,
            path: String::new(),
            body: create(task, form, &alias(task)),
        },
        Call::Put(field) => put(task, form, *field),
        Call::Acknowledge(event) => post("acknowledge", said(form, *event, None)),
        Call::Unacknowledge(event) => post("unacknowledge", said(form, *event, None)),
        Call::Close(event) => post("close", closed(form, *event)),
        Call::CloseObject(id) => Request {
            method: Method::POST,
            path: format!("/{}/close?identifierType=id", segment(id)),
            body: closed(form, None),
        },
        Call::Note { text, by } => {
            let mut body = by_whom(form, *by);
            body["note"] = within(text, NOTE_CHARS_MAX).into();
            post("notes", body)
        }
        Call::Assign { owner, event } => {
            let mut body = said(form, Some(event), None);
            let by = if is_id(owner) { "id" } else { "username" };
            body["owner"] = json!({ "type": "user", by: owner });
            post("assign", body)
        }
        Call::Snooze { until, event } => {
            let mut body = said(form, *event, None);
            body["endTime"] = whole_seconds(*until).into();
            post("snooze", body)
        }
    }
}

/// The path of an alert's part, by alias.
pub fn of_alias(alias: &str, what: &str) -> String {
    let slash = if what.is_empty() { "" } else { "/" };
    format!("/{}{slash}{what}?identifierType=alias", segment(alias))
}

fn put(task: &Task<'_>, form: &Form, field: Field) -> Request {
    let shown = Shown::of(task, form);
    let (name, value) = match field {
        Field::Message => ("message", Value::from(shown.message)),
        Field::Description => ("description", Value::from(shown.description)),
        Field::Priority => ("priority", Value::from(shown.priority)),
    };
    Request {
        method: Method::PUT,
        path: of_alias(&alias(task), name),
        body: json!({ name: value }),
    }
}

/// Who closed it and why. Alerta's plugin says neither.
fn closed(form: &Form, event: Option<&Event>) -> Value {
    if form.preset != Preset::Campanile {
        return json!({});
    }
    let because = event.and_then(|event| event.because);
    said(
        form,
        event,
        Some(match because {
            Some(CloseReason::Resolved) => "Resolved.",
            Some(CloseReason::Cancelled) => "Cancelled: it is no longer valid.",
            Some(CloseReason::Expired) => "Expired: nothing was heard of it for too long.",
            Some(CloseReason::ByHand | CloseReason::Informed) | None => "Closed.",
        }),
    )
}

/// `user`, `source`, and the event's remark or these words as the note.
fn said(form: &Form, event: Option<&Event>, words: Option<&str>) -> Value {
    let mut body = by_whom(form, event.and_then(|event| event.by.as_ref()));
    let remark = event
        .and_then(|event| event.note.as_deref())
        .filter(|note| !note.trim().is_empty());
    if let Some(note) = remark.or(words) {
        body["note"] = within(note, NOTE_CHARS_MAX).into();
    }
    body
}

fn by_whom(form: &Form, by: Option<&Actor>) -> Value {
    let name = by
        .map(|by| one_line(&by.name))
        .filter(|name| !name.is_empty());
    let user = name.unwrap_or_else(|| form.user.clone());
    json!({ "user": cut_chars(&user, SOURCE_CHARS_MAX), "source": form.source })
}

/// Cleaned and cut; what nothing is left of still says that there was something.
fn within(text: &str, chars_max: usize) -> String {
    let text = clean(text);
    match cut_chars(text.trim(), chars_max) {
        text if text.is_empty() => "(empty)".to_owned(),
        text => text.into_owned(),
    }
}

/// RFC 3339 in UTC, in whole seconds, rounded up.
fn whole_seconds(at: Timestamp) -> String {
    let seconds =
        at.0.saturating_add(999)
            .div_euclid(1000)
            .saturating_mul(1000);
    Timestamp(seconds).to_string().replace(".000Z", "Z")
}

/// A path's part: everything but letters, digits and `-._~` is percent-encoded, slashes too.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
