//! Server-sent events.

use serde_json::json;

use crate::harness::{Message, Messages, World, signal};

fn keys(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|m| m.data["alert"]["key"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_what_happens_as_it_happens() {
    let world = World::new().await;
    let before = world.fire("before").await;
    let mut stream = Messages::open(&world, "/api/v1/stream?project=shop", None).await;
    world
        .post(
            &format!("/api/v1/alerts/{before}/close"),
            &json!({ "by": "ann" }),
        )
        .await;
    let message = stream.next().await.unwrap();
    assert_eq!(message.event, "alert");
    assert_eq!(message.data["alert"]["id"], before.as_str());
    assert_eq!(message.data["alert"]["status"], "closed");
    assert_eq!(message.data["event"]["kind"], "closed");
    assert_eq!(message.data["event"]["by"]["name"], "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_with_a_position_misses_nothing_and_hears_nothing_twice() {
    let world = World::new().await;
    let mut stream = Messages::open(&world, "/api/v1/stream", None).await;
    let all: Vec<String> = (0..300).map(|n| format!("db-{n}")).collect();
    let tell = |range: std::ops::Range<usize>| {
        let batch: Vec<_> = all[range].iter().map(|key| signal(key)).collect();
        let world = &world;
        async move { world.tell(&json!(batch)).await }
    };
    tell(0..120).await;
    let mut heard = Vec::new();
    for _ in 0..50 {
        heard.push(stream.next().await.unwrap());
    }
    drop(stream);
    tell(120..250).await;
    let mut stream = Messages::open(&world, "/api/v1/stream", heard.last().map(|m| m.id)).await;
    for _ in 0..200 {
        heard.push(stream.next().await.unwrap());
    }
    // And on, alive.
    tell(250..300).await;
    for _ in 0..50 {
        heard.push(stream.next().await.unwrap());
    }
    assert!(heard.is_sorted_by(|a, b| a.id < b.id), "positions rise");
    let mut found: Vec<&str> = keys(&heard);
    found.sort_unstable();
    let mut expected: Vec<&str> = all.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_store_begins_with_what_comes_next() {
    let world = World::new().await;
    world.fire("old").await;
    let mut stream = Messages::open(&world, "/api/v1/stream", Some(u64::MAX)).await;
    world.fire("new").await;
    let message = stream.next().await.unwrap();
    assert_eq!(message.data["alert"]["key"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_streams_and_the_server_returns() {
    let world = World::new().await;
    let mut stream = Messages::open(&world, "/api/v1/stream", None).await;
    world.stop.cancel();
    assert_eq!(stream.next().await, None);
    let deadline = std::time::Duration::from_secs(5);
    tokio::time::timeout(deadline, world.served)
        .await
        .unwrap()
        .unwrap();
}
