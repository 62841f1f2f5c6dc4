//! Writing alerts: each change with its events, lanes and message, all or nothing (I3), a group in one transaction.
//!
//! Rows are locked first, in the order of their keys, and everything that may conflict is looked at; then what is left
//! is written in a few statements, whatever the size of the group. New alerts are inserted against the unique live key
//! without asking first: who comes second conflicts.

use std::collections::{HashMap, HashSet};

use futures_util::future::BoxFuture;
use model::{AlertId, LaneKey, SourceId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::connect::Conn;
use super::fault::{Fault, Res};
use super::lanes::{self, Locked, Slots};
use super::{Inner, columns, live};
use crate::format::codes;
use crate::format::rows::{self, AlertRow, EventRow, LaneRow};
use crate::{AlertWrite, LiveKey, WriteError};

/// An [`AlertWrite`] as rows.
pub(super) struct Prepared {
    id: AlertId,
    expected: Option<u32>,
    retires: Option<(AlertId, u32)>,
    key: Uuid,
    row: AlertRow,
    events: Vec<EventRow>,
    lanes: Vec<LaneRow>,
    removed: Vec<(LaneKey, u32)>,
    message: Option<(SourceId, String)>,
    at: Timestamp,
}

type Answer = Result<(), WriteError>;

/// Rows (alerts, events, lanes) of one transaction; more are written in several. At 30,000 rows a second, which a small
/// machine does, a transaction takes a tenth of its time limit.
const ROWS_MAX: usize = 4096;

fn prepare(write: AlertWrite) -> Res<Prepared> {
    let (row, events) = rows::alert(&write)?;
    let lane = |put: &crate::LanePut| rows::lane(&put.lane, put.expected);
    let lanes = write.lanes.iter().map(lane).collect::<Result<_, _>>()?;
    Ok(Prepared {
        id: write.alert.id,
        expected: write.expected,
        retires: write.retires,
        key: live::live_key(&LiveKey {
            project: write.alert.project,
            scope: write.alert.scope,
            key: write.alert.key,
        }),
        row,
        events,
        lanes,
        removed: write.removed_lanes,
        message: write.message,
        at: write.at,
    })
}

/// Writes all that can be written; an error of the machine's fails the call, and then some may be written all the same.
pub(super) async fn commit(inner: &Inner, writes: Vec<AlertWrite>) -> Res<Vec<Answer>> {
    let mut answers: Vec<Option<Answer>> = Vec::with_capacity(writes.len());
    let mut left = Vec::with_capacity(writes.len());
    for (at, write) in writes.into_iter().enumerate() {
        let id = write.alert.id;
        match prepare(write) {
            Ok(prepared) => {
                answers.push(None);
                left.push((at, prepared));
            }
            Err(fault) => answers.push(Some(Err(fault.into_store("alert", &id).into()))),
        }
    }
    let mut keys = Vec::new();
    for (_, write) in &left {
        keys.extend(write.lanes.iter().map(|lane| lane.key));
        keys.extend(write.removed.iter().map(|(key, _)| *key));
    }
    let slots = inner.in_time(inner.slots_of(keys)).await?;
    // A write that speaks of the same alert or key as one before it waits for the next transaction.
    while !left.is_empty() {
        let (mut wave, mut next) = (Vec::new(), Vec::new());
        let mut alerts = HashSet::new();
        let mut keys = HashSet::new();
        let mut rows = 0;
        for (at, write) in left {
            let retired = write.retires.map(|(id, _)| id);
            let met = alerts.contains(&write.id)
                || retired.is_some_and(|id| alerts.contains(&id))
                || keys.contains(&write.key);
            alerts.insert(write.id);
            alerts.extend(retired);
            keys.insert(write.key);
            rows += 1 + write.events.len() + write.lanes.len() + write.removed.len();
            if met || (rows > ROWS_MAX && !wave.is_empty()) {
                next.push((at, write));
            } else {
                wave.push((at, write));
            }
        }
        let group: Vec<(usize, &Prepared)> = wave.iter().map(|(at, write)| (*at, write)).collect();
        write_group(inner, &slots, &group, &mut answers).await?;
        left = next;
    }
    let unanswered =
        || Fault::Connect("a write was left unanswered: a fault of the hub's own".into());
    answers
        .into_iter()
        .map(|a| a.ok_or_else(unanswered))
        .collect()
}

/// Writes a group in one transaction; if one of it is at fault, its halves.
fn write_group<'a>(
    inner: &'a Inner,
    slots: &'a Slots,
    group: &'a [(usize, &'a Prepared)],
    answers: &'a mut [Option<Answer>],
) -> BoxFuture<'a, Res<()>> {
    Box::pin(async move {
        let done = inner
            .again(|| {
                attempt(
                    inner,
                    slots,
                    group.iter().map(|(_, write)| *write).collect(),
                )
            })
            .await;
        match done {
            Ok(written) => {
                for ((at, _), written) in group.iter().zip(written) {
                    answers[*at] = Some(match written {
                        true => Ok(()),
                        false => Err(WriteError::Conflict),
                    });
                }
            }
            Err(fault) if fault.is_of_one() && group.len() > 1 => {
                let (first, second) = group.split_at(group.len() / 2);
                write_group(inner, slots, first, answers).await?;
                write_group(inner, slots, second, answers).await?;
            }
            Err(fault) if fault.is_of_one() => {
                for (at, write) in group {
                    answers[*at] = Some(Err(
                        match fault.is_taken() || matches!(fault, Fault::Apart) {
                            true => WriteError::Conflict,
                            false => Fault::Row(crate::format::BadRow::new(
                                "alert",
                                write.id,
                                format_args!("PostgreSQL refuses it: {fault:?}"),
                            ))
                            .into_store("alert", &write.id)
                            .into(),
                        },
                    ));
                }
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    })
}

/// An alert's row as a writer needs it.
struct Found {
    version: i64,
    status: i64,
    content_sum: i64,
    live_key: Option<Uuid>,
}

/// One transaction; which of the group were written.
async fn attempt(inner: &Inner, slots: &Slots, group: Vec<&Prepared>) -> Res<Vec<bool>> {
    let conn = inner.conn().await?;
    let (alerts, lanes) = lock(&conn, slots, &group).await?;
    let mut written: Vec<bool> = group
        .iter()
        .map(|write| fits(write, slots, &alerts, &lanes))
        .collect();
    let chosen = |written: &[bool]| -> Vec<&Prepared> {
        let both = group.iter().zip(written);
        both.filter(|(_, fits)| **fits).map(|(w, _)| *w).collect()
    };

    let fitting = chosen(&written);
    // A new alert that retires one which holds another key than its own may come second after all.
    let risky = |write: &&&Prepared| {
        let retired = write.retires.and_then(|(id, _)| alerts.get(&id));
        retired.is_some_and(|found| found.live_key != Some(write.key))
    };
    let risk = fitting.iter().find(risky).is_some();
    if risk && group.len() > 1 {
        roll_back(conn).await?;
        return Err(Fault::Apart);
    }
    retire(&conn, &fitting).await?;
    update(&conn, &alerts, &fitting).await?;
    let inserted = insert(&conn, &fitting).await?;
    for (write, fits) in group.iter().zip(&mut written) {
        if *fits && write.expected.is_none() && !inserted.contains(&write.id) {
            *fits = false;
        }
    }
    let fitting = chosen(&written);
    if fitting.is_empty() {
        roll_back(conn).await?;
        return Ok(written);
    }
    finish(&conn, inner.feed_added, slots, &fitting).await?;
    conn.done();
    inner.wake.written();
    Ok(written)
}

async fn roll_back(conn: Conn) -> Res<()> {
    conn.batch_execute("ROLLBACK").await?;
    conn.done();
    Ok(())
}

/// Begins, and locks the rows that the group was read from.
async fn lock(
    conn: &Conn,
    slots: &Slots,
    group: &[&Prepared],
) -> Res<(HashMap<AlertId, Found>, HashMap<(AlertId, i64), Locked>)> {
    let mut ids: Vec<Uuid> = Vec::new();
    let mut keys: Vec<LaneKey> = Vec::new();
    for write in group {
        ids.extend(write.expected.map(|_| Uuid::from_u128(write.id.0)));
        ids.extend(write.retires.map(|(id, _)| Uuid::from_u128(id.0)));
        if write.expected.is_some() {
            keys.extend(write.lanes.iter().map(|lane| lane.key));
            keys.extend(write.removed.iter().map(|(key, _)| *key));
        }
    }
    if ids.is_empty() {
        conn.batch_execute("BEGIN").await?;
        return Ok((HashMap::new(), HashMap::new()));
    }
    let select = conn
        .prepare_cached(
            "SELECT id, version, status, content_sum, live_key FROM alert WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        )
        .await?;
    let lanes = lanes::Lock::prepare(conn, slots, keys).await?;
    let (_, found, lanes) = tokio::try_join!(
        biased;
        async { Ok(conn.batch_execute("BEGIN").await?) },
        async { Ok::<_, Fault>(conn.query(&select, &[&ids]).await?) },
        lanes.run(conn),
    )?;
    let read = |row: &Row| {
        let found = Found {
            version: row.get(1),
            status: row.get::<_, i16>(2).into(),
            content_sum: row.get(3),
            live_key: row.get(4),
        };
        (AlertId(row.get::<_, Uuid>(0).as_u128()), found)
    };
    Ok((found.iter().map(read).collect(), lanes))
}

/// Whether the rows are as the writer saw them.
fn fits(
    write: &Prepared,
    slots: &Slots,
    alerts: &HashMap<AlertId, Found>,
    lanes: &HashMap<(AlertId, i64), Locked>,
) -> bool {
    let at = |id: AlertId, version: u32| {
        let found = alerts.get(&id);
        found.filter(|found| found.version == i64::from(version))
    };
    if let Some(expected) = write.expected
        && at(write.id, expected).is_none()
    {
        return false;
    }
    if let Some((id, version)) = write.retires {
        let closed = codes::status(model::Status::Closed);
        if at(id, version).is_none_or(|old| old.status != closed) {
            return false;
        }
    }
    let lane_fits = |key: &LaneKey, expected: Option<u32>| {
        let found = lanes.get(&(key.alert, slots.of(key))).map(|l| l.version);
        found == expected.map(i64::from)
    };
    write
        .lanes
        .iter()
        .all(|lane| lane_fits(&lane.key, lane.expected))
        && write
            .removed
            .iter()
            .all(|(key, expected)| lane_fits(key, Some(*expected)))
}

/// Closed episodes give up their key; their version moves, so that nobody who read them before reopens them.
async fn retire(conn: &Conn, group: &[&Prepared]) -> Res<()> {
    let mut ids: Vec<Uuid> = group
        .iter()
        .filter_map(|write| Some(Uuid::from_u128(write.retires?.0.0)))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    ids.sort_unstable();
    live::give_up_keys(conn, &ids).await
}

async fn update(conn: &Conn, alerts: &HashMap<AlertId, Found>, group: &[&Prepared]) -> Res<()> {
    let changed: Vec<(&Prepared, &Found)> = group
        .iter()
        .filter(|write| write.expected.is_some())
        .filter_map(|write| Some((*write, alerts.get(&write.id)?)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let update = conn
        .prepare_cached(
            "UPDATE alert a SET status = u.status, severity = u.severity, version = u.version, seq = u.seq,
                 live_key = u.live_key, live_until = u.live_until, timer_at = u.timer_at,
                 changed_at = u.changed_at, closed_at = u.closed_at, doc = u.doc,
                 content_seq = CASE WHEN u.keep THEN a.content_seq ELSE u.content_seq END,
                 content = CASE WHEN u.keep THEN a.content ELSE u.content END,
                 content_sum = u.content_sum
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[],
                 $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[],
                 $13::text[], $14::bigint[], $15::boolean[])
                 AS u(id, status, severity, version, seq, live_key, live_until, timer_at, changed_at,
                     closed_at, doc, content_seq, content, content_sum, keep)
             WHERE a.id = u.id",
        )
        .await?;
    let of = |write: &Prepared| -> Option<Uuid> { write.row.live.then_some(write.key) };
    // Most closes and notes leave the content as it was: then it stays where it is.
    let keep = |write: &Prepared, found: &Found| {
        write.row.content_seq.is_none() && write.row.content_sum == found.content_sum
    };
    conn.execute(
        &update,
        &[
            &columns(&changed, |(w, _)| Uuid::from_u128(w.id.0)),
            &columns(&changed, |(w, _)| w.row.status),
            &columns(&changed, |(w, _)| w.row.severity),
            &columns(&changed, |(w, _)| i64::from(w.row.version)),
            &columns(&changed, |(w, _)| i64::from(w.row.seq)),
            &columns(&changed, |(w, _)| of(w)),
            &columns(&changed, |(w, _)| w.row.live_until),
            &columns(&changed, |(w, _)| w.row.timer_at),
            &columns(&changed, |(w, _)| w.row.changed_at),
            &columns(&changed, |(w, _)| w.row.closed_at),
            &columns(&changed, |(w, _)| w.row.doc.as_str()),
            &columns(&changed, |(w, _)| w.row.content_seq.map(i64::from)),
            &columns(&changed, |(w, _)| w.row.content.as_deref()),
            &columns(&changed, |(w, _)| w.row.content_sum),
            &columns(&changed, |(w, found)| keep(w, found)),
        ],
    )
    .await?;
    Ok(())
}

/// Inserts new alerts in the order of their keys; those whose key nobody has.
async fn insert(conn: &Conn, group: &[&Prepared]) -> Res<HashSet<AlertId>> {
    let mut new: Vec<&Prepared> = group
        .iter()
        .filter(|write| write.expected.is_none())
        .copied()
        .collect();
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    // The order of the index that writers wait at.
    new.sort_unstable_by_key(|write| write.key);
    let insert = conn
        .prepare_cached(
            "INSERT INTO alert (id, project, source, scope, key, status, severity, version, seq, live_key,
                 live_until, timer_at, changed_at, closed_at, doc, content_seq, content, content_sum)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                 $7::bigint[], $8::bigint[], $9::bigint[], $10::uuid[], $11::bigint[], $12::bigint[],
                 $13::bigint[], $14::bigint[], $15::text[], $16::bigint[], $17::text[], $18::bigint[])
             ON CONFLICT DO NOTHING RETURNING id",
        )
        .await?;
    let rows = conn
        .query(
            &insert,
            &[
                &columns(&new, |w| Uuid::from_u128(w.id.0)),
                &columns(&new, |w| Uuid::from_u128(w.row.project.0)),
                &columns(&new, |w| Uuid::from_u128(w.row.source.0)),
                &columns(&new, |w| w.row.scope.as_deref()),
                &columns(&new, |w| w.row.key.as_str()),
                &columns(&new, |w| w.row.status),
                &columns(&new, |w| w.row.severity),
                &columns(&new, |w| i64::from(w.row.version)),
                &columns(&new, |w| i64::from(w.row.seq)),
                &columns(&new, |w| w.row.live.then_some(w.key)),
                &columns(&new, |w| w.row.live_until),
                &columns(&new, |w| w.row.timer_at),
                &columns(&new, |w| w.row.changed_at),
                &columns(&new, |w| w.row.closed_at),
                &columns(&new, |w| w.row.doc.as_str()),
                &columns(&new, |w| w.row.content_seq.map(i64::from)),
                &columns(&new, |w| w.row.content.as_deref()),
                &columns(&new, |w| w.row.content_sum),
            ],
        )
        .await?;
    let id = |row: &Row| AlertId(row.get::<_, Uuid>(0).as_u128());
    Ok(rows.iter().map(id).collect())
}

/// Events, lanes and messages, and the commit: one round trip.
async fn finish(conn: &Conn, feed_added: i64, slots: &Slots, group: &[&Prepared]) -> Res<()> {
    let events: Vec<(AlertId, &EventRow)> = group
        .iter()
        .flat_map(|write| write.events.iter().map(|event| (write.id, event)))
        .collect();
    let messages: Vec<(&(SourceId, String), &Prepared)> = group
        .iter()
        .filter_map(|write| Some((write.message.as_ref()?, *write)))
        .collect();
    let insert_events = conn
        .prepare_cached(
            "INSERT INTO event (alert, seq, pos, at, kind, status, doc, content)
             SELECT alert, seq, (($8 + pg_current_xact_id()::text::bigint) << 20) + ord, at, kind, status, doc,
                 content
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[],
                 $7::text[]) WITH ORDINALITY AS u(alert, seq, at, kind, status, doc, content, ord)",
        )
        .await?;
    let insert_messages = conn
        .prepare_cached(
            "INSERT INTO message (source, id, alert, at)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[]) ORDER BY 1, 2",
        )
        .await?;
    let removed = group.iter().flat_map(|write| &write.removed);
    let put = group.iter().flat_map(|write| &write.lanes);
    let lanes = lanes::Puts::prepare(conn, slots, put, removed.map(|(key, _)| *key)).await?;
    let put_events = async {
        conn.execute(
            &insert_events,
            &[
                &columns(&events, |(id, _)| Uuid::from_u128(id.0)),
                &columns(&events, |(_, e)| i64::from(e.seq)),
                &columns(&events, |(_, e)| e.at),
                &columns(&events, |(_, e)| e.kind),
                &columns(&events, |(_, e)| e.status),
                &columns(&events, |(_, e)| e.doc.as_deref()),
                &columns(&events, |(_, e)| e.content.as_deref()),
                &feed_added,
            ],
        )
        .await?;
        Ok::<_, Fault>(())
    };
    let put_messages = async {
        if !messages.is_empty() {
            conn.execute(
                &insert_messages,
                &[
                    &columns(&messages, |((source, _), _)| Uuid::from_u128(source.0)),
                    &columns(&messages, |((_, id), _)| id.as_str()),
                    &columns(&messages, |(_, w)| Uuid::from_u128(w.id.0)),
                    &columns(&messages, |(_, w)| w.at.0),
                ],
            )
            .await?;
        }
        Ok::<_, Fault>(())
    };
    tokio::try_join!(
        biased;
        lanes.run(conn),
        put_events,
        put_messages,
        async { Ok(conn.batch_execute("COMMIT").await?) },
    )?;
    Ok(())
}
