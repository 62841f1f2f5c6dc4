//! How alerts are put into words for people: the same in every vendor's message.

use model::{Alert, AlertKind, CloseReason, Content, DurationMs, Severity, Status, Timestamp};
use wire::text;

/// What the alert is called: its title, else its event, else its key. One line without control characters.
pub fn title(alert: &Alert) -> String {
    let content = &alert.content;
    let named = [&content.title, &content.event, &alert.key];
    let first = named
        .into_iter()
        .map(|name| text::one_line(name))
        .find(|name| !name.is_empty());
    first.unwrap_or_else(|| "(no title)".to_owned())
}

/// `[Critical, open] `: severity and status in front of a title. A notification has no status.
pub fn tag(alert: &Alert, status: Status) -> String {
    let severity = severity(alert.severity());
    match alert.kind {
        AlertKind::Notification => format!("[{severity}]"),
        AlertKind::Issue => format!("[{severity}, {}]", state(alert, status).to_lowercase()),
    }
}

/// The status as a word: `Open`, `Acknowledged`; a closed alert says how it ended.
pub fn state(alert: &Alert, status: Status) -> &'static str {
    match status {
        Status::Tracking | Status::Open => "Open",
        Status::Acknowledged => "Acknowledged",
        Status::Shelved => "Shelved",
        Status::Closed => match alert.closed_because {
            Some(CloseReason::Resolved) => "Resolved",
            Some(CloseReason::Cancelled) => "Cancelled",
            Some(CloseReason::Expired) => "Expired",
            Some(CloseReason::ByHand | CloseReason::Informed) | None => "Closed",
        },
    }
}

/// A severity as it begins a sentence.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::Major => "Major",
        Severity::Minor => "Minor",
        Severity::Warning => "Warning",
        Severity::Info => "Info",
    }
}

/// Cause and remedy, where the sender gave them (E5): annotations `cause` and `remedy`.
pub fn advice(content: &Content) -> impl Iterator<Item = (&'static str, &str)> {
    let named = [("Cause", "cause"), ("What to do", "remedy")];
    named.into_iter().filter_map(|(heading, name)| {
        content
            .annotations
            .get(name)
            .filter(|text| !text.trim().is_empty())
            .map(|text| (heading, text))
    })
}

/// `2026-11-20 10:58 UTC`.
pub fn utc(at: Timestamp) -> String {
    let shown = at.to_string();
    match (shown.get(..10), shown.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => shown,
    }
}

/// A length of time in its two largest units: `3d 4h`, `1h 3m`, `5m 10s`, `0s`.
pub fn lasting(length: DurationMs) -> String {
    let mut seconds = (length.0 / 1000).max(0);
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if seconds >= size {
            parts.push(format!("{}{unit}", seconds / size));
            seconds %= size;
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// The alert's page in this hub.
pub fn alert_url(external_url: &str, alert: &Alert) -> String {
    format!("{}/alerts/{}", external_url.trim_end_matches('/'), alert.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_show_their_two_largest_units() {
        let table = [
            (0, "0s"),
            (-5, "0s"),
            (59, "59s"),
            (60, "1m"),
            (310, "5m 10s"),
            (3_780, "1h 3m"),
            (3_605, "1h"),
            (90_000, "1d 1h"),
            (86_400 * 400, "400d"),
        ];
        for (seconds, shown) in table {
            assert_eq!(lasting(DurationMs::from_secs(seconds)), shown, "{seconds}");
        }
    }

    #[test]
    fn times_are_shown_to_the_minute() {
        assert_eq!(utc(Timestamp(1_763_636_281_123)), "2025-11-20 10:58 UTC");
        let _does_not_panic = (utc(Timestamp::NEVER), utc(Timestamp(i64::MIN)));
    }
}
