//! Taking lanes for sending: versions and vendors' buckets in one transaction, shared by all nodes.

use std::collections::{BTreeSet, HashMap};

use model::Timestamp;

use super::fault::{Fault, Res};
use super::lanes::{Lock, Puts, Slots};
use super::{Inner, columns};
use crate::format::buckets::Bucket;
use crate::format::rows::{self, LaneRow};
use crate::{ClaimAnswer, ClaimWrite, Debit};

/// Takes lanes for sending. Every claim is a row, whatever the caller needs: others must see it.
pub(super) async fn claim(inner: &Inner, claims: Vec<ClaimWrite>) -> Res<Vec<ClaimAnswer>> {
    let lane = |claim: &ClaimWrite| rows::lane(&claim.lane, Some(claim.expected));
    let lanes = claims.iter().map(lane).collect::<Result<Vec<_>, _>>()?;
    let keys = columns(&lanes, |lane| lane.key);
    let slots = inner.in_time(inner.slots_of(keys)).await?;
    inner
        .again(|| attempt(inner, &slots, &claims, &lanes))
        .await
}

async fn attempt(
    inner: &Inner,
    slots: &Slots,
    claims: &[ClaimWrite],
    lanes: &[LaneRow],
) -> Res<Vec<ClaimAnswer>> {
    let conn = inner.conn().await?;
    let lock = Lock::prepare(&conn, slots, lanes.iter().map(|l| l.key).collect()).await?;
    let make = conn
        .prepare_cached(
            "INSERT INTO bucket (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        )
        .await?;
    let select = conn
        .prepare_cached(
            "SELECT name, paid_at, blocked_until FROM bucket WHERE name = ANY($1) ORDER BY name FOR UPDATE",
        )
        .await?;
    let update = conn
        .prepare_cached(
            "UPDATE bucket b SET paid_at = u.paid_at FROM unnest($1::text[], $2::bigint[]) AS u(name, paid_at)
             WHERE b.name = u.name",
        )
        .await?;
    let debits = claims.iter().flat_map(|claim| &claim.debits);
    let sorted: BTreeSet<&str> = debits.map(|debit| debit.bucket.as_str()).collect();
    let names: Vec<&str> = sorted.into_iter().collect();
    let (_, mut locked, _, buckets) = tokio::try_join!(
        biased;
        async { Ok::<_, Fault>(conn.batch_execute("BEGIN").await?) },
        lock.run(&conn),
        async {
            if !names.is_empty() {
                conn.execute(&make, &[&names]).await?;
            }
            Ok(())
        },
        async {
            match names.is_empty() {
                true => Ok(Vec::new()),
                false => Ok(conn.query(&select, &[&names]).await?),
            }
        },
    )?;
    let mut buckets: HashMap<String, Bucket> = buckets
        .iter()
        .map(|row| {
            let bucket = Bucket {
                paid_at: Timestamp(row.get(1)),
                blocked_until: Timestamp(row.get(2)),
            };
            (row.get(0), bucket)
        })
        .collect();
    let mut answers = Vec::with_capacity(claims.len());
    let mut taken = Vec::new();
    for (claim, lane) in claims.iter().zip(lanes) {
        let place = (lane.key.alert, slots.of(&lane.key));
        let found = locked.get(&place).map(|l| l.version);
        if found != Some(i64::from(claim.expected)) {
            answers.push(ClaimAnswer::Conflict);
            continue;
        }
        answers.push(match debit(&mut buckets, &claim.debits, claim.now) {
            Some((bucket, until)) => ClaimAnswer::Blocked { bucket, until },
            None => {
                locked.remove(&place);
                taken.push(lane);
                ClaimAnswer::Claimed
            }
        });
    }
    if taken.is_empty() {
        conn.batch_execute("ROLLBACK").await?;
        conn.done();
        return Ok(answers);
    }
    let puts = Puts::prepare(&conn, slots, taken.into_iter(), std::iter::empty()).await?;
    let debited: Vec<(&String, &Bucket)> = buckets.iter().collect();
    tokio::try_join!(
        biased;
        puts.run(&conn),
        async {
            if !debited.is_empty() {
                let names = columns(&debited, |(name, _)| name.as_str());
                let paid = columns(&debited, |(_, bucket)| bucket.paid_at.0);
                conn.execute(&update, &[&names, &paid]).await?;
            }
            Ok::<_, Fault>(())
        },
        async { Ok(conn.batch_execute("COMMIT").await?) },
    )?;
    conn.done();
    inner.wake.here();
    Ok(answers)
}

/// Debits all buckets, or none and says which keeps the lane waiting longest.
fn debit(
    buckets: &mut HashMap<String, Bucket>,
    debits: &[Debit],
    now: Timestamp,
) -> Option<(String, Timestamp)> {
    let mut after: HashMap<&str, Bucket> = HashMap::new();
    let mut blocked: Option<(String, Timestamp)> = None;
    for debit in debits {
        let held = after
            .get(debit.bucket.as_str())
            .or(buckets.get(&debit.bucket));
        match held.copied().unwrap_or_default().debit(debit, now) {
            Ok(bucket) => {
                after.insert(&debit.bucket, bucket);
            }
            Err(until) if blocked.as_ref().is_none_or(|(_, b)| *b < until) => {
                blocked = Some((debit.bucket.clone(), until));
            }
            Err(_) => {}
        }
    }
    if blocked.is_none() {
        for (name, bucket) in after {
            buckets.insert(name.to_owned(), bucket);
        }
    }
    blocked
}

/// Blocks a bucket until then, unless it is blocked longer already.
pub(super) async fn block_bucket(inner: &Inner, bucket: &str, until: Timestamp) -> Res<()> {
    let conn = inner.conn().await?;
    let put = conn
        .prepare_cached(
            "INSERT INTO bucket (name, blocked_until) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET blocked_until = greatest(bucket.blocked_until, excluded.blocked_until)",
        )
        .await?;
    conn.execute(&put, &[&bucket, &until.0]).await?;
    conn.done();
    Ok(())
}

/// Buckets that owed nothing even then: forgetting them loses nothing.
pub(super) async fn forget_idle(inner: &Inner, now: Timestamp) -> Res<()> {
    let conn = inner.conn().await?;
    conn.execute(
        "DELETE FROM bucket WHERE paid_at < $1 AND blocked_until < $1",
        &[&now.0],
    )
    .await?;
    conn.done();
    Ok(())
}
