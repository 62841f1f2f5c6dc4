//! Senders at their addresses.

use base64::Engine as _;
use http::HeaderValue;
use serde_json::json;

use crate::harness::{GENERIC_KEY, PROM_KEY, World, request, signal};

const BATCH: &str = r#"[{"labels":{"alertname":"DiskFull","instance":"db-1"}}]"#;

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_sender_reaches_its_source_by_url_by_bearer_and_by_basic() {
    let world = World::new().await;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("prom:{PROM_KEY}"));
    let by_url = format!("/s/{PROM_KEY}/api/v2/alerts");
    for (path, authorization) in [
        (by_url.as_str(), None),
        (
            "/alertmanager/api/v2/alerts",
            Some(format!("Bearer {PROM_KEY}")),
        ),
        (
            "/alertmanager/api/v2/alerts",
            Some(format!("Basic {basic}")),
        ),
        (
            "/in/alertmanager/api/v2/alerts",
            Some(format!("Bearer {PROM_KEY}")),
        ),
    ] {
        let mut request = request("POST", path, BATCH, None);
        if let Some(value) = authorization {
            let value = HeaderValue::try_from(value).unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, String::new()),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let page = world.read("/api/v1/alerts?source=prometheus").await;
    let alerts = page["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "four times the same alert");
    assert_eq!(alerts[0]["labels"]["alertname"], "DiskFull");
    let path = format!("/s/{GENERIC_KEY}");
    let answer = world
        .send(request("POST", &path, signal("db-2").to_string(), None))
        .await;
    assert!((200..300).contains(&answer.status), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_may_read_what_its_dialect_lets_it_read() {
    let world = World::new().await;
    let send = |method, path, body| world.send(request(method, path, body, Some(PROM_KEY)));
    assert_eq!(
        send("POST", "/alertmanager/api/v2/alerts", BATCH)
            .await
            .status,
        200
    );
    let alerts = send("GET", "/alertmanager/api/v2/alerts", "").await;
    assert_eq!(alerts.status, 200);
    let alerts = alerts.json();
    assert_eq!(alerts.as_array().unwrap().len(), 1);
    assert_eq!(alerts[0]["labels"]["instance"], "db-1");
    let status = send("GET", "/alertmanager/api/v2/status", "").await.json();
    assert_eq!(status["versionInfo"]["revision"], "1.2.3-test");
    let receivers = send("GET", "/alertmanager/api/v2/receivers", "")
        .await
        .json();
    assert_eq!(receivers, json!([{ "name": "hook" }]));
    let head = send("HEAD", "/alertmanager/-/healthy", "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    // As Alertmanager answers.
    let head = send("HEAD", "/alertmanager/api/v2/status", "").await;
    assert_eq!((head.status, head.body.len()), (405, 0));
    let options = send("OPTIONS", "/alertmanager/api/v2/alerts", "").await;
    assert_eq!(options.status, 204);
    assert!(options.header("allow").contains("POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_decoded_beside_and_taken_whole() {
    let world = World::new().await;
    let text = "x".repeat(400);
    let batch: Vec<_> = (0..1000)
        .map(|n| json!({ "labels": { "alertname": "A", "n": n.to_string() }, "annotations": { "text": text } }))
        .collect();
    let body = serde_json::to_string(&batch).unwrap();
    assert!(body.len() > server::limits::SMALL_BODY_BYTES);
    let answer = world
        .send(request(
            "POST",
            "/alertmanager/api/v2/alerts",
            body,
            Some(PROM_KEY),
        ))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = world.read("/api/v1/alerts?limit=1000").await;
    assert_eq!(page["alerts"].as_array().unwrap().len(), 1000);
    assert_eq!(page["next_cursor"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_hub_asks_senders_to_try_again_in_their_own_words() {
    let world = World::new().await;
    world.hub.stop().await;
    let answer = world
        .send(request(
            "POST",
            "/alertmanager/api/v2/alerts",
            BATCH,
            Some(PROM_KEY),
        ))
        .await;
    assert_eq!(answer.status, 503, "Alertmanager's clients retry 5xx only");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(
        world.get("/readyz").await.problem(503),
        "the hub is stopping"
    );
    assert_eq!(world.get("/healthz").await.status, 200);
}
