use std::sync::Arc;

use model::{Outcome, Status, Timestamp, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::DINGTALK;
use crate::kit::samples::{self, Saying, finish, reply, request};
use crate::kit::{Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = DINGTALK.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    DINGTALK.build(&settings).unwrap()
}

fn dingtalk() -> Arc<dyn Sink> {
    built(json!({}))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn event(seq: u32, status: Status) -> Verb {
    Verb::Event { seq, status }
}

#[test]
fn c11_an_event_is_one_plain_text() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let body = body(&request(
        &*dingtalk(),
        &saying.task(event(3, Status::Acknowledged)),
    ));
    insta::assert_json_snapshot!(body);
}

#[test]
fn each_event_says_what_happened() {
    let closed = Saying::of(samples::alert(Status::Closed));
    let open = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    let table = [
        (
            &closed,
            event(1, Status::Open),
            "🔴 [Critical, open] Disk",
            "Opened",
        ),
        (
            &closed,
            event(2, Status::Acknowledged),
            "🟡 [Critical, acknowledged] Disk",
            "Acknowledged by anna",
        ),
        (
            &closed,
            event(3, Status::Closed),
            "🟢 [Critical, resolved] Disk",
            "Resolved by bo",
        ),
        (
            &open,
            event(3, Status::Open),
            "🔴 Test: [Critical, open] Disk",
            "Updated",
        ),
        (
            &open,
            Verb::Remind,
            "🔴 Test: [Critical, open] Disk",
            "Still open after 1h 3m",
        ),
    ];
    for (saying, verb, first, second) in table {
        let body = body(&request(&*dingtalk(), &saying.task(verb)));
        let text = body["text"]["content"].as_str().unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with(first), "{text}");
        assert!(lines.next().unwrap().starts_with(second), "{text}");
    }
}

#[test]
fn the_address_is_signed_as_the_published_vector_says() {
    let sink = built(json!({ "access_token": "abc", "secret": "SECthisisasecret" }));
    let saying = Saying::of(samples::alert(Status::Open));
    let mut task = saying.task(event(1, Status::Open));
    task.now = Timestamp(1_700_000_000_000);
    let url = request(&*sink, &task).url;
    let query = "access_token=abc&timestamp=1700000000000&sign=k0xJ3lqr9N%2BgHT3Ywq7xDQxuIXiiigEITTk0lLgeQOg%3D";
    assert_eq!(url, format!("{BASE}/dingtalk/robot/send?{query}"));
    let mut settings = DINGTALK.example(BASE);
    settings.remove("secret");
    let unsigned = DINGTALK.build(&settings).unwrap();
    assert!(!request(&*unsigned, &task).url.contains("sign="));
}

#[test]
fn the_token_may_be_the_whole_address_and_the_path_follows_the_base_address() {
    let whole = "https://oapi.dingtalk.com/robot/send?access_token=abc123";
    let mut settings = DINGTALK.example(BASE);
    settings.insert("access_token".to_owned(), json!(whole));
    settings.remove("base_url");
    settings.remove("secret");
    let sink = DINGTALK.build(&settings).unwrap();
    let saying = Saying::of(samples::alert(Status::Open));
    assert_eq!(
        request(&*sink, &saying.task(event(1, Status::Open))).url,
        whole
    );
    assert_eq!(sink.target(), "a robot at oapi.dingtalk.com");
}

#[test]
fn a_keyword_stands_in_each_message_however_long_it_is() {
    let sink = built(json!({ "keyword": "警报" }));
    let mut alert = samples::alert(Status::Open);
    let mut content = samples::content();
    content.title = "👍".repeat(3000);
    content.text = "日本語\"\n".repeat(9000);
    content.resource = content.text.clone();
    content.annotations = [
        ("cause", content.title.clone()),
        ("remedy", format!("x{}", content.title)),
    ]
    .into_iter()
    .collect();
    alert.content = Arc::new(content);
    let saying = Saying::of(alert);
    for verb in [event(3, Status::Open), Verb::Remind] {
        let request = request(&*sink, &saying.task(verb));
        assert!(request.body.len() <= 20_000, "{}", request.body.len());
        let body = body(&request);
        let text = body["text"]["content"].as_str().unwrap();
        assert!(text.contains("警报") && text.ends_with('…'), "{verb:?}");
    }
}

