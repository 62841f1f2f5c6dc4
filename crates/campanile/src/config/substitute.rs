//! `${VARIABLE}` in values. `$${` is a literal `${`; keys are left alone.

use crate::config::problem::Problem;
use crate::config::yaml::{Node, Value, push_key};

/// Replaces variables in every value below `node`; a value with one that is not set is reported and broken.
pub fn substitute(
    node: &mut Node,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    walk(node, &mut String::new(), env, problems);
}

fn walk(
    node: &mut Node,
    path: &mut String,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    let outer = path.len();
    match &mut node.value {
        Value::Broken => {}
        Value::List(list) => {
            for (index, item) in list.iter_mut().enumerate() {
                path.push_str(&format!("[{index}]"));
                walk(item, path, env, problems);
                path.truncate(outer);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                push_key(path, &entry.key);
                walk(&mut entry.node, path, env, problems);
                path.truncate(outer);
            }
        }
        Value::Scalar(scalar) => {
            if !scalar.text.contains("${") {
                return;
            }
            match expand(&scalar.text, env) {
                Ok((text, substituted)) => {
                    scalar.text = text;
                    scalar.substituted = substituted;
                }
                Err(message) => {
                    problems.push(node.at.problem(path.as_str(), message));
                    node.value = Value::Broken;
                }
            }
        }
    }
}

/// The text with its variables' values, and whether there were any.
fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(String, bool), String> {
    let mut out = String::with_capacity(text.len());
    let mut substituted = false;
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        out.push_str(before);
        let name = from[2..].split('}').next().unwrap_or_default();
        let closed = from[2..].len() > name.len();
        if !closed || !is_name(name) {
            return Err(
                "`${` begins a variable such as `${TOKEN}` (letters, digits and `_`); for a literal `${` write `$${`".to_owned(),
            );
        }
        let Some(value) = env(name) else {
            return Err(format!(
                "the environment variable `{name}` is not set; set it, or write `$${{{name}}}` if the text itself is meant"
            ));
        };
        out.push_str(&value);
        substituted = true;
        rest = &from[2 + name.len() + 1..];
    }
    out.push_str(rest);
    Ok((out, substituted))
}

fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_doubled_dollars_stay() {
        let env = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "NESTED" => Some("${A}".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("${A}", Ok(("1", true))),
            ("x${A}y${A}", Ok(("x1y1", true))),
            ("$${A}", Ok(("${A}", false))),
            ("$${A}${A}", Ok(("${A}1", true))),
            ("$$", Ok(("$$", false))),
            ("$A", Ok(("$A", false))),
            ("${NESTED}", Ok(("${A}", true))),
            ("${B}", Err("`B` is not set")),
            ("${", Err("begins a variable")),
            ("${A", Err("begins a variable")),
            ("${}", Err("begins a variable")),
            ("${a-b}", Err("begins a variable")),
            ("${1A}", Err("begins a variable")),
        ] {
            match (expand(text, &env), expected) {
                (Ok((got, substituted)), Ok(wanted)) => {
                    assert_eq!((got.as_str(), substituted), wanted, "{text}")
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
                (got, wanted) => panic!("{text}: {got:?}, not {wanted:?}"),
            }
        }
    }
}
