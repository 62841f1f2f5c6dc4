//! What Teams' answers mean. 202 says that the flow will run, not that the card was posted.
//!
//! Codes in the bodies of refusals are Power Automate's; they are not published in one place, so an unknown one counts
//! by its status. The older connectors answer 200 for everything and put the real status into a sentence.

use model::Outcome;
use serde_json::{Value, json};
use wire::http::HttpReply;

use crate::kit::{ErrorSentence, Finish, Judge, standard, standard_sentence};

/// A refusal that is known by its code.
struct Known {
    code: &'static str,
    status: u16,
    outcome: Outcome,
}

const fn known(code: &'static str, status: u16, outcome: Outcome) -> Known {
    Known {
        code,
        status,
        outcome,
    }
}

static KNOWN: [Known; 7] = [
    known("WorkflowTriggerIsNotEnabled", 400, Outcome::TargetGone),
    known("WorkflowNotFound", 404, Outcome::TargetGone),
    known("WorkflowTriggerNotFound", 404, Outcome::TargetGone),
    known(
        "DirectApiAuthorizationRequired",
        401,
        Outcome::CredentialBad,
    ),
    known("AuthorizationFailed", 401, Outcome::CredentialBad),
    known("TriggerInputSchemaMismatch", 400, Outcome::PayloadBad),
    known("HTTP error 429", 200, Outcome::Throttled { after_ms: None }),
];

/// One sentence for each of them, and for statuses.
pub static SENTENCES: [ErrorSentence; 10] = [
    sentence(
        "WorkflowTriggerIsNotEnabled",
        "The workflow is switched off: switch it on in Power Automate.",
    ),
    sentence(
        "WorkflowNotFound",
        "The workflow was deleted: make a new one and set its address.",
    ),
    sentence(
        "WorkflowTriggerNotFound",
        "The workflow no longer begins with a webhook: make a new one and set its address.",
    ),
    sentence(
        "DirectApiAuthorizationRequired",
        "The address lacks its signature: copy it whole, or let the workflow's trigger be used by anyone.",
    ),
    sentence(
        "AuthorizationFailed",
        "The address's signature is refused: copy the address again.",
    ),
    sentence(
        "TriggerInputSchemaMismatch",
        "The workflow wants another form of message: make it from the template for webhooks.",
    ),
    sentence(
        "HTTP error 429",
        "Teams wants us to slow down, and says so in the words of an answer with 200.",
    ),
    sentence(
        "401",
        "The address's signature is refused (401): copy the workflow's address again.",
    ),
    sentence(
        "404",
        "There is no workflow at this address (404): it was deleted, or the address is not whole.",
    ),
    sentence("413", "The card is larger than Teams takes."),
];

const fn sentence(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// Status and body of a named error, as Teams answers.
pub fn example(code: &str) -> (u16, String) {
    let words = "Webhook message delivery failed with error: Microsoft Teams endpoint returned";
    match KNOWN.iter().find(|known| known.code == code) {
        Some(known) if known.status == 200 => (200, format!("{words} {code} with ContextId x.")),
        Some(known) => {
            let body =
                json!({ "error": { "code": code, "message": "as Power Automate words it" } });
            (known.status, body.to_string())
        }
        None => (code.parse().unwrap_or(400), String::new()),
    }
}

/// Judges an answer.
pub fn answer(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    let words = reply.text();
    if (200..300).contains(&reply.status) {
        return match hidden_status(&words) {
            Some(429) => judge.finish(
                judge.throttled(reply),
                status,
                judge.sentence("HTTP error 429").unwrap_or_default(),
                &words,
            ),
            Some(hidden) => {
                // 2xx and 3xx are no errors that anybody reports.
                let outcome = match standard(hidden) {
                    Outcome::Delivered => Outcome::Ambiguous,
                    other => other,
                };
                let sentence = judge.sentence(&hidden.to_string());
                let sentence = sentence.unwrap_or_else(|| standard_sentence(hidden));
                judge.finish(outcome, status, sentence, &words)
            }
            // The older connectors say `1` when the message is there; a flow runs later.
            None if reply.status == 200 && words.trim() == "1" => {
                judge.finish(Outcome::Delivered, status, "", "")
            }
            None => judge.finish(Outcome::Accepted, status, "", ""),
        };
    }
    let code = code(&reply.body);
    let found = KNOWN
        .iter()
        .find(|known| Some(known.code) == code.as_deref());
    match found {
        Some(known) if reply.status != 429 && reply.status < 500 => {
            let sentence = judge.sentence(known.code).unwrap_or_default();
            judge.finish(known.outcome.clone(), status, sentence, &words)
        }
        _ => judge.http(reply),
    }
}

/// `… Microsoft Teams endpoint returned HTTP error 429 …`: the status that an answer with 200 hides.
fn hidden_status(words: &str) -> Option<u16> {
    let (_, after) = words.split_once("HTTP error ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits
        .parse()
        .ok()
        .filter(|status| (100..600).contains(status))
}

fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.pointer("/error/code")?.as_str().map(str::to_owned)
}
