//! Answers in a form that can be compared: without times, and with ids that both sides share.

use serde_json::Value;

use super::Call;
use crate::caller::Said;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Theirs,
    Ours,
}

/// The silences that both have, by the order in which they were made.
#[derive(Default)]
pub struct Ids(Vec<(String, String)>);

impl Ids {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What stands for an id in paths and bodies.
    pub fn word(number: usize) -> String {
        format!("<silence-{number}>")
    }

    /// A text with the side's ids for their words.
    pub fn put_into(&self, side: Side, text: &str) -> String {
        let Some((before, rest)) = text.split_once("<silence-") else {
            return text.to_owned();
        };
        let (number, after) = rest.split_once('>').unwrap();
        let number: usize = number.parse().unwrap();
        format!("{before}{}{after}", self.of(side, number))
    }

    fn of(&self, side: Side, number: usize) -> &str {
        let (theirs, ours) = &self.0[number];
        match side {
            Side::Theirs => theirs,
            Side::Ours => ours,
        }
    }

    /// Takes the ids of a silence that both made just now. One that only one of them made stays unknown, and is then seen
    /// as a difference.
    pub fn learn(&mut self, theirs: &Said, ours: &Said) {
        let id = |said: &Said| Some(said.body.get("silenceID")?.as_str()?.to_owned());
        let (Some(theirs), Some(ours)) = (id(theirs), id(ours)) else {
            return;
        };
        if !self.0.iter().any(|(a, b)| *a == theirs || *b == ours) {
            self.0.push((theirs, ours));
        }
    }

    pub fn comparable(&self, side: Side, call: &Call, mut said: Said) -> Said {
        if call.path.starts_with("/api/v2/silences") && call.method == "GET" {
            put_in_order(&mut said.body);
        }
        self.rewrite(side, &mut said.body);
        if let Value::Array(list) = &mut said.body
            && call.path.starts_with("/api/v2/silences")
        {
            list.sort_by_key(|silence| silence["id"].to_string());
        }
        if said.status == 405
            && let Some(Value::String(message)) = said.body.get_mut("message")
        {
            *message = methods_in_order(message);
        }
        said
    }

    fn rewrite(&self, side: Side, value: &mut Value) {
        match value {
            Value::Array(list) => {
                list.iter_mut().for_each(|value| self.rewrite(side, value));
            }
            Value::Object(map) => {
                // Times, and what only later versions have.
                for name in ["startsAt", "endsAt", "updatedAt", "mutedBy", "routeLabels"] {
                    map.remove(name);
                }
                if map.contains_key("createdBy") {
                    map.remove("annotations");
                }
                map.values_mut().for_each(|value| self.rewrite(side, value));
                if let Some(Value::Array(ids)) = map.get_mut("silencedBy") {
                    ids.sort_by_key(Value::to_string);
                }
            }
            Value::String(text) => {
                let at = (0..self.len()).find(|number| self.of(side, *number) == text);
                if let Some(number) = at {
                    *text = Ids::word(number);
                }
            }
            _ => {}
        }
    }
}

/// Alertmanager walks a map to name the methods of a path: one process says `[GET,POST]`, the next `[POST,GET]`.
fn methods_in_order(message: &str) -> String {
    let parts = message.split_once('[').and_then(|(before, rest)| {
        let (methods, after) = rest.split_once(']')?;
        Some((before, methods, after))
    });
    let (before, methods, after) = parts.expect("a message about methods names them");
    let mut methods: Vec<&str> = methods.split(',').collect();
    methods.sort_unstable();
    format!("{before}[{}]{after}", methods.join(","))
}

/// A list of silences must be in Alertmanager's order: active ones by their end, pending ones by their start, expired ones
/// by their end, the newest first. Those of one time come in any order, so the lists are compared as sets after that.
fn put_in_order(list: &mut Value) {
    let Value::Array(list) = list else { return };
    let place = |silence: &Value| {
        let time = |name: &str| -> i64 {
            let time: model::Timestamp = silence[name].as_str().unwrap().parse().unwrap();
            time.0
        };
        match silence["status"]["state"].as_str().unwrap() {
            "active" => (0, time("endsAt")),
            "pending" => (1, time("startsAt")),
            _ => (2, -time("endsAt")),
        }
    };
    let places: Vec<_> = list.iter().map(place).collect();
    assert!(places.is_sorted(), "silences out of order: {places:?}");
}
