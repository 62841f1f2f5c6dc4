use super::host::{Host, TOKEN};
use serde_json::{Value, json};

#[tokio::test]
async fn a_message_is_answered_with_the_channels_id_and_a_ts_as_text() {
    let host = Host::start().await;
    let answer = host
        .slack(
            "chat.postMessage",
            json!({"channel": "#ops", "text": "hello"}),
        )
        .await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["ts"], "1772539200.000000");
    assert_eq!(answer["message"]["text"], "hello");
    let channel = answer["channel"].as_str().unwrap();
    assert!(channel.starts_with('C') && channel.len() > 8);
    for same in ["ops", "#ops", channel] {
        let again = host
            .slack(
                "chat.postMessage",
                json!({"channel": same, "text": "hello"}),
            )
            .await;
        assert_eq!(again["channel"], channel, "{same} is the same channel");
    }
    let ts: Vec<_> = host
        .slack_state()
        .messages("ops")
        .into_iter()
        .map(|message| message.ts)
        .collect();
    assert_eq!(
        ts,
        [
            "1772539200.000000",
            "1772539200.000001",
            "1772539200.000002",
            "1772539200.000003"
        ]
    );
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn each_token_error_comes_in_200_with_its_word() {
    let host = Host::start().await;
    let table = [
        ("xoxb-invalid_auth", "invalid_auth"),
        ("xoxb-token_revoked-7", "token_revoked"),
        ("xoxb-token_expired", "token_expired"),
        ("xoxb-account_inactive", "account_inactive"),
        ("xoxb-missing_scope", "missing_scope"),
        ("xoxp-1", "invalid_auth"),
        ("nonsense", "invalid_auth"),
        ("xapp-1", "not_allowed_token_type"),
    ];
    for (token, error) in table {
        let answer = host
            .slack_as(
                token,
                "chat.postMessage",
                json!({"channel": "ops", "text": "a"}),
            )
            .await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (200, &json!(error)),
            "{token}"
        );
    }
    let answer = host
        .send(
            "POST",
            "/slack/api/chat.postMessage",
            &[("content-type", "application/json; charset=utf-8")],
            r#"{"channel":"ops"}"#,
        )
        .await;
    assert_eq!(answer.json(), json!({"ok": false, "error": "not_authed"}));
    assert!(host.slack_state().messages("ops").is_empty());
    let answer = host
        .slack_as(
            "xoxb-missing_scope",
            "chat.postMessage",
            json!({"channel": "ops"}),
        )
        .await
        .json();
    assert_eq!(
        (&answer["needed"], &answer["provided"]),
        (&json!("chat:write"), &json!("identify"))
    );
}

#[tokio::test]
async fn a_token_is_revoked_midway_and_restored() {
    let host = Host::start().await;
    let post = || host.slack("chat.postMessage", json!({"channel": "ops", "text": "a"}));
    assert_eq!(post().await["ok"], true);
    host.set(
        "/_slack/tokens",
        json!({"token": TOKEN, "error": "token_revoked"}),
    )
    .await;
    assert_eq!(post().await["error"], "token_revoked");
    assert_eq!(
        host.slack("auth.test", json!({})).await["error"],
        "token_revoked"
    );
    host.set("/_slack/tokens", json!({"token": TOKEN})).await;
    assert_eq!(post().await["ok"], true);
}

#[tokio::test]
async fn a_token_has_the_scopes_that_were_set_and_no_others() {
    let host = Host::start().await;
    host.set(
        "/_slack/tokens",
        json!({"token": TOKEN, "scopes": ["chat:write"]}),
    )
    .await;
    let posted = host
        .slack("chat.postMessage", json!({"channel": "ops", "text": "a"}))
        .await;
    assert_eq!(posted["ok"], true);
    let asked = host
        .slack_form(
            "conversations.info",
            &format!("channel={}", posted["channel"].as_str().unwrap()),
        )
        .await;
    assert_eq!(
        asked,
        json!({"ok": false, "error": "missing_scope", "needed": "channels:read", "provided": "chat:write"})
    );
    assert_eq!(
        host.slack("auth.test", json!({})).await["ok"],
        true,
        "auth.test needs none"
    );
}

