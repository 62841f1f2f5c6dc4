//! Forgetting, in small steps, each one transaction.

use std::collections::HashSet;

use uuid::Uuid;

use super::connect::Conn;
use super::fault::Res;
use super::{Inner, columns};
use crate::format::codes;
use crate::{SweepReport, SweepRules};

/// No lane of the alert owes or is open downstream, and no signal can reach it any more.
const REMOVABLE: &str = "a.live_key IS NULL AND a.status = 4 AND a.closed_at < $1
    AND NOT EXISTS (SELECT 1 FROM lane l WHERE l.alert = a.id AND (l.look_at IS NOT NULL OR l.told IN (1, 2)))";

/// One step of forgetting.
pub(super) async fn sweep(inner: &Inner, rules: &SweepRules) -> Res<SweepReport> {
    let mut report = SweepReport::default();
    let conn = inner.conn().await?;
    alerts(&conn, rules, &mut report).await?;
    logs(&conn, rules, &mut report).await?;
    let limit = codes::limit(rules.limit);
    report.attempts = removed(
        conn.execute(
            "DELETE FROM attempt WHERE pos IN (SELECT pos FROM attempt WHERE at < $1 ORDER BY at LIMIT $2)",
            &[&rules.attempts_before.0, &limit],
        )
        .await?,
    );
    report.messages = removed(
        conn.execute(
            "DELETE FROM message m USING (
                 SELECT source, id FROM message WHERE at < $1 ORDER BY at LIMIT $2) old
             WHERE m.source = old.source AND m.id = old.id",
            &[&rules.messages_before.0, &limit],
        )
        .await?,
    );
    conn.done();
    report.more |= [report.events, report.attempts, report.messages]
        .iter()
        .any(|removed| *removed >= rules.limit);
    Ok(report)
}

fn removed(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

async fn alerts(conn: &Conn, rules: &SweepRules, report: &mut SweepReport) -> Res<()> {
    let candidates = conn
        .query(
            &format!(
                "SELECT a.id, a.seq FROM alert a WHERE {REMOVABLE} ORDER BY a.closed_at LIMIT $2"
            ),
            &[&rules.closed_before.0, &codes::limit(rules.limit)],
        )
        .await?;
    let mut left = codes::limit(rules.limit);
    let mut chosen: Vec<Uuid> = Vec::new();
    for row in &candidates {
        if left <= 0 {
            report.more = true;
            break;
        }
        chosen.push(row.get(0));
        // The alert and at most so many events.
        left -= 1 + row.get::<_, i64>(1);
    }
    report.more |= candidates.len() >= rules.limit;
    if chosen.is_empty() {
        return Ok(());
    }
    conn.batch_execute("BEGIN").await?;
    // Looked at again under the locks: somebody may have reopened it, or given it a lane that owes. Lanes are a
    // statement of their own: one that waited for an alert still sees its lanes as they were before the wait.
    let rows = conn
        .query(
            &format!("SELECT a.id FROM alert a WHERE a.id = ANY($2) AND {REMOVABLE} ORDER BY a.id FOR UPDATE"),
            &[&rules.closed_before.0, &chosen],
        )
        .await?;
    let locked: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let lanes = conn
        .query(
            "SELECT alert, look_at IS NOT NULL OR told IN (1, 2) FROM lane WHERE alert = ANY($1)
             ORDER BY alert, slot FOR UPDATE",
            &[&locked],
        )
        .await?;
    let needed: HashSet<Uuid> = lanes
        .iter()
        .filter(|row| row.get(1))
        .map(|row| row.get(0))
        .collect();
    let ids: Vec<Uuid> = locked
        .into_iter()
        .filter(|id| !needed.contains(id))
        .collect();
    for table in ["lane", "event", "seen"] {
        conn.execute(
            &format!("DELETE FROM {table} WHERE alert = ANY($1)"),
            &[&ids],
        )
        .await?;
    }
    report.alerts = removed(
        conn.execute("DELETE FROM alert WHERE id = ANY($1)", &[&ids])
            .await?,
    );
    conn.batch_execute("COMMIT").await?;
    Ok(())
}

/// An alert's seq is at least the number of its events, so only long logs need a look.
async fn logs(conn: &Conn, rules: &SweepRules, report: &mut SweepReport) -> Res<()> {
    let kept = i64::from(rules.updates_kept);
    // PostgreSQL uses the index `alert_long` where it can see that it covers the question.
    let long = if kept >= 16 { "AND a.seq > 16" } else { "" };
    let found = conn
        .query(
            &format!(
                "SELECT a.id, old.seq FROM alert a CROSS JOIN LATERAL (
                     SELECT e.seq FROM event e WHERE e.alert = a.id AND e.kind = 3
                     ORDER BY e.seq DESC LIMIT 1 OFFSET $1) old
                 WHERE a.seq > $1 {long} ORDER BY a.id LIMIT $2"
            ),
            &[&kept, &codes::limit(rules.limit)],
        )
        .await?;
    if found.is_empty() {
        return Ok(());
    }
    report.more |= found.len() >= rules.limit;
    let logs: Vec<(Uuid, i64)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    // The event that holds the alert's present content stays in any case.
    report.events = removed(
        conn.execute(
            "DELETE FROM event e USING (
                 SELECT o.alert, o.seq FROM unnest($1::uuid[], $2::bigint[]) AS u(alert, upto)
                 JOIN alert a ON a.id = u.alert
                 JOIN event o ON o.alert = u.alert AND o.kind = 3 AND o.seq <= u.upto
                     AND o.seq IS DISTINCT FROM a.content_seq
                 ORDER BY o.alert, o.seq LIMIT $3) old
             WHERE e.alert = old.alert AND e.seq = old.seq",
            &[
                &columns(&logs, |(id, _)| *id),
                &columns(&logs, |(_, upto)| *upto),
                &codes::limit(rules.limit),
            ],
        )
        .await?,
    );
    // What holds content, or was removed by another, would be found again and again.
    report.more &= report.events > 0 || report.alerts > 0;
    Ok(())
}
