//! The tree of routes as independent rules.
//!
//! A node ends a match if all matchers on its path match, no earlier sibling without `continue` matches, at its own
//! level or at one above, and none of its children does. So it becomes: `match` = the path's matchers, `except` = the
//! matchers of each such sibling and child.

use std::collections::{BTreeMap, HashMap};

use lifecycle::matching::{CompiledMatchers, Subject};
use model::limits::{EXCEPT_LISTS_MAX, MATCHERS_MAX};
use model::{Content, Labels, MatchOp, Matcher, Status};

use super::read::{File, Options, Route};
use super::receivers::{Receivers, SinkConfig};
use super::report::Report;

/// One integration to be.
pub struct Rule {
    pub name: String,
    pub receiver: String,
    pub matchers: Vec<Matcher>,
    pub except: Vec<Vec<Matcher>>,
    pub options: Options,
    pub mute: Vec<String>,
    pub active: Vec<String>,
    pub sink: SinkConfig,
}

/// The rules of all routes, in the file's order.
pub fn rules(file: &File, receivers: &Receivers, report: &mut Report) -> Vec<Rule> {
    let mut walk = Walk {
        file,
        receivers,
        report,
        names: HashMap::new(),
        rules: Vec::new(),
    };
    walk.node(&file.root, &[], &[]);
    walk.rules
}

struct Walk<'a> {
    file: &'a File,
    receivers: &'a Receivers,
    report: &'a mut Report,
    /// How many rules have this name.
    names: HashMap<String, usize>,
    rules: Vec<Rule>,
}

impl Walk<'_> {
    /// `path` are the matchers above, `taken` the lists of matchers that end there.
    fn node(&mut self, route: &Route, path: &[Matcher], taken: &[Vec<Matcher>]) {
        let Some(own) = &route.matchers else {
            return;
        };
        let mut path = path.to_vec();
        for matcher in own {
            if !path.contains(matcher) {
                path.push(matcher.clone());
            }
        }
        let mut below: Vec<Vec<Matcher>> = taken.to_vec();
        for child in &route.children {
            self.node(child, &path, &below);
            if let Some(matchers) = child.matchers.as_ref().filter(|_| !child.goes_on) {
                below.push(matchers.clone());
            }
        }
        let children = route
            .children
            .iter()
            .filter_map(|child| child.matchers.clone());
        let except: Vec<Vec<Matcher>> = taken.iter().cloned().chain(children).collect();
        self.end(route, path, except);
    }

    /// The rules for what ends at `route`.
    fn end(&mut self, route: &Route, path: Vec<Matcher>, mut except: Vec<Vec<Matcher>>) {
        let (line, receiver) = (route.line, &route.receiver);
        except.retain(|list| can_meet(&path, list));
        let except = least(&path, except);
        if except.iter().any(Vec::is_empty) {
            self.report.exact(line, format!("route to `{receiver}`: other routes take all of its alerts, it needs no integration"));
            return;
        }
        let Some(sinks) = self.receivers.get(receiver) else {
            self.report.missing(
                line,
                format!("route to `{receiver}`: there is no such receiver"),
            );
            return;
        };
        if path.len() > MATCHERS_MAX || except.len() > EXCEPT_LISTS_MAX {
            let text = format!(
                "route to `{receiver}`: it needs {} matchers and {} exceptions; at most {MATCHERS_MAX} and {EXCEPT_LISTS_MAX} are allowed",
                path.len(),
                except.len()
            );
            self.report.missing(line, text);
            return;
        }
        let (mute, active) = (
            self.known(route, &route.mute),
            self.known(route, &route.active),
        );
        for sink in sinks {
            let name = self.name(receiver);
            self.report.exact(
                line,
                format!(
                    "route to `{receiver}`: integration `{name}` ({})",
                    sink.sink
                ),
            );
            self.rules.push(Rule {
                name,
                receiver: receiver.clone(),
                matchers: path.clone(),
                except: except.clone(),
                options: route.options.clone(),
                mute: mute.clone(),
                active: active.clone(),
                sink: sink.clone(),
            });
        }
    }

    /// Those of `names` that were imported.
    fn known(&mut self, route: &Route, names: &[String]) -> Vec<String> {
        let known = |name: &&String| self.file.intervals.contains_key(*name);
        let (known, unknown): (Vec<&String>, Vec<&String>) = names.iter().partition(known);
        for name in unknown {
            let text = format!(
                "route to `{}`: there are no times `{name}`; it is told at any time",
                route.receiver
            );
            self.report.missing(route.line, text);
        }
        known.into_iter().cloned().collect()
    }

    /// A unique name that a configuration of ours takes.
    fn name(&mut self, receiver: &str) -> String {
        let plain = |c: char| if c == '/' || c.is_control() { '-' } else { c };
        let base: String = receiver.trim().chars().map(plain).take(80).collect();
        let count = self.names.entry(base.clone()).or_default();
        loop {
            *count += 1;
            let name = match *count {
                1 => base.clone(),
                count => format!("{base}-{count}"),
            };
            if self.rules.iter().all(|rule| rule.name != name) {
                return name;
            }
        }
    }
}

/// The lists that say something: without what the path says already, each once, and without those that ask for more
/// than another one.
fn least(path: &[Matcher], lists: Vec<Vec<Matcher>>) -> Vec<Vec<Matcher>> {
    let mut all: Vec<Vec<Matcher>> = Vec::new();
    for list in lists {
        let rest: Vec<Matcher> = list.into_iter().filter(|m| !path.contains(m)).collect();
        if !all.contains(&rest) {
            all.push(rest);
        }
    }
    let wider = |list: &Vec<Matcher>, other: &Vec<Matcher>| {
        other.len() < list.len() && other.iter().all(|matcher| list.contains(matcher))
    };
    let least = all
        .iter()
        .filter(|list| !all.iter().any(|other| wider(list, other)));
    least.cloned().collect()
}

/// Whether an alert that the path's matchers match can match `list` too. Only what is certain counts: where the path
/// says `name="value"`, that value must match.
fn can_meet(path: &[Matcher], list: &[Matcher]) -> bool {
    let mut certain: BTreeMap<&str, &str> = BTreeMap::new();
    for matcher in path.iter().filter(|m| m.op == MatchOp::Equal) {
        let known = certain.insert(&matcher.name, &matcher.value);
        if known.is_some_and(|known| known != matcher.value) {
            return false;
        }
    }
    let decided = list
        .iter()
        .filter(|m| certain.contains_key(m.name.as_str()));
    // Over bare labels: a name that is a field would be looked up elsewhere.
    let decided = decided.map(|m| Matcher {
        name: plain(&m.name),
        ..m.clone()
    });
    let Ok(decided) = CompiledMatchers::compile(decided) else {
        return true;
    };
    let labels = certain
        .into_iter()
        .map(|(name, value)| (plain(name), value));
    let content = Content {
        labels: labels.collect::<Labels>(),
        ..Content::default()
    };
    decided.matches(&Subject {
        content: &content,
        status: Status::Open,
        source: "",
        team: "",
    })
}

/// A name under which no field is found.
fn plain(name: &str) -> String {
    format!("label {name}")
}
