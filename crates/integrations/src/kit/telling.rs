//! What a message for people says, before any vendor's markup: each vendor escapes, cuts and lays it out in its own
//! way. Everything here is clean (no control characters, no turned writing direction) and nothing is escaped.

use model::{
    Alert, AlertKind, Content, DurationMs, Event, EventKind, Severity, Status, Timestamp, Verb,
};
use wire::text::{clean, one_line};

use crate::kit::{Task, address, words};

/// Links of an alert that a message shows: more than these nobody follows.
const LINKS_SHOWN_MAX: usize = 5;

/// How a message looks at first sight; vendors make a colour or a sign of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Open.
    Alarm,
    /// Acknowledged.
    Attended,
    /// Shelved.
    Aside,
    /// Closed.
    Over,
    /// A notification to look at.
    Warning,
    /// A notification to know of.
    Info,
}

impl Mood {
    /// A colour as `0xRRGGBB`: red while open, green when closed (E28, E30), amber where somebody is at it.
    pub fn rgb(self) -> u32 {
        match self {
            Mood::Alarm => 0x00a3_0200,
            Mood::Attended | Mood::Warning => 0x00da_a038,
            Mood::Aside => 0x009e_9e9e,
            Mood::Over => 0x002e_b886,
            Mood::Info => 0x0043_9fe0,
        }
    }

    /// A sign for texts that have no colours.
    pub fn sign(self) -> &'static str {
        match self {
            Mood::Alarm => "🔴",
            Mood::Attended => "🟡",
            Mood::Aside => "⚪",
            Mood::Over => "🟢",
            Mood::Warning => "🟠",
            Mood::Info => "🔵",
        }
    }
}

/// What a message for people says.
#[derive(Clone, Debug)]
pub struct Telling {
    /// `Test: ` before a message that a person sent to try the integration, else empty.
    pub test: &'static str,
    /// `[Critical, open]`.
    pub tag: String,
    /// One line.
    pub title: String,
    /// What happened, where one event is told: `Acknowledged by anna`. Empty where a state is shown.
    pub happened: String,
    /// Paragraphs; may be empty.
    pub text: String,
    /// Heading and words of cause, remedy (E5) and the newest remark: `("Note by anna", "…")`.
    pub paragraphs: Vec<(String, String)>,
    /// Short facts with their names, in the order in which people look for them. No value is empty.
    pub facts: Vec<(&'static str, String)>,
    /// Words and address of each link; the addresses are absolute and of the web.
    pub links: Vec<(String, String)>,
    /// `env=prod, job=node`, without what the facts say; may be empty.
    pub labels: String,
    /// The alert's page in this hub, if the hub knows its own address.
    pub url: Option<String>,
    /// Project, integration and the alert's id.
    pub footer: String,
    pub mood: Mood,
    /// When what is told happened.
    pub at: Timestamp,
}

impl Telling {
    /// The alert as it is now, without remarks.
    pub fn of_alert(task: &Task<'_>) -> Telling {
        Telling::new(task, task.alert, task.alert.status)
    }

    /// The alert as it is now, with the newest remark of the task's events.
    pub fn of_state(task: &Task<'_>) -> Telling {
        let newest = task.events.iter().rev().find(|event| event.note.is_some());
        Telling::of_alert(task).with_remark(newest)
    }

    /// The event that the task tells, with the alert as it was after it. Without an event: the alert as it is now.
    pub fn of_event(task: &Task<'_>) -> Telling {
        let seq = match task.verb {
            Verb::Event { seq, .. } | Verb::Note(seq) => Some(seq),
            _ => None,
        };
        let meant = task.events.iter().find(|event| Some(event.seq) == seq);
        let Some(event) = meant.or(task.events.last()) else {
            return Telling::of_state(task);
        };
        let mut then = task.alert.clone();
        then.status = event.status;
        if let Some(content) = &event.content {
            then.content = content.clone();
        }
        if event.kind.is_closing() {
            then.closed_because = event.because;
            then.closed_at = Some(event.at);
        }
        match event.kind {
            EventKind::Acknowledged => then.acked_until = event.until,
            EventKind::Shelved => then.shelved_until = event.until,
            _ => {}
        }
        let telling = Telling {
            happened: happened(&then, event),
            at: event.at,
            ..Telling::new(task, &then, event.status)
        };
        telling.with_remark(event.note.is_some().then_some(event))
    }

