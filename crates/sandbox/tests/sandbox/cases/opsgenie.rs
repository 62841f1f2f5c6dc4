use super::host::{Answer, Host};
use serde_json::{Value, json};

pub const KEY: (&str, &str) = ("authorization", "GenieKey 0000-key");
pub const JSON: (&str, &str) = ("content-type", "application/json");

pub async fn call(host: &Host, method: &str, path: &str, body: Value) -> Answer {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    host.send(
        method,
        &format!("/opsgenie/v2/alerts{path}"),
        &[KEY, JSON],
        &text,
    )
    .await
}

/// Sends something that must be taken, and gives what became of it.
pub async fn done(host: &Host, method: &str, path: &str, body: Value) -> Value {
    let taken = call(host, method, path, body).await;
    assert_eq!(taken.status, 202, "{path}: {}", taken.body);
    fate(host, &taken.json()["requestId"]).await["data"].clone()
}

async fn fate(host: &Host, id: &Value) -> Value {
    let path = format!("/requests/{}", id.as_str().unwrap());
    call(host, "GET", &path, Value::Null).await.json()
}

async fn alert(host: &Host, alias: &str) -> Value {
    let path = format!("/{alias}?identifierType=alias");
    call(host, "GET", &path, Value::Null).await.json()["data"].clone()
}

