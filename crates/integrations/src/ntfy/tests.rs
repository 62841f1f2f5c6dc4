use std::sync::Arc;

use model::{Outcome, Severity, Status, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::NTFY;
use crate::kit::samples::{self, Saying, finish, header, reply, reply_with, request, shown};
use crate::kit::{Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = NTFY.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    settings.retain(|_, value| !value.is_null());
    NTFY.build(&settings).unwrap()
}

fn ntfy() -> Arc<dyn Sink> {
    built(json!({}))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn event(seq: u32, status: Status) -> Verb {
    Verb::Event { seq, status }
}

#[test]
fn an_event_is_json_to_the_servers_root() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    insta::assert_json_snapshot!(shown(
        &*ntfy(),
        &request(&*ntfy(), &saying.task(event(3, Status::Acknowledged)))
    ));
}

#[test]
fn what_begins_rings_by_severity_and_what_goes_on_or_ends_no_louder_than_usual() {
    let priority = |severity, verb| {
        let mut alert = samples::alert(Status::Closed);
        let mut content = samples::content();
        content.severity = severity;
        alert.content = Arc::new(content);
        body(&request(&*ntfy(), &Saying::of(alert).task(verb)))["priority"].clone()
    };
    let table = [
        (Severity::Critical, 5, 3),
        (Severity::Major, 4, 3),
        (Severity::Minor, 3, 3),
        (Severity::Warning, 3, 3),
        (Severity::Info, 2, 2),
    ];
    for (severity, begins, goes_on) in table {
        assert_eq!(
            priority(severity, event(1, Status::Open)),
            begins,
            "{severity}"
        );
        assert_eq!(priority(severity, Verb::Remind), begins, "{severity}");
        assert_eq!(
            priority(severity, event(2, Status::Acknowledged)),
            goes_on,
            "{severity}"
        );
        assert_eq!(
            priority(severity, event(3, Status::Closed)),
            goes_on,
            "{severity}"
        );
    }
}

#[test]
fn each_event_says_what_happened_and_its_first_tag_is_the_sign_of_the_state() {
    let closed = Saying::of(samples::alert(Status::Closed));
    let notified = Saying::of(samples::notification());
    let open = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    let table = [
        (&closed, event(1, Status::Open), "Opened", "rotating_light"),
        (
            &closed,
            event(2, Status::Acknowledged),
            "Acknowledged by anna",
            "eyes",
        ),
        (
            &closed,
            event(3, Status::Closed),
            "Resolved by bo",
            "white_check_mark",
        ),
        (
            &notified,
            event(3, Status::Closed),
            "Severity: Warning",
            "warning",
        ),
        (
            &open,
            Verb::Remind,
            "Still open after 1h 3m",
            "rotating_light",
        ),
    ];
    for (saying, verb, line, tag) in table {
        let body = body(&request(&*ntfy(), &saying.task(verb)));
        assert!(
            body["message"].as_str().unwrap().starts_with(line),
            "{body}"
        );
        assert_eq!(body["tags"][0], tag, "{line}");
        assert_eq!(
            body["tags"].as_array().unwrap().iter().any(|t| t == "test"),
            saying.test
        );
        assert!(
            body["click"]
                .as_str()
                .unwrap()
                .starts_with("http://hub.example:8080/alerts/")
        );
    }
}

#[test]
fn texts_are_cut_by_bytes_and_no_text_is_markdown() {
    let mut alert = samples::alert(Status::Open);
    let mut content = samples::content();
    content.title = "日本語👍[x](https://evil.example)".repeat(200);
    content.text = "👍".repeat(2000);
    content.resource = content.title.clone();
    content.annotations = [
        ("cause", content.title.clone()),
        ("remedy", format!("x{}", content.title)),
    ]
    .into_iter()
    .collect();
    content.links = vec![content.links[0].clone(); 5];
    alert.content = Arc::new(content);
    let saying = Saying::of(alert);
    let body = body(&request(&*ntfy(), &saying.task(event(3, Status::Open))));
    let message = body["message"].as_str().unwrap();
    assert!(
        message.len() <= 4096 && message.len() > 4000,
        "{}",
        message.len()
    );
    assert!(message.ends_with('…'));
    assert!(body["title"].as_str().unwrap().chars().count() <= 250);
    assert_eq!(body["actions"].as_array().unwrap().len(), 3);
    assert_eq!(body["markdown"], Value::Null);
}

#[test]
fn a_token_goes_as_bearer_a_user_as_basic_and_nobody_without_a_header() {
    let saying = Saying::of(samples::alert(Status::Open));
    let authorization = |extra: Value| {
        let request = request(&*built(extra), &saying.task(event(1, Status::Open)));
        header(&request, "authorization").map(str::to_owned)
    };
    assert_eq!(
        authorization(json!({})).as_deref(),
        Some("Bearer tk_exampleExampleExampleExample")
    );
    let basic = json!({ "token": null, "user": "phil", "password": "mypass" });
    // The example of ntfy's own documentation.
    assert_eq!(
        authorization(basic).as_deref(),
        Some("Basic cGhpbDpteXBhc3M=")
    );
    assert_eq!(authorization(json!({ "token": null })), None);
}

#[test]
fn ntfys_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status, body: &str| {
        finish(
            &*ntfy(),
            &saying.task(event(1, Status::Open)),
            &reply(status, body),
        )
        .outcome
    };
    let code = |code: u32| json!({ "code": code, "http": code / 100, "error": "x" }).to_string();
    let slow = Outcome::Throttled { after_ms: None };
    let table = [
        (
            200,
            r#"{"id":"a1","event":"message"}"#.to_owned(),
            Outcome::Delivered,
        ),
        (200, "<html>".to_owned(), Outcome::Ambiguous),
        (400, code(40_009), Outcome::TargetGone),
        (400, code(40_010), Outcome::TargetGone),
        (400, code(40_024), Outcome::PayloadBad),
        (401, code(40_101), Outcome::CredentialBad),
        (401, String::new(), Outcome::CredentialBad),
        (403, code(40_301), Outcome::ScopeMissing),
        (404, code(40_401), Outcome::TargetGone),
        (413, code(41_301), Outcome::PayloadBad),
        (429, code(42_901), slow.clone()),
        (429, code(42_908), slow),
        (500, code(50_001), Outcome::Ambiguous),
        (507, code(50_701), Outcome::Retry),
    ];
    for (status, body, expected) in table {
        assert_eq!(outcome(status, &body), expected, "{status} {body}");
    }
    let asked = reply_with(429, &code(42_901), &[("retry-after", "5")]);
    let done = finish(&*ntfy(), &saying.task(event(1, Status::Open)), &asked);
    assert_eq!(
        done.outcome,
        Outcome::Throttled {
            after_ms: Some(5000)
        }
    );
    let day = finish(
        &*ntfy(),
        &saying.task(event(1, Status::Open)),
        &reply(429, &code(42_908)),
    );
    assert!(
        day.excerpt
            .starts_with("The server takes no more messages today"),
        "{}",
        day.excerpt
    );
}

