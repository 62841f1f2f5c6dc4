//! Carrying a hub from SQLite to PostgreSQL: every row as it is, in chunks, and both sides summed at the end.
//!
//! The source is held for the whole time, and read as of one moment; nothing is written to it. How far the copy is
//! stands in the target, in the transaction that wrote the rows: whoever is killed goes on by the same call. A
//! target that is not complete cannot be opened as a store.

mod columns;
mod source;
mod tables;
mod target;
mod value;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::source::{Chunk, Facts, Source};
use self::tables::{TABLES, Table};
use self::target::{Place, Target};
use self::value::{Sum, Value};
use crate::progress::{Listener, Progress, Step};
use crate::{StoreError, StoreResult, postgres};

/// Rows between two reports of the reading steps.
const TOLD_EVERY: u64 = 10_000;

/// How a copy is made.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Rows in one transaction of the target.
    pub chunk_rows: usize,
    pub postgres: postgres::Options,
}

impl Default for CopyOptions {
    fn default() -> CopyOptions {
        CopyOptions {
            chunk_rows: 2000,
            postgres: postgres::Options::default(),
        }
    }
}

/// What was copied, and whether both sides agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    pub tables: Vec<TableReport>,
    /// It went on with a copy that was cut short.
    pub resumed: bool,
    /// The last hub on the source did not end cleanly: the first one on the target puts in doubt what may have been
    /// on its way.
    pub unclean: bool,
}

/// One table on both sides. Sums are hexadecimal: of all values of all rows, in any order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableReport {
    pub table: &'static str,
    pub source_rows: u64,
    pub target_rows: u64,
    pub source_sum: String,
    pub target_sum: String,
}

impl TableReport {
    pub fn agrees(&self) -> bool {
        self.source_rows == self.target_rows && self.source_sum == self.target_sum
    }
}

impl CopyReport {
    /// Tables whose rows are not the same on both sides. If there is one the target cannot be opened as a store.
    pub fn differences(&self) -> Vec<&'static str> {
        let differ = self.tables.iter().filter(|table| !table.agrees());
        differ.map(|table| table.table).collect()
    }
}

/// Copies the SQLite database `from` to the PostgreSQL database `to`, which is empty or holds an unfinished copy of the
/// same. Afterwards look at [`CopyReport::differences`].
///
/// # Errors
/// `Unavailable` if a hub works on the source, or one side cannot be reached (the same call goes on); `Schema` if the
/// target holds something else, or a schema is not this version's; `Inconsistent` if a row cannot be carried.
pub async fn copy(
    from: &Path,
    to: &str,
    options: &CopyOptions,
    heard: Listener<'_>,
) -> StoreResult<CopyReport> {
    let source = Source::open(from)?;
    let facts = source.facts()?;
    let (sums, total) = read_all(&source, heard)?;
    let mut target = Target::open(to, &options.postgres).await?;
    let (place, resumed) = target.begin(&fingerprint(&sums, &facts)).await?;
    let source = Arc::new(Mutex::new(source));
    let chunk_rows = options.chunk_rows;
    carry(&source, &mut target, place, chunk_rows, total, heard).await?;
    let tables = compare(&target, &sums, total, heard).await?;
    let report = CopyReport {
        tables,
        resumed,
        unclean: facts.unclean,
    };
    if report.differences().is_empty() {
        target.finish(&facts).await?;
    }
    Ok(report)
}

/// Each table's sum, and the count of all rows.
fn read_all(source: &Source, heard: Listener<'_>) -> StoreResult<(Vec<Sum>, u64)> {
    let counts = TABLES.iter().map(|table| source.count(table));
    let total = counts.sum::<StoreResult<u64>>()?;
    let mut done = 0;
    let sums = TABLES.iter().map(|table| {
        tell(heard, Step::Reading, table, done, total);
        source.sum(table, || {
            done += 1;
            if done % TOLD_EVERY == 0 {
                tell(heard, Step::Reading, table, done, total);
            }
        })
    });
    Ok((sums.collect::<StoreResult<_>>()?, total))
}

