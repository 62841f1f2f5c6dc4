use super::host::{Host, TOKEN};
use sandbox::RequestFilter;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a client reads until the connection ends, and whether it ended with a reset.
async fn until_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    assert!(ended.is_ok(), "the connection was not closed");
    bytes
}

/// Waits for a condition, not for a time.
async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("it came to hold in ten seconds");
}

fn post(body: &str) -> String {
    format!(
        "POST /slack/api/chat.postMessage HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {TOKEN}\r\n\
content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_cut_closes_the_connection_without_a_byte_before_or_after_the_request_took_effect() {
    let host = Host::start().await;
    for (cut, messages) in [("before", 0), ("after", 1)] {
        host.set(
            "/_faults",
            json!({"vendor": "slack", "path": "/api/chat.postMessage", "cut": cut, "times": 1}),
        )
        .await;
        // A kept connection: it is the server that ends it, not the client's wish.
        let mut stream = TcpStream::connect(host.address).await.unwrap();
        stream
            .write_all(post(r#"{"channel":"ops","text":"a"}"#).as_bytes())
            .await
            .unwrap();
        assert_eq!(
            until_the_end(&mut stream).await,
            b"",
            "cut {cut} lets nothing through"
        );
        assert_eq!(
            host.slack_state().messages("ops").len(),
            messages,
            "cut {cut}"
        );
        let last = host
            .sandbox
            .requests(&RequestFilter::default())
            .pop()
            .unwrap();
        assert_eq!((last.status, last.reply.len()), (0, 0));
    }
    let answer = host
        .slack("chat.postMessage", json!({"channel": "ops", "text": "b"}))
        .await;
    assert_eq!(answer["ok"], true, "both faults are used up");
}

#[tokio::test]
async fn a_cut_in_the_middle_of_a_kept_connection_spares_the_answers_before_it() {
    let host = Host::start().await;
    host.set(
        "/_faults",
        json!({"vendor": "webhook", "path": "/cut", "cut": "after"}),
    )
    .await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream
        .write_all(b"POST /webhook/fine HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let large = "x".repeat(300_000);
    let request = format!(
        "POST /webhook/cut HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{large}",
        large.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let rest = String::from_utf8(until_the_end(&mut stream).await).unwrap();
    assert_eq!(rest.matches("HTTP/1.1").count(), 0, "{rest}");
    assert_eq!(
        host.webhook_state().deliveries(Some("/cut"))[0]
            .request
            .body
            .len(),
        300_000
    );
}

#[tokio::test]
async fn a_faulty_answer_is_given_without_processing_as_often_as_said() {
    let host = Host::start().await;
    let fault = json!({"vendor": "slack", "path": "/api/chat.", "status": 503, "body": {"ok": false, "error": "service_unavailable"},
        "headers": {"Retry-After": "7"}, "times": 2});
    let id = host.set("/_faults", fault).await["id"].clone();
    for _ in 0..2 {
        let answer = host
            .slack_as(
                TOKEN,
                "chat.postMessage",
                json!({"channel": "ops", "text": "a"}),
            )
            .await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("7"))
        );
        assert_eq!(answer.json()["error"], "service_unavailable");
    }
    assert!(host.slack_state().messages("ops").is_empty());
    let listed = host.get("/_faults").await.json();
    assert_eq!(
        (&listed["faults"][0]["id"], &listed["faults"][0]["hits"]),
        (&id, &json!(2))
    );
    assert_eq!(
        host.slack("chat.postMessage", json!({"channel": "ops", "text": "a"}))
            .await["ok"],
        true
    );
    host.set("/_faults", json!({"vendor": "webhook", "body": "nonsense"}))
        .await;
    let answer = host.send("POST", "/webhook/a", &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "nonsense"));
    assert_eq!(host.send("DELETE", "/_faults", &[], "").await.status, 204);
    assert_eq!(host.send("POST", "/webhook/a", &[], "").await.body, "{}");
}

#[tokio::test]
async fn a_slow_vendor_has_received_what_its_client_gave_up_on() {
    let host = Host::start().await;
    host.set("/_faults", json!({"vendor": "slack", "delay_ms": 100}))
        .await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream
        .write_all(post(r#"{"channel":"ops","text":"a"}"#).as_bytes())
        .await
        .unwrap();
    until(|| host.sandbox.faults()[0].hits == 1).await;
    drop(stream);
    until(|| !host.slack_state().messages("ops").is_empty()).await;
}

#[tokio::test]
async fn a_fault_that_cannot_work_is_refused_with_the_reason() {
    let host = Host::start().await;
    for (body, word) in [
        (r#"{"vendor":"slak","status":500}"#, "unknown vendor"),
        (r#"{"vendor":"slack","staus":500}"#, "staus"),
        ("nonsense", "expected"),
    ] {
        let answer = host.send("POST", "/_faults", &[], body).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.json()["error"].as_str().unwrap().contains(word),
            "{answer:?}"
        );
    }
}
