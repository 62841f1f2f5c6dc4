use std::sync::Arc;

use model::{AlertKind, Handle, Link, Outcome, Severity, Status, Told, Verb};
use serde_json::{Value, json};
use wire::http::{HttpRequest, Sent};

use super::VICTOROPS;
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request, shown};
use crate::kit::{Next, SettingKind, Sink, SinkKind, Step, fields_of};

const BASE: &str = "http://127.0.0.1:8090";
const KEY: &str = "3f2b8c1e-5d47-4a90-8e61-example000001";
const SUCCESS: &str = r#"{"result":"success","entity_id":"x"}"#;

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = VICTOROPS.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    settings.retain(|_, value| !value.is_null());
    VICTOROPS
        .build(&settings)
        .unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn victorops() -> Arc<dyn Sink> {
    built(json!({}))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn sent(saying: &Saying, verb: Verb) -> Value {
    body(&request(&*victorops(), &saying.task(verb)))
}

#[test]
fn an_alert_that_opens_is_one_message_with_its_fields_and_links() {
    let saying = Saying::of(samples::alert(Status::Open));
    insta::assert_json_snapshot!(shown(
        &*victorops(),
        &request(&*victorops(), &saying.task(Verb::Open))
    ));
}

#[test]
fn each_verb_has_its_message_type_and_the_alerts_identity() {
    let table = [
        (Verb::Open, "CRITICAL"),
        (Verb::Update, "CRITICAL"),
        (Verb::Remind, "CRITICAL"),
        (Verb::Unack, "CRITICAL"),
        (Verb::Set(Told::Open), "CRITICAL"),
        (Verb::Repeat(Told::Open), "CRITICAL"),
        // Whatever it is in: it must be there to be acknowledged.
        (Verb::Set(Told::Acked), "CRITICAL"),
        (Verb::Repeat(Told::Acked), "CRITICAL"),
        (Verb::Ack, "ACKNOWLEDGEMENT"),
        (Verb::Close, "RECOVERY"),
        (Verb::Set(Told::Closed), "RECOVERY"),
        (Verb::Repeat(Told::Closed), "RECOVERY"),
        (Verb::CloseExtra(0), "RECOVERY"),
        (Verb::Note(3), "INFO"),
    ];
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    for (verb, expected) in table {
        let body = sent(&saying, verb);
        assert_eq!(body["message_type"], expected, "{verb:?}");
        assert_eq!(body["entity_id"], saying.alert.id.to_string(), "{verb:?}");
        assert!(
            !body["state_message"].as_str().unwrap().is_empty(),
            "{verb:?}"
        );
    }
}

#[test]
fn severities_are_message_types() {
    let words = Severity::ALL.map(|severity| {
        let mut alert = samples::alert(Status::Open);
        Arc::make_mut(&mut alert.content).severity = severity;
        sent(&Saying::of(alert), Verb::Open)["message_type"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(
        words,
        ["INFO", "WARNING", "WARNING", "CRITICAL", "CRITICAL"]
    );
}

#[test]
fn who_acknowledged_and_what_was_noted_is_said() {
    let mut saying = Saying::of(samples::alert(Status::Acknowledged));
    saying.events[1].note = Some("on it".to_owned());
    let ack = sent(&saying, Verb::Ack);
    assert_eq!(
        (&ack["ack_author"], &ack["ack_message"]),
        (&json!("anna"), &json!("on it"))
    );
    assert_eq!(ack["state_start_time"], saying.events[1].at.unix_seconds());
    let note = sent(&saying, Verb::Note(3));
    assert_eq!(note["state_message"], "Note by bo: Looking at <db-1> now");
    let closed = sent(&Saying::of(samples::alert(Status::Closed)), Verb::Close);
    assert_eq!(
        closed["state_message"],
        "Resolved: Disk /var on db-1 is 91 % full"
    );
    assert_eq!(closed.get("ack_author"), None);
}

#[test]
fn a_notification_is_an_entry_of_the_timeline_and_has_nothing_to_close() {
    let saying = Saying::of(samples::notification());
    assert_eq!(saying.alert.kind, AlertKind::Notification);
    for verb in [Verb::Inform, Verb::Open] {
        assert_eq!(sent(&saying, verb)["message_type"], "INFO", "{verb:?}");
    }
    let step = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let closed = victorops().next(&saying.task(Verb::Close), step);
    assert!(matches!(closed, Next::Finish(finish) if finish.outcome == Outcome::Delivered));
}

#[test]
fn in_doubt_about_an_acknowledged_alert_it_is_opened_and_then_acknowledged() {
    let sink = victorops();
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(Verb::Set(Told::Acked));
    let first = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Next::Request { memo, .. } = sink.next(&task, first) else {
        panic!("no request")
    };
    let success = reply(200, SUCCESS);
    let second = Step {
        number: 1,
        memo: &memo,
        reply: Some(&success),
    };
    let Next::Request { request, memo, .. } = sink.next(&task, second) else {
        panic!("no second")
    };
    assert_eq!(body(&request)["message_type"], "ACKNOWLEDGEMENT");
    let third = Step {
        number: 2,
        memo: &memo,
        reply: Some(&success),
    };
    assert!(
        matches!(sink.next(&task, third), Next::Finish(finish) if finish.outcome == Outcome::Delivered)
    );
    let refused = finish(&*sink, &task, &reply(500, ""));
    assert_eq!(refused.outcome, Outcome::Ambiguous);
}

#[test]
fn m16_the_key_is_in_the_address_and_the_routing_key_may_be_left_out() {
    let url = |extra| {
        let saying = Saying::of(samples::alert(Status::Open));
        request(&*built(extra), &saying.task(Verb::Open)).url
    };
    let base = format!("{BASE}/victorops/integrations/generic/20131114/alert/{KEY}");
    assert_eq!(url(json!({})), format!("{base}/database"));
    for none in [json!(null), json!(""), json!("  ")] {
        assert_eq!(url(json!({ "routing_key": none })), base);
    }
    assert_eq!(
        url(json!({ "routing_key": "ops?é" })),
        format!("{base}/ops%3F%C3%A9")
    );
    assert_eq!(
        url(json!({ "base_url": null })),
        format!("https://alert.victorops.com/integrations/generic/20131114/alert/{KEY}/database")
    );
    assert_eq!(built(json!({})).target(), "database at 127.0.0.1:8090");
    assert!(
        built(json!({ "routing_key": null }))
            .target()
            .starts_with("the default route")
    );
    let kinds: Vec<(String, SettingKind)> = fields_of(&(VICTOROPS.manifest().schema)())
        .into_iter()
        .map(|field| (field.name, field.kind))
        .collect();
    for (name, kind) in kinds {
        let expected = if name == "api_key" {
            SettingKind::Credential
        } else {
            SettingKind::Target
        };
        assert_eq!(kind, expected, "{name}");
    }
}

#[test]
fn the_result_in_the_body_decides_and_not_the_status() {
    let saying = Saying::of(samples::alert(Status::Open));
    let judged = |status, body: &str| {
        finish(
            &*victorops(),
            &saying.task(Verb::Open),
            &reply(status, body),
        )
    };
    let failure = |message: &str| json!({ "result": "failure", "message": message }).to_string();
    let table = [
        (200, SUCCESS.to_owned(), Outcome::Delivered, ""),
        (
            200,
            r#"{"result":"success"}"#.to_owned(),
            Outcome::Delivered,
            "",
        ),
        (
            200,
            failure("Missing fields: message_type"),
            Outcome::PayloadBad,
            "fault of the hub",
        ),
        (
            400,
            failure("Missing fields: message_type"),
            Outcome::PayloadBad,
            "message_type",
        ),
        (
            200,
            failure("Invalid API key"),
            Outcome::CredentialBad,
            "Post URL",
        ),
        // Owed until it is taken: an unknown word gives up no page.
        (
            200,
            failure("Something new"),
            Outcome::Retry,
            "Something new",
        ),
        (
            400,
            failure("Something new"),
            Outcome::PayloadBad,
            "refuses",
        ),
        (
            500,
            failure("Something new"),
            Outcome::Ambiguous,
            "repeated",
        ),
        (200, String::new(), Outcome::Ambiguous, "not VictorOps'"),
        (
            200,
            "<html>Sign in</html>".to_owned(),
            Outcome::Ambiguous,
            "not VictorOps'",
        ),
        (200, "{}".to_owned(), Outcome::Ambiguous, "not VictorOps'"),
        (500, SUCCESS.to_owned(), Outcome::Ambiguous, "repeated"),
        (302, String::new(), Outcome::TargetGone, "redirect"),
        (400, String::new(), Outcome::PayloadBad, "refuses"),
        (401, String::new(), Outcome::CredentialBad, "API key"),
        (403, String::new(), Outcome::CredentialBad, "API key"),
        (404, String::new(), Outcome::TargetGone, "`api_key`"),
        (408, String::new(), Outcome::Ambiguous, "repeated"),
        (503, String::new(), Outcome::Ambiguous, "repeated"),
        (
            429,
            String::new(),
            Outcome::Throttled { after_ms: None },
            "slow down",
        ),
    ];
    for (status, body, outcome, word) in table {
        let judged = judged(status, &body);
        assert_eq!(judged.outcome, outcome, "{status} {body}");
        assert!(
            judged.excerpt.contains(word),
            "{status} {body}: {}",
            judged.excerpt
        );
        assert_eq!(
            judged.handle.is_some(),
            outcome == Outcome::Delivered,
            "{status} {body}"
        );
    }
    let slow = finish(
        &*victorops(),
        &saying.task(Verb::Open),
        &reply_with(429, "", &[("retry-after", "9")]),
    );
    assert_eq!(
        slow.outcome,
        Outcome::Throttled {
            after_ms: Some(9000)
        }
    );
    for (sent, outcome) in [
        (Sent::Maybe, Outcome::Ambiguous),
        (Sent::Never, Outcome::Retry),
    ] {
        let lost = finish(
            &*victorops(),
            &saying.task(Verb::Open),
            &samples::broken(sent),
        );
        assert_eq!(lost.outcome, outcome);
    }
}

#[test]
fn the_identity_that_was_told_is_used_again() {
    let saying = Saying::of(samples::alert(Status::Open));
    let opened = finish(
        &*victorops(),
        &saying.task(Verb::Open),
        &reply(200, SUCCESS),
    );
    assert_eq!(opened.handle.unwrap().object, saying.alert.id.to_string());
    let with = |object: &str| {
        let handle = Some(Handle {
            object: object.to_owned(),
            data: Value::Null,
        });
        let saying = Saying {
            handle,
            ..Saying::of(samples::alert(Status::Closed))
        };
        sent(&saying, Verb::Close)["entity_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(with("host/disk"), "host/disk");
    for bad in ["", &"k".repeat(513)] {
        assert_eq!(with(bad), saying.alert.id.to_string());
    }
}

#[test]
fn texts_are_cut_at_the_endpoints_limits_and_no_label_stands_for_a_field() {
    let mut alert = samples::alert(Status::Open);
    let content = Arc::make_mut(&mut alert.content);
    content.title = "t".repeat(5000);
    content.text = "ü".repeat(30_000);
    content.value = Some("v".repeat(3000));
    for (name, value) in [
        ("entity_id", "other"),
        ("message_type", "RECOVERY"),
        ("vo_annotate.u.x", "javascript:alert(1)"),
        ("a b\"c\n", "\u{202e}x\0y"),
    ] {
        content.labels.set(name, value);
    }
    content.links = vec![
        Link {
            href: "https://a.example/".to_owned(),
            text: "Runbook".to_owned(),
        },
        Link {
            href: "https://b.example/".to_owned(),
            text: "Runbook".to_owned(),
        },
        Link {
            href: "https://c.example/".to_owned(),
            text: "\r\n".to_owned(),
        },
        Link {
            href: "javascript:alert(1)".to_owned(),
            text: "x".to_owned(),
        },
        Link {
            href: format!("https://d.example/{}", "p".repeat(1200)),
            text: "long".to_owned(),
        },
    ];
    let saying = Saying::of(alert);
    let body = sent(&saying, Verb::Open);
    for (name, value) in body.as_object().unwrap() {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let max = match name.as_str() {
            "state_message" => 20_480,
            "entity_id" => 512,
            name if name.starts_with("vo_annotate.") => 1124,
            _ => 1024,
        };
        assert!(length <= max, "{name}: {length}");
    }
    assert_eq!(
        body["state_message"].as_str().unwrap().chars().count(),
        20_480
    );
    assert_eq!(body["entity_id"], saying.alert.id.to_string());
    assert_eq!(body["message_type"], "CRITICAL");
    assert_eq!(body["label_entity_id"], "other");
    assert_eq!(body["label_a_b_c_"], "xy");
    assert_eq!(body["label_vo_annotate_u_x"], "javascript:alert(1)");
    let annotated: Vec<(&str, &str)> = body
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("vo_annotate.u.")?, value.as_str()?)))
        .collect();
    assert_eq!(annotated.len(), 4, "{annotated:?}");
    for (title, url) in [
        ("Runbook", "https://a.example/"),
        ("Runbook 3", "https://b.example/"),
        ("c.example", "https://c.example/"),
    ] {
        assert!(annotated.contains(&(title, url)), "{annotated:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_field_without_the_secret() {
    let whole = format!(
        "https://alert.victorops.com/integrations/generic/20131114/alert/{KEY}/$routing_key"
    );
    let long = "k".repeat(201);
    let table = [
        (json!({ "api_key": whole }), "api_key"),
        (json!({ "api_key": "" }), "api_key"),
        (json!({ "api_key": format!("{KEY}?x") }), "api_key"),
        (json!({ "routing_key": "$routing_key" }), "routing_key"),
        (json!({ "routing_key": "a/b" }), "routing_key"),
        (json!({ "routing_key": "a b" }), "routing_key"),
        (json!({ "routing_key": long }), "routing_key"),
        (json!({ "base_url": "https://u:p@x" }), "base_url"),
    ];
    for (extra, field) in table {
        let mut settings = VICTOROPS.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = VICTOROPS.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
        assert!(!format!("{errors:?}").contains(KEY), "{errors:?}");
    }
}

#[test]
fn i9_the_address_and_its_key_are_not_shown() {
    let sink = victorops();
    let saying = Saying::of(samples::alert(Status::Open));
    let path = format!("/integrations/generic/20131114/alert/{KEY}/database");
    for echo in [
        KEY.to_owned(),
        path.clone(),
        format!("{BASE}/victorops{path}"),
    ] {
        for status in [200, 400, 404, 500] {
            let judged = finish(&*sink, &saying.task(Verb::Open), &reply(status, &echo));
            assert!(!judged.excerpt.contains(KEY), "{}", judged.excerpt);
        }
    }
    let shown = format!(
        "{:?} {}",
        request(&*sink, &saying.task(Verb::Open)),
        sink.target()
    );
    assert!(!shown.contains(KEY), "{shown}");
}
