//! A silence that one node makes or ends, and the other one goes by.

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use model::{DurationMs, Labels, SilenceId, Timestamp};

use super::world::{Node, Twins};

/// Has `node` silence everything of the tests for an hour.
async fn silence(node: &Node) -> SilenceId {
    let now = node.hub.clock().now();
    let draft = SilenceDraft {
        matchers: lifecycle::matching::parse_matchers("env=\"prod\"").unwrap(),
        starts_at: now,
        ends_at: now + DurationMs::from_hours(1),
        windows: Vec::new(),
        created_by: "ann".to_owned(),
        comment: "deploy".to_owned(),
        annotations: Labels::default(),
    };
    match command(node, SilenceCommand::Put { id: None, draft }).await {
        SilenceOutcome::Done(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn command(node: &Node, command: SilenceCommand) -> SilenceOutcome {
    let project = node.hub.catalog().project_named("shop").unwrap().id;
    node.hub.silence(project, command).await.unwrap()
}

/// When the silence ends, as `node` knows it.
fn ends_at(node: &Node, id: SilenceId) -> Option<Timestamp> {
    let project = node.hub.catalog().project_named("shop").unwrap().id;
    let silences = node.hub.silences(project);
    silences.iter().find(|s| s.id == id).map(|s| s.ends_at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_of_a_holds_on_b_within_two_seconds_and_b_may_end_it() {
    let twins = Twins::new(|_, _| {}).await;
    let id = silence(&twins.a).await;
    twins
        .pass_until("B knows it", DurationMs::from_secs(2), async |t| {
            ends_at(&t.b, id).is_some()
        })
        .await;
    twins.b.fire("db-1").await;
    twins.pass(DurationMs::from_secs(10)).await;
    assert!(twins.messages().is_empty());
    let ended = command(&twins.b, SilenceCommand::Expire(id)).await;
    assert_eq!(ended, SilenceOutcome::Done(id));
    twins
        .pass_until("told", DurationMs::from_secs(20), async |t| {
            t.messages().len() == 1
        })
        .await;
    assert_eq!(ends_at(&twins.a, id), ends_at(&twins.b, id));
}
