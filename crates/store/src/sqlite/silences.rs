//! Silences: their rows, and forgetting those that are long over.

use model::{Silence, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Res;
use super::writer::Tx;
use super::{blobs, catalog};
use crate::format::codes;
use crate::format::silences::{self, SilenceColumns};

pub(super) fn read(conn: &Connection) -> Res<Vec<Silence>> {
    let mut select =
        conn.prepare_cached("SELECT id, project, ends_at, version, doc FROM silence ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let columns = SilenceColumns {
            id: blobs::silence(r.get(0)?),
            project: blobs::project(r.get(1)?),
            ends_at: r.get(2)?,
            version: r.get(3)?,
            doc: r.get_ref(4)?.as_str()?,
        };
        found.push(columns.read()?);
    }
    Ok(found)
}

/// Writes a silence, or nothing if it is not at the version `expected` (`None`: if it is there already).
pub(super) fn put(tx: &mut Tx<'_>, silence: &Silence, expected: Option<u32>) -> Res<bool> {
    let doc = silences::doc(silence)?;
    let (id, project) = (silence.id.to_bytes(), silence.project.to_bytes());
    let (ends_at, version) = (silence.ends_at.0, silence.version);
    let written = match expected {
        None => tx
            .conn
            .prepare_cached(
                "INSERT INTO silence (id, project, ends_at, version, doc) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![id, project, ends_at, version, doc])?,
        Some(expected) => tx
            .conn
            .prepare_cached(
                "UPDATE silence SET project = ?2, ends_at = ?3, version = ?4, doc = ?5
                 WHERE id = ?1 AND version = ?6",
            )?
            .execute(params![id, project, ends_at, version, doc, expected])?,
    };
    if written > 0 {
        catalog::move_on(tx)?;
    }
    Ok(written > 0)
}

/// Removes the `limit` first to end of those that ended before `before`; how many there were.
pub(super) fn forget(tx: &mut Tx<'_>, before: Timestamp, limit: usize) -> Res<usize> {
    let removed = tx
        .conn
        .prepare_cached(
            "DELETE FROM silence WHERE id IN (
                 SELECT id FROM silence WHERE ends_at < ?1 ORDER BY ends_at LIMIT ?2)",
        )?
        .execute(params![before.0, codes::limit(limit)])?;
    if removed > 0 {
        catalog::move_on(tx)?;
    }
    Ok(removed)
}
