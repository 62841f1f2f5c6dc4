//! What was told, or let out, before a silence began.

use engine::desired::Policy;
use model::{Action, ActionVerb, Actor, AlertId, Clock, DurationMs, Signal};
use sandbox::webhook::Webhook;
use serde_json::{Value, json};

use super::{BEFORE, HOUR, expire, go_to, silence};
use crate::harness::{NOON, World, fire, webhook};

const SECOND: DurationMs = DurationMs::from_secs(1);

/// Slack with quick edits, and reminders every ten minutes.
async fn reminding() -> World {
    World::new(|desired, _| {
        desired.projects[0].integrations[0].policy = Policy {
            edit_interval: DurationMs::from_secs(15),
            interval: DurationMs::from_mins(10),
            ..Policy::default()
        };
    })
    .await
}

async fn act(world: &World, id: AlertId, verb: ActionVerb) {
    let action = Action {
        verb,
        by: Actor {
            name: "ann".to_owned(),
            via: "api".to_owned(),
        },
        note: None,
    };
    world.hub.intake().act(id, action, None).await.unwrap();
}

fn valued(value: &str) -> Signal {
    Signal {
        value: Some(value.to_owned()),
        ..fire("db-1")
    }
}

/// How often the one message was edited, and how many reminders stand below it.
fn edits_and_reminders(world: &World) -> (usize, usize) {
    let messages = world.messages();
    (messages[0].history.len(), messages.len() - 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_told_updates_and_reminders_wait_and_ack_and_close_pass() {
    let world = reminding().await;
    let id = world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    silence(&world, "env=\"prod\"").await;
    for minute in 1..50 {
        if minute % 10 == 0 {
            world.send(vec![valued(&minute.to_string())]).await;
        }
        go_to(&world, NOON + DurationMs::from_mins(minute)).await;
    }
    assert_eq!(edits_and_reminders(&world), (0, 0));
    act(&world, id, ActionVerb::Acknowledge { lasting: None }).await;
    world
        .until("the ack passes", |w| w.messages()[0].history.len() == 1)
        .await;
    world.resolve("db-1").await;
    world
        .until("the close passes", |w| w.colors() == ["good"])
        .await;
    assert!(world.clock.now() < NOON + HOUR);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_of_a_told_alert_is_told_when_the_silence_ends() {
    let world = reminding().await;
    world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    silence(&world, "env=\"prod\"").await;
    world.clock.advance(DurationMs::from_mins(20));
    world.send(vec![valued("the newest")]).await;
    go_to(&world, NOON + HOUR + BEFORE).await;
    assert_eq!(edits_and_reminders(&world), (0, 0));
    world
        .move_until(
            "an edit and a reminder",
            DurationMs::from_secs(2),
            SECOND,
            |w| edits_and_reminders(w) == (1, 1),
        )
        .await;
    assert!(format!("{:?}", world.messages()[0].content).contains("the newest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_goes_soon_when_the_silence_is_ended_while_an_ack_is_on_its_way() {
    let world = reminding().await;
    let id = world.fire("db-1").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    let silence = silence(&world, "env=\"prod\"").await;
    go_to(&world, NOON + DurationMs::from_mins(1)).await;
    world.send(vec![valued("first")]).await;
    world.calm().await;
    let slow = json!({ "vendor": "slack", "delay_ms": 1_500, "times": 1 });
    world
        .sandbox
        .add_fault(serde_json::from_value(slow).unwrap())
        .unwrap();
    act(&world, id, ActionVerb::Acknowledge { lasting: None }).await;
    world
        .until_stored("the ack is on its way", id, |alert| {
            alert.lanes.iter().any(|lane| lane.claim.is_some())
        })
        .await;
    // A change of severity is an event at once.
    world
        .send(vec![Signal {
            severity: Some(model::Severity::Major),
            ..valued("second")
        }])
        .await;
    expire(&world, silence).await;
    // The walk comes by while the vendor still thinks.
    world.clock.advance(DurationMs::from_secs(5));
    world
        .move_until("the update", DurationMs::from_secs(60), SECOND, |w| {
            format!("{:?}", w.messages()[0].content).contains("second")
        })
        .await;
}

/// The kinds of events that the webhook took.
fn heard(world: &World) -> Vec<String> {
    let webhook = world.sandbox.vendor::<Webhook>().unwrap();
    let taken = webhook.deliveries(None);
    let taken = taken.iter().filter(|d| d.status.is_success());
    let kind = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["data"]["event"]["kind"].as_str().unwrap().to_owned()
    };
    taken.map(|d| kind(&d.request.body)).collect()
}

/// Refuses for certain, so that nothing is in doubt.
fn refuse(world: &World, vendor: &str) {
    let fault = json!({ "vendor": vendor, "status": 429, "headers": { "retry-after": "30" } });
    world
        .sandbox
        .add_fault(serde_json::from_value(fault).unwrap())
        .unwrap();
}

async fn logging() -> World {
    World::new(|desired, vendors| {
        desired.projects[0].integrations = vec![webhook("log", vendors)];
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logs_close_that_backs_off_is_told_although_a_silence_begins_meanwhile() {
    let world = logging().await;
    world.fire("db-1").await;
    world.until("heard of it", |w| heard(w) == ["opened"]).await;
    refuse(&world, "webhook");
    world.resolve("db-1").await;
    world.calm().await;
    world.clock.advance(SECOND);
    silence(&world, "env=\"prod\"").await;
    world.sandbox.remove_faults(None);
    world
        .move_until("the close", DurationMs::from_mins(2), SECOND, |w| {
            heard(w) == ["opened", "closed"]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_that_was_over_before_the_silence_began_is_told_when_the_vendor_is_back() {
    let world = logging().await;
    refuse(&world, "webhook");
    world.fire("db-1").await;
    world.clock.advance(SECOND);
    world.resolve("db-1").await;
    world.calm().await;
    world.clock.advance(SECOND);
    silence(&world, "env=\"prod\"").await;
    world.sandbox.remove_faults(None);
    world
        .move_until("both", DurationMs::from_mins(2), SECOND, |w| {
            heard(w) == ["opened", "closed"]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_shows_what_was_over_before_the_silence_began() {
    let world = World::new(|_, _| {}).await;
    refuse(&world, "slack");
    world.fire("db-1").await;
    world.clock.advance(SECOND);
    world.resolve("db-1").await;
    world.calm().await;
    world.clock.advance(SECOND);
    silence(&world, "env=\"prod\"").await;
    world.sandbox.remove_faults(None);
    world
        .move_until("one message", DurationMs::from_mins(2), SECOND, |w| {
            w.colors() == ["good"]
        })
        .await;
}
