//! Listings for people and for /metrics.

use std::borrow::Cow;

use model::{AlertId, Attempt, Event, LaneKey, Status};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Deserialize;

use super::fault::{Fault, Res};
use super::memory::Tally;
use super::{blobs, load};
use crate::format::codes::{self, number};
use crate::format::read;
use crate::{AlertQuery, AttemptQuery, Counts, SeenAlert};

/// A WHERE that grows.
#[derive(Default)]
struct Filter {
    terms: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// `term` has a `?` for the value.
    fn and(&mut self, term: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("?{}", self.values.len());
        self.terms.push(term.replace('?', &place));
    }

    fn sql(&self) -> String {
        match self.terms.is_empty() {
            true => "1".to_owned(),
            false => self.terms.join(" AND "),
        }
    }
}

/// Alerts newest first.
pub(super) fn alerts(conn: &Connection, query: &AlertQuery) -> Res<Vec<SeenAlert>> {
    let mut filter = Filter::default();
    if let Some(before) = query.before {
        filter.and("a.id < ?", before.to_bytes().to_vec());
    }
    if let Some(project) = query.project {
        filter.and("a.project = ?", project.to_bytes().to_vec());
    }
    if let Some(source) = query.source {
        filter.and("a.source = ?", source.to_bytes().to_vec());
    }
    if let Some(severity) = query.severity_at_least {
        filter.and("a.severity >= ?", codes::severity(severity));
    }
    if let Some(key) = &query.key {
        filter.and("a.key = ?", key.clone());
    }
    if let Some(since) = query.changed_since {
        filter.and("a.changed_at >= ?", since.0);
    }
    let mut index = "alert_id";
    if !query.statuses.is_empty() {
        let codes: Vec<String> = query
            .statuses
            .iter()
            .map(|s| codes::status(*s).to_string())
            .collect();
        filter
            .terms
            .push(format!("a.status IN ({})", codes.join(",")));
        // What is not closed is live: the index of the few instead of that of all.
        if !query.statuses.contains(&Status::Closed) {
            index = "alert_live";
            filter.terms.push("a.live = 1".to_owned());
        }
    }
    let tables = load::TABLES.replacen("alert a", &format!("alert a INDEXED BY {index}"), 1);
    let sql = format!(
        "SELECT {} FROM {tables} WHERE {} ORDER BY a.id DESC",
        load::COLUMNS,
        filter.sql()
    );
    let wanted = query.text.as_ref().map(|text| text.to_lowercase());
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(&filter.values))?;
    let mut found = Vec::new();
    while found.len() < query.limit
        && let Some(r) = rows.next()?
    {
        if let Some(wanted) = &wanted
            && !says(conn, r, wanted)?
        {
            continue;
        }
        found.push(load::seen_alert(conn, r)?);
    }
    Ok(found)
}

/// The fields that a text is looked for in.
#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    title: Cow<'a, str>,
}

/// Whether the alert's title, resource, event or key has `wanted` in it (which is in lower case).
fn says(conn: &Connection, r: &rusqlite::Row<'_>, wanted: &str) -> Res<bool> {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    let key: String = r.get("key")?;
    if has(&key) {
        return Ok(true);
    }
    let row: i64 = r.get("row")?;
    let content: String = match r.get("content")? {
        Some(text) => text,
        None => conn
            .prepare_cached("SELECT content FROM event WHERE alert_row = ?1 AND seq = ?2")?
            .query_row((row, r.get::<_, i64>("content_seq")?), |r| r.get(0))?,
    };
    let words: Words<'_> =
        serde_json::from_str(&content).map_err(|e| Fault::row("alert", row, e))?;
    Ok(has(&words.title) || has(&words.resource) || has(&words.event))
}

