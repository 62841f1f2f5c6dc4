//! Random calls, the same for the same seed but for times.

use model::{DurationMs, Timestamp};
use serde_json::{Value, json};

use super::shape::Ids;
use crate::dice::Dice;

/// One call. Ids of silences in it are words of [`Ids`].
#[derive(Debug)]
pub struct Call {
    pub kind: &'static str,
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
    /// The silence at `path` is read and posted with these changes.
    pub edit: Option<Edit>,
}

/// What is changed about a silence.
#[derive(Debug)]
pub struct Edit(pub Value);

impl Edit {
    pub fn of(&self, mut silence: Value) -> Value {
        for (name, value) in self.0.as_object().unwrap() {
            silence[name] = value.clone();
        }
        silence
    }
}

impl Call {
    pub fn get(kind: &'static str, path: String) -> Call {
        Call {
            kind,
            method: "GET",
            path,
            body: None,
            edit: None,
        }
    }

    fn post(kind: &'static str, path: &str, body: &Value) -> Call {
        Call {
            method: "POST",
            body: Some(body.to_string()),
            ..Call::get(kind, path.to_owned())
        }
    }

    pub fn is_question(&self) -> bool {
        self.method == "GET" && self.edit.is_none()
    }
}

pub struct Calls {
    dice: Dice,
}

impl Calls {
    pub fn new(seed: u64) -> Calls {
        Calls { dice: Dice(seed) }
    }

    pub fn next(&mut self, ids: &Ids, now: Timestamp) -> Call {
        match self.dice.below(100) {
            0..25 => self.alerts(now),
            25..45 => Call::get("alerts", format!("/api/v2/alerts{}", self.query())),
            45..58 => Call::get("groups", format!("/api/v2/alerts/groups{}", self.query())),
            58..70 => self.silence(now),
            70..80 if ids.len() > 0 => self.edit(ids, now),
            80..86 if ids.len() > 0 => Call {
                method: "DELETE",
                ..self.one("expire", ids)
            },
            86..90 if ids.len() > 0 => self.one("one", ids),
            90..92 => self.odd(),
            _ => {
                let filters = self.filters();
                Call::get(
                    "silences",
                    format!("/api/v2/silences?{}", filters.join("&")),
                )
            }
        }
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.dice.below(of.len() as u64);
        of[usize::try_from(at).unwrap()].clone()
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.dice.below(n) == 0
    }

    fn labels(&mut self) -> Value {
        let mut labels = json!({ "alertname": self.pick(&["A", "B", "C", "D"]) });
        for (name, values) in [
            ("env", &["prod", "dev"][..]),
            ("severity", &["page", "critical", "warning", "odd"]),
            ("team", &["db", "web"]),
            ("job", &["x", "y"]),
            ("instance", &["h:1", "h:2", "ü \"q\" \\"]),
            ("empty", &[""]),
        ] {
            if self.one_in(2) {
                labels[name] = self.pick(values).into();
            }
        }
        labels
    }

    fn alerts(&mut self, now: Timestamp) -> Call {
        let minutes = |m: i64| Value::from((now + DurationMs::from_mins(m)).to_string());
        let count = 1 + self.dice.below(5);
        let mut list = Vec::new();
        for _ in 0..count {
            let mut alert = json!({ "labels": self.labels() });
            if self.one_in(2) {
                alert["annotations"] = json!({ "summary": self.pick(&["s", "t"]) });
            }
            if self.one_in(2) {
                alert["startsAt"] = minutes(-30);
            }
            match self.dice.below(6) {
                0..3 => alert["endsAt"] = minutes(60),
                3..5 => alert["endsAt"] = minutes(0),
                _ => {}
            }
            if self.one_in(3) {
                alert["generatorURL"] = "http://prometheus:9090/graph?g0.expr=up&g0.tab=1".into();
            }
            match self.dice.below(30) {
                0 => alert["labels"] = json!({}),
                1 => alert["labels"] = json!({ "1bad": "x" }),
                2 => alert["annotations"] = json!({ "bad-name": "x" }),
                3 => {
                    alert["startsAt"] = minutes(120);
                    alert["endsAt"] = minutes(90);
                }
                _ => {}
            }
            list.push(alert);
        }
        Call::post("post", "/api/v2/alerts", &Value::from(list))
    }

    /// Matchers as parts of a query.
    fn filters(&mut self) -> Vec<String> {
        const MATCHERS: [&str; 20] = [
            "alertname=A",
            "alertname=\"B\"",
            "alertname=~\"A|B\"",
            "alertname!~\"[AB]\"",
            "alertname!=C",
            "env=prod",
            "env!=\"\"",
            "env=",
            "severity=~\"pa.*|critical\"",
            "severity!=odd",
            "team=~\"\"",
            "team!~\".+\"",
            "instance=\"ü \\\"q\\\" \\\\\"",
            "instance=~h:\\d",
            " job = x ",
            "job=~(",
            "bad",
            "job=\"x",
            "job=~x**",
            "{job=\"x\"}",
        ];
        let count = self.pick(&[0, 0, 1, 1, 1, 2, 3]);
        (0..count)
            .map(|_| {
                // Most are good ones.
                let good = if self.one_in(8) { 20 } else { 15 };
                let matcher = self.pick(&MATCHERS[..good]);
                format!("filter={}", encoded(matcher))
            })
            .collect()
    }

