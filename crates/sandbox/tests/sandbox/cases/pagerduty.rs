use super::host::{Answer, Host};
use sandbox::pagerduty::{PagerDuty, Status};
use serde_json::{Value, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";
const JSON: (&str, &str) = ("content-type", "application/json");

fn state(host: &Host) -> &PagerDuty {
    host.sandbox.vendor::<PagerDuty>().unwrap()
}

async fn enqueue(host: &Host, body: &Value) -> Answer {
    host.send("POST", "/pagerduty/v2/enqueue", &[JSON], &body.to_string())
        .await
}

fn event(key: &str, action: &str, dedup_key: &str) -> Value {
    let mut event = json!({"routing_key": key, "event_action": action, "dedup_key": dedup_key});
    if action == "trigger" {
        event["payload"] = json!({"summary": "Disk <b>full</b>", "source": "db-1", "severity": "critical", "custom_details": {"free": "1 %"}});
    }
    event
}

async fn rest(host: &Host, method: &str, path: &str, body: Value) -> Answer {
    let headers = [
        JSON,
        ("authorization", "Token token=y_NbAkKc66ryYTWUXYEu"),
        ("accept", "application/vnd.pagerduty+json;version=2"),
        ("from", "hub@example.org"),
    ];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    host.send(method, &format!("/pagerduty{path}"), &headers, &body)
        .await
}

/// The incidents' statuses, oldest first.
fn statuses(host: &Host) -> Vec<Status> {
    state(host)
        .incidents()
        .iter()
        .map(|incident| incident.status)
        .collect()
}

#[tokio::test]
async fn an_alert_is_triggered_acknowledged_resolved_and_opened_anew() {
    let host = Host::start().await;
    let first = enqueue(&host, &event(KEY, "trigger", "a")).await;
    assert_eq!(first.status, 202);
    assert_eq!(
        first.json(),
        json!({"status": "success", "message": "Event processed", "dedup_key": "a"})
    );
    enqueue(&host, &event(KEY, "acknowledge", "a")).await;
    assert_eq!(statuses(&host), [Status::Acknowledged]);
    // Once more: one entry in the log, and it stays silent.
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    assert_eq!(statuses(&host), [Status::Acknowledged]);
    assert_eq!(state(&host).incidents()[0].triggers, 2);
    enqueue(&host, &event(KEY, "resolve", "a")).await;
    assert_eq!(statuses(&host), [Status::Resolved]);
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    assert_eq!(
        statuses(&host),
        [Status::Resolved, Status::Triggered],
        "never reopened"
    );
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn what_is_not_open_under_that_key_is_taken_and_dropped() {
    let host = Host::start().await;
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    for lost in [
        event(OTHER_KEY, "resolve", "a"),
        event(KEY, "resolve", "b"),
        event(KEY, "acknowledge", "b"),
    ] {
        assert_eq!(enqueue(&host, &lost).await.status, 202);
    }
    assert_eq!(
        (statuses(&host), state(&host).dropped()),
        (vec![Status::Triggered], 3)
    );
    // The same dedup key by another routing key is another alert.
    enqueue(&host, &event(OTHER_KEY, "trigger", "a")).await;
    assert_eq!(state(&host).with_key("a").len(), 2);
    host.set("/_pagerduty/settings", json!({"strict_keys": true}))
        .await;
    let unknown = "00000000000000000000000000000000";
    assert_eq!(
        enqueue(&host, &event(unknown, "trigger", "c")).await.status,
        202
    );
    assert!(state(&host).with_key("c").is_empty());
    host.set(
        "/_pagerduty/keys",
        json!({"routing_key": unknown, "name": "Shop"}),
    )
    .await;
    enqueue(&host, &event(unknown, "trigger", "c")).await;
    assert_eq!(state(&host).with_key("c").len(), 1);
}

#[tokio::test]
async fn a_dedup_key_is_made_where_there_is_none() {
    let host = Host::start().await;
    let mut bare = event(KEY, "trigger", "a");
    bare.as_object_mut().unwrap().remove("dedup_key");
    let keys = [enqueue(&host, &bare).await, enqueue(&host, &bare).await]
        .map(|a| a.json()["dedup_key"].clone());
    assert!(keys[0].as_str().is_some_and(|key| key.len() == 32) && keys[0] != keys[1]);
    assert_eq!(state(&host).incidents().len(), 2);
}

#[tokio::test]
async fn bad_events_are_refused_with_what_is_wrong() {
    let host = Host::start().await;
    let answer = host
        .send("POST", "/pagerduty/v2/enqueue", &[JSON], "not json")
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({"status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": ["JSON parse error"]})
    );
    let mut bad = event("short", "trigger", "a");
    bad["payload"]["severity"] = json!("major");
    let errors = enqueue(&host, &bad).await.json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(2), "{errors}");
    let mut large = event(KEY, "trigger", "a");
    large["payload"]["custom_details"]["x"] = json!("x".repeat(512_000));
    assert_eq!(enqueue(&host, &large).await.status, 413);
    assert!(state(&host).incidents().is_empty());
    assert_eq!(host.sandbox.violation_count(), 4);
    // Taken, and still a mistake of the sender's.
    let mut odd = event(KEY, "trigger", "a");
    odd["severity"] = json!("critical");
    assert_eq!(enqueue(&host, &odd).await.status, 202);
    assert_eq!(host.sandbox.violation_count(), 5);
}

