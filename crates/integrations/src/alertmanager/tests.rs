use http::{HeaderMap, Method};
use model::{Alert, AlertId, DurationMs, Severity, Signal, SignalKind, Status, Timestamp};
use serde_json::{Value, json};

use super::ALERTMANAGER;
use crate::kit::samples::{self, NOW};
use crate::kit::{
    Accepted, Answer, Dialect, Inbound, ReadAlert, ReadData, ReadIntegration, ReadWant, Rejection,
    SignalOutcome, SourceSettings,
};

fn settings() -> SourceSettings {
    ALERTMANAGER.settings(&serde_json::Map::new()).unwrap()
}

fn accept(method: Method, path: &str, query: &str, body: &[u8]) -> Accepted {
    let headers = HeaderMap::new();
    let inbound = Inbound {
        method: &method,
        path,
        query,
        headers: &headers,
        body,
        received_at: NOW,
        source: "prometheus",
    };
    ALERTMANAGER.accept(&inbound, &settings()).decoded()
}

fn post(body: &str) -> (Vec<Signal>, Vec<Rejection>) {
    match accept(Method::POST, "/api/v2/alerts", "", body.as_bytes()) {
        Accepted::Signals {
            signals,
            rejections,
        } => (signals, rejections),
        Accepted::Refused(answer) => panic!("refused: {answer:?}"),
        Accepted::Batch(_) | Accepted::Read(_) | Accepted::Silence(_) => panic!("no signals"),
    }
}

fn one(body: &Value) -> Signal {
    let (mut signals, rejections) = post(&json!([body]).to_string());
    assert_eq!((signals.len(), &rejections), (1, &vec![]));
    signals.remove(0)
}

fn problem(body: &Value) -> String {
    let (signals, mut rejections) = post(&json!([body]).to_string());
    assert_eq!((signals, rejections.len()), (vec![], 1));
    rejections.remove(0).problem
}

fn refused(body: &[u8]) -> Answer {
    match accept(Method::POST, "/api/v2/alerts", "", body) {
        Accepted::Refused(answer) => answer,
        _ => panic!("taken: {}", String::from_utf8_lossy(body)),
    }
}

fn ended(outcomes: &[SignalOutcome], rejections: &[Rejection]) -> Answer {
    let headers = HeaderMap::new();
    let inbound = Inbound {
        method: &Method::POST,
        path: "/api/v2/alerts",
        query: "",
        headers: &headers,
        body: b"",
        received_at: NOW,
        source: "prometheus",
    };
    ALERTMANAGER.answer(&inbound, outcomes, rejections)
}

#[test]
fn an_alert_becomes_a_signal_with_alertmanagers_fingerprint_as_its_key() {
    let signal = one(&json!({
        "labels": {
            "alertname": "DiskFull", "instance": "db-1:9100", "job": "node", "severity": "critical",
            "mountpoint": "/var", "empty": ""
        },
        "annotations": {
            "summary": "Disk is full", "description": "91 % used", "value": "91",
            "runbook_url": "https://runbooks.example/disk", "dashboard": "not an address"
        },
        "startsAt": "2025-11-20T10:00:00.123456789Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x&g0.tab=1"
    }));
    assert_eq!(signal.key, "0580fd5357801489");
    assert_eq!(signal.kind, SignalKind::Fire);
    assert_eq!(signal.severity, Some(Severity::Critical));
    assert_eq!(
        (signal.resource.as_str(), signal.event.as_str()),
        ("db-1:9100", "DiskFull")
    );
    assert_eq!(
        (signal.title.as_str(), signal.text.as_str()),
        ("Disk is full", "91 % used")
    );
    assert_eq!(signal.value.as_deref(), Some("91"));
    assert_eq!(signal.labels.get("empty"), None);
    assert_eq!(signal.labels.len(), 5);
    let links: Vec<&str> = signal.links.iter().map(|l| l.href.as_str()).collect();
    assert_eq!(
        links,
        [
            "http://prometheus:9090/graph?g0.expr=x&g0.tab=1",
            "https://runbooks.example/disk"
        ]
    );
    assert_eq!(signal.starts_at, Some(Timestamp(1_763_632_800_123)));
    assert_eq!(signal.ends_at, Some(NOW + DurationMs::from_mins(5)));
}

