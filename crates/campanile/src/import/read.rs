//! Alertmanager's file as values: the tree of routes with what is inherited, inhibitions, times.

use std::collections::BTreeMap;

use engine::desired::{GroupBy, Inhibition};
use lifecycle::schedule::Schedule;
use model::{DurationMs, MatchOp, Matcher, TimeInterval, TimeRange};

use super::matchers;
use super::node::{boolean, entries, get, items, text_of, texts};
use super::report::Report;
use crate::config::Problem;
use crate::config::yaml::{self, Node, Value};

/// The file.
pub struct File {
    /// Receivers and global settings are read from here, each by its own code.
    pub tree: Node,
    pub root: Route,
    pub inhibitions: Vec<Inhibition>,
    pub intervals: BTreeMap<String, Vec<TimeInterval>>,
    pub resolve_timeout: Option<DurationMs>,
}

/// A node of the tree of routes.
pub struct Route {
    pub line: usize,
    pub receiver: String,
    /// `None`: they are not understood; the node and what is below it cannot be imported.
    pub matchers: Option<Vec<Matcher>>,
    pub goes_on: bool,
    pub options: Options,
    /// Names of intervals; not inherited.
    pub mute: Vec<String>,
    pub active: Vec<String>,
    pub children: Vec<Route>,
}

/// What a route inherits unless it says otherwise.
#[derive(Clone)]
pub struct Options {
    pub by: GroupBy,
    pub wait: DurationMs,
    pub interval: DurationMs,
    pub repeat: DurationMs,
}

const KEYS: [&str; 6] = [
    "global",
    "route",
    "receivers",
    "inhibit_rules",
    "mute_time_intervals",
    "time_intervals",
];
const ROUTE_KEYS: [&str; 13] = [
    "receiver",
    "match",
    "match_re",
    "matchers",
    "continue",
    "routes",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "mute_time_intervals",
    "active_time_intervals",
    // Anchors for people; Alertmanager has none, but some generators write it.
    "name",
];

/// Reads the whole file.
pub fn read(text: &str, report: &mut Report) -> Result<File, Vec<Problem>> {
    let mut problems = Vec::new();
    let tree = yaml::parse(text, &mut problems).map_err(|problem| vec![problem])?;
    if !problems.is_empty() {
        return Err(problems);
    }
    let start = crate::config::At::START;
    let Some(tree) = tree else {
        return Err(vec![start.problem("", "there is nothing in this file")]);
    };
    let Some(route) = get(&tree, "route") else {
        let message = "this is missing: is this an Alertmanager's configuration?";
        return Err(vec![tree.at.problem("route", message)]);
    };
    if text_of(route, "receiver").is_none() {
        let message = "this is missing: the first route names the receiver of what no other takes";
        return Err(vec![route.at.problem("route.receiver", message)]);
    }
    for (key, node) in entries(&tree).filter(|(key, _)| !KEYS.contains(key)) {
        match key {
            "templates" => report.missing(node.at.line, "`templates`: messages have our own form"),
            key => report.missing(node.at.line, format!("`{key}` is not known to this import")),
        }
    }
    let root = root(route, report);
    let inhibitions = items(&tree, "inhibit_rules").enumerate();
    let inhibitions = inhibitions.filter_map(|(index, node)| inhibition(index, node, report));
    let inhibitions = inhibitions.collect();
    let mut intervals = BTreeMap::new();
    for key in ["mute_time_intervals", "time_intervals"] {
        for node in items(&tree, key) {
            named_intervals(node, &mut intervals, report);
        }
    }
    let global = get(&tree, "global");
    let resolve_timeout = global.and_then(|g| duration(text_of(g, "resolve_timeout")?));
    Ok(File {
        root,
        inhibitions,
        intervals,
        resolve_timeout,
        tree,
    })
}

fn root(node: &Node, report: &mut Report) -> Route {
    let parent = Options {
        by: GroupBy::Labels(Vec::new()),
        wait: DurationMs::from_secs(30),
        interval: DurationMs::from_mins(5),
        repeat: DurationMs::from_hours(4),
    };
    report.near(
        node.at.line,
        "`repeat_interval` becomes reminders: they end when somebody acknowledges, which Alertmanager does not know; sinks that page remind by themselves",
    );
    route(node, "", &parent, report)
}

