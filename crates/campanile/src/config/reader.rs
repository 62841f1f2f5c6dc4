//! Reads typed values out of the tree and collects what is wrong with it.

use std::cell::RefCell;
use std::path::Path;

use model::{DurationMs, Secret};

use crate::config::Inputs;
use crate::config::limits::{DURATION_DAYS_MAX, SECRET_FILE_BYTES_MAX};
use crate::config::problem::{At, Problem, nearest};
use crate::config::yaml::{Entry, Node, Plain, Value, push_key};

/// What a whole reading shares.
pub struct Context<'a> {
    pub inputs: &'a Inputs<'a>,
    pub problems: RefCell<Vec<Problem>>,
    pub warnings: RefCell<Vec<Problem>>,
}

impl Context<'_> {
    pub fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn warn(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    /// A secret's text from a file: without the newline at its end. The error names no content.
    pub fn secret_file(&self, path: &str) -> Result<Secret, String> {
        let bytes = (self.inputs.read_file)(Path::new(path))
            .map_err(|error| format!("the file `{path}` cannot be read ({})", error.kind()))?;
        if bytes.len() > SECRET_FILE_BYTES_MAX {
            return Err(format!(
                "the file `{path}` has more than {SECRET_FILE_BYTES_MAX} bytes; is it the right one?"
            ));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("the file `{path}` is not text in UTF-8"))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.trim().is_empty() {
            return Err(format!(
                "the file `{path}` is empty; it should hold the secret"
            ));
        }
        Ok(Secret::new(text))
    }
}

/// Something that may be written or not. Who meets [`Given::Broken`] says nothing more: it has been reported.
#[derive(Debug)]
pub enum Given<T> {
    Absent,
    Broken,
    Here(T),
}

impl<T> Given<T> {
    pub fn or(self, default: T) -> T {
        self.here().unwrap_or(default)
    }

    pub fn here(self) -> Option<T> {
        match self {
            Given::Here(value) => Some(value),
            Given::Absent | Given::Broken => None,
        }
    }
}

/// A value with its place.
pub struct Field<'a> {
    pub context: &'a Context<'a>,
    pub node: &'a Node,
    pub path: String,
}

impl<'a> Field<'a> {
    pub fn report(&self, message: impl Into<String>) {
        self.context
            .report(self.node.at.problem(self.path.as_str(), message));
    }

    pub fn warn(&self, message: impl Into<String>) {
        self.context
            .warn(self.node.at.problem(self.path.as_str(), message));
    }

    fn expected<T>(&self, what: &str) -> Given<T> {
        if !matches!(self.node.value, Value::Broken) {
            self.report(format!(
                "expected {what}, found {}",
                self.node.kind_in_words()
            ));
        }
        Given::Broken
    }