#[test]
fn without_annotations_the_alerts_name_is_its_title() {
    let signal = one(&json!({ "labels": { "alertname": "Up", "job": "api" } }));
    assert_eq!(
        (
            signal.title.as_str(),
            signal.resource.as_str(),
            signal.severity
        ),
        ("Up", "api", None)
    );
}

#[test]
fn times_are_read_as_alertmanager_reads_them() {
    let minute = |m: i64| (NOW + DurationMs::from_mins(m)).to_string();
    let zero = "0001-01-01T00:00:00Z";
    let timeout = Some(NOW + DurationMs::from_mins(5));
    let table = [
        (json!({}), SignalKind::Fire, None, timeout),
        (
            json!({ "startsAt": zero, "endsAt": zero }),
            SignalKind::Fire,
            None,
            timeout,
        ),
        (
            json!({ "startsAt": null, "endsAt": "" }),
            SignalKind::Fire,
            None,
            timeout,
        ),
        (
            json!({ "startsAt": minute(-9), "endsAt": minute(4) }),
            SignalKind::Fire,
            Some(-9),
            Some(NOW + DurationMs::from_mins(4)),
        ),
        (
            json!({ "startsAt": minute(-9), "endsAt": minute(0) }),
            SignalKind::Resolve,
            Some(-9),
            Some(NOW),
        ),
        (
            json!({ "endsAt": minute(-1) }),
            SignalKind::Resolve,
            None,
            Some(NOW + DurationMs::from_mins(-1)),
        ),
    ];
    for (times, kind, starts, ends) in table {
        let mut body = json!({ "labels": { "alertname": "T" } });
        body.as_object_mut()
            .unwrap()
            .extend(times.as_object().cloned().unwrap());
        let signal = one(&body);
        let starts = starts.map(|m| NOW + DurationMs::from_mins(m));
        assert_eq!(
            (signal.kind, signal.starts_at, signal.ends_at),
            (kind, starts, ends),
            "{times}"
        );
    }
    let forms = [
        "2025-11-20 10:00:00",
        "2025-11-20T10:00:00",
        "2025-11-20T12:00:00+02:00",
        "2025-11-20T10:00Z",
    ];
    for form in forms {
        let signal = one(&json!({ "labels": { "alertname": "T" }, "startsAt": form }));
        assert_eq!(
            signal.starts_at,
            Some(Timestamp(1_763_632_800_000)),
            "{form}"
        );
    }
}

