//! Placeholders for the file's secrets. Values are kept only to see that two are the same; nothing shows them.

use model::Secret;

/// The variable that the source's key comes from.
pub const KEY: &str = "CAMPANILE_ALERTMANAGER_KEY";

#[derive(Debug, Default)]
pub struct Secrets(Vec<Wanted>);

#[derive(Debug)]
struct Wanted {
    name: String,
    what: String,
    value: Secret,
}

impl Secrets {
    /// The placeholder for `value`, which stands for `what` (such as `receivers[0].slack_configs[1].api_url`, line 5).
    /// `hint` becomes the variable's name; one value has one variable.
    pub fn placeholder(&mut self, hint: &str, what: String, value: &str) -> String {
        if let Some(known) = self.0.iter().find(|known| known.value.expose() == value) {
            return format!("${{{}}}", known.name);
        }
        let base = variable(hint);
        let mut name = base.clone();
        let mut number = 2;
        while self.0.iter().any(|known| known.name == name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.0.push(Wanted {
            name: name.clone(),
            // It stands in a comment of the configuration, which ends with its line.
            what: crate::client::clean(&what),
            value: Secret::new(value),
        });
        format!("${{{name}}}")
    }

    /// What must be set: names, and what each stands for.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, String)> {
        let key =
            "what Prometheus proves itself with, such as the output of `openssl rand -hex 16`";
        let own = std::iter::once((KEY, key.to_owned()));
        let rest = self.0.iter();
        own.chain(rest.map(|wanted| (wanted.name.as_str(), wanted.what.clone())))
    }
}

/// A variable's name from any text.
fn variable(hint: &str) -> String {
    let mut name = String::new();
    for c in hint.chars().take(60) {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_uppercase()),
            _ if !name.is_empty() && !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        None => "SECRET".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("AM_{name}"),
        Some(_) => name.to_owned(),
    }
}
