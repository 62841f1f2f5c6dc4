//! Listings, the feed, counts.

use std::sync::Arc;
use std::time::Duration;

use model::{
    AlertId, AttemptKind, EventKind, IntegrationId, Outcome, ProjectId, Scope, Severity, SourceId,
    Status, Told,
};
use store::{AlertQuery, AttemptQuery, LaneChange, LaneWrite, Store};

use super::make::*;

async fn list(store: &Arc<dyn Store>, query: AlertQuery) -> Vec<u128> {
    let query = AlertQuery {
        limit: if query.limit == 0 { 100 } else { query.limit },
        ..query
    };
    let found = store.list_alerts(query).await.unwrap();
    found.iter().map(|s| s.alert.id.0).collect()
}

fn all() -> AlertQuery {
    AlertQuery::default()
}

pub async fn alerts_are_listed_newest_first_in_pages(store: Arc<dyn Store>) {
    let writes = [2, 5, 1, 4, 3].map(|n| opening(&alert(n)));
    store.commit(writes.into()).await.unwrap();
    assert_eq!(list(&store, all()).await, vec![5, 4, 3, 2, 1]);
    let page = |before: Option<u128>| AlertQuery {
        before: before.map(AlertId),
        limit: 2,
        ..all()
    };
    assert_eq!(list(&store, page(None)).await, vec![5, 4]);
    assert_eq!(list(&store, page(Some(4))).await, vec![3, 2]);
    assert_eq!(list(&store, page(Some(2))).await, vec![1]);
    assert_eq!(list(&store, page(Some(1))).await, vec![]);
}

pub async fn each_filter_of_alerts_filters(store: Arc<dyn Store>) {
    let mut alerts: Vec<_> = (1..=4).map(alert).collect();
    alerts[1].project = ProjectId(77);
    alerts[2].source = SourceId(88);
    alerts[2].scope = Scope::Source(SourceId(88));
    let mut content = (*content("x")).clone();
    content.severity = Severity::Info;
    alerts[3].content = Arc::new(content);
    store
        .commit(alerts.iter().map(opening).collect())
        .await
        .unwrap();
    commit(&store, closing(&alerts[0], None)).await.unwrap();
    commit(&store, closing(&alerts[1], Some(at(900))))
        .await
        .unwrap();
    let ack = following(&alerts[2], EventKind::Acknowledged, |a| {
        a.status = Status::Acknowledged;
        a.changed_at = at(500);
    });
    commit(&store, ack).await.unwrap();

    let project = AlertQuery {
        project: Some(ProjectId(77)),
        ..all()
    };
    assert_eq!(list(&store, project).await, vec![2]);
    let source = AlertQuery {
        source: Some(SourceId(88)),
        ..all()
    };
    assert_eq!(list(&store, source).await, vec![3]);
    for (statuses, expected) in [
        (vec![Status::Open], vec![4]),
        (vec![Status::Acknowledged, Status::Open], vec![4, 3]),
        (vec![Status::Closed], vec![2, 1]),
        (vec![Status::Closed, Status::Open], vec![4, 2, 1]),
        (vec![Status::Shelved], vec![]),
    ] {
        let query = AlertQuery { statuses, ..all() };
        assert_eq!(list(&store, query).await, expected);
    }
    for (severity, expected) in [
        (Severity::Info, vec![4, 3, 2, 1]),
        (Severity::Major, vec![3, 2, 1]),
        (Severity::Critical, vec![]),
    ] {
        let query = AlertQuery {
            severity_at_least: Some(severity),
            ..all()
        };
        assert_eq!(list(&store, query).await, expected);
    }
    let key = AlertQuery {
        key: Some("key-2".into()),
        ..all()
    };
    assert_eq!(list(&store, key).await, vec![2]);
    let changed = AlertQuery {
        changed_since: Some(at(500)),
        ..all()
    };
    assert_eq!(list(&store, changed).await, vec![3]);
    let both = AlertQuery {
        project: Some(PROJECT),
        statuses: vec![Status::Closed],
        key: Some("key-1".into()),
        ..all()
    };
    assert_eq!(list(&store, both).await, vec![1]);
}

