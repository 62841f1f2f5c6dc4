use http::{HeaderMap, Method};
use model::{AlertId, DurationMs, Severity, Signal, SignalKind, SilenceId, Status, Timestamp};
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
fn bad_bodies_are_refused_in_alertmanagers_forms() {
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
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let (status, text) = match &value {
            Value::String(text) => (400, text.as_str()),
            value => {
                let text = value["message"].as_str().unwrap();
                (
                    if text.ends_with("is required") {
                        422
                    } else {
                        400
                    },
                    text,
                )
            }
        };
        assert_eq!(
            (answer.status, answer.content_type),
            (status, Some("application/json"))
        );
        assert!(text.len() > 5, "{answer:?}");
    }
    assert_eq!(
        refused(b"").body,
        br#"{"code":602,"message":"alerts in body is required"}"#
    );
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
            Method::HEAD,
            "/api/v2/alerts/groups",
            405,
            r#"{"code":405,"message":"method HEAD is not allowed, but [GET] are"}"#,
        ),
        (
            Method::PUT,
            "/api/v2/silences",
            405,
            r#"{"code":405,"message":"method PUT is not allowed, but [POST,GET] are"}"#,
        ),
        (
            Method::PATCH,
            "/api/v2/silence/x",
            405,
            r#"{"code":405,"message":"method PATCH is not allowed, but [DELETE,GET] are"}"#,
        ),
        (
            Method::GET,
            "/api/v2/silence/",
            404,
            r#"{"code":404,"message":"path /api/v2/silence/ was not found"}"#,
        ),
        (Method::HEAD, "/-/healthy", 200, "OK"),
        (Method::POST, "/-/ready", 405, "Method Not Allowed\n"),
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

fn labelled(key: &str, labels: &[(&str, &str)], integrations: &[usize]) -> ReadAlert {
    let mut alert = samples::alert(Status::Open);
    alert.key = key.to_owned();
    let mut content = (*alert.content).clone();
    content.labels = labels.iter().copied().collect();
    alert.content = content.into();
    ReadAlert {
        alert,
        ends_at: Some(NOW + DurationMs::from_mins(4)),
        last_seen: NOW,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        integrations: integrations.to_vec(),
    }
}

fn integration(receiver: &str, group_by: Option<&[&str]>) -> ReadIntegration {
    ReadIntegration {
        receiver: receiver.to_owned(),
        matchers: Vec::new(),
        except: Vec::new(),
        enabled: true,
        group_by: group_by.map(|names| names.iter().map(|n| (*n).to_owned()).collect()),
        group_wait: DurationMs::ZERO,
        group_interval: DurationMs::ZERO,
    }
}

