//! What a silence keeps back, and what becomes of it.

use engine::desired::Of;
use model::{Clock, DurationMs, Signal, SignalKind, Told};

use super::{HOUR, expire, go_to, silence};
use crate::harness::{NOON, World, fire, slack};

const SOON: DurationMs = DurationMs::from_secs(10);
const SECOND: DurationMs = DurationMs::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_waits_for_the_silence_to_end_and_explain_says_for_which() {
    let world = World::new(|_, _| {}).await;
    let held_by = silence(&world, "env=\"prod\"").await;
    silence(&world, "env=\"dev\"").await;
    let id = world.fire("db-1").await;
    world.calm().await;
    let story = world
        .hub
        .explain(id)
        .await
        .unwrap()
        .unwrap()
        .lanes
        .remove(0);
    assert_eq!((story.told, story.owed), (Told::Nothing, true));
    assert_eq!(
        story.next,
        format!(
            "waits until 2026-11-20T13:00:00.000Z: a silence holds it back ({held_by}), made by ann: deploy"
        )
    );
    assert_eq!(
        world.hub.silenced_by(&world.alert(id).await),
        [held_by],
        "the other one matches something else"
    );
    go_to(&world, NOON + HOUR + DurationMs(-1)).await;
    assert!(world.messages().is_empty(), "not a moment too early");
    go_to(&world, NOON + HOUR).await;
    world
        .until("told when it ends", |w| w.colors() == ["danger"])
        .await;
    assert!(world.hub.silenced_by(&world.alert(id).await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silence_does_not_match_is_told_at_once() {
    let world = World::new(|_, _| {}).await;
    silence(&world, "key=\"db-1\"").await;
    world.fire("db-1").await;
    world.fire("db-2").await;
    world
        .until("the other one", |w| w.colors() == ["danger"])
        .await;
    world.calm().await;
    assert!(format!("{:?}", world.messages()[0]).contains("db-2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_is_ended_early_lets_what_it_held_go_soon() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    for n in 0..3 {
        world.fire(&format!("db-{n}")).await;
    }
    go_to(&world, NOON + DurationMs::from_mins(5)).await;
    assert!(world.messages().is_empty());
    expire(&world, id).await;
    world
        .move_until("all three", SOON, SECOND, |w| w.messages().len() == 3)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_silences_hold_until_the_later_one_ends() {
    let world = World::new(|_, _| {}).await;
    let first = silence(&world, "env=\"prod\"").await;
    go_to(&world, NOON + DurationMs::from_mins(30)).await;
    silence(&world, "key=\"db-1\"").await;
    world.fire("db-1").await;
    world.calm().await;
    expire(&world, first).await;
    go_to(&world, NOON + HOUR + SECOND).await;
    assert!(world.messages().is_empty(), "the second one still holds");
    go_to(&world, NOON + HOUR + DurationMs::from_mins(30)).await;
    world.until("told", |w| w.colors() == ["danger"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_closes_under_a_silence_is_never_told() {
    let world = World::new(|_, _| {}).await;
    let silence = silence(&world, "env=\"prod\"").await;
    let ends = world.fire("db-1").await;
    world.fire("db-2").await;
    world.calm().await;
    world.clock.advance(DurationMs::from_mins(5));
    world.resolve("db-1").await;
    world.calm().await;
    // In the same moment in which the silence ends.
    world.resolve("db-2").await;
    expire(&world, silence).await;
    world.clock.advance(SOON);
    world.calm().await;
    go_to(&world, NOON + HOUR + HOUR).await;
    assert!(world.messages().is_empty());
    let story = world
        .hub
        .explain(ends)
        .await
        .unwrap()
        .unwrap()
        .lanes
        .remove(0);
    assert!(!story.owed);
    let said: Vec<&str> = story.history.iter().map(|a| a.excerpt.as_str()).collect();
    assert_eq!(
        said,
        ["It closed while its opening was held back, so nobody was told."]
    );
    // A new episode is a new story.
    world.fire("db-1").await;
    world.until("told", |w| w.colors() == ["danger"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_under_a_silence_is_not_told_not_even_later() {
    let world = World::new(|desired, vendors| {
        let mut notes = slack("notes", vendors);
        notes.of = Of::Notifications;
        desired.projects[0].integrations = vec![notes];
    })
    .await;
    let inform = |key: &str| Signal {
        kind: SignalKind::Inform,
        ..fire(key)
    };
    silence(&world, "key=~\"db-1|db-3\"").await;
    world.send(vec![inform("db-1"), inform("db-2")]).await;
    world
        .until("the other one is told", |w| w.messages().len() == 1)
        .await;
    go_to(&world, NOON + HOUR + HOUR).await;
    assert_eq!(world.messages().len(), 1);
    assert!(format!("{:?}", world.messages()[0]).contains("db-2"));
    world.send(vec![inform("db-3")]).await;
    world
        .until("after the silence", |w| w.messages().len() == 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_changes_out_of_a_silence_is_told_at_once() {
    let world = World::new(|_, _| {}).await;
    silence(&world, "severity=\"minor\"").await;
    let minor = Signal {
        severity: Some(model::Severity::Minor),
        ..fire("db-1")
    };
    world.send(vec![minor]).await;
    world.calm().await;
    assert!(world.messages().is_empty());
    world.fire("db-1").await;
    world.until("it rose", |w| w.colors() == ["danger"]).await;
    assert!(world.clock.now() < NOON + SOON);
}
