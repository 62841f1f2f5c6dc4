//! Reading lanes: which are due, and what `plan` needs of them.

use std::collections::HashMap;

use model::limits::PENDING_EVENTS_MAX;
use model::{AlertId, Event, IntegrationId, Lane, LaneKey, Timestamp};
use uuid::Uuid;

use super::connect::Conn;
use super::fault::Res;
use super::load::{self, EVENT_COLUMNS, LANE_COLUMNS};
use super::{Inner, columns};
use crate::format::codes;
use crate::{DueQuery, LaneWork};

/// How long lanes of another node's share are left to it.
const LEFT_TO_OTHERS_MS: i64 = 500;

/// The due lanes of each revision, most urgent first, without those that somebody holds.
pub(super) async fn due_lanes(
    inner: &Inner,
    now: Timestamp,
    wants: &[DueQuery],
) -> Res<Vec<LaneWork>> {
    let slots = inner
        .known_slots(columns(wants, |w| (w.integration, w.revision)))
        .await?;
    let known: Vec<(i64, i64)> = wants
        .iter()
        .filter_map(|want| {
            let slot = slots.0.get(&(want.integration, want.revision))?;
            Some((*slot, codes::limit(want.limit)))
        })
        .collect();
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let share = *inner.share.read();
    let conn = inner.conn().await?;
    // Each priority is one range of the index. A node takes its own share first, then what others left lying: so
    // nodes with a backlog do not race for its oldest lanes.
    let range = "SELECT i.* FROM lane i WHERE i.slot = w.slot AND i.priority = p::smallint";
    let share_of = "get_byte(uuid_send(i.alert), 15) % $5";
    let select = conn
        .prepare_cached(&format!(
            "SELECT {LANE_COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w(slot, wanted, ord)
             CROSS JOIN LATERAL (
                 SELECT x.* FROM generate_series(0, 4) AS p CROSS JOIN LATERAL (
                     (SELECT o.*, 0 AS turn FROM ({range} AND i.look_at <= $3 AND {share_of} = $6
                      ORDER BY i.look_at LIMIT w.wanted) o)
                     UNION ALL
                     (SELECT o.*, 1 AS turn FROM ({range} AND i.look_at <= $4 AND {share_of} <> $6
                      ORDER BY i.look_at LIMIT w.wanted) o)) x
                 ORDER BY x.priority, x.turn, x.look_at LIMIT w.wanted) l
             JOIN slot k ON k.slot = w.slot ORDER BY w.ord, l.priority, l.turn, l.look_at"
        ))
        .await?;
    conn.batch_execute(load::BEGIN).await?;
    let rows = conn
        .query(
            &select,
            &[
                &columns(&known, |(slot, _)| *slot),
                &columns(&known, |(_, limit)| *limit),
                &now.0,
                &(now.0
                    - if share.count > 1 {
                        LEFT_TO_OTHERS_MS
                    } else {
                        0
                    }),
                &share.count,
                &share.index,
            ],
        )
        .await?;
    let lanes = rows.iter().map(load::lane).collect::<Res<Vec<_>>>()?;
    let works = works(&conn, lanes).await?;
    conn.batch_execute("COMMIT").await?;
    conn.done();
    Ok(works)
}

/// Lanes with their alerts and the events between cursor and head; without those whose alert is gone.
async fn works(conn: &Conn, lanes: Vec<Lane>) -> Res<Vec<LaneWork>> {
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = columns(&lanes, |lane| Uuid::from_u128(lane.key.alert.0));
    ids.sort_unstable();
    ids.dedup();
    let behind: Vec<&Lane> = lanes.iter().filter(|l| l.cursor < l.head).collect();
    let (alerts, mut pending) =
        tokio::try_join!(load::alerts_by_id(conn, &ids), pending(conn, &behind))?;
    let work = |lane: Lane| {
        let alert = alerts.get(&lane.key.alert)?.alert.clone();
        let pending = pending.remove(&lane.key).unwrap_or_default();
        Some(LaneWork {
            lane,
            alert,
            pending,
        })
    };
    Ok(lanes.into_iter().filter_map(work).collect())
}

