//! What is kept beside the file: live keys, claims, buckets, slots, counts. All of it is rebuilt or given up when the
//! process ends; readers see a change only after the transaction that made it is committed.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use model::{IntegrationId, Lane, Timestamp};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, params};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::fault::Res;
use crate::LiveKey;
use crate::format::buckets::Bucket;

/// 128 bits for a live key, keyed afresh by each process, so that no sender can make two keys meet.
pub(super) type LiveHash = (u64, u64);

/// A lane's place in its table: the alert's row and the slot.
pub(super) type LanePlace = (i64, i64);

/// What readers share with the writer.
pub(super) struct Memory {
    keys: (u64, u64),
    live: RwLock<HashMap<LiveHash, i64, BuildHasherDefault<Random>>>,
    /// By slot, then by the alert's row.
    claims: RwLock<HashMap<i64, HashMap<i64, Lane>>>,
    slots: RwLock<HashMap<(IntegrationId, u32), i64>>,
    buckets: RwLock<HashMap<String, Bucket>>,
    dues: Mutex<HashMap<i64, Due>>,
}

/// When a slot has its next lane: with many integrations most have not changed since somebody asked.
#[derive(Default)]
struct Due {
    /// Counts the transactions that changed a lane of the slot.
    changes: u64,
    found: Option<Option<Timestamp>>,
}

/// What is known of a slot's next lane.
#[derive(Clone, Copy)]
pub(super) enum KnownDue {
    At(Option<Timestamp>),
    /// To be found out, and remembered if there were no more changes than this.
    Unknown(u64),
}

impl Memory {
    /// Reads what the file holds of it.
    pub(super) fn rebuild(conn: &Connection) -> Res<Memory> {
        let memory = Memory {
            keys: (
                RandomState::new().hash_one(0u8),
                RandomState::new().hash_one(1u8),
            ),
            live: RwLock::default(),
            claims: RwLock::default(),
            slots: RwLock::default(),
            buckets: RwLock::default(),
            dues: Mutex::default(),
        };
        super::live::each_live(conn, |row, key| {
            memory.live.write().insert(memory.hash(key), row);
        })?;
        let mut slots = conn.prepare("SELECT integration, revision, slot FROM slot")?;
        let mut rows = slots.query([])?;
        while let Some(row) = rows.next()? {
            let integration = IntegrationId::from_bytes(row.get(0)?);
            let key = (integration, row.get(1)?);
            memory.slots.write().insert(key, row.get(2)?);
        }
        let mut buckets = conn.prepare("SELECT name, blocked_until FROM bucket")?;
        let mut rows = buckets.query([])?;
        while let Some(row) = rows.next()? {
            let blocked = Bucket::default().block(model::Timestamp(row.get(1)?));
            memory.buckets.write().insert(row.get(0)?, blocked);
        }
        Ok(memory)
    }

    pub(super) fn hash(&self, key: &LiveKey) -> LiveHash {
        let mut hasher = SipHasher24::new_with_keys(self.keys.0, self.keys.1);
        key.hash(&mut hasher);
        hasher.finish128().as_u64()
    }

    /// The row of the alert that holds this key.
    pub(super) fn holder(&self, hash: LiveHash) -> Option<i64> {
        self.live.read().get(&hash).copied()
    }

    /// The lane as a claim that is not in the file made it.
    pub(super) fn claimed(&self, place: LanePlace) -> Option<Lane> {
        let (row, slot) = place;
        self.claims.read().get(&slot)?.get(&row).cloned()
    }

    fn claimed_version(&self, (row, slot): LanePlace) -> Option<u32> {
        Some(self.claims.read().get(&slot)?.get(&row)?.version)
    }

    /// Runs `look` on each claim in memory of one slot, with the alert's row.
    pub(super) fn each_claim(&self, slot: i64, mut look: impl FnMut(i64, &Lane)) {
        for (row, lane) in self.claims.read().get(&slot).into_iter().flatten() {
            look(*row, lane);
        }
    }