#[tokio::test]
async fn an_alert_goes_through_its_life_by_alias() {
    let host = Host::start().await;
    let create = json!({
        "message": "Disk full", "alias": "disk/1 ä", "description": "98 %", "priority": "P1", "source": "hub", "entity": "db-1",
        "tags": ["prod"], "details": { "env": "prod" }, "actions": ["restart"], "responders": [{ "type": "team", "name": "Ops" }],
    });
    let made = done(&host, "POST", "", create).await;
    assert_eq!(
        (&made["isSuccess"], &made["alias"]),
        (&json!(true), &json!("disk/1 ä"))
    );
    let alias = "disk%2F1%20%C3%A4";
    let open = alert(&host, alias).await;
    assert_eq!(open["id"], made["alertId"]);
    for (name, value) in [
        ("status", json!("open")),
        ("acknowledged", json!(false)),
        ("count", json!(1)),
        ("priority", json!("P1")),
        ("tinyId", json!("1")),
        ("description", json!("98 %")),
        ("details", json!({ "env": "prod" })),
        ("tags", json!(["prod"])),
        ("createdAt", json!("2026-03-03T12:00:00.000Z")),
    ] {
        assert_eq!(open[name], value, "{name}");
    }
    assert!(open["responders"][0]["id"].is_string() && open["responders"][0].get("name").is_none());

    let table = [
        (
            "POST",
            "acknowledge",
            json!({ "user": "anna", "note": "on it" }),
            "acknowledged",
            json!(true),
        ),
        (
            "POST",
            "unacknowledge",
            json!({}),
            "acknowledged",
            json!(false),
        ),
        (
            "POST",
            "assign",
            json!({ "owner": { "username": "anna@example.com" } }),
            "owner",
            json!("anna@example.com"),
        ),
        (
            "POST",
            "snooze",
            json!({ "endTime": "2026-03-03T12:00:10Z" }),
            "snoozed",
            json!(true),
        ),
        (
            "PUT",
            "message",
            json!({ "message": "Disk fuller" }),
            "message",
            json!("Disk fuller"),
        ),
        (
            "PUT",
            "description",
            json!({ "description": "99 %" }),
            "description",
            json!("99 %"),
        ),
        (
            "PUT",
            "priority",
            json!({ "priority": "P2" }),
            "priority",
            json!("P2"),
        ),
        (
            "POST",
            "tags",
            json!({ "tags": ["late"] }),
            "tags",
            json!(["prod", "late"]),
        ),
        (
            "POST",
            "details",
            json!({ "details": { "a": "b" } }),
            "details",
            json!({ "env": "prod", "a": "b" }),
        ),
        (
            "POST",
            "notes",
            json!({ "note": "hello", "user": "bo" }),
            "status",
            json!("open"),
        ),
    ];
    for (method, action, body, field, value) in table {
        let path = format!("/{alias}/{action}?identifierType=alias");
        let became = done(&host, method, &path, body).await;
        assert_eq!(became["isSuccess"], true, "{action}: {became}");
        assert_eq!(alert(&host, alias).await[field], value, "{action}");
    }
    host.advance(10_000);
    assert_eq!(
        alert(&host, alias).await["snoozed"],
        false,
        "its time is over"
    );
    done(
        &host,
        "DELETE",
        &format!("/{alias}/tags?identifierType=alias&tags=late,x"),
        Value::Null,
    )
    .await;
    assert_eq!(alert(&host, alias).await["tags"], json!(["prod"]));

    let close = format!("/{alias}/close?identifierType=alias");
    assert_eq!(
        done(&host, "POST", &close, json!({ "user": "cy" })).await["isSuccess"],
        true
    );
    let closed = alert(&host, alias).await;
    assert_eq!(
        (&closed["status"], &closed["report"]["closedBy"]),
        (&json!("closed"), &json!("cy"))
    );
    let notes = call(
        &host,
        "GET",
        &format!("/{alias}/notes?identifierType=alias&order=asc"),
        Value::Null,
    )
    .await
    .json();
    let texts: Vec<_> = notes["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| (n["note"].as_str().unwrap(), n["owner"].as_str().unwrap()))
        .collect();
    assert_eq!(texts, [("on it", "anna"), ("hello", "bo")]);
    let logs = call(
        &host,
        "GET",
        &format!("/{alias}/logs?identifierType=alias&limit=2"),
        Value::Null,
    )
    .await
    .json();
    assert_eq!(logs["data"][0]["log"], "Closed alert");
    assert_eq!(logs["data"].as_array().unwrap().len(), 2);
    let next = logs["paging"]["next"].as_str().unwrap();
    let more = call(
        &host,
        "GET",
        &format!("/{alias}/logs{next}&identifierType=alias"),
        Value::Null,
    )
    .await
    .json();
    assert!(
        more["data"][0]["offset"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            < logs["data"][1]["offset"].as_str().unwrap().parse().unwrap()
    );
    assert_eq!(
        host.sandbox.violation_count(),
        0,
        "{:?}",
        host.sandbox.violations()
    );
}

#[tokio::test]
async fn the_same_alias_counts_up_while_open_and_is_a_new_alert_after_a_close() {
    let host = Host::start().await;
    let first = done(&host, "POST", "", json!({ "message": "one", "alias": "a" })).await;
    let again = done(
        &host,
        "POST",
        "",
        json!({ "message": "two", "alias": "a", "priority": "P1" }),
    )
    .await;
    assert_eq!(first["alertId"], again["alertId"]);
    let shown = alert(&host, "a").await;
    assert_eq!(
        (&shown["count"], &shown["message"], &shown["priority"]),
        (&json!(2), &json!("one"), &json!("P3"))
    );
    done(&host, "POST", "/a/close?identifierType=alias", json!({})).await;
    let anew = done(
        &host,
        "POST",
        "",
        json!({ "message": "three", "alias": "a" }),
    )
    .await;
    assert_ne!(first["alertId"], anew["alertId"]);
    assert_eq!(alert(&host, "a").await["message"], "three");
    // By id and by tiny id.
    let path = format!("/{}", first["alertId"].as_str().unwrap());
    assert_eq!(
        call(&host, "GET", &path, Value::Null).await.json()["data"]["status"],
        "closed"
    );
    assert_eq!(
        call(&host, "GET", "/2?identifierType=tiny", Value::Null)
            .await
            .json()["data"]["message"],
        "three"
    );
    assert_eq!(
        call(&host, "GET", "/9?identifierType=tiny", Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_taken_and_told_in_the_requests_status() {
    let host = Host::start().await;
    done(&host, "POST", "", json!({ "message": "one", "alias": "a" })).await;
    for path in ["/a/unacknowledge", "/b/close", "/b/notes"] {
        let became = done(
            &host,
            "POST",
            &format!("{path}?identifierType=alias"),
            json!({ "note": "x" }),
        )
        .await;
        assert_eq!(became["isSuccess"], false, "{path}");
    }
    done(&host, "POST", "/a/close?identifierType=alias", json!({})).await;
    let twice = done(&host, "POST", "/a/close?identifierType=alias", json!({})).await;
    assert_eq!(twice["isSuccess"], false);
    host.set(
        "/_opsgenie/fail",
        json!({ "action": "create", "status": "filtered" }),
    )
    .await;
    let dropped = done(&host, "POST", "", json!({ "message": "two", "alias": "c" })).await;
    assert_eq!(
        (&dropped["isSuccess"], &dropped["status"]),
        (&json!(false), &json!("filtered"))
    );
    assert_eq!(
        done(&host, "POST", "", json!({ "message": "two", "alias": "c" })).await["isSuccess"],
        true,
        "only once"
    );
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn a_request_can_stay_unprocessed_for_a_time_or_for_some_questions() {
    let host = Host::start().await;
    host.set(
        "/_opsgenie/settings",
        json!({ "pending_ms": 1_000, "pending_polls": 1 }),
    )
    .await;
    let taken = call(&host, "POST", "", json!({ "message": "one", "alias": "a" })).await;
    let path = format!("/requests/{}", taken.json()["requestId"].as_str().unwrap());
    let ask = async || call(&host, "GET", &path, Value::Null).await;
    let pending = ask().await;
    assert_eq!(
        (pending.status, pending.header("x-opsgenie-errortype")),
        (404, Some("RequestNotProcessed"))
    );
    assert_eq!(
        call(&host, "GET", "/count", Value::Null).await.json()["data"]["count"],
        0,
        "nothing has happened yet"
    );
    host.advance(1_000);
    assert_eq!(
        call(&host, "GET", "/count", Value::Null).await.json()["data"]["count"],
        1
    );
    assert_eq!(ask().await.status, 404);
    assert_eq!(ask().await.json()["data"]["isSuccess"], true);
    // What never was cannot be told from what is not processed.
    assert_eq!(
        call(&host, "GET", "/requests/never", Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn answers_have_the_headers_that_official_clients_ask_for() {
    let host = Host::start().await;
    let taken = call(&host, "POST", "", json!({ "message": "one" })).await;
    let read = call(&host, "GET", "", Value::Null).await;
    let refused = call(&host, "POST", "", json!({})).await;
    for answer in [&taken, &read, &refused] {
        let id = answer.json()["requestId"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
        assert!(
            answer
                .header("x-response-time")
                .unwrap()
                .parse::<f64>()
                .is_ok()
        );
        assert_eq!(answer.header("x-ratelimit-state"), Some("OK"));
        assert!(answer.json()["took"].is_number());
    }
    host.set("/_opsgenie/settings", json!({ "throttle": "delayed" }))
        .await;
    let slowed = call(&host, "POST", "", json!({ "message": "one" })).await;
    assert_eq!(
        (slowed.status, slowed.header("x-ratelimit-state")),
        (202, Some("THROTTLED"))
    );
    host.set("/_opsgenie/settings", json!({ "throttle": "rejected" }))
        .await;
    let refused = call(&host, "POST", "", json!({ "message": "one" })).await;
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-state")),
        (429, Some("THROTTLED"))
    );
    assert_eq!(
        (
            refused.header("x-ratelimit-reason"),
            refused.header("x-ratelimit-period-in-sec")
        ),
        (Some("INTEGRATION"), Some("60"))
    );
    assert_eq!(refused.header("retry-after"), None);
}

#[tokio::test]
async fn keys_can_be_wrong_switched_off_or_lack_rights() {
    let host = Host::start().await;
    let body = json!({ "message": "one" }).to_string();
    for headers in [
        vec![],
        vec![("authorization", "Bearer x")],
        vec![("authorization", "GenieKey ")],
    ] {
        assert_eq!(
            host.send("POST", "/opsgenie/v2/alerts", &headers, &body)
                .await
                .status,
            401
        );
    }
    assert_eq!(host.sandbox.violation_count(), 3);
    let status = async |method: &str, path: &str| {
        call(&host, method, path, json!({ "message": "one" })).await
    };
    for (knob, write, read) in [
        (json!({ "disabled": true }), 401, 401),
        (json!({ "unknown": true }), 401, 401),
        (json!({ "rights": ["read"] }), 403, 200),
        (json!({ "rights": ["create_update"] }), 202, 403),
        (json!({}), 202, 200),
    ] {
        let mut knob = knob;
        knob["key"] = json!("0000-key");
        host.set("/_opsgenie/keys", knob.clone()).await;
        let written = status("POST", "").await;
        assert_eq!(
            (written.status, status("GET", "").await.status),
            (write, read),
            "{knob}"
        );
        if write == 403 {
            assert_eq!(written.json()["code"], 40301);
        }
    }
    host.set(
        "/_opsgenie/keys",
        json!({ "key": "0000-key", "rights": ["create_update"] }),
    )
    .await;
    assert_eq!(
        call(&host, "DELETE", "/a?identifierType=alias", Value::Null)
            .await
            .status,
        403
    );
}
