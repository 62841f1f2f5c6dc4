//! Templates of messages: Handlebars, and Mustache as far as Particle's documents use it.
//!
//! - `{{name}}`, `{{a.b}}`, `{{list.[0]}}`; `{{{name}}}` and `{{&name}}` are the same without escaping.
//! - Sections as in Mustache: `{{#name}}…{{/name}}` for lists, objects and truth, `{{^name}}…{{/name}}` for their absence,
//!   `{{.}}` for the item. Blocks as in Handlebars: `if`, `unless`, `each`, `with`, `else`.
//! - Helpers: `json`, `default`, `truncate`, `upper`, `lower`, `join`, and Handlebars' `lookup`, `len`, `eq`, `ne`, `gt`,
//!   `gte`, `lt`, `lte`, `and`, `or`, `not`.
//! - Objects and lists render as JSON.
//!
//! **A name that is not there renders as nothing.** Alerts differ in their labels, and a message with a gap tells
//! more than no message; `{{default labels.team "nobody"}}` says what stands in the gap.
//!
//! Partials, decorators, raw blocks and changed delimiters are refused: a template is one text.

mod helpers;
mod json;
#[cfg(test)]
mod tests;
mod translate;

use std::fmt;
use std::io;
use std::sync::LazyLock;

use handlebars::{
    Context, Handlebars, RenderContext, RenderErrorReason, Renderable as _, WriteOutput,
};
use serde_json::Value;

use crate::limits;
use helpers::Rounds;
use translate::Source;

/// What a template makes, and so how values are escaped in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// Values stand as they are.
    Text,
    /// `{{x}}` is escaped for HTML, `{{{x}}}` is not.
    Html,
    /// A JSON document. A value inside a JSON string is escaped for it, with two braces or three. A value elsewhere
    /// must be a JSON value by itself (a missing one is `null`), so that no label can add fields.
    Json,
}

/// A checked template.
pub struct Template {
    kind: TemplateKind,
    source: Source,
    compiled: handlebars::Template,
}

/// Why a template is refused. The operator's to repair; lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template is longer than {} bytes", limits::TEMPLATE_BYTES_MAX)]
    TooLong,
    #[error("line {line}, column {column}: {what}")]
    Syntax {
        line: usize,
        column: usize,
        what: String,
    },
}

/// Why a checked template does not render with a given context. No value of the context is in the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error(
        "the rendered text is longer than {} bytes",
        limits::RENDERED_BYTES_MAX
    )]
    TooLong,
    #[error(
        "the template's loops take more than {} rounds",
        limits::TEMPLATE_ROUNDS_MAX
    )]
    TooManyRounds,
    #[error("line {line}, column {column}: {what}")]
    Tag {
        line: usize,
        column: usize,
        what: String,
    },
    #[error(
        "the rendered text is not JSON: {what} (line {line}, column {column} of the template, or after it)"
    )]
    NotJson {
        line: usize,
        column: usize,
        what: String,
    },
    #[error("the template cannot be rendered: {what}")]
    Other { what: String },
}

/// One registry for all templates: it has only helpers.
static REGISTRY: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.register_escape_fn(handlebars::no_escape);
    registry.unregister_helper("log");
    registry.unregister_helper("raw");
    helpers::register(&mut registry);
    registry
});

impl Template {
    /// Checks and compiles a template.
    pub fn compile(text: &str, kind: TemplateKind) -> Result<Template, TemplateError> {
        if text.len() > limits::TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        let source = translate::translate(text, kind)?;
        let compiled = handlebars::Template::compile(&source.emitted).map_err(|error| {
            let (line, column) = error.pos().map_or((1, 1), |(line, column)| {
                source.place_of_emitted(line, column)
            });
            TemplateError::Syntax {
                line,
                column,
                what: "this is not a tag that Handlebars understands".to_owned(),
            }
        })?;
        Ok(Template {
            kind,
            source,
            compiled,
        })
    }

    pub fn kind(&self) -> TemplateKind {
        self.kind
    }

    /// Renders. A template of kind [`TemplateKind::Json`] gives a text that has been parsed as JSON.
    pub fn render(&self, context: &Value) -> Result<String, RenderError> {
        let context = Context::wraps(context).map_err(|_| RenderError::Other {
            what: "its context is not JSON".to_owned(),
        })?;
        let rounds = Rounds::new();
        let mut scope = RenderContext::new(None);
        // Mustache looks a name up in the sections around it too.
        scope.set_recursive_lookup(true);
        scope.register_local_helper("each", rounds.helper());
        scope.register_local_helper(helpers::SECTION, rounds.helper());
        let mut buffer = Capped {
            bytes: Vec::new(),
            is_full: false,
        };
        let result = self.compiled.render(
            &REGISTRY,
            &context,
            &mut scope,
            &mut WriteOutput::new(&mut buffer),
        );
        if buffer.is_full {
            return Err(RenderError::TooLong);
        }
        if rounds.are_exceeded() {
            return Err(RenderError::TooManyRounds);
        }
        result.map_err(|error| self.render_error(&error))?;
        let text = String::from_utf8(buffer.bytes).map_err(|_| RenderError::Other {
            what: "it is not UTF-8".to_owned(),
        })?;
        match self.kind {
            TemplateKind::Json => json::assemble(&text, &self.source),
            TemplateKind::Text | TemplateKind::Html => Ok(text),
        }
    }

    fn render_error(&self, error: &handlebars::RenderError) -> RenderError {
        // Only reasons that name parts of the template: others may quote values.
        let what = match error.reason() {
            RenderErrorReason::HelperNotFound(name) => format!("there is no helper `{name}`"),
            RenderErrorReason::ParamNotFoundForIndex(name, index) => {
                format!("`{name}` lacks its argument {}", index + 1)
            }
            RenderErrorReason::ParamNotFoundForName(name, argument) => {
                format!("`{name}` lacks its argument `{argument}`")
            }
            RenderErrorReason::ParamTypeMismatchForName(name, argument, _) => {
                format!("`{name}` cannot use its argument `{argument}`")
            }
            _ => "this tag cannot be rendered".to_owned(),
        };
        match (error.line_no, error.column_no) {
            (Some(line), Some(column)) => {
                let (line, column) = self.source.place_of_emitted(line, column);
                RenderError::Tag { line, column, what }
            }
            _ => RenderError::Other { what },
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("kind", &self.kind)
            .field("bytes", &self.source.emitted.len())
            .finish_non_exhaustive()
    }
}

/// A buffer that refuses to grow beyond the limit.
struct Capped {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for &mut Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > limits::RENDERED_BYTES_MAX {
            self.is_full = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
