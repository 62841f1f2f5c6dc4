//! `attempts`: from a command to a request, and from its answer to what is printed.

use std::io::Write;

use model::{Clock, Timestamp};
use serde_json::Value;

use crate::cli::AttemptsArgs;
use crate::client::http::Hub;
use crate::client::json::{list, text, time};
use crate::client::list::listing;
use crate::client::table::{Column, table};
use crate::client::text::relative;

/// Does what was asked and prints it to `out`.
pub async fn run(
    args: &AttemptsArgs,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let hub = Hub::from_args(&args.hub)?;
    let answer = hub.get(&path(args)).await?;
    let printed = match args.json {
        true => format!("{answer:#}\n"),
        false => render(&answer, clock.now()),
    };
    out.write_all(printed.as_bytes())?;
    Ok(())
}

fn path(args: &AttemptsArgs) -> String {
    let given = |value: &Option<String>| value.clone().unwrap_or_default();
    let parameters = [
        ("alert", given(&args.alert)),
        ("integration", given(&args.integration)),
        ("project", given(&args.project)),
        ("outcome", given(&args.outcome)),
        (
            "since",
            args.since.map_or(String::new(), |since| since.to_string()),
        ),
        ("limit", args.limit.to_string()),
    ];
    listing("/api/v1/attempts", &parameters, None)
}

/// The listing, newest first.
fn render(answer: &Value, now: Timestamp) -> String {
    let attempts = list(answer, "attempts");
    if attempts.is_empty() {
        return "Nothing was tried, as far as was asked.\n".to_owned();
    }
    let column = |head, width_max| Column { head, width_max };
    let columns = [
        column("WHEN", 14),
        column("INTEGRATION", 20),
        column("ALERT", 8),
        column("SAID", 8),
        column("OUTCOME", 14),
        column("ANSWER", 200),
    ];
    let rows: Vec<Vec<String>> = attempts.iter().map(|one| row(one, now)).collect();
    let more = match answer["next_cursor"].is_string() {
        true => " There are more: --limit, --since or --outcome say which.",
        false => "",
    };
    format!(
        "{}\n{} attempts.{more}\n",
        table(&columns, &rows),
        rows.len()
    )
}

fn row(one: &Value, now: Timestamp) -> Vec<String> {
    let alert = text(one, "alert");
    let short = alert.chars().count().saturating_sub(8);
    let answer = match one["status"].as_u64() {
        Some(status) => format!("{status} {}", text(one, "text")),
        None => text(one, "text"),
    };
    vec![
        time(one, "at").map_or(String::new(), |at| relative(at, now)),
        text(one, "integration"),
        alert.chars().skip(short).collect(),
        text(one, "verb"),
        text(one, "outcome").replace('_', " "),
        answer.trim().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attempts_stand_with_what_the_service_answered() {
        let one = json!({ "alert": "01a1f8d3-ea00-700c-8a45-f286b9e7d382", "integration": "oncall", "verb": "open",
            "at": "2026-11-20T11:58:00Z", "outcome": "credential_bad", "status": 200, "text": "invalid_auth" });
        let answer = json!({ "attempts": [one], "next_cursor": "x" });
        let printed = render(&answer, "2026-11-20T12:00:00Z".parse().unwrap());
        for part in [
            "oncall",
            "b9e7d382",
            "open",
            "credential bad",
            "200 invalid_auth",
            "1 attempts. There are more",
        ] {
            assert!(printed.contains(part), "{part}: {printed}");
        }
    }
}
