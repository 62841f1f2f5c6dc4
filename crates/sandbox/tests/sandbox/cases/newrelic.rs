use super::host::{Answer, Host, START};
use serde_json::{Value, json};

const EVENTS: &str = "/newrelic/v1/accounts/42/events";

async fn post(host: &Host, body: &str) -> Answer {
    let headers = [("api-key", "license"), ("content-type", "application/json")];
    host.send("POST", EVENTS, &headers, body).await
}

async fn query(host: &Host, nrql: &str) -> Value {
    let path = format!(
        "/newrelic/v1/accounts/42/query?nrql={}",
        nrql.replace(' ', "%20")
    );
    let answer = host.send("GET", &path, &[("x-query-key", "q")], "").await;
    assert_eq!(answer.status, 200);
    answer.json()["results"][0].clone()
}

#[tokio::test]
async fn events_are_taken_and_can_be_queried() {
    let host = Host::start().await;
    let one = json!({"eventType": "Alert", "title": "Disk full", "n": 5, "timestamp": START / 1_000 - 60});
    let answer = post(&host, &json!([one, {"eventType": "Other"}]).to_string()).await;
    assert_eq!(
        (answer.status, &answer.json()["success"]),
        (200, &json!(true))
    );
    assert_eq!(answer.json()["uuid"].as_str().unwrap().len(), 36);
    assert_eq!(
        query(&host, "SELECT * FROM Alert SINCE 1 day ago").await["events"],
        json!([one])
    );
    assert_eq!(query(&host, "select count(*) from Other").await["count"], 1);
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn junk_is_answered_with_200_and_shows_only_as_an_integration_error() {
    let host = Host::start().await;
    let far = START / 1_000 - 90_000;
    let long = "v".repeat(4_097);
    let table = [
        ("not json".to_owned(), "not JSON"),
        ("7".to_owned(), "neither"),
        ("[]".to_owned(), "empty"),
        (json!({"title": "x"}).to_string(), "eventType"),
        (json!({"eventType": "My Alert"}).to_string(), "eventType"),
        (
            json!({"eventType": "A", "labels": {"a": "b"}}).to_string(),
            "labels",
        ),
        (json!({"eventType": "A", "test": true}).to_string(), "test"),
        (json!({"eventType": "A", "x": long}).to_string(), "4096"),
        (
            json!({"eventType": "A", "timestamp": far}).to_string(),
            "24 hours",
        ),
        (
            json!({"eventType": "A", "timestamp": "now"}).to_string(),
            "integer",
        ),
    ];
    for (body, word) in &table {
        let answer = post(&host, body).await;
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (200, &json!(true)),
            "{body}"
        );
        let newest = query(&host, "SELECT * FROM NrIntegrationError").await["events"][0].clone();
        assert!(
            newest["message"].as_str().unwrap().contains(word),
            "{word}: {newest}"
        );
    }
    assert_eq!(host.sandbox.violation_count(), table.len() as u64);
    assert_eq!(query(&host, "SELECT * FROM A").await["events"], json!([]));
    let many: serde_json::Map<String, Value> =
        (0..256).map(|i| (format!("a{i}"), json!(1))).collect();
    let mut many = Value::Object(many);
    many["eventType"] = json!("A");
    post(&host, &many.to_string()).await;
    assert_eq!(host.sandbox.violation_count(), table.len() as u64 + 1);
}

#[tokio::test]
async fn keys_methods_and_sizes_are_answered_with_their_status() {
    let host = Host::start().await;
    let body = r#"{"eventType":"A"}"#;
    let send = async |method: &'static str, path: &'static str, key: &'static str, body: String| {
        let headers = [("api-key", key), ("content-type", "application/json")];
        host.send(method, path, &headers, &body).await.status
    };
    assert_eq!(send("POST", EVENTS, "invalid-1", body.into()).await, 403);
    assert_eq!(send("POST", EVENTS, "", body.into()).await, 403);
    assert_eq!(send("GET", EVENTS, "k", String::new()).await, 405);
    assert_eq!(
        send("POST", "/newrelic/v1/accounts/x/events", "k", body.into()).await,
        404
    );
    assert_eq!(
        send("POST", "/newrelic/v2/events", "k", body.into()).await,
        404
    );
    assert_eq!(send("POST", EVENTS, "k", " ".repeat(1_000_001)).await, 413);
    let form = [("x-insert-key", "k"), ("content-type", "text/plain")];
    assert_eq!(host.send("POST", EVENTS, &form, body).await.status, 415);
    host.set("/_newrelic/keys", json!({"key": "k", "valid": false}))
        .await;
    assert_eq!(send("POST", EVENTS, "k", body.into()).await, 403);
    host.set("/_newrelic/keys", json!({"key": "k", "valid": true}))
        .await;
    assert_eq!(send("POST", EVENTS, "k", body.into()).await, 200);
    let no_key = host
        .get("/newrelic/v1/accounts/42/query?nrql=SELECT%20*%20FROM%20A")
        .await;
    assert_eq!(no_key.status, 401);
}

#[tokio::test]
async fn the_page_shows_events_and_no_markup_of_senders() {
    let host = Host::start().await;
    post(
        &host,
        &json!({"eventType": "A", "title": "<script>alert(1)</script>"}).to_string(),
    )
    .await;
    post(&host, "junk").await;
    let page = host.get("/newrelic").await.body;
    assert!(
        page.contains("&lt;script&gt;") && page.contains("NrIntegrationError"),
        "{page}"
    );
    assert_eq!(page.matches("<script").count(), 1, "only our own");
}
