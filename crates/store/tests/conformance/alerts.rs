//! Alerts: versions, live keys, repeats, timers, messages.

use std::sync::Arc;

use model::{
    Actor, AlertId, AlertKind, CloseReason, EventKind, LifecycleModel, Origin, Scope, Severity,
    SharedScope, SourceId, Status,
};
use store::{SeenRow, Store};

use super::make::*;

pub async fn an_alert_reads_back_as_it_was_written(store: Arc<dyn Store>) {
    let mut full = alert(1);
    full.scope = Scope::Dialect(PROJECT, SharedScope::Alerta);
    full.group_key = Some("group".into());
    full.kind = AlertKind::Notification;
    full.status = Status::Closed;
    full.closed_because = Some(CloseReason::Informed);
    full.closed_at = Some(at(1));
    full.live_until = Some(at(1000));
    full.acked_until = Some(at(2));
    full.shelved_until = Some(at(3));
    full.tracking_until = Some(at(4));
    full.assignee = Some("Ada".into());
    full.ends_at = Some(at(5));
    full.silence_after_ms = Some(-6);
    full.trailing_update_at = Some(at(7));
    full.timer_at = Some(at(8));
    full.model = LifecycleModel::Alerta;
    full.model_state = Some(serde_json::json!({"status": "open", "previous": ["ok", 1, null]}));
    full.via = vec!["hub-a".into(), "hub-b".into()];
    full.repeat_count = u64::from(u32::MAX) + 7;
    let mut write = opening(&full);
    write.events[0].by = Some(Actor {
        name: "Ada".into(),
        via: "cli".into(),
    });
    write.events[0].note = Some("a note".into());
    write.events[0].assignee = Some("Bob".into());
    write.events[0].until = Some(at(9));
    write.events[0].because = Some(CloseReason::ByHand);
    write.events[0].origin = Some(Origin {
        vendor: "slack".into(),
        object: "C1/123".into(),
    });
    write.lanes = vec![put_new(lane(1))];
    let event = write.events[0].clone();
    commit(&store, write).await.unwrap();
    commit(&store, opening(&alert(2))).await.unwrap();

    let loaded = load(&store, 1).await.unwrap();
    assert_eq!(loaded.alert, full);
    assert_eq!(loaded.seen, None);
    assert_eq!(loaded.lanes, vec![lane(1)]);
    assert_eq!(store.events(AlertId(1), 0, 10).await.unwrap(), vec![event]);
    assert_eq!(load(&store, 2).await.unwrap().alert, alert(2));
    assert_eq!(load(&store, 3).await, None);
}

pub async fn i3_a_write_that_conflicts_writes_nothing_and_its_group_is_written(
    store: Arc<dyn Store>,
) {
    open_with_lanes(&store, &[lane(1)]).await;
    let mut bad = following(&alert(1), EventKind::Noted, |_| {});
    let mut raised = lane(1);
    raised.head = 2;
    raised.version = 9;
    bad.lanes = vec![store::LanePut {
        lane: raised,
        expected: Some(8),
    }];
    bad.message = Some((SOURCE, "m".into()));
    let good = [opening(&alert(2)), opening(&alert(3))];
    let group = vec![good[0].clone(), bad, good[1].clone()];
    let answers = store.commit(group).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_conflict(answers.into_iter().nth(1).unwrap());

    let loaded = load(&store, 1).await.unwrap();
    assert_eq!((loaded.alert, loaded.lanes), (alert(1), vec![lane(1)]));
    assert_eq!(store.events(AlertId(1), 0, 10).await.unwrap().len(), 1);
    let known = store.known_messages(vec![(SOURCE, "m".into())]).await;
    assert_eq!(known.unwrap(), vec![None]);
    assert_eq!(feed(&store, 3).await.len(), 3);
    assert!(load(&store, 2).await.is_some() && load(&store, 3).await.is_some());
}

