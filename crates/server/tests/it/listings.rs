//! Listings: pages, filters, and what they never show.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{GENERIC_KEY, PROM_KEY, TOKEN, WEBHOOK_SECRET, World, signal, source};

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_every_alert_once_and_newest_first() {
    let world = World::new().await;
    let batch: Vec<Value> = (0..250).map(|n| signal(&format!("db-{n}"))).collect();
    let answer = world.tell(&json!(batch)).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text());
    for limit in [1000, 250, 100, 7] {
        let mut ids = Vec::new();
        let mut path = format!("/api/v1/alerts?limit={limit}");
        loop {
            let page = world.read(&path).await;
            let alerts = page["alerts"].as_array().unwrap();
            assert!(!alerts.is_empty() && alerts.len() <= limit);
            ids.extend(alerts.iter().map(|a| a["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/api/v1/alerts?limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(ids.len(), 250, "limit {limit}");
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 250);
        assert!(ids.is_sorted_by(|a, b| a > b), "newest first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_paged_too() {
    let world = World::new().await;
    for n in 0..5 {
        world.fire(&format!("db-{n}")).await;
    }
    crate::harness::eventually("five tries", || async {
        let page = world.read("/api/v1/attempts").await;
        (page["attempts"].as_array().unwrap().len() >= 5).then_some(())
    })
    .await;
    // Others may be added meanwhile, but only before the first page.
    let first = world.read("/api/v1/attempts?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world
        .read(&format!("/api/v1/attempts?limit=2&cursor={cursor}"))
        .await;
    let all: Vec<&Value> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["attempts"].as_array().unwrap())
        .collect();
    assert_eq!(all.len(), 4);
    let times: Vec<&str> = all.iter().map(|a| a["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_say_which_alerts_are_wanted() {
    let world = World::with(|desired| {
        let mut other = desired.projects[0].clone();
        other.name = "post".to_owned();
        other.sources = vec![source(
            "tools",
            "generic",
            "another-key-of-the-tests-0123456",
        )];
        desired.projects.push(other);
    })
    .await;
    let minor =
        json!({ "key": "web-1", "title": "Slow", "resource": "web-1", "severity": "minor" });
    world.tell(&json!([signal("db-1"), minor])).await;
    let id = world.fire("db-1").await;
    world
        .post(&format!("/api/v1/alerts/{id}/acknowledge"), &json!({}))
        .await;
    for (query, keys) in [
        ("", vec!["web-1", "db-1"]),
        ("?status=open", vec!["web-1"]),
        ("?status=open,acknowledged", vec!["web-1", "db-1"]),
        ("?status=closed", vec![]),
        ("?severity=minor", vec!["web-1", "db-1"]),
        ("?severity=major", vec!["db-1"]),
        ("?text=DISK", vec!["db-1"]),
        ("?text=nowhere", vec![]),
        ("?key=web-1", vec!["web-1"]),
        ("?project=shop&source=tools", vec!["web-1", "db-1"]),
        ("?project=post&source=tools", vec![]),
        ("?project=post", vec![]),
        ("?changed_since=2999-01-01T00:00:00Z", vec![]),
    ] {
        let page = world.read(&format!("/api/v1/alerts{query}")).await;
        let found: HashSet<&str> = page["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["key"].as_str().unwrap())
            .collect();
        assert_eq!(found, keys.into_iter().collect(), "{query}");
    }
    let ambiguous = world.get("/api/v1/alerts?source=tools").await;
    assert!(ambiguous.problem(400).contains("several projects"));
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_configuration_is_shown_without_its_secrets() {
    let world = World::new().await;
    let integrations = world.read("/api/v1/integrations").await;
    let hook = &integrations["integrations"][0];
    assert_eq!(hook["name"], "hook");
    assert_eq!(hook["sink"], "webhook");
    assert_eq!(hook["of"], "issues");
    assert_eq!(hook["policy"]["edit_interval"], "5m");
    assert!(hook["target"].as_str().unwrap().contains("127.0.0.1"));
    assert_eq!(hook["enabled"], true);
    let sources = world.read("/api/v1/sources?project=shop").await;
    let names: Vec<_> = sources["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["name"].as_str().unwrap(), s["dialect"].as_str().unwrap()))
        .collect();
    assert_eq!(
        names,
        [("prometheus", "alertmanager"), ("tools", "generic")]
    );
    let both = format!("{integrations}{sources}");
    for secret in [TOKEN, GENERIC_KEY, PROM_KEY, WEBHOOK_SECRET] {
        assert!(!both.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_what_changed_or_every_problem() {
    let world = World::new().await;
    let answer = world.post("/api/v1/reload", &json!({})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "changes": [] }))
    );
    *world.problem.lock() = Some("line 3: unknown key `sink_`, did you mean `sink`?".to_owned());
    let answer = world.post("/api/v1/reload", &json!({})).await;
    assert!(answer.problem(422).contains("nothing was changed"));
    let problems = &answer.json()["problems"];
    assert!(problems[0].as_str().unwrap().starts_with("line 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e23_an_integration_is_tried_out_by_its_name_and_the_answer_says_what_is_wrong() {
    let world = World::new().await;
    let tested = world
        .post("/api/v1/integrations/hook/test?project=shop", &json!({}))
        .await;
    assert_eq!(tested.status, 200);
    let tested = tested.json();
    assert_eq!(tested["ok"], false, "nobody listens there");
    assert_eq!(tested["integration"], "hook");
    let messages = tested["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["said"], "opened");
    assert_eq!(messages[0]["outcome"], "retry");
    assert!(messages[0]["words"].as_str().unwrap().len() > 10);
    assert!(!tested.to_string().contains(WEBHOOK_SECRET));
    let unknown = world
        .post("/api/v1/integrations/pager/test", &json!({}))
        .await;
    assert!(unknown.problem(400).contains("hook"));
}
