//! Checks a template tag by tag and rewrites it to what the Handlebars crate takes: Mustache's sections, and every
//! value through one helper that knows its tag.

use super::helpers::{BLOCKS, INLINE, INVERTED, SECTION, VALUE};
use super::json::{MARK_END, MARK_START, MARK_VALUE};
use super::{TemplateError, TemplateKind};
use crate::limits;

/// The rewritten template and the way back to the places of the original.
pub(super) struct Source {
    pub emitted: String,
    original: String,
    tags: Vec<TagPlace>,
}

/// One tag: bytes of the original and of the rewritten text.
struct TagPlace {
    original: std::ops::Range<usize>,
    emitted: std::ops::Range<usize>,
}

impl Source {
    /// Line and column of a tag.
    pub fn place_of_tag(&self, tag: usize) -> (usize, usize) {
        place(
            &self.original,
            self.tags.get(tag).map_or(0, |tag| tag.original.start),
        )
    }

    /// Line and column in the original of a line and column in the rewritten text, both from 1.
    pub fn place_of_emitted(&self, line: usize, column: usize) -> (usize, usize) {
        let start: usize = self
            .emitted
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let within = self.emitted[start..]
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(0, |(at, _)| at);
        let at = start + within;
        let original = match self.tags.iter().rev().find(|tag| tag.emitted.start <= at) {
            Some(tag) if at < tag.emitted.end => tag.original.start,
            Some(tag) => tag.original.end + (at - tag.emitted.end),
            None => at,
        };
        place(&self.original, original)
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

pub(super) fn translate(text: &str, kind: TemplateKind) -> Result<Source, TemplateError> {
    let mut translator = Translator {
        text,
        kind,
        emitted: String::with_capacity(text.len() * 2),
        tags: Vec::new(),
        open: Vec::new(),
    };
    if let Some(at) = text.find([MARK_START, MARK_VALUE, MARK_END]) {
        return Err(translator.error(at, "this control character is not allowed"));
    }
    translator.run()?;
    let Translator { emitted, tags, .. } = translator;
    Ok(Source {
        emitted,
        original: text.to_owned(),
        tags,
    })
}

struct Translator<'t> {
    text: &'t str,
    kind: TemplateKind,
    emitted: String,
    tags: Vec<TagPlace>,
    open: Vec<Open<'t>>,
}

/// A block that is not closed yet.
struct Open<'t> {
    /// What its closing tag must say.
    name: &'t str,
    /// What the rewritten closing tag says.
    helper: &'t str,
    start: usize,
}

/// A tag without its braces.
struct Tag<'t> {
    start: usize,
    body: &'t str,
    /// Three braces.
    is_raw: bool,
    /// `~` at either end: white space goes.
    left: &'static str,
    right: &'static str,
}

impl<'t> Translator<'t> {
    fn run(&mut self) -> Result<(), TemplateError> {
        let mut at = 0;
        while let Some(found) = self.text[at..].find("{{") {
            let start = at + found;
            let backslashes = self.text[at..start]
                .bytes()
                .rev()
                .take_while(|b| *b == b'\\')
                .count();
            if self.kind != TemplateKind::Json && backslashes == 1 {
                // Handlebars' own escape: the braces are text.
                self.emitted.push_str(&self.text[at..start + 2]);
                at = start + 2;
                continue;
            }
            self.push_text(at, start, backslashes);
            at = self.tag(start)?;
        }
        self.emitted.push_str(&self.text[at..]);
        match self.open.last() {
            Some(open) => Err(self.error(
                open.start,
                &format!(
                    "this block is not closed: `{{{{/{}}}}}` is missing",
                    open.name
                ),
            )),
            None => Ok(()),
        }
    }

    /// Copies the text before a tag. In JSON, an odd backslash before a tag is dropped: it is no JSON escape, and
    /// Particle's documents print `\{{{X}}}` for `{{{X}}}`. Handlebars eats one of several, so one is added.
    fn push_text(&mut self, from: usize, to: usize, backslashes: usize) {
        if self.kind != TemplateKind::Json || backslashes == 0 {
            self.emitted.push_str(&self.text[from..to]);
            return;
        }
        self.emitted.push_str(&self.text[from..to - backslashes]);
        let kept = backslashes - backslashes % 2;
        if kept > 0 {
            self.emitted.push_str(&"\\".repeat(kept + 1));
        }
    }

