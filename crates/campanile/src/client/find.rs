//! From what people type to one alert.

use model::AlertId;
use serde_json::Value;

use crate::cli::Which;
use crate::client::http::Hub;
use crate::client::json::{headline, list, short_id, text};
use crate::client::list::{ALL, LIVE, query};
use crate::client::text::{clean, cut};

/// Rows of one page.
const PAGE: usize = 500;
/// Pages that are searched for an abbreviated id: 10,000 alerts, a few seconds.
const PAGES_MAX: usize = 20;
/// Fewer characters would mean another alert tomorrow.
const ABBREVIATION_CHARS_MIN: usize = 4;

/// The id of the alert that is meant.
pub async fn find(hub: &Hub, which: &Which) -> anyhow::Result<String> {
    match (&which.id, &which.key) {
        (Some(id), _) => match id.parse::<AlertId>() {
            Ok(id) => Ok(id.to_string()),
            Err(_) => by_abbreviation(hub, id).await,
        },
        (None, Some(key)) => by_key(hub, key).await,
        (None, None) => anyhow::bail!("which alert? Give its id, or --key KEY."),
    }
}

async fn by_abbreviation(hub: &Hub, typed: &str) -> anyhow::Result<String> {
    let wanted = typed.trim().replace('-', "").to_lowercase();
    let shown = clean(typed);
    if wanted.len() < ABBREVIATION_CHARS_MIN || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        anyhow::bail!(
            "`{shown}` is no alert's id: give at least {ABBREVIATION_CHARS_MIN} of the hexadecimal digits at its beginning or end, or --key KEY.\n`campanile alerts list` shows the ends of ids."
        );
    }
    // Live ones first: they are few, and usually meant.
    for statuses in [LIVE, ALL] {
        let mut found: Vec<Value> = Vec::new();
        let mut cursor = None;
        let mut pages = 0;
        loop {
            let path = query(
                &[("status", statuses.to_owned()), ("limit", PAGE.to_string())],
                cursor.as_deref(),
            );
            let page = hub.get(&path).await?;
            found.extend(
                list(&page, "alerts")
                    .iter()
                    .filter(|alert| is_abbreviated(alert, &wanted))
                    .cloned(),
            );
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            pages += 1;
            if cursor.is_none() || pages == PAGES_MAX {
                break;
            }
        }
        if !found.is_empty() {
            return only_one(&found, &format!("`{shown}` is short for several alerts"));
        }
        if pages == PAGES_MAX && cursor.is_some() {
            anyhow::bail!(
                "`{shown}` is not among the newest {} alerts; give the whole id.",
                PAGE * PAGES_MAX
            );
        }
    }
    anyhow::bail!(
        "no alert's id begins or ends with `{shown}`.\n`campanile alerts list --all` shows what there is."
    )
}

fn is_abbreviated(alert: &Value, wanted: &str) -> bool {
    let id = text(alert, "id").replace('-', "");
    id.starts_with(wanted) || id.ends_with(wanted)
}

/// Of several alerts with this key the one that is not closed; of closed ones the newest.
async fn by_key(hub: &Hub, key: &str) -> anyhow::Result<String> {
    let path = query(
        &[
            ("key", key.to_owned()),
            ("status", ALL.to_owned()),
            ("limit", PAGE.to_string()),
        ],
        None,
    );
    let page = hub.get(&path).await?;
    let (closed, live): (Vec<Value>, Vec<Value>) = list(&page, "alerts")
        .iter()
        .cloned()
        .partition(|alert| text(alert, "status") == "closed");
    if !live.is_empty() {
        return only_one(&live, "several sources have an alert with this key");
    }
    // Ids begin with the time they were made.
    match closed.iter().map(|alert| text(alert, "id")).max() {
        Some(id) => Ok(id),
        None => anyhow::bail!(
            "no alert has the key `{}`.\n`campanile alerts list --all` shows what there is.",
            clean(key)
        ),
    }
}

fn only_one(found: &[Value], problem: &str) -> anyhow::Result<String> {
    if let [alert] = found {
        return Ok(text(alert, "id"));
    }
    let lines: Vec<String> = found
        .iter()
        .take(10)
        .map(|alert| {
            format!(
                "  {}  {}  {}",
                text(alert, "id"),
                text(alert, "source"),
                cut(&headline(alert), 40)
            )
        })
        .collect();
    let more = if found.len() > 10 {
        format!("\n  and {} more", found.len() - 10)
    } else {
        String::new()
    };
    anyhow::bail!(
        "{problem}; say which one by its id:\n{}{more}\n(The last digits are enough, such as `{}`.)",
        lines.join("\n"),
        short_id(&found[0])
    )
}