    /// Takes over what a committed transaction changed.
    pub(super) fn merge(&self, pending: Pending) {
        if !pending.live.is_empty() {
            let mut live = self.live.write();
            for (hash, holder) in pending.live {
                match holder {
                    Some(row) => live.insert(hash, row),
                    None => live.remove(&hash),
                };
            }
        }
        if !pending.claims.is_empty() {
            let mut claims = self.claims.write();
            for ((row, slot), lane) in pending.claims {
                let of_slot = claims.entry(slot).or_default();
                match lane {
                    Some(lane) => of_slot.insert(row, lane),
                    None => of_slot.remove(&row),
                };
            }
        }
        if !pending.slots.is_empty() {
            self.slots.write().extend(pending.slots);
        }
        if !pending.buckets.is_empty() {
            self.buckets.write().extend(pending.buckets);
        }
        // Last of all: whoever asks after this sees everything above, and the file's rows too.
        let mut dues = self.dues.lock();
        for slot in pending.touched {
            let due = dues.entry(slot).or_default();
            due.changes += 1;
            due.found = None;
        }
    }

    /// What is known of each slot's next lane. To be asked before the file is read: an answer from rows that were older
    /// than this is then never remembered.
    pub(super) fn known_dues(&self, slots: &[i64]) -> Vec<KnownDue> {
        let dues = self.dues.lock();
        let known = |slot| match dues.get(slot) {
            None => KnownDue::Unknown(0),
            Some(due) => match due.found {
                None => KnownDue::Unknown(due.changes),
                Some(at) => KnownDue::At(at),
            },
        };
        slots.iter().map(known).collect()
    }

    /// Remembers what was found, if nothing has changed since [`Memory::known_dues`] said so.
    pub(super) fn remember_due(&self, slot: i64, changes: u64, at: Option<Timestamp>) {
        let mut dues = self.dues.lock();
        let due = dues.entry(slot).or_default();
        if due.changes == changes {
            due.found = Some(at);
        }
    }

    /// The slot of a revision, if it ever had a lane that was committed.
    pub(super) fn slot(&self, of: (IntegrationId, u32)) -> Option<i64> {
        self.slots.read().get(&of).copied()
    }

    /// Forgets buckets that owe nothing, once there are many.
    pub(super) fn tidy_buckets(&self, now: model::Timestamp) {
        /// More than an installation has channels and keys: an idle bucket costs 100 bytes.
        const MANY: usize = 10_000;
        let mut buckets = self.buckets.write();
        if buckets.len() > MANY {
            buckets.retain(|_, bucket| !bucket.is_idle(now));
        }
    }
}

/// What a transaction changes in memory when it commits.
#[derive(Clone, Default)]
pub(super) struct Pending {
    live: HashMap<LiveHash, Option<i64>>,
    claims: HashMap<LanePlace, Option<Lane>>,
    slots: HashMap<(IntegrationId, u32), i64>,
    buckets: HashMap<String, Bucket>,
    /// Slots of which a lane was written, removed or claimed.
    touched: HashSet<i64>,
    pub tally: Tally,
}

/// Memory as the running transaction sees it.
impl Pending {
    pub(super) fn new(tally: Tally) -> Pending {
        Pending {
            tally,
            ..Pending::default()
        }
    }

    pub(super) fn holder(&self, memory: &Memory, hash: LiveHash) -> Option<i64> {
        match self.live.get(&hash) {
            Some(holder) => *holder,
            None => memory.holder(hash),
        }
    }

    pub(super) fn hold(&mut self, hash: LiveHash, row: Option<i64>) {
        self.live.insert(hash, row);
    }

    /// The version of the lane that is claimed in memory.
    pub(super) fn claimed_version(&self, memory: &Memory, place: LanePlace) -> Option<u32> {
        match self.claims.get(&place) {
            Some(lane) => lane.as_ref().map(|l| l.version),
            None => memory.claimed_version(place),
        }
    }

    pub(super) fn touch(&mut self, slot: i64) {
        self.touched.insert(slot);
    }

