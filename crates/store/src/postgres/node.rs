//! This node among others: its heartbeat, its share of the work, leases, the database's clock, standing aside.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use model::{NodeId, Timestamp};
use uuid::Uuid;

use super::fault::{Fault, Res};
use super::{Inner, schema, time};

/// How often a node says that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// A node that was silent for this long gets no share of the work any more.
const SILENT_AFTER_MS: i64 = 6_000;
/// One that was silent for longer is not waited for any more.
const MISSING_AFTER_MS: i64 = 600_000;
/// Rows of nodes that are long gone are removed.
const FORGOTTEN_AFTER_MS: i64 = 3_600_000;

/// Which part of the alerts this node looks at first: those whose id is `index` modulo `count`. Others' parts are left
/// to them for a moment, so that nodes do not race for the same lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub index: i32,
    pub count: i32,
}

impl Share {
    pub(super) const WHOLE: Share = Share { index: 0, count: 1 };
}

const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// The database's wall time.
pub(super) async fn now(inner: &Inner) -> Res<Timestamp> {
    let conn = inner.conn().await?;
    let select = conn.prepare_cached(&format!("SELECT {NOW}")).await?;
    let row = conn.query_one(&select, &[]).await?;
    conn.done();
    Ok(Timestamp(row.get(0)))
}

/// Says that this node lives, and looks who else does and whether it may go on.
pub(super) async fn beat(inner: &Inner, node: NodeId) -> Res<()> {
    let conn = inner.conn().await?;
    let needs = conn
        .prepare_cached("SELECT value FROM meta WHERE name = 'schema.needs'")
        .await?;
    let row = conn.query_opt(&needs, &[]).await?;
    let needs = row
        .and_then(|row| row.get::<_, &str>(0).parse().ok())
        .unwrap_or(0);
    if let Some(what) = schema::too_old(schema::known(), needs) {
        conn.done();
        inner.stand_aside(what.clone());
        return Err(Fault::Schema(what));
    }
    let put = conn
        .prepare_cached(&format!(
            "INSERT INTO node (id, seen_at, schema) VALUES ($1, {NOW}, $2)
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
        ))
        .await?;
    let id = Uuid::from_u128(node.0);
    conn.execute(&put, &[&id, &schema::known()]).await?;
    let select = conn
        .prepare_cached(&format!(
            "SELECT id, seen_at > {NOW} - {SILENT_AFTER_MS} FROM node
             WHERE seen_at > {NOW} - {MISSING_AFTER_MS} ORDER BY id"
        ))
        .await?;
    let rows = conn.query(&select, &[]).await?;
    conn.done();
    let (alive, missing): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get::<_, bool>(1));
    inner.all_heard.store(missing.is_empty(), Ordering::Relaxed);
    let index = alive.iter().position(|row| row.get::<_, Uuid>(0) == id);
    *inner.share.write() = match (index, i32::try_from(alive.len())) {
        (Some(index), Ok(count)) => Share {
            index: i32::try_from(index).unwrap_or(0),
            count,
        },
        _ => Share::WHOLE,
    };
    Ok(())
}

/// Beats until the store is dropped or the node says goodbye.
pub(super) fn keep_beating(inner: &Arc<Inner>) {
    let inner: Weak<Inner> = Arc::downgrade(inner);
    tokio::spawn(async move {
        loop {
            time::pause(BEAT).await;
            let Some(inner) = inner.upgrade() else { return };
            let Some(node) = *inner.node.lock() else {
                return;
            };
            let beat = tokio::time::timeout(inner.options.timeout, beat(&inner, node)).await;
            if let Ok(Err(fault)) = beat {
                tracing::debug!(?fault, "no heartbeat");
            }
        }
    });
}

/// The node's last word.
pub(super) async fn leave(inner: &Inner, node: NodeId) -> Res<()> {
    let conn = inner.conn().await?;
    let id = Uuid::from_u128(node.0);
    conn.execute("DELETE FROM node WHERE id = $1", &[&id])
        .await?;
    conn.execute("DELETE FROM lease WHERE holder = $1", &[&id])
        .await?;
    conn.done();
    Ok(())
}

pub(super) async fn lease(
    inner: &Inner,
    name: &str,
    holder: NodeId,
    now: Timestamp,
    until: Timestamp,
) -> Res<bool> {
    let conn = inner.conn().await?;
    let take = conn
        .prepare_cached(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
                 WHERE lease.holder = excluded.holder OR lease.until <= $4",
        )
        .await?;
    let id = Uuid::from_u128(holder.0);
    let taken = conn.execute(&take, &[&name, &id, &until.0, &now.0]).await?;
    conn.done();
    Ok(taken == 1)
}

pub(super) async fn release_leases(inner: &Inner, holder: NodeId) -> Res<()> {
    let conn = inner.conn().await?;
    let id = Uuid::from_u128(holder.0);
    conn.execute("DELETE FROM lease WHERE holder = $1", &[&id])
        .await?;
    conn.done();
    Ok(())
}

/// Rows of nodes that have not been seen for an hour.
pub(super) async fn forget_the_gone(inner: &Inner) -> Res<()> {
    let conn = inner.conn().await?;
    conn.execute(
        &format!("DELETE FROM node WHERE seen_at < {NOW} - {FORGOTTEN_AFTER_MS}"),
        &[],
    )
    .await?;
    conn.done();
    Ok(())
}
