//! The configuration's rows, health, and small named values.

use model::{IntegrationId, Timestamp};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Inner;
use super::connect::Conn;
use super::fault::{Fault, Res};
use crate::format::{codes, docs};
use crate::{CatalogRows, HealthRow, RevisionRow, StartReport};

/// Names in `meta` that are the store's own; callers' names never meet them.
const STARTED: &str = "store.started";
const UNCLEAN: &str = "store.unclean";
const VERSION: &str = "store.catalog";

pub(super) async fn read(inner: &Inner) -> Res<CatalogRows> {
    let conn = inner.conn().await?;
    conn.batch_execute(super::load::BEGIN).await?;
    let version = meta_of(&conn, VERSION).await?;
    let revisions = conn
        .query(
            "SELECT integration, revision, sink, sealed, created_at FROM revision ORDER BY integration, revision",
            &[],
        )
        .await?;
    let rows = CatalogRows {
        version: number(version),
        projects: docs_of(&conn, "project", "SELECT doc FROM project ORDER BY id").await?,
        sources: docs_of(&conn, "source", "SELECT doc FROM source ORDER BY id").await?,
        integrations: docs_of(
            &conn,
            "integration",
            "SELECT doc FROM integration ORDER BY id",
        )
        .await?,
        revisions: revisions
            .iter()
            .map(|row| {
                Ok(RevisionRow {
                    integration: IntegrationId(row.get::<_, Uuid>(0).as_u128()),
                    revision: codes::number("revision", row.get(1))?,
                    sink: row.get(2),
                    sealed: row.get(3),
                    created_at: Timestamp(row.get(4)),
                })
            })
            .collect::<Res<_>>()?,
        health: docs_of(
            &conn,
            "health",
            "SELECT doc FROM health ORDER BY integration, revision",
        )
        .await?,
    };
    conn.batch_execute("COMMIT").await?;
    conn.done();
    Ok(rows)
}

async fn docs_of<T: DeserializeOwned>(conn: &Conn, table: &'static str, sql: &str) -> Res<Vec<T>> {
    let rows = conn.query(sql, &[]).await?;
    let read = |(at, row): (usize, &tokio_postgres::Row)| docs::read(table, at, row.get(0));
    Ok(rows
        .iter()
        .enumerate()
        .map(read)
        .collect::<Result<_, _>>()?)
}

fn number(text: Option<String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

pub(super) async fn version(inner: &Inner) -> Res<u64> {
    Ok(number(meta(inner, VERSION).await?))
}

/// Locks the catalog for the rest of the transaction and moves its version on; the one before.
pub(super) async fn move_on(conn: &Conn) -> Res<u64> {
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ($1, '0') ON CONFLICT DO NOTHING",
        &[&VERSION],
    )
    .await?;
    let row = conn
        .query_one(
            "SELECT value FROM meta WHERE name = $1 FOR UPDATE",
            &[&VERSION],
        )
        .await?;
    let before = number(row.get(0));
    conn.execute(
        "UPDATE meta SET value = $2 WHERE name = $1",
        &[&VERSION, &(before + 1).to_string()],
    )
    .await?;
    Ok(before)
}

/// Writes all of it, or nothing if somebody else changed the catalog. Rows to be replaced go first, so that two may
/// exchange their names.
pub(super) async fn put(inner: &Inner, change: &CatalogRows) -> Res<bool> {
    let conn = inner.conn().await?;
    conn.batch_execute("BEGIN").await?;
    if move_on(&conn).await? != change.version {
        conn.batch_execute("ROLLBACK").await?;
        conn.done();
        return Ok(false);
    }
    let id = |id: u128| Uuid::from_u128(id);
    for row in &change.projects {
        conn.execute("DELETE FROM project WHERE id = $1", &[&id(row.id.0)])
            .await?;
    }
    for row in &change.sources {
        conn.execute("DELETE FROM source WHERE id = $1", &[&id(row.id.0)])
            .await?;
    }
    for row in &change.integrations {
        conn.execute("DELETE FROM integration WHERE id = $1", &[&id(row.id.0)])
            .await?;
    }
    for row in &change.projects {
        let doc = docs::write("project", row)?;
        conn.execute(
            "INSERT INTO project (id, name, deleted, doc) VALUES ($1, $2, $3, $4)",
            &[&id(row.id.0), &row.name, &row.deleted, &doc],
        )
        .await?;
    }
    for row in &change.sources {
        let doc = docs::write("source", row)?;
        conn.execute(
            "INSERT INTO source (id, project, name, deleted, doc) VALUES ($1, $2, $3, $4, $5)",
            &[
                &id(row.id.0),
                &id(row.project.0),
                &row.name,
                &row.deleted,
                &doc,
            ],
        )
        .await?;
    }
    for row in &change.integrations {
        let doc = docs::write("integration", row)?;
        conn.execute(
            "INSERT INTO integration (id, project, name, deleted, doc) VALUES ($1, $2, $3, $4, $5)",
            &[
                &id(row.id.0),
                &id(row.project.0),
                &row.name,
                &row.deleted,
                &doc,
            ],
        )
        .await?;
    }
    for row in &change.revisions {
        conn.execute(
            "INSERT INTO revision (integration, revision, sink, sealed, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (integration, revision) DO UPDATE SET sink = excluded.sink, sealed = excluded.sealed,
                 created_at = excluded.created_at",
            &[
                &id(row.integration.0),
                &i64::from(row.revision),
                &row.sink,
                &row.sealed,
                &row.created_at.0,
            ],
        )
        .await?;
    }
    conn.batch_execute("COMMIT").await?;
    conn.done();
    inner.wake.written();
    Ok(true)
}

