//! `policy`: how an integration delivers.

use std::collections::BTreeMap;

use engine::desired::{Flapping, GroupBy, Grouping, Of, Policy};
use integrations::kit::SinkKind;
use model::limits::{LABEL_NAME_BYTES_MAX, LABELS_MAX};
use model::{DurationMs, EventKind, Severity};

use crate::config::intervals::{self, NamedIntervals};
use crate::config::limits::{FLAPPING_CHANGES_MAX, FLAPPING_CHANGES_MIN};
use crate::config::reader::{Field, Given, Section};

/// Alertmanager's word for "by all labels".
const ALL_LABELS: &str = "...";

/// An integration's `policy`; `of` and `kind` as far as they are known, `named` are the project's intervals.
pub fn policy(
    mut section: Section<'_>,
    kind: Option<&dyn SinkKind>,
    of: Option<Of>,
    named: &NamedIntervals,
) -> Policy {
    let default = Policy::default();
    let interval = section.take("interval");
    if let (Some(field), Some(kind)) = (&interval, kind)
        && kind.manifest().can.pages
        && matches!(field.duration(), Given::Here(interval) if interval.0 > 0)
    {
        field.warn(format!(
            "{} reminds people by itself; reminders from here are not sent",
            kind.manifest().title
        ));
    }
    let event_words = EventKind::ALL.map(|kind| (kind.as_str(), kind));
    let notify_on = section
        .take("notify_on")
        .and_then(|field| field.list().here())
        .map(|list| {
            list.iter()
                .filter_map(|field| field.word("event", &event_words).here())
                .collect()
        });
    let policy = Policy {
        delay: section.duration("delay").or(default.delay),
        interval: interval.map_or(default.interval, |field| {
            field.duration().or(default.interval)
        }),
        edit_interval: section.duration("edit_interval").or(default.edit_interval),
        notify_on,
        close_notifications: section
            .boolean("close_notifications")
            .or(default.close_notifications),
        group: group(&mut section, of),
        mute: intervals::windows(&mut section, "mute", named),
        active: intervals::windows(&mut section, "active", named),
        flapping: section
            .take("flapping")
            .and_then(|field| flapping(field.section().here()?)),
        severity: section
            .take("severity")
            .and_then(|field| Some(severities(field.section().here()?)))
            .unwrap_or_default(),
    };
    section.finish();
    policy
}

/// `severity: { warning: critical }`: as what each is told.
fn severities(mut section: Section<'_>) -> BTreeMap<Severity, Severity> {
    let words = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let mut told = BTreeMap::new();
    for severity in Severity::ALL {
        let field = section.take(severity.as_str());
        if let Some(other) = field.and_then(|field| field.word("severity", &words).here()) {
            told.insert(severity, other);
        }
    }
    section.finish();
    told
}

/// `group_by` with what belongs to it. Alertmanager's defaults.
fn group(section: &mut Section<'_>, of: Option<Of>) -> Option<Grouping> {
    let by = section.take("group_by");
    let wait = section.take("group_wait");
    let interval = section.take("group_interval");
    let Some(by) = by else {
        for field in [wait, interval].into_iter().flatten() {
            field.report("this needs `group_by`, the labels that alerts of a group have in common; `[]` puts all into one group");
        }
        return None;
    };
    if of.is_some_and(|of| of != Of::Issues) {
        by.report("only issues are grouped: notifications and metrics are told one by one; leave it out, or use `of: issues`");
    }
    let span = |field: Option<Field<'_>>, default| {
        field.map_or(default, |field| field.duration().or(default))
    };
    Some(Grouping {
        wait: span(wait, DurationMs::from_secs(30)),
        interval: span(interval, DurationMs::from_mins(5)),
        by: group_by(&by)?,
    })
}

fn group_by(field: &Field<'_>) -> Option<GroupBy> {
    let labels = label_names(field)?;
    if labels.iter().all(|label| label != ALL_LABELS) {
        return Some(GroupBy::Labels(labels));
    }
    if labels.len() > 1 {
        field.report(
            "`...` means all labels, so that others beside it say nothing; keep one of both",
        );
        return None;
    }
    Some(GroupBy::All)
}

/// A list of labels' names without repetitions; `None` if it is none, which is reported.
pub fn label_names(field: &Field<'_>) -> Option<Vec<String>> {
    let list = field.list().here()?;
    if list.len() > LABELS_MAX {
        field.report(format!(
            "{} labels; at most {LABELS_MAX} are allowed",
            list.len()
        ));
        return None;
    }
    let mut names: Vec<String> = Vec::with_capacity(list.len());
    for field in &list {
        let name = field.text().here()?;
        if name.is_empty() || name.len() > LABEL_NAME_BYTES_MAX {
            field.report(format!(
                "a label's name has 1 to {LABEL_NAME_BYTES_MAX} bytes"
            ));
            return None;
        }
        if names.contains(&name) {
            field.report("this label is named twice");
            return None;
        }
        names.push(name);
    }
    Some(names)
}

fn flapping(mut section: Section<'_>) -> Option<Flapping> {
    let changes = section.take("changes");
    let window = section.take("window");
    if changes.is_none() {
        section.report_missing(
            "changes",
            "how often an alert may open within `window`, such as `5`",
        );
    }
    if window.is_none() {
        section.report_missing(
            "window",
            "the time in which openings are counted, such as `10m`",
        );
    }
    let changes = changes.and_then(|field| {
        let bounds = FLAPPING_CHANGES_MIN..=FLAPPING_CHANGES_MAX;
        field.number("a number of openings", bounds).here()
    });
    let window = window.and_then(|field| match field.duration() {
        Given::Here(DurationMs::ZERO) => {
            field.report("within no time nothing can open; give a time such as `10m`");
            None
        }
        given => given.here(),
    });
    section.finish();
    Some(Flapping {
        changes: u32::try_from(changes?).ok()?,
        window: window?,
    })
}
