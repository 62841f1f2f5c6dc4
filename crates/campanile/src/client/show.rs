//! One alert for people: what it says, its log, and whom it was told to.

use model::Timestamp;
use serde_json::Value;

use crate::client::json::{headline, list, number, short_id, text, time, who};
use crate::client::table::{Column, WIDTH, table};
use crate::client::text::{both, relative, wrap};

/// Events of a log that are printed; the newest.
const EVENTS_SHOWN_MAX: usize = 30;

/// One alert with its log (oldest first).
pub fn alert(alert: &Value, events: &[Value], now: Timestamp) -> String {
    let mut out = head(alert);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:<13} {value}\n"));
        }
    };
    line("id", text(alert, "id"));
    line("key", text(alert, "key"));
    line("from", from(alert));
    line("resource", text(alert, "resource"));
    line("event", text(alert, "event"));
    line("value", text(alert, "value"));
    line(
        "since",
        both(
            time(alert, "starts_at").or_else(|| time(alert, "opened_at")),
            now,
        ),
    );
    if let Some(last_seen) = time(alert, "last_seen") {
        let repeats = number(alert, "repeat_count");
        line(
            "last heard",
            format!("{}, {repeats} repeat(s)", relative(last_seen, now)),
        );
    }
    if number(alert, "episode") > 1 {
        line("episode", number(alert, "episode").to_string());
    }
    line("assigned to", text(alert, "assignee"));
    for (name, field) in [
        ("acknowledged", "acked_until"),
        ("shelved", "shelved_until"),
    ] {
        if let Some(until) = time(alert, field) {
            line(name, format!("until {}", both(Some(until), now)));
        }
    }
    if let Some(closed) = time(alert, "closed_at") {
        line(
            "closed",
            format!(
                "{}, {}",
                both(Some(closed), now),
                text(alert, "closed_because")
            ),
        );
    }
    line("page", text(alert, "url"));
    paragraph(&mut out, alert["text"].as_str().unwrap_or_default());
    pairs(&mut out, "Labels", &alert["labels"]);
    pairs(&mut out, "Annotations", &alert["annotations"]);
    let links = list(alert, "links");
    if !links.is_empty() {
        out.push_str("\nLinks\n");
        for link in links {
            out.push_str(
                &format!("  {} {}\n", text(link, "text"), text(link, "href")).replace("   ", "  "),
            );
        }
    }
    log(&mut out, events, now);
    lanes(&mut out, list(alert, "lanes"));
    out.push_str(&format!("\n{}\n", next_step(alert)));
    out
}

/// `critical, open: title`.
fn head(alert: &Value) -> String {
    let line = format!(
        "{}, {}: {}",
        text(alert, "severity"),
        text(alert, "status"),
        headline(alert)
    );
    let mut out = wrap(&line, WIDTH).join("\n");
    out.push('\n');
    out
}

fn from(alert: &Value) -> String {
    format!(
        "source {} of project {}",
        text(alert, "source"),
        text(alert, "project")
    )
}

/// What a person would do now.
pub fn next_step(alert: &Value) -> String {
    let id = short_id(alert);
    match text(alert, "status").as_str() {
        "open" => format!(
            "Look after it: campanile alerts ack {id}    Who was told: campanile alerts explain {id}"
        ),
        _ => format!("Who was told, and why: campanile alerts explain {id}"),
    }
}

fn paragraph(out: &mut String, body: &str) {
    let lines: Vec<String> = body
        .lines()
        .take(50)
        .flat_map(|line| wrap(&crate::client::clean(line), WIDTH - 2))
        .collect();
    if !lines.is_empty() {
        out.push('\n');
        lines
            .iter()
            .for_each(|line| out.push_str(&format!("  {line}\n")));
    }
}

fn pairs(out: &mut String, title: &str, map: &Value) {
    let Some(map) = map.as_object().filter(|map| !map.is_empty()) else {
        return;
    };
    out.push_str(&format!("\n{title}\n"));
    for (name, value) in map {
        let line = format!(
            "{}={}",
            crate::client::clean(name),
            crate::client::clean(value.as_str().unwrap_or_default())
        );
        wrap(&line, WIDTH - 2)
            .iter()
            .for_each(|line| out.push_str(&format!("  {line}\n")));
    }
}

fn log(out: &mut String, events: &[Value], now: Timestamp) {
    if events.is_empty() {
        return;
    }
    out.push_str("\nLog\n");
    let hidden = events.len().saturating_sub(EVENTS_SHOWN_MAX);
    if hidden > 0 {
        out.push_str(&format!("  ({hidden} older events; --json has all)\n"));
    }
    let columns = [
        Column {
            head: "#",
            width_max: 6,
        },
        Column {
            head: "WHEN",
            width_max: 9,
        },
        Column {
            head: "EVENT",
            width_max: 16,
        },
        Column {
            head: "BY",
            width_max: 24,
        },
        Column {
            head: "DETAILS",
            width_max: 200,
        },
    ];
    let rows: Vec<Vec<String>> = events[hidden..]
        .iter()
        .map(|event| event_row(event, now))
        .collect();
    out.push_str(&table(&columns, &rows));
}

