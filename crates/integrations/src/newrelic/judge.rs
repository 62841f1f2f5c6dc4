//! What New Relic's answers mean. The Event API says yes before it has read the event.

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{Finish, Judge};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    success: Option<bool>,
    uuid: Option<String>,
}

/// Judges the answer to an event: 200 means taken, not stored.
pub fn event(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    if !(200..300).contains(&reply.status) {
        return judge.http(reply);
    }
    match serde_json::from_slice::<Answer>(&reply.body) {
        Ok(answer) if answer.success != Some(false) => {
            let uuid = answer.uuid.unwrap_or_default();
            let mut finish = judge.finish(Outcome::Accepted, status, "", &uuid);
            // Redacted like the excerpt: it comes from outside.
            if !uuid.is_empty() && uuid == finish.excerpt {
                finish.handle = Some(Handle {
                    data: json!({ "uuid": uuid }),
                    object: uuid,
                });
            }
            finish
        }
        Ok(_) => {
            let sentence = judge.sentence("400").unwrap_or_default();
            judge.finish(Outcome::PayloadBad, status, sentence, &reply.text())
        }
        // It comes from something in between: whether New Relic heard us is unknown.
        Err(_) => {
            let sentence =
                "The answer is not one of New Relic's: check `base_url`, or a proxy in between.";
            judge.finish(Outcome::Ambiguous, status, sentence, &reply.text())
        }
    }
}

/// Judges the answer to the probe's query.
pub fn query(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    if reply.status == 401 || reply.status == 403 {
        let sentence =
            "New Relic does not know the query key: check it, the account id and the region.";
        return judge.finish(Outcome::CredentialBad, status, sentence, &reply.text());
    }
    judge.http(reply)
}
