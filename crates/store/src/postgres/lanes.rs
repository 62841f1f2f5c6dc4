//! Lanes as rows: locking them in order, writing them, and their attempts.

use std::collections::{HashMap, HashSet};

use model::{AlertId, IntegrationId, LaneKey};
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::connect::Conn;
use super::fault::{Fault, Res};
use super::{Inner, columns, load};
use crate::format::rows::{self, AttemptRow, LaneRow};
use crate::{LaneChange, LaneWrite, WriteError};

/// The short numbers of the (integration, revision)s that a group speaks of.
pub(super) struct Slots(pub HashMap<(IntegrationId, u32), i64>);

impl Slots {
    /// Every key that the group names has one; an unknown one is no lane's.
    pub(super) fn of(&self, key: &LaneKey) -> i64 {
        let slot = self.0.get(&(key.integration, key.revision));
        slot.copied().unwrap_or(-1)
    }
}

/// What a lane's row says while it is locked.
pub(super) struct Locked {
    pub version: i64,
}

/// Locks lanes, in the order of their keys.
pub(super) struct Lock {
    statement: Statement,
    alerts: Vec<Uuid>,
    slots: Vec<i64>,
}

impl Lock {
    pub(super) async fn prepare(conn: &Conn, slots: &Slots, keys: Vec<LaneKey>) -> Res<Lock> {
        let statement = conn
            .prepare_cached(
                "SELECT l.alert, l.slot, l.version FROM unnest($1::uuid[], $2::bigint[]) AS k(alert, slot)
                 JOIN lane l ON l.alert = k.alert AND l.slot = k.slot ORDER BY l.alert, l.slot FOR UPDATE OF l",
            )
            .await?;
        let mut places: Vec<(Uuid, i64)> = keys
            .iter()
            .map(|key| (Uuid::from_u128(key.alert.0), slots.of(key)))
            .collect();
        places.sort_unstable();
        places.dedup();
        let (alerts, slots) = places.into_iter().unzip();
        Ok(Lock {
            statement,
            alerts,
            slots,
        })
    }

    pub(super) async fn run(&self, conn: &Conn) -> Res<HashMap<(AlertId, i64), Locked>> {
        if self.alerts.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = conn
            .query(&self.statement, &[&self.alerts, &self.slots])
            .await?;
        let read = |row: &Row| {
            let place = (AlertId(row.get::<_, Uuid>(0).as_u128()), row.get(1));
            (
                place,
                Locked {
                    version: row.get(2),
                },
            )
        };
        Ok(rows.iter().map(read).collect())
    }
}

/// Writes of lanes that are known to fit, and removals.
pub(super) struct Puts<'a> {
    insert: Statement,
    update: Statement,
    delete: Statement,
    new: Vec<(&'a LaneRow, i64)>,
    changed: Vec<(&'a LaneRow, i64)>,
    removed: Vec<(AlertId, i64)>,
}

impl<'a> Puts<'a> {
    pub(super) async fn prepare(
        conn: &Conn,
        slots: &Slots,
        put: impl Iterator<Item = &'a LaneRow>,
        removed: impl Iterator<Item = LaneKey>,
    ) -> Res<Puts<'a>> {
        let placed = put.map(|lane| (lane, slots.of(&lane.key)));
        let (new, changed) = placed.partition(|(lane, _)| lane.expected.is_none());
        let removed = removed.map(|key| (key.alert, slots.of(&key))).collect();
        Ok(Puts {
            insert: conn
                .prepare_cached(
                    "INSERT INTO lane (alert, slot, version, priority, cursor, head, told, duplicates, orphans,
                         due_at, look_at, doc)
                     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                         $12::text[])",
                )
                .await?,
            update: conn
                .prepare_cached(
                    "UPDATE lane l SET version = u.version, priority = u.priority, cursor = u.cursor,
                         head = u.head, told = u.told, duplicates = u.duplicates, orphans = u.orphans,
                         due_at = u.due_at, look_at = u.look_at, doc = u.doc
                     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                         $12::text[]) AS u(alert, slot, version, priority, cursor, head, told, duplicates,
                             orphans, due_at, look_at, doc)
                     WHERE l.alert = u.alert AND l.slot = u.slot",
                )
                .await?,
            delete: conn
                .prepare_cached(
                    "DELETE FROM lane l USING unnest($1::uuid[], $2::bigint[]) AS u(alert, slot)
                     WHERE l.alert = u.alert AND l.slot = u.slot",
                )
                .await?,
            new,
            changed,
            removed,
        })
    }

    pub(super) async fn run(&self, conn: &Conn) -> Res<()> {
        // Polled in this order: each is on its way before the next.
        tokio::try_join!(
            biased;
            async {
                if !self.removed.is_empty() {
                    let alerts = columns(&self.removed, |(id, _)| Uuid::from_u128(id.0));
                    let slots = columns(&self.removed, |(_, slot)| *slot);
                    conn.execute(&self.delete, &[&alerts, &slots]).await?;
                }
                Ok::<_, Fault>(())
            },
            put(conn, &self.update, &self.changed),
            put(conn, &self.insert, &self.new),
        )?;
        Ok(())
    }
}

async fn put(conn: &Conn, statement: &Statement, lanes: &[(&LaneRow, i64)]) -> Res<()> {
    if lanes.is_empty() {
        return Ok(());
    }
    conn.execute(
        statement,
        &[
            &columns(lanes, |(l, _)| Uuid::from_u128(l.key.alert.0)),
            &columns(lanes, |(_, slot)| *slot),
            &columns(lanes, |(l, _)| i64::from(l.version)),
            &columns(lanes, |(l, _)| i64::from(l.priority)),
            &columns(lanes, |(l, _)| i64::from(l.cursor)),
            &columns(lanes, |(l, _)| i64::from(l.head)),
            &columns(lanes, |(l, _)| l.told),
            &columns(lanes, |(l, _)| i64::from(l.duplicates)),
            &columns(lanes, |(l, _)| i64::from(l.orphans)),
            &columns(lanes, |(l, _)| l.due_at),
            &columns(lanes, |(l, _)| l.look_at),
            &columns(lanes, |(l, _)| l.doc.as_str()),
        ],
    )
    .await?;
    Ok(())
}

