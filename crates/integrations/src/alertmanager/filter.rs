//! Matchers in the query of `GET /api/v2/alerts`: `alertname=~"Disk.*"`.

use model::Labels;
use regex::Regex;

/// A compiled regex may take this much memory; a filter comes from a client.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// One condition. A label that is absent counts as empty.
pub struct Filter {
    name: String,
    is_negated: bool,
    value: Value,
}

enum Value {
    Text(String),
    Regex(Regex),
}

impl Filter {
    /// Reads Alertmanager's form; braces and several matchers in one text are not of it.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let bad = || format!("bad matcher format: {}", wire::text::cut_chars(text, 200));
        let text = text.trim();
        let at = text.find(['=', '!']).ok_or_else(bad)?;
        let name = text[..at].trim();
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
        if !is_name || name.as_bytes()[0].is_ascii_digit() {
            return Err(bad());
        }
        let operators = [
            ("=~", false, true),
            ("!~", true, true),
            ("!=", true, false),
            ("=", false, false),
        ];
        let rest = &text[at..];
        let (operator, is_negated, is_regex) = operators
            .into_iter()
            .find(|(operator, ..)| rest.starts_with(operator))
            .ok_or_else(bad)?;
        let value = unquoted(rest[operator.len()..].trim()).ok_or_else(bad)?;
        let value = if is_regex {
            Value::Regex(anchored(&value)?)
        } else {
            Value::Text(value)
        };
        Ok(Filter {
            name: name.to_owned(),
            is_negated,
            value,
        })
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.name).unwrap_or_default();
        let is_match = match &self.value {
            Value::Text(text) => found == text,
            Value::Regex(regex) => regex.is_match(found),
        };
        is_match != self.is_negated
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    let built = regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(REGEX_BYTES_MAX)
        .build();
    built.map_err(|_| {
        format!(
            "error parsing regexp: {}",
            wire::text::cut_chars(pattern, 200)
        )
    })
}

/// A value with or without quotes.
fn unquoted(text: &str) -> Option<String> {
    if text.starts_with('"') {
        return serde_json::from_str(text).ok();
    }
    (!text.contains('"')).then(|| text.to_owned())
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
            ("absent=", true),
            (r#"absent!="""#, false),
        ];
        for (text, expected) in table {
            assert_eq!(
                Filter::parse(text).ok().map(|f| f.matches(&labels)),
                Some(expected),
                "{text}"
            );
        }
        for bad in [
            "alertname",
            r#"{alertname="x"}"#,
            r#"bad name="x""#,
            r#"x=~"(""#,
            "",
            "=x",
            "1a=x",
            r#"a="x"#,
            "a!x",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
