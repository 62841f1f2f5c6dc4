//! Back-up and restore of the file, and what its schema says, without a store at work on it.
//!
//! A backup holds one read transaction from its first page to its last: it is the database of that moment, and a hub
//! that writes meanwhile is neither stopped nor makes it begin anew. The hub's log (`-wal`) is not shortened for so long.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::Serialize;

use super::{Options, lock, schema};
use crate::progress::{Listener, Progress, Step};
use crate::{StoreError, StoreResult};

/// Pages (8 kB) in one step: between two of them progress is told.
const STEP_PAGES: i32 = 512;

/// A database file that was written and looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    pub bytes: u64,
    /// The newest step of its schema.
    pub schema: i64,
    /// Each table's name and count of rows.
    pub tables: Vec<(String, u64)>,
}

/// Copies the database at `from`, on which a hub may be at work, into the new file `to`, readable by its owner alone,
/// and checks the copy whole. Blocks.
///
/// # Errors
/// `Schema` if `from` is no hub's database, `Unavailable` if a file cannot be read or written or `to` exists,
/// `Inconsistent` if the copy does not pass SQLite's own check.
pub fn backup(from: &Path, to: &Path, heard: Listener<'_>) -> StoreResult<FileReport> {
    carry(from, to, heard)
}

/// Makes the database at `to` from the backup `from`. Blocks.
///
/// # Errors
/// As [`backup`]; also `Unavailable` if a hub works on `to`, or anything of an older database is there.
pub fn restore(from: &Path, to: &Path, heard: Listener<'_>) -> StoreResult<FileReport> {
    let _lock = lock::take(to)?;
    // A log that lies about would be taken for the restored file's.
    for tail in ["", "-wal", "-shm", "-journal"] {
        let path = with_tail(to, tail);
        if path.exists() {
            return Err(refused(format!(
                "{} is there already: move it away first, or restore to another place",
                path.display()
            )));
        }
    }
    let source = open_existing(from)?;
    schema::inspect(&source, from)?;
    whole(&source, from)?;
    drop(source);
    carry(from, to, heard)
}

/// Applies the schema's missing steps to the database at `path`; names of those taken. Blocks.
///
/// # Errors
/// As [`super::SqliteStore::open`]; `Unavailable` also if there is no file.
pub fn migrate(path: &Path, options: &Options) -> StoreResult<Vec<String>> {
    let _lock = lock::take_existing(path)?;
    let before = schema::newest(&open_existing(path)?, path)?;
    let conn = schema::open_writer(Some(path), options)?;
    let taken = schema::names_after(before);
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .map_err(|e| sql(path, e))?;
    Ok(taken)
}

/// A connection that only reads a file that must be there.
pub(crate) fn open_existing(path: &Path) -> StoreResult<Connection> {
    if !path.is_file() {
        return Err(refused(format!(
            "there is no database {}: is the path right?",
            path.display()
        )));
    }
    schema::open_reader(path, &Options::default())
}

fn carry(from: &Path, to: &Path, heard: Listener<'_>) -> StoreResult<FileReport> {
    let source = open_existing(from)?;
    schema::inspect(&source, from)?;
    if to.exists() {
        return Err(exists(to));
    }
    // Under another name until it is whole: who finds the file finds a good one.
    let partial = with_tail(to, ".partial");
    let made = new_file(&partial).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => refused(format!(
            "{} is there: another backup is being written, or one was cut short; in that case remove it",
            partial.display()
        )),
        _ => io(&partial, &error),
    })?;
    drop(made);
    let report = write(&source, from, &partial, heard).and_then(|report| {
        put_in_place(&partial, to)?;
        Ok(report)
    });
    if report.is_err() {
        // It is of no use; that it could not be removed either is not the error to tell.
        let _gone = std::fs::remove_file(&partial);
    }
    report
}

