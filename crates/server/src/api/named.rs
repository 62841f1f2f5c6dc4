//! Names in queries become ids. A name belongs to a project; without one it must be unique.

use engine::catalog::Catalog;
use model::{IntegrationId, ProjectId, SourceId};

use crate::problem::Problem;

pub(crate) fn project(catalog: &Catalog, name: Option<&str>) -> Result<Option<ProjectId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    match catalog.project_named(name) {
        Some(project) => Ok(Some(project.id)),
        None => Err(Problem::bad_request(format!(
            "there is no project {name:?}; there are: {}",
            names(catalog.projects.iter().map(|p| p.name.as_str()))
        ))),
    }
}

/// A source by name or id.
pub(crate) fn source(
    catalog: &Catalog,
    project: Option<ProjectId>,
    wanted: Option<&str>,
) -> Result<Option<SourceId>, Problem> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    if let Ok(id) = wanted.parse() {
        return Ok(Some(id));
    }
    let here = || {
        let all = catalog.sources.values();
        all.filter(|s| project.is_none_or(|p| p == s.project.id))
    };
    let found: Vec<SourceId> = here().filter(|s| s.name == wanted).map(|s| s.id).collect();
    one("source", wanted, &found, || {
        names(here().map(|s| s.name.as_str()))
    })
}

/// An integration by name or id.
pub(crate) fn integration(
    catalog: &Catalog,
    project: Option<ProjectId>,
    wanted: Option<&str>,
) -> Result<Option<IntegrationId>, Problem> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    if let Ok(id) = wanted.parse() {
        return Ok(Some(id));
    }
    let here = || {
        let all = catalog.integrations.values().flatten();
        all.filter(|i| project.is_none_or(|p| p == i.project.id))
    };
    let found: Vec<IntegrationId> = here().filter(|i| i.name == wanted).map(|i| i.id).collect();
    one("integration", wanted, &found, || {
        names(here().map(|i| i.name.as_str()))
    })
}

fn one<T: Copy>(
    what: &str,
    wanted: &str,
    found: &[T],
    known: impl FnOnce() -> String,
) -> Result<Option<T>, Problem> {
    match found {
        [id] => Ok(Some(*id)),
        [] => Err(Problem::bad_request(format!(
            "there is no {what} {wanted:?}; there are: {}",
            known()
        ))),
        _ => Err(Problem::bad_request(format!(
            "several projects have a {what} {wanted:?}: name the `project` too, or use the {what}'s id"
        ))),
    }
}

/// How many names a refusal lists.
const NAMES_SHOWN_MAX: usize = 20;

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = all.collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMES_SHOWN_MAX);
    names.truncate(NAMES_SHOWN_MAX);
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
