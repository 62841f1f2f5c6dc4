//! The numbers that stand for words in the tables. They are part of the file's format: never change one.

use model::{AttemptKind, EventKind, Outcome, Severity, Status, Told};

use super::{BadRow, Read};

/// The code of `updated` events; the index `event_updated` and the sweep name it.
pub(crate) const UPDATED: i64 = 3;

pub(crate) fn status(value: Status) -> i64 {
    match value {
        Status::Tracking => 0,
        Status::Open => 1,
        Status::Acknowledged => 2,
        Status::Shelved => 3,
        Status::Closed => 4,
    }
}

pub(crate) fn status_of(code: i64) -> Read<Status> {
    find("status", Status::ALL, status, code)
}

pub(crate) fn severity(value: Severity) -> i64 {
    match value {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Minor => 2,
        Severity::Major => 3,
        Severity::Critical => 4,
    }
}

pub(crate) fn kind(value: EventKind) -> i64 {
    match value {
        EventKind::Tracked => 1,
        EventKind::Opened => 2,
        EventKind::Updated => UPDATED,
        EventKind::SeverityChanged => 4,
        EventKind::Acknowledged => 5,
        EventKind::Unacknowledged => 6,
        EventKind::Assigned => 7,
        EventKind::Noted => 8,
        EventKind::Shelved => 9,
        EventKind::Unshelved => 10,
        EventKind::Closed => 11,
        EventKind::Cancelled => 12,
        EventKind::Expired => 13,
        EventKind::Reopened => 14,
        EventKind::Informed => 15,
    }
}

pub(crate) fn kind_of(code: i64) -> Read<EventKind> {
    find("event kind", EventKind::ALL, kind, code)
}

pub(crate) fn told(value: Told) -> i64 {
    match value {
        Told::Nothing => 0,
        Told::Open => 1,
        Told::Acked => 2,
        Told::Closed => 3,
    }
}

pub(crate) fn told_of(code: i64) -> Read<Told> {
    let all = [Told::Nothing, Told::Open, Told::Acked, Told::Closed];
    find("told state", all, told, code)
}

/// An attempt's outcome, for listings by outcome.
pub(crate) fn outcome(kind: &AttemptKind) -> i64 {
    match kind {
        AttemptKind::Skipped => 0,
        AttemptKind::Sent { outcome, .. } | AttemptKind::Late { outcome, .. } => match outcome {
            Outcome::Delivered => 1,
            Outcome::Accepted => 2,
            Outcome::Throttled { .. } => 3,
            Outcome::Retry => 4,
            Outcome::Ambiguous => 5,
            Outcome::CredentialBad => 6,
            Outcome::ScopeMissing => 7,
            Outcome::TargetGone => 8,
            Outcome::PayloadBad => 9,
            Outcome::Stale => 10,
        },
    }
}

/// The code of a word of `Outcome::as_str`, or `skipped`.
pub(crate) fn outcome_word(word: &str) -> Option<i64> {
    Some(match word {
        "skipped" => 0,
        "delivered" => 1,
        "accepted" => 2,
        "throttled" => 3,
        "retry" => 4,
        "ambiguous" => 5,
        "credential_bad" => 6,
        "scope_missing" => 7,
        "target_gone" => 8,
        "payload_bad" => 9,
        "stale" => 10,
        _ => return None,
    })
}

fn find<T: Copy>(
    what: &'static str,
    all: impl IntoIterator<Item = T>,
    code_of: fn(T) -> i64,
    code: i64,
) -> Read<T> {
    all.into_iter()
        .find(|value| code_of(*value) == code)
        .ok_or_else(|| BadRow::new("(code)", code, format!("not a known {what}")))
}

/// A count or number of the model from a column that only this store writes.
pub(crate) fn number<T: TryFrom<i64>>(column: &'static str, value: i64) -> Read<T> {
    T::try_from(value)
        .map_err(|_| BadRow::new("(column)", value, format!("{column} is out of range")))
}

/// `u64` counts as columns; beyond `i64` they stand still.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A page's or step's size as SQL's LIMIT.
pub(crate) fn limit(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_from_its_code() {
        for value in Status::ALL {
            assert_eq!(status_of(status(value)).unwrap(), value);
        }
        for value in EventKind::ALL {
            assert_eq!(kind_of(kind(value)).unwrap(), value);
        }
        assert!(status_of(99).is_err() && kind_of(0).is_err() && told_of(4).is_err());
    }

    #[test]
    fn severities_compare_as_their_codes_do() {
        for pair in Severity::ALL.windows(2) {
            assert!(severity(pair[0]) < severity(pair[1]));
        }
    }

    #[test]
    fn a_listing_by_outcome_finds_what_was_written() {
        for value in [
            Outcome::Delivered,
            Outcome::Accepted,
            Outcome::Throttled { after_ms: None },
            Outcome::Retry,
            Outcome::Ambiguous,
            Outcome::CredentialBad,
            Outcome::ScopeMissing,
            Outcome::TargetGone,
            Outcome::PayloadBad,
            Outcome::Stale,
        ] {
            let word = value.as_str();
            let sent = AttemptKind::Sent {
                verb: model::Verb::Open,
                outcome: value,
            };
            assert_eq!(outcome_word(word), Some(outcome(&sent)), "{word}");
        }
        assert_eq!(
            outcome_word("skipped"),
            Some(outcome(&AttemptKind::Skipped))
        );
    }
}
