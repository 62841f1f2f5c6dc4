//! Writing lanes: results, removals, attempts. Every writer names the version that it saw, and a claim that is
//! only in memory counts as a version.

use model::{IntegrationId, LaneKey};
use rusqlite::{OptionalExtension, params};

use super::alerts;
use super::fault::{Fault, Res};
use super::writer::Tx;
use crate::format::Read;
use crate::format::rows::{self, AttemptRow, LaneRow};
use crate::{LaneChange, LanePut, LaneWrite, WriteError};

/// What the table has of a lane, for the counts.
#[derive(Clone, Copy)]
pub(super) struct LaneBefore {
    pub version: u32,
    owing: bool,
    open: bool,
    duplicates: i64,
    orphans: i64,
}

pub(super) fn prepare(put: &LanePut) -> Res<LaneRow> {
    Ok(rows::lane(&put.lane, put.expected)?)
}

pub(super) fn find(
    tx: &Tx<'_>,
    row: i64,
    integration: IntegrationId,
    revision: u32,
) -> Res<Option<(i64, LaneBefore)>> {
    let Some(slot) = tx.pending.known_slot(tx.memory, integration, revision) else {
        return Ok(None);
    };
    let mut select = tx.conn.prepare_cached(
        "SELECT version, look_at IS NOT NULL, told, duplicates, orphans FROM lane
         WHERE alert_row = ?1 AND slot = ?2",
    )?;
    let found = select.query_row([row, slot], |r| {
        let (owing, told): (bool, i64) = (r.get(1)?, r.get(2)?);
        Ok(LaneBefore {
            version: r.get(0)?,
            owing,
            open: !owing && rows::is_open(told),
            duplicates: r.get(3)?,
            orphans: r.get(4)?,
        })
    });
    Ok(found.optional()?.map(|before| (slot, before)))
}

/// The lane's present row if it is at `expected`; `None` is a conflict.
pub(super) fn check(tx: &Tx<'_>, row: i64, lane: &LaneRow) -> Res<Option<Option<LaneBefore>>> {
    let LaneKey {
        integration,
        revision,
        ..
    } = lane.key;
    Ok(
        match (find(tx, row, integration, revision)?, lane.expected) {
            (None, None) => Some(None),
            (Some((slot, before)), Some(expected)) => {
                let claimed = tx.pending.claimed_version(tx.memory, (row, slot));
                (claimed.unwrap_or(before.version) == expected).then_some(Some(before))
            }
            _ => None,
        },
    )
}

/// Writes the lane after [`check`].
pub(super) fn put(
    tx: &mut Tx<'_>,
    row: i64,
    lane: &LaneRow,
    before: Option<LaneBefore>,
) -> Res<()> {
    let LaneKey {
        integration,
        revision,
        ..
    } = lane.key;
    let slot = tx.pending.slot(tx.conn, tx.memory, integration, revision)?;
    tx.pending.touch(slot);
    let sql = match before {
        None => {
            "INSERT INTO lane (alert_row, slot, version, priority, cursor, head, told, duplicates, orphans,
                 due_at, look_at, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        }
        Some(_) => {
            "UPDATE lane SET version = ?3, priority = ?4, cursor = ?5, head = ?6, told = ?7, duplicates = ?8,
                 orphans = ?9, due_at = ?10, look_at = ?11, doc = ?12
             WHERE alert_row = ?1 AND slot = ?2"
        }
    };
    tx.conn.prepare_cached(sql)?.execute(params![
        row,
        slot,
        lane.version,
        lane.priority,
        lane.cursor,
        lane.head,
        lane.told,
        lane.duplicates,
        lane.orphans,
        lane.due_at,
        lane.look_at,
        lane.doc
    ])?;
    if let Some(before) = before {
        tx.pending.unclaim(tx.memory, (row, slot));
        count(tx, before, -1);
    }
    let owing = lane.look_at.is_some();
    let after = LaneBefore {
        version: lane.version,
        owing,
        open: !owing && rows::is_open(lane.told),
        duplicates: lane.duplicates.into(),
        orphans: lane.orphans.into(),
    };
    count(tx, after, 1);
    Ok(())
}

/// Counts a lane in or out.
fn count(tx: &mut Tx<'_>, lane: LaneBefore, by: i64) {
    let tally = &mut tx.pending.tally;
    tally.lanes_owing += by * i64::from(lane.owing);
    tally.lanes_open += by * i64::from(lane.open);
    tally.duplicates += by * lane.duplicates;
    tally.orphans += by * lane.orphans;
}

