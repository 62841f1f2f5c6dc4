//! Forgetting: each reason to keep something has its own case.

use std::sync::Arc;

use model::{AlertId, EventKind, Lane, Outcome, Told};
use store::{AttemptQuery, LaneChange, LaneWrite, SeenRow, Store, SweepReport, SweepRules};

use super::make::*;

/// Forgets alerts closed before 10 s, keeps everything else.
fn rules() -> SweepRules {
    SweepRules {
        closed_before: at(10_000),
        attempts_before: at(-1_000_000),
        messages_before: at(-1_000_000),
        silences_before: at(-1_000_000),
        updates_kept: 1000,
        limit: 100,
    }
}

/// Opens alert 1 with this lane, closes it at 1 ms with this live time, sweeps, and says whether it stayed.
async fn stays(store: &Arc<dyn Store>, lane: Option<Lane>, live_until: Option<i64>) -> bool {
    let mut write = opening(&alert(1));
    write.lanes = lane.into_iter().map(put_new).collect();
    commit(store, write).await.unwrap();
    let close = closing(&alert(1), live_until.map(at));
    commit(store, close).await.unwrap();
    let report = store.sweep(rules()).await.unwrap();
    let stayed = load(store, 1).await.is_some();
    assert_eq!(report.alerts, usize::from(!stayed));
    stayed
}

/// A lane that owes nothing and was told this.
fn settled(state: Told) -> Lane {
    let mut lane = lane(1);
    (lane.cursor, lane.due_at, lane.told) = (lane.head, None, state);
    lane
}

pub async fn a_long_closed_alert_goes_with_all_that_belongs_to_it(store: Arc<dyn Store>) {
    let mut write = opening(&alert(1));
    write.lanes = vec![put_new(settled(Told::Closed))];
    commit(&store, write).await.unwrap();
    let close = closing(&alert(1), None);
    let seen = SeenRow {
        alert: AlertId(1),
        version: 2,
        last_seen: NOW,
        repeat_count: 2,
        ends_at: None,
    };
    commit(&store, close).await.unwrap();
    store.seen(vec![seen]).await.unwrap();
    commit(&store, opening(&alert(2))).await.unwrap();
    let report = store.sweep(rules()).await.unwrap();
    assert_eq!(
        report,
        SweepReport {
            alerts: 1,
            ..SweepReport::default()
        }
    );
    assert_eq!(load(&store, 1).await, None);
    assert!(store.lane_work(lane_key(1)).await.unwrap().is_none());
    assert_eq!(store.events(AlertId(1), 0, 10).await.unwrap(), vec![]);
    let left = feed(&store, 1).await;
    assert_eq!(left.len(), 1);
    let counts = store.counts().await.unwrap();
    assert_eq!(
        counts.alerts_by_status.iter().map(|(_, n)| n).sum::<u64>(),
        1
    );
    // Its id and its key are free again.
    commit(&store, opening(&alert(1))).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().seen, None);
    assert_eq!(load(&store, 1).await.unwrap().lanes, vec![]);
}

pub async fn an_open_alert_stays(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    let report = store.sweep(rules()).await.unwrap();
    assert_eq!(report, SweepReport::default());
    assert_eq!(load(&store, 1).await.unwrap().alert, alert(1));
}

pub async fn an_alert_closed_lately_stays(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    commit(&store, closing(&alert(1), None)).await.unwrap();
    let mut rules = rules();
    rules.closed_before = at(1);
    assert_eq!(store.sweep(rules).await.unwrap().alerts, 0);
    rules.closed_before = at(2);
    assert_eq!(store.sweep(rules).await.unwrap().alerts, 1);
}

pub async fn an_alert_with_a_live_key_stays(store: Arc<dyn Store>) {
    assert!(stays(&store, None, Some(5)).await);
    store.retire_live(at(5), 10).await.unwrap();
    assert_eq!(store.sweep(rules()).await.unwrap().alerts, 1);
}

pub async fn an_alert_with_a_due_lane_stays(store: Arc<dyn Store>) {
    let mut due = settled(Told::Closed);
    due.due_at = Some(at(900_000));
    assert!(stays(&store, Some(due), None).await);
}

pub async fn an_alert_with_a_lane_behind_its_head_stays(store: Arc<dyn Store>) {
    let mut behind = settled(Told::Nothing);
    behind.head += 1;
    assert!(stays(&store, Some(behind), None).await);
}

pub async fn i6_an_alert_that_is_open_downstream_stays(store: Arc<dyn Store>) {
    assert!(stays(&store, Some(settled(Told::Open)), None).await);
    let mut acked = settled(Told::Acked);
    acked.version = 2;
    write_lane(&store, result(acked)).await.unwrap();
    assert_eq!(store.sweep(rules()).await.unwrap().alerts, 0);
    let mut closed = settled(Told::Closed);
    closed.version = 3;
    write_lane(&store, result(closed)).await.unwrap();
    assert_eq!(store.sweep(rules()).await.unwrap().alerts, 1);
}