/// A [`LaneWrite`] as rows.
pub(super) struct Prepared {
    change: Change,
    attempts: Vec<AttemptRow>,
}

enum Change {
    Put(LaneRow),
    Remove { key: LaneKey, expected: u32 },
    None,
}

impl Change {
    /// The lane and the version that it must be at; `None` expects that there is none yet.
    fn of(&self) -> Option<(LaneKey, Option<u32>)> {
        match self {
            Change::Put(lane) => Some((lane.key, lane.expected)),
            Change::Remove { key, expected } => Some((*key, Some(*expected))),
            Change::None => None,
        }
    }
}

fn prepare(write: &LaneWrite) -> Res<Prepared> {
    let attempts = write.attempts.iter().map(rows::attempt);
    let attempts = attempts.collect::<Result<_, _>>()?;
    let change = match &write.change {
        LaneChange::Put(put) => Change::Put(rows::lane(&put.lane, put.expected)?),
        LaneChange::Remove { key, expected } => Change::Remove {
            key: *key,
            expected: *expected,
        },
        LaneChange::None => Change::None,
    };
    Ok(Prepared { change, attempts })
}

/// Writes results. On a conflict nothing of that write is written: the caller decides again, and says then what
/// its attempts were.
pub(super) async fn write(
    inner: &Inner,
    writes: Vec<LaneWrite>,
) -> Res<Vec<Result<(), WriteError>>> {
    let prepared = writes.iter().map(prepare).collect::<Res<Vec<_>>>()?;
    let mut keys = Vec::new();
    for write in &prepared {
        keys.extend(write.change.of().map(|(key, _)| key));
        keys.extend(write.attempts.iter().map(|attempt| attempt.lane));
    }
    let slots = inner.in_time(inner.slots_of(keys)).await?;
    let written = inner.again(|| attempt(inner, &slots, &prepared)).await?;
    let answer = |written| match written {
        true => Ok(()),
        false => Err(WriteError::Conflict),
    };
    Ok(written.into_iter().map(answer).collect())
}

async fn attempt(inner: &Inner, slots: &Slots, writes: &[Prepared]) -> Res<Vec<bool>> {
    let conn = inner.conn().await?;
    let keys = writes.iter().filter_map(|w| Some(w.change.of()?.0));
    let lock = Lock::prepare(&conn, slots, keys.collect()).await?;
    let insert = conn
        .prepare_cached(
            "INSERT INTO attempt (alert, slot, at, outcome, doc)
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])",
        )
        .await?;
    let alerts = conn
        .prepare_cached("SELECT id FROM alert WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .await?;
    // The alert's row is the lock of its lanes' coming.
    let mut homes: Vec<Uuid> = writes
        .iter()
        .filter_map(|write| match write.change.of()? {
            (key, None) => Some(Uuid::from_u128(key.alert.0)),
            _ => None,
        })
        .collect();
    homes.sort_unstable();
    let (_, homes, mut locked) = tokio::try_join!(
        biased;
        async { Ok::<_, Fault>(conn.batch_execute("BEGIN").await?) },
        async {
            match homes.is_empty() {
                true => Ok(Vec::new()),
                false => Ok(conn.query(&alerts, &[&homes]).await?),
            }
        },
        lock.run(&conn),
    )?;
    let homes: HashSet<AlertId> = homes.iter().map(|row| load::alert_id(row, 0)).collect();
    let mut made = HashSet::new();
    let mut written = Vec::with_capacity(writes.len());
    for write in writes {
        written.push(match write.change.of() {
            None => true,
            Some((key, expected)) => {
                let place = (key.alert, slots.of(&key));
                // Of two writes of one lane in a group the first counts.
                let found = locked.get(&place).map(|l| l.version);
                match expected {
                    Some(_) => found == expected.map(i64::from) && locked.remove(&place).is_some(),
                    None => found.is_none() && homes.contains(&key.alert) && made.insert(place),
                }
            }
        });
    }
    let chosen: Vec<&Prepared> = writes
        .iter()
        .zip(&written)
        .filter_map(|(write, fits)| fits.then_some(write))
        .collect();
    let put = chosen.iter().filter_map(|write| match &write.change {
        Change::Put(lane) => Some(lane),
        _ => None,
    });
    let removed = chosen.iter().filter_map(|write| match &write.change {
        Change::Remove { key, .. } => Some(*key),
        _ => None,
    });
    let puts = Puts::prepare(&conn, slots, put, removed).await?;
    let attempts: Vec<&AttemptRow> = chosen.iter().flat_map(|write| &write.attempts).collect();
    tokio::try_join!(
        biased;
        puts.run(&conn),
        async {
            if !attempts.is_empty() {
                conn.execute(
                    &insert,
                    &[
                        &columns(&attempts, |a| Uuid::from_u128(a.lane.alert.0)),
                        &columns(&attempts, |a| slots.of(&a.lane)),
                        &columns(&attempts, |a| a.at),
                        &columns(&attempts, |a| a.outcome),
                        &columns(&attempts, |a| a.doc.as_str()),
                    ],
                )
                .await?;
            }
            Ok::<_, Fault>(())
        },
        async { Ok(conn.batch_execute("COMMIT").await?) },
    )?;
    conn.done();
    inner.wake.here();
    Ok(written)
}