    fn new(task: &Task<'_>, alert: &Alert, status: Status) -> Telling {
        let content = &*alert.content;
        let text = clean(&content.text).trim().to_owned();
        let advice = words::advice(content)
            // Senders often put it into their text as well; once is enough.
            .filter(|(_, words)| !content.text.contains(words.trim()))
            .map(|(heading, words)| (heading.to_owned(), clean(words).trim().to_owned()));
        let footer = format!("{} · {} · {}", task.project, task.integration, alert.id);
        Telling {
            test: if task.test { "Test: " } else { "" },
            tag: words::tag(alert, status),
            title: words::title(alert),
            happened: String::new(),
            paragraphs: advice.collect(),
            text,
            facts: facts(alert, status),
            links: links(content),
            labels: labels(content),
            url: address::link(&words::alert_url(task.external_url, alert)),
            footer: one_line(&footer),
            mood: mood(alert, status),
            at: alert.changed_at,
        }
    }

    fn with_remark(mut self, event: Option<&Event>) -> Telling {
        let remark = event.and_then(|event| Some((event, event.note.as_deref()?)));
        if let Some((event, note)) = remark {
            self.paragraphs
                .push((remark_heading(event), clean(note).trim().to_owned()));
        }
        self
    }

    /// `Test: [Critical, open] Title`.
    pub fn headline(&self) -> String {
        format!("{}{} {}", self.test, self.tag, self.title)
    }
}

/// `Note by anna`, or `Remark by anna` for what was said with another event.
pub fn remark_heading(event: &Event) -> String {
    let what = match event.kind {
        EventKind::Noted => "Note",
        _ => "Remark",
    };
    format!("{what}{}", by(event))
}

/// `Still open after 1h 3m`: the beginning of a reminder.
pub fn still(task: &Task<'_>) -> String {
    let age = words::lasting(task.now.since(task.alert.content.starts_at));
    let state = words::state(task.alert, task.alert.status).to_lowercase();
    format!("Still {state} after {age}")
}

fn by(event: &Event) -> String {
    event.by.as_ref().map_or(String::new(), |by| {
        format!(" by {}", wire::text::cut_chars(&one_line(&by.name), 80))
    })
}

fn happened(then: &Alert, event: &Event) -> String {
    let by = by(event);
    let until = event
        .until
        .filter(|at| *at < Timestamp::NEVER)
        .map_or(String::new(), |at| format!(" until {}", words::utc(at)));
    match event.kind {
        EventKind::Tracked => "Seen; its delay runs".to_owned(),
        EventKind::Opened => format!("Opened{by}"),
        EventKind::Updated => "Updated".to_owned(),
        EventKind::SeverityChanged => {
            format!("Severity changed to {}", words::severity(then.severity()))
        }
        EventKind::Acknowledged => format!("Acknowledged{by}{until}"),
        EventKind::Unacknowledged => format!("Acknowledgement withdrawn{by}"),
        EventKind::Assigned => match &event.assignee {
            Some(name) => format!("Assigned to {}{by}", one_line(name)),
            None => format!("Assigned to nobody{by}"),
        },
        EventKind::Noted => format!("Noted{by}"),
        EventKind::Shelved => format!("Shelved{by}{until}"),
        EventKind::Unshelved => format!("Taken from the shelf{by}"),
        EventKind::Closed | EventKind::Cancelled | EventKind::Expired => {
            format!("{}{by}", words::state(then, Status::Closed))
        }
        EventKind::Reopened => format!("Reopened{by}"),
        EventKind::Informed => String::new(),
    }
}

fn mood(alert: &Alert, status: Status) -> Mood {
    if alert.kind == AlertKind::Notification {
        return match alert.severity() {
            Severity::Critical | Severity::Major => Mood::Alarm,
            Severity::Minor | Severity::Warning => Mood::Warning,
            Severity::Info => Mood::Info,
        };
    }
    match status {
        Status::Tracking | Status::Open => Mood::Alarm,
        Status::Acknowledged => Mood::Attended,
        Status::Shelved => Mood::Aside,
        Status::Closed => Mood::Over,
    }
}

fn facts(alert: &Alert, status: Status) -> Vec<(&'static str, String)> {
    let content = &*alert.content;
    let mut facts = Vec::new();
    let mut add = |name: &'static str, value: &str| {
        let value = one_line(value);
        if !value.is_empty() {
            facts.push((name, value));
        }
    };
    add("Severity", words::severity(alert.severity()));
    if alert.kind == AlertKind::Issue {
        add("Status", &state(alert, status));
    }
    add("Resource", &content.resource);
    add("Value", content.value.as_deref().unwrap_or_default());
    if alert.kind == AlertKind::Notification {
        add("At", &words::utc(content.starts_at));
    } else {
        add("Since", &words::utc(content.starts_at));
    }
    if alert.kind == AlertKind::Issue && status == Status::Closed {
        add("Lasted", &words::lasting(lasted(alert)));
    }
    add("Assigned to", alert.assignee.as_deref().unwrap_or_default());
    facts
}

