//! Reading alerts and events back into the model's types.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Alert, AlertId, Content, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fault::{Fault, Res};
use super::memory::Memory;
use super::{alerts, blobs, due};
use crate::format::codes::{self, number};
use crate::format::docs;
use crate::format::read::{AlertColumns, EventColumns};
use crate::{LiveKey, LoadedAlert, SeenAlert, SeenRow};

/// What [`alert`] and [`seen`] read, by name; from `alert a LEFT JOIN seen s`.
pub(super) const COLUMNS: &str = "a.row, a.id, a.project, a.source, a.scope, a.key, a.status, a.version, a.seq, \
     a.live_until, a.timer_at, a.changed_at, a.closed_at, a.doc, a.content_seq, a.content, \
     s.last_seen, s.repeat_count, s.ends_at";

/// Repeats count only for the version that they repeated.
pub(super) const TABLES: &str =
    "alert a LEFT JOIN seen s ON s.alert_row = a.row AND s.version = a.version";

// Places of COLUMNS: reading by name costs a search each.
const ROW: usize = 0;
const SEEN: usize = 16;

/// Contents that were just read with their events, by seq.
pub(super) type Contents = HashMap<u32, Arc<Content>>;

/// The alert of a row of [`COLUMNS`]. Its content is taken from `known` where it is there, so that an alert and its
/// event share it.
pub(super) fn alert(conn: &Connection, r: &Row<'_>, known: &Contents) -> Res<Alert> {
    let row: i64 = r.get(ROW)?;
    let id = blobs::alert(r.get(1)?);
    let source = blobs::source(r.get(3)?);
    let content = match (
        r.get::<_, Option<u32>>(14)?,
        r.get_ref(15)?.as_str_or_null()?,
    ) {
        (_, Some(text)) => Arc::new(docs::read("alert", id, text)?),
        (Some(seq), None) => match known.get(&seq) {
            Some(content) => content.clone(),
            None => content_of(conn, id, row, seq)?,
        },
        (None, None) => return Err(Fault::row("alert", id, "it has no content")),
    };
    let columns = AlertColumns {
        id,
        project: blobs::project(r.get(2)?),
        source,
        scope: r.get_ref(4)?.as_str_or_null()?,
        key: r.get(5)?,
        status: r.get(6)?,
        version: r.get(7)?,
        seq: r.get(8)?,
        live_until: r.get(9)?,
        timer_at: r.get(10)?,
        changed_at: r.get(11)?,
        closed_at: r.get(12)?,
        doc: r.get_ref(13)?.as_str()?,
        content,
    };
    Ok(columns.read()?)
}

/// The repeats beside the alert in a row of [`COLUMNS`].
fn seen(r: &Row<'_>, alert: &Alert) -> Res<Option<SeenRow>> {
    let Some(last_seen) = r.get::<_, Option<i64>>(SEEN)? else {
        return Ok(None);
    };
    Ok(Some(SeenRow {
        alert: alert.id,
        version: alert.version,
        last_seen: Timestamp(last_seen),
        repeat_count: number("repeat_count", r.get(SEEN + 1)?)?,
        ends_at: r.get::<_, Option<i64>>(SEEN + 2)?.map(Timestamp),
    }))
}

pub(super) fn seen_alert(conn: &Connection, r: &Row<'_>) -> Res<SeenAlert> {
    let alert = alert(conn, r, &Contents::new())?;
    let seen = seen(r, &alert)?;
    Ok(SeenAlert { alert, seen })
}

fn content_of(conn: &Connection, id: AlertId, row: i64, seq: u32) -> Res<Arc<Content>> {
    let mut select =
        conn.prepare_cached("SELECT content FROM event WHERE alert_row = ?1 AND seq = ?2")?;
    let text: Option<Option<String>> = select
        .query_row(params![row, seq], |r| r.get(0))
        .optional()?;
    match text.flatten() {
        Some(text) => Ok(Arc::new(docs::read("event", id, &text)?)),
        None => Err(Fault::row(
            "alert",
            id,
            format!("event {seq}, which holds its content, is gone"),
        )),
    }
}

