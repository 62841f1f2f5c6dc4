//! Matchers: conditions over an alert, in Alertmanager's language (`severity=~"critical|major"`, `env!="dev"`).
//!
//! A name is a label's, or one of the fields `severity`, `status`, `resource`, `event`, `source`, `team`. Where both
//! exist:
//! - `severity`, `status` and `source` are always the field: the severity is one of the five words, whatever a label
//!   of that name says (Prometheus' `severity="page"` is `critical` here);
//! - `resource`, `event` and `team` are the field if it is not empty, otherwise the label (`team`: the label first,
//!   because it is nearer to the problem than the source's team);
//! - `labels.NAME` is the label in any case: `labels.severity="page"`.
//!
//! What does not exist is the empty string: `env!=""` asks whether there is a label `env`. Regular expressions must
//! match the whole value. An empty list matches everything.

mod parse;
#[cfg(test)]
mod tests;

use model::{Alert, Content, MatchOp, Matcher, Status, limits};
use regex::{Regex, RegexBuilder};

pub use parse::{parse_matcher, parse_matchers};

/// What is wrong with a matcher. The operator's fault, or whoever wrote it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MatcherError {
    /// `position` counts characters from 1; one past the last means the end.
    #[error("at character {position}: expected {expected}, found {found}")]
    Syntax {
        position: usize,
        expected: &'static str,
        found: String,
    },
    #[error("the regular expression of `{matcher}` is not valid, or too large")]
    Regex {
        matcher: String,
        #[source]
        source: regex::Error,
    },
    #[error(
        "{count} matchers in one list; at most {} are allowed",
        limits::MATCHERS_MAX
    )]
    TooMany { count: usize },
    #[error(
        "a matcher of {bytes} bytes; at most {} are allowed",
        limits::MATCHER_BYTES_MAX
    )]
    TooLong { bytes: usize },
}

/// What matchers look at: an alert, or one that might be.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub content: &'a Content,
    pub status: Status,
    /// The source's name.
    pub source: &'a str,
    /// The source's team, where it has one; otherwise empty.
    pub team: &'a str,
}

impl<'a> Subject<'a> {
    pub fn of(alert: &'a Alert, source: &'a str, team: &'a str) -> Subject<'a> {
        Subject {
            content: &alert.content,
            status: alert.status,
            source,
            team,
        }
    }

    /// The value that matchers see under `name`.
    pub fn value(&self, name: &str) -> &'a str {
        let content = self.content;
        let label = |name: &str| content.labels.get(name);
        let first = |one: &'a str, other: Option<&'a str>| match one {
            "" => other.unwrap_or_default(),
            one => one,
        };
        match name {
            "severity" => content.severity.as_str(),
            "status" => self.status.as_str(),
            "source" => self.source,
            "resource" => first(&content.resource, label(name)),
            "event" => first(&content.event, label(name)),
            "team" => first(label(name).unwrap_or_default(), Some(self.team)),
            name => label(name)
                .or_else(|| label(name.strip_prefix("labels.")?))
                .unwrap_or_default(),
        }
    }
}

/// A list of matchers, ready to be asked. All must match.
#[derive(Clone, Debug, Default)]
pub struct CompiledMatchers(Vec<(Matcher, Test)>);

#[derive(Clone, Debug)]
enum Test {
    Equal,
    /// A regular expression that is a plain list of words: compared as such, which is faster and smaller.
    OneOf(Vec<String>),
    Regex(Regex),
}

impl CompiledMatchers {
    pub fn compile(matchers: impl IntoIterator<Item = Matcher>) -> Result<Self, MatcherError> {
        let compiled: Vec<(Matcher, Test)> = matchers
            .into_iter()
            .map(|matcher| Test::of(&matcher).map(|test| (matcher, test)))
            .collect::<Result<_, _>>()?;
        if compiled.len() > limits::MATCHERS_MAX {
            return Err(MatcherError::TooMany {
                count: compiled.len(),
            });
        }
        Ok(CompiledMatchers(compiled))
    }

    /// Parses and compiles texts of which each is one matcher or a list.
    pub fn parse(
        texts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<CompiledMatchers, MatcherError> {
        let mut matchers = Vec::new();
        for text in texts {
            matchers.append(&mut parse_matchers(text.as_ref())?);
        }
        CompiledMatchers::compile(matchers)
    }

    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.first_miss(subject).is_none()
    }

    /// The first matcher that does not match; what `explain` names.
    pub fn first_miss(&self, subject: &Subject<'_>) -> Option<&Matcher> {
        self.0
            .iter()
            .find(|(matcher, test)| !test.matches(matcher, subject.value(&matcher.name)))
            .map(|(matcher, _)| matcher)
    }

    /// Whether all of them ask for the empty value or allow it: such a list says nothing about what it takes. One that
    /// excludes (`job!="x"`) says something, as in Alertmanager 0.25.
    pub fn all_match_empty(&self) -> bool {
        self.0.iter().all(|(matcher, test)| {
            matches!(matcher.op, MatchOp::Equal | MatchOp::Regex) && test.matches(matcher, "")
        })
    }

    pub fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        self.0.iter().map(|(matcher, _)| matcher)
    }

    /// The conditions that only certain values fulfil: of each the name and these values. What fulfils all matchers has
    /// one of them under each name.
    pub fn needed(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.0.iter().filter_map(|(matcher, test)| {
            let values = match (test, matcher.op) {
                (Test::Equal, MatchOp::Equal) => vec![matcher.value.as_str()],
                (Test::OneOf(words), MatchOp::Regex) => words.iter().map(String::as_str).collect(),
                _ => return None,
            };
            Some((matcher.name.as_str(), values))
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Test {
    fn matches(&self, matcher: &Matcher, value: &str) -> bool {
        let hit = match self {
            Test::Equal => value == matcher.value,
            Test::OneOf(words) => words.iter().any(|word| word == value),
            Test::Regex(regex) => regex.is_match(value),
        };
        let negated = matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex);
        hit != negated
    }

    fn of(matcher: &Matcher) -> Result<Test, MatcherError> {
        let pattern = &matcher.value;
        let bytes = matcher.name.len() + pattern.len();
        if bytes > limits::MATCHER_BYTES_MAX {
            return Err(MatcherError::TooLong { bytes });
        }
        match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => return Ok(Test::Equal),
            MatchOp::Regex | MatchOp::NotRegex => {}
        }
        if !pattern.contains(|c: char| r".+*?()[]{}^$\".contains(c)) {
            return Ok(Test::OneOf(pattern.split('|').map(String::from).collect()));
        }
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(limits::REGEX_BYTES_MAX)
                .build()
        };
        // Compiled alone first: `a)|(b` is wrong, though the anchors around it would make it look right.
        build(pattern)
            .and_then(|_alone| build(&format!("^(?:{pattern})$")))
            .map(Test::Regex)
            .map_err(|source| MatcherError::Regex {
                matcher: matcher.to_string(),
                source,
            })
    }
}
