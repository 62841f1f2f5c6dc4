//! The helpers that templates may call, and the two that the translation puts in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult,
    JsonTruthy as _, Output, PathAndJson, RenderContext, RenderError, RenderErrorReason,
    Renderable as _, ScopedJson,
};
use serde_json::Value;

use super::json::{MARK_END, MARK_START, MARK_VALUE};
use crate::limits;
use crate::text::{cut_chars, escape_html};

/// Renders a value: `{{{__value mode tag value}}}`.
pub(super) const VALUE: &str = "__value";
/// A Mustache section; its opposite.
pub(super) const SECTION: &str = "__section";
pub(super) const INVERTED: &str = "__inverted";

/// The inline helpers that a template may name.
pub(super) const INLINE: [&str; 17] = [
    "json", "default", "truncate", "upper", "lower", "join", "lookup", "len", "eq", "ne", "gt",
    "gte", "lt", "lte", "and", "or", "not",
];
/// The block helpers that a template may name.
pub(super) const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper(VALUE, Box::new(ValueHelper));
    registry.register_helper(INVERTED, Box::new(Inverted));
    registry.register_helper(
        "json",
        Box::new(Inline(|args| {
            Some(Value::String(args.first()?.to_string()))
        })),
    );
    registry.register_helper(
        "default",
        Box::new(Inline(|args| {
            let value = *args.first()?;
            let is_absent = value.is_null() || value.as_str() == Some("");
            Some(if is_absent { *args.get(1)? } else { value }.clone())
        })),
    );
    registry.register_helper(
        "truncate",
        Box::new(Inline(|args| {
            let max = usize::try_from(args.get(1)?.as_u64()?).ok()?;
            Some(Value::String(
                cut_chars(&as_text(args.first()?), max).into_owned(),
            ))
        })),
    );
    registry.register_helper(
        "upper",
        Box::new(Inline(|args| {
            Some(Value::String(as_text(args.first()?).to_uppercase()))
        })),
    );
    registry.register_helper(
        "lower",
        Box::new(Inline(|args| {
            Some(Value::String(as_text(args.first()?).to_lowercase()))
        })),
    );
    registry.register_helper(
        "join",
        Box::new(Inline(|args| {
            let separator = args.get(1).map_or(", ".to_owned(), |value| as_text(value));
            let items = args
                .first()?
                .as_array()
                .map(|list| list.iter().map(as_text).collect::<Vec<_>>());
            Some(Value::String(items.map_or_else(
                || as_text(args[0]),
                |items| items.join(&separator),
            )))
        })),
    );
}

/// A value as a person or a JSON document reads it: strings as they are, nothing for null, JSON for the rest.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A pure function of the arguments; `None` says that they do not fit.
struct Inline(fn(&[&Value]) -> Option<Value>);

impl HelperDef for Inline {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let args: Vec<&Value> = helper.params().iter().map(PathAndJson::value).collect();
        (self.0)(&args).map(ScopedJson::Derived).ok_or_else(|| {
            RenderErrorReason::ParamNotFoundForName("helper", helper.name().to_owned()).into()
        })
    }
}

/// Writes a value. Mode 0: as it is. 1: escaped for HTML. 2: between marks, for [`super::json::assemble`].
struct ValueHelper;

impl HelperDef for ValueHelper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let number = |index: usize| {
            helper
                .param(index)
                .and_then(|param| param.value().as_u64())
                .unwrap_or(0)
        };
        let text = helper
            .param(2)
            .map(|param| as_text(param.value()))
            .unwrap_or_default();
        match number(0) {
            1 => out.write(&escape_html(&text))?,
            2 => {
                let text = text.replace([MARK_START, MARK_VALUE, MARK_END], "\u{fffd}");
                out.write(&format!(
                    "{MARK_START}{}{MARK_VALUE}{text}{MARK_END}",
                    number(1)
                ))?;
            }
            _ => out.write(&text)?,
        }
        Ok(())
    }
}

/// `{{^name}}…{{/name}}`: rendered when the value is absent, false, or an empty list.
struct Inverted;

