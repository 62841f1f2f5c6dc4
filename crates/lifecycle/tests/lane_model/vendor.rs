//! Simulated vendors. They hold the truth: what a person would see there.

use model::{Handle, Outcome, Status, Told, Verb};

/// Whose manners a vendor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One incident per key; a close for an unknown key is ignored; an update opens what is closed (PagerDuty).
    Keyed,
    /// Each request is a mail; people go by the newest that was sent.
    Mail,
    /// Messages that can be edited and deleted (Slack).
    Chat,
    /// Events with numbers; a receiver goes by the highest (webhook).
    Log,
}

/// What an object shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    Nothing,
    Open,
    Acked,
    Closed,
    /// Somebody deleted the message.
    Deleted,
}

impl Shown {
    pub fn is_open(self) -> bool {
        matches!(self, Shown::Open | Shown::Acked)
    }

    pub fn of(told: Told) -> Shown {
        match told {
            Told::Nothing => Shown::Nothing,
            Told::Open => Shown::Open,
            Told::Acked => Shown::Acked,
            Told::Closed => Shown::Closed,
        }
    }
}

/// An incident, a mail thread, a message, a stream of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub shown: Shown,
    /// Mail: number of the newest mail. Log: highest event.
    pub newest: u32,
    /// The newest note.
    pub note: u32,
}

/// One request on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Counts all sends.
    pub no: u32,
    pub verb: Verb,
    /// The revision of the target that it goes to.
    pub target: u32,
    /// The message that it edits.
    pub edits: Option<usize>,
    /// The state that the request's text shows.
    pub renders: Told,
}

/// The vendor's reply, and whether it had all that already.
pub struct Reply {
    pub outcome: Outcome,
    pub handle: Option<Handle>,
    pub repeated: bool,
    pub out_of_order: bool,
}

/// Applies `request`. For all but chat, `objects[target - 1]` is the object of that target.
pub fn apply(kind: Kind, objects: &mut Vec<Object>, request: &Request) -> Reply {
    let mut reply = Reply {
        outcome: Outcome::Delivered,
        handle: None,
        repeated: false,
        out_of_order: false,
    };
    if kind == Kind::Chat {
        chat(objects, request, &mut reply);
        return reply;
    }
    let object = &mut objects[request.target as usize - 1];
    let before = *object;
    if let Verb::Note(seq) = request.verb {
        reply.repeated = object.note == seq;
        reply.out_of_order = object.note > seq;
        object.note = object.note.max(seq);
        return reply;
    }
    match kind {
        Kind::Keyed => {
            object.shown = keyed(request.verb, object.shown);
            reply.repeated = is_state_verb(request.verb)
                && object.shown == before.shown
                && before.shown != Shown::Nothing;
        }
        Kind::Mail => {
            let shows = by_verb(request.verb);
            if let Some(shows) = shows.filter(|_| request.no > object.newest) {
                reply.repeated = shows == object.shown;
                object.shown = shows;
                object.newest = request.no;
            }
        }
        Kind::Log => {
            if let Verb::Event { seq, status } = request.verb {
                reply.repeated = seq == object.newest;
                reply.out_of_order = seq < object.newest;
                if seq > object.newest {
                    object.newest = seq;
                    object.shown = by_status(status);
                }
            }
        }
        Kind::Chat => {}
    }
    reply
}

fn chat(objects: &mut Vec<Object>, request: &Request, reply: &mut Reply) {
    let shows = Shown::of(request.renders);
    if request.verb == Verb::Remind {
        return;
    }
    match request.edits {
        Some(message) if objects[message].shown == Shown::Deleted => reply.outcome = Outcome::Stale,
        Some(message) => {
            reply.repeated = is_state_verb(request.verb) && objects[message].shown == shows;
            objects[message].shown = shows;
        }
        None => {
            reply.handle = Some(handle(objects.len()));
            objects.push(Object {
                shown: shows,
                newest: 0,
                note: 0,
            });
        }
    }
}

pub fn handle(message: usize) -> Handle {
    Handle {
        object: message.to_string(),
        data: serde_json::Value::Null,
    }
}

fn keyed(verb: Verb, before: Shown) -> Shown {
    match (verb, before) {
        (Verb::Open | Verb::Update, Shown::Acked) => Shown::Acked,
        (Verb::Open | Verb::Update, _) => Shown::Open,
        (
            Verb::Set(Told::Closed)
            | Verb::Repeat(Told::Closed)
            | Verb::Close
            | Verb::CloseExtra(_),
            Shown::Nothing,
        ) => Shown::Nothing,
        (Verb::Close | Verb::CloseExtra(_), _) => Shown::Closed,
        (Verb::Set(state) | Verb::Repeat(state), _) => Shown::of(state),
        (Verb::Ack, Shown::Open) => Shown::Acked,
        (Verb::Unack, Shown::Acked) => Shown::Open,
        (_, before) => before,
    }
}

fn by_verb(verb: Verb) -> Option<Shown> {
    match verb {
        Verb::Open | Verb::Unack => Some(Shown::Open),
        Verb::Ack => Some(Shown::Acked),
        Verb::Close | Verb::CloseExtra(_) | Verb::Inform => Some(Shown::Closed),
        Verb::Set(state) | Verb::Repeat(state) => Some(Shown::of(state)),
        _ => None,
    }
}

fn by_status(status: Status) -> Shown {
    match status {
        Status::Closed => Shown::Closed,
        Status::Acknowledged => Shown::Acked,
        _ => Shown::Open,
    }
}

fn is_state_verb(verb: Verb) -> bool {
    by_verb(verb).is_some()
}
