//! Silences for people. Pure.

use model::Timestamp;
use serde_json::Value;

use crate::client::json::{headline, list, number, short_id, text, time};
use crate::client::table::{Column, WIDTH, table};
use crate::client::text::{clean, cut, relative};

/// Alerts that are named.
const ALERTS_SHOWN_MAX: usize = 10;

/// The listing.
pub fn table_of(silences: &[Value], all: bool, now: Timestamp) -> String {
    let Some(first) = silences.first() else {
        return match all {
            true => "No such silences.\n".to_owned(),
            false => "No such silences, but perhaps ended ones (--all shows them).\n".to_owned(),
        };
    };
    let several_projects = silences
        .iter()
        .any(|silence| text(silence, "project") != text(first, "project"));
    let column = |head, width_max| Column { head, width_max };
    let mut columns = vec![
        column("ID", 8),
        column("STATE", 8),
        column("WHEN", 18),
        column("BY", 14),
        column("MATCHERS", 34),
        column("COMMENT", 200),
    ];
    if several_projects {
        columns.insert(1, column("PROJECT", 14));
    }
    let rows: Vec<Vec<String>> = silences
        .iter()
        .map(|silence| {
            let mut row = vec![
                short_id(silence),
                state(silence),
                when(silence, now),
                text(silence, "created_by"),
                matchers(silence),
                text(silence, "comment"),
            ];
            if several_projects {
                row.insert(1, text(silence, "project"));
            }
            row
        })
        .collect();
    let count = silences.len();
    let plural = if count == 1 { "silence" } else { "silences" };
    let live = silences.iter().find(|s| text(s, "state") != "expired");
    let next = live.map_or_else(String::new, |silence| {
        format!(" End one: campanile silences expire {}", short_id(silence))
    });
    format!("{}\n{count} {plural}.{next}\n", table(&columns, &rows))
}

/// `waiting`: it goes on, but this is not in one of its windows.
fn state(silence: &Value) -> String {
    match (text(silence, "state"), silence["holds"].as_bool()) {
        (state, Some(false)) if state == "active" => "waiting".to_owned(),
        (state, _) => state,
    }
}

fn when(silence: &Value, now: Timestamp) -> String {
    let ends = time(silence, "ends_at").map(|at| relative(at, now));
    match (&*text(silence, "state"), ends) {
        ("pending", _) => {
            let begins = time(silence, "starts_at").map(|at| relative(at, now));
            format!("begins {}", begins.unwrap_or_default())
        }
        (_, None) => "until it is ended".to_owned(),
        ("expired", Some(ends)) => format!("ended {ends}"),
        (_, Some(ends)) => format!("ends {ends}"),
    }
}

fn matchers(silence: &Value) -> String {
    let texts = list(silence, "matchers").iter();
    let texts: Vec<String> = texts
        .map(|matcher| clean(matcher.as_str().unwrap_or_default()))
        .collect();
    texts.join(", ")
}

/// What was made, what it holds, and how to end it.
pub fn made(silence: &Value, preview: &Value, now: Timestamp) -> String {
    let begins = match time(silence, "starts_at") {
        Some(at) if at > now => format!(" from {at} ({})", relative(at, now)),
        _ => String::new(),
    };
    let ends = match time(silence, "ends_at") {
        Some(at) => format!(" until {at} ({})", relative(at, now)),
        None => " until it is ended".to_owned(),
    };
    format!(
        "Silenced{begins}{ends}: {}\n{}End it: campanile silences expire {}\n",
        cut(&matchers(silence), 80),
        held(preview, "It holds", now),
        short_id(silence)
    )
}

/// What a silence would hold.
pub fn preview(preview: &Value, now: Timestamp) -> String {
    let held = held(preview, "It would hold", now);
    format!("{held}Nothing was made: `silences add` makes it.\n")
}

/// How many alerts it holds, or would match; the first of them; its next windows.
fn held(preview: &Value, holds: &str, now: Timestamp) -> String {
    let count = number(preview, "count");
    let alerts = match (count, preview["complete"].as_bool()) {
        (count, Some(false)) => format!("at least {count} alerts that are not closed"),
        (0, _) => "no alert that is open".to_owned(),
        (1, _) => "1 alert that is not closed".to_owned(),
        (count, _) => format!("{count} alerts that are not closed"),
    };
    let mut out = match preview["holds"].as_bool() {
        Some(false) => format!("This is not its time. It matches {alerts} now.\n"),
        _ => format!("{holds} {alerts} now.\n"),
    };
    let alerts = list(preview, "alerts");
    let columns = [
        Column {
            head: "ID",
            width_max: 8,
        },
        Column {
            head: "SEVERITY",
            width_max: 8,
        },
        Column {
            head: "STATUS",
            width_max: 12,
        },
        Column {
            head: "RESOURCE",
            width_max: 22,
        },
        Column {
            head: "TITLE",
            width_max: 200,
        },
    ];
    let row = |alert: &Value| {
        vec![
            short_id(alert),
            text(alert, "severity"),
            text(alert, "status"),
            text(alert, "resource"),
            headline(alert),
        ]
    };
    let rows: Vec<Vec<String>> = alerts.iter().take(ALERTS_SHOWN_MAX).map(row).collect();
    if !rows.is_empty() {
        out.push_str(&table(&columns, &rows));
    }
    let more = count.saturating_sub(rows.len() as u64);
    if more > 0 {
        out.push_str(&format!("and {more} more\n"));
    }
    let windows = list(preview, "next_windows");
    if !windows.is_empty() {
        out.push_str("Windows:\n");
    }
    for window in windows {
        let from = text(window, "starts_at");
        let line = match text(window, "ends_at") {
            to if to.is_empty() => format!("  {from} and on"),
            to => format!("  {from} to {to}"),
        };
        let when = time(window, "starts_at").map(|at| relative(at, now));
        let line = format!("{line} ({})", when.unwrap_or_default());
        out.push_str(&cut(&line, WIDTH));
        out.push('\n');
    }
    out
}

/// That it has ended.
pub fn ended(silence: &Value, had_ended: bool, now: Timestamp) -> String {
    let shown = cut(&matchers(silence), 80);
    let at = time(silence, "ends_at").map(|at| relative(at, now));
    match (had_ended, at) {
        (true, Some(at)) => format!("It had ended already, {at}: {shown}\n"),
        (true, None) => format!("It had ended already: {shown}\n"),
        (false, _) => {
            format!("Ended: {shown}\nWhat it held is told within seconds, if it is still so.\n")
        }
    }
}