pub(super) async fn put_health(inner: &Inner, health: &[HealthRow]) -> Res<()> {
    let conn = inner.conn().await?;
    conn.batch_execute("BEGIN").await?;
    move_on(&conn).await?;
    for row in health {
        let (integration, revision) = (Uuid::from_u128(row.integration.0), i64::from(row.revision));
        match &row.suspended {
            None => {
                conn.execute(
                    "DELETE FROM health WHERE integration = $1 AND revision = $2",
                    &[&integration, &revision],
                )
                .await?
            }
            Some(_) => {
                conn.execute(
                    "INSERT INTO health (integration, revision, doc) VALUES ($1, $2, $3)
                     ON CONFLICT (integration, revision) DO UPDATE SET doc = excluded.doc",
                    &[&integration, &revision, &docs::write("health", row)?],
                )
                .await?
            }
        };
    }
    conn.batch_execute("COMMIT").await?;
    conn.done();
    inner.wake.written();
    Ok(())
}

/// Removes a revision with its health; with its last one the integration.
pub(super) async fn remove_revision(
    inner: &Inner,
    integration: IntegrationId,
    revision: u32,
) -> Res<()> {
    let conn = inner.conn().await?;
    let (integration, revision) = (Uuid::from_u128(integration.0), i64::from(revision));
    conn.batch_execute("BEGIN").await?;
    move_on(&conn).await?;
    for table in ["revision", "health"] {
        let sql = format!("DELETE FROM {table} WHERE integration = $1 AND revision = $2");
        conn.execute(&sql, &[&integration, &revision]).await?;
    }
    conn.execute(
        "DELETE FROM integration WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM revision WHERE integration = $1)",
        &[&integration],
    )
    .await?;
    conn.batch_execute("COMMIT").await?;
    conn.done();
    inner.wake.written();
    Ok(())
}

/// Whether this is the first start. No claim is ever in memory only, so that a start is unclean only once: after
/// `admin copy` from a store whose last process was killed.
pub(super) async fn start(inner: &Inner) -> Res<StartReport> {
    let conn = inner.conn().await?;
    let first = conn
        .execute(
            "INSERT INTO meta (name, value) VALUES ($1, 'yes') ON CONFLICT DO NOTHING",
            &[&STARTED],
        )
        .await?;
    let unclean = meta_of(&conn, UNCLEAN).await?.is_some();
    conn.done();
    Ok(StartReport {
        clean: !unclean,
        first: first == 1 && !unclean,
    })
}

/// Every node that starts before this was said puts the same claims in doubt: once more does no harm.
pub(super) async fn doubted(inner: &Inner) -> Res<()> {
    let conn = inner.conn().await?;
    conn.execute("DELETE FROM meta WHERE name = $1", &[&UNCLEAN])
        .await?;
    conn.done();
    Ok(())
}

async fn meta_of(conn: &Conn, name: &str) -> Res<Option<String>> {
    let select = conn
        .prepare_cached("SELECT value FROM meta WHERE name = $1")
        .await?;
    let row = conn.query_opt(&select, &[&name]).await?;
    Ok(row.map(|row| row.get(0)))
}

pub(super) async fn meta(inner: &Inner, name: &str) -> Res<Option<String>> {
    let conn = inner.conn().await?;
    let value = meta_of(&conn, name).await?;
    conn.done();
    Ok(value)
}

pub(super) async fn set_meta(inner: &Inner, name: &str, value: &str) -> Res<()> {
    let conn = inner.conn().await?;
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[&name, &value],
    )
    .await?;
    conn.done();
    Ok::<_, Fault>(())
}
