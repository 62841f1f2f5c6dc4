//! From a signal to a message.

use integrations::kit::SignalOutcome;
use lifecycle::matching::parse_matcher;
use model::{DurationMs, Severity, Signal, SignalKind};

use crate::harness::{World, color, fire, slack};

#[tokio::test(flavor = "multi_thread")]
async fn e28_e30_one_red_message_then_the_same_one_green() {
    let world = World::new(|_, _| {}).await;
    let id = world.fire("db-1").await;
    world
        .until("the red message", |w| w.colors() == ["danger"])
        .await;
    world.clock.advance(DurationMs::from_secs(30));
    world.resolve("db-1").await;
    world.until("it is green", |w| w.colors() == ["good"]).await;
    let message = world.messages().remove(0);
    assert_eq!(message.history.len(), 1, "one edit");
    assert!(world.alert(id).await.is_closed());
    assert_eq!(world.sandbox.violation_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn e29_updates_edit_the_message_at_most_every_five_minutes_to_the_latest() {
    let world = World::new(|_, _| {}).await;
    let say = |value: &str| Signal {
        value: Some(value.to_owned()),
        title: format!("at {value}"),
        ..fire("db-1")
    };
    world.send(vec![say("90")]).await;
    world
        .until("the message", |w| w.messages().len() == 1)
        .await;
    for minute in 1..=4 {
        world.clock.advance(DurationMs::from_mins(1));
        world.send(vec![say(&format!("9{minute}"))]).await;
        world.calm().await;
    }
    assert_eq!(
        world.messages()[0].history.len(),
        0,
        "four minutes: no edit yet"
    );
    world.clock.advance(DurationMs::from_secs(61));
    world
        .until("one edit", |w| w.messages()[0].history.len() == 1)
        .await;
    let shown = serde_json::to_string(&world.messages()[0].content.attachments).unwrap();
    assert!(shown.contains("94"), "the latest: {shown}");
    assert_eq!(color(&world.messages()[0]), "danger");
    world.resolve("db-1").await;
    world
        .until("green at once", |w| w.colors() == ["good"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_a_repeat_costs_no_message_and_is_counted() {
    let world = World::new(|_, _| {}).await;
    let id = world.fire("db-1").await;
    world
        .until("the message", |w| w.messages().len() == 1)
        .await;
    for _ in 0..5 {
        world.fire("db-1").await;
    }
    world.clock.advance(DurationMs::from_secs(2));
    world
        .until_stored("five repeats, no event", id, |l| {
            // In the alert's own row, if something wrote it meanwhile (the walk of a new integration).
            let count = l.seen.map_or(l.alert.repeat_count, |s| s.repeat_count);
            l.alert.seq == 1 && count == 5
        })
        .await;
    assert_eq!(world.messages()[0].history.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_severity_that_rises_is_an_event_at_once() {
    let world = World::new(|desired, _| {
        let only = lifecycle::matching::parse_matchers("severity=\"critical\"").unwrap();
        desired.projects[0].integrations[0].matchers = only;
    })
    .await;
    world
        .send(vec![Signal {
            severity: Some(Severity::Warning),
            ..fire("db-1")
        }])
        .await;
    world.calm().await;
    assert!(world.messages().is_empty(), "it does not match yet");
    world.fire("db-1").await;
    world
        .until("it rose into the matchers", |w| w.colors() == ["danger"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_of_one_key_are_all_taken_beside_an_open_issue_of_that_key() {
    let world = World::new(|desired, vendors| {
        let mut informed = slack("informed", vendors);
        informed.of = engine::desired::Of::Notifications;
        desired.projects[0].integrations.push(informed);
    })
    .await;
    let inform = || Signal {
        kind: SignalKind::Inform,
        ..fire("backup")
    };
    // In one batch, one after the other, and with an issue in between.
    let first = world.send(vec![inform(), inform()]).await;
    let second = world.send(vec![inform()]).await;
    let issue = world.send(vec![fire("backup")]).await;
    let third = world.send(vec![inform()]).await;
    for outcome in [first, second, issue, third].concat() {
        assert!(matches!(outcome, SignalOutcome::Opened(_)), "{outcome:?}");
    }
    world
        .move_until(
            "all are told",
            DurationMs::from_mins(1),
            DurationMs::from_secs(1),
            |w| w.messages().len() == 5,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_told_of_another_severity_and_matched_by_the_alerts_own() {
    let world = World::new(|desired, _| {
        let slack = &mut desired.projects[0].integrations[0];
        slack.matchers = vec![parse_matcher(r#"severity="warning""#).unwrap()];
        slack.policy.severity = [(Severity::Warning, Severity::Critical)].into();
    })
    .await;
    let warning = Signal {
        severity: Some(Severity::Warning),
        ..fire("db-1")
    };
    let id = world.fire_signal(warning).await;
    world.until("it is told", |w| w.messages().len() == 1).await;
    let shown = format!("{:?}", world.messages()[0].content);
    assert!(shown.contains("Critical"), "{shown}");
    assert!(!shown.contains("Warning"), "{shown}");
    assert_eq!(world.alert(id).await.severity(), Severity::Warning);
}
