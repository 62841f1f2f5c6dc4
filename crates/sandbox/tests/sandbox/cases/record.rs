use super::host::{Host, START};
use sandbox::limits;
use serde_json::{Value, json};

#[tokio::test]
async fn every_vendor_request_is_a_line_of_the_file_and_the_sandboxs_own_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.jsonl");
    let mut host = Host::with(|options| options.record = Some(file.clone())).await;
    host.slack("chat.postMessage", json!({"channel": "ops", "text": "a"}))
        .await;
    host.slack_form("chat.postMessage", "channel=ops&text=b")
        .await;
    host.get("/slack/channels/ops").await;
    host.get("/_requests").await;
    host.set("/_faults", json!({"vendor": "webhook", "cut": "before"}))
        .await;
    assert_eq!(
        host.send("POST", "/webhook/x?a=1", &[], "{\n\"a\": 1}")
            .await
            .status,
        0
    );
    host.stop().await;
    let lines: Vec<Value> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let fields: Vec<_> = lines[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        fields,
        [
            "at", "body", "headers", "method", "path", "query", "reply", "status", "vendor"
        ]
    );
    assert_eq!(
        (&lines[0]["at"], &lines[0]["vendor"], &lines[0]["method"]),
        (&json!(START), &json!("slack"), &json!("POST"))
    );
    assert_eq!(lines[0]["path"], "/api/chat.postMessage");
    assert_eq!(lines[0]["body"], json!({"channel": "ops", "text": "a"}));
    assert_eq!(
        lines[0]["headers"]["authorization"], "Bearer xoxb-1-one",
        "as received: it is a test tool"
    );
    assert_eq!(
        (&lines[0]["status"], &lines[0]["reply"]["ok"]),
        (&json!(200), &json!(true))
    );
    assert_eq!(lines[1]["body"], "channel=ops&text=b", "a form stays text");
    assert_eq!(
        (&lines[2]["status"], &lines[2]["reply"], &lines[2]["query"]),
        (&json!(0), &Value::Null, &json!("a=1"))
    );
    assert_eq!(
        (&lines[2]["vendor"], &lines[2]["path"], &lines[2]["body"]),
        (&json!("webhook"), &json!("/x"), &json!({"a": 1}))
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_opened_is_said_with_its_path() {
    let clock = std::sync::Arc::new(|| 0);
    let mut options = sandbox::SandboxOptions::new(clock);
    options.record = Some("/nowhere/record.jsonl".into());
    let error = sandbox::Sandbox::new(options).err().unwrap().to_string();
    assert!(
        error.contains("/nowhere/record.jsonl") && error.contains("--record"),
        "{error}"
    );
}

#[tokio::test]
async fn kept_requests_are_filtered_and_forgotten() {
    let host = Host::start().await;
    for path in [
        "/webhook/a/1",
        "/webhook/a/2",
        "/webhook/b",
        "/slack/services/T1/B1/x",
    ] {
        host.advance(1_000);
        host.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            r#"{"text":"a"}"#,
        )
        .await;
    }
    let table = [
        (
            String::new(),
            vec!["/a/1", "/a/2", "/b", "/services/T1/B1/x"],
        ),
        ("?vendor=slack".into(), vec!["/services/T1/B1/x"]),
        ("?path=/a".into(), vec!["/a/1", "/a/2"]),
        ("?limit=2".into(), vec!["/b", "/services/T1/B1/x"]),
        (
            format!("?vendor=webhook&since={}", START + 2_000),
            vec!["/a/2", "/b"],
        ),
        ("?vendor=opsgenie".into(), vec![]),
    ];
    for (query, expected) in table {
        let answer = host.get(&format!("/_requests{query}")).await;
        let found: Vec<_> = answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["path"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(answer.header("sandbox-total"), Some("4"));
    }
    assert_eq!(host.get("/_requests?vendr=slack").await.status, 400);
    assert_eq!(host.send("DELETE", "/_requests", &[], "").await.status, 204);
    assert_eq!(host.get("/_requests").await.json(), json!([]));
}

#[tokio::test]
async fn i10_kept_requests_are_bounded_and_what_was_dropped_is_said() {
    let host = Host::with(|options| options.keep = 3).await;
    for n in 0..5 {
        host.send("POST", &format!("/webhook/{n}"), &[], "").await;
    }
    let answer = host.get("/_requests").await;
    assert_eq!(answer.json().as_array().unwrap().len(), 3);
    assert_eq!(
        (
            answer.header("sandbox-total"),
            answer.header("sandbox-dropped")
        ),
        (Some("5"), Some("2"))
    );
}

#[tokio::test]
async fn i10_a_body_above_the_limit_is_refused() {
    let host = Host::start().await;
    let answer = host
        .send(
            "POST",
            "/webhook/large",
            &[],
            &"x".repeat(limits::BODY_BYTES),
        )
        .await;
    assert_eq!(answer.status, 200);
    // A client that still writes may see the connection end before it sees the answer.
    let refused = host
        .send(
            "POST",
            "/webhook/large",
            &[],
            &"x".repeat(limits::BODY_BYTES + 1),
        )
        .await;
    assert!(matches!(refused.status, 413 | 0), "{}", refused.status);
    assert_eq!(host.webhook_state().deliveries(None).len(), 1);
}

#[tokio::test]
async fn an_address_without_a_vendor_is_not_found() {
    let host = Host::start().await;
    for path in ["/nobody/x", "/_nobody/x", "/slackish"] {
        let answer = host.send("POST", path, &[], "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("no such vendor"));
    }
}
