use super::host::{Host, START};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;

const BODY: &str = r#"{"type":"alert.opened","timestamp":"2026-03-03T12:00:00Z","data":{}}"#;

fn signature(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn any_method_and_body_is_kept_with_its_headers() {
    let host = Host::start().await;
    for method in ["POST", "PUT", "DELETE"] {
        let answer = host
            .send(method, "/webhook/a/b?q=1", &[("x-mine", "yes")], "not json")
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    }
    assert_eq!(
        host.get("/webhook/a/b").await.body,
        "{}",
        "also GET, but for the page at /webhook"
    );
    let deliveries = host.webhook_state().deliveries(Some("/a/b"));
    let methods: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.request.method.as_str())
        .collect();
    assert_eq!(methods, ["POST", "PUT", "DELETE", "GET"]);
    let first = &deliveries[0].request;
    assert_eq!(
        (
            first.query.as_str(),
            first.header("x-mine"),
            &first.body[..]
        ),
        ("q=1", Some("yes"), &b"not json"[..])
    );
    assert!(host.webhook_state().deliveries(Some("/a")).is_empty());
}

#[tokio::test]
async fn a_registered_secret_is_asked_of_every_delivery() {
    let host = Host::start().await;
    let (old, new) = ([1u8; 24], [2u8; 24]);
    let secrets = [old, new].map(|key| format!("whsec_{}", STANDARD.encode(key)));
    host.set(
        "/_webhook/secrets",
        json!({"path": "/webhook/signed", "secrets": secrets}),
    )
    .await;
    let now = START / 1_000;
    let table = [
        ("right", now, signature(&new, "right", now, BODY), 200),
        (
            "older",
            now - 300,
            signature(&old, "older", now - 300, BODY),
            200,
        ),
        (
            "stale",
            now - 301,
            signature(&old, "stale", now - 301, BODY),
            401,
        ),
        (
            "early",
            now + 301,
            signature(&old, "early", now + 301, BODY),
            401,
        ),
        ("wrong", now, signature(&[3; 24], "wrong", now, BODY), 401),
        ("other", now, signature(&new, "right", now, BODY), 401),
    ];
    for (id, seconds, signature, status) in table {
        let seconds = seconds.to_string();
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", &seconds),
            ("webhook-signature", &signature),
        ];
        assert_eq!(
            host.send("POST", "/webhook/signed", &headers, BODY)
                .await
                .status,
            status,
            "{id}"
        );
    }
    assert_eq!(
        host.send("POST", "/webhook/signed", &[], BODY).await.status,
        401,
        "not signed at all"
    );
    assert_eq!(host.sandbox.violation_count(), 5);
    let counts = host.webhook_state().counts(Some("/signed"));
    assert_eq!((counts.accepted, counts.refused), (2, 5));
    assert!(host.webhook_state().deliveries(None)[0].verified);
    host.set(
        "/_webhook/secrets",
        json!({"path": "/signed", "secrets": []}),
    )
    .await;
    assert_eq!(
        host.send("POST", "/webhook/signed", &[], BODY).await.status,
        200
    );
}

#[tokio::test]
async fn signed_deliveries_of_the_wrong_shape_are_refused_and_listed() {
    let host = Host::start().await;
    let good = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
    ];
    assert_eq!(
        host.send("POST", "/webhook/x", &good, BODY).await.status,
        200,
        "no secret, nothing to compare"
    );
    let lacking = [("webhook-id", "msg_1"), ("webhook-signature", "v1,AAAA")];
    assert_eq!(
        host.send("POST", "/webhook/x", &lacking, BODY).await.status,
        400
    );
    assert_eq!(
        host.send("POST", "/webhook/x", &good, r#"{"type":"a"}"#)
            .await
            .status,
        400
    );
    let problems: Vec<_> = host
        .sandbox
        .violations()
        .into_iter()
        .map(|violation| violation.problem)
        .collect();
    assert_eq!(problems[0], "no webhook-timestamp header");
    assert!(problems[1].contains("timestamp"), "{problems:?}");
}

#[tokio::test]
async fn i7_a_repeated_id_is_counted_once_it_was_accepted_on_that_path() {
    let host = Host::start().await;
    let send = async |path: &'static str, id: &'static str| {
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", "1"),
            ("webhook-signature", "v1,AAAA"),
        ];
        assert_eq!(host.send("POST", path, &headers, BODY).await.status, 200);
    };
    for (path, id) in [
        ("/webhook/a", "m1"),
        ("/webhook/b", "m1"),
        ("/webhook/a", "m2"),
        ("/webhook/a", "m1"),
        ("/webhook/a", "m1"),
    ] {
        send(path, id).await;
    }
    let counts = host.get("/_webhook/counts").await.json();
    assert_eq!(
        counts["by_path"]["/a"],
        json!({"accepted": 4, "refused": 0, "duplicates": 2})
    );
    assert_eq!(
        counts["by_path"]["/b"],
        json!({"accepted": 1, "refused": 0, "duplicates": 0})
    );
    let repeated: Vec<_> = host
        .webhook_state()
        .deliveries(Some("/a"))
        .iter()
        .map(|delivery| delivery.duplicate)
        .collect();
    assert_eq!(repeated, [false, false, true, true]);
    host.send("DELETE", "/_webhook/deliveries", &[], "").await;
    assert_eq!(host.webhook_state().counts(None).accepted, 0);
}
