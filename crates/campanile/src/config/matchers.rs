//! Lists of matchers, and lists of such lists.

use lifecycle::matching::{CompiledMatchers, parse_matcher};
use model::Matcher;
use model::limits::{EXCEPT_LISTS_MAX, MATCHERS_MAX};

use crate::config::reader::{Field, Given, Section};

/// The matchers under `key`; all must match.
pub fn list(section: &mut Section<'_>, key: &'static str) -> Given<Vec<Matcher>> {
    section
        .take(key)
        .map_or(Given::Absent, |field| read(&field))
}

/// Lists of matchers under `key`: one of them must match. Those with a problem are left out.
pub fn lists(section: &mut Section<'_>, key: &'static str) -> Vec<Vec<Matcher>> {
    let Some(field) = section.take(key) else {
        return Vec::new();
    };
    let lists = field.list().here().unwrap_or_default();
    if lists.len() > EXCEPT_LISTS_MAX {
        field.report(format!(
            "{} lists of matchers; at most {EXCEPT_LISTS_MAX} are allowed",
            lists.len()
        ));
        return Vec::new();
    }
    let lists = lists.iter().filter_map(|field| {
        let matchers = read(field).here()?;
        if matchers.is_empty() {
            field.report("an empty list matches every alert, so that nobody would be told; give a matcher, or leave it out");
        }
        Some(matchers)
    });
    lists.collect()
}

fn read(field: &Field<'_>) -> Given<Vec<Matcher>> {
    let Given::Here(list) = field.list() else {
        return Given::Broken;
    };
    if list.len() > MATCHERS_MAX {
        field.report(format!(
            "{} matchers; at most {MATCHERS_MAX} are allowed",
            list.len()
        ));
        return Given::Broken;
    }
    let matchers: Vec<Matcher> = list.iter().filter_map(matcher).collect();
    if matchers.len() < list.len() {
        return Given::Broken;
    }
    Given::Here(matchers)
}

fn matcher(field: &Field<'_>) -> Option<Matcher> {
    let text = field.text().here()?;
    let parsed = parse_matcher(&text).and_then(|matcher| {
        // Compiled once here, so that a bad regular expression is found before anything runs.
        CompiledMatchers::compile([matcher.clone()]).map(|_| matcher)
    });
    match parsed {
        Ok(matcher) => return Some(matcher),
        Err(_) if field.is_substituted() => {
            field.report("with its variables put in, this is no matcher")
        }
        Err(error) => field.report(error.to_string()),
    }
    None
}
