//! What both stores share: the documents inside rows, the numbers that stand for words, and vendors' buckets.

pub(crate) mod buckets;
pub(crate) mod codes;
pub(crate) mod docs;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod silences;

use std::fmt::Display;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

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

/// Of a migration's words, not of its layout: line ends of another platform change nothing.
pub(crate) fn checksum(sql: &str) -> i64 {
    let mut hasher = SipHasher24::new();
    for word in sql.split_whitespace() {
        hasher.write(word.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish().cast_signed()
}
