//! The PostgreSQL side: chunks with the place where the next one begins, in one transaction each.

use futures_util::TryStreamExt;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::columns::{as_columns, insert, read_as, value};
use super::source::Facts;
use super::tables::{TABLES, Table};
use super::value::{Sum, Value};
use crate::postgres::{self, Alone};
use crate::{StoreError, StoreResult};

/// Names in `meta`. The store refuses to open a database in which `copy.state` is `running`.
const STATE: &str = "copy.state";
/// What is copied: a fingerprint of the source's rows.
const OF: &str = "copy.of";
/// How far it is.
const AT: &str = "copy.at";

/// Held by whoever copies: one at a time. "campcopy" in ASCII.
const LOCK: i64 = 0x6361_6d70_636f_7079;

pub(super) struct Target {
    alone: Alone,
}

/// Where the copy goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// A place in `TABLES`.
    pub table: usize,
    /// The key of the last row that was written of it, in JSON's words.
    pub after: Vec<serde_json::Value>,
    /// Rows written so far, of all tables.
    pub rows: u64,
}

impl Target {
    /// Connects, and makes the schema as this program knows it.
    pub(super) async fn open(url: &str, options: &postgres::Options) -> StoreResult<Target> {
        postgres::migrate(url, options, false).await?;
        let alone = postgres::alone(url, options).await?;
        let target = Target { alone };
        // After a kill the server may need a moment to notice: so long its lock is waited for.
        target
            .client()
            .batch_execute(
                "SET statement_timeout = 0; SET lock_timeout = '10s'; SET enable_seqscan = on;
                 SET idle_in_transaction_session_timeout = 0",
            )
            .await
            .map_err(|e| failed("(connection)", e))?;
        let held = target
            .client()
            .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
            .await;
        match held {
            Ok(_) => Ok(target),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                Err(StoreError::Unavailable {
                    what: "somebody else copies into this database: wait for the end, or end it"
                        .to_owned(),
                })
            }
            Err(error) => Err(failed("(connection)", error)),
        }
    }

    fn client(&self) -> &Client {
        self.alone.client()
    }

    async fn meta(&self, name: &str) -> StoreResult<Option<String>> {
        let row = self
            .client()
            .query_opt("SELECT value FROM meta WHERE name = $1", &[&name])
            .await
            .map_err(|e| failed("meta", e))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Where to begin: at the start of an empty database, or where the copy of the same source was left.
    pub(super) async fn begin(&self, fingerprint: &str) -> StoreResult<(Place, bool)> {
        match self.meta(STATE).await?.as_deref() {
            Some("running") => {}
            Some(_) => {
                return Err(occupied(
                    "it holds a finished copy, on which hubs may have worked",
                ));
            }
            None => {
                self.must_be_empty().await?;
                let sql =
                    "INSERT INTO meta (name, value) VALUES ($1, 'running'), ($2, $3), ($4, $5)";
                let place = serde_json::to_string(&Place::default()).unwrap_or_default();
                self.client()
                    .execute(sql, &[&STATE, &OF, &fingerprint, &AT, &place])
                    .await
                    .map_err(|e| failed("meta", e))?;
                return Ok((Place::default(), false));
            }
        }
        if self.meta(OF).await?.as_deref() != Some(fingerprint) {
            return Err(occupied(
                "it holds an unfinished copy of another source, or of this one before a hub changed it",
            ));
        }
        let place = self.meta(AT).await?.unwrap_or_default();
        let place = serde_json::from_str(&place).map_err(|e| StoreError::Inconsistent {
            table: "meta",
            row: AT.to_owned(),
            what: e.to_string(),
        })?;
        Ok((place, true))
    }

    async fn must_be_empty(&self) -> StoreResult<()> {
        let own = "name <> 'store.feed' AND name NOT LIKE 'schema.%'";
        let tables = TABLES.iter().map(|table| match table.name {
            "meta" => ("meta", own),
            name => (name, "true"),
        });
        for (name, only) in tables.chain([("node", "true"), ("lease", "true")]) {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {name} WHERE {only})");
            let row = self
                .client()
                .query_one(&sql, &[])
                .await
                .map_err(|e| failed("(target)", e))?;
            if row.get::<_, bool>(0) {
                return Err(occupied(&format!("a hub's data is in it (table {name})")));
            }
        }
        Ok(())
    }

    /// Writes rows, and that the copy goes on at `next`.
    pub(super) async fn write(
        &mut self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
        next: &Place,
    ) -> StoreResult<()> {
        let fault = |e| failed(table.name, e);
        let place = serde_json::to_string(next).unwrap_or_default();
        let transaction = self.alone.client_mut().transaction().await.map_err(fault)?;
        if !rows.is_empty() {
            let columns = as_columns(table, rows)?;
            let columns: Vec<&(dyn ToSql + Sync)> =
                columns.iter().map(|column| column.parameter()).collect();
            transaction
                .execute(&insert(table), &columns)
                .await
                .map_err(fault)?;
        }
        transaction
            .execute("UPDATE meta SET value = $2 WHERE name = $1", &[&AT, &place])
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)
    }

    /// The table's sum as PostgreSQL has it; `heard` is called for each row.
    pub(super) async fn sum(
        &self,
        table: &'static Table,
        mut heard: impl FnMut(),
    ) -> StoreResult<Sum> {
        let fault = |e| failed(table.name, e);
        let columns: Vec<String> = table.columns.iter().map(read_as).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            columns.join(", "),
            table.name,
            table.only
        );
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.client().query_raw(&sql, none).await.map_err(fault)?;
        futures_util::pin_mut!(rows);
        let mut sum = Sum::default();
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            let values: Result<Vec<Value>, _> = (table.columns.iter().enumerate())
                .map(|(at, column)| value(&row, at, column.kind))
                .collect();
            sum.add(&values.map_err(fault)?);
            heard();
        }
        Ok(sum)
    }

    /// Numbers go on after the source's, and the database may be opened.
    pub(super) async fn finish(&mut self, facts: &Facts) -> StoreResult<()> {
        let fault = |e| failed("(end of the copy)", e);
        let transaction = self.alone.client_mut().transaction().await.map_err(fault)?;
        for (table, column, at_least) in [
            ("slot", "slot", 0_i64),
            ("attempt", "pos", facts.last_attempt),
        ] {
            transaction
                .execute(
                    &format!(
                        "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), greatest(high, 1), high > 0)
                         FROM (SELECT greatest(coalesce(max({column}), 0), $1) AS high FROM {table}) AS t"
                    ),
                    &[&at_least],
                )
                .await
                .map_err(fault)?;
        }
        // Positions of new events hold a transaction's number, which must be beyond every position ever given.
        transaction
            .execute(
                "INSERT INTO meta (name, value)
                 SELECT 'store.feed', greatest(($1::bigint >> 20) + 1 - pg_current_xact_id()::text::bigint, 0)::text
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[&facts.last_event],
            )
            .await
            .map_err(fault)?;
        for (name, wanted) in [
            ("store.started", facts.started),
            ("store.unclean", facts.unclean),
        ] {
            if wanted {
                transaction
                    .execute(
                        "INSERT INTO meta (name, value) VALUES ($1, 'yes')",
                        &[&name],
                    )
                    .await
                    .map_err(fault)?;
            }
        }
        transaction
            .execute("DELETE FROM meta WHERE name = $1", &[&AT])
            .await
            .map_err(fault)?;
        transaction
            .execute("UPDATE meta SET value = 'done' WHERE name = $1", &[&STATE])
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        // What the copy wrote is news to the planner; that it could not be told is no reason to refuse the copy.
        if let Err(error) = self.client().batch_execute("ANALYZE").await {
            tracing::warn!(%error, "ANALYZE after the copy failed; run it by hand");
        }
        Ok(())
    }
}

fn occupied(why: &str) -> StoreError {
    StoreError::Schema {
        what: format!(
            "the target is not empty: {why}. Give a new database (CREATE DATABASE …), or drop what is in this one and run the copy again"
        ),
    }
}

fn failed(table: &'static str, error: tokio_postgres::Error) -> StoreError {
    postgres::failed(table, error)
}
