use model::{EventKind, Outcome, Status, Timestamp, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

use super::NEWRELIC;
use crate::kit::samples::{self, NOW, START, Saying, finish, header, reply, request, shown};
use crate::kit::{Next, Sink, SinkKind, Step};

const BASE: &str = "http://127.0.0.1:8090";
const LICENSE: &str = "0123456789abcdef0123456789abcdef0123NRAL";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = NEWRELIC.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    NEWRELIC.build(&settings).unwrap()
}

fn verb(seq: u32) -> Verb {
    Verb::Event {
        seq,
        status: Status::Open,
    }
}

fn body(saying: &Saying, seq: u32) -> Value {
    let request = request(&*built(json!({})), &saying.task(verb(seq)));
    let list: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    list[0].clone()
}

fn assert_flat(event: &Value) {
    let map = event.as_object().unwrap();
    assert!(map.len() <= 255, "{}", map.len());
    for (name, value) in map {
        assert!(value.is_string() || value.is_i64(), "{name}: {value}");
        assert!(name.len() <= 255, "{name}");
        assert!(
            value.as_str().is_none_or(|text| text.len() <= 4096),
            "{name}"
        );
    }
}

#[test]
fn an_event_is_one_flat_event() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let request = request(&*sink, &saying.task(verb(3)));
    assert_eq!(header(&request, "api-key"), Some(LICENSE));
    insta::assert_json_snapshot!(shown(&*sink, &request));
}

#[test]
fn every_kind_of_event_is_told_as_itself_and_flat() {
    for kind in EventKind::ALL {
        let mut saying = Saying::of(samples::alert(Status::Open));
        saying.events[2].kind = kind;
        let event = body(&saying, 3);
        assert_flat(&event);
        assert_eq!(event["event"], kind.as_str());
        assert_eq!(event["sequence"], 3);
        assert_eq!(event["timestamp"], NOW.unix_seconds());
        assert_eq!(event["alertId"], saying.alert.id.to_string());
        assert_eq!(
            event.get("durationSeconds").is_some(),
            kind.is_closing(),
            "{kind}"
        );
    }
}

#[test]
fn a_note_a_test_and_a_notification_say_what_they_are() {
    let noted = body(&Saying::of(samples::alert(Status::Acknowledged)), 3);
    assert_eq!(
        (&noted["note"], &noted["by"]),
        (&json!("Looking at <db-1> now"), &json!("bo"))
    );
    let saying = Saying {
        test: true,
        ..Saying::of(samples::notification())
    };
    let test = body(&saying, 3);
    assert_eq!(
        (&test["test"], &test["event"]),
        (&json!("true"), &json!("informed"))
    );
}

#[test]
fn a_timestamp_that_new_relic_would_drop_is_left_out() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    assert_eq!(body(&saying, 1)["timestamp"], START.unix_seconds());
    saying.events[0].at = Timestamp(NOW.0 - 25 * 3_600_000);
    let event = body(&saying, 1);
    assert_eq!(event.get("timestamp"), None);
    assert_eq!(event["happenedAt"], saying.events[0].at.to_string());
}

#[test]
fn long_hostile_and_many_attributes_stay_within_the_limits() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let content = Arc::make_mut(&mut saying.alert.content);
    content.text = "\"ä\u{1}\\".repeat(9000);
    for i in 0..300 {
        content
            .labels
            .set(format!("l{i}\"\n{}", "n".repeat(300)), "\"\\".repeat(5000));
    }
    let sink = built(json!({}));
    let request = request(&*sink, &saying.task(verb(3)));
    assert!(request.body.len() <= 1_000_000, "{}", request.body.len());
    let event = body(&saying, 3);
    assert_flat(&event);
    assert!(event["text"].as_str().unwrap().ends_with('…'));
    assert_eq!(
        event["project"], "shop",
        "what we know ourselves has room before labels"
    );
}

#[test]
fn m18_the_region_chooses_the_hosts_and_the_insert_key_goes_before_the_license_key() {
    let requests = |extra: Value| {
        let mut settings = NEWRELIC.example(BASE);
        settings.remove("base_url");
        settings.extend(extra.as_object().cloned().unwrap());
        let sink = NEWRELIC.build(&settings).unwrap();
        let saying = Saying::of(samples::alert(Status::Open));
        let start = Step {
            number: 0,
            memo: &Value::Null,
            reply: None,
        };
        let probe = match sink.probe(start) {
            Some(Next::Request { request, .. }) => request.url,
            _ => "no probe".to_owned(),
        };
        (request(&*sink, &saying.task(verb(1))), probe)
    };
    let (us, probe) = requests(json!({ "region": "US", "account_id": "42" }));
    assert_eq!(
        us.url,
        "https://insights-collector.newrelic.com/v1/accounts/42/events"
    );
    assert!(
        probe.starts_with("https://insights-api.newrelic.com/v1/accounts/42/query?nrql="),
        "{probe}"
    );
    let (eu, probe) = requests(json!({ "insert_key": "NRII-example", "query_key": null }));
    assert_eq!(
        eu.url,
        "https://insights-collector.eu01.nr-data.net/v1/accounts/1234567/events"
    );
    assert_eq!(probe, "no probe");
    assert_eq!(header(&eu, "x-insert-key"), Some("NRII-example"));
    assert_eq!(header(&eu, "api-key"), None);
    assert_eq!(header(&us, "api-key"), Some(LICENSE));
}