#[tokio::test]
async fn the_121st_event_of_a_minute_is_refused_without_saying_for_how_long() {
    let host = Host::start().await;
    for n in 0..120 {
        assert_eq!(
            enqueue(&host, &event(KEY, "trigger", &format!("{n}")))
                .await
                .status,
            202
        );
    }
    let refused = enqueue(&host, &event(KEY, "trigger", "late")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert!(state(&host).with_key("late").is_empty(), "it was not taken");
    assert_eq!(
        enqueue(&host, &event(OTHER_KEY, "trigger", "a"))
            .await
            .status,
        202
    );
    host.advance(59_999);
    assert_eq!(
        enqueue(&host, &event(KEY, "trigger", "late")).await.status,
        429
    );
    host.advance(1);
    assert_eq!(
        enqueue(&host, &event(KEY, "trigger", "late")).await.status,
        202
    );
    assert_eq!(
        host.sandbox.violation_count(),
        0,
        "being slowed down breaks no rule"
    );
}

#[tokio::test]
async fn a_change_event_opens_nothing() {
    let host = Host::start().await;
    let change = json!({"routing_key": KEY, "payload": {"summary": "Deployed", "source": "ci", "timestamp": "2026-03-03T12:00:00Z"}});
    let send = |body: Value| {
        let body = body.to_string();
        let host = &host;
        async move {
            host.send("POST", "/pagerduty/v2/change/enqueue", &[JSON], &body)
                .await
        }
    };
    assert_eq!(send(change.clone()).await.status, 202);
    assert!(state(&host).incidents().is_empty());
    assert_eq!(state(&host).changes()[0].payload["summary"], "Deployed");
    let mut ruleset = change.clone();
    ruleset["routing_key"] = json!("R123456789abcdef0123456789abcdef");
    assert_eq!(send(ruleset).await.status, 400);
    let mut keyed = change;
    keyed["dedup_key"] = json!("a");
    assert_eq!(send(keyed).await.status, 202);
    assert_eq!(host.sandbox.violation_count(), 2);
}

#[tokio::test]
async fn incidents_are_listed_by_key_status_service_and_age() {
    let host = Host::start().await;
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    host.advance(31 * 86_400_000);
    enqueue(&host, &event(KEY, "trigger", "b")).await;
    enqueue(&host, &event(OTHER_KEY, "trigger", "b")).await;
    enqueue(&host, &event(OTHER_KEY, "resolve", "b")).await;
    let keys = |query: &'static str| {
        let host = &host;
        async move {
            let answer = rest(host, "GET", &format!("/incidents?{query}"), Value::Null)
                .await
                .json();
            let incidents = answer["incidents"].as_array().unwrap().clone();
            let shown = |i: &Value| {
                format!(
                    "{} {}",
                    i["incident_key"].as_str().unwrap(),
                    i["status"].as_str().unwrap()
                )
            };
            (
                incidents.iter().map(shown).collect::<Vec<_>>(),
                answer["more"].clone(),
            )
        }
    };
    assert_eq!(
        keys("").await.0,
        ["b triggered", "b resolved"],
        "one month back"
    );
    assert_eq!(keys("date_range=all").await.0.len(), 3);
    assert_eq!(
        keys("incident_key=a&date_range=all&statuses%5B%5D=triggered")
            .await
            .0,
        ["a triggered"]
    );
    assert_eq!(
        keys("incident_key=b&statuses[]=triggered&statuses[]=acknowledged")
            .await
            .0,
        ["b triggered"]
    );
    assert_eq!(keys("service_ids[]=PSRV0002").await.0, ["b resolved"]);
    assert_eq!(
        keys("date_range=all&limit=2").await,
        (
            vec!["a triggered".to_owned(), "b triggered".to_owned()],
            json!(true)
        )
    );
    assert_eq!(
        keys("date_range=all&limit=2&offset=2").await,
        (vec!["b resolved".to_owned()], json!(false))
    );
    assert_eq!(
        rest(&host, "GET", "/incidents?statuses[]=open", Value::Null)
            .await
            .json()["error"]["code"],
        2001
    );
    host.set("/_pagerduty/settings", json!({"listing_delay_ms": 1_500}))
        .await;
    enqueue(&host, &event(KEY, "trigger", "c")).await;
    assert!(
        keys("incident_key=c").await.0.is_empty(),
        "events are queued"
    );
    host.advance(1_500);
    assert_eq!(keys("incident_key=c").await.0, ["c triggered"]);
    assert_eq!(host.sandbox.violation_count(), 1);
}

