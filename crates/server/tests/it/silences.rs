//! Silences by the native API.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::harness::{Answer, TOKEN, World, request, source};

const PATH: &str = "/api/v1/silences";

async fn make(world: &World, body: Value) -> Value {
    let answer = world.post(PATH, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn ask(world: &World, method: &str, silence: &Value, body: &Value) -> Answer {
    let path = format!("{PATH}/{}", silence["id"].as_str().unwrap());
    let body = Bytes::from(body.to_string());
    world.send(request(method, &path, body, Some(TOKEN))).await
}

async fn change(world: &World, silence: &Value, body: Value) -> Value {
    let answer = ask(world, "PUT", silence, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn end(world: &World, silence: &Value) -> Value {
    let answer = ask(world, "DELETE", silence, &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The comments of what is listed.
async fn listed(world: &World, query: &str) -> Vec<String> {
    let page = world.read(&format!("{PATH}{query}")).await;
    let silences = page["silences"].as_array().unwrap().iter();
    let comment = |silence: &Value| silence["comment"].as_str().unwrap().to_owned();
    silences.map(comment).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_made_seen_changed_and_ended() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let made = make(
        &world,
        json!({ "matchers": ["env=\"prod\", key!=\"x\""], "lasting": "2h", "comment": "deploy", "created_by": "ann" }),
    )
    .await;
    for (field, value) in [
        ("project", json!("shop")),
        ("state", json!("active")),
        ("holds", json!(true)),
        ("matchers", json!(["env=\"prod\"", "key!=\"x\""])),
        ("windows", json!([])),
        ("created_by", json!("ann")),
        ("comment", json!("deploy")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let alert = world.read(&format!("/api/v1/alerts/{id}")).await;
    assert_eq!(alert["silenced_by"], json!([made["id"]]));
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.read(&path).await, made);

    let changed = change(
        &world,
        &made,
        json!({ "ends_at": "2999-01-01T00:00:00Z", "comment": "longer" }),
    )
    .await;
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(changed["ends_at"], "2999-01-01T00:00:00.000Z");
    assert_eq!(changed["matchers"], made["matchers"]);
    assert_eq!(changed["starts_at"], made["starts_at"]);

    let ended = end(&world, &made).await;
    assert_eq!(
        (&ended["state"], &ended["holds"]),
        (&json!("expired"), &json!(false))
    );
    assert_eq!(end(&world, &made).await, ended, "ended once");
    let alert = world.read(&format!("/api/v1/alerts/{id}")).await;
    assert_eq!(alert["silenced_by"], json!([]));
    let refused = ask(&world, "PUT", &made, &json!({ "lasting": "1h" })).await;
    assert!(refused.problem(409).contains("has ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_matchers_make_another_silence() {
    let world = World::new().await;
    let made = make(
        &world,
        json!({ "matchers": ["env=prod"], "lasting": "2h", "comment": "why" }),
    )
    .await;
    let other = change(&world, &made, json!({ "matchers": ["env=dev"] })).await;
    assert_ne!(other["id"], made["id"]);
    assert_eq!(
        (&other["ends_at"], &other["comment"]),
        (&made["ends_at"], &json!("why"))
    );
    assert_eq!(listed(&world, "?state=active").await.len(), 1);
    assert_eq!(listed(&world, "?state=expired").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_recurs_goes_on_until_it_is_ended() {
    let world = World::new().await;
    let windows = json!([{ "weekdays": ["monday:friday"], "times": [{ "start_time": "22:00", "end_time": "24:00" }],
        "location": "Europe/Berlin" }]);
    let made = make(
        &world,
        json!({ "matchers": ["env=prod"], "windows": windows }),
    )
    .await;
    assert_eq!(
        (&made["ends_at"], &made["state"]),
        (&json!(null), &json!("active"))
    );
    assert_eq!(made["windows"], windows);
    assert_eq!(made["created_by"], "admin");
    let until = change(&world, &made, json!({ "lasting": "30d" })).await;
    assert_eq!(until["id"], made["id"]);
    assert!(until["ends_at"].is_string());
    let again = change(&world, &made, json!({ "ends_at": null })).await;
    assert_eq!(again["ends_at"], json!(null));
    let answer = ask(&world, "PUT", &made, &json!({ "windows": [] })).await;
    assert!(answer.problem(400).contains("when it ends"));
    assert_eq!(end(&world, &made).await["state"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_words() {
    let world = World::new().await;
    for (body, words) in [
        (json!({ "lasting": "1h" }), "`matchers`"),
        (json!({ "matchers": ["env=prod"] }), "when it ends"),
        (
            json!({ "matchers": ["env"], "lasting": "1h" }),
            "at character",
        ),
        (
            json!({ "matchers": ["env=~\"(\""], "lasting": "1h" }),
            "regular expression",
        ),
        (
            json!({ "matchers": ["env=~\".*\""], "lasting": "1h" }),
            "empty value",
        ),
        (
            json!({ "matchers": [], "lasting": "1h" }),
            "at least one matcher",
        ),
        (
            json!({ "matchers": ["env=prod"], "ends_at": "2001-01-01T00:00:00Z" }),
            "ends after it starts",
        ),
        (
            json!({ "matchers": ["env=prod"], "windows": [{ "weekdays": ["mondays"] }] }),
            "[0].weekdays[0]",
        ),
        (
            json!({ "matchers": ["env=prod"], "lasting": "1h", "created_by": " " }),
            "who made it",
        ),
        (
            json!({ "matchers": ["env=prod"], "lasting": "1h", "project": "post" }),
            "there is no project \"post\"",
        ),
        (
            json!({ "matchers": ["env=prod"], "duration": "1h" }),
            "duration",
        ),
        (
            json!({ "matchers": ["env=prod"], "lasting": "1h", "comment": "x".repeat(5000) }),
            "bytes",
        ),
    ] {
        for path in [PATH, "/api/v1/silences/preview"] {
            let detail = world.post(path, &body).await.problem(400);
            assert!(detail.contains(words), "{path} {body}: {detail}");
        }
    }
    assert_eq!(listed(&world, "").await.len(), 0);
    for path in [
        "/api/v1/silences/7",
        "/api/v1/silences/0193486c-2000-7000-8000-000000000000",
    ] {
        world.get(path).await.problem(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_are_filtered_and_paged() {
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
    let unclear = json!({ "matchers": ["env=prod"], "lasting": "1h" });
    let detail = world.post(PATH, &unclear).await.problem(400);
    assert!(
        detail.contains("post") && detail.contains("shop"),
        "{detail}"
    );
    for (project, matcher, begins, comment) in [
        ("shop", "env=\"prod\"", "2001-01-01T00:00:00Z", "one"),
        ("shop", "env=\"dev\"", "2998-01-01T00:00:00Z", "two"),
        ("post", "env=\"Prod\"", "2001-01-01T00:00:00Z", "three"),
    ] {
        make(
            &world,
            json!({ "project": project, "matchers": [matcher], "starts_at": begins,
                "ends_at": "2999-01-01T00:00:00Z", "comment": comment }),
        )
        .await;
    }
    let over = make(
        &world,
        json!({ "project": "shop", "matchers": ["a=b"], "lasting": "1h", "comment": "four" }),
    )
    .await;
    end(&world, &over).await;
    for (query, comments) in [
        ("", vec!["four", "three", "two", "one"]),
        ("?project=shop", vec!["four", "two", "one"]),
        ("?state=active", vec!["three", "one"]),
        ("?state=pending,expired", vec!["four", "two"]),
        ("?matcher=ENV%3D%22prod", vec!["three", "one"]),
        ("?matcher=nothing", vec![]),
        ("?project=post&state=pending", vec![]),
    ] {
        assert_eq!(listed(&world, query).await, comments, "{query}");
    }
    let mut path = "?limit=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = world.read(&format!("{PATH}{path}")).await;
        seen.extend(page["silences"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let ids: HashSet<&str> = seen.iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!((seen.len(), ids.len()), (4, 4));
    world.get("/api/v1/silences?state=open").await.problem(400);
    world.get("/api/v1/silences?limit=0").await.problem(400);
    let foreign = world.get("/api/v1/silences?cursor=YWxlcnRzOjE").await;
    foreign.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_would_be_held_and_makes_nothing() {
    let world = World::new().await;
    let alerts: Vec<Value> = (0..120)
        .map(|n| crate::harness::signal(&format!("db-{n}")))
        .collect();
    assert!(world.tell(&json!(alerts)).await.status < 300);
    let preview = async |body: Value| {
        let answer = world.post("/api/v1/silences/preview", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let all = preview(json!({ "matchers": ["env=prod"], "lasting": "1h" })).await;
    assert_eq!(
        (&all["count"], &all["complete"], &all["holds"]),
        (&json!(120), &json!(true), &json!(true))
    );
    assert_eq!(all["alerts"].as_array().unwrap().len(), 100);
    assert_eq!(all["next_windows"], json!([]));
    let one = preview(json!({ "matchers": ["resource=\"db-7\""], "lasting": "1h" })).await;
    assert_eq!(one["count"], 1);
    assert_eq!(one["alerts"][0]["key"], "db-7");
    let later =
        json!({ "matchers": ["env=prod"], "starts_at": "2998-01-01T00:00:00Z", "windows": [{}] });
    let later = preview(later).await;
    assert_eq!(later["holds"], false);
    assert_eq!(
        later["next_windows"],
        json!([{ "starts_at": "2998-01-01T00:00:00.000Z", "ends_at": null }])
    );
    assert_eq!(listed(&world, "").await.len(), 0);
}
