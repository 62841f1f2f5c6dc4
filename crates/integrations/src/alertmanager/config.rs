//! `config.original`: the hub's integrations as a configuration that Alertmanager's tools load.
//!
//! An integration is a route at the top with `continue: true`, so all of them are asked. Its `except` lists of one
//! matcher are that matcher turned round; longer ones are routes below it that lead to nobody. Fields are written as the
//! labels that they are read from; what cannot be said about labels is a comment, and the route is then wider than the
//! integration.

use std::collections::BTreeSet;

use model::{DurationMs, MatchOp, Matcher, Severity};
use regex::Regex;
use serde_json::Value;

use super::{decode, goregex};
use crate::kit::ReadIntegration;

/// The receiver of what nobody is told.
const NOBODY: &str = "nobody";

/// The words that mean a severity; the inverse of [`Severity::from_common_word`], which a test holds it to.
const WORDS: [(Severity, &str); 5] = [
    (
        Severity::Critical,
        "critical|crit|fatal|emergency|emerg|page|disaster|p1|sev1",
    ),
    (Severity::Major, "major|error|err|high|severe|alert|p2|sev2"),
    (Severity::Minor, "minor|medium|average|p3|sev3"),
    (Severity::Warning, "warning|warn|low|p4|sev4"),
    (
        Severity::Info,
        "info|informational|information|notice|debug|none|ok|p5|sev5",
    ),
];

/// The text. JSON's strings are YAML's too.
pub fn text(integrations: &[ReadIntegration]) -> String {
    let nobody = name_of_nobody(integrations);
    let mut text =
        String::from("# How this hub's integrations look to Alertmanager's tools.\nroute:\n");
    text.push_str(&format!("  receiver: {}\n", quoted(&nobody)));
    if integrations.iter().any(|of| of.enabled) {
        text.push_str("  routes:\n");
    }
    for of in integrations {
        if of.enabled {
            write_route(&mut text, of, &nobody);
        } else {
            text.push_str(&format!("  # {} is disabled\n", quoted(&of.receiver)));
        }
    }
    text.push_str("receivers:\n");
    let mut written = BTreeSet::new();
    let names = integrations.iter().map(|of| of.receiver.as_str());
    for name in names.chain([nobody.as_str()]) {
        if written.insert(name) {
            text.push_str(&format!("- name: {}\n", quoted(name)));
        }
    }
    text
}

fn name_of_nobody(integrations: &[ReadIntegration]) -> String {
    let mut name = NOBODY.to_owned();
    while integrations.iter().any(|of| of.receiver == name) {
        name.push('_');
    }
    name
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn write_route(text: &mut String, of: &ReadIntegration, nobody: &str) {
    let mut comments = Vec::new();
    let mut matchers = conditions(&of.matchers, &mut comments);
    let mut below = Vec::new();
    for list in &of.except {
        let mut lost = Vec::new();
        let conditions = conditions(list, &mut lost);
        if !lost.is_empty() {
            // Without a part of it the exception would take more than it does.
            let list: Vec<String> = list.iter().map(Matcher::to_string).collect();
            comments.push(format!("except {{{}}}", list.join(", ")));
            continue;
        }
        match conditions.as_slice() {
            [] => return text.push_str("  # an integration that excepts everything\n"),
            [one] => matchers.push(turned(one)),
            _ => below.push(conditions),
        }
    }
    for comment in comments {
        let comment = wire::text::one_line(&comment);
        let comment = wire::text::cut_chars(&comment, 500).into_owned();
        text.push_str(&format!(
            "  # wider than the integration, for want of a label: {comment}\n"
        ));
    }
    text.push_str(&format!("  - receiver: {}\n", quoted(&of.receiver)));
    text.push_str(&format!("    continue: true\n{}", list("    ", &matchers)));
    write_grouping(text, of);
    if !below.is_empty() {
        text.push_str("    routes:\n");
    }
    for matchers in below {
        text.push_str(&format!("    - receiver: {}\n", quoted(nobody)));
        text.push_str(&list("      ", &matchers));
    }
}

fn list(indent: &str, matchers: &[Matcher]) -> String {
    let mut text = String::new();
    if !matchers.is_empty() {
        text.push_str(&format!("{indent}matchers:\n"));
    }
    for matcher in matchers {
        text.push_str(&format!("{indent}- {}\n", quoted(&matcher.to_string())));
    }
    text
}

/// No grouping is `...`; all in one is no `group_by`, as the root has none to inherit.
fn write_grouping(text: &mut String, of: &ReadIntegration) {
    let Some(names) = &of.group_by else {
        return text.push_str("    group_by: [\"...\"]\n");
    };
    let names: BTreeSet<&String> = names.iter().filter(|name| decode::is_name(name)).collect();
    if !names.is_empty() {
        let names: Vec<String> = names.into_iter().map(|name| quoted(name)).collect();
        text.push_str(&format!("    group_by: [{}]\n", names.join(", ")));
    }
    for (name, time) in [
        ("group_wait", of.group_wait),
        ("group_interval", of.group_interval),
    ] {
        if time > DurationMs::ZERO {
            text.push_str(&format!("    {name}: {time}\n"));
        }
    }
}

/// The matchers over labels that say the same; into `lost` goes what labels cannot say.
fn conditions(matchers: &[Matcher], lost: &mut Vec<String>) -> Vec<Matcher> {
    let mut said = Vec::new();
    for matcher in matchers {
        match over_label(matcher) {
            Some(matcher) => said.push(matcher),
            None => lost.push(matcher.to_string()),
        }
    }
    said
}

fn over_label(matcher: &Matcher) -> Option<Matcher> {
    let renamed = |name: &str| Matcher {
        name: name.to_owned(),
        ..matcher.clone()
    };
    let matcher = match matcher.name.as_str() {
        "severity" => over_severity(matcher)?,
        // What this dialect makes the event of, and the label that the hub takes for the team.
        "event" => renamed("alertname"),
        "status" | "source" | "resource" => return None,
        name => renamed(name.strip_prefix("labels.").unwrap_or(name)),
    };
    let is_regex = matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex);
    let is_read = !is_regex || goregex::translated(&matcher.value).is_ok();
    (decode::is_name(&matcher.name) && is_read).then_some(matcher)
}

