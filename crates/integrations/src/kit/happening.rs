//! What happened, in words: for vendors that are told every event of an alert (manner "log"). All texts are plain and
//! hostile still: each vendor escapes and cuts them as its wire wants.

use model::{Alert, AlertKind, CloseReason, Event, EventKind, Severity, Status, Timestamp, Verb};
use wire::text::{clean, cut_chars, one_line};

use crate::kit::{Task, address, words};

/// A person's name within a sentence, in characters.
const NAME_CHARS_MAX: usize = 80;
/// A line or two, such as a resource's name, in characters.
const FACT_CHARS_MAX: usize = 300;
/// A link's words, in characters.
const LINK_CHARS_MAX: usize = 75;
/// More links than this nobody follows.
const LINKS_SHOWN_MAX: usize = 5;

/// One event of a task's alert, or what comes nearest to the verb.
pub struct Happening<'a> {
    pub kind: EventKind,
    /// When it happened; now, if there is no event.
    pub at: Timestamp,
    /// What the alert was after it.
    pub status: Status,
    /// `None` for reminders and states that are told without an event.
    pub event: Option<&'a Event>,
    is_reminder: bool,
    alert: &'a Alert,
    now: Timestamp,
}

/// What a message about a happening says besides its headline, in the order in which people want it.
pub struct Body {
    /// Note, text, cause, remedy, each with the heading that it may have.
    pub paragraphs: Vec<(Option<String>, String)>,
    /// Name and value, each one line.
    pub facts: Vec<(&'static str, String)>,
    /// Words and address; the alert's page in the hub is the first.
    pub links: Vec<(String, String)>,
    /// Those that the facts do not say already, each one line.
    pub labels: Vec<(String, String)>,
}

impl<'a> Happening<'a> {
    /// The event that a task's verb means. Verbs of other manners mean the newest event of their kind.
    pub fn of(task: &Task<'a>) -> Happening<'a> {
        let alert = task.alert;
        let seq = match task.verb {
            Verb::Event { seq, .. } | Verb::Note(seq) => Some(seq),
            _ => None,
        };
        let meant = task.events.iter().find(|event| Some(event.seq) == seq);
        let kind = meant.map_or_else(|| kind_of(task.verb, alert), |event| event.kind);
        let newest = || task.events.iter().rev().find(|event| event.kind == kind);
        let is_reminder = task.verb == Verb::Remind;
        let event = meant.or_else(|| if is_reminder { None } else { newest() });
        Happening {
            kind,
            at: event.map_or(task.now, |event| event.at),
            status: event.map_or(alert.status, |event| event.status),
            event,
            is_reminder,
            alert,
            now: task.now,
        }
    }

    /// As it was with this event; later changes have events of their own.
    pub fn severity(&self) -> Severity {
        let content = self.event.and_then(|event| event.content.as_ref());
        content.map_or(self.alert.severity(), |content| content.severity)
    }

    /// The measured value, as it was with this event. None if the alert has none now: it may have been left out to
    /// make the message smaller.
    pub fn value(&self) -> Option<&'a str> {
        let now = self.alert.content.value.as_deref()?;
        let content = self.event.and_then(|event| event.content.as_ref());
        content
            .and_then(|content| content.value.as_deref())
            .or(Some(now))
    }

    /// The remark that came with it.
    pub fn note(&self) -> Option<&'a str> {
        let note = self.event?.note.as_deref()?;
        (!note.trim().is_empty()).then_some(note)
    }

    /// Whether the alert is over with it.
    pub fn is_closing(&self) -> bool {
        self.kind.is_closing()
    }

    /// Whether a person did it, or it is about what persons do.
    pub fn is_by_people(&self) -> bool {
        matches!(
            self.kind,
            EventKind::Acknowledged
                | EventKind::Unacknowledged
                | EventKind::Assigned
                | EventKind::Noted
                | EventKind::Shelved
                | EventKind::Unshelved
        )
    }

    /// `[Critical, open]` as it was with this event.
    pub fn tag(&self) -> String {
        let severity = words::severity(self.severity());
        match self.alert.kind {
            AlertKind::Notification => format!("[{severity}]"),
            AlertKind::Issue => format!("[{severity}, {}]", self.state().to_lowercase()),
        }
    }

