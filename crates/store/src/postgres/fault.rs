//! What can go wrong between a value and PostgreSQL, and whose fault it is.

use std::error::Error as _;
use std::fmt::Display;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::StoreError;
use crate::format::BadRow;

/// An error inside this store, before it is known what was being done.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(tokio_postgres::Error),
    /// No connection could be had.
    Connect(String),
    /// No answer in time.
    Late(Duration),
    Row(BadRow),
    /// This program may not work on this database.
    Schema(String),
    /// The group has a write in it that must be tried alone.
    Apart,
}

pub(super) type Res<T> = Result<T, Fault>;

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<BadRow> for Fault {
    fn from(bad: BadRow) -> Fault {
        Fault::Row(bad)
    }
}

impl Fault {
    fn code(&self) -> Option<&SqlState> {
        match self {
            Fault::Sql(error) => error.code(),
            _ => None,
        }
    }

    /// Rolled back because of what others did at the same time: the same again may work.
    pub(super) fn is_others(&self) -> bool {
        let code = self.code();
        code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
            || code == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
    }

    /// One write of the group is at fault (its values, their size, or a key that somebody else has): each alone tells
    /// which.
    pub(super) fn is_of_one(&self) -> bool {
        let is_refused = |code: &SqlState| {
            let classes = ["22", "23", "54"];
            classes.iter().any(|class| code.code().starts_with(class))
        };
        matches!(self, Fault::Apart) || self.code().is_some_and(is_refused)
    }

    /// Somebody else has this key.
    pub(super) fn is_taken(&self) -> bool {
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// The caller's error; `table` and `row` say what was worked on when PostgreSQL refused a value.
    pub(super) fn into_store(self, table: &'static str, row: &dyn Display) -> StoreError {
        let of_one = self.is_of_one();
        match self {
            Fault::Row(BadRow { table, row, what }) => {
                StoreError::Inconsistent { table, row, what }
            }
            Fault::Schema(what) => StoreError::Schema { what },
            Fault::Connect(what) => StoreError::Unavailable {
                what: format!("PostgreSQL: {what}"),
            },
            Fault::Late(limit) => StoreError::Unavailable {
                what: format!("PostgreSQL gave no answer within {} ms", limit.as_millis()),
            },
            Fault::Sql(error) if of_one => StoreError::Inconsistent {
                table,
                row: row.to_string(),
                what: said(&error),
            },
            Fault::Sql(error) => StoreError::Unavailable {
                what: format!("PostgreSQL: {}", said(&error)),
            },
            Fault::Apart => StoreError::Inconsistent {
                table,
                row: row.to_string(),
                what: "it could not be written together with others".to_owned(),
            },
        }
    }
}

/// The server's own words, or the chain of causes; no parameter and no password is in them.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
