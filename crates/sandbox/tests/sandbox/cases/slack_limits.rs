use super::host::Host;
use serde_json::json;

#[tokio::test]
async fn a_channel_takes_a_burst_then_one_a_second_and_says_how_long_to_wait() {
    let host = Host::start().await;
    let post = |channel: &'static str| {
        host.slack_as(
            "xoxb-1",
            "chat.postMessage",
            json!({"channel": channel, "text": "a"}),
        )
    };
    for _ in 0..4 {
        assert_eq!(post("ops").await.status, 200);
    }
    let refused = post("ops").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(refused.json(), json!({"ok": false, "error": "ratelimited"}));
    assert_eq!(
        post("other").await.status,
        200,
        "another channel has its own bucket"
    );
    host.advance(1_000);
    assert_eq!(post("ops").await.status, 200);
    assert_eq!(post("ops").await.status, 429);
    assert_eq!(host.slack_state().messages("ops").len(), 5);
    assert_eq!(
        host.sandbox.violation_count(),
        0,
        "being too fast is not a broken rule"
    );
}

#[tokio::test]
async fn updates_are_limited_by_the_minute_and_workspace() {
    let host = Host::start().await;
    let posted = host
        .slack("chat.postMessage", json!({"channel": "ops", "text": "a"}))
        .await;
    let update = || {
        host.slack_as(
            "xoxb-1-one",
            "chat.update",
            json!({"channel": posted["channel"], "ts": posted["ts"], "text": "b"}),
        )
    };
    for n in 0..50 {
        assert_eq!(update().await.status, 200, "{n}");
    }
    let refused = update().await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("2"))
    );
    host.advance(1_200);
    assert_eq!(update().await.status, 200);
}

#[tokio::test]
async fn without_limits_nothing_is_refused() {
    let host = Host::without_limits().await;
    for n in 0..100 {
        let answer = host
            .slack_as(
                "xoxb-1",
                "chat.postMessage",
                json!({"channel": "ops", "text": "a"}),
            )
            .await;
        assert_eq!(answer.status, 200, "{n}");
    }
}
