use super::host::{Host, TOKEN};
use serde_json::{Value, json};

struct Posted {
    host: Host,
    channel: String,
    ts: String,
}

impl Posted {
    async fn new(content: Value) -> Self {
        let host = Host::without_limits().await;
        let mut body = content;
        body["channel"] = json!("ops");
        let answer = host.slack("chat.postMessage", body).await;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            channel: text("channel"),
            ts: text("ts"),
            host,
        }
    }

    async fn update(&self, change: Value) -> Value {
        let mut body = json!({"channel": self.channel, "ts": self.ts});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        self.host.slack("chat.update", body).await
    }
}

fn full() -> Value {
    json!({"text": "before", "attachments": [{"text": "bar", "color": "danger"}],
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "block"}}]})
}

#[tokio::test]
async fn an_update_keeps_attachments_that_it_leaves_out_and_drops_blocks_when_it_has_text_only() {
    let posted = Posted::new(full()).await;
    let answer = posted.update(json!({"text": "after"})).await;
    assert_eq!(
        (&answer["ok"], &answer["ts"], &answer["text"]),
        (&json!(true), &json!(posted.ts), &json!("after"))
    );
    let message = posted.host.slack_state().messages("ops").remove(0);
    assert_eq!(
        message.content.attachments[0]["color"], "danger",
        "the old bar stays"
    );
    assert!(
        message.content.blocks.is_empty(),
        "text without blocks removes them"
    );
    assert_eq!(message.history.len(), 1);
    assert_eq!(message.history[0].content.text, "before");
    assert!(message.edited.is_some());
}

#[tokio::test]
async fn an_empty_list_of_attachments_clears_them() {
    let posted = Posted::new(full()).await;
    assert_eq!(
        posted
            .update(json!({"text": "after", "attachments": []}))
            .await["ok"],
        true
    );
    assert!(
        posted.host.slack_state().messages("ops")[0]
            .content
            .attachments
            .is_empty()
    );
}

#[tokio::test]
async fn an_update_of_attachments_alone_keeps_text_and_blocks_and_shows_no_edit() {
    let posted = Posted::new(full()).await;
    assert_eq!(
        posted
            .update(json!({"attachments": [{"text": "bar", "color": "good"}]}))
            .await["ok"],
        true
    );
    let message = posted.host.slack_state().messages("ops").remove(0);
    assert_eq!(
        (message.content.text.as_str(), message.content.blocks.len()),
        ("before", 1)
    );
    assert_eq!(message.content.attachments[0]["color"], "good");
    assert_eq!(message.edited, None, "only edits of the text show");
}

#[tokio::test]
async fn each_refusal_of_an_update_has_its_word() {
    let posted = Posted::new(json!({"text": "before"})).await;
    let number: Value = serde_json::from_str(&posted.ts).unwrap();
    let table = [
        (json!({"channel": "ops"}), "channel_not_found"),
        (json!({"channel": "#ops"}), "channel_not_found"),
        (json!({"channel": "C0UNKNOWN"}), "channel_not_found"),
        (json!({"ts": "1.000000", "text": "a"}), "message_not_found"),
        (json!({"ts": number, "text": "a"}), "message_not_found"),
        (json!({"ts": null, "text": "a"}), "invalid_arguments"),
        (json!({}), "no_text"),
        (json!({"text": ""}), "no_text"),
        (json!({"text": "x".repeat(4_001)}), "msg_too_long"),
        (
            json!({"text": "a", "attachments": vec![json!({"text": "a"}); 101]}),
            "too_many_attachments",
        ),
        (
            json!({"text": "a", "attachments": "[["}),
            "invalid_attachments",
        ),
        (
            json!({"text": "a", "markdown_text": "a"}),
            "markdown_text_conflict",
        ),
    ];
    for (change, error) in table {
        let shown = change.to_string().chars().take(80).collect::<String>();
        assert_eq!(posted.update(change).await["error"], error, "{shown}");
    }
    assert_eq!(
        posted.update(json!({"text": "x".repeat(4_000)})).await["ok"],
        true
    );
}

#[tokio::test]
async fn only_the_identity_that_posted_may_edit_or_delete() {
    let posted = Posted::new(json!({"text": "before"})).await;
    let body = json!({"channel": posted.channel, "ts": posted.ts, "text": "mine now"});
    let answer = posted
        .host
        .slack_as("xoxb-2-two", "chat.update", body.clone())
        .await
        .json();
    assert_eq!(answer["error"], "cant_update_message");
    let answer = posted
        .host
        .slack_as("xoxb-2-two", "chat.delete", body.clone())
        .await
        .json();
    assert_eq!(answer["error"], "cant_delete_message");
    assert_eq!(
        posted.host.slack("chat.delete", body.clone()).await["ok"],
        true
    );
    assert_eq!(
        posted.host.slack("chat.delete", body.clone()).await["error"],
        "message_not_found"
    );
    assert_eq!(
        posted.host.slack("chat.update", body).await["error"],
        "message_not_found"
    );
}

#[tokio::test]
async fn the_edit_window_closes_and_opens_again() {
    let posted = Posted::new(json!({"text": "before"})).await;
    posted
        .host
        .set("/_slack/settings", json!({"edit_window_ms": 60_000}))
        .await;
    posted.host.advance(60_000);
    assert_eq!(posted.update(json!({"text": "in time"})).await["ok"], true);
    posted.host.advance(1);
    assert_eq!(
        posted.update(json!({"text": "late"})).await["error"],
        "edit_window_closed"
    );
    posted
        .host
        .set("/_slack/settings", json!({"create_channels": true}))
        .await;
    assert_eq!(
        posted.update(json!({"text": "late"})).await["error"],
        "edit_window_closed",
        "what is not named stays"
    );
    posted
        .host
        .set("/_slack/settings", json!({"edit_window_ms": null}))
        .await;
    assert_eq!(posted.update(json!({"text": "late"})).await["ok"], true);
}

#[tokio::test]
async fn a_message_in_an_archived_channel_is_inactive() {
    let posted = Posted::new(json!({"text": "before"})).await;
    posted
        .host
        .set("/_slack/channels", json!({"name": "ops", "archived": true}))
        .await;
    assert_eq!(
        posted.update(json!({"text": "after"})).await["error"],
        "is_inactive"
    );
    assert_eq!(
        posted.host.slack("auth.test", json!({})).await["ok"],
        true,
        "{TOKEN} itself is fine"
    );
}
