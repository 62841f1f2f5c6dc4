//! A body in the operator's own form.

use serde_json::{Value, json};
use wire::{Template, TemplateKind};

use super::render::Body;
use crate::kit::SettingsError;

/// A checked template of a JSON body.
#[derive(Debug)]
pub struct Form(Template);

impl Form {
    pub fn compile(text: &str) -> Result<Form, SettingsError> {
        Template::compile(text, TemplateKind::Json)
            .map(Form)
            .map_err(|error| SettingsError::new("template", error.to_string()))
    }

    /// The body, or why there is none; no value of the alert is in the reason.
    pub fn render(&self, own: &Body<'_>) -> Result<Vec<u8>, String> {
        let context = context(own).map_err(|_| "the message has no JSON".to_owned())?;
        let rendered = self.0.render(&context);
        rendered
            .map(String::into_bytes)
            .map_err(|error| format!("the template fails: {error}"))
    }
}

/// What a template is given: the hub's own form, and its parts by short names.
fn context(own: &Body<'_>) -> serde_json::Result<Value> {
    let mut context = serde_json::to_value(own)?;
    let alert = context["data"]["alert"].clone();
    let short = [
        ("labels", alert["labels"].clone()),
        ("annotations", alert["annotations"].clone()),
        ("event", context["data"]["event"].clone()),
        ("integration", context["data"]["integration"].clone()),
        ("alert", alert),
        ("test", json!(own.test)),
    ];
    for (name, value) in short {
        context[name] = value;
    }
    Ok(context)
}