/// The same for the same rows: a hub that works on the source makes it another one.
fn fingerprint(sums: &[Sum], facts: &Facts) -> String {
    let mut hash = Sha256::new();
    for sum in sums {
        hash.update(sum.rows.to_le_bytes());
        hash.update(sum.sum.to_le_bytes());
    }
    hash.update(facts.last_event.to_le_bytes());
    hash.update(facts.last_attempt.to_le_bytes());
    let digest = hash.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn carry(
    source: &Arc<Mutex<Source>>,
    target: &mut Target,
    mut place: Place,
    chunk_rows: usize,
    total: u64,
    heard: Listener<'_>,
) -> StoreResult<()> {
    let read = |table: &'static Table, after: Vec<Value>| {
        let source = source.clone();
        tokio::task::spawn_blocking(move || source.lock().chunk(table, &after, chunk_rows))
    };
    while let Some(table) = TABLES.get(place.table) {
        tell(heard, Step::Copying, table, place.rows, total);
        let mut reading = read(table, from_json(table, &place.after)?);
        loop {
            let Chunk { rows, after, last } = reading.await.map_err(lost)??;
            place.rows += rows.len() as u64;
            place.after = after.iter().map(to_json).collect();
            if last {
                place.table += 1;
                place.after.clear();
                target.write(table, rows, &place).await?;
                break;
            }
            // The next rows are read while these are written.
            reading = read(table, after);
            target.write(table, rows, &place).await?;
            tell(heard, Step::Copying, table, place.rows, total);
        }
    }
    Ok(())
}

async fn compare(
    target: &Target,
    sums: &[Sum],
    total: u64,
    heard: Listener<'_>,
) -> StoreResult<Vec<TableReport>> {
    let mut done = 0;
    let mut reports = Vec::new();
    for (table, source) in TABLES.iter().zip(sums) {
        tell(heard, Step::Checking, table, done, total);
        let found = target
            .sum(table, || {
                done += 1;
                if done % TOLD_EVERY == 0 {
                    tell(heard, Step::Checking, table, done, total);
                }
            })
            .await?;
        reports.push(TableReport {
            table: table.name,
            source_rows: source.rows,
            target_rows: found.rows,
            source_sum: format!("{:016x}", source.sum),
            target_sum: format!("{:016x}", found.sum),
        });
    }
    Ok(reports)
}

fn tell(heard: Listener<'_>, step: Step, table: &'static Table, done: u64, total: u64) {
    heard(Progress {
        step,
        table: table.name,
        done,
        total,
    });
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null | Value::Bytes(_) => serde_json::Value::Null,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Id(id) => uuid::Uuid::from_bytes(*id).to_string().into(),
    }
}

/// A key of the table, as [`to_json`] wrote it.
fn from_json(table: &'static Table, after: &[serde_json::Value]) -> StoreResult<Vec<Value>> {
    use self::tables::Kind;
    let bad = || {
        StoreError::Inconsistent {
        table: "meta",
        row: "copy.at".to_owned(),
        what: "the place where the copy goes on makes no sense to this version: begin anew in an empty database"
            .to_owned(),
    }
    };
    if !after.is_empty() && after.len() != table.key.len() {
        return Err(bad());
    }
    let read = |(value, (_, kind)): (&serde_json::Value, &(&str, Kind))| match kind {
        Kind::Int | Kind::Bool => value.as_i64().map(Value::Int),
        Kind::Text => value.as_str().map(|text| Value::Text(text.to_owned())),
        Kind::Id => (value.as_str())
            .and_then(|text| uuid::Uuid::parse_str(text).ok())
            .map(|id| Value::Id(id.into_bytes())),
        Kind::Bytes => None,
    };
    let values: Option<Vec<Value>> = after.iter().zip(table.key).map(read).collect();
    values.ok_or_else(bad)
}

fn lost(error: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable {
        what: format!("the thread that reads the source ended: {error}"),
    }
}
