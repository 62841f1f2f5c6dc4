use super::host::Host;
use serde_json::json;

const HOOK: &str = "/slack/services/T01/B01/abc";

#[tokio::test]
async fn a_hook_says_ok_in_plain_text_and_posts_to_its_own_channel() {
    let host = Host::start().await;
    host.set(
        "/_slack/hooks",
        json!({"path": "T01/B01/abc", "channel": "ops"}),
    )
    .await;
    let json = [("content-type", "application/json")];
    let answer = host
        .send(
            "POST",
            HOOK,
            &json,
            r#"{"text":"hello","channel":"elsewhere"}"#,
        )
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        host.send(
            "POST",
            HOOK,
            &form,
            "payload=%7B%22text%22%3A%22formed%22%7D"
        )
        .await
        .body,
        "ok"
    );
    let texts: Vec<_> = host
        .slack_state()
        .messages("ops")
        .into_iter()
        .map(|message| message.content.text)
        .collect();
    assert_eq!(texts, ["hello", "formed"]);
    assert!(host.slack_state().channel("elsewhere").is_none());
}

#[tokio::test]
async fn each_failure_of_a_hook_is_a_status_and_a_bare_word() {
    let host = Host::without_limits().await;
    host.set(
        "/_slack/hooks",
        json!({"path": "/slack/services/T01/B02/gone", "error": "no_service"}),
    )
    .await;
    host.set(
        "/_slack/hooks",
        json!({"path": "T01/B03/old", "channel": "old"}),
    )
    .await;
    host.set("/_slack/channels", json!({"name": "old", "archived": true}))
        .await;
    host.set(
        "/_slack/hooks",
        json!({"path": "T01/B04/strict", "channel": "strict"}),
    )
    .await;
    host.set(
        "/_slack/channels",
        json!({"name": "strict", "posting_restricted": true}),
    )
    .await;
    let many = json!({"attachments": vec![json!({"text": "a"}); 101]}).to_string();
    let hello = r#"{"text":"a"}"#;
    let table = [
        (HOOK, "{", 400, "invalid_payload"),
        (HOOK, "[]", 400, "invalid_payload"),
        (HOOK, "{}", 400, "no_text"),
        (HOOK, many.as_str(), 400, "too_many_attachments"),
        (HOOK, r#"{"blocks":[{"type":"x"}]}"#, 400, "invalid_blocks"),
        ("/slack/services/T01/B02/gone", hello, 404, "no_service"),
        (
            "/slack/services/T01/B03/old",
            hello,
            410,
            "channel_is_archived",
        ),
        (
            "/slack/services/T01/B04/strict",
            hello,
            403,
            "action_prohibited",
        ),
        ("/slack/services/X01/B01/abc", hello, 404, "no_team"),
        ("/slack/services/T01/X01/abc", hello, 404, "no_service"),
        ("/slack/services/T01/B01", hello, 403, "invalid_token"),
    ];
    for (path, body, status, word) in table {
        let answer = host
            .send("POST", path, &[("content-type", "application/json")], body)
            .await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, word),
            "{path} {:.40}",
            body
        );
    }
    host.set("/_slack/hooks", json!({"path": "T01/B02/gone"}))
        .await;
    assert_eq!(
        host.send("POST", "/slack/services/T01/B02/gone", &[], hello)
            .await
            .status,
        200,
        "restored"
    );
}

#[tokio::test]
async fn a_hook_is_limited_too() {
    let host = Host::start().await;
    let send = || {
        host.send(
            "POST",
            HOOK,
            &[("content-type", "application/json")],
            r#"{"text":"a"}"#,
        )
    };
    for _ in 0..4 {
        assert_eq!(send().await.status, 200);
    }
    let refused = send().await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("1"))
    );
    host.advance(1_000);
    assert_eq!(send().await.status, 200);
}
