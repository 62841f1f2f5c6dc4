//! Vendors that are down, slow or refuse; and the hub itself away for a while.

use engine::desired::Policy;
use model::{DurationMs, Signal, Timestamp};
use sandbox::Fault;
use store::AttemptQuery;

use crate::harness::{World, fire, webhook};

fn down(vendor: &str) -> Fault {
    serde_json::from_value(serde_json::json!({ "vendor": vendor, "status": 503, "body": "down" }))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_down_for_ten_minutes_all_catch_up_and_superseded_updates_are_skipped() {
    let world = World::new(|desired, _| {
        desired.projects[0].integrations[0].policy = Policy {
            edit_interval: DurationMs::from_secs(15),
            ..Policy::default()
        };
    })
    .await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.fire(&format!("db-{n}")).await);
    }
    world
        .move_until(
            "five red messages",
            DurationMs::from_secs(20),
            DurationMs::from_secs(1),
            |w| w.messages().len() == 5,
        )
        .await;
    world.sandbox.add_fault(down("slack")).unwrap();
    for minute in 0..10 {
        for n in 0..5 {
            let value = Signal {
                value: Some(format!("{minute}")),
                ..fire(&format!("db-{n}"))
            };
            world.send(vec![value]).await;
        }
        world.clock.advance(DurationMs::from_mins(1));
        world.calm().await;
    }
    world.fire("db-5").await;
    world.resolve("db-0").await;
    world.calm().await;
    assert!(
        world.messages().iter().all(|m| m.history.is_empty()),
        "nothing got through"
    );
    world.sandbox.remove_faults(None);
    world
        .move_until(
            "all caught up",
            DurationMs::from_mins(15),
            DurationMs::from_secs(1),
            |w| {
                w.colors() == ["good", "danger", "danger", "danger", "danger", "danger"]
                    && w.messages()[1..5].iter().all(|m| {
                        // The value that the last minute brought.
                        m.content.attachments[0].to_string().contains("\"9\"")
                    })
            },
        )
        .await;
    for message in &world.messages()[1..5] {
        // One edit, and once more because 503 leaves it open whether the edit was applied (docs/lanes.md).
        let edits = message.history.len();
        assert!(edits <= 2, "ten minutes of updates are one edit: {edits}");
    }
    let explained = world.hub.explain(ids[1]).await.unwrap().unwrap();
    let story = &explained.lanes[0];
    assert!(!story.owed, "{}", story.next);
    assert!(
        story.history.len() > 2,
        "the failed tries are rows: {:?}",
        story.history
    );
    assert_eq!(world.sandbox.violation_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_alert_that_closes_while_the_hub_is_stopped_is_closed_downstream_after_its_restart() {
    let world = World::new(|_, _| {}).await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    world.sandbox.add_fault(down("slack")).unwrap();
    world.resolve("db-1").await;
    world.calm().await;
    world.sandbox.remove_faults(None);
    let world = world.restart(DurationMs::from_mins(3)).await;
    world.until("green", |w| w.colors() == ["good"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_the_hub_down_for_ten_minutes_resolves_nothing_and_says_nothing_anew() {
    let world = World::new(|_, _| {}).await;
    let promise = |now: Timestamp| {
        (0..200)
            .map(|n| Signal {
                ends_at: Some(now + DurationMs::from_mins(4)),
                ..fire(&format!("db-{n}"))
            })
            .collect::<Vec<_>>()
    };
    world.send(promise(crate::harness::NOON)).await;
    world
        .move_until(
            "all told",
            DurationMs::from_mins(10),
            DurationMs::from_secs(2),
            |w| w.messages().len() == 200,
        )
        .await;
    let world = world.restart(DurationMs::from_mins(10)).await;
    world.clock.advance(DurationMs::from_mins(3));
    world.calm().await;
    assert!(
        world.colors().iter().all(|c| c == "danger"),
        "silence while we were away proves nothing"
    );
    let now = model::Clock::now(&*world.clock);
    world.send(promise(now)).await;
    world.clock.advance(DurationMs::from_mins(3));
    world.calm().await;
    assert_eq!(world.messages().len(), 200, "no new message");
    assert!(world.colors().iter().all(|c| c == "danger"));
    assert!(
        world.messages().iter().all(|m| m.history.is_empty()),
        "no edit"
    );
    // Silence while we listen is evidence.
    world
        .move_until(
            "expired and green",
            DurationMs::from_mins(15),
            DurationMs::from_secs(5),
            |w| w.colors().iter().all(|c| c == "good"),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_a_hanging_sink_delays_only_its_own_lanes() {
    let world = World::new(|desired, vendors| {
        desired.projects[0]
            .integrations
            .push(webhook("hanging", vendors));
        desired.projects[0]
            .integrations
            .push(webhook("well", vendors));
    })
    .await;
    let hang = serde_json::json!({ "vendor": "webhook", "path": "/hanging", "delay_ms": 60_000 });
    world
        .sandbox
        .add_fault(serde_json::from_value(hang).unwrap())
        .unwrap();
    let keys: Vec<String> = (0..200).map(|n| format!("db-{n}")).collect();
    world.send(keys.iter().map(|k| fire(k)).collect()).await;
    let webhook = world.sandbox.vendor::<sandbox::webhook::Webhook>().unwrap();
    world
        .until("the others have all of theirs", |_| {
            webhook.counts(Some("/well")).accepted == 200
        })
        .await;
    assert_eq!(webhook.counts(Some("/hanging")).accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_credential_suspends_the_integration_and_on_repair_everything_owed_leaves() {
    let world = World::new(|_, _| {}).await;
    let refused = serde_json::json!({ "vendor": "slack", "status": 200, "body": { "ok": false, "error": "invalid_auth" } });
    world
        .sandbox
        .add_fault(serde_json::from_value(refused).unwrap())
        .unwrap();
    for n in 0..3 {
        world.fire(&format!("db-{n}")).await;
    }
    world.calm().await;
    let id = world.fire("db-0").await;
    let explained = world.hub.explain(id).await.unwrap().unwrap();
    assert!(explained.lanes[0].owed);
    let tries = world
        .hub
        .store()
        .attempts(AttemptQuery {
            limit: 100,
            ..AttemptQuery::default()
        })
        .await
        .unwrap()
        .len();
    world.clock.advance(DurationMs::from_mins(9));
    world.calm().await;
    let later = world
        .hub
        .store()
        .attempts(AttemptQuery {
            limit: 100,
            ..AttemptQuery::default()
        })
        .await
        .unwrap()
        .len();
    assert!(
        later <= tries + 1,
        "at most one probe in ten minutes: {tries} then {later}"
    );
    world.sandbox.remove_faults(None);
    world
        .move_until(
            "all of them",
            DurationMs::from_mins(25),
            DurationMs::from_secs(10),
            |w| w.colors() == ["danger"; 3],
        )
        .await;
}
