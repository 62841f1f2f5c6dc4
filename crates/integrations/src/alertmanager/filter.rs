//! Matchers in a query: `alertname=~"Disk.*"`, in the form of Alertmanager 0.25.

use model::{Labels, MatchOp};
use regex::Regex;

use super::goregex;

/// One condition.
pub struct Filter {
    name: String,
    op: MatchOp,
    value: String,
    /// For the two operators that have one.
    regex: Option<Regex>,
}

impl Filter {
    /// Reads Alertmanager's form; braces and several matchers in one text are not of it. The error is its words.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let shown = || wire::text::cut_chars(text, 500);
        let (name, op, raw) =
            parts(text).ok_or_else(|| format!("bad matcher format: {}", shown()))?;
        let quote = || {
            let raw = wire::text::cut_chars(raw, 500);
            format!("matcher value contains unescaped double quote: {raw}")
        };
        // Bytes that are no UTF-8 came as this character, and Alertmanager's words show it so.
        if raw.contains('\u{fffd}') {
            let raw = wire::text::cut_chars(raw, 500);
            return Err(format!("matcher value not valid UTF-8: {raw}"));
        }
        let value = unescaped(raw).ok_or_else(quote)?;
        let regex = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(goregex::anchored(&value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Filter {
            name: name.to_owned(),
            op,
            value,
            regex,
        })
    }

    /// Whether labels satisfy it. A label that is absent counts as empty.
    pub fn matches(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.name).unwrap_or_default();
        let is_match = match &self.regex {
            None => found == self.value,
            Some(regex) => regex.is_match(found),
        };
        is_match != matches!(self.op, MatchOp::NotEqual | MatchOp::NotRegex)
    }

    /// Whether a silence has this very matcher; silences are looked up so. `name` is as its clients see it.
    pub fn is(&self, name: &str, op: MatchOp, value: &str) -> bool {
        self.name == name && self.op == op && self.value == value
    }
}

/// Name, operator and value as it stands, white space around them left out.
fn parts(text: &str) -> Option<(&str, MatchOp, &str)> {
    // What Go's `\s` is; other white space belongs to the value.
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
    let text = text.trim_start_matches(is_space);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_name(c))?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    let operators = [
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("!=", MatchOp::NotEqual),
        ("=", MatchOp::Equal),
    ];
    let (value, op) = operators
        .into_iter()
        .find_map(|(sign, op)| Some((rest.strip_prefix(sign)?, op)))?;
    Some((name, op, value.trim_matches(is_space)))
}

/// The value with its escapes read; quotes around it are optional. `None`: a quote where none may be.
fn unescaped(raw: &str) -> Option<String> {
    let (text, is_quoted) = match raw.strip_prefix('"') {
        Some(text) => (text, true),
        None => (raw, false),
    };
    let mut value = String::with_capacity(text.len());
    let mut is_open = is_quoted;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\')) => value.push(c),
                // An escape of nothing is two characters.
                Some(c) => value.extend(['\\', c]),
                None => value.push('\\'),
            },
            '"' if is_open && chars.peek().is_none() => is_open = false,
            '"' => return None,
            c => value.push(c),
        }
    }
    (!is_open).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_matched_as_alertmanager_does() {
        let labels: Labels = [("alertname", "DiskFull"), ("zone", "a\"b")]
            .into_iter()
            .collect();
        let table = [
            (r#"alertname="DiskFull""#, true),
            ("alertname=DiskFull", true),
            (r#"alertname=~"Disk.*""#, true),
            (r#"alertname=~"Disk""#, false),
            (r#"alertname!~"Disk.*""#, false),
            (r#"alertname!="x""#, true),
            (r#" zone = "a\"b" "#, true),
            ("\nalertname=DiskFull", true),
            ("alertname==DiskFull", false),
            ("absent=", true),
            (r#"absent!="""#, false),
            ("x:y=1", false),
            ("a=\\", false),
        ];
        for (text, expected) in table {
            assert_eq!(
                Filter::parse(text).ok().map(|f| f.matches(&labels)),
                Some(expected),
                "{text}"
            );
        }
    }

    /// As Alertmanager 0.25.0 answers them (2026-11).
    #[test]
    fn bad_filters_are_named_in_alertmanagers_words() {
        for (text, said) in [
            ("alertname", "bad matcher format: alertname"),
            (
                r#"{alertname="x"}"#,
                r#"bad matcher format: {alertname="x"}"#,
            ),
            (r#""a"=1"#, r#"bad matcher format: "a"=1"#),
            ("x{=1", "bad matcher format: x{=1"),
            ("1x=2", "bad matcher format: 1x=2"),
            ("é=1", "bad matcher format: é=1"),
            ("", "bad matcher format: "),
            ("\u{fffd}=A", "bad matcher format: \u{fffd}=A"),
            ("a=\u{fffd}", "matcher value not valid UTF-8: \u{fffd}"),
            ("pp=\"", "matcher value contains unescaped double quote: \""),
            (
                r#"pp="a"b""#,
                r#"matcher value contains unescaped double quote: "a"b""#,
            ),
            (
                r#"a="\""#,
                r#"matcher value contains unescaped double quote: "\""#,
            ),
            (
                r#"a=A""#,
                r#"matcher value contains unescaped double quote: A""#,
            ),
            (
                "pp=~(",
                "error parsing regexp: missing closing ): `^(?:()$`",
            ),
            (
                "pp=~a**",
                "error parsing regexp: invalid nested repetition operator: `**`",
            ),
        ] {
            assert_eq!(Filter::parse(text).err().as_deref(), Some(said), "{text}");
        }
    }
}
