//! Which of a project's integrations an alert might enter, without asking each: with a thousand integrations (one a team,
//! one a customer) most ask for a value that the alert does not have.

use std::collections::HashMap;
use std::sync::Arc;

use lifecycle::matching::{CompiledMatchers, Subject};
use model::IntegrationId;

use crate::catalog::Integration;
use crate::desired::Flapping;

/// A project's integrations by what they ask for. Places are those in the project's list.
#[derive(Default)]
pub(crate) struct Entrances {
    /// Those that take only certain values of a name: by the name, then by each value.
    by_value: HashMap<String, HashMap<String, Vec<usize>>>,
    /// All others.
    always: Vec<usize>,
    places: HashMap<IntegrationId, usize>,
    /// The rules against flapping, of all of them.
    pub flapping: Vec<Flapping>,
}

impl Entrances {
    pub fn of(integrations: &[Arc<Integration>]) -> Entrances {
        let matchers: Vec<&CompiledMatchers> = integrations.iter().map(|i| &i.matchers).collect();
        let places = integrations.iter().enumerate();
        Entrances {
            places: places.map(|(place, i)| (i.id, place)).collect(),
            flapping: integrations
                .iter()
                .filter_map(|i| i.policy.flapping)
                .collect(),
            ..Entrances::sorted(&matchers)
        }
    }

    /// Those with these matchers, by what they need.
    fn sorted(lists: &[&CompiledMatchers]) -> Entrances {
        // How many ask for the same: the condition that the fewest share says most.
        let mut shared: HashMap<(&str, &str), usize> = HashMap::new();
        for list in lists {
            for (name, values) in list.needed() {
                for value in values {
                    *shared.entry((name, value)).or_default() += 1;
                }
            }
        }
        let mut entrances = Entrances::default();
        for (place, list) in lists.iter().enumerate() {
            let weight = |name: &str, values: &[&str]| -> usize {
                let of = |value: &&str| shared.get(&(name, *value)).copied().unwrap_or(0);
                values.iter().map(of).sum()
            };
            match list
                .needed()
                .min_by_key(|(name, values)| weight(name, values))
            {
                None => entrances.always.push(place),
                Some((name, values)) => {
                    let by_value = entrances.by_value.entry(name.to_owned()).or_default();
                    for value in values {
                        let places = by_value.entry(value.to_owned()).or_default();
                        // One list may name a value twice.
                        if places.last() != Some(&place) {
                            places.push(place);
                        }
                    }
                }
            }
        }
        entrances
    }

    /// The places of those that `subject` might enter, in order: never fewer than those that it does enter.
    pub fn might_take(&self, subject: &Subject<'_>) -> Vec<usize> {
        let mut places = self.always.clone();
        for (name, by_value) in &self.by_value {
            places.extend(by_value.get(subject.value(name)).into_iter().flatten());
        }
        places.sort_unstable();
        places
    }

    pub fn place_of(&self, integration: IntegrationId) -> Option<usize> {
        self.places.get(&integration).copied()
    }
}

#[cfg(test)]
mod tests {
    use model::{Content, Entropy, Labels, SeededEntropy, Severity, Status, Timestamp};

    use super::*;

    fn content(labels: Labels, severity: Severity) -> Content {
        Content {
            severity,
            resource: String::new(),
            event: String::new(),
            title: String::new(),
            text: String::new(),
            value: None,
            labels,
            annotations: Labels::new(),
            links: Vec::new(),
            starts_at: Timestamp(0),
        }
    }

    #[test]
    fn whoever_matches_is_among_those_that_might_whatever_the_matchers() {
        let entropy = SeededEntropy::new(5);
        let pick = |of: &[&str]| of[(entropy.next_u64() % of.len() as u64) as usize].to_owned();
        let names = ["team", "env", "severity", "labels.severity", "job"];
        let values = [
            "", "db", "web", "critical", "warning", "db|web", "d.*", "web|web",
        ];
        let mut matched = 0;
        for _ in 0..500 {
            let lists: Vec<CompiledMatchers> = (0..20)
                .map(|_| {
                    let count = entropy.next_u64() % 3;
                    let one = |_| {
                        let op = pick(&["=", "!=", "=~", "!~"]);
                        format!("{}{op}\"{}\"", pick(&names), pick(&values))
                    };
                    CompiledMatchers::parse((0..count).map(one)).unwrap()
                })
                .collect();
            let entrances = Entrances::sorted(&lists.iter().collect::<Vec<_>>());
            let mut labels = Labels::new();
            for name in ["team", "env", "severity", "job"] {
                labels.set(name, pick(&values));
            }
            let content = content(labels, Severity::Critical);
            let subject = Subject {
                content: &content,
                status: Status::Open,
                source: "prometheus",
                team: "db",
            };
            let might = entrances.might_take(&subject);
            for (place, list) in lists.iter().enumerate() {
                if list.matches(&subject) {
                    matched += 1;
                    assert!(might.contains(&place), "{list:?} {content:?}");
                }
            }
        }
        assert!(matched > 500, "{matched} matches try nothing");
    }

    #[test]
    fn of_a_thousand_teams_one_is_asked() {
        let lists: Vec<CompiledMatchers> = (0..1000)
            .map(|n| CompiledMatchers::parse([format!(r#"env="prod", team="t{n}""#)]).unwrap())
            .collect();
        let entrances = Entrances::sorted(&lists.iter().collect::<Vec<_>>());
        let labels = [("team", "t7"), ("env", "prod")].into_iter().collect();
        let content = content(labels, Severity::Info);
        let subject = Subject {
            content: &content,
            status: Status::Open,
            source: "",
            team: "",
        };
        assert_eq!(entrances.might_take(&subject), [7]);
    }
}
