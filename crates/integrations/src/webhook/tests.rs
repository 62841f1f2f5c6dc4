use model::{EventKind, Outcome, Secret, Status, Verb};
use serde_json::{Value, json};
use wire::signatures::verify_standard_webhook;

use super::WEBHOOK;
use super::render::word;
use crate::kit::samples::{self, NOW, Saying, finish, reply, request, shown};
use crate::kit::{SettingsMap, Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";

fn built(extra: Value) -> std::sync::Arc<dyn Sink> {
    let mut settings = WEBHOOK.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    WEBHOOK.build(&settings).unwrap()
}

fn event(seq: u32, status: Status) -> Verb {
    Verb::Event { seq, status }
}

#[test]
fn an_event_is_one_signed_message_in_our_own_format() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(event(2, Status::Acknowledged));
    insta::assert_json_snapshot!(shown(
        &*built(json!({})),
        &request(&*built(json!({})), &task)
    ));
}

#[test]
fn a_notification_and_a_test_say_what_they_are() {
    let saying = Saying {
        test: true,
        ..Saying::of(samples::notification())
    };
    let body: Value = serde_json::from_slice(
        &request(&*built(json!({})), &saying.task(event(3, Status::Closed))).body,
    )
    .unwrap();
    assert_eq!(body["type"], "notification");
    assert_eq!(body["test"], true);
    assert_eq!(body["data"]["event"]["seq"], 3);
}

#[test]
fn every_kind_of_event_has_its_type_word() {
    let words: Vec<String> = EventKind::ALL
        .iter()
        .map(|kind| format!("{kind} = {}", word(*kind)))
        .collect();
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn both_active_secrets_sign_and_either_verifies() {
    let second = "whsec_c2Vjb25kLXNlY29uZC1zZWNvbmQ=";
    let sink = built(json!({ "secret": "any text at all", "secret_next": second }));
    let saying = Saying::of(samples::alert(Status::Open));
    let request = request(&*sink, &saying.task(event(1, Status::Open)));
    let header = |name: &str| {
        request
            .headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.expose().to_owned())
            .unwrap()
    };
    let signature = header("webhook-signature");
    assert_eq!(signature.split(' ').count(), 2);
    // A raw text is its own bytes: base64 of them is what Standard Webhooks' libraries take.
    for secret in ["whsec_YW55IHRleHQgYXQgYWxs", second] {
        let verified = verify_standard_webhook(
            &[Secret::new(secret)],
            &header("webhook-id"),
            &header("webhook-timestamp"),
            &signature,
            &request.body,
            NOW,
        );
        assert_eq!(verified, Ok(()), "{secret}");
    }
}

#[test]
fn the_id_is_the_same_for_every_retry_and_without_a_secret_nothing_is_signed() {
    let mut settings = WEBHOOK.example(BASE);
    settings.remove("secret");
    let sink = WEBHOOK.build(&settings).unwrap();
    let saying = Saying::of(samples::alert(Status::Open));
    let first = shown(
        &*sink,
        &request(&*sink, &saying.task(event(1, Status::Open))),
    );
    let again = shown(
        &*sink,
        &request(&*sink, &saying.task(event(1, Status::Open))),
    );
    assert_eq!(first, again);
    assert_eq!(first["headers"]["webhook-id"], "msg_0190-1-3");
    assert_eq!(first["headers"]["webhook-signature"], Value::Null);
}

#[test]
fn the_receivers_answers_are_judged_by_their_status() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status| {
        finish(
            &*sink,
            &saying.task(event(1, Status::Open)),
            &reply(status, ""),
        )
        .outcome
    };
    let table: [(&[u16], Outcome); 6] = [
        (&[200, 201, 202, 204, 299], Outcome::Delivered),
        (&[301, 302, 307, 308, 404, 405, 410], Outcome::TargetGone),
        (&[401, 403], Outcome::CredentialBad),
        (&[400, 406, 409, 413, 415, 422, 431], Outcome::PayloadBad),
        (&[408, 500, 502, 503, 504], Outcome::Ambiguous),
        (&[429], Outcome::Throttled { after_ms: None }),
    ];
    for (statuses, expected) in table {
        for status in statuses {
            assert_eq!(outcome(*status), expected, "{status}");
        }
    }
}

