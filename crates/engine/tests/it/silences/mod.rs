//! What is not told for a while.

mod changing;
mod holding;
mod passing;
mod windows;

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use model::{Clock, DurationMs, Labels, ProjectId, Silence, SilenceId, Timestamp};

use crate::harness::World;

const HOUR: DurationMs = DurationMs::from_hours(1);
/// A second before.
const BEFORE: DurationMs = DurationMs::from_secs(-1);

/// What a silence of these matchers for an hour says.
fn draft(world: &World, matchers: &str) -> SilenceDraft {
    let now = world.clock.now();
    SilenceDraft {
        matchers: lifecycle::matching::parse_matchers(matchers).unwrap(),
        starts_at: now,
        ends_at: now + HOUR,
        windows: Vec::new(),
        created_by: "ann".to_owned(),
        comment: "deploy".to_owned(),
        annotations: Labels::default(),
    }
}

async fn command(world: &World, command: SilenceCommand) -> SilenceOutcome {
    world.hub.silence(project(world), command).await.unwrap()
}

async fn put(world: &World, id: Option<SilenceId>, draft: SilenceDraft) -> SilenceId {
    match command(world, SilenceCommand::Put { id, draft }).await {
        SilenceOutcome::Done(id) => id,
        other => panic!("{other:?}"),
    }
}

/// Silences these for an hour.
async fn silence(world: &World, matchers: &str) -> SilenceId {
    put(world, None, draft(world, matchers)).await
}

async fn expire(world: &World, id: SilenceId) {
    let outcome = command(world, SilenceCommand::Expire(id)).await;
    assert_eq!(outcome, SilenceOutcome::Done(id));
}

fn project(world: &World) -> ProjectId {
    world.hub.catalog().project_named("shop").unwrap().id
}

fn stored(world: &World, id: SilenceId) -> Silence {
    let silences = world.hub.silences(project(world));
    silences.into_iter().find(|s| s.id == id).unwrap()
}

/// Moves time to `at` and lets the loops do what is to be done then.
async fn go_to(world: &World, at: Timestamp) {
    world.clock.advance(at.since(world.clock.now()));
    world.calm().await;
}
