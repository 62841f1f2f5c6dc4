//! What all operations of a store share: its connections, what it knows of other nodes, and how a transaction is done
//! again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::{IntegrationId, LaneKey, NodeId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::connect::Conn;
use super::fault::{Fault, Res};
use super::lanes::Slots;
use super::node::Share;
use super::{Options, columns, wake};
use crate::Counts;

/// Tries of a transaction that others get in the way of, until its caller is told to try again.
const TRIES_MAX: usize = 20;

/// What all operations share.
pub(super) struct Inner {
    pub pool: deadpool_postgres::Pool,
    pub options: Options,
    pub wake: Arc<wake::Wake>,
    pub slots: RwLock<HashMap<(IntegrationId, u32), i64>>,
    pub slow_turns: Semaphore,
    /// Added to transaction numbers in events' positions.
    pub feed_added: i64,
    pub share: RwLock<Share>,
    /// No other node is missing without a goodbye.
    pub all_heard: AtomicBool,
    /// Why this node may not work on the database any more.
    pub aside: RwLock<Option<String>>,
    pub node: Mutex<Option<NodeId>>,
    pub redone: AtomicU64,
    /// The last counts: when, and what they cost.
    pub counted: Mutex<Option<(tokio::time::Instant, Duration, Counts)>>,
}

impl Inner {
    pub async fn conn(&self) -> Res<Conn> {
        if let Some(why) = &*self.aside.read() {
            return Err(Fault::Schema(why.clone()));
        }
        Conn::get(&self.pool, self.options.timeout).await
    }

    pub fn stand_aside(&self, why: String) {
        *self.aside.write() = Some(why);
    }

    /// One step of the hot path, given up in time.
    pub async fn in_time<T>(&self, work: impl Future<Output = Res<T>>) -> Res<T> {
        let limit = self.options.timeout;
        let done = tokio::time::timeout(limit, work).await;
        done.unwrap_or(Err(Fault::Late(limit)))
    }

    /// Does it again while others get in the way.
    pub async fn again<T, F: Future<Output = Res<T>>>(&self, work: impl Fn() -> F) -> Res<T> {
        for _ in 1..TRIES_MAX {
            match self.in_time(work()).await {
                Err(fault) if fault.is_others() => {
                    self.redone.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(?fault, "rolled back because of others; done again");
                }
                done => return done,
            }
        }
        self.in_time(work()).await
    }

    /// The slots of these lanes, made where there is none yet.
    pub async fn slots_of(&self, keys: Vec<LaneKey>) -> Res<Slots> {
        let revisions = keys.iter().map(|key| (key.integration, key.revision));
        let mut slots = HashMap::new();
        let mut unknown = Vec::new();
        {
            let known = self.slots.read();
            for revision in revisions {
                match known.get(&revision) {
                    Some(slot) => {
                        slots.insert(revision, *slot);
                    }
                    None => unknown.push(revision),
                }
            }
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            unknown.dedup();
            self.again(|| self.make_slots(&unknown)).await?;
            slots.extend(self.known_slots(unknown).await?.0);
        }
        Ok(Slots(slots))
    }

    pub async fn make_slots(&self, revisions: &[(IntegrationId, u32)]) -> Res<()> {
        let conn = self.conn().await?;
        conn.execute(
            "INSERT INTO slot (integration, revision)
             SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING",
            &[
                &columns(revisions, |(id, _)| Uuid::from_u128(id.0)),
                &columns(revisions, |(_, revision)| i64::from(*revision)),
            ],
        )
        .await?;
        conn.done();
        Ok(())
    }

    /// The slots of these revisions, without those that never had a lane.
    pub async fn known_slots(&self, revisions: Vec<(IntegrationId, u32)>) -> Res<Slots> {
        let missing: Vec<_> = {
            let known = self.slots.read();
            let unknown = revisions.iter().filter(|r| !known.contains_key(*r));
            unknown.copied().collect()
        };
        if !missing.is_empty() {
            let conn = self.conn().await?;
            let select = conn
                .prepare_cached(
                    "SELECT u.ord, k.slot FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY
                         AS u(integration, revision, ord)
                     JOIN slot k ON k.integration = u.integration AND k.revision = u.revision",
                )
                .await?;
            let rows = conn
                .query(
                    &select,
                    &[
                        &columns(&missing, |(id, _)| Uuid::from_u128(id.0)),
                        &columns(&missing, |(_, revision)| i64::from(*revision)),
                    ],
                )
                .await?;
            conn.done();
            let mut known = self.slots.write();
            for row in rows {
                let at = usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or(usize::MAX);
                if let Some(revision) = missing.get(at) {
                    known.insert(*revision, row.get(1));
                }
            }
        }
        let known = self.slots.read();
        let found = revisions
            .into_iter()
            .filter_map(|revision| Some((revision, *known.get(&revision)?)));
        Ok(Slots(found.collect()))
    }
}
