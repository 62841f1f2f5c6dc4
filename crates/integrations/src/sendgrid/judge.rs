//! What SendGrid's answers mean.

use model::{DurationMs, Handle, Outcome, Timestamp};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{Finish, Judge};

/// How long to wait when the account's credits are used up: they come back each day, at a time that SendGrid does not
/// name. A try each hour costs nothing.
const CREDITS_PAUSE: DurationMs = DurationMs::from_hours(1);
/// A reset further away than a day is not believed.
const RESET_MS_MAX: i64 = 24 * 3_600_000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    errors: Vec<Problem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: Option<String>,
    field: Option<String>,
}

impl Answer {
    fn says(&self, words: &str) -> bool {
        let texts = self.errors.iter().filter_map(|e| e.message.as_deref());
        texts
            .into_iter()
            .any(|text| text.to_ascii_lowercase().contains(words))
    }

    /// It names a field that comes from the settings.
    fn is_about_addresses(&self) -> bool {
        let mut fields = self.errors.iter().filter_map(|e| e.field.as_deref());
        fields.any(|field| {
            ["personalizations", "from", "reply_to"]
                .iter()
                .any(|name| field.starts_with(name))
        })
    }
}

/// Judges the answer to a mail. `now` is `None` where there is no clock.
pub fn judge(judge: &Judge<'_>, reply: &HttpReply, now: Option<Timestamp>) -> Finish {
    let status = Some(reply.status);
    let answer = serde_json::from_slice::<Answer>(&reply.body).unwrap_or_default();
    let named = |outcome, code: &str| {
        let sentence = judge.sentence(code).unwrap_or_default();
        judge.finish(outcome, status, sentence, &reply.text())
    };
    match reply.status {
        200..=299 => accepted(judge, reply),
        // The key is well: it must neither be removed nor its owner be told so.
        401 if answer.says("maximum credits exceeded") => {
            let after_ms = Some(CREDITS_PAUSE.0);
            named(Outcome::Throttled { after_ms }, "credits")
        }
        403 if answer.says("sender") || answer.says("from address") => {
            named(Outcome::ScopeMissing, "sender")
        }
        403 => named(Outcome::ScopeMissing, "403"),
        // What the settings say is wrong: nothing is lost by waiting for them.
        400 if answer.is_about_addresses() => named(Outcome::TargetGone, "addresses"),
        429 => {
            let mut finish = judge.http(reply);
            finish.outcome = throttled(judge, reply, now);
            finish
        }
        _ => judge.http(reply),
    }
}

/// 202 has no body; its id is a header. A trial is answered with 200.
fn accepted(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    let text = reply.text();
    if text.trim_start().starts_with('<') {
        // It comes from something in between: whether SendGrid heard us is unknown.
        let sentence =
            "The answer is not one of SendGrid's: check `base_url`, or a proxy in between.";
        return judge.finish(Outcome::Ambiguous, status, sentence, &text);
    }
    let id = reply.header("x-message-id").unwrap_or_default().to_owned();
    let mut finish = judge.finish(Outcome::Accepted, status, "", &id);
    // Redacted like the excerpt: it comes from outside.
    if !id.is_empty() && id == finish.excerpt {
        finish.handle = Some(Handle {
            data: json!({ "message_id": id }),
            object: id,
        });
    }
    finish
}

/// `Retry-After`, or `X-RateLimit-Reset`: the second, since 1970, at which the period begins anew.
fn throttled(judge: &Judge<'_>, reply: &HttpReply, now: Option<Timestamp>) -> Outcome {
    let outcome = judge.throttled(reply);
    let reset = reply
        .header("x-ratelimit-reset")
        .and_then(|value| value.trim().parse::<i64>().ok())
        .zip(now)
        .map(|(seconds, now)| seconds.saturating_mul(1000).saturating_sub(now.0))
        .filter(|ms| (0..=RESET_MS_MAX).contains(ms));
    match (&outcome, reset) {
        (Outcome::Throttled { after_ms: None }, Some(ms)) => {
            Outcome::Throttled { after_ms: Some(ms) }
        }
        _ => outcome,
    }
}
