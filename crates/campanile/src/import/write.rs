//! The configuration as YAML that people can go on with.

use engine::desired::GroupBy;
use model::{DurationMs, Matcher, TimeInterval};

use super::read::File;
use super::receivers::Setting;
use super::routes::Rule;
use super::secrets::{KEY, Secrets};

/// The whole file.
pub fn configuration(file: &File, rules: &[Rule], secrets: &Secrets, from: &str) -> String {
    let from: String = from.chars().filter(|c| !c.is_control()).collect();
    let mut out = format!(
        "# Made by `campanile import` from {from}. It needs these variables of the environment:\n"
    );
    for (name, what) in secrets.wanted() {
        out.push_str(&format!("#   {name}: {what}\n"));
    }
    out.push_str("# Receivers at private addresses must be allowed:\n# egress: { allow: [\"10.0.0.0/8\"] }\n");
    out.push_str("projects:\n  - name: alertmanager\n    sources:\n");
    let settings = file.resolve_timeout.map_or(String::new(), |timeout| {
        format!(", settings: {{ resolve_timeout: {timeout} }}")
    });
    out.push_str(&format!(
        "      - {{ name: prometheus, dialect: alertmanager, key: \"${{{KEY}}}\"{settings} }}\n"
    ));
    if !file.intervals.is_empty() {
        out.push_str("    time_intervals:\n");
        for (name, intervals) in &file.intervals {
            let intervals = intervals.iter().map(interval);
            out.push_str(&format!("      {}:{}\n", key(name), block(intervals, 8)));
        }
    }
    if !file.inhibitions.is_empty() {
        out.push_str("    inhibit:\n");
        for rule in &file.inhibitions {
            out.push_str(&format!("      - name: {}\n", text(&rule.name)));
            out.push_str(&format!("        source: {}\n", matchers(&rule.source)));
            out.push_str(&format!("        target: {}\n", matchers(&rule.target)));
            if !rule.equal.is_empty() {
                out.push_str(&format!("        equal: {}\n", texts(&rule.equal)));
            }
        }
    }
    if rules.is_empty() {
        out.push_str("    integrations: []\n");
        return out;
    }
    out.push_str("    integrations:\n");
    for rule in rules {
        integration(&mut out, rule);
    }
    out
}

fn integration(out: &mut String, rule: &Rule) {
    out.push_str(&format!("      - name: {}\n", text(&rule.name)));
    let mut lines = Vec::new();
    if rule.receiver != rule.name {
        lines.push(format!("receiver: {}", text(&rule.receiver)));
    }
    if !rule.matchers.is_empty() {
        lines.push(format!("match: {}", matchers(&rule.matchers)));
    }
    if !rule.except.is_empty() {
        let lists = rule.except.iter().map(|list| matchers(list));
        lines.push(format!("except:{}", block(lists, 10)));
    }
    lines.push(format!("sink: {}", rule.sink.sink));
    lines.push(format!("settings: {{ {} }}", settings(rule)));
    lines.push(format!("policy: {}", policy(rule)));
    for line in lines {
        out.push_str(&format!("        {line}\n"));
    }
}

fn settings(rule: &Rule) -> String {
    let settings = rule.sink.settings.iter().map(|(name, value)| {
        let value = match value {
            Setting::Text(value) => text(value),
            Setting::Raw(value) => raw(value),
            Setting::List(list) => {
                let items: Vec<String> = list.iter().map(|item| text(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Setting::RawMap(map) => {
                let entries = map.iter().map(|(k, v)| format!("{}: {}", key(k), raw(v)));
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
        };
        format!("{name}: {value}")
    });
    settings.collect::<Vec<_>>().join(", ")
}

fn policy(rule: &Rule) -> String {
    let options = &rule.options;
    let by = match &options.by {
        GroupBy::All => "[\"...\"]".to_owned(),
        GroupBy::Labels(names) => texts(names),
    };
    let mut parts = vec![
        format!("group_by: {by}"),
        format!("group_wait: {}", options.wait),
        format!("group_interval: {}", options.interval),
    ];
    if options.repeat > DurationMs::ZERO {
        parts.push(format!("interval: {}", options.repeat));
    }
    for (key, names) in [("mute", &rule.mute), ("active", &rule.active)] {
        if !names.is_empty() {
            parts.push(format!("{key}: {}", texts(names)));
        }
    }
    if !rule.sink.notify_on.is_empty() {
        parts.push(format!("notify_on: [{}]", rule.sink.notify_on.join(", ")));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn interval(interval: &TimeInterval) -> String {
    let mut parts = Vec::new();
    if !interval.times.is_empty() {
        let times = interval.times.iter().map(|range| {
            let (start, end) = (text(&range.start_time), text(&range.end_time));
            format!("{{ start_time: {start}, end_time: {end} }}")
        });
        parts.push(format!("times: [{}]", times.collect::<Vec<_>>().join(", ")));
    }
    for (key, list) in [
        ("weekdays", &interval.weekdays),
        ("days_of_month", &interval.days_of_month),
        ("months", &interval.months),
        ("years", &interval.years),
    ] {
        if !list.is_empty() {
            parts.push(format!("{key}: {}", texts(list)));
        }
    }
    parts.extend(
        interval
            .location
            .iter()
            .map(|zone| format!("location: {}", text(zone))),
    );
    match parts.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", parts.join(", ")),
    }
}

/// A list with an item on each line, after its key; empty ones as ` []`.
fn block(items: impl Iterator<Item = String>, indent: usize) -> String {
    let lines: String = items
        .map(|item| format!("\n{:indent$}- {item}", ""))
        .collect();
    match lines.is_empty() {
        true => " []".to_owned(),
        false => lines,
    }
}

fn matchers(list: &[Matcher]) -> String {
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts(&list)
}

fn texts(list: &[String]) -> String {
    let list: Vec<String> = list.iter().map(|item| text(item)).collect();
    format!("[{}]", list.join(", "))
}

/// A text, in which `${` is no variable.
fn text(value: &str) -> String {
    raw(&value.replace("${", "$${"))
}

/// A text as it is: plain where YAML reads it back as that text, otherwise in quotes.
fn raw(value: &str) -> String {
    let is_word = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .contains(&value.to_lowercase().as_str());
    if is_word {
        value.to_owned()
    } else if value.chars().any(char::is_control) {
        // JSON's escapes are YAML's.
        serde_json::Value::from(value).to_string()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

/// A key: variables are not put into those.
fn key(value: &str) -> String {
    raw(value)
}
