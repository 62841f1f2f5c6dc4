//! Only one process may work on a database file: claims, debits and live keys are kept in its memory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::{StoreError, StoreResult};

/// The lock beside the database. The operating system gives it back when the process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

/// [`take`] for a database that must be there.
pub(crate) fn take_existing(database: &Path) -> StoreResult<Lock> {
    if !database.is_file() {
        return Err(StoreError::Unavailable {
            what: format!(
                "there is no database {}: is the path right?",
                database.display()
            ),
        });
    }
    take(database)
}

pub(super) fn take(database: &Path) -> StoreResult<Lock> {
    let path = beside(database);
    let failed = |e: &dyn std::fmt::Display| StoreError::Unavailable {
        what: format!(
            "cannot open the lock file {}: {e}; the hub's user needs a folder that it may write to",
            path.display()
        ),
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| failed(&e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Who holds it is only for the message.
            let _unread = file.read_to_string(&mut owner);
            return Err(StoreError::Unavailable {
                what: format!(
                    "another process ({}) works on {}: stop it, or give this one a data folder of its own",
                    if owner.trim().is_empty() {
                        "unknown"
                    } else {
                        owner.trim()
                    },
                    database.display()
                ),
            });
        }
        Err(TryLockError::Error(e)) => return Err(failed(&e)),
    }
    let note = format!("process {}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(note.as_bytes()))
        .map_err(|e| failed(&e))?;
    Ok(Lock { _file: file })
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
