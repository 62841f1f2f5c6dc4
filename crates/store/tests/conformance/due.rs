//! Which lanes are handed out, in which order, with what.

use std::sync::Arc;

use model::limits::PENDING_EVENTS_MAX;
use model::{EventKind, IntegrationId, Lane, Told};
use store::{DueQuery, LanePut, Store};

use super::make::*;

fn due_lane(n: u128, priority: u8, ms: i64) -> Lane {
    Lane {
        priority,
        due_at: Some(at(ms)),
        ..lane(n)
    }
}

pub async fn due_lanes_come_by_priority_then_time(store: Arc<dyn Store>) {
    let lanes = [
        due_lane(1, 2, 10),
        due_lane(2, 0, 30),
        due_lane(3, 4, 5),
        due_lane(4, 0, 20),
        due_lane(5, 2, 40),
        due_lane(6, 0, 50),
    ];
    open_with_lanes(&store, &lanes).await;
    assert_eq!(due_ids(&store, at(40), 10).await, vec![4, 2, 1, 5, 3]);
    assert_eq!(due_ids(&store, at(40), 3).await, vec![4, 2, 1]);
    assert_eq!(due_ids(&store, at(40), 0).await, vec![]);
}

pub async fn lanes_of_other_revisions_are_left_alone(store: Arc<dyn Store>) {
    let mut other_revision = due_lane(2, 0, 0);
    other_revision.key.revision = 2;
    let mut other_integration = due_lane(3, 0, 0);
    other_integration.key.integration = IntegrationId(9);
    open_with_lanes(
        &store,
        &[due_lane(1, 0, 0), other_revision, other_integration],
    )
    .await;
    assert_eq!(due_ids(&store, NOW, 10).await, vec![1]);
    let want = |integration, revision| DueQuery {
        integration,
        revision,
        limit: 10,
    };
    let wants = vec![
        want(IntegrationId(9), 1),
        want(IntegrationId(8), 1),
        want(INTEGRATION, 2),
    ];
    let found = store.due_lanes(NOW, wants).await.unwrap();
    let ids: Vec<_> = found.iter().map(|w| w.lane.key.alert.0).collect();
    assert_eq!(ids, vec![3, 2]);
}

pub async fn a_lane_not_yet_due_is_not_handed_out(store: Arc<dyn Store>) {
    let mut idle = due_lane(2, 0, 0);
    idle.due_at = None;
    open_with_lanes(&store, &[due_lane(1, 0, 100), idle]).await;
    assert_eq!(due_ids(&store, at(99), 10).await, vec![]);
    assert_eq!(due_ids(&store, at(100), 10).await, vec![1]);
}

pub async fn i4_a_claimed_lane_is_not_handed_out_until_its_lease_ends(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1), lane(2), lane(3)]).await;
    let (durable, memory) = (
        claim(&lane(1), at(500), true),
        claim(&lane(2), at(700), false),
    );
    assert_claimed(&claim_one(&store, durable.clone()).await);
    assert_claimed(&claim_one(&store, memory.clone()).await);
    // A result that lost its race does not set the lane free.
    let mut stale = told(&lane(2), Told::Open);
    stale.version = 9;
    assert_conflict(write_lane(&store, result(stale)).await);

    assert_eq!(due_ids(&store, at(499), 10).await, vec![3]);
    assert_eq!(due_ids(&store, at(500), 10).await, vec![3, 1]);
    let lapsed = due(&store, at(700), 10).await;
    let mut lanes: Vec<_> = lapsed.into_iter().map(|w| w.lane).collect();
    lanes.sort_by_key(|l| l.key);
    assert_eq!(
        lanes,
        vec![durable.lane, memory.lane, lane(3)],
        "with their claims"
    );
}

pub async fn a_lane_is_handed_out_again_once_it_was_written(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1), lane(2)]).await;
    for (n, durable) in [(1, true), (2, false)] {
        let held = claim(&lane(n), at(60_000), durable);
        assert_claimed(&claim_one(&store, held.clone()).await);
        let mut failed = held.lane;
        failed.version += 1;
        failed.claim = None;
        failed.failures = 1;
        failed.not_before = at(100);
        failed.due_at = Some(at(100));
        write_lane(&store, result(failed)).await.unwrap();
    }
    assert_eq!(due_ids(&store, at(99), 10).await, vec![]);
    assert_eq!(due_ids(&store, at(100), 10).await, vec![1, 2]);
    for n in [1, 2] {
        let done = told(&load_lane(&store, n).await, Told::Open);
        write_lane(&store, result(done)).await.unwrap();
    }
    assert_eq!(due_ids(&store, at(1_000_000), 10).await, vec![]);
}

