//! One file a question; what they share is here.

mod calls;
mod fields;
mod replies;
mod settings;

use std::sync::Arc;

use http::Method;
use model::{
    Actor, Alert, Content, DurationMs, Event, EventKind, Handle, Outcome, Severity, Status,
    Timestamp, Told, Verb,
};
use serde_json::{Value, json};
use wire::http::{HttpRequest, Sent};

use super::OPSGENIE;
use crate::kit::samples::{self, NOW, Saying, broken, finish, reply, reply_with, request, shown};
use crate::kit::{Finish, Next, Reply, SettingsMap, Sink, SinkKind, Step, Task};

const BASE: &str = "http://127.0.0.1:8090";
const ALERTS: &str = "http://127.0.0.1:8090/opsgenie/v2/alerts";
const ALIAS: &str = "01900000-0000-7000-8000-000000000001";

fn with(more: Value) -> Arc<dyn Sink> {
    OPSGENIE.build(&settings(more)).unwrap()
}

fn settings(more: Value) -> SettingsMap {
    let mut settings = OPSGENIE.example(BASE);
    settings.extend(more.as_object().cloned().unwrap());
    settings
}

fn opsgenie() -> Arc<dyn Sink> {
    with(json!({}))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// 202 with the id of a request.
fn taken() -> Reply {
    reply(
        202,
        r#"{"result":"Request will be processed","took":0.3,"requestId":"11ec-a1"}"#,
    )
}

fn not_yet() -> Reply {
    let headers = [("x-opsgenie-errortype", "RequestNotProcessed")];
    reply_with(
        404,
        r#"{"message":"not processed","took":0.01,"requestId":"q"}"#,
        &headers,
    )
}

fn became(is_success: bool, status: &str) -> Reply {
    let data = json!({ "isSuccess": is_success, "success": is_success, "status": status, "alertId": "70413a06-1", "alias": ALIAS });
    reply(
        200,
        &json!({ "data": data, "took": 0.1, "requestId": "q" }).to_string(),
    )
}

fn looks(status: &str, acknowledged: bool) -> Reply {
    let data = json!({ "id": "70413a06-1", "status": status, "acknowledged": acknowledged });
    reply(
        200,
        &json!({ "data": data, "took": 0.1, "requestId": "q" }).to_string(),
    )
}

/// The requests of a task, each as `METHOD path` with its pause, and its end.
fn talk(sink: &dyn Sink, task: &Task<'_>, replies: &[Reply]) -> (Vec<(HttpRequest, i64)>, Finish) {
    let mut memo = Value::Null;
    let mut requests = Vec::new();
    let mut last = None;
    let mut replies = replies.iter();
    for number in 0.. {
        let step = Step {
            number,
            memo: &memo,
            reply: last,
        };
        match sink.next(task, step) {
            Next::Finish(finish) => {
                assert_eq!(replies.next().map(|r| r.is_ok()), None, "replies are left");
                return (requests, finish);
            }
            Next::Request {
                request,
                memo: kept,
                after,
            } => {
                assert!(after <= crate::kit::AFTER_MAX);
                requests.push((*request, after.0));
                memo = kept;
                last = Some(replies.next().expect("a reply to each request"));
            }
        }
    }
    unreachable!()
}

fn said(requests: &[(HttpRequest, i64)]) -> Vec<String> {
    let line = |(request, after): &(HttpRequest, i64)| {
        let path = request
            .url
            .strip_prefix(ALERTS)
            .unwrap()
            .replace(ALIAS, "ALIAS");
        format!("{} {path} +{after}", request.method)
    };
    requests.iter().map(line).collect()
}

fn event(seq: u32, kind: EventKind, by: &str) -> Event {
    let alert = samples::alert(Status::Open);
    Event {
        by: Some(Actor {
            name: by.to_owned(),
            via: "api".to_owned(),
        }),
        seq,
        kind,
        note: None,
        ..samples::events(&alert)[1].clone()
    }
}

fn noted(event: Event) -> Saying {
    Saying {
        events: vec![event],
        ..Saying::of(samples::alert(Status::Open))
    }
}

fn step(reply: Option<&Reply>) -> Step<'_> {
    Step {
        number: 0,
        memo: &Value::Null,
        reply,
    }
}
