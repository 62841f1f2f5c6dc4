use super::host::Host;
use super::opsgenie::{JSON, KEY, call, done};
use serde_json::{Value, json};

#[tokio::test]
async fn bodies_are_held_to_the_rules_by_characters() {
    let host = Host::start().await;
    let create = |more: Value| {
        let mut body = json!({ "message": "m" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        (String::new(), body)
    };
    let act = |action: &str, body: Value| (format!("/a/{action}?identifierType=alias"), body);
    let table = [
        (create(json!({ "message": "ä".repeat(131) })), "message"),
        (create(json!({ "message": " " })), "message"),
        (create(json!({ "message": 5 })), "message"),
        (create(json!({ "alias": "a".repeat(513) })), "alias"),
        (
            create(json!({ "description": "a".repeat(15_001) })),
            "description",
        ),
        (create(json!({ "entity": "a".repeat(513) })), "entity"),
        (create(json!({ "source": "a".repeat(101) })), "source"),
        (create(json!({ "user": "a".repeat(101) })), "user"),
        (create(json!({ "note": "a".repeat(25_001) })), "note"),
        (create(json!({ "priority": "P6" })), "priority"),
        (create(json!({ "tags": vec!["a"; 21] })), "tags"),
        (create(json!({ "tags": ["a".repeat(51)] })), "tags"),
        (create(json!({ "tags": "a,b" })), "tags"),
        (create(json!({ "actions": vec!["a"; 11] })), "actions"),
        (create(json!({ "details": { "a": 1 } })), "details"),
        (
            create(json!({ "details": { "a": "x".repeat(8_000) } })),
            "details",
        ),
        (
            create(json!({ "responders": [{ "type": "robot", "id": "x" }] })),
            "responders",
        ),
        (
            create(json!({ "responders": [{ "type": "team" }] })),
            "responders",
        ),
        (
            create(json!({ "visibleTo": [{ "type": "schedule", "name": "x" }] })),
            "visibleTo",
        ),
        (act("snooze", json!({})), "endTime"),
        (
            act("snooze", json!({ "endTime": "2026-03-03T12:00:01Z" })),
            "endTime",
        ),
        (act("snooze", json!({ "endTime": "tomorrow" })), "endTime"),
        (act("assign", json!({ "owner": "anna" })), "owner"),
        (act("notes", json!({})), "note"),
        (act("escalate", json!({})), "escalation"),
    ];
    let many = table.len();
    for ((path, body), field) in table {
        let refused = call(&host, "POST", &path, body.clone()).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(
            refused.json()["errors"][field].is_string(),
            "{field}: {}",
            refused.body
        );
    }
    let broken = host.sandbox.violations();
    assert_eq!(broken.len(), many);
    assert!(broken[0].problem.contains("130"), "{}", broken[0].problem);
    let good = create(
        json!({ "message": "ä".repeat(130), "tags": vec!["t"; 20], "details": { "a": "ü".repeat(7_999) }, "alias": "l" }),
    );
    assert_eq!(call(&host, "POST", "", good.1).await.status, 202);
    // Not JSON is 400; a field that is not known is taken, and listed.
    let bad = host
        .send("POST", "/opsgenie/v2/alerts", &[KEY, JSON], "{")
        .await;
    assert_eq!(bad.status, 400);
    assert_eq!(
        call(&host, "POST", "", json!({ "message": "m", "titel": "x" }))
            .await
            .status,
        202
    );
    assert!(
        host.sandbox
            .violations()
            .last()
            .unwrap()
            .problem
            .contains("titel")
    );
    assert_eq!(
        call(&host, "POST", "/a/close?identifierType=name", json!({}))
            .await
            .status,
        422
    );
    assert_eq!(call(&host, "PATCH", "/a", json!({})).await.status, 404);
}

#[tokio::test]
async fn alerts_are_listed_and_counted_by_query() {
    let host = Host::start().await;
    for n in 0..25 {
        let priority = if n % 2 == 0 { "P1" } else { "P3" };
        let body = json!({ "message": format!("Disk {n}"), "alias": format!("a{n}"), "priority": priority, "tags": ["t"] });
        done(&host, "POST", "", body).await;
        host.advance(1_000);
    }
    done(&host, "POST", "/a0/close?identifierType=alias", json!({})).await;
    let get = async |path: &str| call(&host, "GET", path, Value::Null).await.json();
    assert_eq!(get("/count").await["data"]["count"], 25);
    assert_eq!(
        get("/count?query=status%3Aopen%20AND%20priority%3AP1").await["data"]["count"],
        12
    );
    let list = get("").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 20);
    assert_eq!(list["data"][0]["alias"], "a24", "newest first");
    assert!(
        list["paging"]["next"]
            .as_str()
            .unwrap()
            .contains("offset=20")
    );
    let rest = get("?offset=20&limit=100&order=asc&query=tag:t").await;
    let aliases: Vec<_> = rest["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["alias"].as_str().unwrap())
        .collect();
    assert_eq!(aliases, ["a20", "a21", "a22", "a23", "a24"]);
    for bad in ["?limit=101", "?sort=colour", "?query=a%20OR%20b"] {
        assert_eq!(
            call(&host, "GET", bad, Value::Null).await.status,
            422,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn jsm_has_integration_events_only() {
    let host = Host::start().await;
    let base = "/jsm/jsm/ops/integration/v2/alerts";
    let send = async |method: &str, path: &str, body: Value| {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        host.send(method, &format!("{base}{path}"), &[KEY, JSON], &text)
            .await
    };
    let taken = send("POST", "", json!({ "message": "Disk full", "alias": "a" })).await;
    assert_eq!(taken.status, 202);
    let path = format!("/requests/{}", taken.json()["requestId"].as_str().unwrap());
    assert_eq!(
        send("GET", &path, Value::Null).await.json()["data"]["isSuccess"],
        true
    );
    for action in ["acknowledge", "notes", "close"] {
        let path = format!("/a/{action}?identifierType=alias");
        assert_eq!(
            send("POST", &path, json!({ "note": "n" })).await.status,
            202,
            "{action}"
        );
    }
    assert_eq!(host.sandbox.violation_count(), 0);
    for (method, path) in [
        ("POST", "/a/unacknowledge"),
        ("POST", "/a/assign"),
        ("POST", "/a/snooze"),
        ("PUT", "/a/message"),
        ("GET", "/a"),
        ("GET", ""),
        ("GET", "/count"),
        ("DELETE", "/a"),
    ] {
        assert_eq!(
            send(method, &format!("{path}?identifierType=alias"), json!({}))
                .await
                .status,
            404,
            "{method} {path}"
        );
    }
    assert_eq!(host.sandbox.violation_count(), 8);
    let alerts = host.get("/_jsm/alerts").await.json();
    assert_eq!(alerts["alerts"][0]["closed"], true);
    assert_eq!(
        alerts["alerts"][0]["notes"].as_array().unwrap().len(),
        3,
        "also with acknowledge and close"
    );
    assert_eq!(
        host.sandbox
            .vendor::<sandbox::jsm::Jsm>()
            .unwrap()
            .alerts()
            .len(),
        1
    );
    assert!(
        host.sandbox
            .vendor::<sandbox::opsgenie::Opsgenie>()
            .unwrap()
            .alerts()
            .is_empty(),
        "two accounts"
    );
    assert_eq!(
        host.send("POST", "/jsm/v2/alerts", &[KEY, JSON], "{}")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_pages_show_alerts_and_no_markup_of_theirs() {
    let host = Host::start().await;
    let evil = "</b><script>alert(1)</script>";
    done(&host, "POST", "", json!({ "message": evil, "alias": evil, "description": evil, "source": evil, "note": evil, "user": evil })).await;
    let page = host.get("/opsgenie").await.body;
    assert!(
        page.contains("1 open") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(host.get("/jsm").await.body.contains("No alerts yet"));
    host.send("DELETE", "/_opsgenie", &[], "").await;
    assert!(host.get("/opsgenie").await.body.contains("No alerts yet"));
}
