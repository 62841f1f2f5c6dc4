use super::host::{Answer, Host, START};
use sandbox::hipchat::HipChat;
use serde_json::{Value, json};

const ROOM: &str = "/hipchat/v2/room/Ops%20Room/notification";

async fn post(host: &Host, token: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    host.send("POST", ROOM, &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_notification_is_answered_with_204_and_stands_in_its_room() {
    let host = Host::start().await;
    let body =
        json!({"message": "<b>Disk full</b>", "color": "red", "notify": true, "from": "hub"});
    let answer = post(&host, "t", &body).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let kept = host.sandbox.vendor::<HipChat>().unwrap().notifications();
    assert_eq!(
        (
            kept[0].room.as_str(),
            kept[0].color.as_str(),
            kept[0].notify
        ),
        ("Ops Room", "red", true)
    );
    let page = host.get("/hipchat").await.body;
    assert!(
        page.contains("Ops Room") && page.contains("&lt;b&gt;Disk full"),
        "{page}"
    );
    let in_query = [("content-type", "application/json")];
    let with_query = host
        .send(
            "POST",
            &format!("{ROOM}?auth_token=t"),
            &in_query,
            r#"{"message":"x"}"#,
        )
        .await;
    assert_eq!(with_query.status, 204);
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn tokens_rooms_and_bodies_are_refused_in_hipchats_form() {
    let host = Host::start().await;
    let good = json!({"message": "x"});
    for (token, status) in [("invalid-1", 401), ("", 401), ("noscope", 403)] {
        let answer = post(&host, token, &good).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (status, &json!(status))
        );
    }
    assert_eq!(host.get("/hipchat/v2/room/1").await.status, 404);
    for body in [
        json!({}),
        json!({"message": ""}),
        json!({"message": "x".repeat(10_001)}),
        json!({"message": "x", "color": "orange"}),
        json!({"message": "x", "notify": "yes"}),
        json!({"message": "x", "from": "f".repeat(65)}),
        json!({"message": "x", "message_format": "markdown"}),
        json!({"message": "x", "title": "y"}),
        json!([]),
    ] {
        let before = host.sandbox.violation_count();
        assert_eq!(post(&host, "t", &body).await.status, 400, "{body}");
        assert_eq!(host.sandbox.violation_count(), before + 1, "{body}");
    }
}

#[tokio::test]
async fn beyond_the_rate_the_reset_is_a_time() {
    let host = Host::start().await;
    for _ in 0..30 {
        assert_eq!(post(&host, "t", &json!({"message": "x"})).await.status, 204);
    }
    let answer = post(&host, "t", &json!({"message": "x"})).await;
    let reset = (START / 1_000 + 2).to_string();
    assert_eq!(
        (answer.status, answer.header("x-ratelimit-reset")),
        (429, Some(reset.as_str()))
    );
}