pub async fn text_is_found_in_any_case_and_in_each_field(store: Arc<dyn Store>) {
    let mut alerts: Vec<_> = (1..=5).map(alert).collect();
    for (n, field) in (0..).zip(["title", "resource", "event", "key", "text"]) {
        let mut content = (*content("x")).clone();
        match field {
            "title" => content.title = "Größe \"ÜBER\" alles 100%_".into(),
            "resource" => content.resource = "größe".into(),
            "event" => content.event = "GRÖSSE größe".into(),
            "key" => alerts[n].key = "das-GRÖßE-ding".into(),
            _ => content.text = "größe".into(),
        }
        alerts[n].content = Arc::new(content);
    }
    store
        .commit(alerts.iter().map(opening).collect())
        .await
        .unwrap();
    let text = |t: &str| AlertQuery {
        text: Some(t.into()),
        ..all()
    };
    assert_eq!(list(&store, text("GRÖßE")).await, vec![4, 3, 2, 1]);
    assert_eq!(list(&store, text("\"über\"")).await, vec![1]);
    assert_eq!(list(&store, text("100%_")).await, vec![1]);
    assert_eq!(list(&store, text("%")).await, vec![1], "no wildcards");
    let page = AlertQuery {
        limit: 2,
        before: Some(AlertId(4)),
        ..text("größe")
    };
    assert_eq!(list(&store, page).await, vec![3, 2]);
}

pub async fn events_are_listed_in_order(store: Arc<dyn Store>) {
    commit(&store, opening(&alert(1))).await.unwrap();
    let mut now = alert(1);
    for kind in [
        EventKind::Acknowledged,
        EventKind::Noted,
        EventKind::Unacknowledged,
    ] {
        let write = following(&now, kind, |_| {});
        now = write.alert.clone();
        commit(&store, write).await.unwrap();
    }
    let seqs = |events: Vec<model::Event>| events.iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(
        seqs(store.events(AlertId(1), 0, 10).await.unwrap()),
        vec![1, 2, 3, 4]
    );
    assert_eq!(
        seqs(store.events(AlertId(1), 1, 2).await.unwrap()),
        vec![2, 3]
    );
    assert_eq!(store.events(AlertId(2), 0, 10).await.unwrap(), vec![]);
}

pub async fn attempts_are_listed_newest_first_and_filtered(store: Arc<dyn Store>) {
    let mut other = lane_key(2);
    other.integration = IntegrationId(9);
    let mut skipped = attempt(other, at(30), Outcome::Delivered);
    skipped.kind = AttemptKind::Skipped;
    let rows = vec![
        attempt(lane_key(1), at(10), Outcome::Delivered),
        attempt(lane_key(1), at(20), Outcome::Throttled { after_ms: None }),
        skipped,
        attempt(other, at(40), Outcome::Delivered),
    ];
    let write = LaneWrite {
        change: LaneChange::None,
        attempts: rows.clone(),
    };
    write_lane(&store, write).await.unwrap();
    let query = AttemptQuery {
        limit: 100,
        ..AttemptQuery::default()
    };
    let ask = |query: AttemptQuery| async {
        let found = store.attempts(query).await.unwrap();
        let times: Vec<_> = found.iter().map(|(_, a)| a.at.0 - NOW.0).collect();
        (times, found)
    };
    let (times, found) = ask(query.clone()).await;
    assert_eq!(times, vec![40, 30, 20, 10]);
    assert_eq!(found[2].1, rows[1]);
    let before = AttemptQuery {
        before: Some(found[1].0),
        limit: 1,
        ..query.clone()
    };
    assert_eq!(ask(before).await.0, vec![20]);
    let alert = AttemptQuery {
        alert: Some(AlertId(1)),
        ..query.clone()
    };
    assert_eq!(ask(alert).await.0, vec![20, 10]);
    let integration = AttemptQuery {
        integration: Some(IntegrationId(9)),
        ..query.clone()
    };
    assert_eq!(ask(integration).await.0, vec![40, 30]);
    for (word, expected) in [
        ("delivered", vec![40, 10]),
        ("throttled", vec![20]),
        ("skipped", vec![30]),
        ("nonsense", vec![]),
    ] {
        let outcome = AttemptQuery {
            outcome: Some(word.into()),
            ..query.clone()
        };
        assert_eq!(ask(outcome).await.0, expected, "{word}");
    }
    let since = AttemptQuery {
        since: Some(at(30)),
        ..query
    };
    assert_eq!(ask(since).await.0, vec![40, 30]);
}

