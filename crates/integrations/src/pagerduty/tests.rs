//! The Events API: what is sent, and what its answers mean.

use std::sync::Arc;

use model::{Content, Handle, Link, Outcome, Severity, Status, Told, Verb};
use serde_json::{Value, json};
use wire::http::{HttpRequest, Sent};

use super::render::{EVENT_BYTES_MAX, severity};
use super::{PAGERDUTY, PAGERDUTY_CHANGE};
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request};
use crate::kit::{SettingsMap, Sink, SinkKind, fields_of};

const BASE: &str = "http://127.0.0.1:8090";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const TAKEN: &str = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;

fn built(kind: &dyn SinkKind, extra: Value) -> Arc<dyn Sink> {
    let mut settings = kind.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    settings.retain(|_, value| !value.is_null());
    kind.build(&settings)
        .unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn pagerduty() -> Arc<dyn Sink> {
    built(&PAGERDUTY, json!({}))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// As it can stand in a snapshot (I9).
fn shown(sink: &dyn Sink, request: &HttpRequest) -> Value {
    let text = samples::shown(sink, request).to_string();
    let hide = |text: String, secret: &model::Secret| text.replace(secret.expose(), "[secret]");
    let text = sink.secrets().into_iter().fold(text, hide);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_alert_that_opens_triggers_an_event_with_its_details() {
    let saying = Saying::of(samples::alert(Status::Open));
    let sink = pagerduty();
    insta::assert_json_snapshot!(shown(&*sink, &request(&*sink, &saying.task(Verb::Open))));
}

#[test]
fn each_verb_is_the_event_that_says_it() {
    let table = [
        (Verb::Open, "trigger"),
        (Verb::Update, "trigger"),
        (Verb::Remind, "trigger"),
        (Verb::Set(Told::Open), "trigger"),
        (Verb::Repeat(Told::Open), "trigger"),
        // Without the REST API: an entry in the incident's log.
        (Verb::Unack, "trigger"),
        (Verb::Note(3), "trigger"),
        (Verb::Ack, "acknowledge"),
        // Whatever it is in: an acknowledgement of nothing would be dropped.
        (Verb::Set(Told::Acked), "trigger"),
        (Verb::Repeat(Told::Acked), "trigger"),
        (Verb::Close, "resolve"),
        (Verb::Set(Told::Closed), "resolve"),
        (Verb::Repeat(Told::Closed), "resolve"),
        (Verb::CloseExtra(0), "resolve"),
    ];
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    for (verb, action) in table {
        let request = request(&*pagerduty(), &saying.task(verb));
        assert_eq!(request.url, format!("{BASE}/pagerduty/v2/enqueue"));
        let body = body(&request);
        assert_eq!(body["event_action"], action, "{verb:?}");
        assert_eq!(body["routing_key"], KEY, "{verb:?}");
        assert_eq!(body["dedup_key"], saying.alert.id.to_string(), "{verb:?}");
        let has_payload = body["payload"].is_object();
        assert_eq!(has_payload, action == "trigger", "{verb:?}");
    }
}

#[test]
fn in_doubt_about_an_acknowledged_alert_it_is_triggered_and_then_acknowledged() {
    let sink = pagerduty();
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(Verb::Set(Told::Acked));
    let walk = super::tests_rest::walk(&*sink, &task, &[reply(202, TAKEN), reply(202, TAKEN)]);
    assert_eq!(
        walk.lines,
        ["POST /v2/enqueue trigger", "POST /v2/enqueue acknowledge"]
    );
    assert_eq!(walk.finish.outcome, Outcome::Accepted);
    let object = walk.finish.handle.map(|handle| handle.object);
    assert_eq!(object, Some(saying.alert.id.to_string()));
}

#[test]
fn the_key_of_the_first_event_is_kept_and_used_again() {
    let saying = Saying::of(samples::alert(Status::Open));
    let opened = finish(&*pagerduty(), &saying.task(Verb::Open), &reply(202, TAKEN));
    assert_eq!(opened.outcome, Outcome::Accepted);
    let handle = opened.handle.unwrap();
    assert_eq!(handle.object, saying.alert.id.to_string());
    let with = |object: &str| {
        let handle = Some(Handle {
            object: object.to_owned(),
            data: Value::Null,
        });
        let saying = Saying {
            handle,
            ..Saying::of(samples::alert(Status::Closed))
        };
        let request = request(&*pagerduty(), &saying.task(Verb::Close));
        body(&request)["dedup_key"].as_str().unwrap().to_owned()
    };
    assert_eq!(with("srv01/mysql"), "srv01/mysql");
    // What cannot be a key is none.
    for bad in ["", &"k".repeat(256)] {
        assert_eq!(with(bad), saying.alert.id.to_string());
    }
}

#[test]
fn severities_are_pagerdutys() {
    let words = Severity::ALL.map(severity);
    assert_eq!(words, ["info", "warning", "warning", "error", "critical"]);
    assert_eq!(Severity::ALL[0], Severity::Info);
}

#[test]
fn component_group_and_class_come_from_labels_where_they_are() {
    let payload = |labels: &[(&str, &str)]| {
        let mut alert = samples::alert(Status::Open);
        let content = Arc::make_mut(&mut alert.content);
        for (name, value) in labels {
            content.labels.set(*name, *value);
        }
        body(&request(&*pagerduty(), &Saying::of(alert).task(Verb::Open)))["payload"].clone()
    };
    let bare = payload(&[]);
    assert_eq!(
        (&bare["component"], &bare["group"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(bare["class"], "DiskFull");
    let full = payload(&[("service", "shop"), ("cluster", "eu-1"), ("class", "disk")]);
    assert_eq!(
        (&full["component"], &full["group"], &full["class"]),
        (&json!("shop"), &json!("eu-1"), &json!("disk"))
    );
    let both = payload(&[("service", "shop"), ("component", "mysql")]);
    assert_eq!(both["component"], "mysql");
}

#[test]
fn the_required_fields_are_there_even_of_an_alert_that_says_nothing() {
    let mut alert = samples::alert(Status::Open);
    alert.content = Arc::new(Content {
        starts_at: model::Timestamp(i64::MIN),
        ..Content::default()
    });
    let payload =
        body(&request(&*pagerduty(), &Saying::of(alert).task(Verb::Open)))["payload"].clone();
    assert_eq!(payload["source"], "prometheus");
    assert!(!payload["summary"].as_str().unwrap().is_empty());
    assert!(payload["severity"].is_string());
    assert_eq!(payload["timestamp"], Value::Null, "no clock shows it");
}

#[test]
fn a_summary_is_cut_by_characters_and_an_event_that_is_too_large_loses_its_details_alone() {
    let mut alert = samples::alert(Status::Open);
    let content = Arc::make_mut(&mut alert.content);
    content.title = "ü".repeat(3000);
    content.text = "\u{1}\"".repeat(50_000);
    let whole = request(&*pagerduty(), &Saying::of(alert.clone()).task(Verb::Open));
    let summary = body(&whole)["payload"]["summary"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(summary.chars().count(), 1024);
    assert!(summary.ends_with('…'));
    assert!(body(&whole)["payload"]["custom_details"]["text"].is_string());

    Arc::make_mut(&mut alert.content).text = "\"ü".repeat(200_000);
    for (kind, verb) in [
        (&PAGERDUTY as &dyn SinkKind, Verb::Open),
        (&PAGERDUTY_CHANGE, Verb::Inform),
    ] {
        let request = request(
            &*built(kind, json!({})),
            &Saying::of(alert.clone()).task(verb),
        );
        assert!(
            request.body.len() <= EVENT_BYTES_MAX,
            "{}",
            request.body.len()
        );
        let payload = body(&request)["payload"].clone();
        let note = payload["custom_details"]["note"].as_str().unwrap();
        assert!(note.contains("512000"), "{note}");
        assert_eq!(payload["summary"], summary);
    }
}

#[test]
fn hostile_texts_are_values_and_links_that_are_none_are_left_out() {
    let mut alert = samples::alert(Status::Open);
    let content = Arc::make_mut(&mut alert.content);
    content.title = "a\"}, \"event_action\": \"resolve\", \"x\": {\"\r\n\u{202e}b\0".to_owned();
    content.labels.set("routing_key", "\"x\"");
    content.links.push(Link {
        href: "javascript:alert(1)".to_owned(),
        text: "x".to_owned(),
    });
    content.links.push(Link {
        href: "https://ok.example/".to_owned(),
        text: String::new(),
    });
    let saying = Saying::of(alert);
    let body = body(&request(&*pagerduty(), &saying.task(Verb::Open)));
    assert_eq!(body["event_action"], "trigger");
    assert_eq!(body["routing_key"], KEY);
    let summary = body["payload"]["summary"].as_str().unwrap();
    assert!(
        !summary.contains(['\n', '\r', '\0', '\u{202e}']),
        "{summary}"
    );
    assert_eq!(
        body["payload"]["custom_details"]["labels"]["routing_key"],
        "\"x\""
    );
    let links: Vec<&str> = body["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["href"].as_str().unwrap())
        .collect();
    let own = format!("http://hub.example:8080/alerts/{}", saying.alert.id);
    assert_eq!(
        links,
        [
            own.as_str(),
            "https://runbooks.example/disk?x=1&y=2",
            "https://ok.example/"
        ]
    );
    assert_eq!(body["client_url"], own);
}

#[test]
fn the_events_apis_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let judged = |status, body: &str| {
        finish(
            &*pagerduty(),
            &saying.task(Verb::Open),
            &reply(status, body),
        )
    };
    let unrecognized = r#"{"status":"Unrecognized object","message":"Event object format is unrecognized","errors":["JSON parse error"]}"#;
    let invalid = r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing or blank"]}"#;
    let bad_key = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#;
    let slow = Outcome::Throttled { after_ms: None };
    let table = [
        (202, TAKEN, Outcome::Accepted, ""),
        // An unknown key of the right form is answered so as well; nobody can tell.
        (202, "", Outcome::Accepted, ""),
        (200, TAKEN, Outcome::Accepted, ""),
        (
            200,
            "<html>Sign in</html>",
            Outcome::Ambiguous,
            "not PagerDuty's",
        ),
        (200, "", Outcome::Ambiguous, "not PagerDuty's"),
        (400, unrecognized, Outcome::PayloadBad, "shorter form"),
        (400, invalid, Outcome::PayloadBad, "payload.summary"),
        (
            400,
            bad_key,
            Outcome::CredentialBad,
            "copy the Integration Key",
        ),
        (401, "", Outcome::CredentialBad, "401"),
        (403, "", Outcome::CredentialBad, "403"),
        (404, "", Outcome::TargetGone, "`region`"),
        (413, "", Outcome::PayloadBad, "larger"),
        (429, "", slow, "120 events a minute"),
        (408, "", Outcome::Ambiguous, "repeated"),
        (500, "", Outcome::Ambiguous, "repeated"),
        (502, "<html>", Outcome::Ambiguous, "repeated"),
        (503, "", Outcome::Ambiguous, "repeated"),
        (301, "", Outcome::TargetGone, "redirect"),
    ];
    for (status, body, outcome, word) in table {
        let judged = judged(status, body);
        assert_eq!(judged.outcome, outcome, "{status} {body}");
        assert!(
            judged.excerpt.contains(word),
            "{status}: {}",
            judged.excerpt
        );
        let is_taken = outcome == Outcome::Accepted;
        assert_eq!(judged.handle.is_some(), is_taken, "{status} {body}");
    }
    let asked = finish(
        &*pagerduty(),
        &saying.task(Verb::Open),
        &reply_with(429, "", &[("retry-after", "30")]),
    );
    assert_eq!(
        asked.outcome,
        Outcome::Throttled {
            after_ms: Some(30_000)
        }
    );
    for (sent, outcome) in [
        (Sent::Maybe, Outcome::Ambiguous),
        (Sent::Never, Outcome::Retry),
    ] {
        let lost = finish(
            &*pagerduty(),
            &saying.task(Verb::Open),
            &samples::broken(sent),
        );
        assert_eq!(lost.outcome, outcome);
    }
}

#[test]
fn the_region_chooses_the_hosts_and_base_url_goes_before_it() {
    let url = |extra| {
        let saying = Saying::of(samples::alert(Status::Open));
        request(&*built(&PAGERDUTY, extra), &saying.task(Verb::Open)).url
    };
    assert_eq!(
        url(json!({ "base_url": null })),
        "https://events.pagerduty.com/v2/enqueue"
    );
    assert_eq!(
        url(json!({ "base_url": null, "region": "eu" })),
        "https://events.eu.pagerduty.com/v2/enqueue"
    );
    assert_eq!(
        url(json!({ "region": "eu" })),
        format!("{BASE}/pagerduty/v2/enqueue")
    );
}

#[test]
fn m5_informational_alerts_are_refused_and_change_events_page_nobody() {
    assert!(!PAGERDUTY.manifest().takes_notifications);
    assert!(PAGERDUTY.manifest().takes_issues);
    assert!(!PAGERDUTY_CHANGE.manifest().takes_issues);
    let saying = Saying::of(samples::notification());
    // Should one come all the same, it pages nobody.
    let step = crate::kit::Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    for verb in [Verb::Open, Verb::Inform, Verb::Close] {
        match pagerduty().next(&saying.task(verb), step) {
            crate::kit::Next::Finish(finish) => {
                assert_eq!(finish.outcome, Outcome::PayloadBad);
                assert!(
                    finish.excerpt.contains("pagerduty_change"),
                    "{}",
                    finish.excerpt
                );
            }
            crate::kit::Next::Request { .. } => panic!("{verb:?} was sent"),
        }
    }
}

#[test]
fn a_notification_is_a_change_event() {
    let sink = built(&PAGERDUTY_CHANGE, json!({}));
    let saying = Saying::of(samples::notification());
    let verb = |seq| Verb::Event {
        seq,
        status: Status::Closed,
    };
    let sent = request(&*sink, &saying.task(verb(3)));
    insta::assert_json_snapshot!(shown(&*sink, &sent));
    for field in ["dedup_key", "event_action"] {
        assert_eq!(body(&sent).get(field), None);
    }
    assert_eq!(body(&sent)["payload"].get("severity"), None);
    let done = finish(&*sink, &saying.task(verb(3)), &reply(202, TAKEN));
    assert_eq!((done.outcome, done.handle), (Outcome::Accepted, None));
    // Its second event is an acknowledgement, which is no change.
    let step = crate::kit::Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let next = sink.next(&saying.task(verb(2)), step);
    assert!(
        matches!(next, crate::kit::Next::Finish(finish) if finish.outcome == Outcome::Delivered)
    );
}

#[test]
fn m6_acknowledging_belongs_to_pagerduty_alone_if_a_setting_says_so() {
    let can = |extra: Value| {
        let mut settings = PAGERDUTY.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let sink = PAGERDUTY.build(&settings).unwrap();
        let can = sink.can(PAGERDUTY.manifest());
        (can.ack, can.unack, can.note, can.snooze, can.assign)
    };
    let token = "u+example-token-0001";
    assert_eq!(can(json!({})), (true, false, false, false, false));
    assert_eq!(
        can(json!({ "acknowledge_from": "pagerduty" })),
        (false, false, false, false, false)
    );
    assert_eq!(
        can(json!({ "api_token": token })),
        (true, true, true, true, false)
    );
    // A snooze acknowledges there too.
    assert_eq!(
        can(json!({ "api_token": token, "acknowledge_from": "pagerduty" })),
        (false, false, true, false, false)
    );
}

#[test]
fn p14_the_set_up_leads_to_the_services_integration_key() {
    let steps = PAGERDUTY.manifest().setup.join("\n");
    for word in [
        "Integrations tab",
        "Events API V2",
        "Integration Key",
        "Routing Key",
    ] {
        assert!(steps.contains(word), "{word}");
    }
}

#[test]
fn a_key_names_its_service_so_another_key_is_another_target() {
    use crate::kit::SettingKind;
    for kind in [&PAGERDUTY as &dyn SinkKind, &PAGERDUTY_CHANGE] {
        for field in fields_of(&(kind.manifest().schema)()) {
            let expected = match field.name.as_str() {
                "routing_key" | "region" | "base_url" | "api_base_url" => SettingKind::Target,
                "api_token" | "from" => SettingKind::Credential,
                _ => SettingKind::Option,
            };
            assert_eq!(field.kind, expected, "{}", field.name);
            let is_secret = matches!(field.name.as_str(), "routing_key" | "api_token");
            assert_eq!(field.secret, is_secret, "{}", field.name);
        }
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_field_without_the_secret() {
    let table = [
        (json!({ "routing_key": "short" }), "routing_key"),
        (
            json!({ "routing_key": "0123456789abcdef0123456789abcde!" }),
            "routing_key",
        ),
        (
            json!({ "routing_key": "https://events.pagerduty.com/int" }),
            "routing_key",
        ),
        (json!({ "region": "mars" }), "region"),
        (json!({ "acknowledge_from": "nowhere" }), "acknowledge_from"),
        (json!({ "base_url": "events.pagerduty.com" }), "base_url"),
        (json!({ "api_token": "a token" }), "api_token"),
        (json!({ "api_token": "t", "from": "nobody" }), "from"),
        (
            json!({ "api_token": "t", "from": "a@b\r\nX-Other: c" }),
            "from",
        ),
        (json!({ "from": "hub@example.org" }), "from"),
        (json!({ "api_token": "t", "service": "P1/../x" }), "service"),
        (
            json!({ "api_token": "t", "api_base_url": "ftp://x" }),
            "api_base_url",
        ),
        (json!({ "events_per_minute": 0 }), "events_per_minute"),
        (json!({ "events_per_minute": 60_001 }), "events_per_minute"),
    ];
    for (extra, field) in table {
        let mut settings: SettingsMap = PAGERDUTY.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = PAGERDUTY.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
        let said = format!("{errors:?}");
        assert!(!said.contains("0123456789abcdef"), "{said}");
    }
    let mut ruleset = PAGERDUTY_CHANGE.example(BASE);
    ruleset.insert(
        "routing_key".to_owned(),
        json!("R123456789abcdef0123456789abcdef"),
    );
    let errors = PAGERDUTY_CHANGE.build(&ruleset).err().unwrap();
    assert_eq!(errors[0].field, "routing_key");
    // For alerts such a key is as good as any.
    assert!(
        PAGERDUTY
            .build(&{
                let mut settings = PAGERDUTY.example(BASE);
                settings.insert(
                    "routing_key".to_owned(),
                    json!("R123456789abcdef0123456789abcdef"),
                );
                settings
            })
            .is_ok()
    );
}

#[test]
fn i10_the_pace_is_per_key_and_never_above_what_a_minute_may_have() {
    let saying = Saying::of(samples::alert(Status::Open));
    let pace = |extra| built(&PAGERDUTY, extra).paces(&saying.task(Verb::Open))[0].clone();
    let ours = pace(json!({}));
    assert!(i64::from(ours.burst) + 60_000 / ours.every.0 <= 120);
    let other = pace(json!({ "routing_key": "fedcba9876543210fedcba9876543210" }));
    assert_ne!(ours.bucket, other.bucket);
    assert_eq!(pace(json!({ "events_per_minute": 600 })).every.0, 100);
}

#[test]
fn a_test_says_that_it_is_one() {
    let saying = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    let summary =
        body(&request(&*pagerduty(), &saying.task(Verb::Open)))["payload"]["summary"].clone();
    assert!(summary.as_str().unwrap().starts_with("Test: "), "{summary}");
}
