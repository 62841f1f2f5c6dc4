use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{AlertId, DurationMs, Secret, Severity, Signal, SignalKind, Timestamp};
use serde_json::{Value, json};
use wire::signatures::sign_standard_webhook;

use super::GENERIC;
use crate::kit::samples::NOW;
use crate::kit::{Accepted, Answer, Dialect, Inbound, Rejection, SignalOutcome};

fn send(settings: &Value, headers: &[(&str, &str)], body: &[u8]) -> Accepted {
    send_with(Method::POST, settings, headers, body)
}

fn send_with(method: Method, settings: &Value, headers: &[(&str, &str)], body: &[u8]) -> Accepted {
    let settings = GENERIC.settings(settings.as_object().unwrap()).unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(n, v)| {
            (
                HeaderName::from_bytes(n.as_bytes()).unwrap(),
                HeaderValue::from_str(v).unwrap(),
            )
        })
        .collect();
    let inbound = Inbound {
        method: &method,
        path: "/",
        query: "",
        headers: &headers,
        body,
        received_at: NOW,
        source: "script",
    };
    GENERIC.accept(&inbound, &settings).decoded()
}

fn taken(accepted: Accepted) -> (Vec<Signal>, Vec<Rejection>) {
    match accepted {
        Accepted::Signals {
            signals,
            rejections,
        } => (signals, rejections),
        Accepted::Refused(answer) => panic!("refused: {}", String::from_utf8_lossy(&answer.body)),
        Accepted::Batch(_) | Accepted::Read(_) | Accepted::Silence(_) => panic!("no signals"),
    }
}

fn refused(accepted: Accepted) -> (u16, Value) {
    match accepted {
        Accepted::Refused(answer) => (answer.status, serde_json::from_slice(&answer.body).unwrap()),
        _ => panic!("taken"),
    }
}

fn one(body: &Value) -> Signal {
    let (mut signals, rejections) = taken(send(&json!({}), &[], body.to_string().as_bytes()));
    assert_eq!((signals.len(), &rejections), (1, &vec![]), "{body}");
    signals.remove(0)
}

fn problem(body: &Value) -> String {
    let (signals, mut rejections) =
        taken(send(&json!({}), &[], json!([body]).to_string().as_bytes()));
    assert_eq!((signals, rejections.len()), (vec![], 1), "{body}");
    rejections.remove(0).problem
}

#[test]
fn every_field_of_a_signal_is_taken() {
    let signal = one(&json!({
        "key": "db-1/disk", "kind": "fire", "severity": "P2", "resource": "db-1", "event": "DiskFull",
        "title": "Disk is full", "text": "91 % used", "value": 91.5,
        "labels": { "env": "prod", "shard": 7, "primary": true, "none": null },
        "annotations": { "remedy": "Remove data." },
        "links": ["https://a.example/", { "href": "https://b.example/", "text": "B" }, "javascript:alert(1)"],
        "starts_at": "2025-11-20T10:00:00Z", "resolve_timeout": "10m", "id": "m-1", "via": ["hub-a"],
        "something_else": [1, 2]
    }));
    assert_eq!(signal.key, "db-1/disk");
    assert_eq!(
        (signal.kind, signal.severity),
        (SignalKind::Fire, Some(Severity::Major))
    );
    assert_eq!(
        (signal.resource.as_str(), signal.event.as_str()),
        ("db-1", "DiskFull")
    );
    assert_eq!(
        (signal.title.as_str(), signal.text.as_str()),
        ("Disk is full", "91 % used")
    );
    assert_eq!(signal.value.as_deref(), Some("91.5"));
    assert_eq!(
        serde_json::to_string(&signal.labels).unwrap(),
        r#"{"env":"prod","primary":"true","shard":"7"}"#
    );
    assert_eq!(signal.annotations.get("remedy"), Some("Remove data."));
    assert_eq!(
        signal
            .links
            .iter()
            .map(|l| l.text.as_str())
            .collect::<Vec<_>>(),
        ["", "B"]
    );
    assert_eq!(signal.starts_at, Some(Timestamp(1_763_632_800_000)));
    assert_eq!(signal.ends_at, Some(NOW + DurationMs::from_mins(10)));
    assert_eq!(
        (signal.message_id.as_deref(), signal.via.as_slice()),
        (Some("m-1"), ["hub-a".to_owned()].as_slice())
    );
}