fn write(
    source: &Connection,
    from: &Path,
    partial: &Path,
    heard: Listener<'_>,
) -> StoreResult<FileReport> {
    let failed = |e| sql(partial, e);
    let mut target = Connection::open(partial).map_err(failed)?;
    // The whole file is made durable at the end, or thrown away.
    target
        .execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off")
        .map_err(failed)?;
    source
        .execute_batch("BEGIN; SELECT count(*) FROM meta")
        .map_err(|e| sql(from, e))?;
    {
        let backup = Backup::new(source, &mut target).map_err(failed)?;
        loop {
            let step = backup.step(STEP_PAGES).map_err(failed)?;
            let pages = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            heard(Progress {
                step: Step::Copying,
                table: "",
                done: count(pages.pagecount - pages.remaining),
                total: count(pages.pagecount),
            });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Both databases are this call's alone, but for a checkpoint's moment.
                _ => std::thread::yield_now(),
            }
        }
    }
    source.execute_batch("COMMIT").map_err(|e| sql(from, e))?;
    // One file that needs no other beside it; a store that opens it sets its log up again.
    target
        .execute_batch("PRAGMA journal_mode = delete")
        .map_err(failed)?;
    heard(Progress {
        step: Step::Checking,
        table: "",
        done: 0,
        total: 1,
    });
    schema::inspect(&target, partial)?;
    whole(&target, partial)?;
    let report = describe(&target, partial)?;
    target.close().map_err(|(_, e)| failed(e))?;
    heard(Progress {
        step: Step::Checking,
        table: "",
        done: 1,
        total: 1,
    });
    Ok(report)
}

/// SQLite's own check of every page and index.
fn whole(conn: &Connection, path: &Path) -> StoreResult<()> {
    let said: String = conn
        .query_row("PRAGMA integrity_check(3)", [], |r| r.get(0))
        .map_err(|e| sql(path, e))?;
    match said.as_str() {
        "ok" => Ok(()),
        said => Err(StoreError::Inconsistent {
            table: "(file)",
            row: path.display().to_string(),
            what: format!("the database is damaged: {said}"),
        }),
    }
}

fn describe(conn: &Connection, path: &Path) -> StoreResult<FileReport> {
    let count = || -> rusqlite::Result<Vec<(String, u64)>> {
        let mut names = conn.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )?;
        let names: Vec<String> = names
            .query_map([], |r| r.get(0))?
            .collect::<Result<_, _>>()?;
        names
            .into_iter()
            .map(|name| {
                let sql = format!("SELECT count(*) FROM \"{name}\"");
                let rows: i64 = conn.query_row(&sql, [], |r| r.get(0))?;
                Ok((name, u64::try_from(rows).unwrap_or(0)))
            })
            .collect()
    };
    Ok(FileReport {
        bytes: std::fs::metadata(path).map_err(|e| io(path, &e))?.len(),
        schema: schema::newest(conn, path)?,
        tables: count().map_err(|e| sql(path, e))?,
    })
}

/// Makes the file durable and gives it its name, if that is still free.
fn put_in_place(partial: &Path, to: &Path) -> StoreResult<()> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(partial).map_err(|e| io(partial, &e))?;
    // The name is taken first, and then given to the file in one move: nobody's file is overwritten.
    let taken = new_file(to);
    drop(taken.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(to),
        _ => io(to, &error),
    })?);
    std::fs::rename(partial, to).map_err(|e| io(to, &e))?;
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    sync(folder).map_err(|e| io(folder, &e))
}

/// For its owner alone: it holds what alerts say, and sealed secrets.
fn new_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn with_tail(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    PathBuf::from(name)
}

fn exists(path: &Path) -> StoreError {
    refused(format!(
        "{} is there already, and nothing is overwritten: give another name",
        path.display()
    ))
}

fn refused(what: String) -> StoreError {
    StoreError::Unavailable { what }
}

fn io(path: &Path, error: &std::io::Error) -> StoreError {
    refused(format!("{}: {error}", path.display()))
}

fn sql(path: &Path, error: rusqlite::Error) -> StoreError {
    sql_failed("(file)", &path.display(), error)
}

/// SQLite's error as the store says it.
pub(crate) fn sql_failed(
    table: &'static str,
    row: &dyn Display,
    error: rusqlite::Error,
) -> StoreError {
    super::fault::Fault::from(error).into_store(table, row)
}
