//! Times of the week: named once per project (`time_intervals`), and used by name or written out in `mute` and `active`.

use std::collections::BTreeMap;

use lifecycle::schedule::{Schedule, ScheduleError};
use model::limits::INTERVALS_MAX;
use model::{TimeInterval, TimeRange};

use crate::config::limits::NAME_CHARS_MAX;
use crate::config::problem::nearest;
use crate::config::reader::{Field, Given, Section};
use crate::config::yaml::Value;

/// A project's named intervals. One with a problem is there too, empty, so that its users are not reported as well.
pub type NamedIntervals = BTreeMap<String, Vec<TimeInterval>>;

/// A project's `time_intervals`.
pub fn named(project: &mut Section<'_>) -> NamedIntervals {
    let section = project.take("time_intervals");
    let Some(section) = section.and_then(|field| field.section().here()) else {
        return NamedIntervals::new();
    };
    let mut named = NamedIntervals::new();
    for (name, field) in section.all() {
        if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
            field.report(format!("a name has 1 to {NAME_CHARS_MAX} characters"));
        }
        let list = field.list().here().unwrap_or_default();
        let list = list.iter().filter_map(interval).collect();
        named.insert(name.to_owned(), list);
    }
    named
}

/// A policy's `mute` or `active`: intervals, or names of `named` ones.
pub fn windows(
    policy: &mut Section<'_>,
    key: &'static str,
    named: &NamedIntervals,
) -> Vec<TimeInterval> {
    let Some(field) = policy.take(key) else {
        return Vec::new();
    };
    let mut windows = Vec::new();
    for item in field.list().here().unwrap_or_default() {
        match &item.node.value {
            Value::Scalar(_) => windows.extend(by_name(&item, named)),
            _ => windows.extend(interval(&item)),
        }
    }
    if windows.len() > INTERVALS_MAX {
        field.report(format!(
            "{} intervals; at most {INTERVALS_MAX} are allowed",
            windows.len()
        ));
    }
    windows
}

fn by_name(field: &Field<'_>, named: &NamedIntervals) -> Vec<TimeInterval> {
    let Given::Here(name) = field.text() else {
        return Vec::new();
    };
    if let Some(intervals) = named.get(&name) {
        return intervals.clone();
    }
    let hint = match field.is_substituted() {
        true => None,
        false => nearest(&name, named.keys().map(String::as_str)),
    };
    let message = "the project's `time_intervals` have no such name";
    let problem = field.node.at.problem(field.path.as_str(), message);
    field.context.report(problem.with_hint(hint));
    Vec::new()
}

/// One interval, checked.
fn interval(field: &Field<'_>) -> Option<TimeInterval> {
    let mut section = field.section().here()?;
    // What was read, so that a problem is reported at its own line.
    let mut places: Vec<(&'static str, Vec<Field<'_>>)> = Vec::new();
    let mut words = |key: &'static str| {
        let fields = section.list(key);
        let texts = fields.iter().map(word).collect::<Option<Vec<String>>>();
        places.push((key, fields));
        texts
    };
    let weekdays = words("weekdays");
    let days_of_month = words("days_of_month");
    let months = words("months");
    let years = words("years");
    let fields = section.list("times");
    let times = fields.iter().map(range).collect::<Option<Vec<_>>>();
    places.push(("times", fields));
    let location = section.take("location");
    let zone = match &location {
        Some(field) => Some(field.text().here()?),
        None => None,
    };
    places.extend(location.map(|field| ("location", vec![field])));
    section.finish();
    let interval = TimeInterval {
        times: times?,
        weekdays: weekdays?,
        days_of_month: days_of_month?,
        months: months?,
        years: years?,
        location: zone,
    };
    match Schedule::compile(std::slice::from_ref(&interval)) {
        Ok(_) => Some(interval),
        Err(error) => {
            report(field, &places, &error);
            None
        }
    }
}

fn report(interval: &Field<'_>, places: &[(&str, Vec<Field<'_>>)], error: &ScheduleError) {
    let place = places.iter().find(|(name, _)| *name == error.field);
    let place = place.and_then(|(_, fields)| fields.get(error.item.unwrap_or(0)));
    let place = place.unwrap_or(interval);
    if place.is_substituted() {
        place.report(format!(
            "with its variables put in, this is not right; right is, for example, {}",
            error.example
        ));
    } else {
        place.report(format!(
            "{}; right is, for example, {}",
            error.problem, error.example
        ));
    }
}

/// A word or a number: `monday`, `2026`.
fn word(field: &Field<'_>) -> Option<String> {
    field.text_or_number().here()
}

fn range(field: &Field<'_>) -> Option<TimeRange> {
    let mut section = field.section().here()?;
    let mut time = |key: &'static str| {
        let Some(field) = section.take(key) else {
            section.report_missing(key, "a time such as `\"17:00\"`");
            return None;
        };
        field.text().here()
    };
    let (start_time, end_time) = (time("start_time"), time("end_time"));
    section.finish();
    Some(TimeRange {
        start_time: start_time?,
        end_time: end_time?,
    })
}
