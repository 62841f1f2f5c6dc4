//! Lanes: versions, claims, buckets, results.

use std::sync::Arc;

use model::{DurationMs, EventKind, Handle, HeldBy, Outcome, Timestamp, Told};
use store::{AttemptQuery, ClaimAnswer, Debit, LaneChange, LanePut, LaneWrite, Store};

use super::make::*;

pub async fn a_lane_reads_back_as_it_was_written(store: Arc<dyn Store>) {
    let handle = |n: u32| Handle {
        object: format!("C1/{n}"),
        data: serde_json::json!({"ts": n, "nested": [1, "two"]}),
    };
    let mut full = lane(1);
    full.priority = 4;
    full.told = Told::Acked;
    full.doubt = true;
    full.unsure_until = Some(at(1));
    full.delay_until = at(2);
    full.held_until = at(3);
    full.held_by = Some(HeldBy::Silence("s".into()));
    full.not_before = at(4);
    full.edit_after = at(5);
    full.remind_at = Timestamp::NEVER;
    full.due_at = Some(at(6));
    full.handle = Some(handle(1));
    full.extra_handles = vec![handle(2), handle(3)];
    full.claim = claim(&full, at(900), true).lane.claim;
    full.attempts = 7;
    full.failures = 8;
    full.duplicates = 9;
    full.orphans = 10;
    full.replay = 11;
    full.reminders = 12;
    open_with_lanes(&store, &[full.clone()]).await;
    let work = store.lane_work(full.key).await.unwrap().unwrap();
    assert_eq!(work.lane, full);
    assert_eq!(work.alert, alert(1));
    assert_eq!(load(&store, 1).await.unwrap().lanes, vec![full]);
    assert!(store.lane_work(lane_key(2)).await.unwrap().is_none());
}

pub async fn a_lane_is_written_at_the_version_read_only(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let done = told(&lane(1), Told::Open);
    write_lane(&store, result(done.clone())).await.unwrap();
    assert_conflict(write_lane(&store, result(done.clone())).await);
    let fresh = |n: u128| LaneWrite {
        change: LaneChange::Put(Box::new(put_new(lane(n)))),
        attempts: vec![],
    };
    assert_conflict(write_lane(&store, fresh(1)).await);
    assert_conflict(write_lane(&store, fresh(2)).await);
    assert_eq!(load_lane(&store, 1).await, done);
    // A second revision of the same integration is another lane.
    let mut second = lane(1);
    second.key.revision = 2;
    let write = LaneWrite {
        change: LaneChange::Put(Box::new(put_new(second.clone()))),
        attempts: vec![],
    };
    write_lane(&store, write).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().lanes, vec![done, second]);
}

pub async fn a_claim_is_given_once(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1), lane(2)]).await;
    for (n, durable) in [(1, true), (2, false)] {
        let first = claim(&lane(n), at(1000), durable);
        assert_claimed(&claim_one(&store, first.clone()).await);
        assert_claim_conflict(&claim_one(&store, first.clone()).await);
        assert_claim_conflict(&claim_one(&store, claim(&lane(n), at(1000), !durable)).await);
        assert_eq!(load_lane(&store, n).await, first.lane);
        assert_eq!(
            load(&store, n).await.unwrap().lanes,
            vec![first.lane.clone()]
        );
        // Whoever takes it over names the version with the claim.
        let second = claim(&first.lane, at(2000), durable);
        assert_claimed(&claim_one(&store, second.clone()).await);
        assert_conflict(write_lane(&store, result(told(&first.lane, Told::Open))).await);
        let done = told(&second.lane, Told::Open);
        write_lane(&store, result(done.clone())).await.unwrap();
        assert_eq!(load_lane(&store, n).await, done);
    }
    assert_claim_conflict(&claim_one(&store, claim(&lane(3), at(1000), true)).await);
}