#[test]
fn one_a_list_and_a_wrapped_list_are_all_signals() {
    let signal = json!({ "title": "x" });
    for (body, count) in [
        (signal.clone(), 1),
        (json!([signal, signal]), 2),
        (json!({ "signals": [signal, signal, signal] }), 3),
        (json!([]), 0),
        (json!({ "signals": [] }), 0),
    ] {
        let (signals, rejections) = taken(send(&json!({}), &[], body.to_string().as_bytes()));
        assert_eq!((signals.len(), rejections.len()), (count, 0), "{body}");
    }
}

#[test]
fn without_a_key_the_problem_is_recognised_by_what_names_it() {
    let key = |body: Value| one(&body).key;
    assert_eq!(
        key(json!({ "resource": "db-1", "event": "DiskFull", "title": "a" })),
        "db-1/DiskFull"
    );
    assert_eq!(
        key(json!({ "resource": "a/b", "event": "c%" })),
        "a%2Fb/c%25"
    );
    assert_eq!(key(json!({ "event": "DiskFull" })), "/DiskFull");
    assert_ne!(
        key(json!({ "resource": "a/b", "event": "c" })),
        key(json!({ "resource": "a", "event": "b/c" }))
    );
    let by_labels = key(json!({ "labels": { "a": "1", "b": "2" }, "title": "x" }));
    assert!(by_labels.starts_with("labels:"), "{by_labels}");
    assert_eq!(
        by_labels,
        key(json!({ "labels": { "b": "2", "a": "1" }, "title": "y" }))
    );
    assert_ne!(by_labels, key(json!({ "labels": { "a": "1", "b": "3" } })));
    assert_eq!(
        key(json!({ "title": "x" })),
        key(json!({ "title": "x", "text": "other" }))
    );
    assert_eq!(
        key(json!({ "resource": "r".repeat(600), "event": "e" })).len(),
        32
    );
}

#[test]
fn kinds_are_read_from_many_words_and_from_times() {
    let table = [
        ("firing", SignalKind::Fire),
        ("OPEN", SignalKind::Fire),
        ("resolved", SignalKind::Resolve),
        ("closed", SignalKind::Resolve),
        (" ok ", SignalKind::Resolve),
        ("inform", SignalKind::Inform),
        ("cancel", SignalKind::Cancel),
    ];
    for (word, expected) in table {
        assert_eq!(
            one(&json!({ "title": "x", "status": word })).kind,
            expected,
            "{word}"
        );
        assert_eq!(
            one(&json!({ "title": "x", "kind": word })).kind,
            expected,
            "{word}"
        );
    }
    assert_eq!(
        one(&json!({ "title": "x", "status": false })).kind,
        SignalKind::Resolve
    );
    assert_eq!(
        one(&json!({ "title": "x", "ends_at": NOW.unix_seconds() })).kind,
        SignalKind::Resolve
    );
    assert_eq!(
        one(&json!({ "title": "x", "ends_at": NOW.unix_seconds() + 1 })).kind,
        SignalKind::Fire
    );
}