#[tokio::test]
async fn an_incident_is_noted_snoozed_and_changed_over_rest() {
    let host = Host::start().await;
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    let id = state(&host).incidents()[0].id.clone();
    let path = format!("/incidents/{id}");
    let note = rest(
        &host,
        "POST",
        &format!("{path}/notes"),
        json!({"note": {"content": "On it"}}),
    )
    .await;
    assert_eq!(
        (note.status, &note.json()["note"]["content"]),
        (200, &json!("On it"))
    );
    let notes = rest(&host, "GET", &format!("{path}/notes"), Value::Null)
        .await
        .json();
    assert_eq!(notes["notes"][0]["user"]["id"], "hub@example.org");
    for duration in [json!(0), json!(604_801), json!("1h"), Value::Null] {
        let refused = rest(
            &host,
            "POST",
            &format!("{path}/snooze"),
            json!({"duration": duration}),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (400, &json!(1013))
        );
    }
    let snoozed = rest(
        &host,
        "POST",
        &format!("{path}/snooze"),
        json!({"duration": 60}),
    )
    .await;
    assert_eq!(
        (snoozed.status, &snoozed.json()["incident"]["status"]),
        (201, &json!("acknowledged"))
    );
    host.advance(59_999);
    let shown = |answer: Answer| {
        answer.json()["incident"]["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        shown(rest(&host, "GET", &path, Value::Null).await),
        "acknowledged"
    );
    host.advance(1);
    assert_eq!(
        shown(rest(&host, "GET", &path, Value::Null).await),
        "triggered",
        "it comes back"
    );
    let put = |status: &'static str| {
        let (host, path) = (&host, &path);
        async move {
            let body = json!({"incident": {"type": "incident_reference", "status": status}});
            let answer = rest(host, "PUT", path, body).await.json();
            answer["incident"]["status"]
                .as_str()
                .map_or_else(|| answer["error"]["code"].to_string(), str::to_owned)
        }
    };
    let steps = [
        ("acknowledged", "acknowledged"),
        ("acknowledged", "1002"),
        ("triggered", "triggered"),
        ("resolved", "resolved"),
        ("resolved", "1001"),
        ("acknowledged", "acknowledged"),
        ("closed", "2001"),
    ];
    for (status, expected) in steps {
        assert_eq!(put(status).await, expected, "{status}");
    }
    // Reopened, it is found by its key again.
    enqueue(&host, &event(KEY, "resolve", "a")).await;
    assert_eq!(statuses(&host), [Status::Resolved]);
    let log = rest(&host, "GET", &format!("{path}/log_entries"), Value::Null)
        .await
        .json();
    let kinds: Vec<&str> = log["log_entries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "trigger_log_entry",
            "annotate_log_entry",
            "snooze_log_entry",
            "unacknowledge_log_entry",
            "acknowledge_log_entry",
            "unacknowledge_log_entry",
            "resolve_log_entry",
            "reopen_log_entry",
            "resolve_log_entry"
        ]
    );
    let alerts = rest(&host, "GET", &format!("{path}/alerts"), Value::Null)
        .await
        .json();
    assert_eq!(
        alerts["alerts"][0]["body"]["details"],
        json!({"free": "1 %"})
    );
    assert_eq!(alerts["alerts"][0]["alert_key"], "a");
}

#[tokio::test]
async fn many_incidents_are_changed_at_once() {
    let host = Host::start().await;
    for key in ["a", "b"] {
        enqueue(&host, &event(KEY, "trigger", key)).await;
    }
    let change = |id: &str| json!({"id": id, "type": "incident_reference", "status": "resolved"});
    let ids: Vec<String> = state(&host).incidents().into_iter().map(|i| i.id).collect();
    let body = json!({"incidents": ids.iter().map(|id| change(id)).collect::<Vec<_>>()});
    assert_eq!(rest(&host, "PUT", "/incidents", body).await.status, 200);
    assert_eq!(statuses(&host), [Status::Resolved, Status::Resolved]);
    let many = json!({"incidents": vec![change("PINC000001"); 251]});
    assert_eq!(rest(&host, "PUT", "/incidents", many).await.status, 413);
}

