//! Settings that change under open alerts (I6).

use model::DurationMs;
use serde_json::json;

use crate::harness::{CHANNEL, World, slack, tick};

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_new_channel_gets_new_alerts_and_the_old_one_is_still_closed() {
    let mut world = World::new(|_, _| {}).await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    world.desired.projects[0].integrations[0]
        .settings
        .0
        .insert("channel".into(), json!("#new"));
    world.hub.apply(&world.desired).await.unwrap();
    world.fire("db-2").await;
    world
        .until("in the new channel", |w| {
            w.slack().messages("#new").len() == 1
        })
        .await;
    world.resolve("db-1").await;
    world
        .until("closed where it was opened", |w| w.colors() == ["good"])
        .await;
    assert_eq!(world.slack().messages("#new").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_removed_integration_still_closes_what_it_opened_and_then_goes() {
    let mut world = World::new(|_, _| {}).await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    world.desired.projects[0].integrations.clear();
    world.hub.apply(&world.desired).await.unwrap();
    world.fire("db-2").await;
    world.resolve("db-1").await;
    world.until("green", |w| w.colors() == ["good"]).await;
    world.clock.advance(DurationMs::from_mins(2));
    world.calm().await;
    world
        .move_until(
            "the revision is gone",
            DurationMs::from_mins(5),
            DurationMs::from_secs(1),
            |w| w.hub.catalog().revisions.is_empty(),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_removed_integration_stays_as_long_as_something_of_it_is_open() {
    let mut world = World::new(|_, _| {}).await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    world.calm().await;
    world.desired.projects[0].integrations.clear();
    world.hub.apply(&world.desired).await.unwrap();
    // Several sweeps.
    for _ in 0..300 {
        world.clock.advance(DurationMs::from_secs(1));
        tick().await;
    }
    assert_eq!(world.hub.catalog().revisions.len(), 1);
    world.resolve("db-1").await;
    world.until("green", |w| w.colors() == ["good"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_integration_opens_nothing_and_still_closes() {
    let mut world = World::new(|_, _| {}).await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    world.desired.projects[0].integrations[0].enabled = false;
    world.hub.apply(&world.desired).await.unwrap();
    world.fire("db-2").await;
    world.resolve("db-1").await;
    world.until("green", |w| w.colors() == ["good"]).await;
    assert_eq!(world.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_integration_is_told_of_the_alerts_that_are_open() {
    let mut world = World::new(|desired, _| desired.projects[0].integrations.clear()).await;
    for n in 0..20 {
        world.fire(&format!("db-{n}")).await;
    }
    world.resolve("db-0").await;
    world.desired.projects[0]
        .integrations
        .push(slack("late", &world.vendors));
    world.hub.apply(&world.desired).await.unwrap();
    world
        .move_until(
            "nineteen messages",
            DurationMs::from_mins(2),
            DurationMs::from_secs(1),
            |w| w.messages().len() == 19,
        )
        .await;
    assert_eq!(world.slack().messages(CHANNEL).len(), 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_was_wrong_from_the_start_is_corrected_for_what_is_owed() {
    let mut world = World::new(|desired, _| {
        desired.projects[0].integrations[0]
            .settings
            .0
            .insert("channel".into(), json!("C0NOTHERE"));
    })
    .await;
    world.fire("db-1").await;
    world.calm().await;
    assert!(world.messages().is_empty());
    world.desired.projects[0].integrations[0]
        .settings
        .0
        .insert("channel".into(), json!(CHANNEL));
    world.hub.apply(&world.desired).await.unwrap();
    world
        .move_until(
            "told in the right channel",
            DurationMs::from_mins(12),
            DurationMs::from_secs(2),
            |w| w.colors() == ["danger"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_corrected_while_a_send_to_the_wrong_one_is_on_its_way_gets_what_is_owed()
{
    let mut world = World::new(|desired, _| {
        desired.projects[0].integrations[0]
            .settings
            .0
            .insert("channel".into(), json!("C0NOTHERE"));
    })
    .await;
    let slow = json!({ "vendor": "slack", "delay_ms": 1_500 });
    world
        .sandbox
        .add_fault(serde_json::from_value(slow).unwrap())
        .unwrap();
    let id = world.fire("db-1").await;
    world
        .until_stored("the send is on its way", id, |alert| {
            alert.lanes.iter().any(|lane| lane.claim.is_some())
        })
        .await;
    world.desired.projects[0].integrations[0]
        .settings
        .0
        .insert("channel".into(), json!(CHANNEL));
    world.hub.apply(&world.desired).await.unwrap();
    // Beside other nodes a walk begins three seconds after the change: still before the vendor's answer.
    world.clock.advance(DurationMs::from_secs(4));
    world
        .move_until(
            "told in the right channel",
            DurationMs::from_mins(2),
            DurationMs::from_secs(1),
            |w| w.colors() == ["danger"],
        )
        .await;
}
