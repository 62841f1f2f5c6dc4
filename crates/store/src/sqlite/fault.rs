//! What can go wrong between a value and the file, and whose fault it is.

use std::fmt::Display;

use rusqlite::ErrorCode;

use crate::StoreError;
use crate::format::BadRow;

/// An error inside this store, before it is known what was being done.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Row {
        table: &'static str,
        row: String,
        what: String,
    },
}

pub(super) type Res<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<BadRow> for Fault {
    fn from(BadRow { table, row, what }: BadRow) -> Fault {
        Fault::Row { table, row, what }
    }
}

impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(error: rusqlite::types::FromSqlError) -> Fault {
        Fault::row("(column)", "?", error)
    }
}

impl Fault {
    pub(super) fn row(table: &'static str, row: impl Display, what: impl Display) -> Fault {
        Fault::Row {
            table,
            row: row.to_string(),
            what: what.to_string(),
        }
    }

    /// The machine's or the file's trouble, not the value's: another try of the same group would fail alike.
    pub(super) fn is_environment(&self) -> bool {
        let Fault::Sql(error) = self else {
            return false;
        };
        !matches!(
            error.sqlite_error_code(),
            None | Some(
                ErrorCode::ConstraintViolation
                    | ErrorCode::TooBig
                    | ErrorCode::TypeMismatch
                    | ErrorCode::ParameterOutOfRange
            )
        )
    }

    /// The caller's error; `table` and `row` say what was worked on when SQLite refused a value.
    pub(super) fn into_store(self, table: &'static str, row: &dyn Display) -> StoreError {
        let environment = self.is_environment();
        let error = match self {
            Fault::Row { table, row, what } => {
                return StoreError::Inconsistent { table, row, what };
            }
            Fault::Sql(error) => error,
        };
        let (table, row, what) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                return StoreError::Unavailable {
                    what: format!("the database's disk is full ({error}); free space on it"),
                };
            }
            Some(ErrorCode::SystemIoFailure) => {
                return StoreError::Unavailable {
                    what: format!(
                        "the operating system failed to read or write the database ({error}); look at its disk"
                    ),
                };
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
                "(file)",
                "?".to_owned(),
                format!("the database file is damaged ({error}); restore a backup"),
            ),
            _ if environment => {
                return StoreError::Unavailable {
                    what: format!("SQLite: {error}"),
                };
            }
            _ => (table, row.to_string(), error.to_string()),
        };
        StoreError::Inconsistent { table, row, what }
    }
}