/// What [`event`] reads, in this order.
pub(super) const EVENT_COLUMNS: &str = "seq, at, kind, status, doc, content";

/// The event of columns that begin at `first`.
pub(super) fn event(r: &Row<'_>, first: usize, alert: AlertId) -> Res<Event> {
    let columns = EventColumns {
        alert,
        seq: r.get(first)?,
        at: r.get(first + 1)?,
        kind: r.get(first + 2)?,
        status: r.get(first + 3)?,
        doc: r.get_ref(first + 4)?.as_str_or_null()?,
        content: r.get_ref(first + 5)?.as_str_or_null()?,
    };
    Ok(columns.read()?)
}

/// Events of one alert after `after`, up to `upto`.
pub(super) fn events(
    conn: &Connection,
    row: i64,
    alert: AlertId,
    after: u32,
    upto: u32,
    limit: usize,
) -> Res<Vec<Event>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {EVENT_COLUMNS} FROM event WHERE alert_row = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4"
    ))?;
    let mut rows = select.query(params![row, after, upto, codes::limit(limit)])?;
    let mut events = Vec::new();
    while let Some(r) = rows.next()? {
        events.push(event(r, 0, alert)?);
    }
    Ok(events)
}

fn loaded(conn: &Connection, memory: &Memory, row: i64) -> Res<Option<LoadedAlert>> {
    let mut select =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE a.row = ?1"))?;
    let mut rows = select.query([row])?;
    let Some(r) = rows.next()? else {
        return Ok(None);
    };
    let SeenAlert { alert, seen } = seen_alert(conn, r)?;
    let lanes = due::lanes_of(conn, memory, row, alert.id)?;
    Ok(Some(LoadedAlert { alert, seen, lanes }))
}

pub(super) fn load(
    conn: &Connection,
    memory: &Memory,
    ids: &[AlertId],
) -> Res<Vec<Option<LoadedAlert>>> {
    ids.iter()
        .map(|id| match alerts::row_of(conn, *id)? {
            Some(row) => loaded(conn, memory, row),
            None => Ok(None),
        })
        .collect()
}

pub(super) fn find_live(
    conn: &Connection,
    memory: &Memory,
    keys: &[LiveKey],
) -> Res<Vec<Option<LoadedAlert>>> {
    keys.iter()
        .map(|key| match memory.holder(memory.hash(key)) {
            Some(row) => loaded(conn, memory, row),
            None => Ok(None),
        })
        .collect()
}

pub(super) fn live_alerts(
    conn: &Connection,
    after: Option<AlertId>,
    limit: usize,
) -> Res<Vec<SeenAlert>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {} WHERE a.live = 1 AND a.id > ?1 ORDER BY a.id LIMIT ?2",
        TABLES.replacen("alert a", "alert a INDEXED BY alert_live", 1)
    ))?;
    let after = after.map_or([0; 16], AlertId::to_bytes);
    collect(conn, select.query(params![after, codes::limit(limit)])?)
}

pub(super) fn timers_due(conn: &Connection, now: Timestamp, limit: usize) -> Res<Vec<SeenAlert>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE a.timer_at IS NOT NULL AND a.timer_at <= ?1
         ORDER BY a.timer_at LIMIT ?2"
    ))?;
    collect(conn, select.query(params![now.0, codes::limit(limit)])?)
}

pub(super) fn next_timer(conn: &Connection) -> Res<Option<Timestamp>> {
    let mut select = conn.prepare_cached(
        "SELECT timer_at FROM alert WHERE timer_at IS NOT NULL ORDER BY timer_at LIMIT 1",
    )?;
    Ok(select
        .query_row([], |r| r.get(0))
        .optional()?
        .map(Timestamp))
}

fn collect(conn: &Connection, mut rows: rusqlite::Rows<'_>) -> Res<Vec<SeenAlert>> {
    let mut alerts = Vec::new();
    while let Some(r) = rows.next()? {
        alerts.push(seen_alert(conn, r)?);
    }
    Ok(alerts)
}
