//! The same things heard by two nodes.

use integrations::kit::SignalOutcome;
use model::{ActionVerb, DurationMs, Severity, Signal, Status};

use super::world::{Twins, resolve};
use crate::harness::{color, fire, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_new_alerts_through_both_nodes_at_once_are_one_alert_and_one_message_each() {
    let twins = Twins::new(|_, _| {}).await;
    let keys: Vec<String> = (0..5).map(|n| format!("db-{n}")).collect();
    for key in &keys {
        let (a, b) = tokio::join!(twins.a.fire(key), twins.b.fire(key));
        assert_eq!(a, b, "{key}");
        assert_eq!(twins.statuses(key).await, [Status::Open]);
    }
    twins
        .pass_until("five messages", DurationMs::from_secs(30), async |t| {
            t.messages().len() == 5
        })
        .await;
    twins.pass(DurationMs::from_secs(5)).await;
    assert_eq!(twins.messages().len(), 5, "each once");
    assert_eq!(twins.sandbox.violation_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_two_nodes_deliver_each_event_once_and_in_order() {
    let twins = Twins::new(|desired, vendors| {
        desired.projects[0].integrations = vec![webhook("log", vendors)];
    })
    .await;
    let keys: Vec<String> = (0..100).map(|n| format!("db-{n}")).collect();
    let through = async |node: &super::world::Node, keys: &[String]| {
        for key in keys {
            node.fire(key).await;
        }
    };
    tokio::join!(
        through(&twins.a, &keys[..50]),
        through(&twins.b, &keys[50..])
    );
    for key in &keys[..50] {
        twins.b.resolve(key).await;
    }
    let webhook = twins.sandbox.vendor::<sandbox::webhook::Webhook>().unwrap();
    twins
        .pass_until("all delivered", DurationMs::from_mins(2), async |_| {
            webhook.counts(Some("/log")).accepted >= 150
        })
        .await;
    twins.pass(DurationMs::from_secs(5)).await;
    assert_eq!(
        webhook.counts(Some("/log")).accepted,
        150,
        "each event once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolve_through_the_other_node_closes_the_alert_and_its_message() {
    let twins = Twins::new(|_, _| {}).await;
    let id = twins.a.fire("db-1").await;
    twins
        .pass_until("red", DurationMs::from_secs(10), async |t| {
            t.messages().iter().map(color).collect::<Vec<_>>() == ["danger"]
        })
        .await;
    assert_eq!(
        twins.b.resolve("db-1").await,
        SignalOutcome::Changed(id),
        "what a cache does not know is looked up"
    );
    twins
        .pass_until("green", DurationMs::from_secs(10), async |t| {
            t.messages().iter().map(color).collect::<Vec<_>>() == ["good"]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_through_the_other_node_is_seen_by_the_next_signal_here() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    let id = twins.a.fire("db-1").await;
    let minor = Signal {
        severity: Some(Severity::Minor),
        ..fire("db-1")
    };
    assert_eq!(
        twins.b.send(minor.clone()).await,
        SignalOutcome::Changed(id)
    );
    // A's entry knows the content of its own signal; it is not what the alert says any more.
    twins.pass(DurationMs::from_secs(3)).await;
    twins.a.fire("db-1").await;
    twins.pass(DurationMs::from_secs(3)).await;
    let alert = &twins.alerts("db-1").await[0].alert;
    assert_eq!(alert.severity(), Severity::Critical);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_nothing_is_looked_up_before_it_is_ignored() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    let outcome = twins.a.resolve("never-heard-of").await;
    assert!(matches!(outcome, SignalOutcome::Ignored(_)), "{outcome:?}");
    twins.a.fire("db-1").await;
    let over = Signal {
        ends_at: Some(twins.a.hub.clock().now()),
        ..fire("db-1")
    };
    let outcome = twins.b.send(over).await;
    assert!(matches!(outcome, SignalOutcome::Changed(_)), "{outcome:?}");
    assert_eq!(twins.statuses("db-1").await, [Status::Closed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_through_both_nodes_changes_one_alert() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    let message = |key: &str| Signal {
        message_id: Some("m-1".to_owned()),
        ..fire(key)
    };
    let (a, b) = tokio::join!(twins.a.send(message("db-1")), twins.b.send(message("db-1")));
    let opened = |o: &SignalOutcome| matches!(o, SignalOutcome::Opened(_));
    let repeated = |o: &SignalOutcome| matches!(o, SignalOutcome::Repeated(_));
    assert!(
        (opened(&a) && repeated(&b)) || (repeated(&a) && opened(&b)),
        "{a:?} {b:?}"
    );
    assert_eq!(twins.statuses("db-1").await, [Status::Open]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_whose_key_a_younger_one_took_through_the_other_node_is_not_reopened() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    let old = twins.a.fire("db-1").await;
    twins.a.resolve("db-1").await;
    twins.pass(DurationMs(10)).await;
    let young = twins.b.fire("db-1").await;
    assert_ne!(old, young);
    let action = super::world::action(ActionVerb::Reopen);
    let refused = twins.a.hub.intake().act(old, action, None).await;
    assert!(
        matches!(refused, Err(engine::ActError::Refused(_))),
        "{refused:?}"
    );
    // Once the younger one has given its key up, the old one may have it again: what A knows of keys is not trusted.
    twins.b.resolve("db-1").await;
    twins.clock.advance(DurationMs::from_mins(16));
    twins.pass(DurationMs::from_secs(65)).await;
    twins.a.act(old, ActionVerb::Reopen).await;
    assert_eq!(twins.statuses("db-1").await, [Status::Open, Status::Closed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_time_counts_and_not_the_nodes() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    let database = |t: &Twins| model::Clock::now(&*t.clock);
    twins.b.fire("db-1").await;
    twins.pass(DurationMs::from_secs(20)).await;
    twins.a.send(resolve("db-1")).await;
    let alert = &twins.alerts("db-1").await[0].alert;
    let took = alert.closed_at.unwrap().since(alert.opened_at);
    assert!((20_000..21_000).contains(&took.0), "{took}");
    assert!(database(&twins).since(alert.closed_at.unwrap()).0.abs() < 100);
}