impl HelperDef for Inverted {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let is_there = helper.param(0).is_some_and(|param| is_there(param.value()));
        let template = if is_there {
            helper.inverse()
        } else {
            helper.template()
        };
        template.map_or(Ok(()), |template| {
            template.render(registry, context, scope, out)
        })
    }
}

/// Mustache's truth: zero is there, an empty text is not (as in JavaScript's Mustache).
fn is_there(value: &Value) -> bool {
    value.is_truthy(true)
}

/// Counts the rounds of all loops of one rendering.
pub(super) struct Rounds(Arc<AtomicUsize>);

impl Rounds {
    pub fn new() -> Rounds {
        Rounds(Arc::new(AtomicUsize::new(0)))
    }

    pub fn helper(&self) -> Box<Loop> {
        Box::new(Loop(Arc::clone(&self.0)))
    }

    pub fn are_exceeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > limits::TEMPLATE_ROUNDS_MAX
    }
}

/// `each`, and Mustache's section: a list is gone through in both, an object in `each` only.
pub(super) struct Loop(Arc<AtomicUsize>);

impl HelperDef for Loop {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let subject = helper
            .param(0)
            .ok_or(RenderErrorReason::ParamNotFoundForIndex("each", 0))?;
        let is_section = helper.name() == SECTION;
        let items: Vec<(Value, String, &Value)> = match subject.value() {
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(i, item)| (Value::from(i), i.to_string(), item))
                .collect(),
            Value::Object(map) if !is_section => map
                .iter()
                .map(|(key, item)| (Value::from(key.as_str()), key.clone(), item))
                .collect(),
            value if is_section && is_there(value) => {
                return self.enter(helper, subject, registry, context, scope, out);
            }
            _ => Vec::new(),
        };
        if items.is_empty() {
            return helper.inverse().map_or(Ok(()), |template| {
                template.render(registry, context, scope, out)
            });
        }
        let Some(template) = helper.template() else {
            return Ok(());
        };
        let last = items.len() - 1;
        for (index, (key, segment, item)) in items.into_iter().enumerate() {
            if self.0.fetch_add(1, Ordering::Relaxed) >= limits::TEMPLATE_ROUNDS_MAX {
                return Err(RenderErrorReason::Other("too many rounds".to_owned()).into());
            }
            let mut block = block_at(subject, Some(segment), item);
            block.set_local_var("first", Value::Bool(index == 0));
            block.set_local_var("last", Value::Bool(index == last));
            block.set_local_var("index", Value::from(index));
            block.set_local_var("key", key.clone());
            if let Some((name, second)) = helper
                .block_param_pair()
                .map(|(a, b)| (a, Some(b)))
                .or_else(|| helper.block_param().map(|a| (a, None)))
            {
                let mut params = BlockParams::new();
                params.add_value(name, item.clone())?;
                if let Some(second) = second {
                    params.add_value(second, key)?;
                }
                block.set_block_params(params);
            }
            scope.push_block(block);
            let result = template.render(registry, context, scope, out);
            scope.pop_block();
            result?;
        }
        Ok(())
    }
}

impl Loop {
    /// A section over something that is no list: once, inside an object, else where it stands.
    fn enter<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        subject: &PathAndJson<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(template) = helper.template() else {
            return Ok(());
        };
        if matches!(subject.value(), Value::Bool(_)) {
            return template.render(registry, context, scope, out);
        }
        scope.push_block(block_at(subject, None, subject.value()));
        let result = template.render(registry, context, scope, out);
        scope.pop_block();
        result
    }
}

/// A scope inside a value: by its path where it has one, so that `../` works, else by the value itself.
fn block_at<'rc>(
    subject: &PathAndJson<'rc>,
    segment: Option<String>,
    item: &Value,
) -> BlockContext<'rc> {
    let mut block = BlockContext::new();
    match subject.context_path() {
        Some(path) => *block.base_path_mut() = path.iter().cloned().chain(segment).collect(),
        None => block.set_base_value(item.clone()),
    }
    block
}