#[tokio::test]
async fn a_channel_answers_by_its_state() {
    let host = Host::start().await;
    host.set("/_slack/channels", json!({"name": "old", "archived": true}))
        .await;
    host.set(
        "/_slack/channels",
        json!({"name": "others", "member": false}),
    )
    .await;
    host.set(
        "/_slack/channels",
        json!({"name": "secret", "private": true, "id": "G0SECRET1"}),
    )
    .await;
    host.set(
        "/_slack/channels",
        json!({"name": "hidden", "private": true, "member": false, "id": "G0HIDDEN1"}),
    )
    .await;
    host.set(
        "/_slack/channels",
        json!({"name": "news", "posting_restricted": true}),
    )
    .await;
    let table = [
        ("#old", json!("is_archived")),
        ("others", json!("not_in_channel")),
        ("secret", json!("channel_not_found")),
        ("#secret", json!("channel_not_found")),
        ("G0SECRET1", Value::Null),
        ("G0HIDDEN1", json!("channel_not_found")),
        ("news", json!("restricted_action")),
        ("C0UNKNOWN", json!("channel_not_found")),
        ("Not A Name", json!("channel_not_found")),
        ("U0SOMEBODY", Value::Null),
    ];
    for (channel, error) in table {
        let answer = host
            .slack("chat.postMessage", json!({"channel": channel, "text": "a"}))
            .await;
        assert_eq!(answer["error"], error, "{channel}: {answer}");
    }
    host.set("/_slack/settings", json!({"create_channels": false}))
        .await;
    let answer = host
        .slack("chat.postMessage", json!({"channel": "fresh", "text": "a"}))
        .await;
    assert_eq!(answer["error"], "channel_not_found");
}

#[tokio::test]
async fn joining_a_public_channel_opens_it() {
    let host = Host::start().await;
    let channel = host
        .set(
            "/_slack/channels",
            json!({"name": "others", "member": false}),
        )
        .await;
    let id = channel["id"].as_str().unwrap();
    assert_eq!(
        host.slack("conversations.join", json!({"channel": id}))
            .await["channel"]["is_member"],
        true
    );
    assert_eq!(
        host.slack("chat.postMessage", json!({"channel": id, "text": "a"}))
            .await["ok"],
        true
    );
    let listed = host
        .slack_form("conversations.list", "exclude_archived=true&limit=10")
        .await;
    assert_eq!(listed["channels"][0]["name"], "others");
    assert_eq!(
        host.slack_form("conversations.info", "channel=others")
            .await["error"],
        "channel_not_found",
        "by id only"
    );
}

#[tokio::test]
async fn content_that_slack_refuses_is_refused_and_listed() {
    let host = Host::without_limits().await;
    let attachment = json!({"text": "a", "color": "good"});
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3_001)}});
    let table = [
        (json!({}), "no_text"),
        (json!({"text": ""}), "no_text"),
        (
            json!({"text": "  ", "attachments": [], "blocks": []}),
            "no_text",
        ),
        (
            json!({"attachments": vec![attachment.clone(); 101]}),
            "too_many_attachments",
        ),
        (
            json!({"text": "a", "attachments": {"text": "a"}}),
            "invalid_attachments",
        ),
        (
            json!({"text": "a", "blocks": vec![json!({"type": "divider"}); 51]}),
            "invalid_blocks",
        ),
        (
            json!({"text": "a", "blocks": [section.clone()]}),
            "invalid_blocks",
        ),
        (
            json!({"attachments": [{"color": "good", "blocks": [section]}]}),
            "invalid_blocks",
        ),
        (
            json!({"text": "a", "blocks": "[{"}),
            "invalid_blocks_format",
        ),
        (
            json!({"text": "a", "markdown_text": "b"}),
            "markdown_text_conflict",
        ),
        (json!({"markdown_text": "x".repeat(12_001)}), "msg_too_long"),
        (
            json!({"text": "a", "metadata": {"event_type": 5}}),
            "invalid_metadata_format",
        ),
        (
            json!({"text": "a", "thread_ts": "1.000000"}),
            "cannot_reply_to_message",
        ),
    ];
    for (i, (mut body, error)) in table.into_iter().enumerate() {
        body["channel"] = json!("ops");
        let answer = host.slack("chat.postMessage", body.clone()).await;
        assert_eq!(answer["error"], error, "{i}: {answer}");
        assert_eq!(
            host.sandbox.violation_count(),
            i as u64 + 1,
            "{error} is listed"
        );
    }
    assert!(host.slack_state().messages("ops").is_empty());
    let fine = json!({"channel": "ops", "attachments": vec![attachment; 100]});
    assert_eq!(host.slack("chat.postMessage", fine).await["ok"], true);
}

#[tokio::test]
async fn what_slack_accepts_but_shows_otherwise_is_listed() {
    let host = Host::start().await;
    let body = json!({"channel": "ops", "attachments": [{"text": "a", "color": "purple"}]});
    assert_eq!(host.slack("chat.postMessage", body).await["ok"], true);
    let listed = host.get("/_violations").await.json();
    assert_eq!(listed["count"], 1);
    assert_eq!(
        listed["violations"][0]["problem"],
        "attachments[0].color \"purple\" is not good, warning, danger or #hex"
    );
    host.send("DELETE", "/_violations", &[], "").await;
    assert_eq!(host.get("/_violations").await.json()["count"], 0);
}

