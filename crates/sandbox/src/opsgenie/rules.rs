//! What a body must be. Lengths are characters (docs.opsgenie.com, "Alert API", read 2026-11; those of `responders`,
//! `details`, `source`, `user` and `note` by others' accounts of it).

use serde_json::{Map, Value};

/// Field and what is wrong with it.
pub(super) type Wrong = Vec<(String, String)>;

/// Fields of each body beside `user`, `source` and `note`.
fn own_fields(action: &str) -> &'static [&'static str] {
    match action {
        "create" => &[
            "message",
            "alias",
            "description",
            "responders",
            "visibleTo",
            "actions",
            "tags",
            "details",
            "entity",
            "priority",
        ],
        "snooze" => &["endTime"],
        "assign" => &["owner"],
        "escalate" => &["escalation"],
        "responders" => &["responder"],
        "teams" => &["team"],
        "tags" => &["tags"],
        "details" => &["details"],
        "message" => &["message"],
        "description" => &["description"],
        "priority" => &["priority"],
        _ => &[],
    }
}

/// Whether the common fields are part of the body.
fn has_common(action: &str) -> bool {
    !matches!(action, "message" | "description" | "priority")
}

/// What makes the API answer 422.
pub(super) fn wrong(action: &str, body: &Map<String, Value>, now: i64) -> Wrong {
    let mut wrong = Wrong::new();
    for (field, max) in [
        ("message", 130),
        ("alias", 512),
        ("description", 15_000),
        ("entity", 512),
        ("source", 100),
        ("user", 100),
        ("note", 25_000),
    ] {
        text(&mut wrong, body, field, max);
    }
    match action {
        "create" => create(&mut wrong, body),
        "notes" => required(&mut wrong, body, "note"),
        "message" | "description" => required(&mut wrong, body, action),
        "priority" => {
            required(&mut wrong, body, "priority");
            priority(&mut wrong, body);
        }
        "snooze" => snooze(&mut wrong, body, now),
        "assign" => one_who(&mut wrong, body, "owner", &["id", "username"]),
        "escalate" => one_who(&mut wrong, body, "escalation", &["id", "name"]),
        "responders" => one_who(&mut wrong, body, "responder", &["id", "name", "username"]),
        "teams" => one_who(&mut wrong, body, "team", &["id", "name"]),
        "tags" => list(&mut wrong, body, "tags", 20, Some(50)),
        "details" => details(&mut wrong, body),
        _ => {}
    }
    wrong
}

/// Fields that the API does not know; it takes no notice of them.
pub(super) fn unknown(action: &str, body: &Map<String, Value>) -> Vec<String> {
    let own = own_fields(action);
    let is_known = |name: &str| {
        own.contains(&name) || (has_common(action) && matches!(name, "user" | "source" | "note"))
    };
    let unknown = body.keys().filter(|name| !is_known(name));
    unknown
        .map(|name| format!("{action} has no field {name}"))
        .collect()
}

fn create(wrong: &mut Wrong, body: &Map<String, Value>) {
    required(wrong, body, "message");
    priority(wrong, body);
    list(wrong, body, "tags", 20, Some(50));
    list(wrong, body, "actions", 10, Some(50));
    list(wrong, body, "responders", 50, None);
    list(wrong, body, "visibleTo", 50, None);
    details(wrong, body);
    let kinds: [(&str, &[&str]); 2] = [
        ("responders", &["team", "user", "escalation", "schedule"]),
        ("visibleTo", &["team", "user"]),
    ];
    for (field, kinds) in kinds {
        for who in body
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !who["type"]
                .as_str()
                .is_some_and(|kind| kinds.contains(&kind))
            {
                add(
                    wrong,
                    field,
                    &format!("type is one of {}", kinds.join(", ")),
                );
            } else if !is_named(who, &["id", "name", "username"]) {
                add(wrong, field, "a responder has an id, a name or a username");
            }
        }
    }
}

fn add(wrong: &mut Wrong, field: &str, what: &str) {
    wrong.push((field.to_owned(), what.to_owned()));
}

fn text(wrong: &mut Wrong, body: &Map<String, Value>, field: &str, max: usize) {
    match body.get(field) {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.chars().count() <= max => {}
        Some(Value::String(_)) => add(
            wrong,
            field,
            &format!("should not be longer than {max} characters"),
        ),
        Some(_) => add(wrong, field, "should be a text"),
    }
}

fn required(wrong: &mut Wrong, body: &Map<String, Value>, field: &str) {
    let is_empty = match body.get(field) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        // What is no text is told elsewhere.
        Some(_) => false,
    };
    if is_empty {
        add(wrong, field, "should not be empty");
    }
}

fn priority(wrong: &mut Wrong, body: &Map<String, Value>) {
    let given = body.get("priority").filter(|value| !value.is_null());
    let known = ["P1", "P2", "P3", "P4", "P5"];
    if given.is_some_and(|given| !given.as_str().is_some_and(|p| known.contains(&p))) {
        add(wrong, "priority", "should be one of P1, P2, P3, P4, P5");
    }
}

fn list(
    wrong: &mut Wrong,
    body: &Map<String, Value>,
    field: &str,
    most: usize,
    chars: Option<usize>,
) {
    let items = match body.get(field) {
        None | Some(Value::Null) => return,
        Some(Value::Array(items)) => items,
        Some(_) => return add(wrong, field, "should be a list"),
    };
    if items.len() > most {
        add(
            wrong,
            field,
            &format!("should not have more than {most} items"),
        );
    }
    let Some(chars) = chars else {
        return;
    };
    let is_good = |item: &Value| {
        item.as_str()
            .is_some_and(|text| !text.is_empty() && text.chars().count() <= chars)
    };
    if !items.iter().all(is_good) {
        add(
            wrong,
            field,
            &format!("each is a text of 1 to {chars} characters"),
        );
    }
}

fn details(wrong: &mut Wrong, body: &Map<String, Value>) {
    let map = match body.get("details") {
        None | Some(Value::Null) => return,
        Some(Value::Object(map)) => map,
        Some(_) => return add(wrong, "details", "should be an object"),
    };
    if !map.values().all(Value::is_string) {
        add(wrong, "details", "all values are texts");
    }
    let chars = |text: &str| text.chars().count();
    let weight: usize = map
        .iter()
        .map(|(k, v)| chars(k) + chars(v.as_str().unwrap_or_default()))
        .sum();
    if weight > 8_000 {
        add(
            wrong,
            "details",
            "should not be longer than 8000 characters in all",
        );
    }
}

fn snooze(wrong: &mut Wrong, body: &Map<String, Value>, now: i64) {
    let end = body.get("endTime").and_then(Value::as_str);
    match end.and_then(|end| end.parse::<jiff::Timestamp>().ok()) {
        None => add(wrong, "endTime", "should be a time in ISO 8601"),
        Some(end) if end.as_millisecond() < now + 2_000 => {
            add(
                wrong,
                "endTime",
                "should be at least 2 seconds in the future",
            );
        }
        Some(_) => {}
    }
}

fn is_named(who: &Value, by: &[&str]) -> bool {
    by.iter()
        .any(|key| who[*key].as_str().is_some_and(|name| !name.is_empty()))
}

fn one_who(wrong: &mut Wrong, body: &Map<String, Value>, field: &str, by: &[&str]) {
    if !body.get(field).is_some_and(|who| is_named(who, by)) {
        add(
            wrong,
            field,
            &format!("should have one of {}", by.join(", ")),
        );
    }
}
