//! What must change in the stored rows so that they mean what the operator wants. Pure but for ids and sealing.

use integrations::kit::{SettingKind, SettingsMap, fields_of};
use integrations::registry;
use model::{IdSource, IntegrationId, ProjectId, SourceId, Timestamp};
use store::{CatalogRows, HealthRow, IntegrationRow, ProjectRow, RevisionRow, SourceRow};

use crate::catalog::{
    CatalogError, IntegrationSettings, ProjectSettings, Sealer, SourceRowSettings, hash_of_key,
};
use crate::desired::{Desired, DesiredIntegration, DesiredProject, DesiredSource, SourceWay};

/// The rows to write, and what follows from writing them.
#[derive(Debug, Default)]
pub struct Comparison {
    pub rows: CatalogRows,
    /// New integrations, and those whose matchers or `of` changed: open alerts may enter them.
    pub widened: Vec<IntegrationId>,
    /// Integrations that are new or changed in any way: their lanes are planned anew, and those that were told
    /// nothing move to the present target.
    pub changed: Vec<IntegrationId>,
    /// Revisions with new credentials: they are tried again at once.
    pub recovered: Vec<HealthRow>,
    /// For people: one line per change.
    pub summary: Vec<String>,
}

/// Compares. Rows that stay as they are do not appear.
pub fn compare(
    stored: &CatalogRows,
    desired: &Desired,
    sealer: &Sealer,
    ids: &IdSource,
    now: Timestamp,
) -> Result<Comparison, CatalogError> {
    let mut out = Comparison::default();
    for project in &desired.projects {
        let id = project_row(stored, project, ids, &mut out)?;
        for source in &project.sources {
            source_row(stored, id, project, source, sealer, ids, &mut out)?;
        }
        for integration in &project.integrations {
            integration_row(stored, id, project, integration, sealer, ids, now, &mut out)?;
        }
        delete_missing(stored, id, project, &mut out);
    }
    for row in stored.projects.iter().filter(|p| !p.deleted) {
        if desired.projects.iter().all(|p| p.name != row.name) {
            out.summary.push(format!("project {} removed", row.name));
            out.rows.projects.push(ProjectRow {
                deleted: true,
                ..row.clone()
            });
            let gone = DesiredProject {
                name: row.name.clone(),
                owner_email: None,
                inhibitions: Vec::new(),
                sources: Vec::new(),
                integrations: Vec::new(),
            };
            delete_missing(stored, row.id, &gone, &mut out);
        }
    }
    Ok(out)
}

/// The rows as they will be once `change` is written.
pub(crate) fn merged(mut rows: CatalogRows, change: &CatalogRows) -> CatalogRows {
    fn put<T: Clone>(rows: &mut Vec<T>, new: &[T], same: impl Fn(&T, &T) -> bool) {
        for row in new {
            match rows.iter_mut().find(|r| same(r, row)) {
                Some(old) => *old = row.clone(),
                None => rows.push(row.clone()),
            }
        }
    }
    put(&mut rows.projects, &change.projects, |a, b| a.id == b.id);
    put(&mut rows.sources, &change.sources, |a, b| a.id == b.id);
    put(&mut rows.integrations, &change.integrations, |a, b| {
        a.id == b.id
    });
    put(&mut rows.revisions, &change.revisions, |a, b| {
        (a.integration, a.revision) == (b.integration, b.revision)
    });
    rows
}

fn project_row(
    stored: &CatalogRows,
    project: &DesiredProject,
    ids: &IdSource,
    out: &mut Comparison,
) -> Result<ProjectId, CatalogError> {
    let settings = to_value(
        &project.name,
        &ProjectSettings {
            owner_email: project.owner_email.clone(),
            inhibitions: project.inhibitions.clone(),
        },
    )?;
    let old = stored.projects.iter().find(|p| p.name == project.name);
    let row = ProjectRow {
        id: old.map_or_else(|| ProjectId(ids.next()), |p| p.id),
        name: project.name.clone(),
        settings,
        deleted: false,
    };
    let id = row.id;
    if old != Some(&row) {
        out.summary.push(format!(
            "project {} {}",
            row.name,
            if old.is_some() { "changed" } else { "added" }
        ));
        out.rows.projects.push(row);
    }
    Ok(id)
}

