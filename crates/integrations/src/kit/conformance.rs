//! What every sink and dialect of the registry must do, whatever its vendor.

use std::collections::HashSet;
use std::sync::Arc;

use http::{HeaderMap, Method};
use model::{Alert, Content, EventKind, Handle, Labels, Link, Outcome, Status, Told, Verb, limits};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::http::{HttpReply, Sent, TransportError, TransportErrorKind};

use crate::kit::samples::{self, Saying};
use crate::kit::{Accepted, Answer, Inbound, Next, Reply, Sink, SinkKind, Step, Task, fields_of};
use crate::registry::{DIALECTS, SINKS};

const BASE: &str = "http://127.0.0.1:8090";

const VERBS: [Verb; 16] = [
    Verb::Open,
    Verb::Inform,
    Verb::Update,
    Verb::Ack,
    Verb::Unack,
    Verb::Close,
    Verb::Note(3),
    Verb::Remind,
    Verb::Event {
        seq: 1,
        kind: EventKind::Opened,
    },
    Verb::Event {
        seq: 99,
        kind: EventKind::Closed,
    },
    Verb::Set(Told::Open),
    Verb::Set(Told::Closed),
    Verb::Repeat(Told::Open),
    Verb::Repeat(Told::Acked),
    Verb::Repeat(Told::Closed),
    Verb::CloseExtra(0),
];

fn build(kind: &dyn SinkKind) -> Arc<dyn Sink> {
    kind.build(&kind.example(BASE))
        .unwrap_or_else(|errors| panic!("{}: {errors:?}", kind.manifest().name))
}

fn sinks() -> impl Iterator<Item = (&'static str, Arc<dyn Sink>)> {
    SINKS
        .iter()
        .map(|kind| (kind.manifest().name, build(*kind)))
}

/// A handle that any vendor could have given.
fn handles() -> [Option<Handle>; 3] {
    let slack = Handle {
        object: "C0123ABCD/1503435956.000247".to_owned(),
        data: json!({ "channel": "C0123ABCD", "ts": "1503435956.000247" }),
    };
    let odd = Handle {
        object: String::new(),
        data: json!([1]),
    };
    [None, Some(slack), Some(odd)]
}

/// Runs a task to its end with the same reply to each request.
fn run(sink: &dyn Sink, task: &Task<'_>, reply: &Reply, requests_max: u32) -> crate::kit::Finish {
    let mut memo = Value::Null;
    let mut last = None;
    for number in 0..=requests_max {
        match sink.next(
            task,
            Step {
                number,
                memo: &memo,
                reply: last,
            },
        ) {
            Next::Finish(finish) => return finish,
            Next::Request { memo: kept, .. } => {
                memo = kept;
                last = Some(reply);
            }
        }
    }
    panic!("more than {requests_max} requests");
}

#[test]
fn every_sink_is_built_from_its_example_which_has_all_required_settings_and_no_unknown_ones() {
    for kind in SINKS {
        let name = kind.manifest().name;
        let example = kind.example(BASE);
        let fields = fields_of(&(kind.manifest().schema)());
        for key in example.keys() {
            assert!(
                fields.iter().any(|f| f.name == *key),
                "{name}: the example's {key} is no setting"
            );
        }
        for field in fields.iter().filter(|f| f.required) {
            assert!(
                example.contains_key(&field.name),
                "{name}: the example lacks {}",
                field.name
            );
        }
        build(*kind);
    }
}

