//! Everything that a store says, as one value to compare.

use std::sync::Arc;

use model::AlertId;
use serde_json::{Value, json};
use store::{AlertQuery, AttemptQuery, DueQuery, SeenAlert, SeenRow, Store};

use crate::fill::{REVISIONS, SOURCES};
use crate::make::{at, key_of};

/// Reads through every reading method of the trait.
pub async fn everything(store: &Arc<dyn Store>, ids: &[AlertId]) -> Value {
    let catalog = store.catalog().await.unwrap();
    let listed = store
        .list_alerts(AlertQuery {
            limit: 1_000_000,
            ..AlertQuery::default()
        })
        .await
        .unwrap();
    let loaded = store.load(ids.to_vec()).await.unwrap();
    let mut alerts = Vec::new();
    for (id, loaded) in ids.iter().zip(loaded) {
        let loaded = loaded.unwrap_or_else(|| panic!("{id} is not there"));
        let holder = store.find_live(vec![key_of(&loaded.alert)]).await.unwrap();
        let holder = holder[0].as_ref().map(|found| found.alert.id);
        let events = store.events(*id, 0, 100_000).await.unwrap();
        alerts.push(json!({
            "alert": loaded.alert, "seen": seen(loaded.seen), "lanes": loaded.lanes,
            "holder": holder, "events": events,
        }));
    }
    let live = store.live_alerts(None, 1_000_000).await.unwrap();
    let timers = store.timers_due(at(1_000_000), 1_000_000).await.unwrap();
    let mut timers: Vec<Value> = timers.iter().map(seen_alert).collect();
    timers.sort_by_key(Value::to_string);
    let messages = ids
        .iter()
        .flat_map(|id| SOURCES.map(|source| (source, format!("message {:x}", id.0))));
    let mut counts = store.counts().await.unwrap();
    counts.alerts_by_status.retain(|(_, count)| *count > 0);
    counts
        .alerts_by_status
        .sort_by_key(|(status, _)| status.as_str());
    json!({
        "catalog": {
            "version": catalog.version, "projects": catalog.projects, "sources": catalog.sources,
            "integrations": catalog.integrations, "revisions": catalog.revisions, "health": catalog.health,
        },
        "silences": store.silences().await.unwrap(),
        "meta": [store.meta("hub.id").await.unwrap(), store.meta("walk").await.unwrap()],
        "alerts": alerts,
        "listed": listed.iter().map(seen_alert).collect::<Vec<_>>(),
        "live": live.iter().map(seen_alert).collect::<Vec<_>>(),
        "timers": timers,
        "next_timer": store.next_timer().await.unwrap(),
        "messages": store.known_messages(messages.collect()).await.unwrap(),
        "due": due(store).await,
        "feed": store.feed(0, 1_000_000).await.unwrap(),
        "attempts": store.attempts(AttemptQuery { limit: 1_000_000, ..AttemptQuery::default() }).await.unwrap(),
        "counts": [
            json!(counts.alerts_by_status), json!(counts.lanes_owing), json!(counts.lanes_open),
            json!(counts.duplicates), json!(counts.orphans),
        ],
    })
}

/// Due lanes, their work, and what each revision owes.
async fn due(store: &Arc<dyn Store>) -> Value {
    let mut all = Vec::new();
    for (integration, revision) in REVISIONS {
        for now in [at(20), at(100_000)] {
            let want = DueQuery {
                integration,
                revision,
                limit: 1_000_000,
            };
            let mut works = store.due_lanes(now, vec![want]).await.unwrap();
            // Lanes of one priority and time may come in any order.
            works.sort_by_key(|work| (work.lane.priority, work.lane.due_at, work.lane.key.alert));
            for work in works {
                all.push(
                    json!({ "lane": work.lane, "pending": work.pending, "alert": work.alert.id }),
                );
            }
        }
        let owing = store.lanes_of_revision(integration, revision, None, 1_000_000);
        all.push(json!({
            "owing": owing.await.unwrap(),
            "next": store.next_due(vec![(integration, revision)]).await.unwrap(),
        }));
    }
    Value::Array(all)
}

fn seen_alert(found: &SeenAlert) -> Value {
    json!({ "alert": found.alert, "seen": seen(found.seen) })
}

fn seen(row: Option<SeenRow>) -> Value {
    match row {
        None => Value::Null,
        Some(row) => json!([
            row.alert,
            row.version,
            row.last_seen,
            row.repeat_count,
            row.ends_at
        ]),
    }
}

/// The first difference, in words: two whole stores are too long to print.
#[track_caller]
pub fn assert_same(left: &Value, right: &Value) {
    if left != right {
        panic!("{}", difference("", left, right));
    }
}

fn difference(path: &str, left: &Value, right: &Value) -> String {
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => {
            let names = l.keys().chain(r.keys());
            for name in names {
                let (a, b) = (&left[name], &right[name]);
                if a != b {
                    return difference(&format!("{path}.{name}"), a, b);
                }
            }
            format!("{path}: null here, missing there")
        }
        (Value::Array(l), Value::Array(r)) => {
            for (at, (a, b)) in l.iter().zip(r).enumerate() {
                if a != b {
                    return difference(&format!("{path}[{at}]"), a, b);
                }
            }
            format!("{path}: {} and {} entries", l.len(), r.len())
        }
        _ => format!("{path}: {left} and {right}"),
    }
}