fn source_row(
    stored: &CatalogRows,
    project: ProjectId,
    of: &DesiredProject,
    source: &DesiredSource,
    sealer: &Sealer,
    ids: &IdSource,
    out: &mut Comparison,
) -> Result<(), CatalogError> {
    let old = stored
        .sources
        .iter()
        .find(|s| s.project == project && s.name == source.name && !s.deleted);
    let id = old.map_or_else(|| SourceId(ids.next()), |s| s.id);
    let context = source_context(id);
    let (name, wanted) = match &source.way {
        SourceWay::Dialect { name, settings } => (name, &settings.0),
        SourceWay::Monitor { name, settings } => (name, settings),
    };
    let is_dialect = matches!(source.way, SourceWay::Dialect { .. });
    // Sealing the same settings twice gives other bytes, so the opened ones are compared.
    let same = match old
        .map(|s| parse_source(&context, &s.settings))
        .transpose()?
    {
        Some(SourceRowSettings::Dialect { name: n, sealed }) => {
            is_dialect && n == *name && sealer.open_text(&context, &sealed)? == *wanted
        }
        Some(SourceRowSettings::Monitor { name: n, sealed }) => {
            !is_dialect && n == *name && sealer.open_text(&context, &sealed)? == *wanted
        }
        None => false,
    };
    let key_hashes: Vec<Vec<u8>> = source
        .keys
        .iter()
        .map(|k| hash_of_key(k.expose()).to_vec())
        .collect();
    if same && old.is_some_and(|s| s.key_hashes == key_hashes) {
        return Ok(());
    }
    let sealed = sealer.seal_text(&context, wanted)?;
    let settings = if is_dialect {
        SourceRowSettings::Dialect {
            name: name.clone(),
            sealed,
        }
    } else {
        SourceRowSettings::Monitor {
            name: name.clone(),
            sealed,
        }
    };
    let verb = if old.is_some() { "changed" } else { "added" };
    out.summary
        .push(format!("source {}/{} {verb}", of.name, source.name));
    out.rows.sources.push(SourceRow {
        id,
        project,
        name: source.name.clone(),
        key_hashes,
        settings: to_value(&context, &settings)?,
        deleted: false,
    });
    Ok(())
}

#[expect(
    clippy::too_many_arguments,
    reason = "the comparison's context, passed down once"
)]
fn integration_row(
    stored: &CatalogRows,
    project: ProjectId,
    of: &DesiredProject,
    wanted: &DesiredIntegration,
    sealer: &Sealer,
    ids: &IdSource,
    now: Timestamp,
    out: &mut Comparison,
) -> Result<(), CatalogError> {
    let settings = to_value(
        &wanted.name,
        &IntegrationSettings {
            of: wanted.of,
            matchers: wanted.matchers.clone(),
            except: wanted.except.clone(),
            receiver: wanted.receiver.clone(),
            policy: wanted.policy.clone(),
            existing: wanted.existing,
        },
    )?;
    let label = format!("integration {}/{}", of.name, wanted.name);
    let old = stored
        .integrations
        .iter()
        .find(|i| i.project == project && i.name == wanted.name && !i.deleted);
    let Some(old) = old else {
        let id = IntegrationId(ids.next());
        out.summary.push(format!("{label} added"));
        out.widened.push(id);
        out.changed.push(id);
        out.rows.integrations.push(IntegrationRow {
            id,
            project,
            name: wanted.name.clone(),
            revision: 1,
            enabled: wanted.enabled,
            deleted: false,
            settings,
        });
        out.rows.revisions.push(revision_row(
            id,
            1,
            wanted,
            &wanted.settings.0,
            sealer,
            now,
        )?);
        return Ok(());
    };
    let mut row = IntegrationRow {
        enabled: wanted.enabled,
        settings,
        ..old.clone()
    };
    let current = stored
        .revisions
        .iter()
        .find(|r| r.integration == old.id && r.revision == old.revision)
        .ok_or_else(|| CatalogError::Stored {
            what: label.clone(),
            problem: format!("its revision {} is missing", old.revision),
        })?;
    let had = sealer.open(&revision_context(old.id, old.revision), &current.sealed)?;
    let edit = edit_of(&current.sink, &had, &wanted.sink, &wanted.settings.0);
    match edit {
        Edit::None => {}
        Edit::Target => {
            row.revision = stored
                .revisions
                .iter()
                .filter(|r| r.integration == old.id)
                .map(|r| r.revision)
                .max()
                .unwrap_or(old.revision)
                + 1;
            out.summary.push(format!(
                "{label} has a new target (revision {})",
                row.revision
            ));
            out.rows.revisions.push(revision_row(
                old.id,
                row.revision,
                wanted,
                &wanted.settings.0,
                sealer,
                now,
            )?);
        }
        Edit::Credential => {
            out.summary
                .push(format!("{label} has new credentials or options"));
        }
    }
    if edit != Edit::None {
        out.changed.push(old.id);
        // A new credential serves all revisions of the same sink: the old ones' lanes must still close (I6).
        for revision in stored
            .revisions
            .iter()
            .filter(|r| r.integration == old.id && r.sink == wanted.sink)
        {
            let context = revision_context(old.id, revision.revision);
            let mut settings = sealer.open(&context, &revision.sealed)?;
            carry_over(&wanted.sink, &wanted.settings.0, &mut settings);
            let row = RevisionRow {
                sealed: sealer.seal(&context, &settings)?,
                ..revision.clone()
            };
            out.rows.revisions.push(row);
            out.recovered.push(HealthRow {
                integration: old.id,
                revision: revision.revision,
                suspended: None,
            });
        }
    }
    if row != *old {
        let was: Option<IntegrationSettings> = serde_json::from_value(old.settings.clone()).ok();
        if was.is_none_or(|w| {
            w.matchers != wanted.matchers || w.except != wanted.except || w.of != wanted.of
        }) || (row.enabled && !old.enabled)
        {
            out.widened.push(old.id);
        }
        if row.revision == old.revision {
            out.summary.push(format!("{label} changed"));
        }
        if !out.changed.contains(&old.id) {
            out.changed.push(old.id);
        }
        out.rows.integrations.push(row);
    }
    Ok(())
}

