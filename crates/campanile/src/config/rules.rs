//! `integrations`: what tells whom.

use std::collections::HashMap;

use engine::desired::{DebugHidden, DesiredIntegration, Existing, Of, Policy};
use integrations::kit::{SinkKind, fields_of};

use crate::config::intervals::NamedIntervals;
use crate::config::limits::NAME_CHARS_MAX;
use crate::config::matchers;
use crate::config::policy::policy;
use crate::config::problem::At;
use crate::config::projects::name;
use crate::config::reader::{Context, Section};
use crate::config::settings;

/// One entry of `integrations`; `named` are the project's intervals.
pub fn integration(
    mut section: Section<'_>,
    names: &mut HashMap<String, usize>,
    named: &NamedIntervals,
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
    let matchers = matchers::list(&mut section, "match").or(Vec::new());
    let except = matchers::lists(&mut section, "except");
    let receiver = receiver(&mut section);
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
        Some(section) => policy(section, kind, of, named),
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
        except,
        receiver,
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

/// The name under which Alertmanager's clients see it; several integrations may share one.
fn receiver(section: &mut Section<'_>) -> Option<String> {
    let field = section.take("receiver")?;
    let name = field.text().here()?;
    let blank = name.trim().is_empty() || name.chars().any(char::is_control);
    if blank || name.chars().count() > NAME_CHARS_MAX {
        field.report(format!(
            "a receiver's name has 1 to {NAME_CHARS_MAX} characters and no control characters"
        ));
        return None;
    }
    Some(name)
}
