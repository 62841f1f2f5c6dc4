//! What a mail must be. Limits: SendGrid's API description of `POST /v3/mail/send`.

use crate::exchange::Request;
use serde_json::{Map, Value};
use std::collections::HashSet;

const RECIPIENTS: usize = 1_000;
const CATEGORIES: usize = 10;
const CATEGORY_CHARS: usize = 255;
/// Headers that only SendGrid sets.
const RESERVED: [&str; 12] = [
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
];

/// A mail as it was taken.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// What `X-Message-Id` said.
    pub id: String,
    pub from: String,
    pub recipients: Vec<String>,
    pub subject: String,
    /// `text/plain` and `text/html` with their texts.
    pub content: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// Sandbox mode: checked and not sent.
    pub is_trial: bool,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

impl Mail {
    /// A header of the mail by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn weight(&self) -> usize {
        let pairs = self.content.iter().chain(&self.headers);
        pairs.map(|(a, b)| a.len() + b.len()).sum::<usize>() + self.recipients.len() * 64 + 256
    }
}

/// A reason for 400.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) field: Option<String>,
}

impl Problem {
    pub(super) fn new(message: &str, field: Option<&str>) -> Self {
        Self {
            message: message.to_owned(),
            field: field.map(str::to_owned),
        }
    }

    pub(super) fn in_words(&self) -> String {
        match &self.field {
            Some(field) => format!("{field}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// The mail of a request, or every reason to refuse it.
pub(super) fn read(request: &Request, now: i64) -> (Result<Mail, ()>, Vec<Problem>) {
    let refuse = |message: &str| (Err(()), vec![Problem::new(message, None)]);
    if request.content_type() != "application/json" {
        return refuse("Content-Type should be application/json.");
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&request.body) else {
        return refuse("Bad Request: the body is no JSON object.");
    };
    let mut problems = Vec::new();
    let mut mail = Mail {
        at: now,
        ..Mail::default()
    };
    mail.from = address(body.get("from"), "from", &mut problems);
    recipients(&body, &mut mail, &mut problems);
    mail.subject = text(&body, "subject");
    let own_subjects = list(&body, "personalizations")
        .iter()
        .all(|one| one["subject"].as_str().is_some_and(|text| !text.is_empty()));
    if mail.subject.is_empty() && !own_subjects {
        problems.push(Problem::new("The subject is required.", Some("subject")));
    }
    content(&body, &mut mail, &mut problems);
    headers(&body, &mut mail, &mut problems);
    categories(&body, &mut problems);
    if body.contains_key("reply_to") && body.contains_key("reply_to_list") {
        let words = "reply_to is mutually exclusive with reply_to_list.";
        problems.push(Problem::new(words, Some("reply_to")));
    } else if body.contains_key("reply_to") {
        address(body.get("reply_to"), "reply_to", &mut problems);
    }
    if let Some(at) = body.get("send_at") {
        let latest = now.div_euclid(1_000) + 72 * 3_600;
        if at.as_i64().is_none_or(|at| at > latest) {
            problems.push(Problem::new("At most 72 hours ahead.", Some("send_at")));
        }
    }
    mail.is_trial = body
        .get("mail_settings")
        .is_some_and(|settings| settings["sandbox_mode"]["enable"] == true);
    if problems.is_empty() {
        (Ok(mail), problems)
    } else {
        (Err(()), problems)
    }
}

fn text(body: &Map<String, Value>, name: &str) -> String {
    body.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    body.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn address(value: Option<&Value>, field: &str, problems: &mut Vec<Problem>) -> String {
    let email = value
        .and_then(|value| value["email"].as_str())
        .unwrap_or_default();
    let is_good = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)
    });
    if !is_good {
        let words = "Does not contain a valid address.";
        problems.push(Problem::new(words, Some(&format!("{field}.email"))));
    }
    email.to_owned()
}

fn recipients(body: &Map<String, Value>, mail: &mut Mail, problems: &mut Vec<Problem>) {
    let personalizations = list(body, "personalizations");
    if personalizations.is_empty() || personalizations.len() > RECIPIENTS {
        let words = "The personalizations field is required and must have 1 to 1000 objects.";
        problems.push(Problem::new(words, Some("personalizations")));
    }
    for (place, one) in personalizations.iter().enumerate() {
        if one["to"].as_array().is_none_or(Vec::is_empty) {
            let field = format!("personalizations.{place}.to");
            problems.push(Problem::new("The to array is required.", Some(&field)));
        }
        let mut seen = HashSet::new();
        for kind in ["to", "cc", "bcc"] {
            for (index, value) in one[kind].as_array().into_iter().flatten().enumerate() {
                let field = format!("personalizations.{place}.{kind}.{index}");
                let email = address(Some(value), &field, problems);
                if !seen.insert(email.to_lowercase()) {
                    let words = "Each email address in the personalization block should be unique.";
                    problems.push(Problem::new(words, Some("personalizations")));
                }
                mail.recipients.push(email);
            }
        }
    }
    if mail.recipients.len() > RECIPIENTS {
        let words = "At most 1000 recipients in all.";
        problems.push(Problem::new(words, Some("personalizations")));
    }
}

fn content(body: &Map<String, Value>, mail: &mut Mail, problems: &mut Vec<Problem>) {
    let parts = list(body, "content");
    if parts.is_empty() && !body.contains_key("template_id") {
        problems.push(Problem::new("The content is required.", Some("content")));
    }
    for part in parts {
        let (kind, value) = (part["type"].as_str(), part["value"].as_str());
        match (kind, value) {
            (Some(kind), Some(value)) if !kind.is_empty() && !value.is_empty() => {
                mail.content.push((kind.to_owned(), value.to_owned()));
            }
            _ => problems.push(Problem::new(
                "type and value are required.",
                Some("content"),
            )),
        }
    }
    let place = |kind: &str| mail.content.iter().position(|(found, _)| found == kind);
    let order = (place("text/plain"), place("text/html"));
    if place("text/plain").is_some_and(|at| at > 0) || order.1.is_some_and(|at| at > 1) {
        let words = "text/plain comes first, text/html after it, then other types.";
        problems.push(Problem::new(words, Some("content")));
    }
}

fn headers(body: &Map<String, Value>, mail: &mut Mail, problems: &mut Vec<Problem>) {
    let Some(given) = body.get("headers") else {
        return;
    };
    let Some(given) = given.as_object() else {
        problems.push(Problem::new("The headers are an object.", Some("headers")));
        return;
    };
    for (name, value) in given {
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            let words = format!("The header {name} is reserved.");
            problems.push(Problem::new(&words, Some("headers")));
        }
        match value.as_str() {
            Some(text) if text.is_ascii() && !text.contains(['\r', '\n']) => {
                mail.headers.push((name.clone(), text.to_owned()));
            }
            _ => {
                let words = format!("The header {name} must be encoded text of one line.");
                problems.push(Problem::new(&words, Some("headers")));
            }
        }
    }
}

fn categories(body: &Map<String, Value>, problems: &mut Vec<Problem>) {
    let categories = list(body, "categories");
    let names: HashSet<&str> = categories.iter().filter_map(Value::as_str).collect();
    let is_long = |name: &&str| name.chars().count() > CATEGORY_CHARS;
    if categories.len() > CATEGORIES || names.len() < categories.len() || names.iter().any(is_long)
    {
        let words = "At most 10 different categories of at most 255 characters.";
        problems.push(Problem::new(words, Some("categories")));
    }
}
