//! Reading alerts with their lanes and events, as they stood at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use model::{AlertId, Event, IntegrationId, Lane, LaneKey, ProjectId, SourceId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Inner;
use super::connect::Conn;
use super::fault::{Fault, Res};
use crate::format::codes::number;
use crate::format::docs;
use crate::format::read::{AlertColumns, EventColumns, LaneColumns};
use crate::{LoadedAlert, SeenAlert, SeenRow};

/// Begins a read whose statements see one moment.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What [`seen_alert`] reads. The content is the alert's own or that of the event that carries it; repeats count only
/// for the version that they repeated.
pub(super) const COLUMNS: &str = "a.id, a.project, a.source, a.scope, a.key, a.status, a.version, a.seq, \
     a.live_until, a.timer_at, a.changed_at, a.closed_at, a.doc, coalesce(a.content, e.content), \
     s.last_seen, s.repeat_count, s.ends_at";
pub(super) const TABLES: &str = "alert a LEFT JOIN event e ON e.alert = a.id AND e.seq = a.content_seq \
     LEFT JOIN seen s ON s.alert = a.id AND s.version = a.version";

pub(super) fn alert_id(row: &Row, at: usize) -> AlertId {
    AlertId(row.get::<_, Uuid>(at).as_u128())
}

/// The alert of a row of [`COLUMNS`].
pub(super) fn seen_alert(row: &Row) -> Res<SeenAlert> {
    let id = alert_id(row, 0);
    let content: Option<&str> = row.get(13);
    let content = content.ok_or_else(|| {
        crate::format::BadRow::new("alert", id, "the event that holds its content is gone")
    })?;
    let columns = AlertColumns {
        id,
        project: ProjectId(row.get::<_, Uuid>(1).as_u128()),
        source: SourceId(row.get::<_, Uuid>(2).as_u128()),
        scope: row.get(3),
        key: row.get(4),
        status: row.get::<_, i16>(5).into(),
        version: row.get(6),
        seq: row.get(7),
        live_until: row.get(8),
        timer_at: row.get(9),
        changed_at: row.get(10),
        closed_at: row.get(11),
        doc: row.get(12),
        content: Arc::new(docs::read("alert", id, content)?),
    };
    let alert = columns.read()?;
    let seen = match row.get::<_, Option<i64>>(14) {
        None => None,
        Some(last_seen) => Some(SeenRow {
            alert: id,
            version: alert.version,
            last_seen: Timestamp(last_seen),
            repeat_count: number("repeat_count", row.get(15))?,
            ends_at: row.get::<_, Option<i64>>(16).map(Timestamp),
        }),
    };
    Ok(SeenAlert { alert, seen })
}

/// What [`lane`] reads, from `lane l JOIN slot k`.
pub(super) const LANE_COLUMNS: &str = "l.alert, k.integration, k.revision, l.version, l.priority, l.cursor, l.head, \
     l.told, l.duplicates, l.orphans, l.due_at, l.doc";

pub(super) fn lane(row: &Row) -> Res<Lane> {
    let columns = LaneColumns {
        key: LaneKey {
            alert: alert_id(row, 0),
            integration: IntegrationId(row.get::<_, Uuid>(1).as_u128()),
            revision: number("revision", row.get(2))?,
        },
        version: row.get(3),
        priority: row.get::<_, i16>(4).into(),
        cursor: row.get(5),
        head: row.get(6),
        told: row.get::<_, i16>(7).into(),
        duplicates: row.get(8),
        orphans: row.get(9),
        due_at: row.get(10),
        doc: row.get(11),
    };
    Ok(columns.read()?)
}

/// What [`event`] reads, from `event e`, with the alert before it.
pub(super) const EVENT_COLUMNS: &str = "e.alert, e.seq, e.at, e.kind, e.status, e.doc, e.content";

/// The event of columns that begin at `first`.
pub(super) fn event(row: &Row, first: usize) -> Res<Event> {
    let columns = EventColumns {
        alert: alert_id(row, first),
        seq: row.get(first + 1),
        at: row.get(first + 2),
        kind: row.get::<_, i16>(first + 3).into(),
        status: row.get::<_, i16>(first + 4).into(),
        doc: row.get(first + 5),
        content: row.get(first + 6),
    };
    Ok(columns.read()?)
}

