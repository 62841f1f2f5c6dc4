//! What every sink and dialect of the registry must do, whatever its vendor.

mod dialects;
mod replies;
mod requests;
mod settings;

use std::sync::Arc;

use model::{Handle, Status, Told, Verb};
use serde_json::json;

use crate::kit::{Sink, SinkKind};
use crate::registry::SINKS;

const BASE: &str = "http://127.0.0.1:8090";

const VERBS: [Verb; 16] = [
    Verb::Open,
    Verb::Inform,
    Verb::Update,
    Verb::Ack,
    Verb::Unack,
    Verb::Close,
    Verb::Note(3),
    Verb::Remind,
    Verb::Event {
        seq: 1,
        status: Status::Open,
    },
    Verb::Event {
        seq: 99,
        status: Status::Closed,
    },
    Verb::Set(Told::Open),
    Verb::Set(Told::Closed),
    Verb::Repeat(Told::Open),
    Verb::Repeat(Told::Acked),
    Verb::Repeat(Told::Closed),
    Verb::CloseExtra(0),
];

fn build(kind: &dyn SinkKind) -> Arc<dyn Sink> {
    kind.build(&kind.example(BASE))
        .unwrap_or_else(|errors| panic!("{}: {errors:?}", kind.manifest().name))
}

fn sinks() -> impl Iterator<Item = (&'static str, Arc<dyn Sink>)> {
    SINKS
        .iter()
        .map(|kind| (kind.manifest().name, build(*kind)))
}

/// A handle that any vendor could have given.
fn handles() -> [Option<Handle>; 3] {
    let slack = Handle {
        object: "C0123ABCD/1503435956.000247".to_owned(),
        data: json!({ "channel": "C0123ABCD", "ts": "1503435956.000247" }),
    };
    let odd = Handle {
        object: String::new(),
        data: json!([1]),
    };
    [None, Some(slack), Some(odd)]
}
