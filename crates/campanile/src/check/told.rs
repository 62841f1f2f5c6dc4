//! `check --alert`: what would be told where, decided by the code that decides in the running hub.

use std::collections::BTreeMap;

use engine::desired::{
    DesiredIntegration, DesiredProject, DesiredSource, GroupBy, Of, Policy, SourceWay,
};
use engine::entering::{Entry, OwnedRule};
use integrations::kit::{Accepted, Answer, Dialect, Inbound, SourceSettings};
use lifecycle::matching::{CompiledMatchers, Subject};
use lifecycle::schedule::Schedule;
use model::{AlertKind, Content, Matcher, Signal, SignalKind, Status, Timestamp};
use serde::Serialize;

use crate::config::Config;

/// What would be told about some alerts.
#[derive(Debug, Serialize)]
pub struct Told {
    pub project: String,
    pub source: String,
    pub alerts: Vec<ToldAlert>,
}

/// One alert, as its source's dialect understands it.
#[derive(Debug, Serialize)]
pub struct ToldAlert {
    pub key: String,
    #[serde(flatten)]
    pub content: Content,
    /// Receivers that are told, by name, each once.
    pub receivers: Vec<String>,
    pub integrations: Vec<ToldIntegration>,
    /// Inhibition rules that would hold it while an alert of their other side is open.
    pub inhibited_by: Vec<String>,
}

/// One integration's part in it.
#[derive(Debug, Serialize)]
pub struct ToldIntegration {
    pub integration: String,
    pub receiver: String,
    pub sink: String,
    /// Where it goes, in the sink's words.
    pub target: String,
    pub told: bool,
    /// A sentence.
    pub why: String,
    /// The first matcher that missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<String>,
    /// The `except` list that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<String>>,
    /// `mute` or `active` hold it now.
    pub muted: bool,
    /// Until when, if that changes within two years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<String>,
    /// The group that it is put into: each label with its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<BTreeMap<String, String>>,
}

/// Decides about `alerts`, each in the form that the source takes (for `alertmanager`: one alert of a posted list),
/// at `now`. `source` is its name or `PROJECT/NAME`; without it the only source of Alertmanager's dialect is meant.
///
/// # Errors
/// Sentences about what was asked, for people.
pub fn tell(
    config: &Config,
    alerts: &[String],
    source: Option<&str>,
    now: Timestamp,
) -> Result<Told, String> {
    let (project, source) = find(config, source)?;
    let mut told = Vec::new();
    for (index, text) in alerts.iter().enumerate() {
        let contents = decode(source, text, now)
            .map_err(|problem| format!("--alert number {}: {problem}", index + 1))?;
        for (key, kind, content) in contents {
            told.push(alert(project, source, key, kind, content, now)?);
        }
    }
    Ok(Told {
        project: project.name.clone(),
        source: source.name.clone(),
        alerts: told,
    })
}

fn find<'a>(
    config: &'a Config,
    wanted: Option<&str>,
) -> Result<(&'a DesiredProject, &'a DesiredSource), String> {
    let all = config.desired.projects.iter();
    let all = all.flat_map(|project| project.sources.iter().map(move |source| (project, source)));
    let meant = |project: &DesiredProject, source: &DesiredSource| match wanted {
        Some(name) => name == source.name || name == format!("{}/{}", project.name, source.name),
        None => matches!(&source.way, SourceWay::Dialect { name, .. } if name == "alertmanager"),
    };
    let mut found = all.filter(|(project, source)| meant(project, source));
    let what = wanted.map_or("source of the dialect `alertmanager`".to_owned(), |name| {
        format!("source `{name}`")
    });
    let Some(first) = found.next() else {
        return Err(format!("there is no {what}; name one with --source"));
    };
    match found.next() {
        None => Ok(first),
        Some(second) => Err(format!(
            "there is more than one {what}; name one, such as --source {}/{} or --source {}/{}",
            first.0.name, first.1.name, second.0.name, second.1.name
        )),
    }
}