    /// `Acknowledged by anna until 2026-03-03 12:00 UTC`: one line without a full stop.
    pub fn headline(&self) -> String {
        if self.is_reminder {
            let age = words::lasting(self.now.since(self.alert.content.starts_at));
            return format!("Still {} after {age}", self.state().to_lowercase());
        }
        let (by, until) = (self.by(), self.until());
        match self.kind {
            EventKind::Tracked => format!("Seen, not open yet{until}"),
            EventKind::Opened => "Opened".to_owned(),
            EventKind::Updated => "Updated".to_owned(),
            EventKind::SeverityChanged => {
                format!("Severity is now {}", words::severity(self.severity()))
            }
            EventKind::Acknowledged => format!("Acknowledged{by}{until}"),
            EventKind::Unacknowledged if by.is_empty() => "Acknowledgement ended".to_owned(),
            EventKind::Unacknowledged => format!("Acknowledgement withdrawn{by}"),
            EventKind::Assigned => {
                let whom = self.event.and_then(|event| event.assignee.as_deref());
                format!("Assigned to {}{by}", whom.map_or("nobody".to_owned(), name))
            }
            EventKind::Noted => format!("Note{by}"),
            EventKind::Shelved => format!("Put aside{by}{until}"),
            EventKind::Unshelved => format!("Back from the shelf{by}"),
            EventKind::Closed | EventKind::Cancelled | EventKind::Expired => self.ending(&by),
            EventKind::Reopened => format!("Reopened{by}"),
            EventKind::Informed => "Notification".to_owned(),
        }
    }

    fn ending(&self, by: &str) -> String {
        let because = match self.kind {
            EventKind::Cancelled => Some(CloseReason::Cancelled),
            EventKind::Expired => Some(CloseReason::Expired),
            _ => self
                .event
                .and_then(|event| event.because)
                .or(self.alert.closed_because),
        };
        let lasted = words::lasting(self.at.since(self.alert.content.starts_at));
        match because {
            Some(CloseReason::Resolved) => format!("Resolved after {lasted}"),
            Some(CloseReason::Cancelled) => format!("Cancelled{by} after {lasted}"),
            Some(CloseReason::Expired) => format!("Expired after {lasted}: its sender fell silent"),
            Some(CloseReason::ByHand | CloseReason::Informed) | None => {
                format!("Closed{by} after {lasted}")
            }
        }
    }

    /// The status after it as a word; `Resolved` and the like for a closed one.
    pub fn state(&self) -> &'static str {
        match self.status {
            // A closed alert may have been reopened since; then it no longer knows why it was closed.
            Status::Closed => match self.event.and_then(|event| event.because) {
                Some(CloseReason::Resolved) => "Resolved",
                Some(CloseReason::Cancelled) => "Cancelled",
                Some(CloseReason::Expired) => "Expired",
                _ => words::state(self.alert, Status::Closed),
            },
            status => words::state(self.alert, status),
        }
    }

    fn by(&self) -> String {
        let by = self.event.and_then(|event| event.by.as_ref());
        by.map(|by| name(&by.name))
            .filter(|name| !name.is_empty())
            .map_or(String::new(), |name| format!(" by {name}"))
    }

    fn until(&self) -> String {
        let until = self.event.and_then(|event| event.until);
        until
            .filter(|until| *until < Timestamp::NEVER)
            .map_or(String::new(), |until| {
                format!(" until {}", words::utc(until))
            })
    }

    /// Everything else that a message says.
    pub fn body(&self, task: &Task<'_>) -> Body {
        Body {
            paragraphs: self.paragraphs(),
            facts: self.facts(),
            links: self.links(task),
            labels: self.labels(),
        }
    }

    fn paragraphs(&self) -> Vec<(Option<String>, String)> {
        let content = &self.alert.content;
        let mut paragraphs = Vec::new();
        if let Some(note) = self.note() {
            let heading = match self.kind {
                EventKind::Noted => None,
                _ => Some("Remark".to_owned()),
            };
            paragraphs.push((heading, clean(note).trim().to_owned()));
        }
        if !content.text.trim().is_empty() {
            paragraphs.push((None, clean(&content.text).trim().to_owned()));
        }
        for (heading, text) in words::advice(content) {
            // Senders often put it into their text as well; once is enough.
            if !content.text.contains(text.trim()) {
                paragraphs.push((Some(heading.to_owned()), clean(text).trim().to_owned()));
            }
        }
        paragraphs
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let content = &self.alert.content;
        let mut facts = Vec::new();
        let mut add = |title: &'static str, value: &str| {
            let value = one_line(value);
            if !value.is_empty() {
                facts.push((title, cut_chars(&value, FACT_CHARS_MAX).into_owned()));
            }
        };
        add("Severity", words::severity(self.severity()));
        if self.alert.kind == AlertKind::Issue {
            add("Status", self.state());
        }
        add("Resource", &content.resource);
        add("Value", self.value().unwrap_or_default());
        let since = match self.alert.kind {
            AlertKind::Notification => "At",
            AlertKind::Issue => "Since",
        };
        add(since, &words::utc(content.starts_at));
        add(
            "Assigned to",
            self.alert.assignee.as_deref().unwrap_or_default(),
        );
        facts
    }

    fn links(&self, task: &Task<'_>) -> Vec<(String, String)> {
        let page = address::link(&words::alert_url(task.external_url, self.alert));
        let mut links: Vec<(String, String)> = page
            .map(|url| ("Open in Campanile".to_owned(), url))
            .into_iter()
            .collect();
        let theirs = self.alert.content.links.iter().filter_map(|link| {
            let url = address::link(&link.href)?;
            let label = one_line(&link.text);
            let label = if label.is_empty() {
                wire::http::host_of(&url)
            } else {
                cut_chars(&label, LINK_CHARS_MAX).into_owned()
            };
            Some((label, url))
        });
        links.extend(theirs.take(LINKS_SHOWN_MAX));
        links
    }

    fn labels(&self) -> Vec<(String, String)> {
        let content = &self.alert.content;
        let is_said = |name: &str, value: &str| {
            matches!(name, "severity" | "alertname")
                || value == content.resource
                || value == content.event
        };
        content
            .labels
            .iter()
            .filter(|(name, value)| !is_said(name, value))
            .map(|(name, value)| (one_line(name), one_line(value)))
            .collect()
    }
}

