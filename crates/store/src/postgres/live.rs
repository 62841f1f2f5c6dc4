//! What makes an alert reachable for the next signal: live keys, known messages, repeats.

use std::collections::{HashMap, HashSet};

use model::{AlertId, Scope, SourceId, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::connect::Conn;
use super::fault::{Fault, Res};
use super::{Inner, columns, load};
use crate::format::codes;
use crate::{LiveKey, SeenRow};

/// A live key as all nodes know it: the first 16 bytes of the SHA-256 over project, scope and key. A sender would need
/// 2^64 tries to make two of its own keys meet, and cannot meet another project's.
pub(crate) fn live_key(key: &LiveKey) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(key.project.to_bytes());
    match key.scope {
        Scope::Source(source) => {
            hash.update([0]);
            hash.update(source.to_bytes());
        }
        other => {
            hash.update([1]);
            // As in the alert's column: part of the format. A scope of plain data always has its JSON.
            hash.update(serde_json::to_vec(&other).unwrap_or_default());
            hash.update([0]);
        }
    }
    hash.update(key.key.as_bytes());
    let digest = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(half)
}

/// Closed alerts, locked by the caller, lose their live key. Their version moves; their repeats move along.
pub(super) async fn give_up_keys(conn: &Conn, ids: &[Uuid]) -> Res<()> {
    let seen = conn
        .prepare_cached(
            "UPDATE seen s SET version = s.version + 1 FROM alert a
             WHERE s.alert = ANY($1) AND a.id = s.alert AND a.version = s.version",
        )
        .await?;
    let alerts = conn
        .prepare_cached(
            "UPDATE alert SET live_key = NULL, live_until = NULL, version = version + 1 WHERE id = ANY($1)",
        )
        .await?;
    tokio::try_join!(
        biased;
        async { Ok::<_, Fault>(conn.execute(&seen, &[&ids]).await?) },
        async { Ok(conn.execute(&alerts, &[&ids]).await?) },
    )?;
    Ok(())
}

/// Takes the live key from closed alerts whose time is over, earliest first.
pub(super) async fn retire_live(inner: &Inner, now: Timestamp, limit: usize) -> Res<Vec<AlertId>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(
            "SELECT id FROM alert WHERE id IN (
                 SELECT id FROM alert WHERE live_until <= $1 AND status = 4 ORDER BY live_until LIMIT $2)
             AND live_until <= $1 AND status = 4 ORDER BY id FOR UPDATE",
        )
        .await?;
    conn.batch_execute("BEGIN").await?;
    let rows = conn.query(&select, &[&now.0, &codes::limit(limit)]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    if !ids.is_empty() {
        give_up_keys(&conn, &ids).await?;
    }
    conn.batch_execute("COMMIT").await?;
    conn.done();
    if !ids.is_empty() {
        inner.wake.written();
    }
    Ok(ids.iter().map(|id| AlertId(id.as_u128())).collect())
}

/// Writes repeats of alerts that are still at the version repeated; which those were.
pub(super) async fn seen(inner: &Inner, rows: &[SeenRow]) -> Res<Vec<bool>> {
    // Of an alert's rows the last one of the newest version counts, and all lock in one order.
    let mut newest: HashMap<AlertId, &SeenRow> = HashMap::new();
    for row in rows {
        let held = newest.entry(row.alert).or_insert(row);
        if row.version >= held.version {
            *held = row;
        }
    }
    let mut sorted: Vec<&SeenRow> = newest.into_values().collect();
    sorted.sort_unstable_by_key(|row| row.alert);
    let conn = inner.conn().await?;
    let put = conn
        .prepare_cached(
            "INSERT INTO seen (alert, version, last_seen, repeat_count, ends_at)
             SELECT u.alert, u.version, u.last_seen, u.repeat_count, u.ends_at
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 WITH ORDINALITY AS u(alert, version, last_seen, repeat_count, ends_at, ord)
             JOIN alert a ON a.id = u.alert AND a.version = u.version ORDER BY u.ord
             ON CONFLICT (alert) DO UPDATE SET version = excluded.version,
                 last_seen = greatest(excluded.last_seen, CASE seen.version
                     WHEN excluded.version THEN seen.last_seen ELSE 0 END),
                 repeat_count = greatest(excluded.repeat_count, CASE seen.version
                     WHEN excluded.version THEN seen.repeat_count ELSE 0 END),
                 ends_at = CASE WHEN seen.version = excluded.version AND seen.last_seen > excluded.last_seen
                     THEN seen.ends_at ELSE excluded.ends_at END
                 -- Whoever waited for the row looked at the alert before: it may have moved on since.
                 WHERE seen.version <= excluded.version
             RETURNING alert, version",
        )
        .await?;
    let written = conn
        .query(
            &put,
            &[
                &columns(&sorted, |r| Uuid::from_u128(r.alert.0)),
                &columns(&sorted, |r| i64::from(r.version)),
                &columns(&sorted, |r| r.last_seen.0),
                &columns(&sorted, |r| codes::count(r.repeat_count)),
                &columns(&sorted, |r| r.ends_at.map(|t| t.0)),
            ],
        )
        .await?;
    conn.done();
    let written: HashSet<(AlertId, i64)> = written
        .iter()
        .map(|row| (load::alert_id(row, 0), row.get(1)))
        .collect();
    // A repeat of an older version is none: its alert has changed since.
    let is_written = |row: &SeenRow| written.contains(&(row.alert, i64::from(row.version)));
    Ok(rows.iter().map(is_written).collect())
}

/// The alerts that these messages changed, if they came before.
pub(super) async fn known_messages(
    inner: &Inner,
    ids: &[(SourceId, String)],
) -> Res<Vec<Option<AlertId>>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(
            "SELECT m.alert FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS u(source, id, ord)
             LEFT JOIN message m ON m.source = u.source AND m.id = u.id ORDER BY u.ord",
        )
        .await?;
    let rows = conn
        .query(
            &select,
            &[
                &columns(ids, |(source, _)| Uuid::from_u128(source.0)),
                &columns(ids, |(_, id)| id.as_str()),
            ],
        )
        .await?;
    conn.done();
    let known = |row: &tokio_postgres::Row| {
        let alert: Option<Uuid> = row.get(0);
        alert.map(|id| AlertId(id.as_u128()))
    };
    Ok(rows.iter().map(known).collect())
}

/// The earliest timer.
pub(super) async fn next_timer(inner: &Inner) -> Res<Option<Timestamp>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached("SELECT min(timer_at) FROM alert WHERE timer_at IS NOT NULL")
        .await?;
    let row = conn.query_one(&select, &[]).await?;
    conn.done();
    Ok(row.get::<_, Option<i64>>(0).map(Timestamp))
}