pub async fn two_writers_of_one_version_do_not_both_win(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    let ack = following(&alert(1), EventKind::Acknowledged, |a| {
        a.status = Status::Acknowledged;
    });
    let close = closing(&alert(1), None);
    let winner = ack.alert.clone();
    let (first, second) = (commit(&store, ack).await, commit(&store, close).await);
    first.unwrap();
    assert_conflict(second);
    assert_eq!(load(&store, 1).await.unwrap().alert, winner);
    // The same within one group.
    let again = vec![
        following(&winner, EventKind::Noted, |_| {}),
        closing(&winner, None),
    ];
    let mut answers = store.commit(again).await.unwrap();
    assert_conflict(answers.remove(1));
    answers.remove(0).unwrap();
}

pub async fn an_alert_is_opened_once(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    let mut other = alert(1);
    other.key = "another".into();
    assert_conflict(commit(&store, opening(&other)).await);
    assert_eq!(load(&store, 1).await.unwrap().alert, alert(1));
    assert_conflict(commit(&store, closing(&alert(2), None)).await);
}

pub async fn a_live_key_is_held_by_one_alert(store: Arc<dyn Store>) {
    let first = alert(1);
    let mut second = alert(2);
    second.key.clone_from(&first.key);
    // In one group, and after it.
    let group = vec![opening(&first), opening(&second)];
    let mut answers = store.commit(group).await.unwrap();
    assert_conflict(answers.remove(1));
    answers.remove(0).unwrap();
    assert_conflict(commit(&store, opening(&second)).await);
    assert_eq!(load(&store, 2).await, None);
    // The same key in another scope, and of another project, is another key.
    second.scope = Scope::Dialect(PROJECT, SharedScope::Opsgenie);
    commit(&store, opening(&second)).await.unwrap();
    let mut third = alert(3);
    third.key.clone_from(&first.key);
    third.source = SourceId(9);
    third.scope = Scope::Source(SourceId(9));
    commit(&store, opening(&third)).await.unwrap();

    let keys = vec![
        key_of(&third),
        key_of(&alert(8)),
        key_of(&first),
        key_of(&second),
    ];
    let found = store.find_live(keys).await.unwrap();
    let ids: Vec<_> = found
        .iter()
        .map(|f| f.as_ref().map(|f| f.alert.id.0))
        .collect();
    assert_eq!(ids, vec![Some(3), None, Some(1), Some(2)]);
}

