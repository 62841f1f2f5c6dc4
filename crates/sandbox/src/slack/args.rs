//! A method's arguments, however they were sent.
//!
//! Source: docs.slack.dev, "Using the Slack Web API": form-urlencoded anywhere (nested values as JSON strings), JSON for
//! methods that write; wire-level names of the errors from the method reference of 2026-08.

use super::reply::Refusal;
use crate::exchange::Request;
use http::Method;
use serde_json::{Map, Value};

/// The arguments of one call.
#[derive(Debug, Default)]
pub(super) struct Args {
    values: Map<String, Value>,
    /// Whether the body was JSON without `charset`, which Slack answers with a warning.
    pub(super) missing_charset: bool,
}

/// Whether a method reads only, and so takes form or query arguments and no JSON.
fn reads_only(method: &str) -> bool {
    matches!(
        method,
        "conversations.info" | "conversations.list" | "conversations.history" | "team.info"
    )
}

impl Args {
    /// Reads query and body. What the sender got wrong without Slack refusing it goes to `problems`.
    pub(super) fn read(
        method: &str,
        request: &Request,
        problems: &mut Vec<String>,
    ) -> Result<Self, Refusal> {
        let mut args = Self::default();
        args.extend_form(request.query.as_bytes());
        if request.method == Method::GET || request.body.is_empty() {
            return Ok(args);
        }
        match request.content_type().as_str() {
            "application/json" if reads_only(method) => problems.push(format!(
                "{method} takes form or query arguments, JSON is not read"
            )),
            "application/json" => {
                let whole = request
                    .header("content-type")
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                args.missing_charset = !whole.contains("charset");
                match serde_json::from_slice(&request.body) {
                    Ok(Value::Object(values)) => args.values.extend(values),
                    Ok(_) => {
                        return Err(Refusal::broken(
                            "json_not_object",
                            "the body is JSON but not an object",
                            problems,
                        ));
                    }
                    Err(error) => {
                        return Err(Refusal::broken(
                            "invalid_json",
                            &format!("the body is not JSON: {error}"),
                            problems,
                        ));
                    }
                }
            }
            "application/x-www-form-urlencoded" => args.extend_form(&request.body),
            "" => {
                return Err(Refusal::broken(
                    "missing_post_type",
                    "a body without Content-Type",
                    problems,
                ));
            }
            // Slack takes multipart and text/plain as well; nothing here sends them, and a surprise should be seen.
            other => {
                return Err(Refusal::broken(
                    "invalid_post_type",
                    &format!("Content-Type {other}"),
                    problems,
                ));
            }
        }
        Ok(args)
    }

    fn extend_form(&mut self, form: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(form) {
            self.values
                .insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }

    /// An argument as it came; absent and null are the same.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A text argument; a number or truth value as its text, anything else as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            other @ (Value::Number(_) | Value::Bool(_)) => Some(other.to_string()),
            _ => None,
        }
    }

    /// A flag, also as `true` or `1` in a form.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).as_deref(), Some("true" | "1"))
    }

    /// A list argument: a JSON array, or a string that holds one. `Err` if it is something else; absent and the
    /// empty string are `None`.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<Value>>, ()> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list.clone())),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| ()),
            Some(_) => Err(()),
        }
    }

    /// An object argument, by the same rules.
    pub(super) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, ()> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| ()),
            Some(_) => Err(()),
        }
    }
}

impl From<Map<String, Value>> for Args {
    fn from(values: Map<String, Value>) -> Self {
        Self {
            values,
            missing_charset: false,
        }
    }
}