    /// A text. Numbers and the like need quotes, unless they came from a variable.
    pub fn text(&self) -> Given<String> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.substituted || scalar.kind() == Plain::Text => {
                Given::Here(scalar.text.clone())
            }
            Value::Scalar(_) if !self.node.is_null() => self.expected("a text (put it in quotes)"),
            _ => self.expected("a text"),
        }
    }

    /// A text, or a whole number as it was written.
    pub fn text_or_number(&self) -> Given<String> {
        match &self.node.value {
            Value::Scalar(scalar) if matches!(scalar.kind(), Plain::Integer(_)) => {
                Given::Here(scalar.text.clone())
            }
            _ => self.text(),
        }
    }

    /// A whole number within `bounds`.
    pub fn number(&self, what: &str, bounds: std::ops::RangeInclusive<i64>) -> Given<i64> {
        let number = match &self.node.value {
            Value::Scalar(scalar) => match scalar.kind() {
                Plain::Integer(number) => Some(number),
                Plain::Text if scalar.substituted => scalar.text.parse().ok(),
                _ => None,
            },
            _ => None,
        };
        match number {
            Some(number) if bounds.contains(&number) => Given::Here(number),
            Some(_) => {
                self.report(format!(
                    "{what} is from {} to {}",
                    bounds.start(),
                    bounds.end()
                ));
                Given::Broken
            }
            None => self.expected(what),
        }
    }

    pub fn boolean(&self) -> Given<bool> {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.kind() {
                Plain::Bool(value) => Given::Here(value),
                Plain::Text if scalar.substituted && scalar.text == "true" => Given::Here(true),
                Plain::Text if scalar.substituted && scalar.text == "false" => Given::Here(false),
                _ => self.expected("`true` or `false`"),
            },
            _ => self.expected("`true` or `false`"),
        }
    }

    /// `30s`, `5m`, `1h30m`, `0`.
    pub fn duration(&self) -> Given<DurationMs> {
        let what = "a duration such as `30s`, `5m` or `1h30m`";
        let Value::Scalar(scalar) = &self.node.value else {
            return self.expected(what);
        };
        match scalar.text.parse::<DurationMs>() {
            Ok(duration) if duration > DurationMs::from_hours(24 * DURATION_DAYS_MAX) => {
                self.report(format!("this is longer than {DURATION_DAYS_MAX} days"));
                Given::Broken
            }
            Ok(duration) => Given::Here(duration),
            Err(_) if matches!(scalar.kind(), Plain::Integer(_) | Plain::Float(_)) => {
                self.report(format!("expected {what}, found a number without a unit"));
                Given::Broken
            }
            Err(_) => {
                self.report(format!("expected {what}"));
                Given::Broken
            }
        }
    }

    /// One of a few words; the problem lists them and names the nearest.
    pub fn word<T: Copy>(&self, what: &str, words: &[(&'static str, T)]) -> Given<T> {
        let Given::Here(text) = self.text() else {
            return Given::Broken;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Given::Here(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        // What came from a variable may be a secret in the wrong place: not even its nearest word is shown.
        let hint = if self.is_substituted() {
            None
        } else {
            nearest(&text, known.iter().copied())
        };
        let message = match known.as_slice() {
            _ if hint.is_some() => format!("there is no such {what}"),
            [] => format!("there is no such {what}; this build has none"),
            known => format!("there is no such {what}; there are {}", listed(known)),
        };
        let problem = self.node.at.problem(self.path.as_str(), message);
        self.context.report(problem.with_hint(hint));
        Given::Broken
    }

    /// Whether its value came from a variable, and so may be a secret.
    pub fn is_substituted(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.substituted)
    }

    pub fn list(&self) -> Given<Vec<Field<'a>>> {
        let Value::List(list) = &self.node.value else {
            return self.expected("a list");
        };
        Given::Here(
            list.iter()
                .enumerate()
                .map(|(index, node)| Field {
                    context: self.context,
                    node,
                    path: format!("{}[{index}]", self.path),
                })
                .collect(),
        )
    }

    pub fn section(&self) -> Given<Section<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return self.expected("a map");
        };
        Given::Here(Section {
            context: self.context,
            at: self.node.at,
            path: self.path.clone(),
            entries,
            known: Vec::new(),
        })
    }

    /// A secret text; a value of another type is not shown, an empty one is reported.
    pub fn secret(&self) -> Given<Secret> {
        match self.text() {
            Given::Here(text) if text.trim().is_empty() => {
                self.report("this secret is empty");
                Given::Broken
            }
            Given::Here(text) => Given::Here(Secret::new(text)),
            Given::Absent | Given::Broken => Given::Broken,
        }
    }

    /// The content of the file that this names.
    pub fn secret_from_file(&self) -> Given<Secret> {
        let Given::Here(path) = self.text() else {
            return Given::Broken;
        };
        match self.context.secret_file(&path) {
            Ok(secret) => Given::Here(secret),
            Err(message) => {
                self.report(message);
                Given::Broken
            }
        }
    }
}

