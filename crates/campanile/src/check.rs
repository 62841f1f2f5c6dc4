//! `check`: everything that is wrong with a configuration file, or what it would run; with `--alert`, whom it would tell.

#[cfg(test)]
mod tests;
mod told;
mod told_shown;

use std::path::Path;

use engine::desired::{DesiredIntegration, DesiredSource, GroupBy, Of, SourceWay};
use model::{DurationMs, TimeInterval, Timestamp};
use serde_json::json;

use crate::cli::CheckArgs;
use crate::client::{Column, clean, table};
use crate::config::{self, Config, LoadError, Problem};

/// What is printed, and whether the file is fine and what was asked could be answered.
pub fn run(args: &CheckArgs, now: Timestamp) -> (String, bool) {
    let loaded = config::load_file(&args.config);
    if let (Ok(config), false) = (&loaded, args.alert.is_empty()) {
        return told(args, config, args.at.unwrap_or(now));
    }
    let fine = loaded.is_ok();
    let out = match (loaded, args.json) {
        (Ok(config), false) => summary(&args.config, &config),
        (Ok(config), true) => {
            let projects: Vec<_> = config.desired.projects.iter().map(project_json).collect();
            as_json(
                &json!({ "ok": true, "problems": [], "warnings": config.warnings,
                "organization": config.desired.organization, "projects": projects }),
            )
        }
        (Err(LoadError::Problems { problems, .. }), false) => lines(&args.config, &problems),
        (Err(LoadError::Problems { problems, .. }), true) => {
            as_json(&json!({ "ok": false, "problems": problems, "warnings": [] }))
        }
        (Err(error @ LoadError::Unreadable { .. }), as_json_too) => {
            let text = unreadable(&error);
            if as_json_too {
                as_json(&json!({ "ok": false, "error": text, "problems": [], "warnings": [] }))
            } else {
                format!("{text}\n")
            }
        }
    };
    (out, fine)
}

fn told(args: &CheckArgs, config: &Config, now: Timestamp) -> (String, bool) {
    match told::tell(config, &args.alert, args.source.as_deref(), now) {
        Ok(told) if args.json => match serde_json::to_value(&told) {
            Ok(told) => (as_json(&told), true),
            Err(error) => (format!("{error}\n"), false),
        },
        Ok(told) => (told_shown::text(&told), true),
        Err(problem) if args.json => (as_json(&json!({ "ok": false, "error": problem })), false),
        Err(problem) => (format!("{problem}\n"), false),
    }
}

/// All problems, each as `FILE:LINE:COLUMN: …`, and how many.
pub fn lines(file: &Path, problems: &[Problem]) -> String {
    let mut out: String = problems
        .iter()
        .map(|problem| format!("{}:{problem}\n", file.display()))
        .collect();
    let plural = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    out.push_str(&format!(
        "{} {plural}. Nothing was changed.\n",
        problems.len()
    ));
    out
}

