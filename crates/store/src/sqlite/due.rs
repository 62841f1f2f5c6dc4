//! Reading lanes: which are due, and what `plan` needs of them. A claim that is only in memory lies over its row.

use std::collections::HashSet;

use model::limits::PENDING_EVENTS_MAX;
use model::{AlertId, IntegrationId, Lane, LaneKey, Timestamp};
use rusqlite::{Connection, Row, params};

use super::fault::Res;
use super::load::Contents;
use super::memory::{KnownDue, Memory};
use super::{alerts, blobs, load};
use crate::format::codes::{self};
use crate::format::read::LaneColumns;
use crate::format::rows;
use crate::{DueQuery, LaneWork};

/// What [`lane`] reads, by place; from `lane l`.
const COLUMNS: &str = "l.alert_row, l.slot, l.version, l.priority, l.cursor, l.head, l.told, l.duplicates, \
     l.orphans, l.due_at, l.doc";

/// Priorities are `4 - severity` (`model::Lane`); each is one range of the index.
const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=4;

/// The lane of a row of [`COLUMNS`], or the claimed one that memory has of it.
fn lane(r: &Row<'_>, memory: &Memory, key: LaneKey) -> Res<Lane> {
    let version: u32 = r.get(2)?;
    if let Some(claimed) = memory.claimed((r.get(0)?, r.get(1)?))
        && claimed.version > version
    {
        return Ok(claimed);
    }
    let columns = LaneColumns {
        key,
        version: version.into(),
        priority: r.get(3)?,
        cursor: r.get(4)?,
        head: r.get(5)?,
        told: r.get(6)?,
        duplicates: r.get(7)?,
        orphans: r.get(8)?,
        due_at: r.get(9)?,
        doc: r.get_ref(10)?.as_str()?,
    };
    Ok(columns.read()?)
}

/// All lanes of one alert, by integration and revision.
pub(super) fn lanes_of(
    conn: &Connection,
    memory: &Memory,
    row: i64,
    alert: AlertId,
) -> Res<Vec<Lane>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, s.integration, s.revision FROM lane l JOIN slot s ON s.slot = l.slot
         WHERE l.alert_row = ?1"
    ))?;
    let mut rows = select.query([row])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let key = LaneKey {
            alert,
            integration: blobs::integration(r.get(11)?),
            revision: r.get(12)?,
        };
        found.push(lane(r, memory, key)?);
    }
    found.sort_by_key(|lane| lane.key);
    Ok(found)
}

/// The lane with its alert and the events between cursor and head; `None` if its alert is gone.
fn work(conn: &Connection, row: i64, lane: Lane) -> Res<Option<LaneWork>> {
    let pending = match lane.cursor < lane.head {
        false => Vec::new(),
        true => load::events(
            conn,
            row,
            lane.key.alert,
            lane.cursor,
            lane.head,
            PENDING_EVENTS_MAX,
        )?,
    };
    let contents: Contents = pending
        .iter()
        .filter_map(|event| Some((event.seq, event.content.clone()?)))
        .collect();
    let mut select = conn.prepare_cached(&format!(
        "SELECT {} FROM {} WHERE a.row = ?1",
        load::COLUMNS,
        load::TABLES
    ))?;
    let mut rows = select.query([row])?;
    let Some(r) = rows.next()? else {
        return Ok(None);
    };
    let alert = load::alert(conn, r, &contents)?;
    Ok(Some(LaneWork {
        lane,
        alert,
        pending,
    }))
}

/// The due lanes of each revision, most urgent first, without those that somebody holds.
pub(super) fn due_lanes(
    conn: &Connection,
    memory: &Memory,
    now: Timestamp,
    wants: &[DueQuery],
) -> Res<Vec<LaneWork>> {
    let mut found = Vec::new();
    for want in wants {
        let Some(slot) = memory.slot((want.integration, want.revision)) else {
            continue;
        };
        let held = held(memory, slot, now);
        let mut left = want.limit;
        for priority in PRIORITIES {
            if left == 0 {
                break;
            }
            let mut select = conn.prepare_cached(&format!(
                "SELECT {COLUMNS}, a.id FROM lane l INDEXED BY lane_due JOIN alert a ON a.row = l.alert_row
                 WHERE l.slot = ?1 AND l.priority = ?2 AND l.look_at <= ?3 AND l.look_at IS NOT NULL
                 ORDER BY l.look_at"
            ))?;
            let mut rows = select.query(params![slot, priority, now.0])?;
            while left > 0
                && let Some(r) = rows.next()?
            {
                let row: i64 = r.get(0)?;
                if held.contains(&row) {
                    continue;
                }
                let key = LaneKey {
                    alert: blobs::alert(r.get(11)?),
                    integration: want.integration,
                    revision: want.revision,
                };
                found.extend(work(conn, row, lane(r, memory, key)?)?);
                left -= 1;
            }
        }
    }
    Ok(found)
}

