use super::host::Host;
use serde_json::json;

#[tokio::test]
async fn the_index_lists_vendors_and_slack_lists_channels() {
    let host = Host::start().await;
    let index = host.get("/").await.body;
    assert!(index.contains("href=\"/slack\"") && index.contains("href=\"/webhook\""));
    let posted = host
        .slack("chat.postMessage", json!({"channel": "ops", "text": "a"}))
        .await;
    let list = host.get("/slack").await.body;
    assert!(
        list.contains(&format!(
            "/slack/channels/{}",
            posted["channel"].as_str().unwrap()
        )) && list.contains("#ops")
    );
}

#[tokio::test]
async fn a_channel_shows_bars_fields_buttons_edits_and_threads() {
    let host = Host::without_limits().await;
    let content = json!({"channel": "ops", "text": "*Disk full* on <https://a.example/h|host 1>",
        "attachments": [{"color": "danger", "title": "Disk", "title_link": "https://a.example", "text": "98 %", "footer": "hub",
            "fields": [{"title": "Host", "value": "`h1`", "short": true}],
            "blocks": [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Acknowledge"}, "style": "primary", "action_id": "ack"}]}]}]});
    let posted = host.slack("chat.postMessage", content).await;
    host.slack(
        "chat.postMessage",
        json!({"channel": "ops", "text": "in the thread", "thread_ts": posted["ts"]}),
    )
    .await;
    let page = host.get("/slack/channels/ops").await.body;
    for part in [
        "<b>Disk full</b>",
        "<a href=\"https://a.example/h\"",
        "background:#a30200",
        "<code>h1</code>",
        "button primary",
        "Acknowledge",
        "1 reply",
        "in the thread",
        "12:00:00",
        "Tuesday, 3 March 2026",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains("(edited)"));
    let update = json!({"channel": posted["channel"], "ts": posted["ts"], "text": "Disk is fine", "attachments": [{"color": "good", "text": "12 %"}]});
    assert_eq!(host.slack("chat.update", update).await["ok"], true);
    let page = host
        .get(&format!(
            "/slack/channels/{}",
            posted["channel"].as_str().unwrap()
        ))
        .await
        .body;
    assert!(
        page.contains("(edited)") && page.contains("background:#2eb886") && !page.contains("98 %")
    );
    let data = host.get("/slack/channels/%23ops.json").await.json();
    assert_eq!(data["channel"]["name"], "ops");
    assert_eq!(data["messages"][0]["text"], "Disk is fine");
    assert_eq!(
        data["messages"][0]["history"][0]["attachments"][0]["color"],
        "danger"
    );
}

#[tokio::test]
async fn hostile_text_does_not_become_markup_anywhere() {
    let host = Host::without_limits().await;
    let evil = "</div><script>alert(1)</script>\"'><img src=x onerror=alert(1)> <javascript:alert(1)|go> *<b>x</b>*";
    let text = |text: &str| json!({"type": "mrkdwn", "text": text});
    let content = json!({"channel": "ops", "username": evil, "text": evil, "blocks": [
            {"type": "section", "text": text(evil), "fields": [text(evil)]}, {"type": "context", "elements": [text(evil)]},
            {"type": "image", "image_url": "javascript:alert(1)", "alt_text": evil},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "<script>"}, "url": "javascript:alert(1)"}]}],
        "attachments": [{"color": "red;background:url(https://evil.example)", "title": evil, "title_link": "javascript:alert(1)", "text": evil,
            "footer": "<script>", "author_name": evil, "pretext": evil, "fields": [{"title": evil, "value": evil}]}]});
    assert_eq!(host.slack("chat.postMessage", content).await["ok"], true);
    let posted = host
        .slack("chat.postMessage", json!({"channel": "ops", "text": evil}))
        .await;
    host.slack(
        "chat.postMessage",
        json!({"channel": "ops", "text": evil, "thread_ts": posted["ts"]}),
    )
    .await;
    host.send(
        "POST",
        "/webhook/%3Cscript%3E",
        &[
            ("webhook-id", "<script>"),
            ("webhook-timestamp", "1"),
            ("webhook-signature", "v1,AAAA"),
        ],
        evil,
    )
    .await;
    host.send("POST", "/webhook/a", &[], evil).await;
    for path in [
        "/slack/channels/ops",
        "/slack/channels/<script>alert(1)<",
        "/slack",
        "/webhook",
        "/",
    ] {
        let path = path.replace('<', "%3C").replace('>', "%3E");
        let answer = host.get(&path).await;
        let page = answer.body.as_str();
        assert_eq!(
            page.matches("<script").count(),
            1,
            "only our own script in {path}: {page}"
        );
        assert!(
            !page.contains("<img")
                && !page.contains("<b><b>")
                && !page.contains("href=\"javascript")
                && !page.contains("evil.example\">"),
            "{path}: {page}"
        );
        assert!(!page.contains("url("), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn the_webhook_page_shows_what_came_and_what_became_of_it() {
    let host = Host::start().await;
    let body = r#"{"type":"alert.opened","timestamp":"2026-03-03T12:00:00Z","data":{"alert":{"title":"Disk full"}}}"#;
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
    ];
    host.send("POST", "/webhook/a", &headers, body).await;
    host.send("POST", "/webhook/a", &headers, body).await;
    host.send("POST", "/webhook/a", &headers, "nonsense").await;
    let page = host.get("/webhook").await.body;
    for part in [
        "2 accepted",
        "1 of them repeated",
        "1 refused",
        "msg_1",
        "Disk full",
        "tag bad\">400",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}
