//! What is carried: each table with its columns on both sides. Written before the tables that name its rows.

use model::Scope;

use super::value::Value;
use crate::format::docs;
use crate::{LiveKey, StoreError, StoreResult};

/// What a column holds, in PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `bigint` or `smallint`.
    Int,
    Bool,
    Id,
    Text,
    Bytes,
}

pub(super) struct Column {
    /// PostgreSQL's name.
    pub name: &'static str,
    /// Where SQLite has it.
    pub from: &'static str,
    pub kind: Kind,
}

/// Computes what is not carried, in the row as it was read.
type Finish = fn(&mut [Value]) -> StoreResult<()>;

pub(super) struct Table {
    pub name: &'static str,
    /// What SQLite selects from.
    pub from: &'static str,
    /// Which rows are carried, in words that both databases know.
    pub only: &'static str,
    pub columns: &'static [Column],
    /// SQLite's columns that order the rows, each row once.
    pub key: &'static [(&'static str, Kind)],
    /// What is computed rather than carried.
    pub finish: Option<Finish>,
}

/// As they are named in both databases.
macro_rules! columns {
    ($($name:ident $kind:ident $(= $from:literal)?),* $(,)?) => {
        &[$(Column { name: stringify!($name), from: columns!(@from $name $($from)?), kind: Kind::$kind }),*]
    };
    (@from $name:ident $from:literal) => { $from };
    (@from $name:ident) => { stringify!($name) };
}

const EVERY: &str = "true";

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "meta",
        from: "meta",
        // What is the store's own is written at the end; the catalog's version goes on.
        only: "(name = 'store.catalog' OR name NOT LIKE 'store.%') AND name NOT LIKE 'copy.%' AND name NOT LIKE 'schema.%'",
        columns: columns![name Text, value Text],
        key: &[("name", Kind::Text)],
        finish: None,
    },
    Table {
        name: "project",
        from: "project",
        only: EVERY,
        columns: columns![id Id, name Text, deleted Bool, doc Text],
        key: &[("id", Kind::Id)],
        finish: None,
    },
    Table {
        name: "source",
        from: "source",
        only: EVERY,
        columns: columns![id Id, project Id, name Text, deleted Bool, doc Text],
        key: &[("id", Kind::Id)],
        finish: None,
    },
    Table {
        name: "integration",
        from: "integration",
        only: EVERY,
        columns: columns![id Id, project Id, name Text, deleted Bool, doc Text],
        key: &[("id", Kind::Id)],
        finish: None,
    },
    Table {
        name: "revision",
        from: "revision",
        only: EVERY,
        columns: columns![integration Id, revision Int, sink Text, sealed Bytes, created_at Int],
        key: &[("integration", Kind::Id), ("revision", Kind::Int)],
        finish: None,
    },
    Table {
        name: "health",
        from: "health",
        only: EVERY,
        columns: columns![integration Id, revision Int, doc Text],
        key: &[("integration", Kind::Id), ("revision", Kind::Int)],
        finish: None,
    },
    Table {
        name: "silence",
        from: "silence",
        only: EVERY,
        columns: columns![id Id, project Id, ends_at Int, version Int, doc Text],
        key: &[("id", Kind::Id)],
        finish: None,
    },
    Table {
        name: "slot",
        from: "slot",
        only: EVERY,
        columns: columns![slot Int, integration Id, revision Int],
        key: &[("slot", Kind::Int)],
        finish: None,
    },
    Table {
        name: "alert",
        from: "alert",
        only: EVERY,
        columns: columns![
            id Id, project Id, source Id, scope Text, key Text, status Int, severity Int, version Int, seq Int,
            live_key Id = "live", live_until Int, timer_at Int, changed_at Int, closed_at Int, doc Text,
            content_seq Int, content Text, content_sum Int,
        ],
        key: &[("row", Kind::Int)],
        finish: Some(live_key),
    },
    Table {
        name: "event",
        from: "event e LEFT JOIN alert a ON a.row = e.alert_row",
        only: EVERY,
        columns: columns![
            alert Id = "a.id", seq Int = "e.seq", pos Int = "e.pos", at Int = "e.at", kind Int = "e.kind",
            status Int = "e.status", doc Text = "e.doc", content Text = "e.content",
        ],
        key: &[("e.pos", Kind::Int)],
        finish: Some(belongs),
    },
    Table {
        name: "lane",
        from: "lane l LEFT JOIN alert a ON a.row = l.alert_row",
        only: EVERY,
        columns: columns![
            alert Id = "a.id", slot Int = "l.slot", version Int = "l.version", priority Int = "l.priority",
            cursor Int = "l.cursor", head Int = "l.head", told Int = "l.told", duplicates Int = "l.duplicates",
            orphans Int = "l.orphans", due_at Int = "l.due_at", look_at Int = "l.look_at", doc Text = "l.doc",
        ],
        key: &[("l.alert_row", Kind::Int), ("l.slot", Kind::Int)],
        finish: Some(belongs),
    },
    Table {
        name: "attempt",
        from: "attempt",
        only: EVERY,
        columns: columns![pos Int, alert Id, slot Int, at Int, outcome Int, doc Text],
        key: &[("pos", Kind::Int)],
        finish: None,
    },
    Table {
        name: "seen",
        from: "seen s LEFT JOIN alert a ON a.row = s.alert_row",
        only: EVERY,
        columns: columns![
            alert Id = "a.id", version Int = "s.version", last_seen Int = "s.last_seen",
            repeat_count Int = "s.repeat_count", ends_at Int = "s.ends_at",
        ],
        key: &[("s.alert_row", Kind::Int)],
        finish: Some(belongs),
    },
    Table {
        name: "message",
        from: "message",
        only: EVERY,
        columns: columns![source Id, id Text, alert Id, at Int],
        key: &[("source", Kind::Id), ("id", Kind::Text)],
        finish: None,
    },
    Table {
        name: "bucket",
        from: "bucket",
        only: EVERY,
        columns: columns![name Text, blocked_until Int],
        key: &[("name", Kind::Text)],
        finish: None,
    },
];

