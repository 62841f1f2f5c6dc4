//! What one node at a time does, and what each must know of the other.

use model::{ActionVerb, DurationMs, Status};
use serde_json::json;

use super::store::Door;
use super::world::Twins;
use crate::harness::{slack, source};

async fn acknowledged_for_ten_seconds(twins: &Twins) {
    let id = twins.b.fire("db-1").await;
    let lasting = Some(DurationMs::from_secs(10));
    twins.b.act(id, ActionVerb::Acknowledge { lasting }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timers_of_a_node_that_is_cut_off_are_taken_over_within_seconds() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    acknowledged_for_ten_seconds(&twins).await;
    // A was first and has the lease, for up to five seconds more.
    twins.pass(DurationMs(8500)).await;
    twins.a.door.set(Door::Shut);
    twins.pass(DurationMs(2500)).await;
    assert_eq!(
        twins.statuses("db-1").await,
        [Status::Acknowledged],
        "it is due, and not B's duty yet"
    );
    twins
        .pass_until("B ends it", DurationMs::from_secs(5), async |t| {
            t.statuses("db-1").await == [Status::Open]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_its_duties_back_at_once() {
    let twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    acknowledged_for_ten_seconds(&twins).await;
    twins.pass(DurationMs(8500)).await;
    twins.stop(&twins.a).await;
    twins
        .pass_until("B ends it", DurationMs::from_secs(4), async |t| {
            t.statuses("db-1").await == [Status::Open]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_configuration_through_a_works_on_b_within_two_seconds() {
    let mut twins = Twins::new(|_, _| {}).await;
    twins.desired.projects[0]
        .sources
        .push(source("late", "generic", "key-of-the-late"));
    twins.a.hub.apply(&twins.desired).await.unwrap();
    twins
        .pass_until("B knows the key", DurationMs::from_secs(2), async |t| {
            t.b.hub.catalog().source_of_key("key-of-the-late").is_some()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_integration_through_b_is_told_of_what_is_open_and_of_what_a_opens_meanwhile() {
    let mut twins = Twins::new(|desired, _| desired.projects[0].integrations.clear()).await;
    twins.a.fire("before").await;
    twins.desired.projects[0]
        .integrations
        .push(slack("late", &twins.vendors));
    twins.b.hub.apply(&twins.desired).await.unwrap();
    // A does not know it yet.
    twins.a.fire("meanwhile").await;
    twins
        .pass_until("both told", DurationMs::from_secs(20), async |t| {
            t.messages().len() == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_by_one_node_is_known_to_the_other_and_so_is_its_end() {
    let mut twins = Twins::new(|_, _| {}).await;
    let refused = json!({ "vendor": "slack", "status": 200, "body": { "ok": false, "error": "invalid_auth" } });
    twins
        .sandbox
        .add_fault(serde_json::from_value(refused).unwrap())
        .unwrap();
    twins.a.fire("db-1").await;
    let suspended = |t: &Twins| {
        [&t.a, &t.b].map(|node| {
            let catalog = node.hub.catalog();
            let keys: Vec<_> = catalog.revisions.keys().copied().collect();
            keys.into_iter()
                .any(|(id, revision)| node.hub.suspension_of(id, revision).is_some())
        })
    };
    twins
        .pass_until("known to both", DurationMs::from_secs(5), async |t| {
            suspended(t) == [true, true]
        })
        .await;
    twins.sandbox.remove_faults(None);
    twins.desired.projects[0].integrations[0]
        .settings
        .0
        .insert("token".into(), json!("xoxb-another-token"));
    twins.b.hub.apply(&twins.desired).await.unwrap();
    twins
        .pass_until("lifted for both", DurationMs::from_secs(5), async |t| {
            suspended(t) == [false, false]
        })
        .await;
    twins
        .pass_until("told", DurationMs::from_mins(2), async |t| {
            t.messages().len() == 1
        })
        .await;
}
