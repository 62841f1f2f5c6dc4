//! Which calls a task needs. The same task gives the same calls, however often it is asked.

use model::{Actor, DurationMs, Event, EventKind, Handle, Status, Timestamp, Told, Verb};
use serde_json::Value;

use super::form::{Form, is_id};
use super::render::Shown;
use crate::kit::{Task, words};

/// The most calls of one task: create, three fields, a state, a snooze.
pub const CALLS_MAX: u32 = 6;
/// Opsgenie refuses a snooze that ends within 2 s ("Snooze Alert", read 2026-11), and the request takes
/// time, and clocks differ.
const SNOOZE_MIN: DurationMs = DurationMs::from_secs(10);
/// A snooze must end; this stands for one that does not.
const SNOOZE_MAX: DurationMs = DurationMs::from_hours(24 * 365);

/// One request that changes something.
#[derive(Debug)]
pub enum Call<'a> {
    Create,
    Put(Field),
    Acknowledge(Option<&'a Event>),
    Unacknowledge(Option<&'a Event>),
    Close(Option<&'a Event>),
    /// Closes an alert by its id, which an earlier reply named.
    CloseObject(&'a str),
    Note {
        text: String,
        by: Option<&'a Actor>,
    },
    Assign {
        owner: String,
        event: &'a Event,
    },
    Snooze {
        until: Timestamp,
        event: Option<&'a Event>,
    },
}

/// What only a call of its own can change, once the alert is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Message,
    Description,
    Priority,
}

/// The calls of a task, in order; none if there is nothing to say. `full`: the vendor has more than create, acknowledge,
/// close and notes.
pub fn plan<'a>(task: &Task<'a>, form: &Form, full: bool) -> Vec<Call<'a>> {
    match task.verb {
        Verb::Open | Verb::Inform => vec![Call::Create],
        Verb::Update if full => changed(task, form),
        Verb::Update => vec![note(Shown::of(task, form).message, None)],
        Verb::Ack => vec![Call::Acknowledge(newest(task, EventKind::Acknowledged))],
        Verb::Unack => vec![unacknowledge(task, full)],
        Verb::Close | Verb::Set(Told::Closed) | Verb::Repeat(Told::Closed) => {
            vec![Call::Close(closing(task))]
        }
        Verb::CloseExtra(_) => vec![match task.handle.and_then(object) {
            Some(id) => Call::CloseObject(id),
            None => Call::Close(closing(task)),
        }],
        Verb::Note(seq) => vec![said(task, form, seq, full)],
        Verb::Remind => vec![note(still(task), None)],
        Verb::Set(told) | Verb::Repeat(told) => set(task, form, told, full),
        Verb::Event { status, .. } => match status {
            Status::Closed => vec![Call::Close(closing(task))],
            Status::Acknowledged => set(task, form, Told::Acked, full),
            Status::Open | Status::Tracking | Status::Shelved => set(task, form, Told::Open, full),
        },
    }
}

/// The alert's id there, if the handle is one of ours.
pub fn object(handle: &Handle) -> Option<&str> {
    (handle.data["alias"].is_string() && !handle.object.is_empty()).then_some(&*handle.object)
}

/// Whatever state the alert is in there: afterwards it is open, shows the present texts, and is acknowledged or not.
/// A create changes no texts where the alert is open already.
fn set<'a>(task: &Task<'a>, form: &Form, told: Told, full: bool) -> Vec<Call<'a>> {
    let mut calls = vec![Call::Create];
    if full {
        calls.extend(differing(&Shown::of(task, form).told(), &Value::Null));
    }
    match told {
        Told::Acked => calls.push(Call::Acknowledge(newest(task, EventKind::Acknowledged))),
        _ if full => calls.push(Call::Unacknowledge(newest(task, EventKind::Unacknowledged))),
        _ => {}
    }
    if full && task.alert.status == Status::Shelved {
        calls.push(Call::Snooze {
            until: until(task, task.alert.shelved_until),
            event: newest(task, EventKind::Shelved),
        });
    }
    calls
}

