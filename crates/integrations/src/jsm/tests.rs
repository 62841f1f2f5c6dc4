use std::sync::Arc;

use model::{Event, EventKind, Outcome, Status, Told, Verb};
use serde_json::{Value, json};

use super::JSM;
use crate::kit::samples::{self, Saying, header, reply, request};
use crate::kit::{Next, Reply, Sink, SinkKind, Step, Task};
use crate::opsgenie::OPSGENIE;

const BASE: &str = "http://127.0.0.1:8090";
const ALERTS: &str = "http://127.0.0.1:8090/jsm/jsm/ops/integration/v2/alerts";
const ALIAS: &str = "01900000-0000-7000-8000-000000000001";

fn jsm() -> Arc<dyn Sink> {
    JSM.build(&JSM.example(BASE)).unwrap()
}

/// The requests of a task to a vendor that takes and applies everything, and its end.
fn talk(task: &Task<'_>, replies: &[Reply]) -> (Vec<String>, Outcome) {
    let (mut memo, mut last, mut lines) = (Value::Null, None, Vec::new());
    let mut replies = replies.iter();
    loop {
        let step = Step {
            number: 0,
            memo: &memo,
            reply: last,
        };
        match jsm().next(task, step) {
            Next::Finish(finish) => return (lines, finish.outcome),
            Next::Request {
                request,
                memo: kept,
                ..
            } => {
                let path = request
                    .url
                    .strip_prefix(ALERTS)
                    .unwrap()
                    .replace(ALIAS, "ALIAS");
                lines.push(format!("{} {path}", request.method));
                (memo, last) = (kept, Some(replies.next().unwrap()));
            }
        }
    }
}

fn taken() -> Reply {
    reply(
        202,
        r#"{"result":"Request will be processed","requestId":"r-1"}"#,
    )
}

fn became(is_success: bool, status: &str) -> Reply {
    let data = json!({ "isSuccess": is_success, "status": status, "alertId": "a-1" });
    reply(200, &json!({ "data": data }).to_string())
}

#[test]
fn the_integration_api_has_create_acknowledge_close_and_notes() {
    let surface = [
        "",
        "/ALIAS/acknowledge?identifierType=alias",
        "/ALIAS/close?identifierType=alias",
        "/ALIAS/notes?identifierType=alias",
    ];
    let verbs = [
        Verb::Open,
        Verb::Inform,
        Verb::Update,
        Verb::Ack,
        Verb::Unack,
        Verb::Close,
        Verb::Note(3),
        Verb::Remind,
        Verb::Set(Told::Open),
        Verb::Set(Told::Acked),
        Verb::Set(Told::Closed),
        Verb::Repeat(Told::Acked),
        Verb::CloseExtra(0),
    ];
    for status in Status::ALL {
        for verb in verbs {
            let saying = Saying::of(samples::alert(status));
            let replies: Vec<Reply> = (0..3).flat_map(|_| [taken(), became(true, "")]).collect();
            let (lines, outcome) = talk(&saying.task(verb), &replies);
            assert_eq!(outcome, Outcome::Delivered);
            for line in lines {
                let is_question = line == "GET /requests/r-1";
                let is_known = surface.iter().any(|path| line == format!("POST {path}"));
                assert!(is_question || is_known, "{verb:?} in {status}: {line}");
            }
        }
    }
    let can = JSM.manifest().can;
    assert!(!can.update && !can.unack && !can.snooze && can.ack && can.note);
}

#[test]
fn the_payload_and_the_header_are_opsgenies() {
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Open);
    let ours = request(&*jsm(), &task);
    let mut settings = OPSGENIE.example(BASE);
    settings.remove("teams");
    let theirs = request(&*OPSGENIE.build(&settings).unwrap(), &task);
    assert_eq!(ours.body, theirs.body);
    assert_eq!(
        header(&ours, "authorization"),
        Some("GenieKey 5b8e2c6d-1f47-4d0a-8a36-9e7c21b4f003")
    );
}

#[test]
fn there_is_one_host() {
    let mut settings = JSM.example(BASE);
    settings.remove("base_url");
    let sink = JSM.build(&settings).unwrap();
    let saying = Saying::of(samples::alert(Status::Open));
    let url = request(&*sink, &saying.task(Verb::Open)).url;
    assert_eq!(
        url,
        "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
    );
    settings.insert("region".to_owned(), json!("eu"));
    assert!(JSM.build(&settings).is_err());
}

#[test]
fn an_assignment_becomes_a_note_also_of_somebody_with_a_mail_address() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let last = saying.events.last_mut().unwrap();
    *last = Event {
        kind: EventKind::Assigned,
        assignee: Some("anna@example.com".to_owned()),
        ..last.clone()
    };
    let sent = request(&*jsm(), &saying.task(Verb::Note(3)));
    assert!(sent.url.ends_with("/notes?identifierType=alias"));
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body["note"], "Assigned to anna@example.com.");
}

/// There is no call that shows an alert.
#[test]
fn a_close_that_was_not_applied_stays_owed_unless_the_words_say_that_it_was_closed() {
    let saying = Saying::of(samples::alert(Status::Closed));
    let close = |words: &str| talk(&saying.task(Verb::Close), &[taken(), became(false, words)]).1;
    assert_eq!(close("Alert is already closed"), Outcome::Delivered);
    assert_eq!(close("Something else"), Outcome::PayloadBad);
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let replies = [taken(), became(true, ""), taken(), became(false, "?")];
    let (lines, outcome) = talk(&saying.task(Verb::Set(Told::Acked)), &replies);
    assert_eq!((lines.len(), outcome), (4, Outcome::Accepted));
}

#[test]
fn the_probe_asks_for_a_request_that_never_was() {
    let sink = jsm();
    let Some(Next::Request { request, .. }) = sink.probe(step(None)) else {
        panic!("no request")
    };
    assert_eq!(
        request.url,
        format!("{ALERTS}/requests/00000000-0000-0000-0000-000000000000")
    );
    let judged = |reply: Reply| match sink.probe(step(Some(&reply))) {
        Some(Next::Finish(finish)) => finish.outcome,
        _ => panic!("no verdict"),
    };
    assert_eq!(
        judged(reply(404, r#"{"message":"not processed"}"#)),
        Outcome::Delivered
    );
    assert_eq!(judged(reply(401, "{}")), Outcome::CredentialBad);
}

fn step(reply: Option<&Reply>) -> Step<'_> {
    Step {
        number: 0,
        memo: &Value::Null,
        reply,
    }
}