/// A map whose keys are taken one by one; [`Section::finish`] reports those that nobody asked for.
pub struct Section<'a> {
    pub context: &'a Context<'a>,
    pub at: At,
    pub path: String,
    entries: &'a [Entry],
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// An empty map, for a section that is not written.
    pub fn empty(context: &'a Context<'a>, at: At) -> Section<'a> {
        Section {
            context,
            at,
            path: String::new(),
            entries: &[],
            known: Vec::new(),
        }
    }

    /// The value under this key; one that is null counts as not written.
    pub fn take(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!entry.node.is_null()).then(|| self.field(entry))
    }

    /// Whether something is written under this key.
    pub fn has(&self, key: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.is_some_and(|entry| !entry.node.is_null())
    }

    /// Every key with its value, for maps whose keys are names.
    pub fn all(&self) -> Vec<(&'a str, Field<'a>)> {
        self.entries
            .iter()
            .map(|entry| (entry.key.as_str(), self.field(entry)))
            .collect()
    }

    fn field(&self, entry: &'a Entry) -> Field<'a> {
        Field {
            context: self.context,
            node: &entry.node,
            path: self.path_of(&entry.key),
        }
    }

    pub fn path_of(&self, key: &str) -> String {
        let mut path = self.path.clone();
        push_key(&mut path, key);
        path
    }

    pub fn report(&self, message: impl Into<String>) {
        self.context
            .report(self.at.problem(self.path.as_str(), message));
    }

    /// Reports at the place of the map that `key` is not in it.
    pub fn report_missing(&self, key: &str, what: &str) {
        self.context.report(
            self.at
                .problem(self.path_of(key), format!("this is missing; give {what}")),
        );
    }

    pub fn text(&mut self, key: &'static str) -> Given<String> {
        self.take(key).map_or(Given::Absent, |field| field.text())
    }

    pub fn boolean(&mut self, key: &'static str) -> Given<bool> {
        self.take(key)
            .map_or(Given::Absent, |field| field.boolean())
    }

    pub fn duration(&mut self, key: &'static str) -> Given<DurationMs> {
        self.take(key)
            .map_or(Given::Absent, |field| field.duration())
    }

    /// The fields of a list; empty if it is not written.
    pub fn list(&mut self, key: &'static str) -> Vec<Field<'a>> {
        self.take(key)
            .and_then(|field| field.list().here())
            .unwrap_or_default()
    }

    /// A secret, or the content of the file that its `_file` twin names, and the place it came from.
    pub fn secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Given<(Secret, Field<'a>)> {
        let (here, file) = (self.take(key), self.take(file_key));
        let (given, field) = match (here, file) {
            (None, None) => return Given::Absent,
            (Some(_), Some(file)) => {
                file.report(format!("`{key}` and `{file_key}` are both given; keep one"));
                return Given::Broken;
            }
            (Some(field), None) => (field.secret(), field),
            (None, Some(field)) => (field.secret_from_file(), field),
        };
        match given {
            Given::Here(secret) => Given::Here((secret, field)),
            Given::Absent | Given::Broken => Given::Broken,
        }
    }

    /// Reports the keys that nobody asked for, each with the nearest that somebody did.
    pub fn finish(self) {
        for entry in self
            .entries
            .iter()
            .filter(|entry| !self.known.contains(&entry.key.as_str()))
        {
            report_unknown(
                self.context,
                entry.key_at,
                &self.path_of(&entry.key),
                &entry.key,
                &self.known,
            );
        }
    }
}

/// Reports a key that means nothing where it stands.
pub fn report_unknown(context: &Context<'_>, at: At, path: &str, key: &str, known: &[&str]) {
    let hint = nearest(key, known.iter().copied());
    let message = match (&hint, known) {
        (Some(_), _) => "there is no such key".to_owned(),
        (None, []) => "there is no such key; nothing can be set here".to_owned(),
        (None, known) => format!("there is no such key; there are {}", listed(known)),
    };
    context.report(at.problem(path, message).with_hint(hint));
}

fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
