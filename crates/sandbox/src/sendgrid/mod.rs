//! SendGrid: mail/send into an inbox that a person can look at.
//!
//! Keys: `Bearer SG.…` works; one that begins with `SG.invalid` gets 401, `SG.readonly` 403. Switches: credits (401
//! "Maximum credits exceeded" when they are used up), verified senders (403 for others). Facts: SendGrid's API
//! description (commit bef1536), read 2026-11; 202 has an empty body.

mod page;
mod rules;

pub use rules::Mail;

use crate::exchange::{Reply, Request};
use crate::kept::Kept;
use crate::limits;
use crate::vendor::{Conditions, Vendor};
use http::{HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use rules::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The whole message.
const MAIL_BYTES: usize = 30 * 1024 * 1024;

/// One simulated account.
#[derive(Debug, Default)]
pub struct SendGrid(Mutex<State>);

#[derive(Debug)]
struct State {
    mails: Kept<Mail>,
    /// Recipients that may still be mailed; `None`: any number.
    credits: Option<u64>,
    /// Addresses or domains that may be senders; `None`: all.
    senders: Option<Vec<String>>,
    next: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            mails: Kept::new(limits::LOG_ENTRIES, limits::LOG_ENTRY_BYTES),
            credits: None,
            senders: None,
            next: 1,
        }
    }
}

impl State {
    fn is_sender(&self, from: &str) -> bool {
        let domain = from.rsplit('@').next().unwrap_or_default();
        self.senders.as_ref().is_none_or(|senders| {
            let mut known = senders.iter();
            known
                .any(|known| known.eq_ignore_ascii_case(from) || known.eq_ignore_ascii_case(domain))
        })
    }
}

impl SendGrid {
    /// The mails that were sent, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().mails.iter().cloned().collect()
    }

    fn send(&self, request: &Request, conditions: Conditions) -> Reply {
        let key = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        if !key.starts_with("SG.") || key.starts_with("SG.invalid") {
            let problems = match key {
                "" => vec!["no Authorization: Bearer header".to_owned()],
                _ => Vec::new(),
            };
            let words = "The provided authorization grant is invalid, expired, or revoked";
            return errors(StatusCode::UNAUTHORIZED, &[Problem::new(words, None)])
                .with_problems(problems);
        }
        if key.starts_with("SG.readonly") {
            return errors(
                StatusCode::FORBIDDEN,
                &[Problem::new("access forbidden", None)],
            );
        }
        if request.body.len() > MAIL_BYTES {
            let words = "The message is larger than 30 MB.";
            return errors(StatusCode::PAYLOAD_TOO_LARGE, &[Problem::new(words, None)])
                .with_problems(vec![words.to_owned()]);
        }
        let (mail, problems) = rules::read(request, conditions.now);
        let Ok(mail) = mail else {
            let broken = problems.iter().map(Problem::in_words).collect();
            return errors(StatusCode::BAD_REQUEST, &problems).with_problems(broken);
        };
        self.take(mail)
    }

    fn take(&self, mut mail: Mail) -> Reply {
        let mut state = self.0.lock();
        if !state.is_sender(&mail.from) {
            let words = "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.";
            return errors(StatusCode::FORBIDDEN, &[Problem::new(words, Some("from"))]);
        }
        let recipients = mail.recipients.len() as u64;
        if state.credits.is_some_and(|credits| credits < recipients) {
            return errors(
                StatusCode::UNAUTHORIZED,
                &[Problem::new("Maximum credits exceeded", None)],
            );
        }
        if mail.is_trial {
            return Reply::text(StatusCode::OK, "");
        }
        state.credits = state.credits.map(|credits| credits - recipients);
        mail.id = format!("sandbox{:015}", state.next);
        state.next += 1;
        let mut reply = Reply::text(StatusCode::ACCEPTED, "");
        if let Ok(id) = HeaderValue::try_from(&mail.id) {
            reply.headers.insert("x-message-id", id);
        }
        let weight = mail.weight();
        drop(state.mails.push(mail, weight));
        reply
    }
}

/// SendGrid's form of errors.
fn errors(status: StatusCode, problems: &[Problem]) -> Reply {
    let list: Vec<Value> = problems
        .iter()
        .map(|problem| json!({ "message": problem.message, "field": problem.field, "help": null }))
        .collect();
    Reply::json(status, &json!({ "errors": list }))
}

/// `POST /_sendgrid/settings`: changes what is named; null takes a limit away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Recipients that may still be mailed; 0 answers 401 "Maximum credits exceeded".
    #[serde(default, deserialize_with = "present")]
    credits: Option<Option<u64>>,
    /// Addresses or domains that may be senders.
    #[serde(default, deserialize_with = "present")]
    senders: Option<Option<Vec<String>>>,
}

/// Tells null from absent.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl Vendor for SendGrid {
    fn name(&self) -> &'static str {
        "sendgrid"
    }

    fn about(&self) -> &'static str {
        "mail/send into an inbox with threads; credits and verified senders can be set"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        match (&request.method, request.path.trim_end_matches('/')) {
            (&Method::POST, "/v3/mail/send") => self.send(request, conditions),
            (_, "/v3/mail/send") => errors(
                StatusCode::METHOD_NOT_ALLOWED,
                &[Problem::new("method not allowed", None)],
            ),
            _ => errors(StatusCode::NOT_FOUND, &[Problem::new("not found", None)])
                .with_problems(vec!["only POST /v3/mail/send".to_owned()]),
        }
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::inbox(&self.0.lock().mails))
    }

    /// `POST /_sendgrid/settings {credits, senders}`; `DELETE /_sendgrid` empties it.
    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "settings") => match serde_json::from_slice::<Settings>(body) {
                Ok(settings) => {
                    let too_many = |list: &Vec<String>| list.len() > limits::KNOBS;
                    if settings.senders.iter().flatten().any(too_many) {
                        let problem = format!("at most {} senders", limits::KNOBS);
                        return Reply::complaint(StatusCode::BAD_REQUEST, &problem);
                    }
                    if let Some(credits) = settings.credits {
                        state.credits = credits;
                    }
                    if let Some(senders) = settings.senders {
                        state.senders = senders;
                    }
                    Reply::json(
                        StatusCode::OK,
                        &json!({ "credits": state.credits, "senders": state.senders }),
                    )
                }
                Err(error) => Reply::complaint(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(StatusCode::NOT_FOUND, "POST settings, or DELETE /_sendgrid"),
        }
    }
}
