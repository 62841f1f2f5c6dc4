//! Forgetting, in small steps: candidates are looked up beside the writer, which only deletes.

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Res;
use super::writer::Tx;
use super::{lanes, silences};
use crate::format::codes;
use crate::{SweepReport, SweepRules};

/// What a step found to remove; the writer looks at each alert again.
#[derive(Default)]
pub(super) struct Found {
    alerts: Vec<i64>,
    /// Alerts with more `updated` events than are kept, and the seq below which those go.
    logs: Vec<(i64, i64)>,
    more: bool,
}

/// No lane of the alert owes or is open downstream, and no signal can reach it any more.
const REMOVABLE: &str = "live = 0 AND status = 4 AND closed_at < ?1
    AND NOT EXISTS (SELECT 1 FROM lane l WHERE l.alert_row = alert.row AND (l.look_at IS NOT NULL OR l.told IN (1, 2)))";

pub(super) fn find(conn: &Connection, rules: &SweepRules) -> Res<Found> {
    let mut found = Found::default();
    let mut left = codes::limit(rules.limit);
    let mut select = conn.prepare_cached(&format!(
        "SELECT row, seq FROM alert INDEXED BY alert_closed WHERE {REMOVABLE} ORDER BY closed_at"
    ))?;
    let mut rows = select.query([rules.closed_before.0])?;
    while let Some(r) = rows.next()? {
        if left <= 0 {
            found.more = true;
            break;
        }
        found.alerts.push(r.get(0)?);
        // The alert and at most so many events.
        left -= 1 + r.get::<_, i64>(1)?;
    }
    drop(rows);
    find_logs(conn, rules, &mut found)?;
    Ok(found)
}

/// An alert's seq is at least the number of its events, so only long logs need a look.
fn find_logs(conn: &Connection, rules: &SweepRules, found: &mut Found) -> Res<()> {
    let kept = i64::from(rules.updates_kept);
    // SQLite uses the index `alert_long` where it can see that it covers the question.
    let long = if kept >= 16 { "AND seq > 16" } else { "" };
    let mut select = conn.prepare_cached(&format!(
        "SELECT row, content_seq FROM alert WHERE seq > ?1 {long}"
    ))?;
    let mut oldest_kept = conn.prepare_cached(
        "SELECT seq FROM event INDEXED BY event_updated WHERE alert_row = ?1 AND kind = 3
         ORDER BY seq DESC LIMIT 1 OFFSET ?2",
    )?;
    let mut rows = select.query([kept])?;
    while let Some(r) = rows.next()? {
        if found.logs.len() >= rules.limit {
            found.more = true;
            break;
        }
        let row: i64 = r.get(0)?;
        let newest_to_go: Option<i64> = oldest_kept
            .query_row([row, kept], |r| r.get(0))
            .optional()?;
        if let Some(seq) = newest_to_go {
            found.logs.push((row, seq));
        }
    }
    Ok(())
}

/// One step of forgetting.
pub(super) fn remove(tx: &mut Tx<'_>, found: &Found, rules: &SweepRules) -> Res<SweepReport> {
    let conn = tx.conn;
    let mut report = SweepReport {
        more: found.more,
        ..SweepReport::default()
    };
    let mut still = conn.prepare_cached(&format!(
        "SELECT 1 FROM alert WHERE row = ?2 AND {REMOVABLE}"
    ))?;
    for row in &found.alerts {
        if !still.exists([rules.closed_before.0, *row])? {
            continue;
        }
        lanes::remove_all(tx, *row)?;
        for sql in [
            "DELETE FROM event WHERE alert_row = ?1",
            "DELETE FROM seen WHERE alert_row = ?1",
            "DELETE FROM alert WHERE row = ?1",
        ] {
            conn.prepare_cached(sql)?.execute([row])?;
        }
        tx.pending.tally.count_status(4, -1);
        report.alerts += 1;
    }
    for (row, upto) in &found.logs {
        let left = rules.limit.saturating_sub(report.events);
        // The event that holds the alert's present content stays in any case.
        report.events += conn
            .prepare_cached(
                "DELETE FROM event WHERE pos IN (
                     SELECT pos FROM event INDEXED BY event_updated
                     WHERE alert_row = ?1 AND kind = 3 AND seq <= ?2
                         AND seq IS NOT (SELECT content_seq FROM alert WHERE row = ?1)
                     ORDER BY seq LIMIT ?3)",
            )?
            .execute(params![row, upto, codes::limit(left)])?;
    }
    report.attempts = conn
        .prepare_cached(
            "DELETE FROM attempt WHERE pos IN (
                 SELECT pos FROM attempt WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![rules.attempts_before.0, codes::limit(rules.limit)])?;
    report.messages = conn
        .prepare_cached(
            "DELETE FROM message WHERE (source, id) IN (
                 SELECT source, id FROM message WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![rules.messages_before.0, codes::limit(rules.limit)])?;
    report.silences = silences::forget(tx, rules.silences_before, rules.limit)?;
    report.more |= [
        report.events,
        report.attempts,
        report.messages,
        report.silences,
    ]
    .iter()
    .any(|removed| *removed >= rules.limit);
    Ok(report)
}
