//! Puts a rendered JSON document together: each value arrives between marks, and how it is written depends on where it
//! stands.

use serde::de::IgnoredAny;

use super::RenderError;
use super::translate::Source;

/// `MARK_START tag MARK_VALUE value MARK_END`. Control characters that JSON never has; refused in templates and
/// replaced in values.
pub(super) const MARK_START: char = '\u{1}';
pub(super) const MARK_VALUE: char = '\u{2}';
pub(super) const MARK_END: char = '\u{3}';

/// Escapes values inside strings, checks values elsewhere, and parses the whole.
pub(super) fn assemble(marked: &str, source: &Source) -> Result<String, RenderError> {
    let mut out = String::with_capacity(marked.len());
    // Where in the output each value begins, to find the place of an error.
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut position = Position::Outside;
    let mut rest = marked;
    while let Some((text, after)) = rest.split_once(MARK_START) {
        position = position.after(text);
        out.push_str(text);
        let (tag, after) = after.split_once(MARK_VALUE).unwrap_or(("0", after));
        let (value, after) = after.split_once(MARK_END).unwrap_or((after, ""));
        let tag = tag.parse().unwrap_or(0);
        places.push((out.len(), tag));
        if position == Position::Outside {
            push_value(&mut out, value).map_err(|()| not_a_value(source, tag))?;
        } else {
            push_escaped(&mut out, value);
        }
        rest = after;
    }
    out.push_str(rest);
    match serde_json::from_str::<IgnoredAny>(&out) {
        Ok(_) => Ok(out),
        Err(error) => Err(not_json(&out, &places, source, &error)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Outside,
    Inside,
    /// Inside, after a backslash.
    Escaped,
}

impl Position {
    fn after(self, text: &str) -> Position {
        text.bytes()
            .fold(self, |position, byte| match (position, byte) {
                (Position::Outside, b'"') => Position::Inside,
                (Position::Inside, b'"') => Position::Outside,
                (Position::Inside, b'\\') => Position::Escaped,
                (Position::Escaped, _) => Position::Inside,
                (position, _) => position,
            })
    }
}

fn push_escaped(out: &mut String, value: &str) {
    let quoted = serde_json::Value::from(value).to_string();
    out.push_str(
        quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or_default(),
    );
}

fn push_value(out: &mut String, value: &str) -> Result<(), ()> {
    if value.trim().is_empty() {
        out.push_str("null");
        return Ok(());
    }
    serde_json::from_str::<IgnoredAny>(value).map_err(|_| ())?;
    out.push_str(value);
    Ok(())
}

fn not_a_value(source: &Source, tag: usize) -> RenderError {
    let (line, column) = source.place_of_tag(tag);
    let what = "the value stands outside quotes but is not JSON: put the tag in quotes, or write `{{json …}}`".to_owned();
    RenderError::Tag { line, column, what }
}

fn not_json(
    out: &str,
    places: &[(usize, usize)],
    source: &Source,
    error: &serde_json::Error,
) -> RenderError {
    // serde_json counts columns in bytes from 1, and 0 at a line's end.
    let line_start: usize = out
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let at = line_start + error.column();
    let before = places.iter().rev().find(|(start, _)| *start < at);
    let (line, column) = before.map_or((1, 1), |(_, tag)| source.place_of_tag(*tag));
    // Its syntax errors name what was expected and quote nothing; the position is that of the rendered text.
    let what = error.to_string();
    let what = what
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    RenderError::NotJson { line, column, what }
}