fn event_row(event: &Value, now: Timestamp) -> Vec<String> {
    let when = time(event, "at")
        .map(|at| relative(at, now))
        .unwrap_or_default();
    vec![
        number(event, "seq").to_string(),
        when,
        text(event, "kind"),
        who(event),
        details(event, now),
    ]
}

/// What an event says besides its kind: remark, assignee, until when, why.
pub fn details(event: &Value, now: Timestamp) -> String {
    let mut parts = Vec::new();
    let assignee = text(event, "assignee");
    if !assignee.is_empty() {
        parts.push(format!("to {assignee}"));
    }
    if let Some(until) = time(event, "until") {
        parts.push(format!("until {}", relative(until, now)));
    }
    parts.extend(
        [text(event, "because"), text(event, "note")]
            .into_iter()
            .filter(|part| !part.is_empty()),
    );
    parts.join("; ")
}

fn lanes(out: &mut String, lanes: &[Value]) {
    if lanes.is_empty() {
        return;
    }
    out.push_str("\nTold\n");
    let columns = [
        Column {
            head: "INTEGRATION",
            width_max: 24,
        },
        Column {
            head: "SINK",
            width_max: 14,
        },
        Column {
            head: "TARGET",
            width_max: 24,
        },
        Column {
            head: "TOLD",
            width_max: 8,
        },
        Column {
            head: "STATE",
            width_max: 200,
        },
    ];
    let rows: Vec<Vec<String>> = lanes
        .iter()
        .map(|lane| {
            let state = match (text(lane, "state"), lane["owed"].as_bool()) {
                (state, _) if !state.is_empty() => state,
                (_, Some(true)) => "more is owed".to_owned(),
                _ => String::new(),
            };
            vec![
                text(lane, "integration"),
                text(lane, "sink"),
                text(lane, "target"),
                text(lane, "told"),
                state,
            ]
        })
        .collect();
    out.push_str(&table(&columns, &rows));
}

/// Who was told, who was not, and why.
pub fn explain(answer: &Value, now: Timestamp) -> String {
    let mut out = head(&answer["alert"]);
    let lanes = list(answer, "lanes");
    if lanes.is_empty() {
        out.push_str("\nNo integration was told of it.\n");
    }
    for lane in lanes {
        let target = match text(lane, "target") {
            target if target.is_empty() => String::new(),
            target => format!(", {target}"),
        };
        out.push_str(&format!(
            "\n{} ({}{target})\n",
            text(lane, "integration"),
            text(lane, "sink")
        ));
        let told = text(lane, "told");
        let owed = if lane["owed"] == true {
            ", more is owed"
        } else {
            ""
        };
        out.push_str(&format!(
            "  told: {}{owed}\n",
            if told.is_empty() { "nothing" } else { &told }
        ));
        for sentence in [text(lane, "state"), text(lane, "next")]
            .iter()
            .filter(|text| !text.is_empty())
        {
            wrap(sentence, WIDTH - 2)
                .iter()
                .for_each(|line| out.push_str(&format!("  {line}\n")));
        }
        if let Some(due) = time(lane, "due_at") {
            out.push_str(&format!("  next look: {}\n", relative(due, now)));
        }
        history(&mut out, list(lane, "history"), now);
    }
    let not_told = list(answer, "not_told");
    if !not_told.is_empty() {
        out.push_str("\nNot told\n");
        for entry in not_told {
            let line = format!("{}: {}", text(entry, "integration"), text(entry, "reason"));
            wrap(&line, WIDTH - 2)
                .iter()
                .for_each(|line| out.push_str(&format!("  {line}\n")));
        }
    }
    out
}

fn history(out: &mut String, rows: &[Value], now: Timestamp) {
    if rows.is_empty() {
        return;
    }
    let columns = [
        Column {
            head: "WHEN",
            width_max: 9,
        },
        Column {
            head: "EVENTS",
            width_max: 9,
        },
        Column {
            head: "WHAT",
            width_max: 18,
        },
        Column {
            head: "OUTCOME",
            width_max: 15,
        },
        Column {
            head: "REPLY",
            width_max: 200,
        },
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let (from, upto) = (number(row, "from") + 1, number(row, "upto"));
            let events = if from >= upto {
                upto.to_string()
            } else {
                format!("{from}-{upto}")
            };
            let reply = format!("{} {}", text(row, "status"), text(row, "text"))
                .trim()
                .to_owned();
            let when = time(row, "at")
                .map(|at| relative(at, now))
                .unwrap_or_default();
            vec![when, events, text(row, "kind"), text(row, "outcome"), reply]
        })
        .collect();
    out.push_str(&table(&columns, &rows));
}