fn route(node: &Node, receiver: &str, parent: &Options, report: &mut Report) -> Route {
    let line = node.at.line;
    for (key, node) in entries(node).filter(|(key, _)| !ROUTE_KEYS.contains(key)) {
        report.missing(
            node.at.line,
            format!("`{key}` of a route is not known to this import"),
        );
    }
    let receiver = text_of(node, "receiver").unwrap_or(receiver).to_owned();
    let matchers = match matchers::read(node, ["match", "match_re"], "matchers") {
        Ok(matchers) => {
            for matcher in matchers.iter().filter(|m| matchers::has_classes(m)) {
                report.near(line, format!("{matcher}: \\d, \\w, \\s and \\b also know letters and digits beyond ASCII here"));
            }
            Some(matchers)
        }
        Err(problem) => {
            report.missing(
                line,
                format!("the route to `{receiver}` and those below it: {problem}"),
            );
            None
        }
    };
    let mut options = parent.clone();
    let by = texts(node, "group_by");
    if by.iter().any(|label| label == "...") {
        options.by = GroupBy::All;
    } else if !by.is_empty() {
        options.by = GroupBy::Labels(by);
    }
    for (key, place) in [
        ("group_wait", &mut options.wait),
        ("group_interval", &mut options.interval),
        ("repeat_interval", &mut options.repeat),
    ] {
        match text_of(node, key).map(duration) {
            Some(Some(length)) => *place = length,
            Some(None) => report.missing(
                line,
                format!("`{key}` is no time; that of the route above is used"),
            ),
            None => {}
        }
    }
    let children = items(node, "routes");
    let children = children.map(|child| route(child, &receiver, &options, report));
    let children = children.collect();
    Route {
        line,
        matchers,
        goes_on: boolean(node, "continue").unwrap_or(false),
        mute: texts(node, "mute_time_intervals"),
        active: texts(node, "active_time_intervals"),
        receiver,
        options,
        children,
    }
}

/// Prometheus' durations: ours, and years of 365 days.
fn duration(text: &str) -> Option<DurationMs> {
    let (years, rest) = match text.split_once('y') {
        Some((years, rest)) => (years.parse::<i64>().ok()?, rest),
        None => (0, text),
    };
    let rest = match rest {
        "" if years > 0 => DurationMs::ZERO,
        rest => rest.parse::<DurationMs>().ok()?,
    };
    let years = years.checked_mul(DurationMs::from_hours(365 * 24).0)?;
    years.checked_add(rest.0).map(DurationMs)
}

fn inhibition(index: usize, node: &Node, report: &mut Report) -> Option<Inhibition> {
    let line = node.at.line;
    let mut side = |old: [&str; 2], new: &str| match matchers::read(node, old, new) {
        Ok(matchers) if matchers.is_empty() => Some(vec![everything()]),
        Ok(matchers) => Some(matchers),
        Err(problem) => {
            report.missing(line, format!("an inhibition: {problem}"));
            None
        }
    };
    let source = side(["source_match", "source_match_re"], "source_matchers");
    let target = side(["target_match", "target_match_re"], "target_matchers");
    let (source, target) = (source?, target?);
    let name = format!("inhibit {} of line {line}", index + 1);
    report.exact(line, format!("inhibition: `{name}`"));
    let mut equal = texts(node, "equal");
    equal.sort();
    equal.dedup();
    Some(Inhibition {
        name,
        source,
        target,
        equal,
    })
}

/// Alertmanager's empty list, which matches every alert; ours wants that said.
fn everything() -> Matcher {
    Matcher {
        name: "alertname".to_owned(),
        op: MatchOp::Regex,
        value: "(?s).*".to_owned(),
    }
}

fn named_intervals(
    node: &Node,
    named: &mut BTreeMap<String, Vec<TimeInterval>>,
    report: &mut Report,
) {
    let line = node.at.line;
    let Some(name) = text_of(node, "name") else {
        report.missing(line, "an interval without a name");
        return;
    };
    let intervals: Vec<TimeInterval> = items(node, "time_intervals").map(interval).collect();
    match Schedule::compile(&intervals) {
        Ok(_) => {
            report.exact(line, format!("times `{name}`"));
            named.insert(name.to_owned(), intervals);
        }
        Err(error) => report.missing(line, format!("times `{name}`: {error}")),
    }
}

fn interval(node: &Node) -> TimeInterval {
    let range = |node: &Node| TimeRange {
        start_time: text_of(node, "start_time").unwrap_or_default().to_owned(),
        end_time: text_of(node, "end_time").unwrap_or_default().to_owned(),
    };
    let list = |node: &Node| matches!(node.value, Value::Map(_));
    TimeInterval {
        times: items(node, "times")
            .filter(|n| list(n))
            .map(range)
            .collect(),
        weekdays: texts(node, "weekdays"),
        days_of_month: texts(node, "days_of_month"),
        months: texts(node, "months"),
        years: texts(node, "years"),
        location: text_of(node, "location").map(str::to_owned),
    }
}
