//! The shared store away, slow, or too new.

use std::sync::Arc;

use integrations::kit::SignalOutcome;
use model::{ActionVerb, DurationMs, Status};

use super::store::Door;
use super::world::Twins;
use crate::harness::{eventually, fire, tick};

#[tokio::test(flavor = "multi_thread")]
async fn senders_hear_try_again_while_the_store_is_away_and_nothing_was_acknowledged() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    twins.a.door.set(Door::Shut);
    twins.a.try_send(fire("db-1")).await.unwrap_err();
    assert_eq!(twins.a.hub.trouble(), None, "a moment is not an outage");
    twins.pass(DurationMs::from_secs(3)).await;
    twins.a.try_send(fire("db-1")).await.unwrap_err();
    assert!(twins.a.hub.trouble().is_some());
    assert_eq!(twins.b.hub.trouble(), None);
    assert_eq!(twins.statuses("db-1").await, []);

    twins.a.door.set(Door::Open);
    twins
        .pass_until("A is back", DurationMs::from_secs(3), async |t| {
            t.a.hub.trouble().is_none()
        })
        .await;
    twins.a.fire("db-1").await;
    assert_eq!(twins.statuses("db-1").await, [Status::Open]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_repeat_is_taken_on_the_caches_word_while_the_store_does_not_answer() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    twins.a.fire("db-1").await;
    twins.a.door.set(Door::Shut);
    // For two seconds the last answer vouches.
    let outcome = twins.a.send(fire("db-1")).await;
    assert!(matches!(outcome, SignalOutcome::Repeated(_)), "{outcome:?}");
    twins.pass(DurationMs(2100)).await;
    twins.a.try_send(fire("db-1")).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_hangs_vouches_no_longer_than_one_that_fails() {
    let twins = Arc::new(Twins::new(|desired, _| desired.projects[0].integrations.clear()).await);
    twins.a.fire("db-1").await;
    // No call is answered and none has failed yet, as after a node was paused.
    twins.a.door.set(Door::Hanging(DurationMs::from_mins(1)));
    twins.pass(DurationMs(2100)).await;
    let sent = twins.clone();
    let sent = tokio::spawn(async move { sent.a.try_send(fire("db-1")).await });
    twins.pass(DurationMs(500)).await;
    assert!(!sent.is_finished(), "it is asked of the store");
    twins.pass(DurationMs::from_mins(1)).await;
    eventually("it failed", || sent.is_finished()).await;
    sent.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_repeat_that_could_not_be_written_is_written_when_the_store_is_back() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    twins.a.fire("db-1").await;
    let id = twins.a.fire("db-2").await;
    twins.pass(DurationMs(1050)).await;
    twins.b.resolve("db-1").await;
    twins.a.door.set(Door::Shut);
    for key in ["db-1", "db-2"] {
        let outcome = twins.a.send(fire(key)).await;
        assert!(matches!(outcome, SignalOutcome::Repeated(_)), "{outcome:?}");
    }
    let came = model::Clock::now(&*twins.clock);
    twins.pass(DurationMs::from_secs(20)).await;
    twins
        .b
        .act(id, ActionVerb::Acknowledge { lasting: None })
        .await;
    twins.a.door.set(Door::Open);
    twins
        .pass_until("both counted", DurationMs::from_secs(5), async |t| {
            t.statuses("db-1").await == [Status::Closed, Status::Open]
                && t.alerts("db-2").await[0]
                    .seen
                    .is_some_and(|seen| seen.last_seen >= came)
        })
        .await;
    assert_eq!(twins.statuses("db-2").await, [Status::Acknowledged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_behind_a_group_that_failed_does_not_wait_for_another_try() {
    let twins = Arc::new(Twins::new(|desired, _| desired.projects[0].integrations.clear()).await);
    twins.a.door.set(Door::Hanging(DurationMs(1500)));
    let send = |key: &'static str| {
        let twins = twins.clone();
        tokio::spawn(async move { twins.a.try_send(fire(key)).await })
    };
    let first = send("db-1");
    tick().await;
    let second = send("db-2");
    tick().await;
    for _ in 0..16 {
        twins.clock.advance(DurationMs(100));
        tick().await;
    }
    eventually("both failed within 1.6 s", || {
        first.is_finished() && second.is_finished()
    })
    .await;
    first.await.unwrap().unwrap_err();
    second.await.unwrap().unwrap_err();
    twins.a.door.set(Door::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_too_old_for_the_database_stands_aside_until_it_is_started_anew() {
    let twins = Twins::new(|_, _| {}).await;
    twins.a.door.set(Door::Newer);
    twins
        .pass_until("A notices", DurationMs::from_secs(3), async |t| {
            t.a.hub
                .trouble()
                .is_some_and(|why| why.contains("stands aside"))
        })
        .await;
    twins.a.door.set(Door::Open);
    let busy = twins.a.try_send(fire("db-1")).await.unwrap_err();
    assert!(busy.reason.contains("stands aside"), "{busy}");
    // B goes on, A's duties included.
    let id = twins.b.fire("db-2").await;
    let lasting = Some(DurationMs::from_secs(10));
    twins.b.act(id, ActionVerb::Acknowledge { lasting }).await;
    twins
        .pass_until("B ends it", DurationMs::from_secs(15), async |t| {
            t.statuses("db-2").await == [Status::Open] && t.messages().len() == 1
        })
        .await;
    assert_eq!(twins.statuses("db-1").await, []);
}