fn state(alert: &Alert, status: Status) -> String {
    let word = words::state(alert, status);
    let until = match status {
        Status::Acknowledged => alert.acked_until,
        Status::Shelved => alert.shelved_until,
        _ => None,
    };
    match until.filter(|at| *at < Timestamp::NEVER) {
        Some(until) => format!("{word} until {}", words::utc(until)),
        None => word.to_owned(),
    }
}

/// From its beginning to its end; a sender's clock may be ahead of ours.
fn lasted(alert: &Alert) -> DurationMs {
    let end = alert.closed_at.unwrap_or(alert.changed_at);
    end.since(alert.content.starts_at)
}

fn links(content: &Content) -> Vec<(String, String)> {
    let shown = content.links.iter().filter_map(|link| {
        let url = address::link(&link.href)?;
        let words = one_line(&link.text);
        let words = if words.is_empty() {
            wire::http::host_of(&url)
        } else {
            words
        };
        Some((words, url))
    });
    shown.take(LINKS_SHOWN_MAX).collect()
}

fn labels(content: &Content) -> String {
    let is_said = |name: &str, value: &str| {
        matches!(name, "severity" | "alertname")
            || value == content.resource
            || value == content.event
    };
    let shown: Vec<String> = content
        .labels
        .iter()
        .filter(|(name, value)| !is_said(name, value))
        .map(|(name, value)| format!("{}={}", one_line(name), one_line(value)))
        .collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::samples::{self, Saying};

    #[test]
    fn a_state_has_facts_advice_links_and_the_newest_remark() {
        let saying = Saying::of(samples::alert(Status::Acknowledged));
        let telling = Telling::of_state(&saying.task(Verb::Update));
        assert_eq!(
            telling.headline(),
            "[Critical, acknowledged] Disk /var on db-1 is 91 % full"
        );
        assert_eq!(telling.happened, "");
        let headings: Vec<&str> = telling.paragraphs.iter().map(|(h, _)| h.as_str()).collect();
        assert_eq!(headings, ["Cause", "What to do", "Note by bo"]);
        assert_eq!(telling.labels, "env=prod");
        assert_eq!(telling.mood, Mood::Attended);
        assert_eq!(
            telling.url.as_deref(),
            Some("http://hub.example:8080/alerts/01900000-0000-7000-8000-000000000001")
        );
    }

    #[test]
    fn an_event_is_told_with_the_state_that_it_left() {
        let saying = Saying::of(samples::alert(Status::Closed));
        let told = |seq, status| Telling::of_event(&saying.task(Verb::Event { seq, status }));
        let opened = told(1, Status::Open);
        assert_eq!(
            (opened.tag.as_str(), opened.happened.as_str(), opened.mood),
            ("[Critical, open]", "Opened", Mood::Alarm)
        );
        let acked = told(2, Status::Acknowledged);
        assert_eq!(
            acked.happened,
            "Acknowledged by anna until 2025-11-20 13:01 UTC"
        );
        assert!(acked.facts.iter().all(|(name, _)| *name != "Lasted"));
        let closed = told(3, Status::Closed);
        assert_eq!(
            (closed.tag.as_str(), closed.happened.as_str(), closed.mood),
            ("[Critical, resolved]", "Resolved by bo", Mood::Over)
        );
        assert!(closed.facts.contains(&("Lasted", "1h 3m".to_owned())));
    }
}
