//! Opening the file: settings of a connection, migrations, and the refusal of what is not ours.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::Options;
use super::fault::Res;
use crate::{StoreError, StoreResult};

/// "CMPL": marks the file as Campanile's (`file` and SQLite show it).
const APPLICATION_ID: i64 = 0x434d_504c;

/// Numbered from 1 without gaps; a published one never changes, which its checksum in the database proves.
const MIGRATIONS: [(&str, &str); 2] = [
    (
        "0001_initial",
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    ),
    (
        "0002_silences",
        include_str!("../../migrations/sqlite/0002_silences.sql"),
    ),
];

/// The writer's connection, with the schema up to date.
pub(super) fn open_writer(path: Option<&Path>, options: &Options) -> StoreResult<Connection> {
    let opened = match path {
        Some(path) => Connection::open(path),
        None => Connection::open_in_memory(),
    };
    let named = |e: rusqlite::Error| StoreError::Unavailable {
        what: format!(
            "cannot open the database {}: {e}",
            path.map_or("in memory".into(), |p| p.display().to_string())
        ),
    };
    let mut conn = opened.map_err(named)?;
    refuse_foreign(&conn, path).map_err(|e| flat(e, path))??;
    configure(&conn, options).map_err(|e| flat(e.into(), path))?;
    let mode: String = conn
        .pragma_query_value(None, "journal_mode", |r| r.get(0))
        .map_err(named)?;
    if path.is_some() && mode != "wal" {
        return Err(StoreError::Unavailable {
            what: format!(
                "SQLite cannot keep a write-ahead log here (journal mode {mode}): \
                 the data folder must be on a local disk, not on a network share"
            ),
        });
    }
    migrate(&mut conn, &MIGRATIONS).map_err(|e| flat(e, path))??;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path, options: &Options) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let open = || -> Result<Connection, rusqlite::Error> {
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(options.busy)?;
        conn.pragma_update(None, "cache_size", -options.reader_cache_kib)?;
        conn.set_prepared_statement_cache_capacity(64);
        Ok(conn)
    };
    open().map_err(|e| flat(e.into(), Some(path)))
}

fn configure(conn: &Connection, options: &Options) -> Result<(), rusqlite::Error> {
    conn.busy_timeout(options.busy)?;
    // 8 kB: of 4, 8 and 16 the fastest for rows of this size. Takes effect on a new file only.
    conn.pragma_update(None, "page_size", 8192)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    // I1: a commit is on the disk before it is answered.
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "cache_size", -options.writer_cache_kib)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "wal_autocheckpoint", options.checkpoint_pages)?;
    // A log that grew under a long reader shrinks again.
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    if let Some(pages) = options.pages_max {
        conn.pragma_update(None, "max_page_count", pages)?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A file with tables that are not Campanile's is left as it is.
fn refuse_foreign(conn: &Connection, path: Option<&Path>) -> Res<StoreResult<()>> {
    let application: i64 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Ok(Err(StoreError::Schema {
            what: format!(
                "{} is a database of another program: name a file that does not exist yet",
                path.map_or("it".into(), |p| p.display().to_string())
            ),
        }));
    }
    Ok(Ok(()))
}

/// Refuses a file that is no hub's database, or one of a schema that this program does not know. Changes nothing.
pub(crate) fn inspect(conn: &Connection, path: &Path) -> StoreResult<()> {
    let look = || -> Res<StoreResult<()>> {
        let application: i64 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
        if application != APPLICATION_ID {
            return Ok(Err(StoreError::Schema {
                what: format!("{} is not a hub's database", path.display()),
            }));
        }
        let mut select = conn.prepare("SELECT number, checksum FROM migration ORDER BY number")?;
        let mut rows = select.query([])?;
        while let Some(r) = rows.next()? {
            let number: i64 = r.get(0)?;
            let known = usize::try_from(number - 1)
                .ok()
                .and_then(|place| MIGRATIONS.get(place));
            let sum: i64 = r.get(1)?;
            if known.is_none_or(|(_, sql)| crate::format::checksum(sql) != sum) {
                return Ok(Err(StoreError::Schema {
                    what: format!(
                        "{} has a schema that this version does not know (step {number}): use the version that wrote it, or a newer one",
                        path.display()
                    ),
                }));
            }
        }
        Ok(Ok(()))
    };
    look().map_err(|e| flat(e, Some(path)))?
}