pub async fn a_claim_in_memory_is_a_version_like_any_other(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let held = claim(&lane(1), at(1000), false);
    assert_claimed(&claim_one(&store, held.clone()).await);
    // Who read the lane before the claim loses, in each way of writing.
    let stale = told(&lane(1), Told::Open);
    assert_conflict(write_lane(&store, result(stale.clone())).await);
    let remove = LaneWrite {
        change: LaneChange::Remove {
            key: lane_key(1),
            expected: 1,
        },
        attempts: vec![],
    };
    assert_conflict(write_lane(&store, remove).await);
    let mut raise = following(&alert(1), EventKind::Noted, |_| {});
    raise.lanes = vec![LanePut {
        lane: stale,
        expected: Some(1),
    }];
    assert_conflict(commit(&store, raise).await);
    assert_eq!(load_lane(&store, 1).await, held.lane);
}

pub async fn a_head_raised_under_a_claim_keeps_both(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let held = claim(&lane(1), at(1000), false);
    assert_claimed(&claim_one(&store, held.clone()).await);
    let mut raised = load(&store, 1).await.unwrap().lanes.remove(0);
    raised.head = 2;
    raised.version += 1;
    let mut write = following(&alert(1), EventKind::Noted, |_| {});
    write.lanes = vec![LanePut {
        lane: raised.clone(),
        expected: Some(held.lane.version),
    }];
    commit(&store, write).await.unwrap();
    assert_conflict(write_lane(&store, result(told(&held.lane, Told::Open))).await);
    assert_eq!(load_lane(&store, 1).await, raised);
    assert_eq!(
        due_ids(&store, at(999), 10).await,
        vec![],
        "it is still held"
    );
    let mut done = told(&raised, Told::Open);
    done.cursor = 1;
    done.due_at = Some(at(5));
    write_lane(&store, result(done)).await.unwrap();
    assert_eq!(due_ids(&store, at(5), 10).await, vec![1]);
}

pub async fn a_result_that_lost_its_race_writes_no_attempt(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1), lane(2)]).await;
    let mut stale = told(&lane(1), Told::Open);
    stale.version = 8;
    let good = result(told(&lane(2), Told::Open));
    let mut answers = store.write_lanes(vec![result(stale), good]).await.unwrap();
    answers.remove(1).unwrap();
    assert_conflict(answers.remove(0));
    let written = store
        .attempts(AttemptQuery {
            limit: 10,
            ..AttemptQuery::default()
        })
        .await
        .unwrap();
    let lanes: Vec<_> = written.iter().map(|(_, a)| a.lane).collect();
    assert_eq!(lanes, vec![lane_key(2)]);
}

pub async fn i5_an_attempt_is_written_without_its_lane(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    // Of a lane that is there, and of an alert that nobody knows any more.
    let late = |n| LaneWrite {
        change: LaneChange::None,
        attempts: vec![attempt(lane_key(n), NOW, Outcome::Ambiguous)],
    };
    for answer in store.write_lanes(vec![late(1), late(5)]).await.unwrap() {
        answer.unwrap();
    }
    assert_eq!(load_lane(&store, 1).await, lane(1));
    for n in [1, 5] {
        let query = AttemptQuery {
            alert: Some(lane_key(n).alert),
            limit: 10,
            ..AttemptQuery::default()
        };
        let found = store.attempts(query).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, attempt(lane_key(n), NOW, Outcome::Ambiguous));
    }
}

pub async fn a_removed_lane_is_gone(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let remove = |expected| LaneWrite {
        change: LaneChange::Remove {
            key: lane_key(1),
            expected,
        },
        attempts: vec![],
    };
    assert_conflict(write_lane(&store, remove(2)).await);
    write_lane(&store, remove(1)).await.unwrap();
    assert_conflict(write_lane(&store, remove(1)).await);
    assert!(store.lane_work(lane_key(1)).await.unwrap().is_none());
    assert_eq!(due_ids(&store, NOW, 10).await, vec![]);
    assert_eq!(store.counts().await.unwrap().lanes_owing, 0);
}

