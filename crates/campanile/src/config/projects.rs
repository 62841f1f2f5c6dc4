//! `projects`: their names, sources and keys.

use std::collections::HashMap;

use engine::desired::{DebugHidden, DesiredProject, DesiredSource, SourceWay};
use integrations::kit::fields_of;
use model::Secret;

use crate::config::inhibitions;
use crate::config::intervals;
use crate::config::limits::{KEY_CHARS_MAX, KEY_CHARS_MIN, NAME_CHARS_MAX};
use crate::config::monitors;
use crate::config::problem::At;
use crate::config::reader::{Field, Given, Section};
use crate::config::rules::integration;
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
    let named = intervals::named(&mut section);
    let mut integrations = HashMap::new();
    let integrations = section
        .list("integrations")
        .iter()
        .filter_map(|field| integration(field.section().here()?, &mut integrations, &named))
        .collect();
    let inhibitions = inhibitions::read(&mut section);
    section.finish();
    Some(DesiredProject {
        name: name?,
        owner_email,
        sources,
        integrations,
        inhibitions,
    })
}

/// A name that is unique among `taken`.
pub fn name(
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
