use super::host::{Answer, Host, START};
use sandbox::sendgrid::SendGrid;
use serde_json::{Value, json};

const SEND: &str = "/sendgrid/v3/mail/send";

async fn send_as(host: &Host, key: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {key}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    host.send("POST", SEND, &headers, &body.to_string()).await
}

async fn send(host: &Host, body: &Value) -> Answer {
    send_as(host, "SG.a.b", body).await
}

fn mail() -> Value {
    json!({"personalizations": [{"to": [{"email": "a@x.example"}, {"email": "b@x.example"}]}],
        "from": {"email": "hub@y.example"}, "subject": "Disk full",
        "content": [{"type": "text/plain", "value": "91 %"}, {"type": "text/html", "value": "<p>91 %</p>"}],
        "headers": {"Message-ID": "<a@y.example>"}})
}

fn said(answer: &Answer) -> String {
    answer.json()["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_mail_is_taken_with_an_empty_202_and_its_id_in_a_header() {
    let host = Host::start().await;
    let answer = send(&host, &mail()).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    let id = answer.header("x-message-id").unwrap();
    let mails = host.sandbox.vendor::<SendGrid>().unwrap().mails();
    assert_eq!(
        (mails.len(), mails[0].id.as_str(), mails[0].recipients.len()),
        (1, id, 2)
    );
    assert_eq!(mails[0].header("message-id"), Some("<a@y.example>"));
    let mut trial = mail();
    trial["mail_settings"] = json!({"sandbox_mode": {"enable": true}});
    assert_eq!(send(&host, &trial).await.status, 200, "checked, not sent");
    assert_eq!(host.sandbox.vendor::<SendGrid>().unwrap().mails().len(), 1);
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn used_up_credits_are_a_401_that_is_no_bad_key() {
    let host = Host::start().await;
    host.set("/_sendgrid/settings", json!({"credits": 3})).await;
    assert_eq!(send(&host, &mail()).await.status, 202);
    let refused = send(&host, &mail()).await;
    assert_eq!(
        (refused.status, said(&refused).as_str()),
        (401, "Maximum credits exceeded")
    );
    let bad_key = send_as(&host, "SG.invalid", &mail()).await;
    assert_eq!(bad_key.status, 401);
    assert!(said(&bad_key).contains("invalid, expired, or revoked"));
    host.set("/_sendgrid/settings", json!({"credits": null}))
        .await;
    assert_eq!(send(&host, &mail()).await.status, 202);
    assert_eq!(send_as(&host, "SG.readonly.x", &mail()).await.status, 403);
    assert_eq!(send_as(&host, "", &mail()).await.status, 401);
}

#[tokio::test]
async fn a_sender_that_is_not_verified_is_refused() {
    let host = Host::start().await;
    for (senders, status) in [
        (json!(["other.example"]), 403),
        (json!(["y.example"]), 202),
        (json!(["hub@y.example"]), 202),
        (json!(null), 202),
    ] {
        host.set("/_sendgrid/settings", json!({"senders": senders}))
            .await;
        let answer = send(&host, &mail()).await;
        assert_eq!(answer.status, status, "{senders}");
        if status == 403 {
            assert_eq!(answer.json()["errors"][0]["field"], "from");
        }
    }
}

#[tokio::test]
async fn mails_that_break_the_rules_are_refused_with_their_field_and_listed() {
    let host = Host::start().await;
    let with = |name: &str, value: Value| {
        let mut body = mail();
        body[name] = value;
        body
    };
    let part = |kind: &str| json!({"type": kind, "value": "x"});
    let to = |list: Value| json!([{ "to": list }]);
    let many: Vec<Value> = (0..1_001)
        .map(|i| json!({"email": format!("a{i}@x.example")}))
        .collect();
    let table = [
        (with("from", json!({})), "from.email"),
        (with("subject", json!("")), "subject"),
        (with("personalizations", json!([])), "personalizations"),
        (
            with("personalizations", to(json!([]))),
            "personalizations.0.to",
        ),
        (
            with("personalizations", to(json!([{"email": "nobody"}]))),
            "personalizations.0.to.0.email",
        ),
        (
            with(
                "personalizations",
                to(json!([{"email": "a@x"}, {"email": "A@x"}])),
            ),
            "personalizations",
        ),
        (
            with("personalizations", to(json!(many))),
            "personalizations",
        ),
        (with("content", json!([])), "content"),
        (
            with("content", json!([part("text/html"), part("text/plain")])),
            "content",
        ),
        (
            with("content", json!([{"type": "text/plain", "value": ""}])),
            "content",
        ),
        (
            with("headers", json!({"Reply-To": "x@y.example"})),
            "headers",
        ),
        (with("headers", json!({"X-A": "ä"})), "headers"),
        (with("headers", json!({"X-A": "a\r\nBcc: b"})), "headers"),
        (with("headers", json!({"X-A": 1})), "headers"),
        (with("categories", json!(["a", "a"])), "categories"),
        (with("reply_to", json!({"email": ""})), "reply_to.email"),
        (
            with("send_at", json!(START / 1_000 + 73 * 3_600)),
            "send_at",
        ),
    ];
    for (body, field) in &table {
        let answer = send(&host, body).await;
        assert_eq!(answer.status, 400, "{field}");
        let fields: Vec<Value> = answer.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["field"].clone())
            .collect();
        assert!(fields.contains(&json!(field)), "{field}: {fields:?}");
    }
    assert!(host.sandbox.violation_count() >= table.len() as u64);
    assert_eq!(send(&host, &json!([])).await.status, 400);
    let form = [
        ("authorization", "Bearer SG.x"),
        ("content-type", "text/plain"),
    ];
    assert_eq!(host.send("POST", SEND, &form, "{}").await.status, 400);
    assert_eq!(host.get(SEND).await.status, 405);
    assert_eq!(host.get("/sendgrid/v3/scopes").await.status, 404);
}

#[tokio::test]
async fn the_inbox_shows_threads_together_and_no_markup_of_senders() {
    let host = Host::start().await;
    let mut other = mail();
    other["subject"] = json!("<script>alert(1)</script>");
    other["headers"] = json!({"Message-ID": "<other@y.example>"});
    let mut answer = mail();
    answer["headers"] = json!({"Message-ID": "<b@y.example>", "References": "<a@y.example>"});
    for body in [&mail(), &other, &answer] {
        assert_eq!(send(&host, body).await.status, 202);
    }
    let page = host.get("/sendgrid").await.body;
    assert!(
        page.contains("3 mails") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    assert_eq!(page.matches("<section").count(), 2, "two threads");
    assert_eq!(page.matches("<script").count(), 1, "only our own");
}
