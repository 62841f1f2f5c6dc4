//! `alerts list`.

use model::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::client::http::Hub;
use crate::client::json::{headline, list, short_id, text, time};
use crate::client::table::{Column, table};
use crate::client::text::length;

/// Statuses of alerts that still matter.
pub const LIVE: &str = "tracking,open,acknowledged,shelved";
pub const ALL: &str = "tracking,open,acknowledged,shelved,closed";

/// Rows asked for at once.
const PAGE_MAX: u32 = 500;

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',');

/// The path of a listing of alerts.
pub fn query(parameters: &[(&str, String)], cursor: Option<&str>) -> String {
    listing("/api/v1/alerts", parameters, cursor)
}

/// `path` with those parameters that are not empty.
pub fn listing(path: &str, parameters: &[(&str, String)], cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
    let pairs: Vec<String> = parameters
        .iter()
        .chain(cursor.iter())
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, IN_QUERY)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// What the hub lists, and whether there would be more.
pub async fn fetch(hub: &Hub, args: &ListArgs) -> anyhow::Result<Value> {
    let mut alerts: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let left = args.limit
            - u32::try_from(alerts.len())
                .unwrap_or(args.limit)
                .min(args.limit);
        let path = query(&parameters(args, left.min(PAGE_MAX)), cursor.as_deref());
        let page = hub.get(&path).await?;
        let got = list(&page, "alerts");
        let nothing = got.is_empty();
        alerts.extend_from_slice(got);
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        // A page without rows but with a cursor would go on for ever.
        if cursor.is_none() || nothing || alerts.len() >= args.limit as usize {
            return Ok(json!({ "alerts": alerts, "next_cursor": cursor }));
        }
    }
}

fn parameters(args: &ListArgs, limit: u32) -> Vec<(&'static str, String)> {
    let joined = |words: Vec<&str>| words.join(",");
    let status = match args.status.as_slice() {
        [] if args.all => ALL.to_owned(),
        [] => LIVE.to_owned(),
        some => joined(some.iter().map(|status| status.as_str()).collect()),
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    vec![
        ("status", status),
        (
            "severity",
            joined(
                args.severity
                    .iter()
                    .map(|severity| severity.as_str())
                    .collect(),
            ),
        ),
        ("text", optional(&args.text)),
        ("project", optional(&args.project)),
        ("source", optional(&args.source)),
        ("key", optional(&args.key)),
        ("limit", limit.to_string()),
    ]
}

/// The listing for people.
pub fn render(listing: &Value, args: &ListArgs, now: Timestamp) -> String {
    let alerts = list(listing, "alerts");
    let Some(first) = alerts.first() else {
        let narrowed = !args.severity.is_empty()
            || [&args.text, &args.project, &args.source, &args.key]
                .iter()
                .any(|value| value.is_some());
        return match (args.status.is_empty() && !args.all, narrowed) {
            (true, false) => "No alerts, but for closed ones (--all shows them).\n".to_owned(),
            (true, true) => {
                "No such alerts, but perhaps closed ones (--all shows them).\n".to_owned()
            }
            (false, _) => "No such alerts.\n".to_owned(),
        };
    };
    let several_projects = alerts
        .iter()
        .any(|alert| text(alert, "project") != text(first, "project"));
    let mut columns = vec![
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
            head: "AGE",
            width_max: 5,
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
    if several_projects {
        columns.insert(
            4,
            Column {
                head: "PROJECT",
                width_max: 14,
            },
        );
    }
    let rows: Vec<Vec<String>> = alerts
        .iter()
        .map(|alert| row(alert, several_projects, now))
        .collect();
    let count = alerts.len();
    let plural = if count == 1 { "alert" } else { "alerts" };
    let more = match listing["next_cursor"].as_str() {
        Some(_) => format!(", and more: --limit {}", args.limit.saturating_mul(2)),
        None => String::new(),
    };
    format!(
        "{}\n{count} {plural}{more}. Look at one: campanile alerts show {}\n",
        table(&columns, &rows),
        short_id(first)
    )
}

fn row(alert: &Value, with_project: bool, now: Timestamp) -> Vec<String> {
    let since = time(alert, "starts_at").or_else(|| time(alert, "opened_at"));
    let mut row = vec![
        short_id(alert),
        text(alert, "severity"),
        text(alert, "status"),
        since
            .map(|since| length(now.since(since)))
            .unwrap_or_default(),
        text(alert, "resource"),
        headline(alert),
    ];
    if with_project {
        row.insert(4, text(alert, "project"));
    }
    row
}