/// The fields that differ from what the handle remembers; all if it remembers nothing.
fn changed<'a>(task: &Task<'a>, form: &Form) -> Vec<Call<'a>> {
    let now = Shown::of(task, form).told();
    let told = task
        .handle
        .map_or(&Value::Null, |handle| &handle.data["told"]);
    differing(&now, told).collect()
}

/// A preset may have fewer fields.
fn differing<'a>(now: &Value, told: &Value) -> impl Iterator<Item = Call<'a>> {
    let fields = [
        ("message", Field::Message),
        ("description", Field::Description),
        ("priority", Field::Priority),
    ];
    fields
        .into_iter()
        .filter(|(name, _)| !now[name].is_null() && now[name] != told[name])
        .map(|(_, field)| Call::Put(field))
}

fn unacknowledge<'a>(task: &Task<'a>, full: bool) -> Call<'a> {
    let event = newest(task, EventKind::Unacknowledged);
    match full {
        true => Call::Unacknowledge(event),
        false => note("No longer acknowledged.".to_owned(), event),
    }
}

/// A note, an assignment, a snooze or its end; what the vendor cannot do becomes a note.
fn said<'a>(task: &Task<'a>, form: &Form, seq: u32, full: bool) -> Call<'a> {
    let found = task.events.iter().find(|event| event.seq == seq);
    let Some(event) = found.or(task.events.last()) else {
        return note(still(task), None);
    };
    let with_remark = |text: String| match &event.note {
        Some(remark) => format!("{text} {remark}"),
        None => text,
    };
    match event.kind {
        EventKind::Assigned => match (&event.assignee, owner(event, form)) {
            (_, Some(owner)) if full => Call::Assign { owner, event },
            (Some(name), _) => note(with_remark(format!("Assigned to {name}.")), Some(event)),
            (None, _) => note(
                with_remark("No longer assigned to anybody.".to_owned()),
                Some(event),
            ),
        },
        EventKind::Shelved if full => Call::Snooze {
            until: until(task, event.until),
            event: Some(event),
        },
        // There is no call that ends a snooze: it is given an end that is near.
        EventKind::Unshelved if full => Call::Snooze {
            until: until(task, Some(task.now)),
            event: Some(event),
        },
        EventKind::Shelved => note(with_remark("Shelved.".to_owned()), Some(event)),
        EventKind::Unshelved => note(with_remark("No longer shelved.".to_owned()), Some(event)),
        _ => match event
            .note
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            Some(text) => note(text.to_owned(), Some(event)),
            None => note(still(task), Some(event)),
        },
    }
}

/// The assignee as Opsgenie knows people: by `owners`, or by a name that is a mail address or an id.
fn owner(event: &Event, form: &Form) -> Option<String> {
    let name = event.assignee.as_deref()?;
    let known = form.owners.get(name).map(String::as_str);
    let as_is = (name.contains('@') && !name.contains(char::is_whitespace)) || is_id(name);
    known.or(as_is.then_some(name)).map(str::to_owned)
}

/// The end of a snooze as Opsgenie takes it.
fn until(task: &Task<'_>, end: Option<Timestamp>) -> Timestamp {
    let end = end.unwrap_or(Timestamp::NEVER);
    end.clamp(task.now + SNOOZE_MIN, task.now + SNOOZE_MAX)
}

fn note<'a>(text: String, event: Option<&'a Event>) -> Call<'a> {
    Call::Note {
        text,
        by: event.and_then(|event| event.by.as_ref()),
    }
}

fn still(task: &Task<'_>) -> String {
    let age = words::lasting(task.now.since(task.alert.content.starts_at));
    let state = words::state(task.alert, task.alert.status).to_lowercase();
    format!("Still {state} after {age}: {}", words::title(task.alert))
}

fn newest<'a>(task: &Task<'a>, kind: EventKind) -> Option<&'a Event> {
    task.events.iter().rev().find(|event| event.kind == kind)
}

fn closing<'a>(task: &Task<'a>) -> Option<&'a Event> {
    task.events
        .iter()
        .rev()
        .find(|event| event.kind.is_closing())
}