/// Rows of alerts whose lane in this slot is claimed in memory, and the claim has not lapsed.
fn held(memory: &Memory, slot: i64, now: Timestamp) -> HashSet<i64> {
    let mut held = HashSet::new();
    memory.each_claim(slot, |row, lane| {
        if lane.claim.as_ref().is_some_and(|claim| claim.until > now) {
            held.insert(row);
        }
    });
    held
}

/// When each revision has its next lane: the earliest due one that is not claimed in memory, or the end of a claim.
pub(super) fn next_due(
    conn: &Connection,
    memory: &Memory,
    of: &[(IntegrationId, u32)],
) -> Res<Vec<Option<Timestamp>>> {
    let slots: Vec<Option<i64>> = of.iter().map(|revision| memory.slot(*revision)).collect();
    let known: Vec<i64> = slots.iter().copied().flatten().collect();
    let mut known = memory.known_dues(&known).into_iter();
    let mut found = Vec::with_capacity(of.len());
    for slot in slots {
        found.push(match slot.and_then(|slot| Some((slot, known.next()?))) {
            None => None,
            Some((_, KnownDue::At(at))) => at,
            Some((slot, KnownDue::Unknown(changes))) => {
                let at = next_due_of(conn, memory, slot)?;
                memory.remember_due(slot, changes, at);
                at
            }
        });
    }
    Ok(found)
}

fn next_due_of(conn: &Connection, memory: &Memory, slot: i64) -> Res<Option<Timestamp>> {
    let mut claimed = HashSet::new();
    let mut earliest = Timestamp::NEVER;
    memory.each_claim(slot, |row, lane| {
        claimed.insert(row);
        earliest = earliest.min(rows::look_at(lane).unwrap_or(Timestamp::NEVER));
    });
    for priority in PRIORITIES {
        let mut select = conn.prepare_cached(
            "SELECT alert_row, look_at FROM lane INDEXED BY lane_due
             WHERE slot = ?1 AND priority = ?2 AND look_at IS NOT NULL ORDER BY look_at",
        )?;
        let mut rows = select.query([slot, priority])?;
        while let Some(r) = rows.next()? {
            if !claimed.contains(&r.get::<_, i64>(0)?) {
                earliest = earliest.min(Timestamp(r.get(1)?));
                break;
            }
        }
    }
    Ok((earliest < Timestamp::NEVER).then_some(earliest))
}

pub(super) fn lane_work(conn: &Connection, memory: &Memory, key: LaneKey) -> Res<Option<LaneWork>> {
    let Some(row) = alerts::row_of(conn, key.alert)? else {
        return Ok(None);
    };
    let Some(slot) = memory.slot((key.integration, key.revision)) else {
        return Ok(None);
    };
    let mut select = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM lane l WHERE l.alert_row = ?1 AND l.slot = ?2"
    ))?;
    let mut rows = select.query([row, slot])?;
    match rows.next()? {
        Some(r) => work(conn, row, lane(r, memory, key)?),
        None => Ok(None),
    }
}

/// Lanes of a revision that owe something, by alert.
pub(super) fn lanes_of_revision(
    conn: &Connection,
    memory: &Memory,
    (integration, revision): (IntegrationId, u32),
    after: Option<AlertId>,
    limit: usize,
) -> Res<Vec<Lane>> {
    let Some(slot) = memory.slot((integration, revision)) else {
        return Ok(Vec::new());
    };
    let mut select = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, a.id FROM lane l INDEXED BY lane_due JOIN alert a ON a.row = l.alert_row
         WHERE l.slot = ?1 AND l.look_at IS NOT NULL AND a.id > ?2 ORDER BY a.id LIMIT ?3"
    ))?;
    let after = after.map_or([0; 16], AlertId::to_bytes);
    let mut rows = select.query(params![slot, after, codes::limit(limit)])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let key = LaneKey {
            alert: blobs::alert(r.get(11)?),
            integration,
            revision,
        };
        found.push(lane(r, memory, key)?);
    }
    Ok(found)
}

/// Whether a lane of the revision owes something or is open downstream. A claim that is only in memory has a row that owes.
pub(super) fn revision_in_use(
    conn: &Connection,
    memory: &Memory,
    integration: IntegrationId,
    revision: u32,
) -> Res<bool> {
    let Some(slot) = memory.slot((integration, revision)) else {
        return Ok(false);
    };
    let mut select = conn.prepare_cached(
        "SELECT 1 FROM lane WHERE slot = ?1 AND (look_at IS NOT NULL OR told IN (1, 2)) LIMIT 1",
    )?;
    Ok(select.exists([slot])?)
}
