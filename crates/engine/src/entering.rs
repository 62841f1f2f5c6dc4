//! Whether an integration wants an alert to enter. Asked by routing, by `explain`, and by `check --alert`, which says what
//! would happen without a hub.

use lifecycle::matching::{CompiledMatchers, MatcherError, Subject};
use model::{AlertKind, Matcher};

use crate::catalog::Integration;
use crate::desired::{DesiredIntegration, Of};

/// What decides about entering.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    pub of: Of,
    pub enabled: bool,
    pub matchers: &'a CompiledMatchers,
    pub except: &'a [CompiledMatchers],
}

/// The decision, and what made it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    Enters,
    /// It is of another kind of alerts.
    OfOthers,
    Disabled,
    /// The first matcher that does not match.
    Misses(&'a Matcher),
    /// The place of the `except` list that matches, from 0.
    Except(usize),
}

impl<'a> Rule<'a> {
    /// Decides about an alert of this kind.
    pub fn decide(self, kind: AlertKind, subject: &Subject<'_>) -> Entry<'a> {
        let of = match kind {
            AlertKind::Issue => Of::Issues,
            AlertKind::Notification => Of::Notifications,
        };
        if self.of != of {
            return Entry::OfOthers;
        }
        if !self.enabled {
            return Entry::Disabled;
        }
        if let Some(matcher) = self.matchers.first_miss(subject) {
            return Entry::Misses(matcher);
        }
        let taken = self.except.iter().position(|list| list.matches(subject));
        taken.map_or(Entry::Enters, Entry::Except)
    }
}

impl Integration {
    pub fn rule(&self) -> Rule<'_> {
        Rule {
            of: self.of,
            enabled: self.enabled && !self.deleted,
            matchers: &self.matchers,
            except: &self.except,
        }
    }
}

/// A declared integration's rule, ready to be asked.
#[derive(Debug)]
pub struct OwnedRule {
    of: Of,
    enabled: bool,
    matchers: CompiledMatchers,
    except: Vec<CompiledMatchers>,
}

impl OwnedRule {
    /// # Errors
    /// A matcher of the declaration that cannot be compiled.
    pub fn compile(desired: &DesiredIntegration) -> Result<OwnedRule, MatcherError> {
        let compile = |list: &Vec<Matcher>| CompiledMatchers::compile(list.iter().cloned());
        Ok(OwnedRule {
            of: desired.of,
            enabled: desired.enabled,
            matchers: compile(&desired.matchers)?,
            except: desired
                .except
                .iter()
                .map(compile)
                .collect::<Result<_, _>>()?,
        })
    }

    pub fn rule(&self) -> Rule<'_> {
        Rule {
            of: self.of,
            enabled: self.enabled,
            matchers: &self.matchers,
            except: &self.except,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lifecycle::matching::parse_matcher;
    use model::{Content, Labels, Status};

    use super::*;

    #[test]
    fn what_decides_is_named() {
        let list = |texts: &[&str]| CompiledMatchers::parse(texts).unwrap();
        let matchers = list(&["env=prod", "team=web"]);
        let except = [list(&["app=cart", "env=prod"]), list(&["app=~c.*"])];
        let rule = Rule {
            of: Of::Issues,
            enabled: true,
            matchers: &matchers,
            except: &except,
        };
        let decide = |rule: Rule<'_>, labels: &[(&str, &str)]| {
            let content = Arc::new(Content {
                labels: labels.iter().copied().collect::<Labels>(),
                ..Content::default()
            });
            let subject = Subject {
                content: &content,
                status: Status::Open,
                source: "s",
                team: "",
            };
            format!("{:?}", rule.decide(AlertKind::Issue, &subject))
        };
        let web = [("env", "prod"), ("team", "web")];
        assert_eq!(decide(rule, &web), "Enters");
        assert_eq!(
            decide(rule, &[("env", "prod"), ("team", "db")]),
            format!("{:?}", Entry::Misses(&parse_matcher("team=web").unwrap()))
        );
        assert_eq!(
            decide(rule, &[&web[..], &[("app", "cart")]].concat()),
            "Except(0)"
        );
        assert_eq!(
            decide(rule, &[&web[..], &[("app", "crm")]].concat()),
            "Except(1)"
        );
        assert_eq!(
            decide(rule, &[&web[..], &[("app", "erp")]].concat()),
            "Enters"
        );
        let off = Rule {
            enabled: false,
            ..rule
        };
        assert_eq!(decide(off, &web), "Disabled");
        let of = Rule {
            of: Of::Notifications,
            ..off
        };
        assert_eq!(decide(of, &web), "OfOthers");
    }
}
