//! Silences that are changed, and hubs that are started anew under them.

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use model::{Clock, DurationMs, SilenceId, SilenceState};

use super::{BEFORE, HOUR, command, draft, expire, go_to, put, silence, stored};
use crate::harness::{NOON, World};

const SECOND: DurationMs = DurationMs::from_secs(1);
const SOON: DurationMs = DurationMs::from_secs(10);

/// The silence as it is stored, as somebody would write it anew.
fn written(world: &World, id: SilenceId) -> SilenceDraft {
    let old = stored(world, id);
    SilenceDraft {
        matchers: old.matchers,
        starts_at: old.starts_at,
        ends_at: old.ends_at,
        windows: old.windows,
        created_by: old.created_by,
        comment: old.comment,
        annotations: old.annotations,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_silence_holds_longer() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    world.fire("db-1").await;
    go_to(&world, NOON + HOUR + BEFORE).await;
    let longer = SilenceDraft {
        ends_at: NOON + HOUR + HOUR,
        ..written(&world, id)
    };
    assert_eq!(put(&world, Some(id), longer).await, id, "the same silence");
    go_to(&world, NOON + HOUR + SECOND).await;
    assert!(world.messages().is_empty());
    go_to(&world, NOON + HOUR + HOUR).await;
    world.until("told", |w| w.colors() == ["danger"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_silence_holds_as_long_as_it_says_now() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    world.fire("db-1").await;
    world.calm().await;
    let shorter = SilenceDraft {
        ends_at: NOON + DurationMs::from_mins(5),
        ..written(&world, id)
    };
    put(&world, Some(id), shorter).await;
    go_to(&world, NOON + DurationMs::from_mins(4)).await;
    assert!(world.messages().is_empty());
    world
        .move_until("told", DurationMs::from_secs(70), SECOND, |w| {
            w.colors() == ["danger"]
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_matchers_make_another_silence_and_what_both_hold_is_never_told_in_between() {
    let world = World::new(|_, _| {}).await;
    let old = silence(&world, "env=\"prod\"").await;
    world.fire("db-1").await;
    world.fire("db-2").await;
    world.calm().await;
    let new = put(&world, Some(old), draft(&world, "key=\"db-1\"")).await;
    assert_ne!(old, new);
    let now = world.clock.now();
    assert_eq!(stored(&world, old).state(now), SilenceState::Expired);
    assert_eq!(stored(&world, new).state(now), SilenceState::Active);
    world
        .move_until("the other one", SOON, SECOND, |w| w.messages().len() == 1)
        .await;
    go_to(&world, NOON + HOUR + BEFORE).await;
    assert_eq!(world.messages().len(), 1);
    assert!(format!("{:?}", world.messages()[0]).contains("db-2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_for_later_holds_from_then_on() {
    let world = World::new(|_, _| {}).await;
    let later = SilenceDraft {
        starts_at: NOON + HOUR,
        ends_at: NOON + HOUR + HOUR,
        ..draft(&world, "env=\"prod\"")
    };
    put(&world, None, later).await;
    world.fire("db-1").await;
    world.until("before it", |w| w.messages().len() == 1).await;
    go_to(&world, NOON + HOUR).await;
    world.fire("db-2").await;
    go_to(&world, NOON + HOUR + HOUR + BEFORE).await;
    assert_eq!(world.messages().len(), 1);
    go_to(&world, NOON + HOUR + HOUR).await;
    world.until("after it", |w| w.messages().len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_goes_on_after_a_restart() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    world.fire("db-1").await;
    world.calm().await;
    let before = stored(&world, id);
    let world = world.restart(DurationMs::from_mins(30)).await;
    assert_eq!(stored(&world, id), before);
    world.fire("db-2").await;
    world.calm().await;
    assert!(world.messages().is_empty());
    go_to(&world, NOON + HOUR).await;
    world
        .move_until("both", SOON, SECOND, |w| w.messages().len() == 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silence_held_is_told_although_it_ended_while_the_hub_was_away() {
    let world = World::new(|_, _| {}).await;
    silence(&world, "key=\"db-1\"").await;
    let ended_early = silence(&world, "key=\"db-2\"").await;
    world.fire("db-1").await;
    world.fire("db-2").await;
    world.calm().await;
    let world = world.restart(DurationMs::from_mins(10)).await;
    // The end is noted; the walk over what it held may be another process's.
    expire(&world, ended_early).await;
    let world = world.restart(HOUR).await;
    world
        .move_until("both", SOON, SECOND, |w| w.messages().len() == 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_why() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    expire(&world, id).await;
    let again = command(&world, SilenceCommand::Expire(id)).await;
    assert_eq!(again, SilenceOutcome::AlreadyExpired);
    let unknown = SilenceCommand::Expire(SilenceId(7));
    assert_eq!(command(&world, unknown).await, SilenceOutcome::NotFound);
    let over = SilenceDraft {
        ends_at: NOON + BEFORE,
        starts_at: NOON + DurationMs(-HOUR.0),
        ..draft(&world, "env=\"prod\"")
    };
    let everything = draft(&world, "env=~\".*\"");
    for (draft, word) in [(over, "over already"), (everything, "empty value")] {
        let put = SilenceCommand::Put { id: None, draft };
        let SilenceOutcome::Refused(why) = command(&world, put).await else {
            panic!("{word}")
        };
        assert!(why.contains(word), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_made_at_once_all_hold() {
    let world = World::new(|_, _| {}).await;
    let drafts = (0..20).map(|n| draft(&world, &format!("key=\"db-{n}\"")));
    let project = super::project(&world);
    let mut making = Vec::new();
    for draft in drafts {
        let hub = world.hub.clone();
        making.push(tokio::spawn(async move {
            let put = SilenceCommand::Put { id: None, draft };
            hub.silence(project, put).await.unwrap()
        }));
    }
    for made in making {
        assert!(matches!(made.await.unwrap(), SilenceOutcome::Done(_)));
    }
    assert_eq!(world.hub.silences(project).len(), 20);
}
