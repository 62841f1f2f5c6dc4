//! Taking lanes for sending: versions, buckets, and claims that stay in memory.

use model::Timestamp;
use rusqlite::params;

use super::fault::Res;
use super::writer::Tx;
use super::{alerts, lanes};
use crate::format::buckets::Bucket;
use crate::format::rows;
use crate::{ClaimAnswer, ClaimWrite, Debit};

/// Takes lanes for sending.
pub(super) fn claim(tx: &mut Tx<'_>, claims: &[ClaimWrite]) -> Res<Vec<ClaimAnswer>> {
    let mut answers = Vec::with_capacity(claims.len());
    for claim in claims {
        // A claim is a few numbers of the store's own making: if it fails, so does the request.
        match tx.item(|tx| claim_one(tx, claim))? {
            Ok(answer) => answers.push(answer),
            Err(fault) => return Err(fault),
        }
    }
    Ok(answers)
}

fn claim_one(tx: &mut Tx<'_>, claim: &ClaimWrite) -> Res<ClaimAnswer> {
    let key = claim.lane.key;
    let Some(row) = alerts::row_of(tx.conn, key.alert)? else {
        return Ok(ClaimAnswer::Conflict);
    };
    let Some((slot, before)) = lanes::find(tx, row, key.integration, key.revision)? else {
        return Ok(ClaimAnswer::Conflict);
    };
    let place = (row, slot);
    let version = tx.pending.claimed_version(tx.memory, place);
    if version.unwrap_or(before.version) != claim.expected {
        return Ok(ClaimAnswer::Conflict);
    }
    match debit(tx, &claim.debits, claim.now) {
        Err((bucket, until)) => return Ok(ClaimAnswer::Blocked { bucket, until }),
        Ok(debited) => {
            for (name, bucket) in debited {
                tx.pending.set_bucket(&name, bucket);
            }
        }
    }
    if claim.durable {
        let lane = rows::lane(&claim.lane, Some(claim.expected))?;
        lanes::put(tx, row, &lane, Some(before))?;
    } else {
        tx.pending.claim(place, claim.lane.clone());
    }
    Ok(ClaimAnswer::Claimed)
}

/// All buckets after their debits, or the one that keeps the lane waiting longest.
fn debit(
    tx: &Tx<'_>,
    debits: &[Debit],
    now: Timestamp,
) -> Result<Vec<(String, Bucket)>, (String, Timestamp)> {
    let mut after: Vec<(String, Bucket)> = Vec::with_capacity(debits.len());
    let mut blocked: Option<(String, Timestamp)> = None;
    for debit in debits {
        let held = after.iter().rev().find(|(name, _)| *name == debit.bucket);
        let bucket = match held {
            Some((_, bucket)) => *bucket,
            None => tx.pending.bucket(tx.memory, &debit.bucket),
        };
        match bucket.debit(debit, now) {
            Ok(bucket) => after.push((debit.bucket.clone(), bucket)),
            Err(until) if blocked.as_ref().is_none_or(|(_, b)| *b < until) => {
                blocked = Some((debit.bucket.clone(), until));
            }
            Err(_) => {}
        }
    }
    match blocked {
        Some(blocked) => Err(blocked),
        None => Ok(after),
    }
}

/// Blocks a bucket, also beyond a restart.
pub(super) fn block_bucket(tx: &mut Tx<'_>, name: &str, until: Timestamp) -> Res<()> {
    let bucket = tx.pending.bucket(tx.memory, name).block(until);
    tx.conn
        .prepare_cached(
            "INSERT INTO bucket (name, blocked_until) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET blocked_until = excluded.blocked_until",
        )?
        .execute(params![name, bucket.blocked_until.0])?;
    tx.pending.set_bucket(name, bucket);
    Ok(())
}
