//! Queries and their parameters. Of Opsgenie's search language: terms `field:value` or `field=value` and bare words, all of
//! which must hold; `AND` between them may be left out. Anything else is refused rather than read wrongly.

use super::alert::Alert;
use super::reply::Refusal;
use http::StatusCode;

/// The query string's parameters.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number within bounds, or its default.
    pub(super) fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| *number <= max);
        number.ok_or_else(|| wrong(name, &format!("should be a number up to {max}")))
    }

    /// One of these words; the first if absent.
    pub(super) fn word<'a>(&self, name: &str, words: &[&'a str]) -> Result<&'a str, Refusal> {
        let first = words.first().copied().unwrap_or_default();
        let Some(text) = self.get(name) else {
            return Ok(first);
        };
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        found
            .copied()
            .ok_or_else(|| wrong(name, &format!("should be one of {}", words.join(", "))))
    }
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::fields(&[(name.to_owned(), what.to_owned())])
}

/// A term: field and value, or a bare word.
enum Term {
    Field(String, String),
    Word(String),
}

/// The terms of a query.
fn terms(query: &str) -> Result<Vec<Term>, Refusal> {
    let no = |what: &str| {
        let message = format!("The sandbox reads only field:value terms joined by AND: {what}");
        Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message))
    };
    let mut terms = Vec::new();
    for token in tokens(query) {
        match token.as_str() {
            "AND" | "and" => {}
            "OR" | "or" | "NOT" | "not" => return no(&token),
            _ if token.contains(['(', ')', '<', '>', '*']) => return no(&token),
            _ => terms.push(match token.split_once([':', '=']) {
                Some((field, value)) => {
                    Term::Field(field.trim().to_ascii_lowercase(), value.trim().to_owned())
                }
                None => Term::Word(token.to_lowercase()),
            }),
        }
    }
    Ok(terms)
}

/// Words; what stands in double quotes is one, also after a field's colon, around which blanks go.
fn tokens(query: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let (mut word, mut is_quoted) = (String::new(), false);
    for c in query.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            c if c.is_whitespace() && !is_quoted && !word.ends_with([':', '=']) => {
                tokens.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            c if c.is_whitespace() && !is_quoted => {}
            ':' | '=' if word.is_empty() && !is_quoted => {
                word = tokens.pop().unwrap_or_default();
                word.push(c);
            }
            c => word.push(c),
        }
    }
    tokens.extend((!word.is_empty()).then_some(word));
    tokens
}

/// Whether alerts match a query.
pub(super) fn matcher(query: &str) -> Result<impl Fn(&Alert) -> bool, Refusal> {
    let terms = terms(query)?;
    for term in &terms {
        if let Term::Field(field, _) = term
            && !FIELDS.contains(&field.as_str())
        {
            return Err(wrong("query", &format!("the sandbox has no field {field}")));
        }
    }
    Ok(move |alert: &Alert| terms.iter().all(|term| holds(term, alert)))
}

const FIELDS: [&str; 14] = [
    "status",
    "alias",
    "id",
    "alertid",
    "tinyid",
    "message",
    "description",
    "priority",
    "source",
    "entity",
    "owner",
    "tag",
    "acknowledged",
    "snoozed",
];

fn holds(term: &Term, alert: &Alert) -> bool {
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    match term {
        Term::Word(word) => has(&alert.message, word) || has(&alert.description, word),
        Term::Field(field, value) => match field.as_str() {
            "status" => alert.status() == value,
            "alias" => alert.alias == *value,
            "id" | "alertid" => alert.id == *value,
            "tinyid" => alert.tiny_id.to_string() == *value,
            "message" => has(&alert.message, value),
            "description" => has(&alert.description, value),
            "priority" => alert.priority == *value,
            "source" => alert.source == *value,
            "entity" => alert.entity == *value,
            "owner" => alert.owner == *value,
            "tag" => alert.tags.contains(value),
            "acknowledged" => alert.acknowledged.to_string() == *value,
            _ => alert.snoozed_until.is_some().to_string() == *value,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        Alert {
            alias: "a:b".into(),
            message: "Disk Full on db-1".into(),
            priority: "P1".into(),
            source: "Campanile EU".into(),
            tags: vec!["prod".into()],
            ..Alert::default()
        }
    }

    #[test]
    fn all_terms_of_a_query_must_hold() {
        let table = [
            ("", true),
            ("status:open", true),
            ("status=closed", false),
            ("status : open AND priority: P1 tag:prod", true),
            ("disk db-1", true),
            ("disk db-2", false),
            ("source:\"Campanile EU\"", true),
            ("alias:\"a:b\"", true),
            ("acknowledged:false and snoozed:true", false),
        ];
        for (query, expected) in table {
            let matches = matcher(query).map(|matches| matches(&alert()));
            assert_eq!(matches.ok(), Some(expected), "{query}");
        }
    }

    #[test]
    fn what_is_not_read_is_refused() {
        for query in [
            "status:open OR status:closed",
            "NOT tag:x",
            "createdAt>1",
            "(a b)",
            "colour:red",
        ] {
            let refused = matcher(query).err().map(|refusal| refusal.status.as_u16());
            assert_eq!(refused, Some(422), "{query}");
        }
    }
}
