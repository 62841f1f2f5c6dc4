//! `projects`: sources and what tells whom.

use std::collections::HashMap;

use engine::desired::{
    DebugHidden, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy, SourceWay,
};
use integrations::kit::{SinkKind, fields_of};
use lifecycle::matching::{CompiledMatchers, parse_matcher};
use model::limits::MATCHERS_MAX;
use model::{EventKind, Matcher, Secret};

use crate::config::limits::{KEY_CHARS_MAX, KEY_CHARS_MIN, NAME_CHARS_MAX};
use crate::config::monitors;
use crate::config::problem::At;
use crate::config::reader::{Context, Field, Given, Section};
use crate::config::settings;

/// What must be unique in a file, with the line where it was first seen.
#[derive(Default)]
struct Seen {
    projects: HashMap<String, usize>,
    keys: HashMap<String, usize>,
}

pub fn read_projects(fields: &[Field<'_>]) -> Vec<DesiredProject> {
    let mut seen = Seen::default();
    fields
        .iter()
        .filter_map(|field| Some(project(field.section().here()?, &mut seen)))
        .flatten()
        .collect()
}

fn project(mut section: Section<'_>, seen: &mut Seen) -> Option<DesiredProject> {
    let name = name(&mut section, &mut seen.projects, "project");
    let owner_email = section.take("owner_email").and_then(|field| {
        field
            .text()
            .here()
            .filter(|text| super::server::mail_address(&field, text))
    });
    if let Some(services) = section.take("services")
        && services.section().here().is_some()
    {
        services.warn("default credentials of services are not used yet; give each integration its own settings");
    }
    let mut sources = HashMap::new();
    let sources = section
        .list("sources")
        .iter()
        .filter_map(|field| source(field.section().here()?, &mut sources, seen))
        .collect();
    let mut integrations = HashMap::new();
    let integrations = section
        .list("integrations")
        .iter()
        .filter_map(|field| integration(field.section().here()?, &mut integrations))
        .collect();
    section.finish();
    Some(DesiredProject {
        name: name?,
        owner_email,
        sources,
        integrations,
        inhibitions: Vec::new(),
    })
}

/// A name that is unique among `taken`.
fn name(
    section: &mut Section<'_>,
    taken: &mut HashMap<String, usize>,
    what: &str,
) -> Option<String> {
    let Some(field) = section.take("name") else {
        section.report_missing("name", &format!("the {what} a name"));
        return None;
    };
    let name = field.text().here()?;
    let blank = name.trim() != name || name.is_empty();
    if blank
        || name.chars().count() > NAME_CHARS_MAX
        || name.chars().any(|c| c.is_control() || c == '/')
    {
        field.report(format!(
            "a name has 1 to {NAME_CHARS_MAX} characters, no `/`, no control characters and no blanks at its ends"
        ));
        return None;
    }
    if let Some(line) = taken.get(&name) {
        field.report(format!(
            "another {what} has this name already (line {line}); names are unique"
        ));
        return None;
    }
    taken.insert(name.clone(), field.node.at.line);
    Some(name)
}

fn source(
    mut section: Section<'_>,
    names: &mut HashMap<String, usize>,
    seen: &mut Seen,
) -> Option<DesiredSource> {
    let name = name(&mut section, names, "source");
    let (dialect, monitor) = (section.take("dialect"), section.take("monitor"));
    let keys = keys(&mut section, seen);
    let settings = section.take("settings");
    let place = (section.at, section.path_of("settings"));
    let way = match (dialect, monitor) {
        (Some(_), Some(monitor)) => {
            monitor.report("`dialect` and `monitor` are both given; a source is one of them");
            None
        }
        (None, None) => {
            section.report("a source has a `dialect` (others send to it) or a `monitor` (the hub watches); give one");
            None
        }
        (Some(dialect), None) => {
            if matches!(keys, Given::Absent) {
                section.report_missing(
                    "key",
                    &format!("what its senders prove themselves with, at least {KEY_CHARS_MIN} characters, such as the output of `openssl rand -hex 16`"),
                );
            }
            dialect_way(&dialect, settings, place)
        }
        (None, Some(monitor)) => {
            if !matches!(keys, Given::Absent) {
                section.report("a monitor takes no key: nobody sends to it");
            }
            monitor_way(&monitor, settings, place)
        }
    };
    section.finish();
    Some(DesiredSource {
        name: name?,
        way: way?,
        keys: keys.here().unwrap_or_default(),
    })
}

fn dialect_way(
    dialect: &Field<'_>,
    settings: Option<Field<'_>>,
    place: (At, String),
) -> Option<SourceWay> {
    let context = dialect.context;
    let words: Vec<_> = context
        .inputs
        .dialects
        .iter()
        .map(|d| (d.manifest().name, *d))
        .collect();
    let found = dialect.word("dialect", &words).here()?;
    let fields = fields_of(&(found.manifest().schema)());
    let settings = settings::read(context, settings, place, &fields).here()?;
    if let Err(errors) = found.settings(&settings.map) {
        settings.report(errors);
    }
    Some(SourceWay::Dialect {
        name: found.manifest().name.to_owned(),
        settings: DebugHidden(settings.map),
    })
}

fn monitor_way(
    monitor: &Field<'_>,
    settings: Option<Field<'_>>,
    place: (At, String),
) -> Option<SourceWay> {
    let kind = monitor.word("monitor", monitors::KINDS).here()?;
    let settings = settings::read(monitor.context, settings, place, &kind.fields()).here()?;
    if let Err(errors) = kind.check(&settings.map) {
        settings.report(errors);
    }
    Some(SourceWay::Monitor {
        name: kind.name().to_owned(),
        settings: settings.map,
    })
}

/// `key`, `key_file` or `keys`. Absent: none is written.
fn keys(section: &mut Section<'_>, seen: &mut Seen) -> Given<Vec<Secret>> {
    let one = section.secret("key", "key_file");
    let Some(several) = section.take("keys") else {
        return match one {
            Given::Absent => Given::Absent,
            Given::Broken => Given::Broken,
            Given::Here((key, field)) => match check_key(&field, key, seen) {
                Some(key) => Given::Here(vec![key]),
                None => Given::Broken,
            },
        };
    };
    if !matches!(one, Given::Absent) {
        several.report("`key` and `keys` are both given; put all keys into `keys`");
        return Given::Broken;
    }
    let Given::Here(list) = several.list() else {
        return Given::Broken;
    };
    if list.is_empty() {
        several.report("this list is empty; a source has at least one key");
        return Given::Broken;
    }
    let count = list.len();
    let keys: Vec<Secret> = list
        .iter()
        .filter_map(|field| check_key(field, field.secret().here()?, seen))
        .collect();
    if keys.len() == count {
        Given::Here(keys)
    } else {
        Given::Broken
    }
}

fn check_key(field: &Field<'_>, key: Secret, seen: &mut Seen) -> Option<Secret> {
    let text = key.expose();
    let problem = if text.chars().count() < KEY_CHARS_MIN {
        Some(format!(
            "a key has at least {KEY_CHARS_MIN} characters, so that it cannot be guessed; `openssl rand -hex 16` makes one"
        ))
    } else if text.len() > KEY_CHARS_MAX {
        Some(format!(
            "a key has at most {KEY_CHARS_MAX} characters; `openssl rand -hex 16` makes one of 32"
        ))
    } else if !text
        .chars()
        .all(|c| c.is_ascii_graphic() && !"/?#%".contains(c))
    {
        Some("a key stands in URLs: no blanks, no `/`, `?`, `#`, `%`, only ASCII; `openssl rand -hex 16` makes one".to_owned())
    } else {
        seen.keys.get(text).map(|line| {
            format!("this key is used already (line {line}); a key belongs to one source, so that we know who sends")
        })
    };
    if let Some(problem) = problem {
        field.report(problem);
        return None;
    }
    seen.keys.insert(text.to_owned(), field.node.at.line);
    Some(key)
}

fn integration(
    mut section: Section<'_>,
    names: &mut HashMap<String, usize>,
) -> Option<DesiredIntegration> {
    let name = name(&mut section, names, "integration");
    let of = section.take("of");
    let of_place = of.as_ref().map_or(section.at, |field| field.node.at);
    let of_words = [
        ("issues", Of::Issues),
        ("notifications", Of::Notifications),
        ("metrics", Of::Metrics),
    ];
    let of = match of {
        None => Some(Of::Issues),
        Some(field) => field.word("kind", &of_words).here(),
    };
    let matchers = matchers(&mut section);
    let settings = section.take("settings");
    let settings_place = (section.at, section.path_of("settings"));
    let context = section.context;
    let kind = match section.take("sink") {
        None => {
            section.report_missing("sink", "the service that is told, such as `slack`");
            None
        }
        Some(field) => {
            let words: Vec<_> = context
                .inputs
                .sinks
                .iter()
                .map(|s| (s.manifest().name, *s))
                .collect();
            field.word("sink", &words).here()
        }
    };
    if let (Some(kind), Some(of)) = (kind, of) {
        check_takes(context, kind, of, of_place, &section.path_of("of"));
    }
    let settings = kind.and_then(|kind| {
        let fields = fields_of(&(kind.manifest().schema)());
        let settings = settings::read(context, settings, settings_place, &fields).here()?;
        if let Err(errors) = kind.build(&settings.map) {
            settings.report(errors);
        }
        Some(settings.map)
    });
    let policy = match section
        .take("policy")
        .and_then(|field| field.section().here())
    {
        Some(section) => policy(section, kind),
        None => Policy::default(),
    };
    let enabled = section.boolean("enabled").or(true);
    let existing_words = [
        ("tell", Existing::Tell),
        ("from_next_event", Existing::FromNextEvent),
    ];
    let existing = section
        .take("existing")
        .and_then(|field| {
            field
                .word("way to treat open alerts", &existing_words)
                .here()
        })
        .unwrap_or_default();
    section.finish();
    Some(DesiredIntegration {
        name: name?,
        of: of?,
        matchers,
        except: Vec::new(),
        receiver: None,
        sink: kind?.manifest().name.to_owned(),
        settings: DebugHidden(settings?),
        policy,
        enabled,
        existing,
    })
}

/// A sink takes only what its vendor can show: notifications do not suit services that page people.
fn check_takes(context: &Context<'_>, kind: &dyn SinkKind, of: Of, at: At, path: &str) {
    let manifest = kind.manifest();
    let title = manifest.title;
    let problem = match of {
        Of::Issues if !manifest.takes_issues => {
            format!("{title} does not take issues; use `of: notifications`")
        }
        Of::Notifications if !manifest.takes_notifications => {
            format!(
                "{title} does not take notifications, because they would page people about what is no problem; use `of: issues`, or another sink"
            )
        }
        Of::Metrics => format!(
            "{title} does not take metrics, and no sink of this version does; use `of: issues`"
        ),
        Of::Issues | Of::Notifications => return,
    };
    context.report(at.problem(path, problem));
}

fn matchers(section: &mut Section<'_>) -> Vec<Matcher> {
    let Some(field) = section.take("match") else {
        return Vec::new();
    };
    let list = field.list().here().unwrap_or_default();
    if list.len() > MATCHERS_MAX {
        field.report(format!(
            "{} matchers; at most {MATCHERS_MAX} are allowed",
            list.len()
        ));
        return Vec::new();
    }
    list.iter().filter_map(matcher).collect()
}

fn matcher(field: &Field<'_>) -> Option<Matcher> {
    let text = field.text().here()?;
    let parsed = parse_matcher(&text).and_then(|matcher| {
        // Compiled once here, so that a bad regular expression is found before anything runs.
        CompiledMatchers::compile([matcher.clone()]).map(|_| matcher)
    });
    match parsed {
        Ok(matcher) => return Some(matcher),
        Err(_) if field.is_substituted() => {
            field.report("with its variables put in, this is no matcher")
        }
        Err(error) => field.report(error.to_string()),
    }
    None
}

fn policy(mut section: Section<'_>, kind: Option<&dyn SinkKind>) -> Policy {
    let default = Policy::default();
    let interval = section.take("interval");
    if let (Some(field), Some(kind)) = (&interval, kind)
        && kind.manifest().can.pages
        && matches!(field.duration(), Given::Here(interval) if interval.0 > 0)
    {
        field.warn(format!(
            "{} reminds people by itself; reminders from here are not sent",
            kind.manifest().title
        ));
    }
    let event_words = EventKind::ALL.map(|kind| (kind.as_str(), kind));
    let notify_on = section
        .take("notify_on")
        .and_then(|field| field.list().here())
        .map(|list| {
            list.iter()
                .filter_map(|field| field.word("event", &event_words).here())
                .collect()
        });
    let policy = Policy {
        delay: section.duration("delay").or(default.delay),
        interval: interval.map_or(default.interval, |field| {
            field.duration().or(default.interval)
        }),
        edit_interval: section.duration("edit_interval").or(default.edit_interval),
        notify_on,
        close_notifications: section
            .boolean("close_notifications")
            .or(default.close_notifications),
        ..default
    };
    section.finish();
    policy
}
