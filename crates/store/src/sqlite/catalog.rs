//! The configuration's rows, health, and small named values.

use model::{IntegrationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;

use super::blobs;
use super::fault::Res;
use super::writer::Tx;
use crate::format::docs;
use crate::{CatalogRows, HealthRow, RevisionRow, StartReport};

pub(super) fn read(conn: &Connection) -> Res<CatalogRows> {
    let mut revisions = Vec::new();
    let mut select = conn.prepare_cached(
        "SELECT integration, revision, sink, sealed, created_at FROM revision ORDER BY integration, revision",
    )?;
    let mut rows = select.query([])?;
    while let Some(r) = rows.next()? {
        revisions.push(RevisionRow {
            integration: blobs::integration(r.get(0)?),
            revision: r.get(1)?,
            sink: r.get(2)?,
            sealed: r.get(3)?,
            created_at: Timestamp(r.get(4)?),
        });
    }
    Ok(CatalogRows {
        version: version(conn)?,
        projects: docs_of(conn, "project", "SELECT doc FROM project ORDER BY id")?,
        sources: docs_of(conn, "source", "SELECT doc FROM source ORDER BY id")?,
        integrations: docs_of(
            conn,
            "integration",
            "SELECT doc FROM integration ORDER BY id",
        )?,
        revisions,
        health: docs_of(
            conn,
            "health",
            "SELECT doc FROM health ORDER BY integration, revision",
        )?,
    })
}

fn docs_of<T: DeserializeOwned>(conn: &Connection, table: &'static str, sql: &str) -> Res<Vec<T>> {
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let text: String = r.get(0)?;
        found.push(docs::read(table, found.len(), &text)?);
    }
    Ok(found)
}

/// How many changes the catalog has seen.
pub(super) fn version(conn: &Connection) -> Res<u64> {
    Ok(meta(conn, VERSION)?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

/// Tells whoever keeps a picture of the catalog, or of what hangs on its version, to read it again.
pub(super) fn move_on(tx: &mut Tx<'_>) -> Res<()> {
    let next = version(tx.conn)? + 1;
    set_meta(tx, VERSION, &next.to_string())
}

/// Writes all of it, or nothing if somebody else changed the catalog. Rows to be replaced go first, so that two may
/// exchange their names.
pub(super) fn put(tx: &mut Tx<'_>, change: &CatalogRows) -> Res<bool> {
    if version(tx.conn)? != change.version {
        return Ok(false);
    }
    move_on(tx)?;
    let conn = tx.conn;
    for row in &change.projects {
        conn.execute("DELETE FROM project WHERE id = ?1", [row.id.to_bytes()])?;
    }
    for row in &change.sources {
        conn.execute("DELETE FROM source WHERE id = ?1", [row.id.to_bytes()])?;
    }
    for row in &change.integrations {
        conn.execute("DELETE FROM integration WHERE id = ?1", [row.id.to_bytes()])?;
    }
    for row in &change.projects {
        conn.execute(
            "INSERT INTO project (id, name, deleted, doc) VALUES (?1, ?2, ?3, ?4)",
            params![
                row.id.to_bytes(),
                row.name,
                row.deleted,
                docs::write("project", row)?
            ],
        )?;
    }
    for row in &change.sources {
        conn.execute(
            "INSERT INTO source (id, project, name, deleted, doc) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.id.to_bytes(),
                row.project.to_bytes(),
                row.name,
                row.deleted,
                docs::write("source", row)?
            ],
        )?;
    }
    for row in &change.integrations {
        conn.execute(
            "INSERT INTO integration (id, project, name, deleted, doc) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.id.to_bytes(),
                row.project.to_bytes(),
                row.name,
                row.deleted,
                docs::write("integration", row)?
            ],
        )?;
    }
    for row in &change.revisions {
        conn.execute(
            "INSERT OR REPLACE INTO revision (integration, revision, sink, sealed, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.integration.to_bytes(),
                row.revision,
                row.sink,
                row.sealed,
                row.created_at.0
            ],
        )?;
    }
    Ok(true)
}

pub(super) fn put_health(tx: &mut Tx<'_>, health: &[HealthRow]) -> Res<()> {
    move_on(tx)?;
    for row in health {
        let key = (row.integration.to_bytes(), row.revision);
        match &row.suspended {
            None => tx.conn.execute(
                "DELETE FROM health WHERE integration = ?1 AND revision = ?2",
                key,
            )?,
            Some(_) => tx.conn.execute(
                "INSERT OR REPLACE INTO health (integration, revision, doc) VALUES (?1, ?2, ?3)",
                (key.0, key.1, docs::write("health", row)?),
            )?,
        };
    }
    Ok(())
}

/// Removes a revision with its health; with its last one the integration.
pub(super) fn remove_revision(
    tx: &mut Tx<'_>,
    integration: IntegrationId,
    revision: u32,
) -> Res<()> {
    move_on(tx)?;
    let key = (integration.to_bytes(), revision);
    for table in ["revision", "health"] {
        let sql = format!("DELETE FROM {table} WHERE integration = ?1 AND revision = ?2");
        tx.conn.execute(&sql, key)?;
    }
    tx.conn.execute(
        "DELETE FROM integration WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM revision WHERE integration = ?1)",
        [key.0],
    )?;
    Ok(())
}

/// Names in `meta` that are the store's own; callers' names never meet them.
const RUNNING: &str = "store.running";
const VERSION: &str = "store.catalog";

pub(super) fn start(tx: &mut Tx<'_>, now: Timestamp) -> Res<StartReport> {
    let before = meta(tx.conn, RUNNING)?;
    set_meta(tx, RUNNING, "yes")?;
    tx.conn
        .execute("DELETE FROM bucket WHERE blocked_until <= ?1", [now.0])?;
    Ok(StartReport {
        clean: before.as_deref() != Some("yes"),
        first: before.is_none(),
    })
}

pub(super) fn stop_clean(tx: &mut Tx<'_>) -> Res<()> {
    set_meta(tx, RUNNING, "no")
}

pub(super) fn meta(conn: &Connection, name: &str) -> Res<Option<String>> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(select.query_row([name], |r| r.get(0)).optional()?)
}

pub(super) fn set_meta(tx: &mut Tx<'_>, name: &str, value: &str) -> Res<()> {
    tx.conn
        .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?
        .execute([name, value])?;
    Ok(())
}