fn debit(bucket: &str, every: i64, burst: u32) -> Debit {
    Debit {
        bucket: bucket.into(),
        every: DurationMs(every),
        burst,
    }
}

pub async fn a_bucket_takes_its_burst_and_says_when_there_is_room(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[1, 2, 3, 4].map(lane)).await;
    let take = |n: u128, now: Timestamp, durable| {
        let mut write = claim(&lane(n), at(60_000), durable);
        write.debits = vec![debit("slack/C1", 1000, 2)];
        write.now = now;
        write
    };
    assert_claimed(&claim_one(&store, take(1, NOW, true)).await);
    assert_claimed(&claim_one(&store, take(2, NOW, false)).await);
    match claim_one(&store, take(3, at(400), true)).await {
        ClaimAnswer::Blocked { bucket, until } => {
            assert_eq!((bucket.as_str(), until), ("slack/C1", at(1000)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(load_lane(&store, 3).await, lane(3), "nothing was taken");
    assert_claimed(&claim_one(&store, take(3, at(1000), true)).await);
    let full = claim_one(&store, take(4, at(1000), false)).await;
    assert!(
        matches!(full, ClaimAnswer::Blocked { until, .. } if until == at(2000)),
        "{full:?}"
    );
    // A claim that conflicts costs nothing.
    assert_claim_conflict(&claim_one(&store, take(1, at(2000), true)).await);
    assert_claimed(&claim_one(&store, take(4, at(2000), false)).await);
}

pub async fn a_claim_of_two_buckets_debits_both_or_neither(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[1, 2, 3].map(lane)).await;
    let take = |n: u128, debits: &[Debit]| {
        let mut write = claim(&lane(n), at(60_000), false);
        write.debits = debits.to_vec();
        write
    };
    let (narrow, wide) = (debit("narrow", 5000, 1), debit("wide", 5000, 2));
    let both = [narrow.clone(), wide.clone()];
    assert_claimed(&claim_one(&store, take(1, &both)).await);
    let blocked = claim_one(&store, take(2, &both)).await;
    assert!(matches!(blocked, ClaimAnswer::Blocked { ref bucket, .. } if bucket == "narrow"));
    assert_claimed(&claim_one(&store, take(2, std::slice::from_ref(&wide))).await);
    let blocked = claim_one(&store, take(3, &[wide])).await;
    assert!(matches!(blocked, ClaimAnswer::Blocked { ref bucket, .. } if bucket == "wide"));
}

pub async fn a_blocked_bucket_blocks_claims_until_its_time(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[lane(1)]).await;
    let take = |now| {
        let mut write = claim(&lane(1), at(60_000), true);
        write.debits = vec![debit("pd", 0, 1)];
        write.now = now;
        write
    };
    store.block_bucket("pd".into(), at(700)).await.unwrap();
    store.block_bucket("pd".into(), at(300)).await.unwrap();
    let blocked = claim_one(&store, take(at(699))).await;
    assert!(matches!(blocked, ClaimAnswer::Blocked { until, .. } if until == at(700)));
    assert_claimed(&claim_one(&store, take(at(700))).await);
}

pub async fn claims_in_one_call_are_answered_one_by_one(store: Arc<dyn Store>) {
    open_with_lanes(&store, &[1, 2, 3].map(lane)).await;
    let mut claims = vec![
        claim(&lane(1), at(1000), true),
        claim(&lane(1), at(1000), false),
        claim(&lane(2), at(1000), false),
        claim(&lane(2), at(1000), true),
        claim(&lane(3), at(1000), true),
    ];
    claims[2].debits = vec![debit("b", 1000, 1)];
    claims[4].debits = vec![debit("b", 1000, 1)];
    let answers = store.claim(claims).await.unwrap();
    assert_claimed(&answers[0]);
    assert_claim_conflict(&answers[1]);
    assert_claimed(&answers[2]);
    assert_claim_conflict(&answers[3]);
    assert!(matches!(answers[4], ClaimAnswer::Blocked { .. }));
}
