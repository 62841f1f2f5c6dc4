//! Silences that recur.

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use model::{DurationMs, TimeInterval, TimeRange, Timestamp};

use super::{BEFORE, HOUR, command, draft, expire, go_to, put, silence, stored};
use crate::harness::{NOON, World};

const SECOND: DurationMs = DurationMs::from_secs(1);
const SOON: DurationMs = DurationMs::from_secs(10);
const DAY: DurationMs = DurationMs::from_hours(24);

/// Every day from one to two in Berlin: in winter from noon to one here.
fn lunch() -> TimeInterval {
    TimeInterval {
        times: vec![TimeRange {
            start_time: "13:00".to_owned(),
            end_time: "14:00".to_owned(),
        }],
        location: Some("Europe/Berlin".to_owned()),
        ..TimeInterval::default()
    }
}

fn recurring(world: &World, windows: Vec<TimeInterval>) -> SilenceDraft {
    SilenceDraft {
        ends_at: Timestamp::NEVER,
        windows,
        ..draft(world, "env=\"prod\"")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_within_its_windows_only_and_each_time_again() {
    let world = World::new(|_, _| {}).await;
    let id = put(&world, None, recurring(&world, vec![lunch()])).await;
    for day in 0..2 {
        let noon = NOON + DurationMs(DAY.0 * day);
        let told = usize::try_from(2 * day).unwrap();
        go_to(&world, noon).await;
        world.fire(&format!("within-{day}")).await;
        world.calm().await;
        assert!(world.hub.is_silencing(&stored(&world, id)));
        go_to(&world, noon + HOUR + BEFORE).await;
        assert_eq!(world.messages().len(), told, "day {day}");
        go_to(&world, noon + HOUR).await;
        world
            .until("the window's end", |w| w.messages().len() == told + 1)
            .await;
        assert!(!world.hub.is_silencing(&stored(&world, id)));
        world.fire(&format!("outside-{day}")).await;
        world
            .move_until("outside", SOON, SECOND, |w| w.messages().len() == told + 2)
            .await;
    }
    let explained = world.fire("within-3").await;
    let alert = world.alert(explained).await;
    assert!(world.hub.silenced_by(&alert).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_closed_within_a_window_is_not_told_and_what_closed_outside_is() {
    let world = World::new(|_, _| {}).await;
    put(&world, None, recurring(&world, vec![lunch()])).await;
    world.fire("held").await;
    world.calm().await;
    go_to(&world, NOON + DurationMs::from_mins(30)).await;
    world.resolve("held").await;
    world.calm().await;
    go_to(&world, NOON + HOUR + SECOND).await;
    assert!(world.messages().is_empty());
    world.fire("told").await;
    world.until("red", |w| w.colors() == ["danger"]).await;
    // Within the next window: what was told is closed there too.
    go_to(&world, NOON + DAY + SECOND).await;
    world.resolve("told").await;
    world.until("green", |w| w.colors() == ["good"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_ends_it_within_a_window() {
    let world = World::new(|_, _| {}).await;
    let ending = SilenceDraft {
        ends_at: NOON + DurationMs::from_mins(10),
        ..recurring(&world, vec![lunch()])
    };
    put(&world, None, ending).await;
    world.fire("db-1").await;
    go_to(&world, NOON + DurationMs::from_mins(10) + BEFORE).await;
    assert!(world.messages().is_empty());
    go_to(&world, NOON + DurationMs::from_mins(10)).await;
    world.until("told", |w| w.colors() == ["danger"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_any_end_is_ended_by_hand() {
    let world = World::new(|_, _| {}).await;
    let always = recurring(&world, vec![TimeInterval::default()]);
    let id = put(&world, None, always).await;
    world.fire("db-1").await;
    world.calm().await;
    go_to(&world, NOON + DAY).await;
    assert!(world.messages().is_empty());
    expire(&world, id).await;
    world
        .move_until("told", SOON, SECOND, |w| w.colors() == ["danger"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_narrowed_let_go_what_they_no_longer_hold() {
    let world = World::new(|_, _| {}).await;
    let id = silence(&world, "env=\"prod\"").await;
    world.fire("db-1").await;
    world.calm().await;
    let mut night = lunch();
    night.times[0].start_time = "03:00".to_owned();
    night.times[0].end_time = "04:00".to_owned();
    let narrowed = SilenceDraft {
        starts_at: stored(&world, id).starts_at,
        ..recurring(&world, vec![night])
    };
    assert_eq!(put(&world, Some(id), narrowed).await, id);
    world
        .move_until("told", SOON, SECOND, |w| w.colors() == ["danger"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_make_no_sense_are_refused_with_their_place() {
    let world = World::new(|_, _| {}).await;
    let mut nowhere = lunch();
    nowhere.location = Some("Europe/Atlantis".to_owned());
    let draft = recurring(&world, vec![lunch(), nowhere]);
    let put = SilenceCommand::Put { id: None, draft };
    let SilenceOutcome::Refused(why) = command(&world, put).await else {
        panic!("there is no such zone")
    };
    assert!(why.contains("[1].location"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_it_would_hold_and_when() {
    let world = World::new(|_, _| {}).await;
    for n in 0..3 {
        world.fire(&format!("db-{n}")).await;
    }
    world.resolve("db-0").await;
    let preview = async |draft: &SilenceDraft| {
        let project = super::project(&world);
        world.hub.preview_silence(project, draft).await.unwrap()
    };
    let all = preview(&draft(&world, "env=\"prod\"")).await;
    assert_eq!((all.holds, all.complete, all.count), (true, true, 2));
    assert_eq!(all.first.len(), 2);
    assert!(all.next_windows.is_empty());
    let none = preview(&draft(&world, "env=\"dev\"")).await;
    assert_eq!((none.holds, none.count), (true, 0));
    let lunches = preview(&recurring(&world, vec![lunch()])).await;
    assert_eq!(lunches.next_windows[0], (NOON, NOON + HOUR));
    assert_eq!(lunches.next_windows[1].0, NOON + DAY);
    let later = SilenceDraft {
        starts_at: NOON + HOUR,
        ..recurring(&world, vec![lunch()])
    };
    let later = preview(&later).await;
    assert!(!later.holds);
    assert_eq!(later.next_windows[0].0, NOON + DAY);
    assert!(world.hub.silences(super::project(&world)).is_empty());
}