pub(super) fn events(
    conn: &Connection,
    alert: AlertId,
    after: u32,
    limit: usize,
) -> Res<Vec<Event>> {
    match super::alerts::row_of(conn, alert)? {
        Some(row) => load::events(conn, row, alert, after, u32::MAX, limit),
        None => Ok(Vec::new()),
    }
}

/// Events of all alerts: one writer commits positions in order, so the highest seen hides none below it.
pub(super) fn feed(conn: &Connection, after: u64, limit: usize) -> Res<Vec<(u64, Event)>> {
    let columns: Vec<String> = load::EVENT_COLUMNS
        .split(", ")
        .map(|column| format!("e.{column}"))
        .collect();
    let mut select = conn.prepare_cached(&format!(
        "SELECT e.pos, a.id, {} FROM event e JOIN alert a ON a.row = e.alert_row
         WHERE e.pos > ?1 ORDER BY e.pos LIMIT ?2",
        columns.join(", ")
    ))?;
    let mut rows = select.query([codes::count(after), codes::limit(limit)])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let alert = blobs::alert(r.get(1)?);
        found.push((number("pos", r.get(0)?)?, load::event(r, 2, alert)?));
    }
    Ok(found)
}

pub(super) fn feed_end(conn: &Connection) -> Res<u64> {
    Ok(number("last_event", Tally::read(conn)?.last_event)?)
}

/// Attempts newest first.
pub(super) fn attempts(conn: &Connection, query: &AttemptQuery) -> Res<Vec<(u64, Attempt)>> {
    let mut filter = Filter::default();
    if let Some(before) = query.before {
        filter.and("t.pos < ?", codes::count(before));
    }
    if let Some(alert) = query.alert {
        filter.and("t.alert = ?", alert.to_bytes().to_vec());
    }
    if let Some(integration) = query.integration {
        filter.and("s.integration = ?", integration.to_bytes().to_vec());
    }
    if let Some(word) = &query.outcome {
        match codes::outcome_word(word) {
            Some(code) => filter.and("t.outcome = ?", code),
            None => return Ok(Vec::new()),
        }
    }
    if let Some(since) = query.since {
        // The plus keeps SQLite from sorting by way of the index of times: the newest come first by position.
        filter.and("+t.at >= ?", since.0);
    }
    let sql = format!(
        "SELECT t.pos, t.alert, s.integration, s.revision, t.at, t.doc
         FROM attempt t CROSS JOIN slot s ON s.slot = t.slot WHERE {} ORDER BY t.pos DESC",
        filter.sql()
    );
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(&filter.values))?;
    let mut found = Vec::new();
    while found.len() < query.limit
        && let Some(r) = rows.next()?
    {
        let pos: u64 = number("pos", r.get(0)?)?;
        let lane = LaneKey {
            alert: blobs::alert(r.get(1)?),
            integration: blobs::integration(r.get(2)?),
            revision: r.get(3)?,
        };
        let attempt = read::attempt(pos, lane, r.get(4)?, r.get_ref(5)?.as_str()?)?;
        found.push((pos, attempt));
    }
    Ok(found)
}

pub(super) fn counts(conn: &Connection) -> Res<Counts> {
    let tally = Tally::read(conn)?;
    let mut alerts_by_status = Vec::with_capacity(tally.statuses.len());
    for (code, count) in (0i64..).zip(tally.statuses) {
        alerts_by_status.push((codes::status_of(code)?, number("alerts", count)?));
    }
    let pages: i64 = conn.pragma_query_value(None, "page_count", |r| r.get(0))?;
    let size: i64 = conn.pragma_query_value(None, "page_size", |r| r.get(0))?;
    Ok(Counts {
        alerts_by_status,
        lanes_owing: number("lanes_owing", tally.lanes_owing)?,
        lanes_open: number("lanes_open", tally.lanes_open)?,
        duplicates: number("duplicates", tally.duplicates)?,
        orphans: number("orphans", tally.orphans)?,
        bytes: number("bytes", pages.saturating_mul(size))?,
        redone: 0,
    })
}