pub async fn a_live_key_is_free_after_the_close(store: Arc<dyn Store>) {
    let first = alert(1);
    let mut second = alert(2);
    second.key.clone_from(&first.key);
    commit(&store, opening(&first)).await.unwrap();
    let keep = closing(&first, Some(at(500)));
    let closed = keep.alert.clone();
    commit(&store, keep).await.unwrap();
    // It may still take signals: the key is its own.
    assert_conflict(commit(&store, opening(&second)).await);
    let done = following(&closed, EventKind::Noted, |a| a.live_until = None);
    let (done_alert, group) = (done.alert.clone(), vec![done, opening(&second)]);
    for answer in store.commit(group).await.unwrap() {
        answer.unwrap();
    }
    let found = store.find_live(vec![key_of(&first)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().alert, second);
    // The old one cannot come back while another holds its key.
    let reopen = following(&done_alert, EventKind::Reopened, |a| {
        a.status = Status::Open
    });
    assert_conflict(commit(&store, reopen).await);
}

pub async fn an_alert_can_take_over_the_key_of_a_closed_one(store: Arc<dyn Store>) {
    let first = alert(1);
    let mut second = alert(2);
    second.key.clone_from(&first.key);
    commit(&store, opening(&first)).await.unwrap();
    let close = closing(&first, Some(at(500)));
    let closed = close.alert.clone();
    commit(&store, close).await.unwrap();
    let mut open = opening(&second);
    open.retires = Some((first.id, closed.version));
    commit(&store, open).await.unwrap();

    let old = load(&store, 1).await.unwrap().alert;
    assert_eq!(old.live_until, None);
    assert!(
        old.version > closed.version,
        "whoever read it before hears of it"
    );
    let found = store.find_live(vec![key_of(&first)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().alert, second);
    assert_eq!(store.retire_live(at(10_000), 10).await.unwrap(), vec![]);
    let live = store.live_alerts(None, 10).await.unwrap();
    assert_eq!(live.len(), 1);
}

pub async fn a_key_is_taken_over_only_from_the_closed_version_that_was_read(store: Arc<dyn Store>) {
    let first = alert(1);
    let mut second = alert(2);
    second.key.clone_from(&first.key);
    commit(&store, opening(&first)).await.unwrap();
    let mut open = opening(&second);
    open.retires = Some((first.id, 1));
    assert_conflict(commit(&store, open.clone()).await);
    let close = closing(&first, Some(at(500)));
    let closed = close.alert.clone();
    commit(&store, close).await.unwrap();
    assert_conflict(commit(&store, open.clone()).await);
    assert_eq!(load(&store, 1).await.unwrap().alert, closed);
    open.retires = Some((AlertId(9), 2));
    assert_conflict(commit(&store, open.clone()).await);
    open.retires = Some((first.id, 2));
    commit(&store, open).await.unwrap();
}

pub async fn live_keys_whose_time_is_over_are_retired(store: Arc<dyn Store>) {
    for n in 1..=4 {
        commit(&store, opening(&alert(n))).await.unwrap();
    }
    for (n, until) in [(1, 300), (2, 100), (3, 200)] {
        let close = closing(&alert(n), Some(at(until)));
        commit(&store, close).await.unwrap();
    }
    let seen = SeenRow {
        alert: AlertId(2),
        version: 2,
        last_seen: at(50),
        repeat_count: 7,
        ends_at: None,
    };
    store.seen(vec![seen]).await.unwrap();
    let ids = |n: &[u128]| n.iter().map(|n| AlertId(*n)).collect::<Vec<_>>();
    assert_eq!(store.retire_live(at(99), 10).await.unwrap(), ids(&[]));
    assert_eq!(store.retire_live(at(200), 1).await.unwrap(), ids(&[2]));
    assert_eq!(store.retire_live(at(200), 10).await.unwrap(), ids(&[3]));
    let old = load(&store, 2).await.unwrap();
    assert_eq!((old.alert.live_until, old.alert.version), (None, 3));
    assert_eq!(old.seen.unwrap().repeat_count, 7, "its repeats stay");
    let mut again = alert(5);
    again.key = alert(2).key;
    commit(&store, opening(&again)).await.unwrap();
    let live = store.live_alerts(None, 10).await.unwrap();
    let live: Vec<_> = live.iter().map(|s| s.alert.id.0).collect();
    assert_eq!(live, vec![1, 4, 5]);
}

pub async fn live_alerts_are_walked_by_id(store: Arc<dyn Store>) {
    let writes = [5, 2, 4, 1, 3].map(|n| opening(&alert(n)));
    store.commit(writes.into()).await.unwrap();
    commit(&store, closing(&alert(4), None)).await.unwrap();
    commit(&store, closing(&alert(3), Some(at(9))))
        .await
        .unwrap();
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = store.live_alerts(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.alert.id);
        walked.extend(page.iter().map(|s| s.alert.id.0));
    }
    assert_eq!(walked, vec![1, 2, 3, 5]);
}

pub async fn repeats_of_another_version_are_ignored(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    let row = |version, repeat_count| SeenRow {
        alert: AlertId(1),
        version,
        last_seen: at(60_000),
        repeat_count,
        ends_at: Some(at(300_000)),
    };
    let unknown = SeenRow {
        alert: AlertId(9),
        ..row(1, 3)
    };
    let written = store.seen(vec![row(1, 2), unknown]).await.unwrap();
    assert_eq!(written, [true, false]);
    assert_eq!(store.seen(vec![row(1, 3)]).await.unwrap(), [true]);
    assert_eq!(store.seen(vec![row(2, 99)]).await.unwrap(), [false]);
    assert_eq!(load(&store, 1).await.unwrap().seen, Some(row(1, 3)));
    let live = store.live_alerts(None, 10).await.unwrap();
    assert_eq!(live[0].seen, Some(row(1, 3)));

    let note = following(&alert(1), EventKind::Noted, |_| {});
    commit(&store, note).await.unwrap();
    assert_eq!(
        load(&store, 1).await.unwrap().seen,
        None,
        "the alert ran ahead"
    );
    store.seen(vec![row(1, 4)]).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().seen, None);
    store.seen(vec![row(2, 5)]).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().seen, Some(row(2, 5)));
}

