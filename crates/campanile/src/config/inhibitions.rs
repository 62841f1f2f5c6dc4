//! `inhibit`: alerts that are not told while another one is open.

use std::collections::HashMap;

use engine::desired::Inhibition;
use model::Matcher;
use model::limits::INHIBITIONS_PER_PROJECT_MAX;

use crate::config::matchers;
use crate::config::policy::label_names;
use crate::config::projects::name;
use crate::config::reader::{Given, Section};

/// A project's `inhibit`.
pub fn read(project: &mut Section<'_>) -> Vec<Inhibition> {
    let Some(field) = project.take("inhibit") else {
        return Vec::new();
    };
    let rules = field.list().here().unwrap_or_default();
    if rules.len() > INHIBITIONS_PER_PROJECT_MAX {
        field.report(format!(
            "{} rules; at most {INHIBITIONS_PER_PROJECT_MAX} are allowed, because each costs every open alert a look",
            rules.len()
        ));
        return Vec::new();
    }
    let mut names = HashMap::new();
    let rules = rules.iter().enumerate();
    let rules = rules.filter_map(|(index, field)| rule(field.section().here()?, index, &mut names));
    rules.collect()
}

fn rule(
    mut section: Section<'_>,
    index: usize,
    names: &mut HashMap<String, usize>,
) -> Option<Inhibition> {
    let name = if section.has("name") {
        name(&mut section, names, "inhibition")
    } else {
        section.take("name");
        Some(format!("inhibit {}", index + 1))
    };
    let source = side(
        &mut section,
        "source",
        "those that hold others back, such as `['severity=\"critical\"']`",
    );
    let target = side(
        &mut section,
        "target",
        "those that are held back, such as `['severity=\"warning\"']`",
    );
    let equal = match section.take("equal") {
        Some(field) => label_names(&field),
        None => Some(Vec::new()),
    };
    section.finish();
    Some(Inhibition {
        name: name?,
        source: source?,
        target: target?,
        equal: equal?,
    })
}

fn side(section: &mut Section<'_>, key: &'static str, what: &str) -> Option<Vec<Matcher>> {
    match matchers::list(section, key) {
        Given::Here(matchers) if !matchers.is_empty() => Some(matchers),
        // Every alert, on either side, is hardly ever meant: it must be said as a matcher.
        Given::Here(_) | Given::Absent => {
            section.report_missing(key, &format!("the matchers of {what}"));
            None
        }
        Given::Broken => None,
    }
}
