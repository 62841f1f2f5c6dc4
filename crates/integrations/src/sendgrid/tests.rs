use model::{EventKind, Outcome, Status, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

use super::SENDGRID;
use crate::kit::samples::{
    self, NOW, Saying, broken, finish, header, reply, reply_with, request, shown,
};
use crate::kit::{Next, Sink, SinkKind, Step, Task};

const BASE: &str = "http://127.0.0.1:8090";
const KEY: &str = "SG.exampleExampleExample.exampleExampleExampleExample";

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = SENDGRID.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    SENDGRID.build(&settings).unwrap()
}

fn verb(seq: u32) -> Verb {
    Verb::Event {
        seq,
        status: Status::Open,
    }
}

fn mail(saying: &Saying, seq: u32) -> Value {
    let request = request(&*built(json!({})), &saying.task(verb(seq)));
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn an_event_is_a_mail_with_plain_text_before_html() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let request = request(&*sink, &saying.task(verb(3)));
    assert_eq!(
        header(&request, "authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    let shown = shown(&*sink, &request);
    assert_eq!(shown["body"]["content"][0]["type"], "text/plain");
    assert_eq!(shown["body"]["content"][1]["type"], "text/html");
    insta::assert_json_snapshot!(shown);
}

#[test]
fn the_mails_of_one_alert_are_one_thread() {
    let saying = Saying::of(samples::alert(Status::Closed));
    let id = saying.alert.id;
    let opened = mail(&saying, 1)["headers"].clone();
    let root = format!("<{id}@example.com>");
    assert_eq!(opened["Message-ID"], root);
    assert_eq!(opened.get("In-Reply-To"), None);
    for seq in [2, 3] {
        let headers = mail(&saying, seq)["headers"].clone();
        assert_eq!(
            (&headers["In-Reply-To"], &headers["References"]),
            (&json!(root), &json!(root))
        );
        assert_eq!(
            headers["Message-ID"],
            format!("<{id}.msg_0190-1-3@example.com>")
        );
    }
    let sink = built(json!({}));
    let odd = Task {
        idempotency_key: "a>\r\nBcc: x@y.example",
        ..saying.task(verb(2))
    };
    let odd: Value = serde_json::from_slice(&request(&*sink, &odd).body).unwrap();
    assert_eq!(
        odd["headers"]["Message-ID"],
        format!("<{id}.a___Bcc__x_y.example@example.com>")
    );
    let test = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    assert_ne!(
        mail(&test, 1)["headers"]["Message-ID"],
        root,
        "a test opens no thread"
    );
}

#[test]
fn every_kind_of_event_is_told_and_no_header_of_sendgrids_own_is_set() {
    for kind in EventKind::ALL {
        let mut saying = Saying::of(samples::alert(Status::Open));
        saying.events[2].kind = kind;
        let task = saying.task(verb(3));
        let headline = crate::kit::Happening::of(&task).headline();
        let mail = mail(&saying, 3);
        for part in [0, 1] {
            let text = mail["content"][part]["value"].as_str().unwrap();
            assert!(text.contains(&headline), "{kind}: {text}");
            assert!(
                text.contains("Remove data or enlarge the disk."),
                "E5: {text}"
            );
        }
        let reserved = [
            "to",
            "from",
            "subject",
            "reply-to",
            "cc",
            "bcc",
            "dkim-signature",
            "content-type",
            "content-transfer-encoding",
            "received",
            "x-sg-id",
            "x-sg-eid",
        ];
        for name in mail["headers"].as_object().unwrap().keys() {
            assert!(
                !reserved.contains(&name.to_ascii_lowercase().as_str()),
                "{name}"
            );
        }
    }
}

#[test]
fn hostile_texts_are_escaped_and_add_no_header() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let content = Arc::make_mut(&mut saying.alert.content);
    content.title = format!("<img src=x>\r\nBcc: evil@x.example {}", "t".repeat(900));
    content.text = "<script>alert(1)</script>\n\"&'".repeat(2000);
    content.labels.set("<b>", "</table>");
    let mail = mail(&saying, 3);
    let subject = mail["subject"].as_str().unwrap();
    assert!(
        !subject.contains(['\r', '\n']) && subject.chars().count() <= 200,
        "{subject}"
    );
    let html = mail["content"][1]["value"].as_str().unwrap();
    assert!(
        !html.contains("<script") && !html.contains("<img") && !html.contains("<b>"),
        "{html}"
    );
    assert_eq!(html.matches("</table>").count(), 1, "only ours");
    let plain = mail["content"][0]["value"].as_str().unwrap();
    assert!(plain.chars().count() < 20_000);
}

#[test]
fn p13_sender_recipients_and_answers_come_from_the_settings() {
    let sink = built(json!({
        "to": "ops@example.com, bo@example.org", "from": "a@b.example", "from_name": "Hub\r\nX: y",
        "reply_to": "team@example.com",
    }));
    let saying = Saying::of(samples::alert(Status::Open));
    let request = request(&*sink, &saying.task(verb(1)));
    let mail: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        mail["personalizations"],
        json!([{ "to": [{ "email": "ops@example.com" }, { "email": "bo@example.org" }] }])
    );
    assert_eq!(
        mail["from"],
        json!({ "email": "a@b.example", "name": "Hub X: y" })
    );
    assert_eq!(mail["reply_to"], json!({ "email": "team@example.com" }));
    assert_eq!(mail.get("reply_to_list"), None);
    assert_eq!(sink.target(), "ops@example.com and 1 more");
}