/// The field is one of five words, whatever word the label has: the words that lead to those that match. An unknown word
/// counts as no severity, which is [`Severity::default`].
fn over_severity(matcher: &Matcher) -> Option<Matcher> {
    let regex = match matcher.op {
        MatchOp::Regex | MatchOp::NotRegex => {
            Some(Regex::new(&format!("^(?:{})$", matcher.value)).ok()?)
        }
        MatchOp::Equal | MatchOp::NotEqual => None,
    };
    let negated = matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex);
    let matches = |severity: Severity| {
        let word = severity.as_str();
        let is_hit = match &regex {
            Some(regex) => regex.is_match(word),
            None => matcher.value == word,
        };
        is_hit != negated
    };
    let takes_unknown = matches(Severity::default());
    let words: Vec<&str> = WORDS
        .iter()
        .filter(|(severity, _)| matches(*severity) != takes_unknown)
        .map(|(_, words)| *words)
        .collect();
    let op = match takes_unknown {
        true => MatchOp::NotRegex,
        false => MatchOp::Regex,
    };
    let value = match (words.is_empty(), takes_unknown) {
        (false, _) => format!(r"\s*(?i:{})\s*", words.join("|")),
        // Everything matches, or nothing: what no label's value is, and what none can be.
        (true, _) => r"\n\r\n".to_owned(),
    };
    Some(Matcher {
        name: "severity".to_owned(),
        op,
        value,
    })
}

fn turned(matcher: &Matcher) -> Matcher {
    Matcher {
        op: match matcher.op {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::Regex => MatchOp::NotRegex,
            MatchOp::NotRegex => MatchOp::Regex,
        },
        ..matcher.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_severities_are_those_that_are_read() {
        for (severity, words) in WORDS {
            for word in words.split('|') {
                assert_eq!(Severity::from_common_word(word), Some(severity), "{word}");
            }
        }
        // As many as are read: a word more or less there shows here.
        let source = include_str!("../../../model/src/severity.rs");
        let read = source.split("match word.trim()").nth(1).unwrap();
        let read = read.split("_ => return None").next().unwrap();
        let written: usize = WORDS.iter().map(|(_, w)| w.split('|').count()).sum();
        assert_eq!(read.matches('"').count() / 2, written);
    }

    fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher {
            name: name.to_owned(),
            op,
            value: value.to_owned(),
        }
    }

    fn integration(
        receiver: &str,
        matchers: Vec<Matcher>,
        except: Vec<Vec<Matcher>>,
    ) -> ReadIntegration {
        ReadIntegration {
            receiver: receiver.to_owned(),
            matchers,
            except,
            enabled: true,
            group_by: None,
            group_wait: DurationMs::ZERO,
            group_interval: DurationMs::ZERO,
        }
    }

    /// That `amtool` reads such texts and routes by them as the hub does is tried in `campanile/tests/clients`.
    #[test]
    fn integrations_become_routes() {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        let grouped = ReadIntegration {
            group_by: Some(vec!["env".to_owned(), "env".to_owned()]),
            group_wait: DurationMs::from_secs(30),
            group_interval: DurationMs::from_mins(5),
            ..integration(
                "ops: \"1\"",
                vec![
                    matcher("labels.severity", Equal, "page"),
                    matcher("team", NotRegex, "a|b"),
                ],
                Vec::new(),
            )
        };
        let off = ReadIntegration {
            enabled: false,
            ..integration("off", Vec::new(), Vec::new())
        };
        let excepting = integration(
            "nobody",
            vec![
                matcher("severity", Regex, "critical|major"),
                matcher("resource", Equal, "db"),
                matcher("event", Equal, "Disk\"Full"),
            ],
            vec![
                vec![matcher("env", Equal, "dev")],
                vec![matcher("a", NotEqual, "1"), matcher("b", Regex, "2")],
                vec![matcher("source", Equal, "x"), matcher("c", Equal, "y")],
            ],
        );
        let all = ReadIntegration {
            group_by: Some(Vec::new()),
            ..integration(
                "all",
                vec![matcher("severity", NotEqual, "warning")],
                Vec::new(),
            )
        };
        insta::assert_snapshot!("config", text(&[grouped, off, excepting, all]));
        assert_eq!(
            text(&[]),
            "# How this hub's integrations look to Alertmanager's tools.\nroute:\n  receiver: \"nobody\"\nreceivers:\n- name: \"nobody\"\n"
        );
    }
}