    fn query(&mut self) -> String {
        let mut parts = self.filters();
        for flag in ["active", "silenced", "inhibited", "unprocessed"] {
            if self.one_in(5) {
                let value = self.pick(&["true", "false", "0", "yes", "", "maybe"]);
                parts.push(format!("{flag}={value}"));
            }
        }
        if self.one_in(4) {
            let receiver =
                self.pick(&["page", "db.*", "everything|page", ".*", "none", "(", "a**"]);
            parts.push(format!("receiver={}", encoded(receiver)));
        }
        match parts.is_empty() {
            true => String::new(),
            false => format!("?{}", parts.join("&")),
        }
    }

    fn matchers(&mut self) -> Value {
        let matcher = |name: &str, value: &str, is_regex: bool, is_equal: Option<bool>| {
            let mut matcher = json!({ "name": name, "value": value, "isRegex": is_regex });
            if let Some(is_equal) = is_equal {
                matcher["isEqual"] = is_equal.into();
            }
            matcher
        };
        let some = [
            matcher("alertname", "A", false, None),
            matcher("alertname", "A|B", true, Some(true)),
            matcher("alertname", "C", false, Some(false)),
            matcher("env", "prod", false, Some(true)),
            matcher("env", "", false, Some(false)),
            matcher("env", "p.*", true, Some(false)),
            matcher("severity", "page", false, None),
            matcher("severity", "odd|warning", true, None),
            matcher("team", "", false, None),
            matcher("job", "x", false, Some(false)),
        ];
        (0..1 + self.dice.below(3))
            .map(|_| self.pick(&some))
            .collect()
    }

    /// A start, which lies behind or far ahead, and an end that is never reached.
    fn times(&mut self, now: Timestamp) -> (String, String) {
        let start = self.pick(&[-60, -5, 300, 400]);
        let end = 600 + i64::try_from(self.dice.below(600)).unwrap();
        let at = |m: i64| (now + DurationMs::from_mins(m)).to_string();
        (at(start), at(end))
    }

    fn silence(&mut self, now: Timestamp) -> Call {
        let (start, end) = self.times(now);
        let mut body = json!({
            "matchers": self.matchers(), "startsAt": start, "endsAt": end,
            "createdBy": self.pick(&["anna", ""]), "comment": self.pick(&["c", "ü\n", ""]),
        });
        let remove =
            |body: &mut Value, name: &str| drop(body.as_object_mut().unwrap().remove(name));
        let regex = |value: &str| json!([{ "name": "env", "value": value, "isRegex": true }]);
        match self.dice.below(40) {
            0 => remove(&mut body, "comment"),
            1 => remove(&mut body, "createdBy"),
            2 => remove(&mut body, "startsAt"),
            3 => remove(&mut body, "matchers"),
            4 => body["matchers"] = json!([]),
            5 => body["matchers"] = regex("("),
            6 => body["matchers"] = regex("a**"),
            7 => body["matchers"] = regex(".*"),
            8 => body["matchers"] = json!([{ "name": "a-b", "value": "x", "isRegex": false }]),
            9 => body["matchers"] = json!([{ "name": "env", "value": "x" }]),
            10 => body["endsAt"] = (now + DurationMs::from_mins(-90)).to_string().into(),
            11 => body["startsAt"] = body["endsAt"].clone(),
            12 => {
                body["id"] = "00000000-0000-0000-0000-000000000000".into();
                body["matchers"] = regex("x");
            }
            13 => body["id"] = "no id".into(),
            14 => body = json!({}),
            _ => {}
        }
        Call::post("silence", "/api/v2/silences", &body)
    }

    fn one(&mut self, kind: &'static str, ids: &Ids) -> Call {
        let number = usize::try_from(self.dice.below(ids.len() as u64)).unwrap();
        Call::get(kind, format!("/api/v2/silence/{}", Ids::word(number)))
    }

    fn edit(&mut self, ids: &Ids, now: Timestamp) -> Call {
        let (start, end) = self.times(now);
        let mut changes = json!({ "comment": self.pick(&["changed", "again"]) });
        if self.one_in(2) {
            changes["endsAt"] = end.into();
        }
        if self.one_in(4) {
            changes["startsAt"] = start.into();
        }
        if self.one_in(4) {
            // A change that is refused ends the old one there, and not here.
            let mut matchers = self.matchers();
            let good = json!({ "name": "alertname", "value": "A|B", "isRegex": true });
            matchers.as_array_mut().unwrap().push(good);
            changes["matchers"] = matchers;
        }
        if self.one_in(15) {
            changes["endsAt"] = (now + DurationMs::from_mins(-90)).to_string().into();
        }
        Call {
            method: "POST",
            edit: Some(Edit(changes)),
            ..self.one("edit", ids)
        }
    }

    /// What is not of the API.
    fn odd(&mut self) -> Call {
        let (method, path) = self.pick(&[
            ("GET", "/api/v2/silence/x"),
            ("DELETE", "/api/v2/silence/x"),
            (
                "GET",
                "/api/v2/silence/00000000-0000-0000-0000-000000000000",
            ),
            ("PUT", "/api/v2/alerts"),
            ("DELETE", "/api/v2/alerts/groups"),
            ("PATCH", "/api/v2/receivers"),
            ("POST", "/api/v2/status"),
            ("GET", "/api/v2/nothing"),
            ("GET", "/nothing"),
            ("POST", "/api/v2/alerts"),
            ("POST", "/api/v2/silences"),
        ]);
        Call {
            method,
            ..Call::get("odd", path.to_owned())
        }
    }
}

/// Percent-encoded for a query.
fn encoded(text: &str) -> String {
    let signs = percent_encoding::NON_ALPHANUMERIC;
    percent_encoding::utf8_percent_encode(text, signs).to_string()
}