type Decoded = (String, AlertKind, Content);

/// The alerts of a text, read by the source's own dialect.
fn decode(source: &DesiredSource, text: &str, now: Timestamp) -> Result<Vec<Decoded>, String> {
    let SourceWay::Dialect { name, settings } = &source.way else {
        return Err(format!(
            "`{}` is a monitor: it makes its alerts itself",
            source.name
        ));
    };
    let unusable = || format!("the settings of `{}` cannot be used", source.name);
    let dialect = integrations::registry::dialect(name).ok_or_else(unusable)?;
    let settings = dialect.settings(&settings.0).map_err(|_| unusable())?;
    let (path, body) = match name.as_str() {
        // Its clients post lists.
        "alertmanager" if !text.trim_start().starts_with('[') => {
            ("/api/v2/alerts", format!("[{text}]"))
        }
        "alertmanager" => ("/api/v2/alerts", text.to_owned()),
        _ => ("/", text.to_owned()),
    };
    let signals = accept(dialect, &settings, source, path, &body, now)?;
    if signals.is_empty() {
        return Err("there is no alert in it".to_owned());
    }
    let decoded = signals.into_iter().map(|signal| {
        let kind = match signal.kind {
            SignalKind::Fire => AlertKind::Issue,
            SignalKind::Inform => AlertKind::Notification,
            SignalKind::Resolve | SignalKind::Cancel => {
                return Err(
                    "it says that the problem is over: whoever was told of it is told of that too"
                        .to_owned(),
                );
            }
            SignalKind::Act(_) => {
                return Err("it acts on an alert: whoever was told of that one is told".to_owned());
            }
        };
        let key = signal.key.clone();
        Ok((key, kind, Content::from_signal(signal, None, now)))
    });
    decoded.collect()
}

fn accept(
    dialect: &dyn Dialect,
    settings: &SourceSettings,
    source: &DesiredSource,
    path: &str,
    body: &str,
    now: Timestamp,
) -> Result<Vec<Signal>, String> {
    let inbound = Inbound {
        method: &http::Method::POST,
        path,
        query: "",
        headers: &http::HeaderMap::new(),
        body: body.as_bytes(),
        received_at: now,
        source: &source.name,
    };
    match dialect.accept(&inbound, settings) {
        Accepted::Signals {
            signals,
            rejections,
        } => match rejections.first() {
            Some(rejection) => Err(rejection.problem.clone()),
            None => Ok(signals),
        },
        Accepted::Batch(batch) => {
            let all: Vec<usize> = (0..batch.len()).collect();
            let decoded = batch.decode(&all).map_err(|answer| said(&answer))?;
            decoded
                .into_iter()
                .map(|signal| signal.map_err(|rejection| rejection.problem))
                .collect()
        }
        Accepted::Refused(answer) => Err(said(&answer)),
        Accepted::Read(_) | Accepted::Silence(_) => Err("this is no alert".to_owned()),
    }
}

/// What an answer says: some dialects' is a bare JSON string, others have a `message`.
fn said(answer: &Answer) -> String {
    match serde_json::from_slice(&answer.body) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) if value["message"].is_string() => {
            value["message"].as_str().unwrap_or_default().to_owned()
        }
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    }
}

fn alert(
    project: &DesiredProject,
    source: &DesiredSource,
    key: String,
    kind: AlertKind,
    content: Content,
    now: Timestamp,
) -> Result<ToldAlert, String> {
    let subject = Subject {
        content: &content,
        status: Status::Open,
        source: &source.name,
        team: content.labels.get("team").unwrap_or_default(),
    };
    let parts = project.integrations.iter();
    let parts = parts.map(|integration| part(integration, kind, &subject, now));
    let integrations = parts.collect::<Result<Vec<ToldIntegration>, String>>()?;
    let mut receivers: Vec<String> = Vec::new();
    for part in integrations.iter().filter(|part| part.told) {
        if !receivers.contains(&part.receiver) {
            receivers.push(part.receiver.clone());
        }
    }
    let holds = |matchers: &[Matcher]| {
        CompiledMatchers::compile(matchers.iter().cloned()).is_ok_and(|m| m.matches(&subject))
    };
    let inhibited_by = project.inhibitions.iter();
    let inhibited_by = inhibited_by.filter(|rule| holds(&rule.target));
    let inhibited_by = inhibited_by.map(|rule| rule.name.clone()).collect();
    Ok(ToldAlert {
        key,
        receivers,
        integrations,
        inhibited_by,
        content,
    })
}