/// The newest step of the schema that the database has.
pub(crate) fn newest(conn: &Connection, path: &Path) -> StoreResult<i64> {
    conn.query_row("SELECT coalesce(max(number), 0) FROM migration", [], |r| {
        r.get(0)
    })
    .map_err(|e| flat(e.into(), Some(path)))
}

/// Names of the steps that this program knows beyond this one.
pub(crate) fn names_after(number: i64) -> Vec<String> {
    let known = usize::try_from(number).unwrap_or(0);
    let names = MIGRATIONS.iter().skip(known);
    names.map(|(name, _)| (*name).to_owned()).collect()
}

/// Brings the schema up to date, each step in a transaction of its own.
fn migrate(conn: &mut Connection, known: &[(&str, &str)]) -> Res<StoreResult<()>> {
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (
            number   INTEGER NOT NULL PRIMARY KEY,
            name     TEXT NOT NULL,
            checksum INTEGER NOT NULL
        ) STRICT",
    )?;
    let newest: i64 =
        conn.query_row("SELECT coalesce(max(number), 0) FROM migration", [], |r| {
            r.get(0)
        })?;
    if newest > crate::format::codes::limit(known.len()) {
        return Ok(Err(StoreError::Schema {
            what: format!(
                "the database was written by a newer Campanile (schema {newest}, this one knows {}): \
                 run that version or newer; there is no way back but a backup",
                known.len()
            ),
        }));
    }
    for (number, (name, sql)) in (1i64..).zip(known) {
        let applied: Option<i64> = conn
            .query_row(
                "SELECT checksum FROM migration WHERE number = ?1",
                [number],
                |r| r.get(0),
            )
            .optional()?;
        match applied {
            Some(sum) if sum == crate::format::checksum(sql) => {}
            Some(_) => {
                return Ok(Err(StoreError::Schema {
                    what: format!(
                        "migration {name} is not the one that made this database: \
                         it was written by a build that was never released; use that build or a new file"
                    ),
                }));
            }
            None => {
                let tx = conn.transaction()?;
                tx.execute_batch(sql)?;
                tx.execute(
                    "INSERT INTO migration (number, name, checksum) VALUES (?1, ?2, ?3)",
                    params![number, name, crate::format::checksum(sql)],
                )?;
                tx.commit()?;
            }
        }
    }
    Ok(Ok(()))
}

fn flat(fault: super::fault::Fault, path: Option<&Path>) -> StoreError {
    let name = path.map_or("in memory".into(), |p| p.display().to_string());
    fault.into_store("(schema)", &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_run_once_and_a_changed_one_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        let first = [("0001_a", "CREATE TABLE a (x INTEGER) STRICT")];
        migrate(&mut conn, &first).unwrap().unwrap();
        migrate(&mut conn, &first).unwrap().unwrap();
        let both = [first[0], ("0002_b", "CREATE TABLE b (x INTEGER) STRICT")];
        migrate(&mut conn, &both).unwrap().unwrap();
        let edited = [("0001_a", "CREATE TABLE a (x TEXT) STRICT"), both[1]];
        let error = migrate(&mut conn, &edited).unwrap().unwrap_err();
        assert!(error.to_string().contains("0001_a"), "{error}");
        let error = migrate(&mut conn, &first).unwrap().unwrap_err();
        assert!(error.to_string().contains("newer Campanile"), "{error}");
    }

    #[test]
    fn a_failing_migration_leaves_nothing_behind() {
        let mut conn = Connection::open_in_memory().unwrap();
        let bad = [(
            "0001_a",
            "CREATE TABLE a (x INTEGER); CREATE TABLE a (x INTEGER)",
        )];
        assert!(migrate(&mut conn, &bad).is_err());
        let tables: i64 = conn
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'a'",
                [],
                |r| r.get(0),
            )
            .unwrap();
        assert_eq!(tables, 0);
    }
}
