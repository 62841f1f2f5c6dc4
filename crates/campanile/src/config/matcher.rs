//! Matchers as texts: `severity=~"critical|major"`.

use model::{MatchOp, Matcher};

/// One matcher. The operators are Alertmanager's; the value stands in double quotes, which may be left out where it
/// has neither blanks nor quotes.
///
// LEAD: until branch `step` is merged. Then: `CompiledMatchers::parse([text])`, which also checks regular expressions.
pub fn parse_matcher(text: &str) -> Result<Matcher, String> {
    let text = text.trim();
    let example = "expected a matcher such as `severity=\"critical\"` or `env=~\"prod|stage\"`";
    let name_end = text.find(['=', '!']).ok_or(example)?;
    let name = text[..name_end].trim_end();
    let rest = &text[name_end..];
    let (op, rest) = [
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("!=", MatchOp::NotEqual),
        ("=", MatchOp::Equal),
    ]
    .into_iter()
    .find_map(|(sign, op)| Some((op, rest.strip_prefix(sign)?)))
    .ok_or(example)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '"') {
        return Err(example.to_owned());
    }
    let value = rest.trim();
    let value = if value.starts_with('"') {
        serde_json::from_str::<String>(value)
            .map_err(|_| "the quotes around the value do not pair up")?
    } else if value.contains(|c: char| c.is_whitespace() || c == '"') {
        return Err("put the value in double quotes".to_owned());
    } else {
        value.to_owned()
    };
    Ok(Matcher {
        name: name.to_owned(),
        op,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_read_what_they_show() {
        for (text, shown) in [
            ("severity=critical", "severity=\"critical\""),
            (
                "severity=~\"critical|major\"",
                "severity=~\"critical|major\"",
            ),
            (" env != \"a b\" ", "env!=\"a b\""),
            ("env!~x", "env!~\"x\""),
            ("env=", "env=\"\""),
        ] {
            assert_eq!(parse_matcher(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "severity", "=x", "a b=c", "a=b c", "a=\"b", "a!b"] {
            assert!(parse_matcher(bad).is_err(), "{bad}");
        }
    }
}
