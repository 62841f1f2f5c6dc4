//! Looking into a YAML tree that somebody else's program understands.

use crate::config::yaml::{Node, Plain, Value};

/// The value under `key`; a null counts as absent.
pub fn get<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    entries(node)
        .find(|(name, _)| *name == key)
        .map(|(_, node)| node)
}

/// All keys of a map with their values, but nulls; of anything else none.
pub fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    entries
        .iter()
        .map(|entry| (entry.key.as_str(), &entry.node))
        .filter(|(_, node)| !node.is_null())
}

/// The items of a list; a single value counts as a list of one, as in Alertmanager's own reading of some keys.
pub fn items<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> {
    let items = match get(node, key).map(|node| (node, &node.value)) {
        Some((_, Value::List(list))) => list.as_slice(),
        Some((node, Value::Scalar(_))) => std::slice::from_ref(node),
        _ => &[],
    };
    items.iter()
}

/// A scalar as it was written.
pub fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) if !node.is_null() => Some(&scalar.text),
        _ => None,
    }
}

/// The scalar under `key`.
pub fn text_of<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    get(node, key).and_then(text)
}

/// The scalars of the list under `key`.
pub fn texts(node: &Node, key: &str) -> Vec<String> {
    items(node, key)
        .filter_map(text)
        .map(str::to_owned)
        .collect()
}

/// The boolean under `key`.
pub fn boolean(node: &Node, key: &str) -> Option<bool> {
    match &get(node, key)?.value {
        Value::Scalar(scalar) => match (scalar.kind(), scalar.text.as_str()) {
            (Plain::Bool(value), _) => Some(value),
            // Alertmanager reads YAML 1.1.
            (_, "yes" | "on" | "Yes" | "On") => Some(true),
            (_, "no" | "off" | "No" | "Off") => Some(false),
            _ => None,
        },
        _ => None,
    }
}
