use super::host::{Answer, Host, START};
use serde_json::{Value, json};

const KEY: (&str, &str) = ("dd-api-key", "0123456789abcdef");
const READER: [(&str, &str); 2] = [KEY, ("dd-application-key", "app")];
const EVENTS: &str = "/datadog/api/v1/events";

async fn post(host: &Host, body: &Value) -> Answer {
    let headers = [KEY, ("content-type", "application/json")];
    host.send("POST", EVENTS, &headers, &body.to_string()).await
}

fn event() -> Value {
    json!({"title": "Disk full", "text": "%%% \n91 % \n %%%", "alert_type": "error", "aggregation_key": "a1",
        "tags": ["Env:Prod, EU", "host:db-1"], "date_happened": START / 1_000 - 60})
}

#[tokio::test]
async fn an_event_is_taken_and_can_be_read_back_by_its_id_and_in_the_list() {
    let host = Host::start().await;
    let posted = post(&host, &event()).await;
    assert_eq!(posted.status, 202);
    assert_eq!(posted.json()["status"], "ok");
    let id = posted.json()["event"]["id_str"]
        .as_str()
        .unwrap()
        .to_owned();
    let read = host
        .send("GET", &format!("{EVENTS}/{id}"), &READER, "")
        .await;
    let found = read.json()["event"].clone();
    assert_eq!(
        (read.status, &found["title"], &found["alert_type"]),
        (200, &json!("Disk full"), &json!("error"))
    );
    assert_eq!(
        found["tags"],
        json!(["env:prod__eu", "host:db-1"]),
        "as Datadog writes tags"
    );
    assert_eq!(found["id"].to_string(), id);
    let list = |query: &str| format!("{EVENTS}?{query}");
    let (start, end) = (START / 1_000 - 100, START / 1_000);
    let all = host
        .send(
            "GET",
            &list(&format!("start={start}&end={end}&tags=host:db-1")),
            &READER,
            "",
        )
        .await;
    assert_eq!(all.json()["events"].as_array().unwrap().len(), 1);
    let none = host
        .send("GET", &list(&format!("start={end}&end={end}")), &READER, "")
        .await;
    assert_eq!(none.json()["events"], json!([]));
    assert_eq!(
        host.send("GET", &list("start=1"), &READER, "").await.status,
        400
    );
    assert_eq!(
        host.send("GET", &format!("{EVENTS}/1"), &READER, "")
            .await
            .status,
        404
    );
    assert_eq!(
        host.sandbox.violation_count(),
        1,
        "the list without its end"
    );
}

#[tokio::test]
async fn keys_are_asked_for_and_can_stop_working() {
    let host = Host::start().await;
    let validate = "/datadog/api/v1/validate";
    let valid = host.send("GET", validate, &[KEY], "").await;
    assert_eq!((valid.status, valid.json()), (200, json!({"valid": true})));
    for headers in [&[][..], &[("dd-api-key", "invalid-1")]] {
        let answer = host.send("GET", validate, headers, "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (403, json!({"errors": ["Forbidden"]}))
        );
    }
    let id = post(&host, &event()).await.json()["event"]["id_str"]
        .as_str()
        .unwrap()
        .to_owned();
    let without_application_key = host
        .send("GET", &format!("{EVENTS}/{id}"), &[KEY], "")
        .await;
    assert_eq!(without_application_key.status, 403);
    host.set("/_datadog/keys", json!({"key": KEY.1, "valid": false}))
        .await;
    assert_eq!(post(&host, &event()).await.status, 403);
    host.set("/_datadog/keys", json!({"key": KEY.1, "valid": true}))
        .await;
    assert_eq!(post(&host, &event()).await.status, 202);
}

#[tokio::test]
async fn events_that_break_the_rules_are_refused_and_listed() {
    let host = Host::start().await;
    let with = |name: &str, value: Value| {
        let mut body = event();
        body[name] = value;
        body
    };
    let table = [
        (with("title", Value::Null), "title"),
        (with("text", json!("x".repeat(4_001))), "4001"),
        (
            with("aggregation_key", json!("k".repeat(101))),
            "aggregation_key",
        ),
        (with("alert_type", json!("critical")), "alert_type"),
        (with("priority", json!("high")), "priority"),
        (
            with("date_happened", json!(START / 1_000 - 18 * 3_600 - 1)),
            "18 hours",
        ),
        (
            with("date_happened", json!(START / 1_000 + 7_300)),
            "two hours",
        ),
        (with("date_happened", json!("1772539200")), "integer"),
        (with("tags", json!("a:b")), "tags"),
        (json!([]), "object"),
    ];
    for (body, word) in &table {
        let answer = post(&host, body).await;
        assert_eq!(answer.status, 400, "{word}");
        let said = answer.json()["errors"][0].as_str().unwrap().to_owned();
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(host.sandbox.violation_count(), table.len() as u64);
    let unknown = post(&host, &with("severity", json!("high"))).await;
    assert_eq!(unknown.status, 202, "an unknown field is taken, and listed");
    assert_eq!(host.sandbox.violation_count(), table.len() as u64 + 1);
}

#[tokio::test]
async fn one_aggregate_has_a_thousand_events_a_day_and_the_reset_is_in_seconds() {
    let host = Host::start().await;
    for _ in 0..1_000 {
        assert_eq!(post(&host, &event()).await.status, 202);
    }
    let answer = post(&host, &event()).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("x-ratelimit-reset"), Some("87"));
    assert_eq!(answer.header("retry-after"), None);
    let mut other = event();
    other["aggregation_key"] = json!("a2");
    assert_eq!(post(&host, &other).await.status, 202);
}

#[tokio::test]
async fn the_page_shows_the_stream_and_no_markup_of_senders() {
    let host = Host::start().await;
    let mut evil = event();
    evil["title"] = json!("<script>alert(1)</script>");
    post(&host, &evil).await;
    let page = host.get("/datadog").await.body;
    assert!(
        page.contains("&lt;script&gt;") && page.contains("1 in all"),
        "{page}"
    );
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    host.send("DELETE", "/_datadog", &[], "").await;
    assert!(host.get("/datadog").await.body.contains("Nothing yet"));
}
