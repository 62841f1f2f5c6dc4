use model::{DurationMs, EventKind, Outcome, Severity, Status, Timestamp, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

use super::DATADOG;
use crate::kit::samples::{
    self, NOW, START, Saying, broken, finish, header, reply, reply_with, request, shown,
};
use crate::kit::{Next, Sink, SinkKind, Step};

const BASE: &str = "http://127.0.0.1:8090";
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = DATADOG.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    DATADOG.build(&settings).unwrap()
}

fn verb(seq: u32) -> Verb {
    Verb::Event {
        seq,
        status: Status::Open,
    }
}

fn body(saying: &Saying, seq: u32) -> Value {
    serde_json::from_slice(&request(&*built(json!({})), &saying.task(verb(seq))).body).unwrap()
}

#[test]
fn an_event_is_one_event_of_datadogs() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let request = request(&*sink, &saying.task(verb(2)));
    assert_eq!(header(&request, "dd-api-key"), Some(KEY));
    insta::assert_json_snapshot!(shown(&*sink, &request));
}

#[test]
fn every_event_of_an_alert_is_told_with_its_kind_of_alert_and_one_key() {
    let table = [
        (EventKind::Opened, Severity::Critical, "error", "normal"),
        (EventKind::Opened, Severity::Major, "error", "normal"),
        (EventKind::Updated, Severity::Minor, "warning", "normal"),
        (EventKind::Reopened, Severity::Warning, "warning", "normal"),
        (EventKind::Informed, Severity::Info, "info", "low"),
        (
            EventKind::Acknowledged,
            Severity::Critical,
            "user_update",
            "normal",
        ),
        (
            EventKind::Unacknowledged,
            Severity::Critical,
            "user_update",
            "normal",
        ),
        (
            EventKind::Noted,
            Severity::Critical,
            "user_update",
            "normal",
        ),
        (EventKind::Assigned, Severity::Info, "user_update", "low"),
        (
            EventKind::Shelved,
            Severity::Critical,
            "user_update",
            "normal",
        ),
        (EventKind::Closed, Severity::Critical, "success", "normal"),
        (EventKind::Cancelled, Severity::Warning, "success", "normal"),
        (EventKind::Expired, Severity::Info, "success", "low"),
    ];
    for (kind, severity, alert_type, priority) in table {
        let mut saying = Saying::of(samples::alert(Status::Open));
        Arc::make_mut(&mut saying.alert.content).severity = severity;
        saying.events[2].kind = kind;
        let body = body(&saying, 3);
        assert_eq!(
            (&body["alert_type"], &body["priority"]),
            (&json!(alert_type), &json!(priority)),
            "{kind} {severity}"
        );
        assert_eq!(body["aggregation_key"], saying.alert.id.to_string());
        assert!(body["aggregation_key"].as_str().unwrap().len() <= 100);
        assert_eq!(body["date_happened"], NOW.unix_seconds());
        let tags = body["tags"].as_array().unwrap();
        assert!(tags.contains(&json!(format!("event:{kind}"))), "{tags:?}");
    }
}

#[test]
fn e5_cause_and_remedy_are_told_and_a_note_with_its_author() {
    let body = body(&Saying::of(samples::alert(Status::Acknowledged)), 3);
    let text = body["text"].as_str().unwrap();
    for part in [
        "**Note by bo**",
        "Looking at \\<db-1\\> now",
        "**Cause:** Logs are not rotated.",
        "**What to do:** Remove data",
        "- Value: 91 %",
        "/alerts/",
        "[Runbook](https://runbooks.example/disk?x=1&y=2)",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(text.starts_with("%%% \n") && text.ends_with("\n %%%"));
}

#[test]
fn an_event_that_is_too_old_for_datadog_happens_when_it_comes_and_says_when_it_was() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    saying.events[0].at = Timestamp(NOW.0 - DurationMs::from_hours(19).0);
    let body = body(&saying, 1);
    assert_eq!(body["date_happened"], Value::Null);
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("Opened, at 2025-11-19 17:01 UTC"), "{text}");
    let recent = super::tests::body(&Saying::of(samples::alert(Status::Open)), 1);
    assert_eq!(recent["date_happened"], START.unix_seconds());
}