fn name(text: &str) -> String {
    cut_chars(&one_line(text), NAME_CHARS_MAX).into_owned()
}

/// What a verb without an event of its own comes to.
fn kind_of(verb: Verb, alert: &Alert) -> EventKind {
    match verb {
        _ if alert.kind == AlertKind::Notification => EventKind::Informed,
        Verb::Open => EventKind::Opened,
        Verb::Inform => EventKind::Informed,
        Verb::Ack => EventKind::Acknowledged,
        Verb::Unack => EventKind::Unacknowledged,
        Verb::Close | Verb::CloseExtra(_) => EventKind::Closed,
        Verb::Event { status, .. } => present(status),
        Verb::Update | Verb::Note(_) | Verb::Remind => EventKind::Updated,
        Verb::Set(_) | Verb::Repeat(_) => present(alert.status),
    }
}

/// The event that would have led to a status.
fn present(status: Status) -> EventKind {
    match status {
        Status::Tracking => EventKind::Tracked,
        Status::Open => EventKind::Opened,
        Status::Acknowledged => EventKind::Acknowledged,
        Status::Shelved => EventKind::Shelved,
        Status::Closed => EventKind::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::samples::{self, Saying};
    use model::Actor;

    fn headline(change: impl FnOnce(&mut Event)) -> String {
        let mut saying = Saying::of(samples::alert(Status::Open));
        let mut event = saying.events[2].clone();
        event.by = None;
        change(&mut event);
        saying.events = vec![event];
        let task = saying.task(Verb::Event {
            seq: 3,
            status: Status::Open,
        });
        Happening::of(&task).headline()
    }

    #[test]
    fn every_kind_of_event_is_told_in_words() {
        let shown: Vec<String> = EventKind::ALL
            .iter()
            .flat_map(|kind| {
                let bare = headline(|event| event.kind = *kind);
                let whole = headline(|event| {
                    event.kind = *kind;
                    event.by = Some(Actor {
                        name: "an\nna".to_owned(),
                        via: "api".to_owned(),
                    });
                    event.until = Some(Timestamp(samples::NOW.0 + 60_000));
                    event.assignee = Some("bo".to_owned());
                    event.because = Some(CloseReason::Resolved);
                });
                [format!("{kind}: {bare}"), format!("{kind}: {whole}")]
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn a_verb_without_an_event_is_told_as_what_comes_nearest() {
        let saying = Saying::of(samples::alert(Status::Closed));
        let of = |verb| Happening::of(&saying.task(verb)).headline();
        assert_eq!(of(Verb::Close), "Resolved after 1h 3m");
        assert_eq!(of(Verb::Open), "Opened");
        assert_eq!(of(Verb::Remind), "Still resolved after 1h 3m");
        let missing = Verb::Event {
            seq: 99,
            status: Status::Shelved,
        };
        assert_eq!(of(missing), "Put aside");
    }

    #[test]
    fn an_event_has_the_severity_and_value_of_its_own_time() {
        let mut saying = Saying::of(samples::alert(Status::Open));
        let content = std::sync::Arc::make_mut(&mut saying.alert.content);
        content.value = Some("97 %".to_owned());
        content.severity = Severity::Major;
        let verb = |seq| Verb::Event {
            seq,
            status: Status::Open,
        };
        let (first, last) = (saying.task(verb(1)), saying.task(verb(3)));
        let (first, last) = (Happening::of(&first), Happening::of(&last));
        assert_eq!(
            (first.value(), first.severity()),
            (Some("91 %"), Severity::Critical)
        );
        assert_eq!(
            (last.value(), last.severity()),
            (Some("97 %"), Severity::Major)
        );
    }
}