/// Removes all lanes of an alert, and counts them out.
pub(super) fn remove_all(tx: &mut Tx<'_>, row: i64) -> Res<()> {
    let mut select = tx.conn.prepare_cached(
        "SELECT s.integration, s.revision FROM lane l JOIN slot s ON s.slot = l.slot WHERE l.alert_row = ?1",
    )?;
    let mut found = Vec::new();
    let mut rows = select.query([row])?;
    while let Some(r) = rows.next()? {
        found.push((super::blobs::integration(r.get(0)?), r.get(1)?));
    }
    drop(rows);
    for (integration, revision) in found {
        if let Some((slot, before)) = find(tx, row, integration, revision)? {
            remove(tx, row, Removable { slot, before })?;
        }
    }
    Ok(())
}

/// A lane that is to be removed.
pub(super) struct Removable {
    slot: i64,
    before: LaneBefore,
}

/// The lane, if it is at `expected`; `None` is a conflict.
pub(super) fn removable(
    tx: &Tx<'_>,
    row: i64,
    key: LaneKey,
    expected: u32,
) -> Res<Option<Removable>> {
    let Some((slot, before)) = find(tx, row, key.integration, key.revision)? else {
        return Ok(None);
    };
    let claimed = tx.pending.claimed_version(tx.memory, (row, slot));
    let same = claimed.unwrap_or(before.version) == expected;
    Ok(same.then_some(Removable { slot, before }))
}

pub(super) fn remove(tx: &mut Tx<'_>, row: i64, found: Removable) -> Res<()> {
    let Removable { slot, before } = found;
    tx.pending.touch(slot);
    tx.conn
        .prepare_cached("DELETE FROM lane WHERE alert_row = ?1 AND slot = ?2")?
        .execute([row, slot])?;
    tx.pending.unclaim(tx.memory, (row, slot));
    count(tx, before, -1);
    Ok(())
}

/// A [`LaneWrite`] as rows, made in the caller's task.
pub(super) struct LaneRows {
    change: ChangeRows,
    key: Option<LaneKey>,
    attempts: Vec<AttemptRow>,
}

enum ChangeRows {
    Put(LaneRow),
    Remove { key: LaneKey, expected: u32 },
    None,
}

pub(super) fn prepare_write(write: &LaneWrite) -> Res<LaneRows> {
    let attempts = write
        .attempts
        .iter()
        .map(rows::attempt)
        .collect::<Read<_>>()?;
    let (change, key) = match &write.change {
        LaneChange::Put(put) => (ChangeRows::Put(prepare(put)?), Some(put.lane.key)),
        LaneChange::Remove { key, expected } => {
            let (key, expected) = (*key, *expected);
            (ChangeRows::Remove { key, expected }, Some(key))
        }
        LaneChange::None => (ChangeRows::None, write.attempts.first().map(|a| a.lane)),
    };
    Ok(LaneRows {
        change,
        key,
        attempts,
    })
}

/// Writes results. On a conflict nothing of that write is written: the caller decides again, and says then what
/// its attempts were.
pub(super) fn write(tx: &mut Tx<'_>, writes: &[LaneRows]) -> Res<Vec<Result<(), WriteError>>> {
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        answers.push(match tx.item(|tx| apply(tx, write))? {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::Conflict),
            Err(fault) => Err(refused(fault, write.key).into()),
        });
    }
    Ok(answers)
}

fn refused(fault: Fault, key: Option<LaneKey>) -> crate::StoreError {
    match key {
        Some(key) => fault.into_store("lane", &format!("{key:?}")),
        None => fault.into_store("lane", &"?"),
    }
}

fn apply(tx: &mut Tx<'_>, write: &LaneRows) -> Res<bool> {
    match &write.change {
        ChangeRows::None => {}
        ChangeRows::Put(lane) => {
            let Some(row) = alerts::row_of(tx.conn, lane.key.alert)? else {
                return Ok(false);
            };
            let Some(before) = check(tx, row, lane)? else {
                return Ok(false);
            };
            put(tx, row, lane, before)?;
        }
        ChangeRows::Remove { key, expected } => {
            let Some(row) = alerts::row_of(tx.conn, key.alert)? else {
                return Ok(false);
            };
            let Some(found) = removable(tx, row, *key, *expected)? else {
                return Ok(false);
            };
            remove(tx, row, found)?;
        }
    }
    for attempt in &write.attempts {
        let slot = tx.pending.slot(
            tx.conn,
            tx.memory,
            attempt.lane.integration,
            attempt.lane.revision,
        )?;
        let pos = tx.pending.tally.last_attempt + 1;
        tx.pending.tally.last_attempt = pos;
        tx.conn
            .prepare_cached(
                "INSERT INTO attempt (pos, alert, slot, at, outcome, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                pos,
                attempt.lane.alert.to_bytes(),
                slot,
                attempt.at,
                attempt.outcome,
                attempt.doc
            ])?;
    }
    Ok(true)
}
