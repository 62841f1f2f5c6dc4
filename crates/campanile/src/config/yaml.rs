//! YAML as a small tree with positions.
//!
//! Built from the parser's events and not from a ready-made tree, because those drop duplicate keys and expand
//! aliases (a few lines can then become gigabytes). Aliases and tags are refused.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::config::limits::{DEPTH_MAX, NODES_MAX, PROBLEMS_MAX};
use crate::config::problem::{At, Problem};

/// A value and where it stands.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Debug)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something was wrong with it that has been reported; whoever meets it says nothing more.
    Broken,
}

/// A text as it was written.
#[derive(Debug)]
pub struct Scalar {
    pub text: String,
    /// Without quotes: `5`, `true` and `null` are then not texts.
    pub plain: bool,
    /// It contains the value of a variable, which may be a secret.
    pub substituted: bool,
}

/// A key with its value. No two of a map have the same key.
#[derive(Debug)]
pub struct Entry {
    pub key: String,
    pub key_at: At,
    pub node: Node,
}

/// What a scalar is by YAML's core schema.
#[derive(Debug, PartialEq)]
pub enum Plain {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text,
}

impl Scalar {
    /// Its type; quoted ones are texts.
    pub fn kind(&self) -> Plain {
        if !self.plain {
            return Plain::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
            "true" | "True" | "TRUE" => return Plain::Bool(true),
            "false" | "False" | "FALSE" => return Plain::Bool(false),
            _ => {}
        }
        if let Ok(number) = self.text.parse::<i64>() {
            return Plain::Integer(number);
        }
        let looks_like_a_number = self
            .text
            .starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && self.text.contains(|c: char| c.is_ascii_digit());
        match self.text.parse::<f64>() {
            Ok(number) if looks_like_a_number && number.is_finite() => Plain::Float(number),
            _ => Plain::Text,
        }
    }
}

impl Node {
    /// `key:` with nothing after it, or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if !scalar.substituted && scalar.kind() == Plain::Null)
    }

    /// What it is, for messages.
    pub fn kind_in_words(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Broken => "something unreadable",
            Value::Scalar(scalar) => match scalar.kind() {
                Plain::Null => "nothing",
                Plain::Bool(_) => "a boolean",
                Plain::Integer(_) | Plain::Float(_) => "a number",
                Plain::Text => "a text",
            },
        }
    }
}

/// The file's only document; `None` if there is nothing in it. Problems that leave the rest readable are added to
/// `problems`; the error is one that does not.
pub fn parse(text: &str, problems: &mut Vec<Problem>) -> Result<Option<Node>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        text,
        parser: Parser::new_from_str(text),
        problems,
        path: String::new(),
        nodes: 0,
    };
    let mut document = None;
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => return Ok(document),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if document.is_some() => {
                return Err(at(span).problem(
                    "",
                    "there is a second YAML document here; one file holds one",
                ));
            }
            Event::DocumentStart(_) => {
                let (event, span) = builder.next()?;
                document = Some(builder.node(event, span, 0)?);
            }
            _ => return Err(at(span).problem("", "this is not understood as YAML")),
        }
    }
}

struct Builder<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    problems: &'a mut Vec<Problem>,
    path: String,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                let place = At {
                    line: marker.line().max(1),
                    column: marker.col() + 1,
                };
                let line = self.text.lines().nth(place.line - 1).unwrap_or_default();
                let help = if line.replace("${", "").contains(['{', '[']) && line.contains("${") {
                    "; between brackets a `${VARIABLE}` needs quotes"
                } else if line.contains('\t') {
                    "; indent with blanks, not with tabs"
                } else {
                    ""
                };
                // The parser's words name at most one character of the file.
                Err(place.problem(
                    &self.path,
                    format!("this is not YAML: {}{help}", error.info()),
                ))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn report(&mut self, place: At, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            let problem = place.problem(&self.path, message);
            self.problems.push(problem);
        }
    }

    /// The node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let place = at(span);
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(place.problem("", format!("the file has more than {NODES_MAX} values")));
        }
        if depth > DEPTH_MAX {
            return Err(place.problem(
                "",
                format!("lists and maps are nested more than {DEPTH_MAX} deep"),
            ));
        }
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                    substituted: false,
                };
                (Value::Scalar(scalar), tag)
            }
            Event::SequenceStart(_, tag) => (Value::List(self.list(depth)?), tag),
            Event::MappingStart(_, tag) => (Value::Map(self.map(depth)?), tag),
            Event::Alias(_) => {
                self.report(place, "YAML aliases (`*name`) are not supported; write the value again, or use `${VARIABLE}`");
                (Value::Broken, None)
            }
            _ => return Err(place.problem(&self.path, "a value is missing here")),
        };
        if tag.is_some() {
            self.report(place, "YAML tags (`!name`) are not supported; leave it out");
            return Ok(Node {
                at: place,
                value: Value::Broken,
            });
        }
        Ok(Node { at: place, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Problem> {
        let mut list = Vec::new();
        let outer = self.path.len();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(list);
            }
            self.path.push_str(&format!("[{}]", list.len()));
            list.push(self.node(event, span, depth + 1)?);
            self.path.truncate(outer);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = std::collections::HashMap::new();
        let outer = self.path.len();
        loop {
            let (event, span) = self.next()?;
            let key_at = at(span);
            if matches!(event, Event::MappingEnd) {
                return Ok(entries);
            }
            let key = self.key(event, span, depth)?;
            if let Some(key) = &key {
                push_key(&mut self.path, key);
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            if let Some(key) = key {
                match lines.get(&key) {
                    Some(line) => {
                        self.report(
                            key_at,
                            format!("this key is given twice; the first one is on line {line}"),
                        );
                    }
                    None => {
                        lines.insert(key.clone(), key_at.line);
                        entries.push(Entry { key, key_at, node });
                    }
                }
            }
            self.path.truncate(outer);
        }
    }

    /// A key's text; `None` for one that is no text, which is reported.
    fn key(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<Option<String>, Problem> {
        if let Event::Scalar(text, _, _, None) = event {
            return Ok(Some(text.into_owned()));
        }
        let node = self.node(event, span, depth + 1)?;
        if !matches!(node.value, Value::Broken) {
            self.report(node.at, "a key must be a text");
        }
        Ok(None)
    }
}

/// Adds a key to a path.
pub fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    // Keys of ours are short; what a hostile file has for keys need not be repeated whole.
    match key.char_indices().nth(40) {
        Some((end, _)) => {
            path.push_str(&key[..end]);
            path.push('…');
        }
        None => path.push_str(key),
    }
}

fn at(span: Span) -> At {
    At {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
    }
}