pub async fn work_brings_the_events_between_cursor_and_head(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let mut now = alert(1);
    for n in 2..=4 {
        let mut write = following(&now, EventKind::Noted, |_| {});
        write.events[0].note = Some(format!("note {n}"));
        now = write.alert.clone();
        commit(&store, write).await.unwrap();
    }
    let mut lane = load_lane(&store, 1).await;
    lane.version = 2;
    lane.cursor = 1;
    lane.head = 3;
    write_lane(&store, result(lane.clone())).await.unwrap();
    let work = due(&store, NOW, 10).await.remove(0);
    let pending: Vec<_> = work
        .pending
        .iter()
        .map(|e| (e.seq, e.note.as_deref()))
        .collect();
    assert_eq!(pending, vec![(2, Some("note 2")), (3, Some("note 3"))]);
    assert_eq!((work.alert, work.lane.clone()), (now, lane.clone()));
    lane.cursor = 3;
    lane.version = 3;
    write_lane(&store, result(lane)).await.unwrap();
    assert_eq!(due(&store, NOW, 10).await[0].pending, vec![]);
}

pub async fn work_brings_at_most_so_many_events(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let count = u32::try_from(PENDING_EVENTS_MAX).unwrap() + 50;
    let mut write = following(&alert(1), EventKind::Updated, |a| a.seq = count);
    let template = write.events.remove(0);
    for seq in 2..=count {
        let mut event = template.clone();
        event.seq = seq;
        write.events.push(event);
    }
    let mut raised = lane(1);
    raised.version = 2;
    raised.head = count;
    write.lanes = vec![LanePut {
        lane: raised,
        expected: Some(1),
    }];
    commit(&store, write).await.unwrap();
    let work = due(&store, NOW, 1).await.remove(0);
    assert_eq!(work.pending.len(), PENDING_EVENTS_MAX);
    assert_eq!(work.pending[0].seq, 1);
}

pub async fn the_next_due_time_is_that_of_the_earliest_lane_that_nobody_holds(
    store: Arc<dyn Store>,
) {
    let next = || async {
        let of = vec![(INTEGRATION, 1), (IntegrationId(8), 1)];
        let found = store.next_due(of).await.unwrap();
        assert_eq!(found[1], None);
        found[0]
    };
    assert_eq!(next().await, None);
    open_with_lanes(
        &store,
        &[due_lane(1, 3, 10), due_lane(2, 0, 20), due_lane(3, 3, 90)],
    )
    .await;
    assert_eq!(next().await, Some(at(10)));
    assert_claimed(&claim_one(&store, claim(&due_lane(1, 3, 10), at(500), false)).await);
    assert_eq!(next().await, Some(at(20)));
    assert_claimed(&claim_one(&store, claim(&due_lane(2, 0, 20), at(400), true)).await);
    assert_eq!(next().await, Some(at(90)));
    let last = claim(&due_lane(3, 3, 90), at(600), false);
    assert_claimed(&claim_one(&store, last).await);
    assert_eq!(next().await, Some(at(400)), "when the first lease ends");
    for n in 1..=3 {
        let done = told(&load_lane(&store, n).await, Told::Open);
        write_lane(&store, result(done)).await.unwrap();
    }
    assert_eq!(next().await, None);
}

pub async fn a_walk_of_a_revision_finds_what_owes(store: Arc<dyn Store>) {
    let mut idle = lane(3);
    (idle.cursor, idle.due_at) = (1, None);
    let mut behind = lane(2);
    behind.due_at = None;
    let mut later = lane(5);
    (later.cursor, later.due_at) = (1, Some(at(1_000_000)));
    let mut other = lane(4);
    other.key.revision = 2;
    let lanes = [later.clone(), idle, behind.clone(), other, lane(1)];
    open_with_lanes(&store, &lanes).await;
    let held = claim(&lane(1), at(500), false);
    assert_claimed(&claim_one(&store, held.clone()).await);
    let walk = |after, limit| store.lanes_of_revision(INTEGRATION, 1, after, limit);
    let first = walk(None, 2).await.unwrap();
    assert_eq!(first, vec![held.lane, behind]);
    let second = walk(Some(first[1].key.alert), 2).await.unwrap();
    assert_eq!(second, vec![later]);
    assert_eq!(walk(Some(second[0].key.alert), 2).await.unwrap(), vec![]);
}

pub async fn i6_a_revision_is_in_use_while_it_owes_or_something_is_open_downstream(
    store: Arc<dyn Store>,
) {
    let in_use = || store.revision_in_use(INTEGRATION, 1);
    assert!(!in_use().await.unwrap(), "it never had a lane");
    open_with_lanes(&store, &[lane(1)]).await;
    assert!(in_use().await.unwrap(), "it owes the open");
    let opened = told(&lane(1), Told::Open);
    write_lane(&store, result(opened.clone())).await.unwrap();
    assert!(
        in_use().await.unwrap(),
        "it owes nothing, and is open there"
    );
    let acked = told(&opened, Told::Acked);
    write_lane(&store, result(acked.clone())).await.unwrap();
    assert!(in_use().await.unwrap());
    write_lane(&store, result(told(&acked, Told::Closed)))
        .await
        .unwrap();
    assert!(!in_use().await.unwrap());
}