#[test]
fn settings_that_cannot_be_sent_are_refused_by_their_field() {
    let table = [
        (json!({ "account_id": "12a" }), "account_id"),
        (json!({ "account_id": "" }), "account_id"),
        (json!({ "account_id": -5 }), "account_id"),
        (json!({ "license_key": "" }), "license_key"),
        (json!({ "insert_key": "a b" }), "insert_key"),
        (json!({ "query_key": "a\nb" }), "query_key"),
        (json!({ "region": "mars" }), "region"),
        (json!({ "base_url": "x" }), "base_url"),
        (json!({ "event_type": "My Alert" }), "event_type"),
    ];
    for (extra, field) in table {
        let mut settings = NEWRELIC.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = NEWRELIC.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
}

#[test]
fn new_relics_answers_mean_what_the_wire_facts_say() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(verb(1));
    let ok = r#"{"success":true,"uuid":"1cf4e2b0-0001-b000-0000-017f2b6b7a1c"}"#;
    let no = r#"{"success":false,"error":"no"}"#;
    let throttled = Outcome::Throttled { after_ms: None };
    let table = [
        // Taken, not yet read: never "delivered".
        (200, ok, Outcome::Accepted, "1cf4e2b0"),
        (202, r#"{"requestId":"x"}"#, Outcome::Accepted, ""),
        (200, no, Outcome::PayloadBad, "New Relic refuses the event"),
        (
            200,
            "",
            Outcome::Ambiguous,
            "The answer is not one of New Relic's",
        ),
        (400, "", Outcome::PayloadBad, "New Relic refuses the event"),
        (
            401,
            "",
            Outcome::CredentialBad,
            "New Relic does not know the key",
        ),
        (
            403,
            "",
            Outcome::CredentialBad,
            "New Relic does not know the key",
        ),
        (404, "", Outcome::TargetGone, "New Relic has nothing"),
        (405, "", Outcome::TargetGone, "The address does not take"),
        (408, "", Outcome::Ambiguous, "The receiver failed"),
        (411, "", Outcome::PayloadBad, "The receiver refuses"),
        (413, "", Outcome::PayloadBad, "The event is too large"),
        (414, "", Outcome::PayloadBad, "The receiver refuses"),
        (415, "", Outcome::PayloadBad, "The receiver refuses"),
        (429, "", throttled, "New Relic has had enough"),
        (431, "", Outcome::PayloadBad, "The receiver refuses"),
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
    let handle = finish(&*sink, &task, &reply(200, ok)).handle.unwrap();
    assert_eq!(handle.object, "1cf4e2b0-0001-b000-0000-017f2b6b7a1c");
}

#[test]
fn the_request_id_is_a_uuid_and_the_same_for_every_retry() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let id = |key| {
        let task = crate::kit::Task {
            idempotency_key: key,
            ..saying.task(verb(1))
        };
        header(&request(&*sink, &task), "x-request-id")
            .unwrap()
            .to_owned()
    };
    assert_eq!(id("a"), id("a"));
    assert_ne!(id("a"), id("b"));
    let parts: Vec<usize> = id("a").split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!((&id("a")[14..15], &id("a")[19..20]), ("4", "a"));
}

#[test]
fn the_probe_uses_the_query_key_alone() {
    let sink = built(json!({}));
    let start = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(start) else {
        panic!("no request");
    };
    assert!(url::Url::parse(&request.url).is_ok());
    assert_eq!(
        header(&request, "x-query-key"),
        Some("NRIQ-exampleExampleExampleExample12")
    );
    assert_eq!(header(&request, "api-key"), None);
    for (status, outcome) in [
        (200, Outcome::Delivered),
        (401, Outcome::CredentialBad),
        (403, Outcome::CredentialBad),
        (404, Outcome::TargetGone),
    ] {
        let reply = reply(status, "{}");
        let step = Step {
            number: 1,
            memo: &Value::Null,
            reply: Some(&reply),
        };
        let Some(Next::Finish(finish)) = sink.probe(step) else {
            panic!("another request");
        };
        assert_eq!(finish.outcome, outcome, "{status}");
    }
}
