//! `check`: everything that is wrong with a configuration file, or what it would run.

use std::path::Path;

use engine::desired::{DesiredIntegration, DesiredSource, Of, SourceWay};
use model::DurationMs;
use serde_json::json;

use crate::cli::CheckArgs;
use crate::client::{Column, clean, table};
use crate::config::{self, Config, LoadError, Problem};

/// What is printed, and whether the file is fine.
pub fn run(args: &CheckArgs) -> (String, bool) {
    let loaded = config::load_file(&args.config);
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
            "match": i.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(), "policy": policy(i) }))
        .collect();
    json!({ "name": project.name, "sources": sources, "integrations": integrations })
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
                let matchers: Vec<String> = integration
                    .matchers
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let when = if matchers.is_empty() {
                    "all".to_owned()
                } else {
                    matchers.join(" ")
                };
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
    if parts.is_empty() {
        "at once".to_owned()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, json: bool) -> (String, bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("c.yaml");
        std::fs::write(&config, text).unwrap();
        let shown = config.display().to_string();
        let (out, fine) = run(&CheckArgs { config, json });
        (out.replace(&shown, "c.yaml"), fine, shown)
    }

    #[test]
    fn problems_are_links_for_editors_and_the_check_fails() {
        let (out, fine, _) = checked("sever: {}\nprojects:\n- sources: 5\n", false);
        assert!(!fine);
        assert_eq!(
            out,
            "\
c.yaml:1:1: sever: there is no such key (did you mean `server`?)
c.yaml:3:3: projects[0].name: this is missing; give the project a name
c.yaml:3:12: projects[0].sources: expected a list, found a number
3 problems. Nothing was changed.
"
        );
        let (out, fine, _) = checked("sever: {}\n", true);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(!fine && value["ok"] == false);
        assert_eq!(
            (&value["problems"][0]["line"], &value["problems"][0]["hint"]),
            (&json!(1), &json!("server"))
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_the_check() {
        for as_json in [false, true] {
            let args = CheckArgs {
                config: "/nowhere/c.yaml".into(),
                json: as_json,
            };
            let (out, fine) = run(&args);
            assert!(
                !fine && out.contains("/nowhere/c.yaml cannot be read"),
                "{out}"
            );
        }
    }

    #[test]
    fn a_good_file_is_shown_as_what_would_run() {
        let text = "\
server: { mail: { smtp: 'smtp://user:pa55word@mail.example', from: hub@example.org } }
projects:
- name: shop
  sources: [{ name: this-host, monitor: host }, { name: scripts, dialect: generic, key: 0123456789abcdefg }]
  integrations:
  - name: all
    sink: webhook
    settings: { url: 'https://example.org/hook' }
    policy: { delay: 30s, interval: 1h }
    enabled: false
";
        let (out, fine, _) = checked(text, false);
        assert!(fine, "{out}");
        for line in [
            "listens on    127.0.0.1:8080 (default)",
            "own mail      as hub@example.org, through mail.example",
            "shop     this-host  monitor host  watched by the hub",
            "shop     scripts    generic       1 key",
            "after 30s, again each 1h",
            "c.yaml is fine. Run it: campanile serve --config c.yaml",
        ] {
            assert!(out.contains(line), "{line:?} is not in\n{out}");
        }
        assert!(
            out.contains("all (off)") && out.lines().all(|line| line.chars().count() <= 100),
            "{out}"
        );
        assert!(
            !out.contains("pa55word") && !out.contains("0123456789abcdefg"),
            "{out}"
        );
        let (out, fine, _) = checked(text, true);
        assert!(
            fine && !out.contains("pa55word") && !out.contains("0123456789abcdefg"),
            "{out}"
        );
    }
}