    pub(super) fn claim(&mut self, place: LanePlace, lane: Lane) {
        self.touch(place.1);
        self.claims.insert(place, Some(lane));
    }

    /// The lane was written: what was only in memory is in the file, or overtaken.
    pub(super) fn unclaim(&mut self, memory: &Memory, place: LanePlace) {
        if self.claims.contains_key(&place) || memory.claimed_version(place).is_some() {
            self.claims.insert(place, None);
        }
    }

    pub(super) fn bucket(&self, memory: &Memory, name: &str) -> Bucket {
        match self.buckets.get(name) {
            Some(bucket) => *bucket,
            None => memory.buckets.read().get(name).copied().unwrap_or_default(),
        }
    }

    pub(super) fn set_bucket(&mut self, name: &str, bucket: Bucket) {
        self.buckets.insert(name.to_owned(), bucket);
    }

    /// The slot of a revision, if it ever had a lane.
    pub(super) fn known_slot(
        &self,
        memory: &Memory,
        integration: IntegrationId,
        revision: u32,
    ) -> Option<i64> {
        let key = (integration, revision);
        let pending = self.slots.get(&key).copied();
        pending.or_else(|| memory.slot(key))
    }

    /// The slot of a revision, made if it has none yet.
    pub(super) fn slot(
        &mut self,
        conn: &Connection,
        memory: &Memory,
        integration: IntegrationId,
        revision: u32,
    ) -> Res<i64> {
        if let Some(slot) = self.known_slot(memory, integration, revision) {
            return Ok(slot);
        }
        let slot = conn
            .prepare_cached("INSERT INTO slot (integration, revision) VALUES (?1, ?2)")?
            .insert(params![integration.to_bytes(), revision])?;
        self.slots.insert((integration, revision), slot);
        Ok(slot)
    }
}

/// Counts and last positions, as they stand in the table of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// By `codes::status`.
    pub statuses: [i64; 5],
    pub lanes_owing: i64,
    pub lanes_open: i64,
    pub duplicates: i64,
    pub orphans: i64,
    pub last_alert: i64,
    pub last_event: i64,
    pub last_attempt: i64,
}

impl Tally {
    pub(super) fn read(conn: &Connection) -> Res<Tally> {
        let sql = "SELECT tracking, open, acknowledged, shelved, closed, lanes_owing, lanes_open,
                          duplicates, orphans, last_alert, last_event, last_attempt FROM tally";
        Ok(conn.prepare_cached(sql)?.query_row([], |r| {
            Ok(Tally {
                statuses: [r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?],
                lanes_owing: r.get(5)?,
                lanes_open: r.get(6)?,
                duplicates: r.get(7)?,
                orphans: r.get(8)?,
                last_alert: r.get(9)?,
                last_event: r.get(10)?,
                last_attempt: r.get(11)?,
            })
        })?)
    }

    pub(super) fn write(&self, conn: &Connection) -> Res<()> {
        let [tracking, open, acknowledged, shelved, closed] = self.statuses;
        conn.prepare_cached(
            "UPDATE tally SET tracking = ?1, open = ?2, acknowledged = ?3, shelved = ?4, closed = ?5,
                 lanes_owing = ?6, lanes_open = ?7, duplicates = ?8, orphans = ?9,
                 last_alert = ?10, last_event = ?11, last_attempt = ?12",
        )?
        .execute(params![
            tracking,
            open,
            acknowledged,
            shelved,
            closed,
            self.lanes_owing,
            self.lanes_open,
            self.duplicates,
            self.orphans,
            self.last_alert,
            self.last_event,
            self.last_attempt
        ])?;
        Ok(())
    }

    /// Counts an alert in (`by` = 1) or out (-1).
    pub(super) fn count_status(&mut self, code: i64, by: i64) {
        let place = usize::try_from(code)
            .ok()
            .and_then(|i| self.statuses.get_mut(i));
        if let Some(count) = place {
            *count += by;
        }
    }
}

/// The keys are random already.
#[derive(Default)]
pub(super) struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, part: u64) {
        self.0 ^= part;
    }
}