    /// Reads and rewrites the tag at `start`; returns where it ends.
    fn tag(&mut self, start: usize) -> Result<usize, TemplateError> {
        if self.tags.len() == limits::TEMPLATE_TAGS_MAX {
            return Err(self.error(
                start,
                &format!("more than {} tags", limits::TEMPLATE_TAGS_MAX),
            ));
        }
        let rest = &self.text[start..];
        if rest.starts_with("{{{{") {
            return Err(self.error(
                start,
                "raw blocks are not supported; after a brace of the text, put a space",
            ));
        }
        let emitted_start = self.emitted.len();
        let end = if rest.starts_with("{{!") {
            let (mark, length) = if rest.starts_with("{{!--") {
                ("--}}", 4)
            } else {
                ("}}", 2)
            };
            let end = rest
                .find(mark)
                .ok_or_else(|| self.error(start, "this comment does not end"))?
                + length;
            self.emitted.push_str(&rest[..end]);
            start + end
        } else {
            let (tag, end) = self.read(start)?;
            self.rewrite(&tag)?;
            end
        };
        self.tags.push(TagPlace {
            original: start..end,
            emitted: emitted_start..self.emitted.len(),
        });
        Ok(end)
    }

    /// Finds the tag's end, outside quotes and brackets.
    fn read(&self, start: usize) -> Result<(Tag<'t>, usize), TemplateError> {
        let rest = &self.text[start..];
        let is_raw = rest.starts_with("{{{");
        let (opening, closing) = if is_raw { (3, "}}}") } else { (2, "}}") };
        let mut quote = None;
        let mut depth = 0usize;
        let mut end = None;
        for (at, c) in rest.char_indices().skip(opening) {
            match (quote, c) {
                (Some(q), _) if q == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '(' | '[') => depth += 1,
                (None, ')' | ']') => depth = depth.saturating_sub(1),
                (None, '{') => {
                    return Err(self.error(start, "this tag has a brace in it, or does not end"));
                }
                (None, '}') if rest[at..].starts_with(closing) => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
            if depth > limits::TEMPLATE_TAG_DEPTH_MAX {
                return Err(self.error(start, "this tag has too many brackets inside brackets"));
            }
        }
        let end = end.ok_or_else(|| {
            self.error(
                start,
                &format!("this tag does not end: `{closing}` is missing"),
            )
        })?;
        let inner = &rest[opening..end];
        let (inner, left) = inner
            .strip_prefix('~')
            .map_or((inner, ""), |inner| (inner, "~"));
        let (inner, right) = inner
            .strip_suffix('~')
            .map_or((inner, ""), |inner| (inner, "~"));
        Ok((
            Tag {
                start,
                body: inner.trim(),
                is_raw,
                left,
                right,
            },
            start + end + closing.len(),
        ))
    }

    fn rewrite(&mut self, tag: &Tag<'t>) -> Result<(), TemplateError> {
        let body = tag.body;
        let Some(first) = body.chars().next() else {
            return Err(self.error(tag.start, "this tag is empty"));
        };
        let inner = body[first.len_utf8()..].trim();
        match first {
            '#' => self.block(tag, inner),
            '^' if !inner.is_empty() => self.inverted(tag, inner),
            '/' => self.close(tag, inner),
            '>' | '*' | '=' => Err(self.error(
                tag.start,
                "partials, decorators and other delimiters are not supported",
            )),
            '&' => self.value(tag, inner, true),
            _ if body == "^" || body == "else" || body.starts_with("else ") => {
                if self.open.is_empty() {
                    return Err(self.error(tag.start, "`else` stands outside of any block"));
                }
                let (head, condition) =
                    head_of(body.strip_prefix("else ").unwrap_or_default().trim());
                if !head.is_empty() && (!BLOCKS.contains(&head) || condition.is_empty()) {
                    return Err(self.error(
                        tag.start,
                        "after `else` comes nothing, or a block such as `if` with its condition",
                    ));
                }
                self.emit(tag, body);
                Ok(())
            }
            _ => self.value(tag, body, tag.is_raw),
        }
    }

