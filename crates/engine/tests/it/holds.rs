//! What is not told because of another alert.

use crate::harness::*;
use engine::desired::{Flapping, Inhibition};
use lifecycle::matching::parse_matchers;
use model::{DurationMs, Signal, SignalKind, TimeInterval, TimeRange};

/// A node that is down keeps its own alerts quiet.
fn rule() -> Inhibition {
    Inhibition {
        name: "node down".to_owned(),
        source: parse_matchers(r#"alertname="NodeDown""#).unwrap(),
        target: parse_matchers(r#"alertname=~"Disk.*|NodeDown""#).unwrap(),
        equal: vec!["node".to_owned()],
    }
}

async fn world() -> World {
    World::new(|desired, _| desired.projects[0].inhibitions = vec![rule()]).await
}

fn of(name: &str, node: &str) -> Signal {
    Signal {
        labels: [("alertname", name), ("node", node)].into_iter().collect(),
        title: format!("{name} on {node}"),
        ..fire(&format!("{name}/{node}"))
    }
}

fn over(signal: Signal) -> Signal {
    Signal {
        kind: SignalKind::Resolve,
        ..signal
    }
}

async fn pass(world: &World, seconds: i64) {
    for _ in 0..seconds {
        world.clock.advance(DurationMs::from_secs(1));
        world.calm().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_the_same_batch_is_inhibited_and_told_when_its_source_ends() {
    let world = world().await;
    // The target first, in one batch.
    world
        .send(vec![
            of("DiskFull", "a"),
            of("NodeDown", "a"),
            of("DiskFull", "b"),
        ])
        .await;
    pass(&world, 10).await;
    assert_eq!(
        world.messages().len(),
        2,
        "the node's, and the other node's disk"
    );
    world.send(vec![over(of("NodeDown", "a"))]).await;
    pass(&world, 10).await;
    assert_eq!(world.messages().len(), 3, "the disk is still full");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_it_is_inhibited_is_never_told_even_in_the_batch_that_ends_its_source() {
    let world = world().await;
    world
        .send(vec![
            of("NodeDown", "a"),
            of("DiskFull", "a"),
            of("DiskSlow", "a"),
        ])
        .await;
    pass(&world, 5).await;
    world.send(vec![over(of("DiskFull", "a"))]).await;
    pass(&world, 5).await;
    world
        .send(vec![over(of("NodeDown", "a")), over(of("DiskSlow", "a"))])
        .await;
    pass(&world, 10).await;
    assert_eq!(world.colors(), ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_source_and_target_inhibits_neither_itself_nor_its_like() {
    let world = world().await;
    world.send(vec![of("NodeDown", "a")]).await;
    let mut second = of("NodeDown", "a");
    second.key = "another prometheus".to_owned();
    world.send(vec![second]).await;
    pass(&world, 10).await;
    assert_eq!(world.messages().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_an_alert_that_was_told_is_closed_though_it_is_inhibited() {
    let world = world().await;
    world.send(vec![of("DiskFull", "a")]).await;
    pass(&world, 2).await;
    world.send(vec![of("NodeDown", "a")]).await;
    pass(&world, 2).await;
    world.send(vec![over(of("DiskFull", "a"))]).await;
    pass(&world, 5).await;
    assert_eq!(world.colors(), ["good", "danger"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_what_is_open_still_inhibits_and_explain_names_the_rule() {
    let world = world().await;
    world.send(vec![of("NodeDown", "a")]).await;
    pass(&world, 2).await;
    let world = world.restart(DurationMs::from_secs(30)).await;
    world.send(vec![of("DiskFull", "a")]).await;
    // Beyond the time after which a hold is looked at again.
    pass(&world, 150).await;
    assert_eq!(world.messages().len(), 1);
    let id = world.send(vec![of("DiskFull", "a")]).await;
    let integrations::kit::SignalOutcome::Repeated(id) = id[0] else {
        panic!("{id:?}")
    };
    let story = world.hub.explain(id).await.unwrap().unwrap();
    assert_eq!(
        story.lanes[0].lane.held_by,
        Some(model::HeldBy::Inhibition("node down".to_owned()))
    );
    assert_eq!(
        world.hub.inhibited_by(&story.alert.alert).as_deref(),
        Some("NodeDown/a")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_taken_away_lets_go_what_it_held() {
    let mut world = world().await;
    world
        .send(vec![of("NodeDown", "a"), of("DiskFull", "a")])
        .await;
    pass(&world, 2).await;
    world.desired.projects[0].inhibitions.clear();
    world.hub.apply(&world.desired).await.unwrap();
    pass(&world, 10).await;
    assert_eq!(world.messages().len(), 2);
}

/// Noon to one o'clock, UTC; the tests begin at noon.
fn lunch() -> Vec<TimeInterval> {
    vec![TimeInterval {
        times: vec![TimeRange {
            start_time: "12:00".to_owned(),
            end_time: "13:00".to_owned(),
        }],
        ..TimeInterval::default()
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_integration_tells_afterwards_what_is_still_so() {
    let world = World::new(|desired, _| {
        desired.projects[0].integrations[0].policy.mute = lunch();
    })
    .await;
    world
        .send(vec![of("DiskFull", "a"), of("DiskFull", "b")])
        .await;
    pass(&world, 5).await;
    world.send(vec![over(of("DiskFull", "b"))]).await;
    world.clock.advance(DurationMs::from_mins(59));
    pass(&world, 1).await;
    assert!(world.messages().is_empty());
    world.clock.advance(DurationMs::from_mins(1));
    pass(&world, 5).await;
    assert_eq!(world.colors(), ["danger"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_its_active_times_an_integration_is_muted() {
    let world = World::new(|desired, _| {
        desired.projects[0].integrations[0].policy.active = lunch();
    })
    .await;
    world.send(vec![of("DiskFull", "a")]).await;
    pass(&world, 5).await;
    assert_eq!(world.messages().len(), 1);
    world.clock.advance(DurationMs::from_mins(61));
    world.send(vec![of("DiskFull", "b")]).await;
    pass(&world, 5).await;
    assert_eq!(world.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_flaps_is_told_three_times_with_one_note_and_then_when_it_is_calm() {
    let world = World::new(|desired, _| {
        desired.projects[0].integrations[0].policy.flapping = Some(Flapping {
            changes: 3,
            window: DurationMs::from_mins(10),
        });
    })
    .await;
    for _ in 0..8 {
        world.send(vec![of("DiskFull", "a")]).await;
        pass(&world, 5).await;
        world.send(vec![over(of("DiskFull", "a"))]).await;
        pass(&world, 5).await;
    }
    assert_eq!(world.colors(), ["good", "good", "good"]);
    world.send(vec![of("DiskFull", "a")]).await;
    pass(&world, 5).await;
    assert_eq!(world.messages().len(), 3);
    world.clock.advance(DurationMs::from_mins(11));
    pass(&world, 5).await;
    assert_eq!(
        world.colors(),
        ["good", "good", "good", "danger"],
        "it stays"
    );
}