/// Alerts by id.
pub(super) async fn alerts_by_id(conn: &Conn, ids: &[Uuid]) -> Res<HashMap<AlertId, SeenAlert>> {
    let select = conn
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE a.id = ANY($1)"
        ))
        .await?;
    let rows = conn.query(&select, &[&ids]).await?;
    rows.iter()
        .map(|row| seen_alert(row).map(|seen| (seen.alert.id, seen)))
        .collect()
}

/// The lanes of alerts, by integration and revision.
async fn lanes_by_alert(conn: &Conn, ids: &[Uuid]) -> Res<HashMap<AlertId, Vec<Lane>>> {
    let select = conn
        .prepare_cached(&format!(
            "SELECT {LANE_COLUMNS} FROM lane l JOIN slot k ON k.slot = l.slot WHERE l.alert = ANY($1)"
        ))
        .await?;
    let mut found: HashMap<AlertId, Vec<Lane>> = HashMap::new();
    for row in conn.query(&select, &[&ids]).await? {
        let lane = lane(&row)?;
        found.entry(lane.key.alert).or_default().push(lane);
    }
    for lanes in found.values_mut() {
        lanes.sort_by_key(|lane| lane.key);
    }
    Ok(found)
}

/// Alerts with their lanes, in the order asked for.
pub(super) async fn load(inner: &Inner, ids: &[AlertId]) -> Res<Vec<Option<LoadedAlert>>> {
    let conn = inner.conn().await?;
    let found = loaded(&conn, ids).await?;
    conn.done();
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

async fn loaded(conn: &Conn, ids: &[AlertId]) -> Res<HashMap<AlertId, LoadedAlert>> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| Uuid::from_u128(id.0)).collect();
    conn.batch_execute(BEGIN).await?;
    let (alerts, mut lanes) =
        tokio::try_join!(alerts_by_id(conn, &uuids), lanes_by_alert(conn, &uuids),)?;
    conn.batch_execute("COMMIT").await?;
    let with_lanes = |(id, SeenAlert { alert, seen })| {
        let lanes = lanes.remove(&id).unwrap_or_default();
        (id, LoadedAlert { alert, seen, lanes })
    };
    Ok(alerts.into_iter().map(with_lanes).collect())
}

/// The alerts that hold these live keys, in the order asked for.
pub(super) async fn find_live(inner: &Inner, keys: &[Uuid]) -> Res<Vec<Option<LoadedAlert>>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached("SELECT live_key, id FROM alert WHERE live_key = ANY($1)")
        .await?;
    let rows = conn.query(&select, &[&keys]).await?;
    let holders: HashMap<Uuid, AlertId> = rows
        .iter()
        .map(|row| (row.get(0), alert_id(row, 1)))
        .collect();
    let ids: Vec<AlertId> = holders.values().copied().collect();
    let found = match ids.is_empty() {
        true => HashMap::new(),
        false => loaded(&conn, &ids).await?,
    };
    conn.done();
    let answer = keys.iter().map(|key| found.get(holders.get(key)?).cloned());
    Ok(answer.collect())
}

/// Rows of a select over [`COLUMNS`].
pub(super) async fn select_alerts(
    inner: &Inner,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Res<Vec<SeenAlert>> {
    let conn = inner.conn().await?;
    let select = conn.prepare_cached(sql).await?;
    let rows = conn.query(&select, params).await?;
    conn.done();
    rows.iter().map(seen_alert).collect()
}

/// Events of one alert after `after`.
pub(super) async fn events(
    inner: &Inner,
    alert: AlertId,
    after: u32,
    limit: usize,
) -> Res<Vec<Event>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(&format!(
            "SELECT {EVENT_COLUMNS} FROM event e WHERE e.alert = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"
        ))
        .await?;
    let (id, after) = (Uuid::from_u128(alert.0), i64::from(after));
    let limit = crate::format::codes::limit(limit);
    let rows = conn.query(&select, &[&id, &after, &limit]).await?;
    conn.done();
    rows.iter()
        .map(|row| event(row, 0))
        .collect::<Result<_, Fault>>()
}
