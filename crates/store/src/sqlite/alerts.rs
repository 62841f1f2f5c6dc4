//! Writing alerts: each change with its events, lanes and message, all or nothing (I3).

use model::{AlertId, LaneKey, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::{Fault, Res};
use super::lanes;
use super::live;
use super::memory::{LiveHash, Memory};
use super::writer::Tx;
use crate::format::rows::{self, AlertRow, EventRow, LaneRow};
use crate::{AlertWrite, LiveKey, WriteError};

/// An [`AlertWrite`] as rows. Made in the caller's task, so that the writer thread serialises nothing.
pub(super) struct AlertRows {
    id: AlertId,
    expected: Option<u32>,
    retires: Option<(AlertId, u32)>,
    hash: LiveHash,
    row: AlertRow,
    events: Vec<EventRow>,
    lanes: Vec<LaneRow>,
    removed_lanes: Vec<(LaneKey, u32)>,
    message: Option<(SourceId, String)>,
    at: Timestamp,
}

pub(super) fn prepare(write: AlertWrite, memory: &Memory) -> Res<AlertRows> {
    let (row, events) = rows::alert(&write)?;
    let lanes = write.lanes.iter().map(lanes::prepare).collect::<Res<_>>()?;
    Ok(AlertRows {
        id: write.alert.id,
        expected: write.expected,
        retires: write.retires,
        hash: memory.hash(&LiveKey {
            project: write.alert.project,
            scope: write.alert.scope,
            key: write.alert.key,
        }),
        row,
        events,
        lanes,
        removed_lanes: write.removed_lanes,
        message: write.message,
        at: write.at,
    })
}

/// Writes a request's changes. The outer error is the machine's.
pub(super) fn commit(
    tx: &mut Tx<'_>,
    writes: &[Result<AlertRows, (AlertId, String)>],
) -> Res<Vec<Result<(), WriteError>>> {
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        let write = match write {
            Ok(write) => write,
            Err((id, what)) => {
                let fault = Fault::row("alert", id, what);
                answers.push(Err(fault.into_store("alert", id).into()));
                continue;
            }
        };
        answers.push(match tx.item(|tx| apply(tx, write))? {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::Conflict),
            Err(fault) => Err(fault.into_store("alert", &write.id).into()),
        });
    }
    Ok(answers)
}

/// An alert's row as a writer needs it.
struct Found {
    row: i64,
    version: u32,
    status: i64,
    content_sum: i64,
}

fn find(conn: &Connection, id: AlertId) -> Res<Option<Found>> {
    let mut select =
        conn.prepare_cached("SELECT row, version, status, content_sum FROM alert WHERE id = ?1")?;
    let found = select.query_row([id.to_bytes()], |r| {
        Ok(Found {
            row: r.get(0)?,
            version: r.get(1)?,
            status: r.get(2)?,
            content_sum: r.get(3)?,
        })
    });
    Ok(found.optional()?)
}

/// The row of an alert.
pub(super) fn row_of(conn: &Connection, id: AlertId) -> Res<Option<i64>> {
    let mut select = conn.prepare_cached("SELECT row FROM alert WHERE id = ?1")?;
    Ok(select.query_row([id.to_bytes()], |r| r.get(0)).optional()?)
}