    fn block(&mut self, tag: &Tag<'t>, inner: &'t str) -> Result<(), TemplateError> {
        let (head, arguments) = head_of(inner);
        if arguments.is_empty() {
            if BLOCKS.contains(&head) {
                return Err(self.error(tag.start, &format!("`{head}` lacks its condition")));
            }
            return self.section(tag, head, SECTION);
        }
        if !BLOCKS.contains(&head) {
            return Err(self.error(
                tag.start,
                &format!(
                    "there is no block `{head}`: there are {}",
                    BLOCKS.join(", ")
                ),
            ));
        }
        self.opened(head, head, tag.start)?;
        self.emit(tag, &format!("#{inner}"));
        Ok(())
    }

    fn inverted(&mut self, tag: &Tag<'t>, inner: &'t str) -> Result<(), TemplateError> {
        let (head, arguments) = head_of(inner);
        if !arguments.is_empty() {
            return Err(self.error(
                tag.start,
                "`^` takes one name; write `{{else if …}}` for a further condition",
            ));
        }
        self.section(tag, head, INVERTED)
    }

    fn section(
        &mut self,
        tag: &Tag<'t>,
        name: &'t str,
        helper: &'static str,
    ) -> Result<(), TemplateError> {
        if name.is_empty() || name.starts_with(['>', '*']) {
            return Err(self.error(
                tag.start,
                "partials and decorators are not supported, and a section has a name",
            ));
        }
        self.opened(name, helper, tag.start)?;
        self.emit(tag, &format!("#{helper} {}", path_of(name)));
        Ok(())
    }

    fn opened(
        &mut self,
        name: &'t str,
        helper: &'t str,
        start: usize,
    ) -> Result<(), TemplateError> {
        if self.open.len() == limits::TEMPLATE_DEPTH_MAX {
            return Err(self.error(
                start,
                &format!(
                    "more than {} blocks inside each other",
                    limits::TEMPLATE_DEPTH_MAX
                ),
            ));
        }
        self.open.push(Open {
            name,
            helper,
            start,
        });
        Ok(())
    }

    fn close(&mut self, tag: &Tag<'t>, name: &str) -> Result<(), TemplateError> {
        match self.open.pop() {
            Some(open) if open.name == name => {
                self.emit(tag, &format!("/{}", open.helper));
                Ok(())
            }
            Some(open) => Err(self.error(
                tag.start,
                &format!(
                    "`{{{{/{name}}}}}` closes nothing here: `{}` is open",
                    open.name
                ),
            )),
            None => Err(self.error(
                tag.start,
                &format!("`{{{{/{name}}}}}` closes nothing: no block is open"),
            )),
        }
    }

    fn value(&mut self, tag: &Tag<'t>, body: &str, is_raw: bool) -> Result<(), TemplateError> {
        let (head, arguments) = head_of(body);
        let value = if arguments.is_empty() {
            path_of(head).to_owned()
        } else if INLINE.contains(&head) {
            format!("({body})")
        } else {
            return Err(self.error(
                tag.start,
                &format!(
                    "there is no helper `{head}`: there are {}",
                    INLINE.join(", ")
                ),
            ));
        };
        let mode = match self.kind {
            TemplateKind::Text => 0,
            TemplateKind::Html => u8::from(!is_raw),
            TemplateKind::Json => 2,
        };
        // Two braces suffice: the registry escapes nothing.
        self.emit(tag, &format!("{VALUE} {mode} {} {value}", self.tags.len()));
        Ok(())
    }

    fn emit(&mut self, tag: &Tag<'_>, body: &str) {
        for part in ["{{", tag.left, body, tag.right, "}}"] {
            self.emitted.push_str(part);
        }
    }

    fn error(&self, at: usize, what: &str) -> TemplateError {
        let (line, column) = place(self.text, at);
        TemplateError::Syntax {
            line,
            column,
            what: what.to_owned(),
        }
    }
}

/// A tag's first word, and the rest. White space in `[…]` and in quotes does not end a word.
fn head_of(body: &str) -> (&str, &str) {
    let mut quote = None;
    let mut in_brackets = false;
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(q), _) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => in_brackets = true,
            (None, ']') => in_brackets = false,
            (None, c) if c.is_whitespace() && !in_brackets => {
                return (&body[..at], body[at..].trim_start());
            }
            _ => {}
        }
    }
    (body, "")
}

/// Mustache's `.` is Handlebars' `this`.
fn path_of(name: &str) -> &str {
    if name == "." { "this" } else { name }
}
