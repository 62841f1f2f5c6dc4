//! Alertmanager's matchers, in the classic form that its releases up to 0.26 read, and the newer one where that fails.

use lifecycle::matching::{CompiledMatchers, parse_matchers};
use model::{MatchOp, Matcher};

use super::node;
use crate::config::yaml::Node;

/// Names that mean fields of ours; Alertmanager means labels.
const FIELDS: [&str; 6] = ["severity", "status", "source", "resource", "event", "team"];

/// The matchers of a route or one side of an inhibition: `old` are maps of names to values (equal, regular expression),
/// `new` a list of texts. The error is a sentence.
pub fn read(node: &Node, old: [&str; 2], new: &str) -> Result<Vec<Matcher>, String> {
    let mut matchers = Vec::new();
    for (key, op) in old.into_iter().zip([MatchOp::Equal, MatchOp::Regex]) {
        for (name, value) in node::get(node, key).into_iter().flat_map(node::entries) {
            matchers.push(Matcher {
                name: ours(name),
                op,
                value: node::text(value).unwrap_or_default().to_owned(),
            });
        }
    }
    for text in node::texts(node, new) {
        let list = classic_list(&text).or_else(|_| parse_matchers(&text));
        let list = list.map_err(|_| format!("`{text}` is not understood as matchers"))?;
        matchers.extend(list.into_iter().map(|matcher| Matcher {
            name: ours(&matcher.name),
            ..matcher
        }));
    }
    for matcher in &mut matchers {
        if matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex) {
            matcher.value = unquoted(&matcher.value);
        }
    }
    CompiledMatchers::compile(matchers.iter().cloned()).map_err(|error| error.to_string())?;
    Ok(matchers)
}

/// A label's name as our matchers write it.
fn ours(name: &str) -> String {
    match FIELDS.contains(&name) || name.starts_with("labels.") {
        true => format!("labels.{name}"),
        false => name.to_owned(),
    }
}

/// Whether a regular expression may mean something else here than there: Go's classes are of ASCII, ours of Unicode.
pub fn has_classes(matcher: &Matcher) -> bool {
    let is_regex = matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex);
    let mut rest = matcher.value.chars();
    let mut found = false;
    while let Some(c) = rest.next() {
        if c == '\\' {
            found |= matches!(
                rest.next(),
                Some('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B')
            );
        }
    }
    is_regex && found
}

/// Go's `\Q…\E`, which our regular expressions do not have, as escaped letters.
fn unquoted(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find("\\Q") {
        // `\\Q` is a backslash and a Q.
        let backslashes = rest[..at].chars().rev().take_while(|c| *c == '\\').count();
        if backslashes % 2 == 1 {
            out.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let quoted = &rest[at + 2..];
        let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        for c in quoted.chars() {
            if c.is_ascii_punctuation() {
                out.push('\\');
            }
            out.push(c);
        }
        rest = after;
    }
    out + rest
}

/// What is not understood in the classic form.
struct NotClassic;

fn classic_list(text: &str) -> Result<Vec<Matcher>, NotClassic> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    // A comma at the end is allowed.
    if parts.last().is_some_and(|part| part.trim().is_empty()) {
        parts.pop();
    }
    parts.iter().map(|part| classic(part)).collect()
}

fn classic(text: &str) -> Result<Matcher, NotClassic> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let (name, rest) = text.split_at(end.ok_or(NotClassic)?);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NotClassic);
    }
    let rest = rest.trim_start();
    let ops = [
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("!=", MatchOp::NotEqual),
        ("=", MatchOp::Equal),
    ];
    let found = ops
        .iter()
        .find_map(|(word, op)| Some((*op, rest.strip_prefix(word)?)));
    let (op, value) = found.ok_or(NotClassic)?;
    Ok(Matcher {
        name: name.to_owned(),
        op,
        value: classic_value(value.trim())?,
    })
}

fn classic_value(raw: &str) -> Result<String, NotClassic> {
    let (raw, mut open) = match raw.strip_prefix('"') {
        Some(rest) => (rest, true),
        None => (raw, false),
    };
    let mut value = String::new();
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('n')) => {
                chars.next();
                value.push('\n');
            }
            ('\\', Some(next @ ('"' | '\\'))) => {
                value.push(*next);
                chars.next();
            }
            // Any other backslash is itself.
            ('\\', _) => value.push('\\'),
            ('"', None) if open => open = false,
            ('"', _) => return Err(NotClassic),
            (c, _) => value.push(c),
        }
    }
    match open {
        true => Err(NotClassic),
        false => Ok(value),
    }
}