#[test]
fn every_sink_refuses_unknown_missing_and_mistyped_settings_by_their_field() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let example = kind.example(BASE);
        let refused = |settings| kind.build(&settings).err().unwrap_or_default();

        let mut unknown = example.clone();
        unknown.insert("no_such_setting".to_owned(), json!(1));
        assert!(
            refused(unknown)
                .iter()
                .any(|e| e.field == "no_such_setting"),
            "{}",
            manifest.name
        );

        for field in fields_of(&(manifest.schema)()) {
            let mut missing = example.clone();
            missing.remove(&field.name);
            let errors = refused(missing);
            assert_eq!(
                errors.iter().any(|e| e.field == field.name),
                field.required,
                "{} {}",
                manifest.name,
                field.name
            );

            let mut mistyped = example.clone();
            mistyped.insert(field.name.clone(), json!([["s3cr3t-value"]]));
            let errors = refused(mistyped);
            assert!(
                errors.iter().any(|e| e.field == field.name),
                "{} {}: {errors:?}",
                manifest.name,
                field.name
            );
            // I9: an error about a secret does not repeat it.
            assert!(
                !field.secret || !format!("{errors:?}").contains("s3cr3t-value"),
                "{}",
                manifest.name
            );
        }
    }
}

#[test]
fn every_manifest_says_what_people_need() {
    let mut names = HashSet::new();
    for kind in SINKS {
        let manifest = kind.manifest();
        let name = manifest.name;
        assert!(names.insert(name), "{name} stands twice in the registry");
        assert!(
            !manifest.title.is_empty() && !manifest.about.is_empty() && !manifest.docs.is_empty(),
            "{name}"
        );
        assert!(manifest.setup.len() >= 2, "{name}: steps to set it up");
        assert!(
            manifest.deadline_ms >= 1000 && manifest.requests_max >= 1,
            "{name}"
        );
        assert!(
            manifest.takes_issues || manifest.takes_notifications,
            "{name}"
        );
        for field in fields_of(&(manifest.schema)()) {
            assert!(
                field.about.len() >= 10,
                "{name}: {} has no description",
                field.name
            );
        }
        let mut codes = HashSet::new();
        for error in manifest.errors {
            assert!(
                codes.insert(error.code),
                "{name}: two sentences for {}",
                error.code
            );
            assert!(
                error.sentence.ends_with('.') && error.sentence.len() > 20,
                "{name}: {}",
                error.code
            );
        }
    }
    for dialect in DIALECTS {
        let manifest = dialect.manifest();
        assert!(
            names.insert(manifest.name),
            "{} stands twice",
            manifest.name
        );
        assert!(
            manifest.setup.iter().any(|step| step.contains("{url}")),
            "{}: no address",
            manifest.name
        );
        for field in fields_of(&(manifest.schema)()) {
            assert!(
                field.about.len() >= 10,
                "{}: {} has no description",
                manifest.name,
                field.name
            );
        }
    }
}