/// What a store's bucket does with the paces of many mails at one moment (GCRA; the engine debits each in turn).
fn mails_at_once(sink: &dyn Sink) -> usize {
    let saying = Saying::of(samples::alert(Status::Open));
    let paces = sink.paces(&saying.task(verb(1)));
    let mut taken = 0;
    (0..10_000)
        .take_while(|_| {
            taken += paces.len();
            taken <= paces[0].burst as usize
        })
        .count()
}

#[test]
fn p11_each_recipient_takes_one_of_the_days_mails() {
    let saying = Saying::of(samples::alert(Status::Open));
    let paces = |extra| built(extra).paces(&saying.task(verb(1)));
    let of_two = paces(json!({}));
    assert_eq!(of_two.len(), 2, "two recipients");
    assert_eq!(of_two[0], of_two[1], "from one bucket");
    assert_eq!((of_two[0].burst, of_two[0].every.0), (100, 864_000));
    assert_eq!(mails_at_once(&*built(json!({}))), 50);
    assert_eq!(
        mails_at_once(&*built(json!({ "to": "a@x.example", "daily_limit": 7 }))),
        7
    );
    let other_sender = paces(json!({ "from": "x@y.example", "to": "z@y.example" }));
    assert_eq!(
        other_sender[0].bucket, of_two[0].bucket,
        "the account's limit is shared"
    );
    let other_key = paces(json!({ "api_key": "SG.other" }));
    assert_ne!(other_key[0].bucket, of_two[0].bucket);
    assert_eq!(paces(json!({ "daily_limit": 0 })), []);
    assert!(!format!("{of_two:?}").contains(KEY));
}

