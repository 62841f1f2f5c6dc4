use model::{EventKind, Outcome, Severity, Status, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

use super::HIPCHAT;
use crate::kit::samples::{self, NOW, Saying, finish, header, reply, reply_with, request, shown};
use crate::kit::{Edition, Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";
const TOKEN: &str = "exampleExampleExampleExampleExampleExample";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = HIPCHAT.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    HIPCHAT.build(&settings).unwrap()
}

fn verb(seq: u32) -> Verb {
    Verb::Event {
        seq,
        status: Status::Open,
    }
}

fn body(saying: &Saying, seq: u32) -> Value {
    let request = request(&*built(json!({})), &saying.task(verb(seq)));
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn m10_an_event_is_a_notification_in_the_room() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let request = request(&*sink, &saying.task(verb(3)));
    assert_eq!(
        request.url,
        format!("{BASE}/hipchat/v2/room/Ops%20Room/notification")
    );
    assert_eq!(
        header(&request, "authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    insta::assert_json_snapshot!(shown(&*sink, &request));
}

#[test]
fn m11_the_cloud_is_gone_and_an_address_is_required() {
    assert_eq!(HIPCHAT.manifest().edition, Edition::CloudGone);
    let mut settings = HIPCHAT.example(BASE);
    settings.remove("base_url");
    assert_eq!(HIPCHAT.build(&settings).err().unwrap()[0].field, "base_url");
}

#[test]
fn colours_follow_severity_and_state_and_only_a_beginning_calls_people() {
    let table = [
        (
            EventKind::Opened,
            Status::Open,
            Severity::Critical,
            "red",
            true,
        ),
        (
            EventKind::Opened,
            Status::Open,
            Severity::Warning,
            "yellow",
            true,
        ),
        (
            EventKind::Informed,
            Status::Closed,
            Severity::Info,
            "gray",
            true,
        ),
        (
            EventKind::Updated,
            Status::Open,
            Severity::Major,
            "red",
            false,
        ),
        (
            EventKind::Acknowledged,
            Status::Acknowledged,
            Severity::Critical,
            "purple",
            false,
        ),
        (
            EventKind::Noted,
            Status::Open,
            Severity::Minor,
            "yellow",
            false,
        ),
        (
            EventKind::Shelved,
            Status::Shelved,
            Severity::Critical,
            "gray",
            false,
        ),
        (
            EventKind::Closed,
            Status::Closed,
            Severity::Critical,
            "green",
            false,
        ),
        (
            EventKind::Reopened,
            Status::Open,
            Severity::Critical,
            "red",
            true,
        ),
    ];
    for (kind, status, severity, color, notify) in table {
        let mut saying = Saying::of(samples::alert(Status::Open));
        Arc::make_mut(&mut saying.alert.content).severity = severity;
        saying.events[2].kind = kind;
        saying.events[2].status = status;
        let body = body(&saying, 3);
        assert_eq!(
            (&body["color"], &body["notify"]),
            (&json!(color), &json!(notify)),
            "{kind}"
        );
    }
}

#[test]
fn hostile_and_long_texts_stay_within_the_limit_and_have_no_marks() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let content = Arc::make_mut(&mut saying.alert.content);
    content.title = "<script>".repeat(500);
    content.text = "<img src=x>\n".repeat(2000);
    content.annotations.set("cause", "&".repeat(9000));
    saying.events[2].note = Some("\"<b>".repeat(5000));
    let body = body(&saying, 3);
    let message = body["message"].as_str().unwrap();
    assert!(
        (1..=10_000).contains(&message.chars().count()),
        "{}",
        message.len()
    );
    assert!(!message.contains("<script") && !message.contains("<img"));
    assert_eq!(
        message.matches("<b>").count(),
        message.matches("</b>").count()
    );
}

#[test]
fn hipchats_answers_mean_what_the_wire_facts_say() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(verb(1));
    let error = r#"{"error":{"code":400,"message":"Message is required","type":"Bad Request"}}"#;
    let table = [
        (204, "", Outcome::Delivered, ""),
        (
            200,
            "<html>",
            Outcome::Ambiguous,
            "The answer is not one of HipChat's",
        ),
        (
            400,
            error,
            Outcome::PayloadBad,
            "HipChat refuses the notification",
        ),
        (
            401,
            error,
            Outcome::CredentialBad,
            "HipChat does not know the token",
        ),
        (403, error, Outcome::ScopeMissing, "The token may not post"),
        (404, error, Outcome::TargetGone, "HipChat has no such room"),
        (
            429,
            error,
            Outcome::Throttled { after_ms: None },
            "HipChat has had enough",
        ),
        (500, "", Outcome::Ambiguous, "The receiver failed"),
    ];
    for (status, body, outcome, words) in table {
        let finish = finish(&*sink, &task, &reply(status, body));
        assert_eq!(finish.outcome, outcome, "{status}");
        assert!(
            finish.excerpt.starts_with(words),
            "{status}: {}",
            finish.excerpt
        );
    }
    let reset = (NOW.unix_seconds() + 20).to_string();
    let wait = reply_with(429, "", &[("x-ratelimit-reset", &reset)]);
    let after_ms = Some(19_000 + 1000);
    assert_eq!(
        finish(&*sink, &task, &wait).outcome,
        Outcome::Throttled { after_ms }
    );
}

#[test]
fn settings_that_cannot_be_sent_are_refused_by_their_field() {
    let table = [
        (json!({ "room": "" }), "room"),
        (json!({ "room": "a/b" }), "room"),
        (json!({ "room": ".." }), "room"),
        (json!({ "room": "r".repeat(101) }), "room"),
        (json!({ "token": "a b" }), "token"),
        (json!({ "base_url": "chat.example" }), "base_url"),
    ];
    for (extra, field) in table {
        let mut settings = HIPCHAT.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = HIPCHAT.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
    let odd = built(json!({ "room": "a?b#c%" }));
    let saying = Saying::of(samples::alert(Status::Open));
    let url = request(&*odd, &saying.task(verb(1))).url;
    assert_eq!(
        url,
        format!("{BASE}/hipchat/v2/room/a%3Fb%23c%25/notification")
    );
}