#[test]
fn every_secret_setting_of_an_example_is_among_the_sinks_secrets() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let example = kind.example(BASE);
        let sink = build(*kind);
        for field in fields_of(&(manifest.schema)()).iter().filter(|f| f.secret) {
            for text in texts(example.get(&field.name).unwrap_or(&Value::Null)) {
                let is_known = sink.secrets().iter().any(|s| s.expose() == text);
                assert!(
                    is_known,
                    "{}: {} is not redacted",
                    manifest.name, field.name
                );
                assert!(
                    !sink.target().contains(&text),
                    "{}: the target shows a secret",
                    manifest.name
                );
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_sink_makes_a_request_or_an_end_of_every_verb_in_every_status() {
    for (name, sink) in sinks() {
        for status in Status::ALL {
            for handle in handles() {
                let saying = Saying {
                    handle,
                    ..Saying::of(samples::alert(status))
                };
                for verb in VERBS {
                    let task = saying.task(verb);
                    let step = Step {
                        number: 0,
                        memo: &Value::Null,
                        reply: None,
                    };
                    if let Next::Request { request, .. } = sink.next(&task, step) {
                        assert!(request.url.starts_with(BASE), "{name} {verb:?}");
                        assert!(url::Url::parse(&request.url).is_ok(), "{name} {verb:?}");
                    }
                    for pace in sink.paces(&task) {
                        assert!(pace.every.0 > 0 && pace.burst > 0, "{name}: {pace:?}");
                        for secret in sink.secrets() {
                            assert!(
                                !pace.bucket.contains(secret.expose()),
                                "{name}: a bucket holds a secret"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_status_and_every_body_gives_an_outcome() {
    let bodies = [
        "",
        "ok",
        "{}",
        "[]",
        "null",
        r#"{"ok":true}"#,
        r#"{"ok":false}"#,
        r#"{"ok":"yes"}"#,
        "<html>",
        "\u{0}",
        "{\"ok\":false,\"error\":\"what_is_this\"}",
    ];
    for kind in SINKS {
        let (name, sink) = (kind.manifest().name, build(*kind));
        let saying = Saying::of(samples::alert(Status::Open));
        for status in 100..=599 {
            for body in bodies {
                let finish = run(
                    &*sink,
                    &saying.task(Verb::Open),
                    &samples::reply(status, body),
                    kind.manifest().requests_max,
                );
                let is_good = matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted);
                assert!(
                    !is_good || (200..300).contains(&status),
                    "{name}: {status} {body}"
                );
                assert!(
                    is_good || !finish.excerpt.is_empty(),
                    "{name}: {status} {body} has no words"
                );
                assert!(finish.excerpt.chars().count() <= limits::EXCERPT_CHARS_MAX);
            }
        }
    }
}

#[test]
fn every_named_error_is_no_success_and_is_told_by_its_sentence() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let sink = build(*kind);
        let saying = Saying::of(samples::alert(Status::Open));
        for error in manifest.errors {
            let reply = match error.code.parse::<u16>() {
                Ok(status) => samples::reply(status, ""),
                Err(_) if manifest.name == "slack_webhook" => samples::reply(400, error.code),
                Err(_) => samples::reply(
                    200,
                    &json!({ "ok": false, "error": error.code }).to_string(),
                ),
            };
            let finish = run(
                &*sink,
                &saying.task(Verb::Open),
                &reply,
                manifest.requests_max,
            );
            assert!(
                !matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted),
                "{}",
                error.code
            );
            let sentence: String = error.sentence.chars().take(100).collect();
            assert!(
                finish.excerpt.starts_with(&sentence),
                "{}: {}",
                error.code,
                finish.excerpt
            );
        }
    }
}

#[test]
fn without_a_reply_only_what_never_left_is_certain() {
    let kinds = [
        TransportErrorKind::BadRequest,
        TransportErrorKind::AddressRefused,
        TransportErrorKind::NameNotFound { transient: None },
        TransportErrorKind::Connect,
        TransportErrorKind::Tls,
        TransportErrorKind::Timeout,
        TransportErrorKind::Broken,
        TransportErrorKind::BadReply,
    ];
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        let task = saying.task(Verb::Open);
        for kind in kinds {
            for sent in [Sent::Never, Sent::Maybe] {
                let reply = Err(TransportError {
                    kind,
                    what: "it broke".to_owned(),
                    sent,
                });
                let outcome = samples::finish(&*sink, &task, &reply).outcome;
                match sent {
                    Sent::Maybe => assert_eq!(outcome, Outcome::Ambiguous, "{name} {kind:?}"),
                    Sent::Never => assert!(
                        matches!(outcome, Outcome::Retry | Outcome::TargetGone),
                        "{name} {kind:?}"
                    ),
                }
            }
        }
    }
}

#[test]
fn too_many_requests_are_throttled_for_as_long_as_the_vendor_says() {
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        let task = saying.task(Verb::Open);
        let after = |headers: &[(&'static str, &str)]| {
            samples::finish(&*sink, &task, &samples::reply_with(429, "", headers)).outcome
        };
        assert_eq!(
            after(&[("retry-after", "30")]),
            Outcome::Throttled {
                after_ms: Some(30_000)
            },
            "{name}"
        );
        assert_eq!(after(&[]), Outcome::Throttled { after_ms: None }, "{name}");
    }
}

#[test]
fn i9_no_secret_comes_back_in_an_excerpt_a_handle_or_a_probe() {
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        for secret in sink.secrets() {
            let secret = secret.expose();
            let check = |shown: String| assert!(!shown.contains(secret), "{name}: {shown}");
            for status in [200, 302, 400, 401, 403, 404, 429, 500] {
                let echo = format!("you sent {secret}, {{\"echo\": {secret:?}}}");
                let in_json = json!({ "ok": false, "error": secret, "needed": secret }).to_string();
                for body in [echo, in_json, secret.to_owned()] {
                    let reply = samples::reply(status, &body);
                    check(format!(
                        "{:?}",
                        samples::finish(&*sink, &saying.task(Verb::Open), &reply)
                    ));
                    let step = Step {
                        number: 1,
                        memo: &Value::Null,
                        reply: Some(&reply),
                    };
                    if let Some(Next::Finish(finish)) = sink.probe(step) {
                        check(format!("{finish:?}"));
                    }
                }
            }
            let hung_up = Err(TransportError {
                kind: TransportErrorKind::Broken,
                what: format!("no answer to {secret}"),
                sent: Sent::Maybe,
            });
            check(format!(
                "{:?}",
                samples::finish(&*sink, &saying.task(Verb::Open), &hung_up)
            ));
            check(format!(
                "{:?}",
                samples::request(&*sink, &saying.task(Verb::Open))
            ));
        }
    }
}

/// Labels are hostile (DESIGN §13).
fn hostile() -> Alert {
    let nasty = [
        "<!channel> <!here> <@U123|x> <https://evil.example|click>",
        "\"</script><script>alert(1)</script>",
        "\u{202e}gnp.exe\u{202c}",
        "nul\0and\u{1b}[31m",
        "👩‍👩‍👧‍👦 émoji",
        "line\r\nX-Injected: yes",
        "{{7*7}} ${jndi:ldap://x}",
    ];
    let all = nasty.join(" ");
    let mut labels: Labels = nasty
        .iter()
        .enumerate()
        .map(|(i, text)| (format!("l{i}"), *text))
        .collect();
    labels.set("long", "x<&>".repeat(2500));
    labels.set(all.clone(), all.clone());
    Alert {
        key: all.clone(),
        assignee: Some(all.clone()),
        content: Arc::new(Content {
            resource: all.clone(),
            event: all.clone(),
            title: format!("{all}{}", "t&".repeat(5000)),
            text: format!("{all}{}", "text<".repeat(5000)),
            value: Some(all.clone()),
            annotations: [("cause", all.repeat(50)), ("remedy", all.repeat(50))]
                .into_iter()
                .collect(),
            links: vec![
                Link {
                    href: "javascript:alert(1)".to_owned(),
                    text: all.clone(),
                },
                Link {
                    href: "https://x.example/<!here>|y\">".to_owned(),
                    text: all.clone(),
                },
            ],
            labels,
            ..samples::content()
        }),
        ..samples::alert(Status::Open)
    }
}

#[test]
fn hostile_labels_neither_break_requests_nor_headers() {
    for (name, sink) in sinks() {
        for handle in handles() {
            let saying = Saying {
                handle,
                ..Saying::of(hostile())
            };
            for verb in VERBS {
                let request = samples::request(&*sink, &saying.task(verb));
                assert!(
                    serde_json::from_slice::<Value>(&request.body).is_ok(),
                    "{name}"
                );
                for (header, value) in &request.headers {
                    assert!(
                        http::HeaderValue::from_str(value.expose()).is_ok(),
                        "{name}: {header}"
                    );
                }
                assert!(url::Url::parse(&request.url).is_ok(), "{name}");
            }
        }
    }
}

fn inbound<'a>(
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> Inbound<'a> {
    Inbound {
        method,
        path,
        query,
        headers,
        body,
        received_at: samples::NOW,
        source: "a-source",
    }
}

fn check_accepted(name: &str, accepted: &Accepted) {
    match accepted {
        Accepted::Signals { signals, .. } => {
            for signal in signals {
                assert!(
                    !signal.key.is_empty() && signal.key.len() <= limits::KEY_BYTES_MAX,
                    "{name}"
                );
                assert!(signal.labels.len() <= limits::LABELS_MAX, "{name}");
                assert!(
                    signal.title.chars().count() <= limits::TITLE_CHARS_MAX,
                    "{name}"
                );
                assert!(
                    !signal.title.contains('\n') && !signal.text.contains('\0'),
                    "{name}"
                );
            }
        }
        Accepted::Refused(answer) => check_answer(name, answer),
        Accepted::Read(_) => {}
    }
}

fn check_answer(name: &str, answer: &Answer) {
    assert!((200..600).contains(&answer.status), "{name}");
    for (header, value) in &answer.headers {
        assert!(
            http::HeaderName::from_bytes(header.as_bytes()).is_ok(),
            "{name}"
        );
        assert!(http::HeaderValue::from_str(value).is_ok(), "{name}");
    }
    if answer.content_type == Some("application/json") {
        assert!(
            serde_json::from_slice::<Value>(&answer.body).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn every_dialect_works_with_no_settings_at_all_and_answers_what_every_dialect_must() {
    for dialect in DIALECTS {
        let name = dialect.manifest().name;
        assert!(dialect.settings(&serde_json::Map::new()).is_ok(), "{name}");
        let unknown = json!({ "no_such_setting": 1 })
            .as_object()
            .cloned()
            .unwrap_or_default();
        let errors = dialect.settings(&unknown).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == "no_such_setting"),
            "{name}"
        );
        let (unauthorized, busy) = (
            dialect.unauthorized(),
            dialect.busy(model::DurationMs(1500)),
        );
        assert_eq!(unauthorized.status, 401, "{name}");
        assert_eq!(busy.status, 503, "{name}");
        assert!(
            busy.headers.contains(&("retry-after", "2".to_owned())),
            "{name}"
        );
        assert_eq!(dialect.too_large(10).status, 413, "{name}");
        for answer in [unauthorized, busy, dialect.too_large(10)] {
            check_answer(name, &answer);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_dialect_panic(body: Vec<u8>, path in "\\PC{0,30}", query in "\\PC{0,30}", post: bool) {
        let headers = HeaderMap::new();
        let method = if post { Method::POST } else { Method::GET };
        for dialect in DIALECTS {
            let settings = dialect.settings(&serde_json::Map::new()).expect("no settings are good settings");
            for path in [path.as_str(), "/", "/api/v2/alerts"] {
                check_accepted(dialect.manifest().name, &dialect.accept(&inbound(&method, path, &query, &headers, &body), &settings));
            }
        }
    }

    #[test]
    fn no_json_makes_a_dialect_panic(body in json_like()) {
        let headers = HeaderMap::new();
        for dialect in DIALECTS {
            let settings = dialect.settings(&serde_json::Map::new()).expect("no settings are good settings");
            for path in ["/", "/api/v2/alerts"] {
                let body = body.to_string();
                check_accepted(dialect.manifest().name, &dialect.accept(&inbound(&Method::POST, path, "", &headers, body.as_bytes()), &settings));
            }
        }
    }

    #[test]
    fn no_reply_makes_a_sink_panic(status: u16, body in "\\PC{0,60}", is_post: bool) {
        for (_, sink) in sinks() {
            let saying = Saying { handle: if is_post { None } else { handles()[1].clone() }, ..Saying::of(samples::alert(Status::Open)) };
            let reply = Ok(HttpReply { status, headers: HeaderMap::new(), body: body.clone().into(), truncated: true });
            let _judged = samples::finish(&*sink, &saying.task(Verb::Update), &reply);
        }
    }
}

/// JSON that has the fields of the dialects in many types.
fn json_like() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("labels"),
        Just("annotations"),
        Just("startsAt"),
        Just("endsAt"),
        Just("generatorURL"),
        Just("key"),
        Just("kind"),
        Just("severity"),
        Just("title"),
        Just("text"),
        Just("value"),
        Just("links"),
        Just("starts_at"),
        Just("ends_at"),
        Just("resolve_timeout"),
        Just("signals"),
        Just("alertname"),
        Just("via"),
        Just("href"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("2026-11-20T10:00:00Z")),
        Just(json!("-009999-01-01T00:00:00Z")),
        Just(json!("1e300")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}
