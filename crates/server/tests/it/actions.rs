//! What people do to alerts, and what becomes visible of it.

use serde_json::{Value, json};

use crate::harness::{World, eventually};

async fn act(world: &World, id: &str, action: &str, body: Value) -> Value {
    let answer = world
        .post(&format!("/api/v1/alerts/{id}/{action}"), &body)
        .await;
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_goes_through_every_action_and_its_log_says_who_did_what() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let ann = |more: Value| {
        let mut body = json!({ "by": "ann" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let alert = act(
        &world,
        &id,
        "acknowledge",
        ann(json!({ "for": "2h", "note": "on it" })),
    )
    .await;
    assert_eq!(alert["status"], "acknowledged");
    assert!(alert["acked_until"].is_string());
    assert_eq!(
        act(&world, &id, "unacknowledge", json!({})).await["status"],
        "open"
    );
    let alert = act(&world, &id, "assign", json!({ "to": "ben" })).await;
    assert_eq!(alert["assignee"], "ben");
    act(
        &world,
        &id,
        "note",
        ann(json!({ "text": "replaced the disk" })),
    )
    .await;
    let alert = act(&world, &id, "shelve", json!({ "for": "1h" })).await;
    assert_eq!(alert["status"], "shelved");
    assert_eq!(
        act(&world, &id, "unshelve", json!({})).await["status"],
        "open"
    );
    let alert = act(&world, &id, "close", ann(json!({}))).await;
    assert_eq!(
        (&alert["status"], &alert["closed_because"]),
        (&json!("closed"), &json!("by_hand"))
    );
    assert!(alert["closed_at"].is_string());
    assert_eq!(
        act(&world, &id, "reopen", json!({})).await["status"],
        "open"
    );

    let log = world.read(&format!("/api/v1/alerts/{id}/events")).await;
    let kinds: Vec<&str> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    let expected = [
        "opened",
        "acknowledged",
        "unacknowledged",
        "assigned",
        "noted",
        "shelved",
        "unshelved",
        "closed",
        "reopened",
    ];
    assert_eq!(kinds, expected);
    let acked = &log["events"][1];
    assert_eq!(acked["by"], json!({ "name": "ann", "via": "api" }));
    assert_eq!(acked["note"], "on it");
    assert_eq!(acked["seq"], 2);
    assert_eq!(log["events"][4]["note"], "replaced the disk");
    let rest = world
        .read(&format!("/api/v1/alerts/{id}/events?after=7&limit=1"))
        .await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    assert_eq!(rest["events"][0]["kind"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_a_conflict_and_changes_nothing() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    act(&world, &id, "close", json!({})).await;
    let path = format!("/api/v1/alerts/{id}/acknowledge");
    let detail = world.post(&path, &json!({})).await.problem(409);
    assert!(!detail.is_empty());
    let alert = world.read(&format!("/api/v1/alerts/{id}")).await;
    assert_eq!(alert["status"], "closed");
    assert_eq!(alert["seq"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_shows_everything_that_webhooks_carry_and_where_it_stands() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let alert = world.read(&format!("/api/v1/alerts/{id}")).await;
    for (field, value) in [
        ("key", json!("db-1")),
        ("project", json!("shop")),
        ("source", json!("tools")),
        ("kind", json!("issue")),
        ("severity", json!("critical")),
        ("title", json!("Disk full on db-1")),
        ("labels", json!({ "env": "prod" })),
        ("episode", json!(1)),
        ("seq", json!(1)),
        ("closed_at", json!(null)),
    ] {
        assert_eq!(alert[field], value, "{field}");
    }
    assert!(
        alert["url"]
            .as_str()
            .unwrap()
            .starts_with("http://hub.example/")
    );
    assert_eq!(alert["lanes"][0]["integration"], "hook");
    let lanes = world.read(&format!("/api/v1/alerts/{id}/lanes")).await;
    assert_eq!(lanes["lanes"][0]["sink"], "webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_tells_what_was_tried_and_what_waits() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let path = format!("/api/v1/attempts?alert={id}&integration=hook");
    let tried = eventually("a try", || async {
        let page = world.read(&path).await;
        page["attempts"].as_array().unwrap().last().cloned()
    })
    .await;
    assert_eq!(tried["integration"], "hook");
    assert_eq!((&tried["from"], &tried["upto"]), (&json!(0), &json!(1)));
    assert!(!tried["text"].as_str().unwrap().is_empty());
    let story = world.read(&format!("/api/v1/alerts/{id}/explain")).await;
    assert_eq!(story["alert"]["id"], id.as_str());
    let lane = &story["lanes"][0];
    assert_eq!(lane["told"], "nothing");
    assert_eq!(lane["owed"], true);
    assert!(lane["state"].as_str().unwrap().contains("told nothing"));
    assert!(!lane["next"].as_str().unwrap().is_empty());
    assert_eq!(lane["history"][0]["outcome"], tried["outcome"]);
    assert_eq!(story["not_told"], json!([]));
    let none = world
        .read(&format!("/api/v1/attempts?alert={id}&outcome=delivered"))
        .await;
    assert_eq!(none, json!({ "attempts": [], "next_cursor": null }));
}
