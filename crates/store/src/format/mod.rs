//! What both stores share: the documents inside rows, the numbers that stand for words, and vendors' buckets.

pub(crate) mod buckets;
pub(crate) mod codes;
pub(crate) mod docs;

use std::fmt::Display;

/// A stored value that makes no sense to this version, or one that cannot be stored.
#[derive(Debug)]
pub(crate) struct BadRow {
    pub table: &'static str,
    pub row: String,
    pub what: String,
}

impl BadRow {
    pub(crate) fn new(table: &'static str, row: impl Display, what: impl Display) -> BadRow {
        BadRow {
            table,
            row: row.to_string(),
            what: what.to_string(),
        }
    }
}

pub(crate) type Read<T> = Result<T, BadRow>;