fn unreadable(error: &LoadError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn as_json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn project_json(project: &engine::desired::DesiredProject) -> serde_json::Value {
    let sources: Vec<_> = project
        .sources
        .iter()
        .map(|source| json!({ "name": source.name, "way": way(source), "keys": source.keys.len() }))
        .collect();
    let integrations: Vec<_> = project
        .integrations
        .iter()
        .map(|i| json!({ "name": i.name, "of": i.of, "sink": i.sink, "target": target(i), "enabled": i.enabled,
            "match": shown(&i.matchers), "except": i.except.iter().map(|list| shown(list)).collect::<Vec<_>>(),
            "receiver": i.receiver, "policy": policy(i) }))
        .collect();
    let inhibit: Vec<_> = project
        .inhibitions
        .iter()
        .map(|rule| json!({ "name": rule.name, "source": shown(&rule.source), "target": shown(&rule.target), "equal": rule.equal }))
        .collect();
    json!({ "name": project.name, "sources": sources, "integrations": integrations, "inhibit": inhibit })
}

fn shown(matchers: &[model::Matcher]) -> Vec<String> {
    matchers.iter().map(ToString::to_string).collect()
}

fn summary(file: &Path, config: &Config) -> String {
    let mut out: String = config
        .warnings
        .iter()
        .map(|warning| format!("{}:{warning} (a warning)\n", file.display()))
        .collect();
    let server = &config.server;
    let or = |value: Option<String>, default: &str| {
        value.unwrap_or_else(|| format!("{default} (default)"))
    };
    let mut line = |name: &str, value: String| out.push_str(&format!("{name:<13} {value}\n"));
    line(
        "listens on",
        or(
            server.listen.map(|address| address.to_string()),
            "127.0.0.1:8080",
        ),
    );
    line(
        "data in",
        or(
            server
                .data_dir
                .as_ref()
                .map(|dir| dir.display().to_string()),
            "./data",
        ),
    );
    line(
        "reached at",
        or(server.external_url.clone(), "where it listens"),
    );
    line(
        "admin token",
        match server.admin_token {
            Some(_) => "given".to_owned(),
            None => "made at the first start, in the data folder's `admin-token`".to_owned(),
        },
    );
    line(
        "own mail",
        match &server.mail {
            Some(mail) => format!(
                "as {}, through {}",
                clean(&mail.from),
                wire::http::host_of(mail.smtp.expose())
            ),
            None => "none: owners are not mailed about bad credentials".to_owned(),
        },
    );
    let allowed: Vec<String> = config
        .egress
        .allow
        .iter()
        .map(ToString::to_string)
        .collect();
    line(
        "may reach",
        match allowed.as_slice() {
            [] => "public addresses only".to_owned(),
            some => format!("public addresses and {}", some.join(", ")),
        },
    );
    line(
        "keeps",
        format!(
            "closed alerts {}, attempts {}, ended silences {}",
            server.retention.closed_alerts, server.retention.attempts, server.retention.silences
        ),
    );
    for (dialect, names) in &server.hosts {
        line("host names", format!("{} for {dialect}", names.join(", ")));
    }
    line("organization", config.desired.organization.clone());
    sources(&mut out, config);
    integrations(&mut out, config);
    out.push_str(&format!(
        "\n{} is fine. Run it: campanile serve --config {0}\n",
        file.display()
    ));
    out
}

fn sources(out: &mut String, config: &Config) {
    let rows: Vec<Vec<String>> = config
        .desired
        .projects
        .iter()
        .flat_map(|project| {
            project.sources.iter().map(|source| {
                let heard = match (&source.way, source.keys.len()) {
                    (SourceWay::Monitor { .. }, _) => "watched by the hub".to_owned(),
                    (SourceWay::Dialect { .. }, 1) => "1 key".to_owned(),
                    (SourceWay::Dialect { .. }, count) => format!("{count} keys"),
                };
                vec![
                    project.name.clone(),
                    source.name.clone(),
                    way(source),
                    heard,
                ]
            })
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let columns = [
        ("PROJECT", 24),
        ("SOURCE", 28),
        ("SPEAKS", 24),
        ("HEARD BY", 24),
    ];
    let columns = columns.map(|(head, width_max)| Column { head, width_max });
    out.push('\n');
    out.push_str(&table(&columns, &rows));
}

fn integrations(out: &mut String, config: &Config) {
    let rows: Vec<Vec<String>> = config
        .desired
        .projects
        .iter()
        .flat_map(|project| {
            project.integrations.iter().map(|integration| {
                let matchers = shown(&integration.matchers);
                let mut when = if matchers.is_empty() {
                    "all".to_owned()
                } else {
                    matchers.join(" ")
                };
                for list in &integration.except {
                    when.push_str(&format!(" but {}", shown(list).join(" and ")));
                }
                let name =
                    integration.name.clone() + if integration.enabled { "" } else { " (off)" };
                let told = format!("{} {}", integration.sink, target(integration))
                    .trim()
                    .to_owned();
                vec![
                    project.name.clone(),
                    name,
                    of(integration.of).to_owned(),
                    told,
                    policy(integration),
                    when,
                ]
            })
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let columns = [
        ("PROJECT", 14),
        ("INTEGRATION", 20),
        ("OF", 13),
        ("TELLS", 22),
        ("PACE", 26),
        ("WHEN", 100),
    ];
    let columns = columns.map(|(head, width_max)| Column { head, width_max });
    out.push('\n');
    out.push_str(&table(&columns, &rows));
}

fn way(source: &DesiredSource) -> String {
    match &source.way {
        SourceWay::Dialect { name, .. } => name.clone(),
        SourceWay::Monitor { name, .. } => format!("monitor {name}"),
    }
}

fn of(of: Of) -> &'static str {
    match of {
        Of::Issues => "issues",
        Of::Notifications => "notifications",
        Of::Metrics => "metrics",
    }
}

/// Where it goes, in the sink's words.
fn target(integration: &DesiredIntegration) -> String {
    let sink = integrations::registry::sink(&integration.sink);
    let built = sink.and_then(|kind| kind.build(&integration.settings.0).ok());
    built.map(|sink| clean(&sink.target())).unwrap_or_default()
}

fn policy(integration: &DesiredIntegration) -> String {
    let policy = &integration.policy;
    let mut parts = Vec::new();
    if policy.delay > DurationMs::ZERO {
        parts.push(format!("after {}", policy.delay));
    }
    if policy.interval > DurationMs::ZERO {
        parts.push(format!("again each {}", policy.interval));
    }
    if let Some(group) = &policy.group {
        parts.push(match &group.by {
            GroupBy::All => "alone".to_owned(),
            GroupBy::Labels(names) if names.is_empty() => "all together".to_owned(),
            GroupBy::Labels(names) => format!("by {}", names.join(", ")),
        });
    }
    let times = |intervals: &[TimeInterval]| !intervals.is_empty();
    if times(&policy.mute) || times(&policy.active) {
        parts.push("at times".to_owned());
    }
    if parts.is_empty() {
        "at once".to_owned()
    } else {
        parts.join(", ")
    }
}
