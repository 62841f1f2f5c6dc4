//! What is forgotten, and when.

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use model::{Clock, DurationMs, Labels, MatchOp, Matcher, Timestamp};

use crate::harness::World;

fn draft(starts_at: Timestamp, ends_at: Timestamp) -> SilenceCommand {
    SilenceCommand::Put {
        id: None,
        draft: SilenceDraft {
            matchers: vec![Matcher {
                name: "env".into(),
                op: MatchOp::Equal,
                value: "staging".into(),
            }],
            starts_at,
            ends_at,
            windows: vec![],
            created_by: "ann".into(),
            comment: "work".into(),
            annotations: Labels::new(),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_forgotten_days_after_its_end_and_one_without_an_end_is_not() {
    let world = World::new(|_, _| {}).await;
    let project = world.hub.catalog().projects[0].id;
    let now = world.clock.now();
    let ends_at = now + DurationMs::from_hours(1);
    let mut made = Vec::new();
    for ends_at in [ends_at, Timestamp::NEVER] {
        let command = draft(now, ends_at);
        match world.hub.silence(project, command).await.unwrap() {
            SilenceOutcome::Done(id) => made.push(id),
            other => panic!("{other:?}"),
        }
    }
    let known = |world: &World| -> Vec<_> {
        let silences = world.hub.silences(project);
        silences.iter().map(|silence| silence.id).collect()
    };
    // Until a minute before five days after its end, two sweeps long.
    world
        .clock
        .advance(DurationMs::from_mins((5 * 24 + 1) * 60 - 3));
    for _ in 0..120 {
        world.clock.advance(DurationMs::from_secs(1));
        world.calm().await;
    }
    assert_eq!(known(&world), made);
    world
        .move_until(
            "what ended is forgotten",
            DurationMs::from_mins(5),
            DurationMs::from_secs(1),
            |w| known(w) == made[1..],
        )
        .await;
}