async fn pending(conn: &Conn, lanes: &[&Lane]) -> Res<HashMap<LaneKey, Vec<Event>>> {
    let mut found: HashMap<LaneKey, Vec<Event>> = HashMap::new();
    if lanes.is_empty() {
        return Ok(found);
    }
    let select = conn
        .prepare_cached(&format!(
            "SELECT w.ord, {EVENT_COLUMNS}
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w(alert, cursor, head, ord)
             CROSS JOIN LATERAL (
                 SELECT i.* FROM event i WHERE i.alert = w.alert AND i.seq > w.cursor AND i.seq <= w.head
                 ORDER BY i.seq LIMIT $4) e
             ORDER BY w.ord, e.seq"
        ))
        .await?;
    let rows = conn
        .query(
            &select,
            &[
                &columns(lanes, |l| Uuid::from_u128(l.key.alert.0)),
                &columns(lanes, |l| i64::from(l.cursor)),
                &columns(lanes, |l| i64::from(l.head)),
                &codes::limit(PENDING_EVENTS_MAX),
            ],
        )
        .await?;
    for row in &rows {
        let at: i64 = row.get(0);
        if let Some(lane) = usize::try_from(at - 1).ok().and_then(|at| lanes.get(at)) {
            found
                .entry(lane.key)
                .or_default()
                .push(load::event(row, 1)?);
        }
    }
    Ok(found)
}

/// When each revision has its next lane: the earliest due time, or the end of a claim.
pub(super) async fn next_due(
    inner: &Inner,
    of: &[(IntegrationId, u32)],
) -> Res<Vec<Option<Timestamp>>> {
    let slots = inner.known_slots(of.to_vec()).await?;
    let asked = columns(of, |key| slots.0.get(key).copied().unwrap_or(-1));
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(
            "SELECT (SELECT min(f.look_at) FROM generate_series(0, 4) AS p CROSS JOIN LATERAL (
                         SELECT look_at FROM lane WHERE slot = w.slot AND priority = p::smallint
                             AND look_at IS NOT NULL ORDER BY look_at LIMIT 1) f)
             FROM unnest($1::bigint[]) WITH ORDINALITY AS w(slot, ord) ORDER BY w.ord",
        )
        .await?;
    let rows = conn.query(&select, &[&asked]).await?;
    conn.done();
    let time = |row: &tokio_postgres::Row| {
        let at: Option<i64> = row.get(0);
        at.map(Timestamp).filter(|at| *at < Timestamp::NEVER)
    };
    Ok(rows.iter().map(time).collect())
}

/// One lane with what `plan` needs.
pub(super) async fn lane_work(inner: &Inner, key: LaneKey) -> Res<Option<LaneWork>> {
    let slots = inner
        .known_slots(vec![(key.integration, key.revision)])
        .await?;
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(&format!(
            "SELECT {LANE_COLUMNS} FROM lane l JOIN slot k ON k.slot = l.slot WHERE l.alert = $1 AND l.slot = $2"
        ))
        .await?;
    conn.batch_execute(load::BEGIN).await?;
    let rows = conn
        .query(&select, &[&Uuid::from_u128(key.alert.0), &slots.of(&key)])
        .await?;
    let lanes = rows.iter().map(load::lane).collect::<Res<Vec<_>>>()?;
    let found = works(&conn, lanes).await?.pop();
    conn.batch_execute("COMMIT").await?;
    conn.done();
    Ok(found)
}

/// Lanes of a revision that owe something, by alert.
pub(super) async fn lanes_of_revision(
    inner: &Inner,
    revision: (IntegrationId, u32),
    after: Option<AlertId>,
    limit: usize,
) -> Res<Vec<Lane>> {
    let slots = inner.known_slots(vec![revision]).await?;
    let Some(slot) = slots.0.get(&revision) else {
        return Ok(Vec::new());
    };
    let conn = inner.conn().await?;
    let select = conn
        .prepare_cached(&format!(
            "SELECT {LANE_COLUMNS} FROM lane l JOIN slot k ON k.slot = l.slot
             WHERE l.slot = $1 AND l.look_at IS NOT NULL AND l.alert > $2 ORDER BY l.alert LIMIT $3"
        ))
        .await?;
    let after = Uuid::from_u128(after.map_or(0, |id| id.0));
    let rows = conn
        .query(&select, &[slot, &after, &codes::limit(limit)])
        .await?;
    conn.done();
    rows.iter().map(load::lane).collect()
}

/// Whether a lane of the revision owes something or is open downstream.
pub(super) async fn revision_in_use(inner: &Inner, revision: (IntegrationId, u32)) -> Res<bool> {
    let slots = inner.known_slots(vec![revision]).await?;
    let Some(slot) = slots.0.get(&revision) else {
        return Ok(false);
    };
    let conn = inner.conn().await?;
    let found = conn
        .query_opt(
            "SELECT 1 FROM lane WHERE slot = $1 AND (look_at IS NOT NULL OR told IN (1, 2)) LIMIT 1",
            &[slot],
        )
        .await?;
    conn.done();
    Ok(found.is_some())
}