#[tokio::test]
async fn rest_asks_for_a_token_a_user_and_the_version() {
    let host = Host::start().await;
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    let accept = ("accept", "application/vnd.pagerduty+json;version=2");
    let code = |method: &'static str,
                path: &'static str,
                headers: Vec<(&'static str, &'static str)>,
                body: &'static str| {
        let host = &host;
        async move {
            let answer = host.send(method, path, &headers, body).await;
            (answer.status, answer.json()["error"]["code"].clone())
        }
    };
    let note = r#"{"note":{"content":"x"}}"#;
    let notes = "/pagerduty/incidents/PINC000001/notes";
    let token = ("authorization", "Token token=abc");
    let table = [
        (
            "GET",
            "/pagerduty/incidents",
            vec![accept],
            "",
            (401, json!(2006)),
        ),
        (
            "GET",
            "/pagerduty/incidents",
            vec![accept, ("authorization", "abc")],
            "",
            (401, json!(2006)),
        ),
        (
            "GET",
            "/pagerduty/incidents",
            vec![accept, ("authorization", "Token token=invalid-1")],
            "",
            (401, json!(2006)),
        ),
        (
            "GET",
            "/pagerduty/incidents",
            vec![accept, ("authorization", "Token token=denied-1")],
            "",
            (403, json!(2010)),
        ),
        (
            "GET",
            "/pagerduty/incidents",
            vec![accept, ("authorization", "Bearer abc")],
            "",
            (200, Value::Null),
        ),
        (
            "GET",
            "/pagerduty/incidents/PNONE",
            vec![accept, token],
            "",
            (404, json!(2100)),
        ),
        (
            "POST",
            notes,
            vec![accept, token, JSON],
            note,
            (400, json!(2001)),
        ),
        (
            "POST",
            notes,
            vec![accept, token, JSON, ("from", "a@example.org")],
            note,
            (200, Value::Null),
        ),
        (
            "POST",
            notes,
            vec![accept, token, JSON, ("from", "a@example.org")],
            "{}",
            (400, json!(2001)),
        ),
    ];
    for (method, path, headers, body, expected) in table {
        assert_eq!(
            code(method, path, headers.clone(), body).await,
            expected,
            "{method} {path} {headers:?}"
        );
    }
    let before = host.sandbox.violation_count();
    assert_eq!(
        code("GET", "/pagerduty/incidents", vec![token], "").await.0,
        200
    );
    assert_eq!(
        host.sandbox.violation_count(),
        before + 1,
        "no accept header"
    );
    host.set("/_pagerduty/settings", json!({"from_required": false}))
        .await;
    assert_eq!(
        code("POST", notes, vec![accept, token, JSON], note).await.0,
        200
    );
}

#[tokio::test]
async fn rest_tells_its_limit_unless_switched_off() {
    let host = Host::start().await;
    let first = rest(&host, "GET", "/abilities", Value::Null).await;
    assert_eq!(first.header("ratelimit-remaining"), Some("959"));
    for _ in 1..960 {
        assert_eq!(
            rest(&host, "GET", "/abilities", Value::Null).await.status,
            200
        );
    }
    host.advance(20_500);
    let refused = rest(&host, "GET", "/abilities", Value::Null).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (429, &json!(2020))
    );
    assert_eq!(
        refused.header("ratelimit-reset"),
        Some("40"),
        "seconds from now"
    );
    host.set("/_pagerduty/settings", json!({"rest_limit_headers": false}))
        .await;
    let bare = rest(&host, "GET", "/abilities", Value::Null).await;
    assert_eq!((bare.status, bare.header("ratelimit-reset")), (429, None));
}

#[tokio::test]
async fn the_page_shows_incidents_as_text() {
    let host = Host::start().await;
    enqueue(&host, &event(KEY, "trigger", "a")).await;
    let page = host.get("/pagerduty").await.body;
    for part in [
        "Disk &lt;b&gt;full&lt;/b&gt;",
        "triggered",
        "critical",
        "&quot;free&quot;",
        "Service 1",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains(KEY), "a page shows no key");
    assert_eq!(
        host.send("DELETE", "/_pagerduty", &[], "").await.status,
        200
    );
    assert!(
        host.get("/pagerduty")
            .await
            .body
            .contains("Nobody was paged")
    );
}