fn rendered(want: &ReadWant) -> Value {
    let a = [("alertname", "A"), ("env", "p")];
    let b = [("alertname", "B"), ("env", "p"), ("job", "x")];
    let c = [("alertname", "C")];
    let mut shelved = labelled("aa", &a, &[0]);
    shelved.alert.status = Status::Shelved;
    let mut closed = labelled("bb", &a, &[0]);
    closed.alert.status = Status::Closed;
    let mut silenced = labelled("cc", &b, &[1, 2, 3]);
    silenced.silenced_by = vec![SilenceId(5)];
    let mut inhibited = labelled("dd", &c, &[1]);
    inhibited.inhibited_by = vec!["aa".to_owned()];
    let mut tracking = labelled("ee", &c, &[2]);
    tracking.alert.status = Status::Tracking;
    let alerts = [
        labelled("ff", &a, &[3, 1]),
        tracking,
        inhibited,
        silenced,
        closed,
        shelved,
    ];
    let integrations = [
        integration("oncall: \"1\"", None),
        integration("ops", Some(&["env"])),
        integration("ops", Some(&["env"])),
        integration("all", Some(&[])),
    ];
    let answer = ALERTMANAGER.render(
        want,
        &ReadData {
            alerts: &alerts,
            integrations: &integrations,
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
fn status_receivers_alerts_and_groups_are_shown_in_alertmanagers_shape() {
    insta::assert_json_snapshot!("status", read("/api/v2/status", ""));
    insta::assert_json_snapshot!("receivers", read("/api/v2/receivers", ""));
    insta::assert_json_snapshot!("alerts", read("/api/v2/alerts/", "filter=alertname=B"));
    insta::assert_json_snapshot!(
        "groups",
        read("/api/v2/alerts/groups", "filter=alertname=B")
    );
}

#[test]
fn alerts_are_filtered_by_matchers_state_and_receiver() {
    let keys = |query: &str| -> String {
        let alerts = read("/api/v2/alerts", query);
        let keys = alerts.as_array().unwrap().iter();
        keys.map(|a| a["fingerprint"].as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (query, expected) in [
        ("", "aa cc dd ee ff"),
        ("active=false", "aa cc dd ee"),
        ("active=false&unprocessed=false", "aa cc dd"),
        ("silenced=false", "dd ee ff"),
        ("inhibited=no", "aa cc ee ff"),
        ("receiver=ops", "cc dd ee ff"),
        ("receiver=op", ""),
        ("receiver=on.*|all", "aa cc ff"),
        ("filter=alertname%3D~%22[AB]%22&filter=env%3Dp", "aa cc ff"),
        ("filter=env%21%3D%22p%22", "dd ee"),
    ] {
        assert_eq!(keys(query), expected, "{query}");
    }
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
fn groups_are_those_of_receivers_in_alertmanagers_order() {
    let shown = |query: &str| -> Vec<String> {
        let groups = read("/api/v2/alerts/groups", query);
        let groups = groups.as_array().unwrap().iter();
        groups
            .map(|group| {
                let alerts = group["alerts"].as_array().unwrap().iter();
                let alerts: Vec<&str> =
                    alerts.map(|a| a["fingerprint"].as_str().unwrap()).collect();
                let receiver = group["receiver"]["name"].as_str().unwrap();
                format!("{receiver} {} {}", group["labels"], alerts.join(" "))
            })
            .collect()
    };
    // The two integrations of `ops` take and group the same: one route.
    assert_eq!(
        shown(""),
        [
            "all {} cc ff",
            "ops {} ee dd",
            "ops {\"env\":\"p\"} cc ff",
            "oncall: \"1\" {\"alertname\":\"A\",\"env\":\"p\"} aa",
        ]
    );
    assert_eq!(shown("receiver=all&filter=job="), ["all {} ff"]);
    assert_eq!(
        shown("muted=false&receiver=o.*"),
        ["ops {} ee dd", "ops {\"env\":\"p\"} cc ff"]
    );
    let receivers = read("/api/v2/alerts/groups", "receiver=all");
    assert_eq!(
        receivers[0]["alerts"][0]["receivers"],
        json!([{ "name": "all" }])
    );
}

#[test]
fn what_is_neither_sent_nor_taken_as_json_is_refused() {
    let ask = |method: Method, header: &str, value: &str| {
        let headers: HeaderMap = [(
            http::HeaderName::from_bytes(header.as_bytes()).unwrap(),
            http::HeaderValue::from_str(value).unwrap(),
        )]
        .into_iter()
        .collect();
        let inbound = Inbound {
            method: &method,
            path: "/api/v2/alerts",
            query: "",
            headers: &headers,
            body: b"[]",
            received_at: NOW,
            source: "prometheus",
        };
        match ALERTMANAGER.accept(&inbound, &settings()) {
            Accepted::Refused(answer) => (answer.status, String::from_utf8(answer.body).unwrap()),
            _ => (200, String::new()),
        }
    };
    let table = [
        (
            Method::POST,
            "content-type",
            "application/json; charset=utf-8",
            200,
            "",
        ),
        (Method::POST, "content-type", "application/JSON", 200, ""),
        (
            Method::POST,
            "content-type",
            "text/plain",
            415,
            r#"{"code":415,"message":"unsupported media type \"text/plain\", only [application/json] are allowed"}"#,
        ),
        (
            Method::POST,
            "content-type",
            ";;",
            400,
            r#"{"code":400,"message":"parsing Content-Type header from \";;\" failed, because mime: no media type"}"#,
        ),
        (Method::GET, "content-type", "text/plain", 200, ""),
        (
            Method::GET,
            "accept",
            "text/html",
            406,
            r#"{"code":406,"message":"unsupported media type requested, only [application/json] are available"}"#,
        ),
        (Method::GET, "accept", "text/html, */*;q=0.1", 200, ""),
    ];
    for (method, header, value, status, said) in table {
        assert_eq!(
            ask(method, header, value),
            (status, said.to_owned()),
            "{value}"
        );
    }
}

#[test]
fn the_sources_settings_decide_when_silence_resolves() {
    let settings = json!({ "resolve_timeout": "1h", "reopen_window": "30m" });
    let settings = ALERTMANAGER
        .settings(settings.as_object().unwrap())
        .unwrap();
    assert!(settings.defaults.reopen_begun_before);
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
