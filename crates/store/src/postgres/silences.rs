//! Silences: their rows, and forgetting those that are long over.

use model::{ProjectId, Silence, SilenceId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Res;
use super::{Inner, catalog};
use crate::format::codes;
use crate::format::silences::{self, SilenceColumns};

pub(super) async fn read(inner: &Inner) -> Res<Vec<Silence>> {
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached("SELECT id, project, ends_at, version, doc FROM silence ORDER BY id")
        .await?;
    let rows = conn.query(&select, &[]).await?;
    conn.done();
    let read = |row: &Row| {
        let columns = SilenceColumns {
            id: SilenceId(row.get::<_, Uuid>(0).as_u128()),
            project: ProjectId(row.get::<_, Uuid>(1).as_u128()),
            ends_at: row.get(2),
            version: row.get(3),
            doc: row.get(4),
        };
        Ok(columns.read()?)
    };
    rows.iter().map(read).collect()
}

/// Writes a silence, or nothing if it is not at the version `expected` (`None`: if it is there already).
pub(super) async fn put(inner: &Inner, silence: &Silence, expected: Option<u32>) -> Res<bool> {
    let doc = silences::doc(silence)?;
    let id = Uuid::from_u128(silence.id.0);
    let project = Uuid::from_u128(silence.project.0);
    let (ends_at, version) = (silence.ends_at.0, i64::from(silence.version));
    let conn = inner.conn().await?;
    conn.batch_execute("BEGIN").await?;
    catalog::move_on(&conn).await?;
    let written = match expected {
        None => {
            conn.execute(
                "INSERT INTO silence (id, project, ends_at, version, doc) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
                &[&id, &project, &ends_at, &version, &doc],
            )
            .await?
        }
        Some(expected) => {
            conn.execute(
                "UPDATE silence SET project = $2, ends_at = $3, version = $4, doc = $5
                 WHERE id = $1 AND version = $6",
                &[&id, &project, &ends_at, &version, &doc, &i64::from(expected)],
            )
            .await?
        }
    };
    if written == 0 {
        conn.batch_execute("ROLLBACK").await?;
        conn.done();
        return Ok(false);
    }
    conn.batch_execute("COMMIT").await?;
    conn.done();
    inner.wake.written();
    Ok(true)
}

/// Removes the `limit` first to end of those that ended before `before`; how many there were.
pub(super) async fn forget(inner: &Inner, before: Timestamp, limit: usize) -> Res<usize> {
    let conn = inner.conn().await?;
    // Most sweeps find none: those leave the catalog alone.
    let any = conn
        .query_one(
            "SELECT EXISTS (SELECT 1 FROM silence WHERE ends_at < $1)",
            &[&before.0],
        )
        .await?;
    if !any.get::<_, bool>(0) {
        conn.done();
        return Ok(0);
    }
    conn.batch_execute("BEGIN").await?;
    catalog::move_on(&conn).await?;
    let removed = conn
        .execute(
            "DELETE FROM silence WHERE id IN (
                 SELECT id FROM silence WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
            &[&before.0, &codes::limit(limit)],
        )
        .await?;
    if removed == 0 {
        conn.batch_execute("ROLLBACK").await?;
        conn.done();
        return Ok(0);
    }
    conn.batch_execute("COMMIT").await?;
    conn.done();
    inner.wake.written();
    Ok(usize::try_from(removed).unwrap_or(usize::MAX))
}
