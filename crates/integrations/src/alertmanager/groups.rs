//! `GET /api/v2/alerts/groups`: alerts as their receivers get them together.
//!
//! Integrations of one receiver that take the same and group by the same are what Alertmanager calls one route. One
//! without `group_by` tells each alert for itself, which is Alertmanager's `group_by: ['...']`, so each alert is shown as
//! a group of its own. (There, a route without `group_by` takes its parent's, and none at all makes a single group.)

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::read::{Sieve, gettable, is_suppressed};
use crate::kit::{AlertmanagerFilter, Answer, ReadAlert, ReadData, ReadIntegration};

/// What makes a group, sorted by name.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

struct Route<'a> {
    of: &'a ReadIntegration,
    /// Places in [`ReadData::integrations`].
    integrations: Vec<usize>,
}

struct Group<'a> {
    labels: Pairs<'a>,
    receiver: &'a str,
    /// Places in [`ReadData::alerts`].
    alerts: Vec<usize>,
}

pub fn render(wanted: &AlertmanagerFilter, data: &ReadData<'_>) -> Answer {
    let sieve = match Sieve::new(wanted) {
        Ok(sieve) => sieve,
        Err(problem) => return super::answers::problem(400, &problem),
    };
    let routes = routes(data, &sieve);
    let mut shown: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut groups: BTreeMap<(usize, Pairs<'_>), Vec<usize>> = BTreeMap::new();
    for (at, of) in data.alerts.iter().enumerate() {
        if !sieve.takes(of) {
            continue;
        }
        for (number, route) in routes.iter().enumerate() {
            if !route
                .integrations
                .iter()
                .any(|i| of.integrations.contains(i))
            {
                continue;
            }
            groups
                .entry((number, labels_of(route.of, of)))
                .or_default()
                .push(at);
            shown.entry(at).or_default().push(&route.of.receiver);
        }
    }
    let mut groups: Vec<Group<'_>> = groups
        .into_iter()
        .map(|((number, labels), alerts)| Group {
            labels,
            receiver: &routes[number].of.receiver,
            alerts,
        })
        .filter(|group| {
            wanted.muted
                || !group
                    .alerts
                    .iter()
                    .all(|at| is_suppressed(&data.alerts[*at]))
        })
        .collect();
    groups.sort_by(|a, b| in_order(&a.labels, &b.labels).then(a.receiver.cmp(b.receiver)));
    // An alert may be in as many groups as there are routes: its text is made once.
    let texts: BTreeMap<usize, String> = shown
        .into_iter()
        .map(|(at, mut names)| {
            names.sort_unstable();
            names.dedup();
            (at, gettable(&data.alerts[at], names).to_string())
        })
        .collect();
    Answer {
        content_type: Some("application/json"),
        body: text(&mut groups, &texts, data).into_bytes(),
        ..Answer::empty(200)
    }
}

fn routes<'a>(data: &ReadData<'a>, sieve: &Sieve<'_>) -> Vec<Route<'a>> {
    let mut routes: Vec<Route<'a>> = Vec::new();
    for (at, of) in data.integrations.iter().enumerate() {
        if !sieve.takes_receiver(&of.receiver) {
            continue;
        }
        let is_same = |other: &ReadIntegration| {
            (
                &other.receiver,
                &other.matchers,
                &other.except,
                &other.group_by,
            ) == (&of.receiver, &of.matchers, &of.except, &of.group_by)
        };
        match routes.iter_mut().find(|route| is_same(route.of)) {
            Some(route) => route.integrations.push(at),
            None => routes.push(Route {
                of,
                integrations: vec![at],
            }),
        }
    }
    routes
}

fn labels_of<'a>(route: &ReadIntegration, of: &'a ReadAlert) -> Pairs<'a> {
    let labels = of.alert.content.labels.iter();
    match &route.group_by {
        None => labels.collect(),
        Some(names) => labels
            .filter(|(name, _)| names.iter().any(|by| by == name))
            .collect(),
    }
}

fn text(groups: &mut [Group<'_>], texts: &BTreeMap<usize, String>, data: &ReadData<'_>) -> String {
    let mut body = String::from("[");
    for (place, group) in groups.iter_mut().enumerate() {
        let labels_at =
            |at: &usize| -> Pairs<'_> { data.alerts[*at].alert.content.labels.iter().collect() };
        group
            .alerts
            .sort_by_cached_key(|at| AlertOrder(labels_at(at)));
        let alerts: Vec<&str> = group
            .alerts
            .iter()
            .filter_map(|at| texts.get(at).map(String::as_str))
            .collect();
        let labels: serde_json::Map<String, serde_json::Value> = group
            .labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let head = serde_json::json!({
            "labels": labels,
            "receiver": { "name": group.receiver },
            "routeLabels": {},
        });
        let head = head.to_string();
        if place > 0 {
            body.push(',');
        }
        body.push_str("{\"alerts\":[");
        body.push_str(&alerts.join(","));
        body.push_str("],");
        body.push_str(head.trim_start_matches('{'));
    }
    body.push(']');
    body
}

/// Alertmanager's order of label sets: fewer first; then by the first name that only one has, which comes later, or by
/// the first value that differs.
fn in_order(a: &[(&str, &str)], b: &[(&str, &str)]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        a.iter()
            .zip(b)
            .map(|(a, b)| b.0.cmp(a.0).then(a.1.cmp(b.1)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// Alertmanager's order of alerts in a group: by job, by instance (those without come last), by all labels.
#[derive(PartialEq, Eq)]
struct AlertOrder<'a>(Pairs<'a>);

impl Ord for AlertOrder<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let of = |pairs: &Pairs<'_>, name: &str| {
            let found = pairs.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        ["job", "instance"]
            .into_iter()
            .map(|name| match (of(&self.0, name), of(&other.0, name)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            })
            .find(|order| order.is_ne())
            .unwrap_or_else(|| in_order(&self.0, &other.0))
    }
}

impl PartialOrd for AlertOrder<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_and_alerts_come_in_alertmanagers_order() {
        let sets: [&[(&str, &str)]; 6] = [
            &[],
            &[("b", "1")],
            &[("a", "1")],
            &[("a", "2")],
            &[("a", "1"), ("c", "0")],
            &[("a", "1"), ("b", "0")],
        ];
        for (i, a) in sets.iter().enumerate() {
            for (j, b) in sets.iter().enumerate() {
                assert_eq!(in_order(a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
        let alerts: [&[(&str, &str)]; 5] = [
            &[("instance", "2"), ("job", "a")],
            &[("job", "a")],
            &[("job", "b")],
            &[("instance", "1")],
            &[("x", "1")],
        ];
        for (i, a) in alerts.iter().enumerate() {
            for (j, b) in alerts.iter().enumerate() {
                let order = AlertOrder(a.to_vec()).cmp(&AlertOrder(b.to_vec()));
                assert_eq!(order, i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }
}
