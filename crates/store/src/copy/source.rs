//! The SQLite side: one snapshot, read in the order of keys.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::tables::{Column, Kind, Table};
use super::value::{Sum, Value};
use crate::sqlite::backup::{open_existing, sql_failed};
use crate::sqlite::{lock, schema};
use crate::{StoreError, StoreResult};

/// Rows that are written together are at most so heavy, so that neither side needs much memory.
const CHUNK_BYTES_MAX: usize = 4 << 20;

/// The file, held so that no hub works on it meanwhile.
pub(super) struct Source {
    conn: Connection,
    _lock: lock::Lock,
}

/// Rows, and the key of the last of them.
pub(super) struct Chunk {
    pub rows: Vec<Vec<Value>>,
    pub after: Vec<Value>,
    pub last: bool,
}

/// What the file says besides its rows.
pub(super) struct Facts {
    /// The last process on it did not end cleanly.
    pub unclean: bool,
    /// A hub has worked on it.
    pub started: bool,
    /// The highest positions ever given, those of rows that are gone included.
    pub last_event: i64,
    pub last_attempt: i64,
}

impl Source {
    pub(super) fn open(path: &Path) -> StoreResult<Source> {
        let lock = lock::take_existing(path)?;
        let conn = open_existing(path)?;
        schema::inspect(&conn, path)?;
        let missing = schema::names_after(schema::newest(&conn, path)?);
        if !missing.is_empty() {
            return Err(StoreError::Schema {
                what: format!(
                    "{} lacks the schema's newest steps: run `campanile admin migrate --store sqlite:{0}` first",
                    path.display()
                ),
            });
        }
        // One snapshot for everything, whatever other programs do.
        conn.execute_batch("BEGIN; SELECT count(*) FROM tally")
            .map_err(|e| failed("(file)", e))?;
        Ok(Source { conn, _lock: lock })
    }

    pub(super) fn facts(&self) -> StoreResult<Facts> {
        let meta = "SELECT value FROM meta WHERE name = 'store.running'";
        self.conn
            .query_row(
                &format!("SELECT ({meta}), last_event, last_attempt FROM tally"),
                [],
                |r| {
                    let running: Option<String> = r.get(0)?;
                    Ok(Facts {
                        unclean: running.as_deref() == Some("yes"),
                        started: running.is_some(),
                        last_event: r.get(1)?,
                        last_attempt: r.get(2)?,
                    })
                },
            )
            .map_err(|e| failed("tally", e))
    }

    pub(super) fn count(&self, table: &'static Table) -> StoreResult<u64> {
        // Joins keep every row once.
        let name = table.name;
        let sql = format!("SELECT count(*) FROM {name} WHERE {}", table.only);
        let rows: i64 = self
            .conn
            .query_row(&sql, [], |r| r.get(0))
            .map_err(|e| failed(name, e))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The table's sum; `heard` is called for each row.
    pub(super) fn sum(&self, table: &'static Table, mut heard: impl FnMut()) -> StoreResult<Sum> {
        let failed = |e| failed(table.name, e);
        let sql = select(table, "");
        let mut statement = self.conn.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut sum = Sum::default();
        while let Some(r) = rows.next().map_err(failed)? {
            sum.add(&row(table, r)?);
            heard();
        }
        Ok(sum)
    }

    /// The next rows after the key `after` (empty: from the first one).
    pub(super) fn chunk(
        &self,
        table: &'static Table,
        after: &[Value],
        limit: usize,
    ) -> StoreResult<Chunk> {
        let failed = |e| failed(table.name, e);
        let keys: Vec<&str> = table.key.iter().map(|(name, _)| *name).collect();
        let keys = keys.join(", ");
        let from = match after {
            [] => String::new(),
            after => {
                let marks = vec!["?"; after.len()].join(", ");
                format!(" AND ({keys}) > ({marks})")
            }
        };
        let sql = select(
            table,
            &format!("{from} ORDER BY {keys} LIMIT {}", limit.max(1)),
        );
        let mut statement = self.conn.prepare_cached(&sql).map_err(failed)?;
        let after = rusqlite::params_from_iter(after.iter().map(parameter));
        let mut rows = statement.query(after).map_err(failed)?;
        let mut chunk = Chunk {
            rows: Vec::new(),
            after: Vec::new(),
            last: true,
        };
        let mut weight = 0;
        while let Some(r) = rows.next().map_err(failed)? {
            let values = row(table, r)?;
            weight += values.iter().map(Value::weight).sum::<usize>();
            chunk.rows.push(values);
            if chunk.rows.len() >= limit.max(1) || weight >= CHUNK_BYTES_MAX {
                let first = table.columns.len();
                for (at, (name, kind)) in table.key.iter().enumerate() {
                    chunk.after.push(value(
                        table,
                        name,
                        *kind,
                        r.get_ref(first + at).map_err(failed)?,
                    )?);
                }
                chunk.last = false;
                break;
            }
        }
        Ok(chunk)
    }
}

/// Columns, then the key.
fn select(table: &Table, rest: &str) -> String {
    let columns = table.columns.iter().map(|column| column.from);
    let keys = table.key.iter().map(|(name, _)| *name);
    let columns: Vec<&str> = columns.chain(keys).collect();
    format!(
        "SELECT {} FROM {} WHERE {}{rest}",
        columns.join(", "),
        table.from,
        table.only
    )
}

fn row(table: &'static Table, r: &Row<'_>) -> StoreResult<Vec<Value>> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, Column { name, kind, .. }) in table.columns.iter().enumerate() {
        let found = r.get_ref(at).map_err(|e| failed(table.name, e))?;
        values.push(value(table, name, *kind, found)?);
    }
    if let Some(finish) = table.finish {
        finish(&mut values).map_err(|error| match error {
            StoreError::Inconsistent { row, what, .. } => StoreError::Inconsistent {
                table: table.name,
                row,
                what,
            },
            other => other,
        })?;
    }
    Ok(values)
}

fn value(
    table: &'static Table,
    column: &str,
    kind: Kind,
    found: ValueRef<'_>,
) -> StoreResult<Value> {
    let bad = |what: &str| StoreError::Inconsistent {
        table: table.name,
        row: "?".to_owned(),
        what: format!("{column} {what}"),
    };
    Ok(match (found, kind) {
        (ValueRef::Null, _) => Value::Null,
        // What holds a number here and an id there is finished by the table.
        (ValueRef::Integer(number), Kind::Int | Kind::Bool | Kind::Id) => Value::Int(number),
        (ValueRef::Blob(bytes), Kind::Id) => {
            let id = bytes.try_into().map_err(|_| bad("is no id"))?;
            Value::Id(id)
        }
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
        (ValueRef::Text(bytes), Kind::Text) => {
            let text = std::str::from_utf8(bytes).map_err(|_| bad("is not UTF-8"))?;
            if text.contains('\0') {
                return Err(bad(&format!(
                    "holds the character U+0000, which PostgreSQL cannot keep ({:?})",
                    text.chars().take(80).collect::<String>()
                )));
            }
            Value::Text(text.to_owned())
        }
        _ => return Err(bad("holds another kind of value")),
    })
}

fn parameter(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sql;
    match value {
        Value::Null => Sql::Null,
        Value::Int(number) => Sql::Integer(*number),
        Value::Id(id) => Sql::Blob(id.to_vec()),
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Bytes(bytes) => Sql::Blob(bytes.clone()),
    }
}

fn failed(table: &'static str, error: rusqlite::Error) -> StoreError {
    sql_failed(table, &"?", error)
}