pub async fn an_alert_whose_lane_was_told_nothing_goes(store: Arc<dyn Store>) {
    assert!(!stays(&store, Some(settled(Told::Nothing)), None).await);
}

pub async fn only_updated_events_are_trimmed_and_the_newest_stay(store: Arc<dyn Store>) {
    for n in [1, 2] {
        commit(&store, opening(&alert(n))).await.unwrap();
    }
    let mut now = alert(1);
    // Each third event is a note.
    for n in 2..=40u32 {
        let kind = if n % 3 == 0 {
            EventKind::Noted
        } else {
            EventKind::Updated
        };
        let mut write = following(&now, kind, |a| a.content = content(&n.to_string()));
        write.events[0].content = (kind == EventKind::Updated).then(|| write.alert.content.clone());
        now = write.alert.clone();
        commit(&store, write).await.unwrap();
    }
    let trim = |updates_kept, limit| {
        store.sweep(SweepRules {
            updates_kept,
            limit,
            ..rules()
        })
    };
    assert_eq!(
        trim(27, 100).await.unwrap().events,
        0,
        "26 updates are fewer"
    );
    assert_eq!(trim(20, 100).await.unwrap().events, 6);
    let step = trim(5, 10).await.unwrap();
    assert!(step.more && step.events == 10, "{step:?}");
    let step = trim(5, 10).await.unwrap();
    assert_eq!(step.events, 5);
    let left = store.events(AlertId(1), 0, 100).await.unwrap();
    let seqs: Vec<_> = left
        .iter()
        .filter(|e| e.kind == EventKind::Updated)
        .map(|e| e.seq)
        .collect();
    assert_eq!(seqs, vec![34, 35, 37, 38, 40]);
    let others = left.iter().filter(|e| e.kind != EventKind::Updated).count();
    assert_eq!(others, 14);
    assert_eq!(load(&store, 1).await.unwrap().alert, now);
    assert_eq!(load(&store, 2).await.unwrap().alert, alert(2));
}

pub async fn old_attempts_and_messages_go(store: Arc<dyn Store>) {
    for (n, when) in [(1, 0), (2, 100)] {
        let mut write = opening(&alert(n));
        write.message = Some((SOURCE, format!("m{n}")));
        write.at = at(when);
        commit(&store, write).await.unwrap();
        let tried = LaneWrite {
            change: LaneChange::None,
            attempts: vec![attempt(lane_key(n), at(when), Outcome::Retry)],
        };
        write_lane(&store, tried).await.unwrap();
    }
    let report = store
        .sweep(SweepRules {
            attempts_before: at(100),
            messages_before: at(100),
            ..rules()
        })
        .await
        .unwrap();
    assert_eq!(
        (report.attempts, report.messages, report.more),
        (1, 1, false)
    );
    let known = store
        .known_messages(vec![(SOURCE, "m1".into()), (SOURCE, "m2".into())])
        .await
        .unwrap();
    assert_eq!(known, vec![None, Some(AlertId(2))]);
    let query = AttemptQuery {
        limit: 10,
        ..AttemptQuery::default()
    };
    let left = store.attempts(query).await.unwrap();
    assert_eq!(
        left.iter().map(|(_, a)| a.lane.alert.0).collect::<Vec<_>>(),
        vec![2]
    );
}

pub async fn a_sweep_works_in_small_steps(store: Arc<dyn Store>) {
    for n in 1..=10 {
        commit(&store, opening(&alert(n))).await.unwrap();
        commit(&store, closing(&alert(n), None)).await.unwrap();
    }
    let (mut steps, mut gone) = (0, 0);
    loop {
        let report = store
            .sweep(SweepRules {
                limit: 3,
                ..rules()
            })
            .await
            .unwrap();
        assert!(report.alerts <= 3);
        gone += report.alerts;
        steps += 1;
        if !report.more {
            break;
        }
        assert!(steps < 100);
    }
    assert!(gone == 10 && steps > 2, "{gone} in {steps}");
}

pub async fn positions_are_not_used_again_after_a_sweep(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    commit(&store, closing(&alert(1), None)).await.unwrap();
    let end = store.feed_end().await.unwrap();
    assert_eq!(store.sweep(rules()).await.unwrap().alerts, 1);
    assert!(store.feed_end().await.unwrap() >= end);
    commit(&store, opening(&alert(2))).await.unwrap();
    let after = store.feed(end, 10).await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1.alert, AlertId(2));
}