#[test]
fn hostile_texts_ring_nobody_and_are_no_markup() {
    let mut alert = samples::alert(Status::Open);
    let mut content = samples::content();
    content.title = "@所有人 [x](https://evil.example) # h".to_owned();
    alert.content = Arc::new(content);
    let saying = Saying::of(alert);
    let body = body(&request(&*dingtalk(), &saying.task(event(3, Status::Open))));
    assert_eq!(body["at"], json!({ "isAtAll": false }));
    assert_eq!(body["msgtype"], "text", "in a text nothing is markup");
}

#[test]
fn dingtalks_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status, body: &str| {
        finish(
            &*dingtalk(),
            &saying.task(event(1, Status::Open)),
            &reply(status, body),
        )
        .outcome
    };
    let said = |number: i64, words: &str| {
        outcome(
            200,
            &json!({ "errcode": number, "errmsg": words }).to_string(),
        )
    };
    let blocked = Outcome::Throttled {
        after_ms: Some(600_000),
    };
    let table = [
        (0, "ok", Outcome::Delivered),
        (
            310_000,
            "keywords not in content, more: [https://ding-doc]",
            Outcome::ScopeMissing,
        ),
        (
            310_000,
            "sign not match, more: [https://ding-doc]",
            Outcome::CredentialBad,
        ),
        (
            310_000,
            "invalid timestamp, more: [https://ding-doc]",
            Outcome::Retry,
        ),
        (
            310_000,
            "ip 1.2.3.4 not in whitelist",
            Outcome::ScopeMissing,
        ),
        (310_000, "something new", Outcome::ScopeMissing),
        (
            130_101,
            "send too fast, exceed 20 times per minute",
            blocked.clone(),
        ),
        (410_100, "", blocked),
        (300_001, "token is not exist", Outcome::TargetGone),
        (400_102, "", Outcome::TargetGone),
        (430_101, "", Outcome::PayloadBad),
        (-1, "system error", Outcome::Retry),
        (99, "something new", Outcome::Retry),
    ];
    for (number, words, expected) in table {
        assert_eq!(said(number, words), expected, "{number} {words}");
    }
    assert_eq!(outcome(200, "<html>"), Outcome::Ambiguous);
    assert_eq!(outcome(200, r#"{"errcode":"0"}"#), Outcome::Ambiguous);
    assert_eq!(outcome(502, ""), Outcome::Ambiguous);
    assert_eq!(outcome(404, ""), Outcome::TargetGone);
}

#[test]
fn in_no_minute_more_is_sent_than_may_be() {
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(event(1, Status::Open));
    for number in [1, 2, 5, 20, 60] {
        let sink = built(json!({ "messages_per_minute": number }));
        let pace = sink.paces(&task).remove(0);
        // At once, and then one each `every` before the minute is over.
        let most = i64::from(pace.burst) + (60_000 - 1) / pace.every.0;
        assert!(most <= number, "{number}: {most}");
    }
    let other = built(json!({ "access_token": "other" }));
    assert_ne!(
        other.paces(&task)[0].bucket,
        dingtalk().paces(&task)[0].bucket
    );
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_field() {
    let table = [
        (json!({ "access_token": "" }), "access_token"),
        (json!({ "access_token": "SECabc" }), "access_token"),
        (json!({ "access_token": "a&b=c" }), "access_token"),
        (
            json!({ "access_token": "https://oapi.dingtalk.com/robot/send" }),
            "access_token",
        ),
        (json!({ "secret": " " }), "secret"),
        (json!({ "keyword": "" }), "keyword"),
        (json!({ "keyword": "x".repeat(101) }), "keyword"),
        (json!({ "base_url": "oapi.dingtalk.com" }), "base_url"),
        (json!({ "messages_per_minute": 0 }), "messages_per_minute"),
    ];
    for (extra, field) in table {
        let mut settings = DINGTALK.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = DINGTALK.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
}

#[test]
fn i9_neither_token_nor_secret_shows() {
    let sink = dingtalk();
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(event(1, Status::Open));
    let echo = "SECexample5example6example7example8 and example0example1example2example3example4";
    for body in [
        echo.to_owned(),
        json!({ "errcode": 310_000, "errmsg": echo }).to_string(),
    ] {
        let done = finish(&*sink, &task, &reply(200, &body));
        assert!(!done.excerpt.contains("example"), "{}", done.excerpt);
    }
    assert!(!sink.paces(&task)[0].bucket.contains("example"));
}
