//! `check --alert` for people.

use super::told::{Told, ToldAlert, ToldIntegration};
use crate::client::clean;

/// For each alert who is told, and why the others are not. Lines are as long as their reasons: a reason cut short is none.
pub fn text(told: &Told) -> String {
    let mut out = String::new();
    for alert in &told.alerts {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&head(told, alert));
        for part in &alert.integrations {
            out.push_str(&line(part));
        }
        for rule in &alert.inhibited_by {
            out.push_str(&format!(
                "  inhibition {} holds it while an alert of its source side is open\n",
                clean(rule)
            ));
        }
        out.push_str(&match alert.receivers.as_slice() {
            [] => "told: nobody\n".to_owned(),
            receivers => format!("told: {}\n", clean(&receivers.join(", "))),
        });
    }
    out
}

fn head(told: &Told, alert: &ToldAlert) -> String {
    let content = &alert.content;
    let mut line = format!("{} [{}]", clean(&content.title), content.severity.as_str());
    if !content.resource.is_empty() {
        line.push_str(&format!(" on {}", clean(&content.resource)));
    }
    format!("{line}, from {} of {}\n", told.source, told.project)
}

fn line(part: &ToldIntegration) -> String {
    let told = match (part.told, part.muted) {
        (false, _) => "no",
        (true, false) => "yes",
        (true, true) => "later",
    };
    let tells = format!("{} {}", part.sink, part.target);
    let (name, tells, why) = (clean(&part.integration), clean(&tells), clean(&part.why));
    let mut line = format!("  {told:<6} {name} ({}): {why}", tells.trim());
    if let Some(group) = &part.group {
        let labels: Vec<String> = group.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
        line.push_str(&clean(&format!("; group {{{}}}", labels.join(", "))));
    }
    line + "\n"
}