#[test]
fn settings_that_cannot_be_sent_are_refused_by_their_field() {
    let many: Vec<String> = (0..100).map(|i| format!("a{i}@x.example")).collect();
    let table = [
        (json!({ "to": [] }), "to"),
        (json!({ "to": ["x"] }), "to"),
        (json!({ "to": ["a@x.example", "A@x.example"] }), "to"),
        (json!({ "to": { "a": 1 } }), "to"),
        (json!({ "from": "nobody" }), "from"),
        (json!({ "reply_to": "a b@x" }), "reply_to"),
        (json!({ "api_key": "Bearer SG.x" }), "api_key"),
        (json!({ "api_key": "" }), "api_key"),
        (json!({ "region": "mars" }), "region"),
        (json!({ "base_url": "mail.example" }), "base_url"),
        (json!({ "from_name": "n".repeat(101) }), "from_name"),
        (json!({ "daily_limit": 99, "to": many }), "daily_limit"),
        (json!({ "daily_limit": 10_000_001 }), "daily_limit"),
        (json!({ "daily_limit": -1 }), "daily_limit"),
    ];
    for (extra, field) in table {
        let mut settings = SENDGRID.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = SENDGRID.build(&settings).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
}

#[test]
fn the_region_chooses_the_host() {
    let url = |region: &str| {
        let mut settings = SENDGRID.example(BASE);
        settings.remove("base_url");
        settings.insert("region".to_owned(), json!(region));
        let sink = SENDGRID.build(&settings).unwrap();
        request(
            &*sink,
            &Saying::of(samples::alert(Status::Open)).task(verb(1)),
        )
        .url
    };
    assert_eq!(url("global"), "https://api.sendgrid.com/v3/mail/send");
    assert_eq!(url("EU"), "https://api.eu.sendgrid.com/v3/mail/send");
}

fn errors(message: &str, field: Value) -> String {
    json!({ "errors": [{ "message": message, "field": field, "help": null }] }).to_string()
}

#[test]
fn sendgrids_answers_mean_what_the_wire_facts_say() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(verb(1));
    let hour = Outcome::Throttled {
        after_ms: Some(3_600_000),
    };
    let throttled = Outcome::Throttled { after_ms: None };
    let no = |message: &str| errors(message, Value::Null);
    let table = [
        (202, String::new(), Outcome::Accepted, ""),
        (200, String::new(), Outcome::Accepted, ""),
        (
            202,
            "<html>".to_owned(),
            Outcome::Ambiguous,
            "The answer is not one of SendGrid's",
        ),
        (
            400,
            no("bad"),
            Outcome::PayloadBad,
            "SendGrid refuses the mail",
        ),
        (
            400,
            errors("no address", json!("personalizations.0.to.0.email")),
            Outcome::TargetGone,
            "SendGrid does not accept one of the addresses",
        ),
        (
            400,
            errors("no address", json!("from.email")),
            Outcome::TargetGone,
            "SendGrid does not accept one of the addresses",
        ),
        (
            401,
            no("The provided authorization grant is invalid, expired, or revoked"),
            Outcome::CredentialBad,
            "SendGrid does not know the API key",
        ),
        (
            401,
            no("Maximum credits exceeded"),
            hour,
            "The SendGrid account has used up",
        ),
        (
            403,
            no("access forbidden"),
            Outcome::ScopeMissing,
            "The API key may not send mail",
        ),
        (
            403,
            errors(
                "The from address does not match a verified Sender Identity.",
                json!("from"),
            ),
            Outcome::ScopeMissing,
            "SendGrid does not accept the sender",
        ),
        (
            404,
            no("not found"),
            Outcome::TargetGone,
            "There is no SendGrid",
        ),
        (
            413,
            no("too large"),
            Outcome::PayloadBad,
            "The mail is too large",
        ),
        (
            429,
            no("too many requests"),
            throttled,
            "SendGrid has had enough",
        ),
        (
            500,
            String::new(),
            Outcome::Ambiguous,
            "The receiver failed",
        ),
        (
            503,
            "<html>".to_owned(),
            Outcome::Ambiguous,
            "The receiver failed",
        ),
    ];
    for (status, body, outcome, words) in table {
        let finish = finish(&*sink, &task, &reply(status, &body));
        assert_eq!(finish.outcome, outcome, "{status} {body}");
        assert!(
            finish.excerpt.starts_with(words),
            "{status}: {}",
            finish.excerpt
        );
    }
    let taken = reply_with(202, "", &[("x-message-id", "14c5d75ce93.dfd.64b469")]);
    let taken = finish(&*sink, &task, &taken);
    assert_eq!(taken.handle.unwrap().object, "14c5d75ce93.dfd.64b469");
    let lost = finish(&*sink, &task, &broken(wire::http::Sent::Maybe));
    assert_eq!(lost.outcome, Outcome::Ambiguous);
}

#[test]
fn p12_an_unverified_sender_is_told_to_authenticate_its_domain() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let body = errors(
        "The from address does not match a verified Sender Identity.",
        json!("from"),
    );
    let finish = finish(&*sink, &saying.task(verb(1)), &reply(403, &body));
    assert!(
        finish.excerpt.contains("authenticate the domain"),
        "{}",
        finish.excerpt
    );
}

type Headers<'a> = &'a [(&'static str, &'a str)];

#[test]
fn the_reset_is_a_time_and_the_wait_is_until_then() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let after = |headers: Headers<'_>| {
        finish(&*sink, &saying.task(verb(1)), &reply_with(429, "", headers)).outcome
    };
    let reset = |seconds: i64| (NOW.unix_seconds() + seconds).to_string();
    let (soon, past, far) = (reset(12), reset(-1), reset(90_000));
    let table: [(Headers<'_>, Option<i64>); 5] = [
        (&[("x-ratelimit-reset", &soon)], Some(12_000)),
        (
            &[("x-ratelimit-reset", &soon), ("retry-after", "3")],
            Some(3_000),
        ),
        (&[("x-ratelimit-reset", &past)], None),
        (&[("x-ratelimit-reset", &far)], None),
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
fn the_probe_is_a_mail_that_is_not_sent() {
    let sink = built(json!({}));
    let start = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(start) else {
        panic!("no request");
    };
    let mail: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        mail["mail_settings"],
        json!({ "sandbox_mode": { "enable": true } })
    );
    assert_eq!(
        mail["personalizations"][0]["to"].as_array().unwrap().len(),
        2
    );
    for (status, body, outcome) in [
        (200, String::new(), Outcome::Accepted),
        (401, errors("invalid", Value::Null), Outcome::CredentialBad),
        (429, String::new(), Outcome::Throttled { after_ms: None }),
    ] {
        let reply = reply_with(status, &body, &[("x-ratelimit-reset", "1763640061")]);
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

#[test]
fn i9_the_key_is_hidden_with_and_without_its_scheme() {
    let sink = built(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    for echo in [KEY.to_owned(), format!("Bearer {KEY}")] {
        let finish = finish(&*sink, &saying.task(verb(1)), &reply(400, &echo));
        assert!(!finish.excerpt.contains(KEY), "{}", finish.excerpt);
    }
}