fn part(
    integration: &DesiredIntegration,
    kind: AlertKind,
    subject: &Subject<'_>,
    now: Timestamp,
) -> Result<ToldIntegration, String> {
    let rule = OwnedRule::compile(integration).map_err(|error| error.to_string())?;
    let mut part = ToldIntegration {
        integration: integration.name.clone(),
        receiver: (integration.receiver.as_ref())
            .unwrap_or(&integration.name)
            .clone(),
        sink: integration.sink.clone(),
        target: super::target(integration),
        told: false,
        why: String::new(),
        missed: None,
        except: None,
        muted: false,
        muted_until: None,
        group: None,
    };
    match rule.rule().decide(kind, subject) {
        Entry::Enters => enters(&mut part, integration, subject, now)?,
        Entry::OfOthers => part.why = format!("it is of {}", super::of(integration.of)),
        Entry::Disabled => part.why = "it is disabled".to_owned(),
        Entry::Misses(matcher) => {
            let value = subject.value(&matcher.name);
            part.why = format!("{matcher} does not match: the value is {value:?}");
            part.missed = Some(matcher.to_string());
        }
        Entry::Except(list) => {
            let list = integration.except.get(list).into_iter().flatten();
            let list: Vec<String> = list.map(ToString::to_string).collect();
            part.why = format!("`except` leaves out {}", list.join(" and "));
            part.except = Some(list);
        }
    }
    Ok(part)
}

fn enters(
    part: &mut ToldIntegration,
    integration: &DesiredIntegration,
    subject: &Subject<'_>,
    now: Timestamp,
) -> Result<(), String> {
    let policy = &integration.policy;
    part.told = true;
    part.why = "it matches".to_owned();
    if policy.delay.0 > 0 {
        part.why = format!(
            "it matches; told if it is still open after {}",
            policy.delay
        );
    }
    if let Some(until) = muted(policy, now)? {
        part.muted = true;
        part.muted_until = until.map(|until| until.to_string());
        part.why = match until {
            Some(until) => {
                format!("it matches; muted at least until {until}, then told if it is still open")
            }
            None => "it matches; muted for more than two years".to_owned(),
        };
    }
    if let (Some(grouping), Of::Issues) = (&policy.group, integration.of) {
        let labels = &subject.content.labels;
        part.group = Some(match &grouping.by {
            GroupBy::All => labels.iter().map(owned).collect(),
            GroupBy::Labels(names) => {
                let value = |name: &String| labels.get(name).unwrap_or_default().to_owned();
                names
                    .iter()
                    .map(|name| (name.clone(), value(name)))
                    .collect()
            }
        });
    }
    Ok(())
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Whether a policy's times hold everything at `now`, and until when they surely do.
fn muted(policy: &Policy, now: Timestamp) -> Result<Option<Option<Timestamp>>, String> {
    let compile = |intervals: &[_]| Schedule::compile(intervals).map_err(|e| e.to_string());
    let (mute, active) = (compile(&policy.mute)?, compile(&policy.active)?);
    let inactive = !active.is_empty() && !active.covers(now);
    Ok(match (mute.covers(now), inactive) {
        (false, false) => None,
        (true, false) => Some(mute.until(now)),
        (false, true) => Some(active.until(now)),
        // Both must end; that of the later one is certain.
        (true, true) => match (mute.until(now), active.until(now)) {
            (Some(one), Some(other)) => Some(Some(one.max(other))),
            _ => Some(None),
        },
    })
}
