//! Reference pages of vendors, from their manifests: `docs/integrations/*.md`. What a manifest does not say cannot stand
//! there.

use std::fmt::Write as _;

use model::{Capabilities, Manner};

use crate::kit::{Edition, SettingField, SettingKind, SinkKind, SinkManifest, fields_of};

/// The page of one way out, in Markdown.
pub fn sink_page(kind: &dyn SinkKind) -> String {
    let manifest = kind.manifest();
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write_page(&mut page, manifest);
    page
}

fn write_page(page: &mut String, manifest: &SinkManifest) -> std::fmt::Result {
    writeln!(page, "# {}\n", manifest.title)?;
    writeln!(page, "`sink: {}`. {}\n", manifest.name, manifest.about)?;
    if manifest.edition == Edition::CloudGone {
        writeln!(
            page,
            "The vendor's own cloud is gone: this is for servers that you or others still run, and for bridges that speak \
             its language.\n"
        )?;
    }
    writeln!(page, "## Set-up")?;
    for (number, step) in manifest.setup.iter().enumerate() {
        writeln!(page, "{}. {step}", number + 1)?;
    }
    writeln!(page, "\n## Settings\n| setting | | what |\n|---|---|---|")?;
    for field in fields_of(&(manifest.schema)()) {
        writeln!(
            page,
            "| `{}` | {} | {} |",
            field.name,
            nature(&field),
            cell(&about(&field))
        )?;
    }
    writeln!(
        page,
        "\nA *target* says where messages go: after an edit, alerts that are open there finish there. A *credential* serves \
         old and new alerts at once. *Secret* ones are sealed and never shown again.\n"
    )?;
    writeln!(page, "## What it does")?;
    writeln!(page, "{}\n", manner(manifest.manner))?;
    writeln!(page, "| | |\n|---|---|")?;
    for (what, can) in abilities(manifest) {
        writeln!(page, "| {what} | {} |", if can { "yes" } else { "no" })?;
    }
    writeln!(
        page,
        "\nA request may take {} s. One message takes up to {} {}.",
        manifest.deadline_ms / 1000,
        manifest.requests_max,
        if manifest.requests_max == 1 {
            "request"
        } else {
            "requests"
        },
    )?;
    if !manifest.errors.is_empty() {
        writeln!(
            page,
            "\n## When it is refused\n| answer | what it means |\n|---|---|"
        )?;
        for error in manifest.errors {
            writeln!(page, "| `{}` | {} |", error.code, cell(error.sentence))?;
        }
    }
    writeln!(page, "\nSource of the vendor's rules: {}.", manifest.docs)
}

fn nature(field: &SettingField) -> String {
    let mut words = vec![match field.kind {
        SettingKind::Target => "target",
        SettingKind::Credential => "credential",
        SettingKind::Option => "option",
    }];
    if field.secret {
        words.push("secret");
    }
    if field.required {
        words.push("required");
    }
    words.join(", ")
}

fn about(field: &SettingField) -> String {
    match &field.default {
        Some(default) if !default.is_null() && !is_empty(default) => {
            format!("{} Default: `{default}`.", field.about)
        }
        _ => field.about.clone(),
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

/// A table's cell: one line, and no bar that would end it.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

fn manner(manner: Manner) -> &'static str {
    match manner {
        Manner::Lifecycle => {
            "It is told states: opened, acknowledged, closed. What was overtaken before it left is skipped; a close goes out \
             whenever the open may have been heard."
        }
        Manner::Mirror => {
            "One message shows the alert's newest state. Updates edit it from time to time, a close at once."
        }
        Manner::Log => "It gets every event of an alert, in order.",
    }
}

fn abilities(manifest: &SinkManifest) -> Vec<(&'static str, bool)> {
    let Capabilities {
        update,
        ack,
        unack,
        note,
        assign,
        snooze,
        pages,
        idempotent,
        ..
    } = manifest.can;
    vec![
        ("alerts", manifest.takes_issues),
        ("notifications", manifest.takes_notifications),
        ("updates", update),
        ("acknowledgement", ack),
        ("its withdrawal", unack),
        ("notes", note),
        ("assignment", assign),
        ("snoozing", snooze),
        ("wakes people by itself (no reminders from the hub)", pages),
        ("knows a repeated message", idempotent),
    ]
}