pub async fn timers_are_found_earliest_first(store: Arc<dyn Store>) {
    assert_eq!(store.next_timer().await.unwrap(), None);
    let timed = |n: u128, t: i64| {
        let mut a = alert(n);
        a.timer_at = Some(at(t));
        a
    };
    let alerts = [timed(1, 300), timed(2, 100), timed(3, 200), alert(4)];
    store
        .commit(alerts.iter().map(opening).collect())
        .await
        .unwrap();
    assert_eq!(store.next_timer().await.unwrap(), Some(at(100)));
    let due = |found: Vec<store::SeenAlert>| found.iter().map(|s| s.alert.id.0).collect::<Vec<_>>();
    assert_eq!(due(store.timers_due(at(99), 10).await.unwrap()), vec![]);
    assert_eq!(
        due(store.timers_due(at(200), 10).await.unwrap()),
        vec![2, 3]
    );
    assert_eq!(due(store.timers_due(at(999), 2).await.unwrap()), vec![2, 3]);
    let done = following(&alerts[1], EventKind::Updated, |a| a.timer_at = None);
    commit(&store, done).await.unwrap();
    assert_eq!(store.next_timer().await.unwrap(), Some(at(200)));
}

pub async fn a_message_is_known_after_its_commit_only_and_changes_something_once(
    store: Arc<dyn Store>,
) {
    let with = |n: u128, message: &str| {
        let mut write = opening(&alert(n));
        write.message = Some((SOURCE, message.into()));
        write
    };
    let ask = || {
        store.known_messages(vec![
            (SOURCE, "a".into()),
            (SourceId(99), "a".into()),
            (SOURCE, "b".into()),
        ])
    };
    assert_eq!(ask().await.unwrap(), vec![None, None, None]);
    commit(&store, with(1, "a")).await.unwrap();
    assert_eq!(ask().await.unwrap(), vec![Some(AlertId(1)), None, None]);
    assert_conflict(commit(&store, with(2, "a")).await);
    let mut answers = store
        .commit(vec![with(3, "b"), with(4, "b")])
        .await
        .unwrap();
    assert_conflict(answers.remove(1));
    answers.remove(0).unwrap();
    assert_eq!(ask().await.unwrap()[2], Some(AlertId(3)));
    assert_eq!(load(&store, 2).await, None);
    assert_eq!(load(&store, 4).await, None);
}

pub async fn content_that_no_event_carries_reads_back(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    // The row shows the newest value at once; its event comes later (DESIGN §4, Values).
    let newer = following(&alert(1), EventKind::Noted, |a| {
        let mut content = (*content("other")).clone();
        content.severity = Severity::Critical;
        a.content = Arc::new(content);
    });
    let expected = newer.alert.clone();
    commit(&store, newer).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().alert, expected);
    let mut update = following(&expected, EventKind::Updated, |_| {});
    update.events[0].content = Some(expected.content.clone());
    let expected = update.alert.clone();
    commit(&store, update).await.unwrap();
    assert_eq!(load(&store, 1).await.unwrap().alert, expected);
    let contents: Vec<bool> = store
        .events(AlertId(1), 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|e| e.content.is_some())
        .collect();
    assert_eq!(contents, vec![true, false, true]);
}

pub async fn ids_load_in_the_order_asked_for(store: Arc<dyn Store>) {
    let writes = (1..=3).map(|n| opening(&alert(n))).collect();
    store.commit(writes).await.unwrap();
    let ask = [3, 9, 1, 3].map(AlertId).to_vec();
    let found = store.load(ask).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|f| f.as_ref().map(|f| f.alert.id.0))
        .collect();
    assert_eq!(found, vec![Some(3), None, Some(1), Some(3)]);
    assert_eq!(store.load(vec![]).await.unwrap(), vec![]);
    assert!(store.commit(vec![]).await.unwrap().is_empty());
}