pub async fn the_feed_skips_nothing_while_many_write(store: Arc<dyn Store>) {
    const WRITERS: u128 = 8;
    const EACH: u128 = 40;
    let mut writers = Vec::new();
    for w in 0..WRITERS {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for n in 0..EACH {
                let number = 1 + w * EACH + n;
                commit(&store, opening(&alert(number))).await.unwrap();
            }
        }));
    }
    let total = usize::try_from(WRITERS * EACH).unwrap();
    let mut changed = store.changed();
    let (mut after, mut read) = (0, Vec::new());
    while read.len() < total {
        let page = store.feed(after, 7).await.unwrap();
        match page.last() {
            Some((pos, _)) => after = *pos,
            None => {
                let woken = tokio::time::timeout(Duration::from_secs(30), changed.changed()).await;
                woken.unwrap().unwrap();
            }
        }
        read.extend(page);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let mut ids: Vec<_> = read.iter().map(|(_, e)| e.alert.0).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=WRITERS * EACH).collect::<Vec<_>>());
    let end = store.feed_end().await.unwrap();
    assert!(end >= after);
    assert_eq!(store.feed(end, 10).await.unwrap(), vec![]);
    assert_eq!(store.feed(after, 10).await.unwrap(), vec![]);
}

pub async fn the_feed_wakes_its_readers_after_the_commit(store: Arc<dyn Store>) {
    let mut changed = store.changed();
    changed.mark_unchanged();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            // A wake-up is a hint: it may come without anything to see, but one comes when there is.
            loop {
                changed.changed().await.unwrap();
                let seen = store.feed(0, 10).await.unwrap();
                if !seen.is_empty() {
                    return seen;
                }
            }
        }
    });
    commit(&store, opening(&alert(1))).await.unwrap();
    let seen = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    let seen = seen.unwrap().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].1.content, Some(alert(1).content));
}

pub async fn counts_count(store: Arc<dyn Store>) {
    let mut doubtful = lane(3);
    (doubtful.duplicates, doubtful.orphans) = (2, 3);
    open_with_lanes(&store, &[lane(1), lane(2), doubtful, lane(4)]).await;
    commit(&store, closing(&alert(4), None)).await.unwrap();
    let acked = following(&alert(3), EventKind::Acknowledged, |a| {
        a.status = Status::Acknowledged;
    });
    commit(&store, acked).await.unwrap();
    for (n, state) in [(1, Told::Open), (2, Told::Closed)] {
        write_lane(&store, result(told(&lane(n), state)))
            .await
            .unwrap();
    }
    let counts = store.counts().await.unwrap();
    let by_status = |wanted| {
        let found = counts.alerts_by_status.iter().find(|(s, _)| *s == wanted);
        found.map_or(0, |(_, n)| *n)
    };
    assert_eq!(by_status(Status::Open), 2);
    assert_eq!(by_status(Status::Acknowledged), 1);
    assert_eq!(by_status(Status::Closed), 1);
    assert_eq!(by_status(Status::Shelved), 0);
    assert_eq!((counts.lanes_owing, counts.lanes_open), (2, 1));
    assert_eq!((counts.duplicates, counts.orphans), (2, 3));
    assert!(counts.bytes > 0);
}