#[test]
fn long_and_hostile_texts_stay_within_the_limits_and_mention_nobody() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let content = Arc::make_mut(&mut saying.alert.content);
    content.text = "@all %%% *x* ".repeat(2000);
    content.title = "@ops ".repeat(1000);
    for i in 0..150 {
        content.labels.set(format!("l{i}"), "v".repeat(900));
    }
    content.labels.set("host", "db-1:9100\r\n");
    saying.events[2].note = Some("n".repeat(20_000));
    let body = body(&saying, 3);
    let text = body["text"].as_str().unwrap();
    assert!(text.chars().count() <= 4000);
    assert!(text.chars().count() > 3000, "the room is used");
    assert_eq!(text.matches("%%%").count(), 2, "only ours");
    let title = body["title"].as_str().unwrap();
    assert!(title.chars().count() <= 500);
    for text in [text, title] {
        assert!(!text.contains("@a") && !text.contains("@o"), "{text}");
    }
    let tags = body["tags"].as_array().unwrap();
    assert_eq!(tags.len(), 100);
    assert!(
        tags.iter()
            .all(|t| t.as_str().unwrap().chars().count() <= 200)
    );
    assert_eq!(body["host"], "db-1");
}

#[test]
fn m21_the_region_chooses_the_site_and_base_url_overrides_it() {
    let url = |extra: Value| {
        let mut settings = DATADOG.example(BASE);
        settings.remove("base_url");
        settings.extend(extra.as_object().cloned().unwrap());
        let sink = DATADOG.build(&settings).map_err(|e| e[0].field.clone())?;
        let saying = Saying::of(samples::alert(Status::Open));
        Ok::<_, String>(request(&*sink, &saying.task(verb(1))).url)
    };
    let table = [
        (
            json!({ "region": "US" }),
            "https://api.datadoghq.com/api/v1/events",
        ),
        (
            json!({ "region": "eu" }),
            "https://api.datadoghq.eu/api/v1/events",
        ),
        (
            json!({ "region": "us5" }),
            "https://api.us5.datadoghq.com/api/v1/events",
        ),
        (
            json!({ "region": "ap2.datadoghq.com" }),
            "https://api.ap2.datadoghq.com/api/v1/events",
        ),
        (
            json!({ "region": "us2-fed" }),
            "https://api.us2.ddog-gov.com/api/v1/events",
        ),
        (
            json!({ "base_url": "http://bridge.example/dd/" }),
            "http://bridge.example/dd/api/v1/events",
        ),
    ];
    for (extra, expected) in table {
        assert_eq!(url(extra.clone()).as_deref(), Ok(expected), "{extra}");
    }
    let bad = [
        (json!({ "region": "mars" }), "region"),
        (json!({ "base_url": "ftp://x" }), "base_url"),
        (json!({ "api_key": "" }), "api_key"),
        (json!({ "api_key": "two words" }), "api_key"),
    ];
    for (extra, field) in bad {
        assert_eq!(url(extra.clone()), Err(field.to_owned()), "{extra}");
    }
}

