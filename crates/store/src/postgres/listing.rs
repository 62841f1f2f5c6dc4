//! Listings for people and for /metrics, and the feed of events.

use std::time::Duration;

use model::{Attempt, Event, IntegrationId, LaneKey, Status};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connect::Conn;
use super::fault::Res;
use super::load::{self, COLUMNS, EVENT_COLUMNS, TABLES};
use super::{Inner, time};
use crate::format::codes::{self, number};
use crate::format::read;
use crate::{AlertQuery, AttemptQuery, Counts, SeenAlert};

/// A WHERE that grows.
#[derive(Default)]
struct Filter {
    terms: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Filter {
    /// `term` has a `?` for the value.
    fn and(&mut self, term: &str, value: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(value));
        let place = format!("${}", self.values.len());
        self.terms.push(term.replace('?', &place));
    }

    fn sql(&self) -> String {
        match self.terms.is_empty() {
            true => "true".to_owned(),
            false => self.terms.join(" AND "),
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }
}

/// Rows read in one step of a search by text.
const SEARCH_STEP: usize = 500;

/// Alerts newest first.
pub(super) async fn alerts(inner: &Inner, query: &AlertQuery) -> Res<Vec<SeenAlert>> {
    let wanted = query.text.as_ref().map(|text| text.to_lowercase());
    let mut found = Vec::new();
    let mut before = query.before;
    loop {
        let step = match wanted {
            Some(_) => SEARCH_STEP,
            None => query.limit,
        };
        let page = page(inner, query, before, step).await?;
        let last = page.last().map(|row| row.alert.id);
        let more = page.len() == step;
        for row in page {
            if found.len() < query.limit && wanted.as_ref().is_none_or(|text| says(&row, text)) {
                found.push(row);
            }
        }
        if !more || found.len() >= query.limit || last.is_none() {
            return Ok(found);
        }
        before = last;
    }
}

async fn page(
    inner: &Inner,
    query: &AlertQuery,
    before: Option<model::AlertId>,
    limit: usize,
) -> Res<Vec<SeenAlert>> {
    let mut filter = Filter::default();
    if let Some(before) = before {
        filter.and("a.id < ?", Uuid::from_u128(before.0));
    }
    if let Some(project) = query.project {
        filter.and("a.project = ?", Uuid::from_u128(project.0));
    }
    if let Some(source) = query.source {
        filter.and("a.source = ?", Uuid::from_u128(source.0));
    }
    if let Some(severity) = query.severity_at_least {
        filter.and("a.severity >= ?::bigint", codes::severity(severity));
    }
    if let Some(key) = &query.key {
        filter.and("a.key = ?", key.clone());
    }
    if let Some(since) = query.changed_since {
        filter.and("a.changed_at >= ?", since.0);
    }
    if !query.statuses.is_empty() {
        let statuses = query.statuses.iter().map(|s| codes::status(*s));
        let statuses: Vec<i64> = statuses.collect();
        filter.and("a.status::bigint = ANY(?)", statuses);
        // What is not closed holds its key: the index of the few instead of that of all.
        if !query.statuses.contains(&Status::Closed) {
            filter.terms.push("a.live_key IS NOT NULL".to_owned());
        }
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE {} ORDER BY a.id DESC LIMIT {}",
        filter.sql(),
        codes::limit(limit)
    );
    let conn = inner.conn().await?;
    // Not kept prepared: each combination of filters is a statement of its own.
    let rows = conn.query(&sql, &filter.params()).await?;
    conn.done();
    rows.iter().map(load::seen_alert).collect()
}

/// Whether the alert's title, resource, event or key has `wanted` in it (which is in lower case).
fn says(row: &SeenAlert, wanted: &str) -> bool {
    let content = &row.alert.content;
    [
        &content.title,
        &content.resource,
        &content.event,
        &row.alert.key,
    ]
    .iter()
    .any(|text| text.to_lowercase().contains(wanted))
}

/// The position below which everything is decided: whatever commits from now on stands behind it.
///
/// That is the oldest transaction that still runs in this database. The snapshot's own `xmin` would do, but it counts
/// those of all databases of the server: a batch of somebody else's would hold up the feed for hours. Where the role
/// may not see what others do, it is taken all the same. The events must be read by a later statement: whoever ran
/// no more when this one looked is visible to that one.
async fn decided(inner: &Inner, conn: &Conn) -> Res<i64> {
    let select = conn
        .prepare_cached(
            "SELECT CASE WHEN bool_or(hidden) THEN min(xmin) ELSE least(min(xmax), min(xmax - behind)) END
             FROM (
                 SELECT n.xmin, n.xmax, coalesce(a.query = '<insufficient privilege>', false) AS hidden,
                     -- Numbers of 32 bits: one that is not behind was taken after the snapshot.
                     CASE WHEN a.behind < 2147483648 THEN a.behind END AS behind
                 FROM (SELECT pg_snapshot_xmin(s)::text::bigint AS xmin, pg_snapshot_xmax(s)::text::bigint AS xmax
                       FROM pg_current_snapshot() AS s) n
                 LEFT JOIN LATERAL (
                     SELECT query, (n.xmax - backend_xid::text::bigint) & 4294967295 AS behind
                     FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()) a ON true
             ) t",
        )
        .await?;
    let row = conn.query_one(&select, &[]).await?;
    Ok((inner.feed_added + row.get::<_, i64>(0)) << 20)
}

/// Events of all alerts after a position, as far as nothing can come in before them any more. (Two transactions that
/// met at one alert may stand in either order; the events' `seq` tells.)
pub(super) async fn feed(inner: &Inner, after: u64, limit: usize) -> Res<Vec<(u64, Event)>> {
    let conn = inner.conn().await?;
    let decided = decided(inner, &conn).await?;
    let select = conn
        .prepare_cached(&format!(
            "SELECT e.pos, {EVENT_COLUMNS} FROM event e WHERE e.pos > $1 AND e.pos < $2 ORDER BY e.pos LIMIT $3"
        ))
        .await?;
    let (after, limit) = (codes::count(after), codes::limit(limit));
    let rows = conn.query(&select, &[&after, &decided, &limit]).await?;
    conn.done();
    rows.iter()
        .map(|row| Ok((number("pos", row.get(0))?, load::event(row, 1)?)))
        .collect()
}

pub(super) async fn feed_end(inner: &Inner) -> Res<u64> {
    let conn = inner.conn().await?;
    let decided = decided(inner, &conn).await?;
    conn.done();
    Ok(number("pos", decided - 1)?)
}

/// Attempts newest first.
pub(super) async fn attempts(inner: &Inner, query: &AttemptQuery) -> Res<Vec<(u64, Attempt)>> {
    let mut filter = Filter::default();
    if let Some(before) = query.before {
        filter.and("t.pos < ?", codes::count(before));
    }
    if let Some(alert) = query.alert {
        filter.and("t.alert = ?", Uuid::from_u128(alert.0));
    }
    if let Some(integration) = query.integration {
        filter.and("k.integration = ?", Uuid::from_u128(integration.0));
    }
    if let Some(word) = &query.outcome {
        match codes::outcome_word(word) {
            Some(code) => filter.and("t.outcome = ?::bigint", code),
            None => return Ok(Vec::new()),
        }
    }
    if let Some(since) = query.since {
        filter.and("t.at >= ?", since.0);
    }
    let sql = format!(
        "SELECT t.pos, t.alert, k.integration, k.revision, t.at, t.doc
         FROM attempt t JOIN slot k ON k.slot = t.slot WHERE {} ORDER BY t.pos DESC LIMIT {}",
        filter.sql(),
        codes::limit(query.limit)
    );
    let conn = inner.conn().await?;
    let rows = conn.query(&sql, &filter.params()).await?;
    conn.done();
    rows.iter()
        .map(|row| {
            let pos = number("pos", row.get(0))?;
            let lane = LaneKey {
                alert: load::alert_id(row, 1),
                integration: IntegrationId(row.get::<_, Uuid>(2).as_u128()),
                revision: number("revision", row.get(3))?,
            };
            Ok((pos, read::attempt(pos, lane, row.get(4), row.get(5))?))
        })
        .collect()
}

/// A count whose cost is this much of the time since the last one is taken anew; a dearer one is answered from memory.
const COST_SHARE: u32 = 20;
/// Cheaper than this it is always counted.
const CHEAP: Duration = Duration::from_millis(25);

/// Counts are real counts: their cost grows with the tables, so they are taken less often the more they cost.
pub(super) async fn counts(inner: &Inner) -> Res<Counts> {
    let redone = inner.redone.load(std::sync::atomic::Ordering::Relaxed);
    let begun = time::instant();
    if let Some((at, cost, counts)) = &*inner.counted.lock()
        && *cost > CHEAP
        && begun.duration_since(*at) < *cost * COST_SHARE
    {
        return Ok(Counts {
            redone,
            ..counts.clone()
        });
    }
    let counts = Counts {
        redone,
        ..count(inner).await?
    };
    let cost = begun.elapsed();
    *inner.counted.lock() = Some((time::instant(), cost, counts.clone()));
    Ok(counts)
}

async fn count(inner: &Inner) -> Res<Counts> {
    let conn = inner.conn().await?;
    // Here the whole table is wanted.
    conn.batch_execute(&format!("{}; SET LOCAL enable_seqscan = on", load::BEGIN))
        .await?;
    let statuses = conn
        .query("SELECT status, count(*) FROM alert GROUP BY status", &[])
        .await?;
    let lanes = conn
        .query_one(
            "SELECT count(*) FILTER (WHERE look_at IS NOT NULL),
                    count(*) FILTER (WHERE look_at IS NULL AND told IN (1, 2)),
                    coalesce(sum(duplicates), 0)::bigint, coalesce(sum(orphans), 0)::bigint,
                    pg_database_size(current_database())
             FROM lane",
            &[],
        )
        .await?;
    conn.batch_execute("COMMIT").await?;
    conn.done();
    let mut alerts_by_status: Vec<(Status, u64)> =
        Status::ALL.into_iter().map(|status| (status, 0)).collect();
    for row in &statuses {
        let status = codes::status_of(row.get::<_, i16>(0).into())?;
        let count = number("alerts", row.get(1))?;
        if let Some(entry) = alerts_by_status.iter_mut().find(|(s, _)| *s == status) {
            entry.1 = count;
        }
    }
    Ok(Counts {
        alerts_by_status,
        lanes_owing: number("lanes_owing", lanes.get(0))?,
        lanes_open: number("lanes_open", lanes.get(1))?,
        duplicates: number("duplicates", lanes.get(2))?,
        orphans: number("orphans", lanes.get(3))?,
        bytes: number("bytes", lanes.get(4))?,
        redone: 0,
    })
}