#[tokio::test]
async fn text_above_40_000_characters_is_cut_without_an_error() {
    let host = Host::start().await;
    let answer = host
        .slack(
            "chat.postMessage",
            json!({"channel": "ops", "text": "ä".repeat(40_001)}),
        )
        .await;
    assert_eq!(
        answer["message"]["text"].as_str().unwrap().chars().count(),
        40_000
    );
}

#[tokio::test]
async fn a_form_carries_attachments_and_blocks_as_json_text() {
    let host = Host::start().await;
    let form = "channel=%23ops&text=a%20b&attachments=%5B%7B%22text%22%3A%22in%22%2C%22color%22%3A%22danger%22%7D%5D";
    let answer = host.slack_form("chat.postMessage", form).await;
    assert_eq!(
        answer["message"]["attachments"],
        json!([{"text": "in", "color": "danger", "id": 1, "fallback": "in"}])
    );
    assert_eq!(
        host.slack_form("chat.postMessage", "channel=ops&text=a&blocks=nonsense")
            .await["error"],
        "invalid_blocks_format"
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_have_their_own_errors() {
    let host = Host::start().await;
    let authorization = format!("Bearer {TOKEN}");
    let table = [
        ("application/json; charset=utf-8", "{", "invalid_json"),
        ("application/json; charset=utf-8", "[]", "json_not_object"),
        ("application/xml", "<a/>", "invalid_post_type"),
    ];
    for (kind, body, error) in table {
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", kind),
        ];
        let answer = host
            .send("POST", "/slack/api/chat.postMessage", &headers, body)
            .await;
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (200, json!(error)),
            "{body}"
        );
    }
    let headers = [("authorization", authorization.as_str())];
    let answer = host
        .send("POST", "/slack/api/chat.postMessage", &headers, "channel=a")
        .await;
    assert_eq!(answer.json()["error"], "missing_post_type");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = host
        .send(
            "POST",
            "/slack/api/chat.postMessage",
            &headers,
            r#"{"channel":"ops","text":"a"}"#,
        )
        .await
        .json();
    assert_eq!(
        (&answer["ok"], &answer["warning"]),
        (&json!(true), &json!("missing_charset"))
    );
    assert_eq!(
        host.slack("chat.meMessage", json!({})).await,
        json!({"ok": false, "error": "unknown_method"})
    );
}

#[tokio::test]
async fn auth_test_and_team_info_name_the_workspace_and_the_identity() {
    let host = Host::start().await;
    let one = host.slack("auth.test", json!({})).await;
    let other = host
        .slack_as("xoxb-2-two", "auth.test", json!({}))
        .await
        .json();
    assert_eq!(one["team_id"], other["team_id"]);
    assert_ne!(
        one["bot_id"], other["bot_id"],
        "each token is an identity of its own"
    );
    assert_eq!(
        host.slack_form("team.info", "").await["team"]["id"],
        one["team_id"]
    );
}

#[tokio::test]
async fn history_is_newest_first_in_pages_with_metadata_when_asked() {
    let host = Host::start().await;
    let mut ts = Vec::new();
    for n in 0..3 {
        host.advance(1_000);
        let metadata = json!({"event_type": "alert", "event_payload": {"n": n}});
        let posted = host
            .slack(
                "chat.postMessage",
                json!({"channel": "ops", "text": format!("m{n}"), "metadata": metadata}),
            )
            .await;
        ts.push(posted["ts"].as_str().unwrap().to_owned());
    }
    let channel = host.slack_state().channel("ops").unwrap().id;
    host.slack(
        "chat.postMessage",
        json!({"channel": "ops", "text": "reply", "thread_ts": ts[0]}),
    )
    .await;
    let texts = |page: &Value| {
        page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = host
        .slack_form(
            "conversations.history",
            &format!("channel={channel}&limit=2&include_all_metadata=true"),
        )
        .await;
    assert_eq!(
        (texts(&first), &first["has_more"]),
        (vec!["m2".into(), "m1".into()], &json!(true))
    );
    assert_eq!(first["messages"][0]["metadata"]["event_payload"]["n"], 2);
    let cursor = first["response_metadata"]["next_cursor"].as_str().unwrap();
    let second = host
        .slack_form(
            "conversations.history",
            &format!("channel={channel}&limit=2&cursor={cursor}"),
        )
        .await;
    assert_eq!(
        (texts(&second), &second["has_more"]),
        (vec!["m0".into()], &json!(false))
    );
    assert!(second["messages"][0].get("metadata").is_none());
    let since = host
        .slack_form(
            "conversations.history",
            &format!("channel={channel}&oldest={}", ts[1]),
        )
        .await;
    assert_eq!(texts(&since), ["m2"], "oldest is exclusive");
    let since = host
        .slack_form(
            "conversations.history",
            &format!("channel={channel}&oldest={}&inclusive=true", ts[1]),
        )
        .await;
    assert_eq!(texts(&since), ["m2", "m1"]);
}