/// Where `live` stands, and what the live key is made of.
const ID: usize = 0;
const PROJECT: usize = 1;
const SOURCE: usize = 2;
const SCOPE: usize = 3;
const KEY: usize = 4;
const LIVE: usize = 9;

/// An alert that holds its key has it as PostgreSQL's store computes it.
fn live_key(row: &mut [Value]) -> StoreResult<()> {
    let id = row[ID]
        .as_id()
        .map(|id| model::AlertId::from_bytes(id).to_string());
    let bad = |what: &str| StoreError::Inconsistent {
        table: "alert",
        row: id.clone().unwrap_or_default(),
        what: what.to_owned(),
    };
    if row[LIVE] == Value::Int(0) {
        row[LIVE] = Value::Null;
        return Ok(());
    }
    let (Some(project), Some(source), Some(key)) = (
        row[PROJECT].as_id(),
        row[SOURCE].as_id(),
        row[KEY].as_text(),
    ) else {
        return Err(bad("it has no project, source or key"));
    };
    let scope = match row[SCOPE].as_text() {
        None => Scope::Source(model::SourceId::from_bytes(source)),
        Some(text) => docs::read("alert", id.clone().unwrap_or_default(), text)
            .map_err(|error| bad(&error.what))?,
    };
    let live = crate::postgres::live_key(&LiveKey {
        project: model::ProjectId::from_bytes(project),
        scope,
        key: key.to_owned(),
    });
    row[LIVE] = Value::Id(live.into_bytes());
    Ok(())
}

/// Rows of an alert: it must be there.
fn belongs(row: &mut [Value]) -> StoreResult<()> {
    match row[0] {
        Value::Null => Err(StoreError::Inconsistent {
            table: "(of an alert)",
            row: format!("{:?}", &row[1..3]),
            what: "its alert is not there; restore a backup, or write to us".to_owned(),
        }),
        _ => Ok(()),
    }
}