#[test]
fn what_is_wrong_with_an_alert_is_said_as_alertmanager_says_it() {
    let labels = json!({ "alertname": "A" });
    let late = "2099-01-01T00:00:00Z";
    let table = [
        (json!({ "labels": {} }), "at least one label pair required"),
        (
            json!({ "labels": { "a": "" } }),
            "at least one label pair required",
        ),
        (
            json!({ "labels": { "a": null } }),
            "at least one label pair required",
        ),
        (
            json!({ "labels": { "1a": "x" } }),
            "invalid label set: invalid name \"1a\"",
        ),
        (
            json!({ "labels": { "ü": "x" } }),
            "invalid label set: invalid name \"ü\"",
        ),
        (
            json!({ "labels": { "": "x" } }),
            "invalid label set: invalid name \"\"",
        ),
        (
            json!({ "labels": labels, "annotations": { "b-c": "x" } }),
            "invalid annotations: invalid name \"b-c\"",
        ),
        (json!({ "annotations": {} }), "labels in body is required"),
        (
            json!({ "labels": labels, "startsAt": late }),
            "start time must be before end time",
        ),
        (
            json!({ "labels": labels, "startsAt": late, "endsAt": "2098-01-01T00:00:00Z" }),
            "start time must be before end time",
        ),
        (
            json!({ "labels": labels, "startsAt": "yesterday" }),
            "\"yesterday\" is not an RFC 3339 time",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(problem(&body), expected, "{body}");
    }
}

#[test]
fn valid_alerts_of_a_batch_are_kept_whatever_the_others_are() {
    let body = r#"[{"labels":{"alertname":"A"}},{"labels":{"alertname":5}},{"labels":{}},null,7,{"labels":{"alertname":"B"}}]"#;
    let (signals, rejections) = post(body);
    let events: Vec<&str> = signals.iter().map(|s| s.event.as_str()).collect();
    assert_eq!(events, ["A", "B"]);
    assert_eq!(
        rejections.iter().map(|r| r.index).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    let outcomes = [
        SignalOutcome::Opened(AlertId(1)),
        SignalOutcome::Refused("the store says no".to_owned()),
    ];
    let answer = ended(&outcomes, &rejections);
    assert_eq!(answer.status, 400);
    let text: String = serde_json::from_slice(&answer.body).unwrap();
    assert!(
        text.contains("alert 1: invalid type: integer `5`"),
        "{text}"
    );
    assert!(
        text.contains("; at least one label pair required; ")
            && text.ends_with("; the store says no"),
        "{text}"
    );
}

#[test]
fn what_was_taken_whole_is_answered_200_with_nothing_in_it() {
    let outcomes = [
        SignalOutcome::Repeated(AlertId(1)),
        SignalOutcome::Ignored("old".to_owned()),
    ];
    assert_eq!(ended(&outcomes, &[]), Answer::empty(200));
    assert_eq!(post("[]"), (vec![], vec![]));
    assert_eq!(post("null"), (vec![], vec![]));
    // What is nested without end spoils only its own place.
    let deep = format!("[{}{}]", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(post(&deep).1.len(), 1);
}

#[test]
fn many_problems_are_told_in_one_short_answer() {
    let rejections: Vec<Rejection> = (0..5000)
        .map(|index| Rejection {
            index,
            problem: "bad".to_owned(),
        })
        .collect();
    let text: String = serde_json::from_slice(&ended(&[], &rejections).body).unwrap();
    assert!(
        text.ends_with("; bad; and 4980 more") && text.len() < 200,
        "{text}"
    );
}

#[test]
fn bad_bodies_are_refused_with_400_and_a_json_string() {
    let many = format!("[{}]", vec![r#"{"labels":{"a":"b"}}"#; 10_001].join(","));
    let bodies: [&[u8]; 9] = [
        b"",
        b"  ",
        b"{",
        br#"[{"labels":{"alertname":"E"}"#,
        br#"{"labels":{"alertname":"D"}}"#,
        b"\"x\"",
        b"[{\"labels\":{\"a\":\"\xff\"}}]",
        b"[{\"labels\":{\"a\":\"raw\ncontrol\"}}]",
        many.as_bytes(),
    ];
    for body in bodies {
        let answer = refused(body);
        let text: Result<String, _> = serde_json::from_slice(&answer.body);
        assert_eq!(
            (answer.status, answer.content_type),
            (400, Some("application/json"))
        );
        assert!(text.is_ok_and(|t| t.len() > 5), "{answer:?}");
    }
}

#[test]
fn i10_odd_alerts_are_refused_or_cut_one_by_one() {
    let labels: serde_json::Map<String, Value> =
        (0..5000).map(|i| (format!("l{i}"), json!("x"))).collect();
    assert_eq!(
        problem(&json!({ "labels": labels })),
        "an alert cannot be taken: it has 5000 labels, more than 128"
    );
    let long = problem(&json!({ "labels": { "a": "x".repeat(5000) } }));
    assert!(
        long.ends_with("the value of label `a` is longer than 4096 bytes"),
        "{long}"
    );
    let signal = one(
        &json!({ "labels": { "alertname": "J", "p": "zwei\u{0}" }, "annotations": { "summary": "a\r\n\u{0}b" } }),
    );
    assert_eq!(signal.key, "14fbd899dd316655");
    assert_eq!(signal.labels.get("p"), Some("zwei\u{fffd}"));
    assert_eq!(signal.title, "a b");
    for time in ["-000001-01-01T00:00:00Z", "1800-01-01T00:00:00Z"] {
        assert_eq!(
            one(&json!({ "labels": { "a": "b" }, "startsAt": time })).kind,
            SignalKind::Fire,
            "{time}"
        );
    }
    assert!(
        problem(&json!({ "labels": { "a": "b" }, "startsAt": "999999-01-01T00:00:00Z" }))
            .contains("not an RFC 3339")
    );
}

#[test]
fn a_name_that_comes_twice_keeps_its_last_value() {
    let (signals, _) = post(r#"[{"labels":{"dup":"1","dup":"2"}}]"#);
    assert_eq!(
        (signals[0].key.as_str(), signals[0].labels.len()),
        ("9f6277fda6404f5c", 1)
    );
}

#[test]
fn other_paths_and_methods_are_answered_as_alertmanager_does() {
    let table = [
        (Method::GET, "/-/healthy", 200, "OK"),
        (Method::GET, "/-/ready", 200, "OK"),
        (Method::GET, "/nope", 404, "404 page not found\n"),
        (
            Method::GET,
            "/api/v2/nope",
            404,
            r#"{"code":404,"message":"path /api/v2/nope was not found"}"#,
        ),
        (
            Method::PUT,
            "/api/v2/alerts",
            405,
            r#"{"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}"#,
        ),
        (
            Method::POST,
            "/api/v2/status",
            405,
            r#"{"code":405,"message":"method POST is not allowed, but [GET] are"}"#,
        ),
        (
            Method::POST,
            "/api/v1/alerts",
            410,
            r#"{"error":"the Alertmanager API v1 is no longer served: use /api/v2/alerts","status":"deprecated"}"#,
        ),
    ];
    for (method, path, status, body) in table {
        match accept(method, path, "", b"") {
            Accepted::Refused(answer) => {
                assert_eq!(
                    (answer.status, std::str::from_utf8(&answer.body)),
                    (status, Ok(body)),
                    "{path}"
                );
            }
            _ => panic!("{path}"),
        }
    }
}

fn read(path: &str, query: &str) -> Value {
    let Accepted::Read(want) = accept(Method::GET, path, query, b"") else {
        panic!("{path} is no question");
    };
    rendered(&want)
}

fn rendered(want: &ReadWant) -> Value {
    let mut shelved = samples::alert(Status::Shelved);
    shelved.key = "aa".to_owned();
    let seen = |alert: Alert, ends_at| ReadAlert {
        alert,
        ends_at,
        last_seen: NOW,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        integrations: vec![0],
    };
    let alerts = [
        seen(
            samples::alert(Status::Acknowledged),
            Some(NOW + DurationMs::from_mins(4)),
        ),
        seen(shelved, None),
        seen(samples::alert(Status::Closed), None),
    ];
    let integration = ReadIntegration {
        receiver: "oncall: \"1\"".to_owned(),
        matchers: Vec::new(),
        except: Vec::new(),
        enabled: true,
        group_by: None,
        group_wait: DurationMs::ZERO,
        group_interval: DurationMs::ZERO,
    };
    let answer = ALERTMANAGER.render(
        want,
        &ReadData {
            alerts: &alerts,
            integrations: &[integration],
            silences: &[],
            version: "0.1.0",
            started_at: samples::START,
            node: "node-1",
            now: NOW,
        },
    );
    assert_eq!(
        (answer.status, answer.content_type),
        (200, Some("application/json"))
    );
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn status_receivers_and_alerts_are_shown_in_alertmanagers_shape() {
    insta::assert_json_snapshot!("status", read("/api/v2/status", ""));
    insta::assert_json_snapshot!("receivers", read("/api/v2/receivers", ""));
    insta::assert_json_snapshot!("alerts", read("/api/v2/alerts", ""));
}

#[test]
fn alerts_are_filtered_by_matchers_and_state() {
    let keys = |query: &str| -> Vec<String> {
        let alerts = read("/api/v2/alerts", query);
        alerts
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["fingerprint"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(""), ["0580fd5357801489", "aa"]);
    assert_eq!(keys("active=false"), ["aa"]);
    assert_eq!(
        keys("filter=alertname%3D~%22Disk.*%22&filter=env%3D%22prod%22"),
        ["0580fd5357801489", "aa"]
    );
    assert_eq!(keys("filter=env%21%3D%22prod%22"), Vec::<String>::new());
    match accept(Method::GET, "/api/v2/alerts", "filter=bad", b"") {
        Accepted::Refused(answer) => {
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (400, br#""bad matcher format: bad""#.as_slice())
            );
        }
        _ => panic!("a bad matcher was taken"),
    }
}

#[test]
fn the_sources_settings_decide_when_silence_resolves() {
    let settings = json!({ "resolve_timeout": "1h", "reopen_window": "30m" });
    let settings = ALERTMANAGER
        .settings(settings.as_object().unwrap())
        .unwrap();
    assert!(settings.defaults.reopen_same_start);
    assert_eq!(
        settings.defaults.live_after_close,
        DurationMs::from_mins(30)
    );
    for bad in [
        json!({ "resolve_timeout": "soon" }),
        json!({ "resolve_timeout": 5 }),
        json!({ "resolve_timeout": "0" }),
    ] {
        let errors = ALERTMANAGER
            .settings(bad.as_object().unwrap())
            .err()
            .unwrap_or_default();
        assert_eq!(
            errors.first().map(|e| e.field.as_str()),
            Some("resolve_timeout"),
            "{bad}"
        );
    }
}