#[test]
fn datadogs_answers_mean_what_the_wire_facts_say() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(verb(1));
    let ok = r#"{"status":"ok","event":{"id":6990000000000000001,"id_str":"6990000000000000001"}}"#;
    let errors = r#"{"errors":["Forbidden"]}"#;
    let throttled = Outcome::Throttled { after_ms: None };
    let table = [
        (202, ok, Outcome::Accepted, "6990000000000000001"),
        (200, ok, Outcome::Accepted, "6990000000000000001"),
        (202, r#"{"status":"ok"}"#, Outcome::Accepted, ""),
        (
            202,
            "<html>",
            Outcome::Ambiguous,
            "The answer is not one of Datadog's",
        ),
        (
            202,
            errors,
            Outcome::PayloadBad,
            "Datadog refuses the event",
        ),
        (
            202,
            r#"{"status":"error"}"#,
            Outcome::PayloadBad,
            "Datadog refuses the event",
        ),
        (
            400,
            errors,
            Outcome::PayloadBad,
            "Datadog refuses the event",
        ),
        (
            401,
            errors,
            Outcome::CredentialBad,
            "Datadog does not know the API key",
        ),
        (
            403,
            errors,
            Outcome::CredentialBad,
            "Datadog does not know the API key",
        ),
        (
            404,
            "",
            Outcome::TargetGone,
            "There is no Datadog at this address",
        ),
        (408, "", Outcome::Ambiguous, "The receiver failed"),
        (413, errors, Outcome::PayloadBad, "The event is too large"),
        (429, errors, throttled, "Datadog has had enough"),
        (500, "", Outcome::Ambiguous, "The receiver failed"),
        (503, "", Outcome::Ambiguous, "The receiver failed"),
    ];
    for (status, body, outcome, words) in table {
        let finish = finish(&*sink, &task, &reply(status, body));
        assert_eq!(finish.outcome, outcome, "{status} {body}");
        assert!(
            finish.excerpt.starts_with(words),
            "{status}: {}",
            finish.excerpt
        );
    }
    let done = finish(&*sink, &task, &reply(202, ok));
    assert_eq!(
        done.handle.unwrap().object,
        "6990000000000000001",
        "all of its digits"
    );
    let lost = finish(&*sink, &task, &broken(wire::http::Sent::Maybe));
    assert_eq!(lost.outcome, Outcome::Ambiguous);
}

type Headers<'a> = &'a [(&'static str, &'a str)];

#[test]
fn the_reset_says_in_seconds_how_long_to_wait() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let after = |headers: Headers<'_>| {
        finish(&*sink, &saying.task(verb(1)), &reply_with(429, "", headers)).outcome
    };
    let table: [(Headers<'_>, Option<i64>); 4] = [
        (&[("x-ratelimit-reset", "12")], Some(12_000)),
        (
            &[("x-ratelimit-reset", "12"), ("retry-after", "3")],
            Some(3_000),
        ),
        (&[("x-ratelimit-reset", "1763640061")], None),
        (&[("x-ratelimit-reset", "soon")], None),
    ];
    for (headers, after_ms) in table {
        assert_eq!(
            after(headers),
            Outcome::Throttled { after_ms },
            "{headers:?}"
        );
    }
}

#[test]
fn the_probe_asks_whether_the_key_is_valid() {
    let sink = built(json!({}));
    let start = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(start) else {
        panic!("no request");
    };
    assert_eq!(request.method, http::Method::GET);
    assert_eq!(request.url, format!("{BASE}/datadog/api/v1/validate"));
    assert_eq!(header(&request, "dd-api-key"), Some(KEY));
    let table = [
        (200, r#"{"valid":true}"#, Outcome::Delivered),
        (200, r#"{"valid":false}"#, Outcome::CredentialBad),
        (403, r#"{"errors":["Forbidden"]}"#, Outcome::CredentialBad),
    ];
    for (status, body, outcome) in table {
        let reply = reply(status, body);
        let step = Step {
            number: 1,
            memo: &Value::Null,
            reply: Some(&reply),
        };
        let Some(Next::Finish(finish)) = sink.probe(step) else {
            panic!("another request");
        };
        assert_eq!(finish.outcome, outcome, "{status} {body}");
    }
}

#[test]
fn i9_the_bucket_and_the_target_name_no_key() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let paces = sink.paces(&saying.task(verb(1)));
    assert!(!format!("{paces:?}").contains(KEY));
    assert_eq!(sink.target(), "127.0.0.1:8090");
    let echo = finish(
        &*sink,
        &saying.task(verb(1)),
        &reply(403, &format!("bad key {KEY}")),
    );
    assert!(!echo.excerpt.contains(KEY));
}
