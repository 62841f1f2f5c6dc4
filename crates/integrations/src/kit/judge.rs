//! What a reply means as far as all vendors agree (wire facts §0). A vendor's folder says where its own differs.

use model::{Outcome, Secret, Timestamp, limits};
use wire::http::{HttpReply, Sent, TransportError, TransportErrorKind};
use wire::redact;

use crate::kit::{Finish, Reply, SinkManifest};

/// Judges replies for one sink and one task.
pub struct Judge<'a> {
    pub manifest: &'static SinkManifest,
    /// What must not be seen in excerpts.
    pub secrets: Vec<&'a Secret>,
    /// For dates in `Retry-After`.
    pub now: Timestamp,
    /// Statuses with which this vendor means something else.
    pub overrides: &'static [(u16, Outcome)],
}

impl Judge<'_> {
    /// The common judgement of a reply.
    pub fn judge(&self, reply: &Reply) -> Finish {
        match reply {
            Ok(reply) => self.http(reply),
            Err(error) => self.transport(error),
        }
    }

    /// No reply. What certainly never left is tried again, unless the operator has to change something first.
    pub fn transport(&self, error: &TransportError) -> Finish {
        let outcome = match (error.sent, error.kind) {
            (Sent::Maybe, _) => Outcome::Ambiguous,
            // Settings are at fault: nothing is lost by waiting for them, and the integration shows it.
            (Sent::Never, TransportErrorKind::BadRequest | TransportErrorKind::AddressRefused) => {
                Outcome::TargetGone
            }
            (Sent::Never, _) => Outcome::Retry,
        };
        self.finish(outcome, None, &error.what, "")
    }

    /// A reply judged by its status alone.
    pub fn http(&self, reply: &HttpReply) -> Finish {
        let outcome = match self.overridden(reply.status) {
            Some(outcome) => outcome,
            None => standard(reply.status),
        };
        let outcome = match outcome {
            Outcome::Throttled { .. } => self.throttled(reply),
            other => other,
        };
        let sentence = match outcome {
            Outcome::Delivered => "",
            _ => self
                .sentence(&reply.status.to_string())
                .unwrap_or(standard_sentence(reply.status)),
        };
        self.finish(outcome, Some(reply.status), sentence, &reply.text())
    }

    /// Throttled, for as long as the reply's `Retry-After` says.
    pub fn throttled(&self, reply: &HttpReply) -> Outcome {
        let asked = reply.header("retry-after");
        Outcome::Throttled {
            after_ms: asked
                .and_then(|value| wire::retry_after(value, self.now))
                .map(|d| d.0),
        }
    }

    /// The manifest's sentence for the vendor's error.
    pub fn sentence(&self, code: &str) -> Option<&'static str> {
        self.manifest
            .errors
            .iter()
            .find(|e| e.code == code)
            .map(|e| e.sentence)
    }

    /// Puts a judgement together: our sentence, then the vendor's words, without secrets (I9) and cut.
    pub fn finish(
        &self,
        outcome: Outcome,
        status: Option<u16>,
        sentence: &str,
        words: &str,
    ) -> Finish {
        let words = words.trim();
        let text = match (sentence.is_empty(), words.is_empty()) {
            (false, false) => format!("{sentence} The answer was: {words}"),
            (false, true) => sentence.to_owned(),
            (true, _) => words.to_owned(),
        };
        Finish {
            outcome,
            handle: None,
            status,
            excerpt: redact::excerpt(&text, &self.secrets, limits::EXCERPT_CHARS_MAX),
        }
    }

    fn overridden(&self, status: u16) -> Option<Outcome> {
        self.overrides
            .iter()
            .find(|(s, _)| *s == status)
            .map(|(_, outcome)| outcome.clone())
    }
}

/// What a status means where the vendor does not say otherwise. 408 and 5xx are ambiguous: the request was read, and
/// nobody knows how far it came (lane table, "ambiguous").
pub fn standard(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        // Not followed: a redirect leads somewhere that the operator did not name.
        300..=399 => Outcome::TargetGone,
        401 | 403 => Outcome::CredentialBad,
        404 | 405 | 410 | 451 | 501 => Outcome::TargetGone,
        408 => Outcome::Ambiguous,
        421 | 425 => Outcome::Retry,
        429 => Outcome::Throttled { after_ms: None },
        400..=499 => Outcome::PayloadBad,
        _ => Outcome::Ambiguous,
    }
}

/// The sentence for a status for which the vendor has none of its own.
pub fn standard_sentence(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "The address redirects, and redirects are not followed: set the address that it points to."
        }
        401 => "The credential was refused (401): replace it.",
        403 => {
            "The credential is not allowed to do this (403): check its permissions, or replace it."
        }
        404 => "There is nothing at this address (404): check it.",
        405 | 501 => "The address does not take this kind of request: check it.",
        410 => "The address is gone for good (410): set a new one.",
        413 => "The message is too large for the receiver (413).",
        429 => "The receiver wants us to slow down (429).",
        408 | 500..=599 => {
            "The receiver failed; it may have taken the message or not, so it will be repeated."
        }
        400..=499 => "The receiver refuses the message as it is.",
        _ => "The answer is not one that HTTP knows; a proxy may be in between.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_the_wire_facts_say() {
        let throttled = Outcome::Throttled { after_ms: None };
        let table = [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (302, Outcome::TargetGone),
            (400, Outcome::PayloadBad),
            (401, Outcome::CredentialBad),
            (403, Outcome::CredentialBad),
            (404, Outcome::TargetGone),
            (408, Outcome::Ambiguous),
            (410, Outcome::TargetGone),
            (413, Outcome::PayloadBad),
            (422, Outcome::PayloadBad),
            (429, throttled),
            (500, Outcome::Ambiguous),
            (503, Outcome::Ambiguous),
            (599, Outcome::Ambiguous),
        ];
        for (status, outcome) in table {
            assert_eq!(standard(status), outcome, "{status}");
        }
    }
}