/// Whether it was written. Everything that may conflict is looked at before anything is written, so that a conflict
/// needs no rollback.
fn apply(tx: &mut Tx<'_>, write: &AlertRows) -> Res<bool> {
    let (conn, memory) = (tx.conn, tx.memory);
    let found = match write.expected {
        None => None,
        Some(version) => match find(conn, write.id)? {
            Some(found) if found.version == version => Some(found),
            _ => return Ok(false),
        },
    };
    let retired = match write.retires {
        None => None,
        Some((id, version)) => match find(conn, id)? {
            Some(old) if old.version == version && old.status == CLOSED => Some(old.row),
            _ => return Ok(false),
        },
    };
    let own = found.as_ref().map(|f| f.row);
    let holder = tx.pending.holder(memory, write.hash);
    if write.row.live && holder.is_some() && holder != own && holder != retired {
        return Ok(false);
    }
    if let Some((source, id)) = &write.message
        && live::known_message(conn, *source, id)?.is_some()
    {
        return Ok(false);
    }
    let mut before = Vec::with_capacity(write.lanes.len());
    for lane in &write.lanes {
        match (own, lane.expected) {
            // A new alert has no lanes.
            (None, None) => before.push(None),
            (None, Some(_)) => return Ok(false),
            (Some(row), _) => match lanes::check(tx, row, lane)? {
                Some(found) => before.push(found),
                None => return Ok(false),
            },
        }
    }
    let mut removals = Vec::with_capacity(write.removed_lanes.len());
    for (key, expected) in &write.removed_lanes {
        let found = match own {
            Some(row) => lanes::removable(tx, row, *key, *expected)?,
            None => None,
        };
        match found {
            Some(found) => removals.push(found),
            None => return Ok(false),
        }
    }

    let row = match &found {
        Some(found) => {
            update(conn, found, &write.row)?;
            tx.pending.tally.count_status(found.status, -1);
            found.row
        }
        None => {
            let row = tx.pending.tally.last_alert + 1;
            if !insert(conn, row, write)? {
                return Ok(false);
            }
            tx.pending.tally.last_alert = row;
            row
        }
    };
    tx.pending.tally.count_status(write.row.status, 1);
    if let Some(old) = retired {
        live::give_up_key(conn, old)?;
    }
    if write.row.live {
        tx.pending.hold(write.hash, Some(row));
    } else if holder.is_some() && (holder == own || holder == retired) {
        tx.pending.hold(write.hash, None);
    }
    for event in &write.events {
        let pos = tx.pending.tally.last_event + 1;
        tx.pending.tally.last_event = pos;
        insert_event(conn, pos, row, event)?;
    }
    for found in removals {
        lanes::remove(tx, row, found)?;
    }
    for (lane, before) in write.lanes.iter().zip(before) {
        lanes::put(tx, row, lane, before)?;
    }
    if let Some((source, id)) = &write.message {
        conn.prepare_cached("INSERT INTO message (source, id, alert, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                source.to_bytes(),
                id,
                write.id.to_bytes(),
                write.at.0
            ])?;
    }
    Ok(true)
}

const CLOSED: i64 = 4;

fn insert(conn: &Connection, row: i64, write: &AlertRows) -> Res<bool> {
    let a = &write.row;
    let inserted = conn
        .prepare_cached(
            "INSERT INTO alert (row, id, project, source, scope, key, status, severity, version, seq, live,
                 live_until, timer_at, changed_at, closed_at, doc, content_seq, content,
                 content_sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            row,
            write.id.to_bytes(),
            a.project.to_bytes(),
            a.source.to_bytes(),
            a.scope,
            a.key,
            a.status,
            a.severity,
            a.version,
            a.seq,
            a.live,
            a.live_until,
            a.timer_at,
            a.changed_at,
            a.closed_at,
            a.doc,
            a.content_seq,
            a.content,
            a.content_sum
        ])?;
    Ok(inserted == 1)
}

fn update(conn: &Connection, found: &Found, a: &AlertRow) -> Res<()> {
    conn.prepare_cached(
        "UPDATE alert SET status = ?2, severity = ?3, version = ?4, seq = ?5, live = ?6, live_until = ?7,
             timer_at = ?8, changed_at = ?9, closed_at = ?10, doc = ?11
         WHERE row = ?1",
    )?
    .execute(params![
        found.row,
        a.status,
        a.severity,
        a.version,
        a.seq,
        a.live,
        a.live_until,
        a.timer_at,
        a.changed_at,
        a.closed_at,
        a.doc
    ])?;
    // Most closes and notes leave the content as it was: then it stays where it is.
    if a.content_seq.is_some() || a.content_sum != found.content_sum {
        conn.prepare_cached(
            "UPDATE alert SET content_seq = ?2, content = ?3, content_sum = ?4 WHERE row = ?1",
        )?
        .execute(params![found.row, a.content_seq, a.content, a.content_sum])?;
    }
    Ok(())
}

fn insert_event(conn: &Connection, pos: i64, alert_row: i64, event: &EventRow) -> Res<()> {
    conn.prepare_cached(
        "INSERT INTO event (pos, alert_row, seq, at, kind, status, doc, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        pos,
        alert_row,
        event.seq,
        event.at,
        event.kind,
        event.status,
        event.doc,
        event.content
    ])?;
    Ok(())
}

/// What `prepare` found wrong, kept for the answer.
pub(super) fn prepared(
    changes: Vec<AlertWrite>,
    memory: &Memory,
) -> Vec<Result<AlertRows, (AlertId, String)>> {
    changes
        .into_iter()
        .map(|change| {
            let id = change.alert.id;
            prepare(change, memory).map_err(|f| (id, f.into_store("alert", &id).to_string()))
        })
        .collect()
}
