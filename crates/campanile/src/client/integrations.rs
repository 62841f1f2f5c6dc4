//! `integrations`: from a command to requests, and from their answers to what is printed.

use std::io::Write;
use std::process::ExitCode;

use model::{Clock, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::{IntegrationsArgs, IntegrationsCommand};
use crate::client::http::Hub;
use crate::client::json::{list, number, text, time};
use crate::client::list::listing as asked;
use crate::client::table::{Column, WIDTH, table};
use crate::client::text::{clean, relative, wrap};

/// Does what was asked and prints it to `out`; a test that failed ends with 1.
pub async fn run(
    args: &IntegrationsArgs,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let hub = Hub::from_args(&args.hub)?;
    let project: Vec<(&str, String)> = args
        .project
        .iter()
        .map(|p| ("project", p.clone()))
        .collect();
    let (answer, shown, code) = match &args.command {
        IntegrationsCommand::List => {
            let path = asked("/api/v1/integrations", &project, None);
            let answer = hub.get(&path).await?;
            let shown = listing(list(&answer, "integrations"), clock.now());
            (answer, shown, ExitCode::SUCCESS)
        }
        IntegrationsCommand::Test { name } => {
            let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
            let path = asked(&format!("/api/v1/integrations/{name}/test"), &project, None);
            let answer = hub.post(&path, &json!({})).await?;
            let code = match answer["ok"] == true {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            };
            let shown = tested(&answer);
            (answer, shown, code)
        }
    };
    let printed = match args.json {
        true => format!("{answer:#}\n"),
        false => shown,
    };
    out.write_all(printed.as_bytes())?;
    Ok(code)
}

/// The listing.
fn listing(integrations: &[Value], now: Timestamp) -> String {
    if integrations.is_empty() {
        return "No integrations: add some to the configuration's `integrations`.\n".to_owned();
    }
    let column = |head, width_max| Column { head, width_max };
    let columns = [
        column("PROJECT", 14),
        column("NAME", 24),
        column("SINK", 14),
        column("TARGET", 24),
        column("STATE", 200),
    ];
    let rows: Vec<Vec<String>> = integrations
        .iter()
        .map(|one| {
            let mut row: Vec<String> = ["project", "name", "sink", "target"]
                .map(|field| text(one, field))
                .into();
            row.push(state(one, now));
            row
        })
        .collect();
    let mut printed = table(&columns, &rows);
    for one in integrations {
        let reason = text(&one["health"], "reason");
        if !reason.is_empty() {
            printed.push_str(&format!("\n{}:\n", clean(&text(one, "name"))));
            for line in wrap(&clean(&reason), WIDTH - 2) {
                printed.push_str(&format!("  {line}\n"));
            }
        }
    }
    let first = text(&integrations[0], "name");
    printed.push_str(&format!(
        "\nTry one out: campanile integrations test {}\n",
        clean(&first)
    ));
    printed
}

fn state(one: &Value, now: Timestamp) -> String {
    if one["deleted"] == true {
        return "taken out, drains".to_owned();
    }
    if one["enabled"] == false {
        return "disabled".to_owned();
    }
    let health = &one["health"];
    match time(health, "since") {
        Some(since) => format!("{} since {}", text(health, "state"), relative(since, now)),
        None => text(health, "state"),
    }
}

/// What came of a test.
fn tested(answer: &Value) -> String {
    let mut printed = String::new();
    let name = clean(&text(answer, "integration"));
    for message in list(answer, "messages") {
        let status = match message["status"].as_u64() {
            Some(status) => format!(", status {status}"),
            None => String::new(),
        };
        printed.push_str(&format!(
            "{}: {}{status}, {} ms\n",
            text(message, "said"),
            text(message, "outcome").replace('_', " "),
            number(message, "took_ms"),
        ));
        for line in wrap(&clean(&text(message, "words")), WIDTH - 2) {
            printed.push_str(&format!("  {line}\n"));
        }
    }
    printed.push_str(&match answer["ok"] == true {
        true => format!(
            "{name} works: look for the test at {}.\n",
            clean(&text(answer, "target"))
        ),
        false => format!("{name} does not work; put right what stands above and try again.\n"),
    });
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e24_a_test_says_what_the_service_answered() {
        let answer = json!({ "ok": true, "integration": "oncall", "target": "#ops", "messages": [
            { "said": "opened", "ok": true, "outcome": "delivered", "status": 200, "words": "", "took_ms": 31 },
            { "said": "closed", "ok": true, "outcome": "delivered", "status": 200, "words": "", "took_ms": 12 } ] });
        assert_eq!(
            tested(&answer),
            "opened: delivered, status 200, 31 ms\nclosed: delivered, status 200, 12 ms\n\
             oncall works: look for the test at #ops.\n"
        );
    }

    #[test]
    fn a_failed_test_says_what_to_do() {
        let words = "The token is not valid any more: make a new one.";
        let answer = json!({ "ok": false, "integration": "oncall", "target": "#ops", "messages": [
            { "said": "opened", "ok": false, "outcome": "credential_bad", "status": 200, "words": words, "took_ms": 3 } ] });
        assert_eq!(
            tested(&answer),
            format!(
                "opened: credential bad, status 200, 3 ms\n  {words}\n\
                 oncall does not work; put right what stands above and try again.\n"
            )
        );
    }

    #[test]
    fn the_listing_shows_what_is_wrong() {
        let health = json!({ "state": "suspended", "reason": "The channel is gone.", "since": "2026-11-20T10:00:00Z" });
        let one = json!({ "project": "shop", "name": "oncall", "sink": "slack", "target": "#ops", "enabled": true,
            "deleted": false, "health": health });
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let printed = listing(&[one], now);
        assert!(printed.contains("suspended since"), "{printed}");
        assert!(
            printed.contains("\noncall:\n  The channel is gone.\n"),
            "{printed}"
        );
    }
}
