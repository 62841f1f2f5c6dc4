//! Mail addresses in settings.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::kit::SettingsError;

/// More people are better served by a mailing list. SendGrid takes 1,000 of one mail.
pub const RECIPIENTS_MAX: usize = 100;
/// An address in characters (RFC 5321: 64 before the sign, 254 in all).
const ADDRESS_CHARS_MAX: usize = 254;

/// Recipients as people write them: a list, or one text with commas. Checked by [`recipients`].
pub struct Recipients(Value);

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Recipients, D::Error> {
        Value::deserialize(deserializer).map(Recipients)
    }
}

impl JsonSchema for Recipients {
    fn schema_name() -> Cow<'static, str> {
        "Recipients".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": ["array", "string"],
            "items": { "type": "string", "format": "email" },
            "minItems": 1,
            "maxItems": RECIPIENTS_MAX,
        })
    }
}

/// The addresses, each once: SendGrid refuses a mail in which one stands twice.
pub fn recipients(field: &str, given: &Recipients) -> Result<Vec<String>, SettingsError> {
    let problem = |what: String| Err(SettingsError::new(field, what));
    let texts: Vec<&str> = match &given.0 {
        Value::String(text) => text.split(',').collect(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect()
        }
        _ => return problem("give a list of addresses".to_owned()),
    };
    let mut addresses: Vec<String> = Vec::new();
    for text in texts {
        let address = address(field, text)?;
        if addresses
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&address))
        {
            return problem(format!("{address} stands there twice"));
        }
        addresses.push(address);
    }
    if addresses.is_empty() || addresses.len() > RECIPIENTS_MAX {
        return problem(format!(
            "give 1 to {RECIPIENTS_MAX} addresses; for more people use a mailing list"
        ));
    }
    Ok(addresses)
}

/// A bare address, `name@host`; SendGrid decides about the rest.
pub fn address(field: &str, text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>(),;:\"[]\\".contains(c);
    let is_good = match text.rsplit_once('@') {
        Some((name, host)) => {
            !name.is_empty()
                && !host.is_empty()
                && !name.contains('@')
                && text.chars().all(is_plain)
        }
        None => false,
    };
    if !is_good || text.chars().count() > ADDRESS_CHARS_MAX {
        return Err(SettingsError::new(
            field,
            "this is no mail address such as ops@example.com",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_are_taken_as_a_list_or_a_text_and_each_once() {
        let of = |value| recipients("to", &Recipients(value)).map_err(|e| e.problem);
        let both = Ok(vec!["a@x.example".to_owned(), "b@y.example".to_owned()]);
        assert_eq!(of(json!(["a@x.example", " b@y.example "])), both);
        assert_eq!(of(json!("a@x.example, b@y.example")), both);
        for bad in [
            json!([]),
            json!(""),
            json!(["a@x.example", "A@X.example"]),
            json!(["Anna <a@x.example>"]),
            json!(["a@x.example\r\nbcc: b@y.example"]),
            json!(["a@b@c"]),
            json!(["@x"]),
            json!([1]),
            json!({}),
            json!(vec!["a@x.example"; 2]),
            json!(
                (0..101)
                    .map(|i| format!("a{i}@x.example"))
                    .collect::<Vec<_>>()
            ),
            json!([format!("{}@x.example", "a".repeat(250))]),
        ] {
            assert!(of(bad.clone()).is_err(), "{bad}");
        }
    }
}
