use super::host::{Answer, Host};
use sandbox::victorops::{Phase, VictorOps};
use serde_json::{Value, json};

const PATH: &str = "/victorops/integrations/generic/20131114/alert/key-1/database";

fn state(host: &Host) -> &VictorOps {
    host.sandbox.vendor::<VictorOps>().unwrap()
}

async fn post(host: &Host, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    host.send("POST", path, &headers, &body.to_string()).await
}

async fn say(host: &Host, kind: &str) -> Answer {
    let body = json!({"message_type": kind, "entity_id": "db-1/disk", "entity_display_name": "Disk <b>full</b>",
        "state_message": "98 %", "ack_author": "anna"});
    post(host, PATH, &body).await
}

fn phases(host: &Host) -> Vec<Phase> {
    state(host)
        .incidents()
        .iter()
        .map(|incident| incident.phase)
        .collect()
}

#[tokio::test]
async fn an_entity_opens_rolls_up_is_acknowledged_recovers_and_opens_anew() {
    let host = Host::start().await;
    let answer = say(&host, "CRITICAL").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"result": "success", "entity_id": "db-1/disk"})
    );
    say(&host, "WARNING").await;
    assert_eq!(
        (phases(&host), state(&host).incidents()[0].alerts),
        (vec![Phase::Unacked], 2)
    );
    say(&host, "ACKNOWLEDGEMENT").await;
    say(&host, "CRITICAL").await;
    assert_eq!(phases(&host), [Phase::Acked], "it stays acknowledged");
    assert_eq!(
        state(&host).incidents()[0].ack_author.as_deref(),
        Some("anna")
    );
    assert_eq!(
        state(&host).incidents()[0].routing_key.as_deref(),
        Some("database")
    );
    say(&host, "INFO").await;
    assert_eq!(phases(&host), [Phase::Acked]);
    say(&host, "RECOVERY").await;
    say(&host, "CRITICAL").await;
    assert_eq!(phases(&host), [Phase::Resolved, Phase::Unacked]);
    say(&host, "OK").await;
    assert_eq!(phases(&host), [Phase::Resolved, Phase::Resolved]);
    assert_eq!(host.sandbox.violation_count(), 0);
}

#[tokio::test]
async fn what_opens_nothing_stands_in_the_timeline_alone() {
    let host = Host::start().await;
    for kind in ["INFO", "ACKNOWLEDGEMENT", "RECOVERY", "OK"] {
        say(&host, kind).await;
    }
    assert!(phases(&host).is_empty());
    assert_eq!(host.sandbox.violation_count(), 0);
    // An unknown word is a page that nobody gets.
    assert_eq!(say(&host, "critical").await.json()["result"], "success");
    assert!(phases(&host).is_empty());
    assert_eq!(host.sandbox.violation_count(), 1);
    let kinds: Vec<&str> = state(&host)
        .timeline()
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        ["INFO", "ACKNOWLEDGEMENT", "RECOVERY", "RECOVERY", "INFO"]
    );
    host.set("/_victorops/settings", json!({"warning_opens": false}))
        .await;
    say(&host, "WARNING").await;
    assert!(phases(&host).is_empty());
}

#[tokio::test]
async fn failures_are_in_the_body_whatever_the_status() {
    let host = Host::start().await;
    let refused = |answer: &Answer| {
        (
            answer.status,
            answer.json()["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let missing = post(&host, PATH, &json!({"entity_id": "a"})).await;
    assert_eq!(missing.json()["result"], "failure");
    assert_eq!(
        refused(&missing),
        (200, "Missing fields: message_type".to_owned())
    );
    host.set(
        "/_victorops/settings",
        json!({"keys": ["key-2"], "failure_status": 400}),
    )
    .await;
    assert_eq!(
        refused(&say(&host, "CRITICAL").await),
        (400, "Invalid API key".to_owned())
    );
    assert!(phases(&host).is_empty());
    let other = PATH.replace("key-1", "key-2");
    assert_eq!(
        post(
            &host,
            &other,
            &json!({"message_type": "CRITICAL", "entity_id": "a"})
        )
        .await
        .status,
        200
    );
    assert_eq!(host.sandbox.violation_count(), 2);
    assert_eq!(
        host.get("/victorops/integrations/generic/20131114/alert/key-2")
            .await
            .status,
        404,
        "only POST"
    );
}

#[tokio::test]
async fn the_routing_key_may_be_left_out_and_is_decoded() {
    let host = Host::start().await;
    let body = |entity: &str| json!({"message_type": "CRITICAL", "entity_id": entity});
    let bare = PATH.trim_end_matches("/database");
    post(&host, bare, &body("a")).await;
    post(&host, &format!("{bare}/"), &body("b")).await;
    post(&host, &format!("{bare}/ops%3F+%C3%A9"), &body("c")).await;
    let keys: Vec<Option<String>> = state(&host)
        .incidents()
        .into_iter()
        .map(|i| i.routing_key)
        .collect();
    assert_eq!(keys, [None, None, Some("ops?+é".to_owned())]);
    // Each message without an entity is another one.
    for _ in 0..2 {
        post(&host, bare, &json!({"message_type": "CRITICAL"})).await;
    }
    assert_eq!(state(&host).incidents().len(), 5);
    assert_eq!(host.sandbox.violation_count(), 2);
}

#[tokio::test]
async fn the_page_shows_incidents_and_the_timeline_as_text() {
    let host = Host::start().await;
    assert!(
        host.get("/victorops")
            .await
            .body
            .contains("Nobody was paged")
    );
    say(&host, "CRITICAL").await;
    let page = host.get("/victorops").await.body;
    for part in [
        "Disk &lt;b&gt;full&lt;/b&gt;",
        "triggered",
        "database",
        "98 %",
        "Timeline",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains("<b>full"));
    host.send("DELETE", "/_victorops", &[], "").await;
    assert!(state(&host).incidents().is_empty() && state(&host).timeline().is_empty());
}