#[test]
fn times_are_rfc_3339_seconds_or_milliseconds() {
    for form in [
        json!("2025-11-20T12:00:00+02:00"),
        json!(1_763_632_800),
        json!(1_763_632_800_000_i64),
        json!("1763632800"),
        json!(1_763_632_800.0),
    ] {
        let signal = one(&json!({ "title": "x", "starts_at": form }));
        assert_eq!(
            signal.starts_at,
            Some(Timestamp(1_763_632_800_000)),
            "{form}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_signal_is_said_with_its_field() {
    let labels: serde_json::Map<String, Value> =
        (0..5000).map(|i| (format!("l{i}"), json!("x"))).collect();
    let table = [
        (json!(5), "it is not a JSON object"),
        (json!(null), "it is not a JSON object"),
        (
            json!({}),
            "nothing names the problem: give `key`, or `resource` and `event`, or `labels`, or `title`",
        ),
        (json!({ "title": ["x"] }), "`title` must be a text"),
        (json!({ "key": {} }), "`key` must be a text"),
        (
            json!({ "title": "x", "labels": [] }),
            "`labels` must be an object of texts",
        ),
        (
            json!({ "title": "x", "labels": { "a": { "b": 1 } } }),
            "`labels.a` must be a text",
        ),
        (
            json!({ "title": "x", "kind": "maybe" }),
            "`maybe` is no kind: say fire, resolve, inform or cancel",
        ),
        (
            json!({ "title": "x", "links": "x" }),
            "`links` must be a list of addresses, or of {href, text}",
        ),
        (
            json!({ "title": "x", "via": [1] }),
            "`via` must be a list of texts",
        ),
        (
            json!({ "title": "x", "starts_at": "0001-01-01T00:00:00Z" }),
            "`starts_at` must lie between the years 1970 and 9999",
        ),
        (
            json!({ "title": "x", "ends_at": 1e300 }),
            "`ends_at` must lie between the years 1970 and 9999",
        ),
        (
            json!({ "title": "x", "starts_at": 200, "ends_at": 100 }),
            "`ends_at` is before `starts_at`",
        ),
        (
            json!({ "title": "x", "resolve_timeout": "soon" }),
            "`resolve_timeout` must be a time such as 5m, or seconds, up to a year",
        ),
        (
            json!({ "title": "x", "resolve_timeout": -5 }),
            "`resolve_timeout` must be a time such as 5m, or seconds, up to a year",
        ),
        (
            json!({ "title": "x", "labels": labels }),
            "it has 5000 labels, more than 128",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(problem(&body), expected);
    }
    let when = problem(&json!({ "title": "x", "starts_at": "tomorrow" }));
    assert!(
        when.starts_with("`starts_at` must be an RFC 3339 time"),
        "{when}"
    );
}

#[test]
fn bodies_that_cannot_be_read_are_refused_in_the_dialects_own_shape() {
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let bodies: [&[u8]; 5] = [
        b"",
        b"{",
        b"key=value",
        b"[{\"title\":\"\xff\"}]",
        many.as_bytes(),
    ];
    for body in bodies {
        let (status, answer) = refused(send(&json!({}), &[], body));
        assert_eq!(
            (status, &answer["accepted"], &answer["results"]),
            (400, &json!(0), &json!([]))
        );
        assert!(
            answer["errors"][0]["problem"]
                .as_str()
                .is_some_and(|p| p.len() > 10),
            "{answer}"
        );
    }
    let (status, _) = refused(send_with(Method::GET, &json!({}), &[], b"{}"));
    assert_eq!(status, 405);
}

#[test]
fn the_answer_tells_each_signals_fate_by_its_place() {
    let answer = |outcomes: &[SignalOutcome], rejected: &[usize]| -> Answer {
        let rejections: Vec<Rejection> = rejected
            .iter()
            .map(|index| Rejection {
                index: *index,
                problem: "bad".to_owned(),
            })
            .collect();
        super::answer(outcomes, &rejections)
    };
    let mixed = answer(
        &[
            SignalOutcome::Opened(AlertId(1)),
            SignalOutcome::Refused("no".to_owned()),
            SignalOutcome::Repeated(AlertId(2)),
            SignalOutcome::Ignored("known".to_owned()),
        ],
        &[0, 3],
    );
    assert_eq!(mixed.status, 200);
    insta::assert_json_snapshot!(serde_json::from_slice::<Value>(&mixed.body).unwrap());
    assert_eq!(answer(&[], &[0]).status, 400);
    assert_eq!(
        answer(&[SignalOutcome::Refused("no".to_owned())], &[]).status,
        400
    );
    assert_eq!(answer(&[], &[]).status, 200);
}

#[test]
fn a_message_id_comes_from_the_body_or_from_the_header() {
    let ids = |body: Value| -> Vec<Option<String>> {
        let (signals, _) = taken(send(
            &json!({}),
            &[("webhook-id", "msg_1")],
            body.to_string().as_bytes(),
        ));
        signals.into_iter().map(|s| s.message_id).collect()
    };
    assert_eq!(ids(json!({ "title": "x" })), [Some("msg_1".to_owned())]);
    assert_eq!(
        ids(json!({ "title": "x", "id": "own" })),
        [Some("own".to_owned())]
    );
    assert_eq!(
        ids(json!([{ "title": "x" }, { "title": "y" }])),
        [Some("msg_1#0".to_owned()), Some("msg_1#1".to_owned())]
    );
}

#[test]
fn with_a_secret_only_signed_bodies_are_taken() {
    let settings = json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_next": "plain text secret" });
    let body = br#"{"title":"x"}"#;
    let seconds = NOW.unix_seconds().to_string();
    for secret in [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_cGxhaW4gdGV4dCBzZWNyZXQ=",
    ] {
        let signature =
            sign_standard_webhook(&[Secret::new(secret)], "m1", NOW.unix_seconds(), body).unwrap();
        let headers = [
            ("webhook-id", "m1"),
            ("webhook-timestamp", seconds.as_str()),
            ("webhook-signature", &signature),
        ];
        assert_eq!(taken(send(&settings, &headers, body)).0.len(), 1);
        assert_eq!(
            refused(send(&settings, &headers, br#"{"title":"y"}"#)).0,
            401
        );
    }
    assert_eq!(refused(send(&settings, &[], body)).0, 401);
}

#[test]
fn a_silence_resolves_only_where_somebody_said_when() {
    assert_eq!(one(&json!({ "title": "x" })).ends_at, None);
    let settings = json!({ "resolve_timeout": "5m" });
    let (signals, _) = taken(send(
        &settings,
        &[],
        br#"[{"title":"x"},{"title":"y","status":"resolved"}]"#,
    ));
    assert_eq!(signals[0].ends_at, Some(NOW + DurationMs::from_mins(5)));
    assert_eq!(signals[1].ends_at, None);
}

#[test]
fn a_foreign_json_is_read_where_the_map_says() {
    let settings = json!({ "map": {
        "items": "/checks",
        "key": "{{host}}:{{check.id}}",
        "kind": "/check/state",
        "kind_map": { "DOWN": "fire", "*": "resolve" },
        "severity": "/check/level",
        "severity_map": { "5": "critical", "*": "warning" },
        "resource": "/host",
        "event": "Check failed",
        "title": "{{check.name}} on {{host}} is {{check.state}}",
        "text": "$/site",
        "value": "/check/value",
        "starts_at": "/check/since",
        "labels": { "team": "/team", "site": "$/site", "fixed": "yes", "absent": "/no/such" },
        "annotations": "/check",
        "links": { "Check": "/url", "None": "/no" }
    } });
    let body = json!({
        "site": "north",
        "checks": [
            { "host": "web-1", "team": null, "url": "https://checks.example/1",
              "check": { "id": 7, "name": "Ping", "state": "DOWN", "level": 5, "value": 0.5, "since": 1_763_632_800, "more": { "a": [1] } } },
            { "host": "web-2", "check": { "id": 8, "name": "Ping", "state": "UP", "level": 1 } },
            { "check": 5 }
        ]
    });
    let (signals, rejections) = taken(send(&settings, &[], body.to_string().as_bytes()));
    assert_eq!(rejections, []);
    let first = &signals[0];
    assert_eq!(
        (first.key.as_str(), first.kind.clone(), first.severity),
        ("web-1:7", SignalKind::Fire, Some(Severity::Critical))
    );
    assert_eq!(
        (
            first.title.as_str(),
            first.event.as_str(),
            first.text.as_str()
        ),
        ("Ping on web-1 is DOWN", "Check failed", "north")
    );
    assert_eq!(
        serde_json::to_string(&first.labels).unwrap(),
        r#"{"fixed":"yes","site":"north"}"#
    );
    assert_eq!(first.annotations.get("more"), Some(r#"{"a":[1]}"#));
    assert_eq!(
        (first.value.as_deref(), first.links.len()),
        (Some("0.5"), 1)
    );
    assert_eq!(first.starts_at, Some(Timestamp(1_763_632_800_000)));
    assert_eq!(
        (signals[1].kind.clone(), signals[1].severity),
        (SignalKind::Resolve, Some(Severity::Warning))
    );
}

#[test]
fn a_map_that_cannot_work_is_refused_with_the_path_of_its_setting() {
    let table = [
        (json!({ "map": {} }), "map"),
        (json!({ "map": { "title": "{{#if}}" } }), "map.title"),
        (
            json!({ "map": { "title": "x", "items": "alerts" } }),
            "map.items",
        ),
        (json!({ "map": { "titel": "x" } }), "map"),
        (json!({ "map": "x" }), "map"),
        (json!({ "secret": "whsec_!" }), "secret"),
        (json!({ "resolve_timeout": "10ms" }), "resolve_timeout"),
    ];
    for (settings, field) in table {
        let errors = GENERIC
            .settings(settings.as_object().unwrap())
            .err()
            .unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{settings}: {errors:?}"
        );
    }
}