#[test]
fn the_path_is_the_servers_root_whatever_its_address() {
    let saying = Saying::of(samples::alert(Status::Open));
    let url = |base_url: Value| {
        let sink = built(json!({ "base_url": base_url }));
        request(&*sink, &saying.task(event(1, Status::Open))).url
    };
    assert_eq!(url(Value::Null), "https://ntfy.sh/");
    assert_eq!(
        url(json!("https://push.example/ntfy/")),
        "https://push.example/ntfy/"
    );
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_field() {
    let table = [
        (json!({ "topic": "" }), "topic"),
        (json!({ "topic": "a/b" }), "topic"),
        (json!({ "topic": "https://ntfy.sh/x" }), "topic"),
        (json!({ "topic": "x".repeat(65) }), "topic"),
        (json!({ "token": "tk_a b" }), "token"),
        (json!({ "user": "phil", "password": "mypass" }), "token"),
        (json!({ "token": null, "user": "phil" }), "password"),
        (json!({ "token": null, "password": "mypass" }), "user"),
        (
            json!({ "token": null, "user": "a:b", "password": "mypass" }),
            "user",
        ),
        (json!({ "base_url": "ntfy.sh" }), "base_url"),
        (json!({ "messages_per_minute": 0 }), "messages_per_minute"),
    ];
    for (extra, field) in table {
        let mut settings = NTFY.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        settings.retain(|_, value| !value.is_null());
        let errors = NTFY.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
}

#[test]
fn i9_neither_topic_nor_credential_shows() {
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(event(1, Status::Open));
    let basic = json!({ "token": null, "user": "phil", "password": "mypass-mypass" });
    for (sink, echo) in [
        (
            ntfy(),
            "tk_exampleExampleExampleExample at example-alerts-4f1b7c",
        ),
        (built(basic), "mypass-mypass is cGhpbDpteXBhc3MtbXlwYXNz"),
    ] {
        let done = finish(&*sink, &task, &reply(401, echo));
        for secret in sink.secrets() {
            assert!(!done.excerpt.contains(secret.expose()), "{}", done.excerpt);
        }
        assert!(!done.excerpt.contains("cGhpbDpteXBhc3"), "{}", done.excerpt);
        assert_eq!(sink.target(), "a topic at 127.0.0.1:8090");
    }
    let other = built(json!({ "topic": "other" }));
    assert_ne!(other.paces(&task)[0].bucket, ntfy().paces(&task)[0].bucket);
}
