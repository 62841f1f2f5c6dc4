use http::{HeaderMap, Method};
use model::{DurationMs, Severity, Signal, SignalKind};
use serde_json::{Value, json};

use super::ALERTMANAGER_WEBHOOK;
use crate::kit::samples::NOW;
use crate::kit::{Accepted, Answer, Dialect, Inbound, Rejection, SignalOutcome};

fn accept(settings: Value, method: &Method, path: &str, body: &[u8]) -> Accepted {
    let headers = HeaderMap::new();
    let inbound = Inbound {
        method,
        path,
        query: "",
        headers: &headers,
        body,
        received_at: NOW,
        source: "am",
    };
    let settings = ALERTMANAGER_WEBHOOK
        .settings(settings.as_object().unwrap())
        .unwrap();
    ALERTMANAGER_WEBHOOK.accept(&inbound, &settings)
}

fn post(settings: Value, body: &Value) -> (Vec<Signal>, Vec<Rejection>) {
    match accept(settings, &Method::POST, "/", body.to_string().as_bytes()) {
        Accepted::Signals {
            signals,
            rejections,
        } => (signals, rejections),
        _ => panic!("not taken: {body}"),
    }
}

fn refused(method: &Method, path: &str, body: &[u8]) -> (u16, String) {
    match accept(json!({}), method, path, body) {
        Accepted::Refused(answer) => (answer.status, String::from_utf8(answer.body).unwrap()),
        _ => panic!("taken"),
    }
}

/// As Alertmanager 0.25 posts it.
fn body() -> Value {
    json!({
        "receiver": "hub", "status": "firing", "version": "4", "truncatedAlerts": 0,
        "groupKey": "{}/{severity=\"critical\"}:{env=\"p\"}", "groupLabels": { "env": "p" },
        "commonLabels": { "env": "p" }, "commonAnnotations": {}, "externalURL": "http://am:9093",
        "alerts": [
            {
                "status": "firing", "labels": { "alertname": "A", "instance": "h:1", "severity": "page" },
                "annotations": { "summary": "S" }, "startsAt": "2025-11-20T10:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/graph",
                "fingerprint": "00000000deadbeef",
            },
            {
                "status": "resolved", "labels": { "alertname": "A", "instance": "h:1" },
                "annotations": {}, "startsAt": "2025-11-20T10:00:00Z", "endsAt": "2025-11-20T11:00:00Z",
                "generatorURL": "", "fingerprint": "",
            },
        ],
    })
}

#[test]
fn each_alert_of_a_group_speaks_for_itself() {
    let (signals, rejections) = post(json!({}), &body());
    assert_eq!(rejections, []);
    let [fire, resolve] = signals.as_slice() else {
        panic!("{signals:?}");
    };
    assert_eq!(
        (fire.kind.clone(), fire.key.as_str(), fire.severity),
        (
            SignalKind::Fire,
            "00000000deadbeef",
            Some(Severity::Critical)
        )
    );
    assert_eq!(
        (
            fire.title.as_str(),
            fire.resource.as_str(),
            fire.links.len()
        ),
        ("S", "h:1", 1)
    );
    let group = Some("{}/{severity=\"critical\"}:{env=\"p\"}");
    assert_eq!((fire.group_key.as_deref(), fire.ends_at), (group, None));
    // Without a fingerprint it is that of the labels, as everywhere.
    assert_eq!(
        (resolve.kind.clone(), resolve.key.as_str()),
        (SignalKind::Resolve, "eb781e8aed2454db")
    );
    assert_eq!(resolve.starts_at, fire.starts_at);
    assert_eq!(
        resolve.ends_at.unwrap().to_string(),
        "2025-11-20T11:00:00.000Z"
    );
    let (signals, _) = post(json!({ "resolve_timeout": "5h" }), &body());
    assert_eq!(signals[0].ends_at, Some(NOW + DurationMs::from_hours(5)));
}

#[test]
fn a_bad_alert_spoils_only_itself_and_a_bad_body_is_never_sent_again() {
    let mut some = body();
    some["alerts"][0]["status"] = json!("odd");
    some["alerts"].as_array_mut().unwrap().push(json!(5));
    let (signals, rejections) = post(json!({}), &some);
    assert_eq!((signals.len(), rejections.len()), (1, 2));
    assert_eq!(
        rejections[0].problem,
        "alert 0: the status \"odd\" is neither firing nor resolved"
    );
    let mut old = body();
    old["version"] = json!("3");
    for (method, path, body, status, says) in [
        (
            Method::POST,
            "/",
            b"{".to_vec(),
            400,
            "not the body of Alertmanager's webhook",
        ),
        (
            Method::POST,
            "/",
            b"[]".to_vec(),
            400,
            "leave `payload` unset",
        ),
        (
            Method::POST,
            "/",
            old.to_string().into_bytes(),
            400,
            "version 3",
        ),
        (Method::POST, "/x", Vec::new(), 404, "nothing below"),
        (Method::GET, "/", Vec::new(), 405, "posts"),
    ] {
        let (answered, text) = refused(&method, path, &body);
        assert!(
            answered == status && text.contains(says),
            "{answered} {text}"
        );
    }
}

#[test]
fn only_a_busy_hub_answers_so_that_it_is_sent_again() {
    let headers = HeaderMap::new();
    let inbound = Inbound {
        method: &Method::POST,
        path: "/",
        query: "",
        headers: &headers,
        body: b"",
        received_at: NOW,
        source: "am",
    };
    let answer = |outcomes: &[SignalOutcome]| ALERTMANAGER_WEBHOOK.answer(&inbound, outcomes, &[]);
    assert_eq!(
        answer(&[SignalOutcome::Ignored("closed already".to_owned())]),
        Answer::empty(200)
    );
    assert_eq!(
        answer(&[SignalOutcome::Refused("odd".to_owned())]).status,
        400
    );
    assert_eq!(ALERTMANAGER_WEBHOOK.busy(DurationMs(1)).status, 503);
}