fn delete_missing(
    stored: &CatalogRows,
    project: ProjectId,
    wanted: &DesiredProject,
    out: &mut Comparison,
) {
    for row in stored
        .sources
        .iter()
        .filter(|s| s.project == project && !s.deleted)
    {
        if wanted.sources.iter().all(|s| s.name != row.name) {
            out.summary
                .push(format!("source {}/{} removed", wanted.name, row.name));
            out.rows.sources.push(SourceRow {
                deleted: true,
                key_hashes: Vec::new(),
                ..row.clone()
            });
        }
    }
    for row in stored
        .integrations
        .iter()
        .filter(|i| i.project == project && !i.deleted)
    {
        if wanted.integrations.iter().all(|i| i.name != row.name) {
            out.summary.push(format!(
                "integration {}/{} removed: what it opened is still closed there",
                wanted.name, row.name
            ));
            out.changed.push(row.id);
            out.rows.integrations.push(IntegrationRow {
                deleted: true,
                ..row.clone()
            });
        }
    }
}

/// What kind of edit a change of settings is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    None,
    /// Another place: open lanes finish on the old revision.
    Target,
    /// The same place, said or proved differently.
    Credential,
}

fn edit_of(old_sink: &str, had: &SettingsMap, new_sink: &str, wants: &SettingsMap) -> Edit {
    if old_sink != new_sink {
        return Edit::Target;
    }
    if had == wants {
        return Edit::None;
    }
    let Some(kind) = registry::sink(new_sink) else {
        return Edit::Target;
    };
    let fields = fields_of(&(kind.manifest().schema)());
    let target_moved = fields
        .iter()
        .filter(|f| f.kind == SettingKind::Target)
        .any(|f| {
            let old = had.get(&f.name).or(f.default.as_ref());
            let new = wants.get(&f.name).or(f.default.as_ref());
            old != new
        });
    if target_moved {
        Edit::Target
    } else {
        Edit::Credential
    }
}

/// Puts everything but the target of `from` into `into`.
fn carry_over(sink: &str, from: &SettingsMap, into: &mut SettingsMap) {
    let Some(kind) = registry::sink(sink) else {
        return;
    };
    for field in fields_of(&(kind.manifest().schema)()) {
        if field.kind == SettingKind::Target {
            continue;
        }
        match from.get(&field.name) {
            Some(value) => into.insert(field.name, value.clone()),
            None => into.remove(&field.name),
        };
    }
}

fn revision_row(
    integration: IntegrationId,
    revision: u32,
    wanted: &DesiredIntegration,
    settings: &SettingsMap,
    sealer: &Sealer,
    now: Timestamp,
) -> Result<RevisionRow, CatalogError> {
    Ok(RevisionRow {
        integration,
        revision,
        sink: wanted.sink.clone(),
        sealed: sealer.seal(&revision_context(integration, revision), settings)?,
        created_at: now,
    })
}

/// What a revision's settings are sealed for.
pub(super) fn revision_context(integration: IntegrationId, revision: u32) -> String {
    format!("integration {integration} revision {revision}")
}

/// What a source's settings are sealed for.
pub(super) fn source_context(id: SourceId) -> String {
    format!("source {id}")
}

pub(super) fn parse_source(
    what: &str,
    value: &serde_json::Value,
) -> Result<SourceRowSettings, CatalogError> {
    serde_json::from_value(value.clone()).map_err(|e| CatalogError::Stored {
        what: what.to_owned(),
        problem: e.to_string(),
    })
}

fn to_value<T: serde::Serialize>(what: &str, value: &T) -> Result<serde_json::Value, CatalogError> {
    serde_json::to_value(value).map_err(|e| CatalogError::Stored {
        what: what.to_owned(),
        problem: e.to_string(),
    })
}
