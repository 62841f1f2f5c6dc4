use super::host::{Answer, Host};
use sandbox::flowdock::Flowdock;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");
/// `token:`
const PERSONAL: (&str, &str) = ("authorization", "Basic dG9rZW46");
const CHAT: &str = "/flowdock/flows/example/main/messages";

async fn post(host: &Host, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    host.send("POST", path, headers, &body.to_string()).await
}

fn activity() -> Value {
    json!({"flow_token": "t", "event": "activity", "author": {"name": "hub"}, "title": "Opened", "external_thread_id": "a1",
        "thread": {"title": "Disk full", "fields": [{"label": "Value", "value": "91 %"}], "status": {"color": "red", "value": "open"}}})
}

#[tokio::test]
async fn a_personal_token_posts_into_a_flow_and_answers_in_a_thread() {
    let host = Host::start().await;
    let headers = [JSON, PERSONAL];
    let first = post(
        &host,
        CHAT,
        &headers,
        &json!({"event": "message", "content": "a"}),
    )
    .await;
    assert_eq!(first.status, 201);
    let thread = first.json()["thread_id"].clone();
    let second = json!({"event": "message", "content": "b", "thread_id": thread});
    assert_eq!(
        post(&host, CHAT, &headers, &second).await.json()["thread_id"],
        thread
    );
    let unknown = json!({"event": "message", "content": "b", "thread_id": "other"});
    assert_eq!(post(&host, CHAT, &headers, &unknown).await.status, 404);
    let upper = post(
        &host,
        "/flowdock/flows/Example/main/messages",
        &headers,
        &second,
    )
    .await;
    assert_eq!(upper.status, 404);
    // `invalid:`
    for wrong in [
        &[JSON][..],
        &[JSON, ("authorization", "Basic aW52YWxpZDo=")],
    ] {
        assert_eq!(post(&host, CHAT, wrong, &second).await.status, 401);
    }
    let kept = host.sandbox.vendor::<Flowdock>().unwrap().messages();
    assert_eq!(
        (
            kept.len(),
            kept[0].thread == kept[1].thread,
            kept[0].flow.as_str()
        ),
        (2, true, "example/main")
    );
}

#[tokio::test]
async fn a_flow_token_is_answered_with_202_or_with_an_id_if_asked_to_wait() {
    let host = Host::start().await;
    let answer = post(&host, "/flowdock/messages", &[JSON], &activity()).await;
    assert_eq!((answer.status, answer.json()), (202, json!({})));
    let waiting = [JSON, ("x-flowdock-wait-for-message", "true")];
    let answer = post(&host, "/flowdock/v1/messages", &waiting, &activity()).await;
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(2)));
    let kept = host.sandbox.vendor::<Flowdock>().unwrap().messages();
    assert_eq!(
        (kept[0].thread.as_str(), kept[1].thread.as_str()),
        ("a1", "a1")
    );
    assert_eq!(
        kept[0].body.get("flow_token"),
        None,
        "a credential is not kept"
    );
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn the_older_addresses_take_chat_and_inbox() {
    let host = Host::start().await;
    let chat = json!({"content": "a", "external_user_name": "hub"});
    let inbox = json!({"source": "Hub 1", "from_address": "a@x.example", "subject": "s", "content": "<p>c</p>"});
    for (kind, body) in [("chat", chat), ("team_inbox", inbox)] {
        let path = format!("/flowdock/v1/messages/{kind}/t");
        let answer = post(&host, &path, &[JSON], &body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{kind}");
        assert_eq!(
            post(&host, &path, &[JSON], &json!({})).await.status,
            400,
            "{kind}"
        );
    }
    assert_eq!(
        post(
            &host,
            "/flowdock/v1/messages/chat/invalid",
            &[JSON],
            &json!({})
        )
        .await
        .status,
        401
    );
}

#[tokio::test]
async fn messages_that_break_the_rules_are_refused_and_listed() {
    let host = Host::start().await;
    let mut table = Vec::new();
    for (name, value) in [
        ("author", json!({})),
        ("external_thread_id", json!("")),
        ("event", json!("mail")),
        ("title", json!(null)),
    ] {
        let mut body = activity();
        body[name] = value;
        table.push(body);
    }
    let mut pink = activity();
    pink["thread"]["status"]["color"] = json!("pink");
    table.push(pink);
    for body in &table {
        assert_eq!(
            post(&host, "/flowdock/messages", &[JSON], body)
                .await
                .status,
            400,
            "{body}"
        );
    }
    let headers = [JSON, PERSONAL];
    let long = json!({"event": "message", "content": "x".repeat(8_097)});
    assert_eq!(post(&host, CHAT, &headers, &long).await.status, 400);
    assert_eq!(
        post(&host, CHAT, &[PERSONAL], &long).await.status,
        400,
        "no content type"
    );
    assert!(host.sandbox.violation_count() >= table.len() as u64 + 2);
    let evil = json!({"event": "message", "content": "<script>alert(1)</script>"});
    post(&host, CHAT, &headers, &evil).await;
    let page = host.get("/flowdock").await.body;
    assert!(page.contains("&lt;script&gt;"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "only our own");
}
