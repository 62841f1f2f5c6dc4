//! What makes an alert reachable for the next signal: live keys, known messages, repeats.

use model::{AlertId, Scope, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::blobs;
use super::fault::Res;
use super::writer::Tx;
use crate::format::{codes, docs};
use crate::{LiveKey, SeenRow};

/// A closed alert loses its live key. Its version moves, so that nobody who read it before reopens it; its repeats
/// move along.
pub(super) fn give_up_key(conn: &Connection, row: i64) -> Res<()> {
    conn.prepare_cached(
        "UPDATE seen SET version = version + 1
         WHERE alert_row = ?1 AND version = (SELECT version FROM alert WHERE row = ?1)",
    )?
    .execute([row])?;
    conn.prepare_cached(
        "UPDATE alert SET live = 0, live_until = NULL, version = version + 1 WHERE row = ?1",
    )?
    .execute([row])?;
    Ok(())
}

/// The alert that this message changed, if it came before.
pub(super) fn known_message(conn: &Connection, source: SourceId, id: &str) -> Res<Option<AlertId>> {
    let mut select =
        conn.prepare_cached("SELECT alert FROM message WHERE source = ?1 AND id = ?2")?;
    let alert = select.query_row(params![source.to_bytes(), id], |r| r.get(0));
    Ok(alert.optional()?.map(AlertId::from_bytes))
}

/// Runs `look` on each live key of the file, with the row that holds it.
pub(super) fn each_live(conn: &Connection, mut look: impl FnMut(i64, &LiveKey)) -> Res<()> {
    let mut select = conn.prepare(
        "SELECT row, id, project, source, scope, key FROM alert INDEXED BY alert_live WHERE live = 1",
    )?;
    let mut rows = select.query([])?;
    while let Some(r) = rows.next()? {
        look(r.get(0)?, &live_key(r)?);
    }
    Ok(())
}

/// The live key in columns named `project`, `source`, `scope`, `key`.
fn live_key(r: &rusqlite::Row<'_>) -> Res<LiveKey> {
    let source: SourceId = blobs::source(r.get("source")?);
    let scope: Option<String> = r.get("scope")?;
    Ok(LiveKey {
        project: blobs::project(r.get("project")?),
        scope: match scope {
            None => Scope::Source(source),
            Some(text) => docs::read("alert", blobs::alert(r.get("id")?), &text)?,
        },
        key: r.get("key")?,
    })
}

/// Takes the live key from closed alerts whose time is over, earliest first.
pub(super) fn retire_live(tx: &mut Tx<'_>, now: Timestamp, limit: usize) -> Res<Vec<AlertId>> {
    let (conn, memory) = (tx.conn, tx.memory);
    let mut retired = Vec::new();
    let mut select = conn.prepare_cached(
        "SELECT row, id, project, source, scope, key FROM alert INDEXED BY alert_retire
         WHERE live_until IS NOT NULL AND live_until <= ?1 AND status = 4 ORDER BY live_until LIMIT ?2",
    )?;
    let mut rows = select.query(params![now.0, codes::limit(limit)])?;
    while let Some(r) = rows.next()? {
        let row: i64 = r.get("row")?;
        retired.push((row, blobs::alert(r.get("id")?), memory.hash(&live_key(r)?)));
    }
    drop(rows);
    for (row, _, hash) in &retired {
        give_up_key(conn, *row)?;
        if tx.pending.holder(memory, *hash) == Some(*row) {
            tx.pending.hold(*hash, None);
        }
    }
    Ok(retired.into_iter().map(|(_, id, _)| id).collect())
}

/// Writes repeats of alerts that are still at the version repeated.
pub(super) fn seen(tx: &mut Tx<'_>, rows: &[SeenRow]) -> Res<Vec<bool>> {
    let mut current = Vec::with_capacity(rows.len());
    for seen in rows {
        let written = tx
            .conn
            .prepare_cached(
                "INSERT INTO seen (alert_row, version, last_seen, repeat_count, ends_at)
                 SELECT row, ?2, ?3, ?4, ?5 FROM alert WHERE id = ?1 AND version = ?2
                 ON CONFLICT (alert_row) DO UPDATE SET version = excluded.version,
                     last_seen = excluded.last_seen, ends_at = excluded.ends_at,
                     repeat_count = iif(version = excluded.version, max(repeat_count, excluded.repeat_count),
                         excluded.repeat_count)",
            )?
            .execute(params![
                seen.alert.to_bytes(),
                seen.version,
                seen.last_seen.0,
                codes::count(seen.repeat_count),
                seen.ends_at.map(|t| t.0)
            ])?;
        current.push(written == 1);
    }
    Ok(current)
}