#[test]
fn settings_that_cannot_be_sent_are_refused_by_their_field() {
    let long: SettingsMap = (0..21).map(|i| (format!("X-{i}"), json!("v"))).collect();
    let table = [
        (json!({ "url": "hooks.example" }), "url"),
        (json!({ "url": "ftp://hooks.example/" }), "url"),
        (json!({ "secret": "whsec_not base64!" }), "secret"),
        (json!({ "secret_next": "" }), "secret_next"),
        (json!({ "headers": { "bad name": "v" } }), "headers"),
        (json!({ "headers": { "X-Ok": "line\nbreak" } }), "headers"),
        (json!({ "headers": { "Webhook-Id": "mine" } }), "headers"),
        (json!({ "headers": { "X-Number": 5 } }), "headers"),
        (json!({ "headers": long }), "headers"),
    ];
    for (extra, field) in table {
        let mut settings = WEBHOOK.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = WEBHOOK.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
}

#[test]
fn i9_the_targets_name_is_its_host_alone() {
    let sink =
        built(json!({ "url": "https://user:pa55word@hooks.example:8443/s3cr3t?token=t0k3n" }));
    assert_eq!(sink.target(), "hooks.example:8443");
}

#[test]
fn a_template_of_ones_own_is_json_whatever_the_values() {
    let template = r#"{ "text": "{{alert.title}}: {{labels.instance}}", "kind": "{{type}}", "of": {{{alert.labels}}} }"#;
    let sink = built(json!({ "template": template }));
    let mut alert = samples::alert(Status::Open);
    let content = std::sync::Arc::make_mut(&mut alert.content);
    content.title = "disk \"sda\"\nis full".to_owned();
    content.labels.set("instance", "db-1\\x");
    let saying = Saying::of(alert);
    let sent = request(&*sink, &saying.task(event(1, Status::Open)));
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body["text"], "disk \"sda\"\nis full: db-1\\x");
    assert_eq!(body["of"]["instance"], "db-1\\x");
    assert!(body["kind"].as_str().unwrap().starts_with("alert."));
}

#[test]
fn a_template_that_gives_no_json_falls_back_and_the_attempt_says_so() {
    // A value outside of a string must be JSON by itself; a title is not.
    let sink = built(json!({ "template": r#"{ "text": {{alert.title}} }"# }));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(event(1, Status::Open));
    let first = crate::kit::Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let crate::kit::Next::Request { request, memo, .. } = sink.next(&task, first) else {
        panic!("no request")
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert!(body["data"]["alert"].is_object(), "the hub's own form");
    let reply = reply(200, "");
    let second = crate::kit::Step {
        number: 1,
        memo: &memo,
        reply: Some(&reply),
    };
    let crate::kit::Next::Finish(finish) = sink.next(&task, second) else {
        panic!("another request")
    };
    assert_eq!(finish.outcome, Outcome::Delivered);
    assert!(
        finish
            .excerpt
            .starts_with("sent in the hub's own form, because the template fails: line 1"),
        "{}",
        finish.excerpt
    );
}

#[test]
fn a_template_that_is_none_is_refused_with_its_place() {
    let mut settings = WEBHOOK.example(BASE);
    settings.insert("template".to_owned(), json!("{ \"text\": \"{{#if}}\" }"));
    let Err(errors) = WEBHOOK.build(&settings) else {
        panic!("taken")
    };
    assert_eq!(errors[0].field, "template");
    assert!(
        errors[0].problem.starts_with("line 1"),
        "{}",
        errors[0].problem
    );
}
