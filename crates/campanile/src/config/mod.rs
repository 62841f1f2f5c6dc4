//! The configuration file: what it says, or everything that is wrong with it at once, each with its line.
//!
//! `yaml` makes a tree with positions, `substitute` puts variables in, `server`, `projects` and their parts read values
//! through `reader`; `settings` hands vendors' settings to the registry. Reading has no side effects: variables, files and
//! the registry are parameters ([`Inputs`]).

mod inhibitions;

mod intervals;
mod limits;
mod matchers;
mod monitors;
mod policy;
mod problem;
mod projects;
mod reader;
mod rules;
mod server;
mod settings;
mod substitute;
#[cfg(test)]
mod tests;
pub mod yaml;

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use engine::desired::Desired;
use integrations::kit::{Dialect, SinkKind};

pub use limits::FILE_BYTES_MAX;
pub use problem::{At, Problem};
pub use server::{EgressConfig, ServerConfig};

use limits::{PROBLEMS_MAX, SECRET_FILE_BYTES_MAX};
use reader::{Context, Section};

/// A configuration file's meaning.
#[derive(Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub egress: EgressConfig,
    pub desired: Desired,
    /// What works but is probably not meant.
    pub warnings: Vec<Problem>,
}

/// What a file's meaning depends on besides its text.
pub struct Inputs<'a> {
    /// An environment variable's value.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The content of a file that a `_file` key names, as it is written there. Reading somewhat more than
    /// a secret's file may have is enough.
    pub read_file: &'a dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
    pub sinks: &'a [&'static dyn SinkKind],
    pub dialects: &'a [&'static dyn Dialect],
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Operator: the file is missing, or this user may not read it.
    #[error("the configuration file {} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Operator: all that is wrong with it, by line.
    #[error("the configuration file {} has {} problem(s)", path.display(), problems.len())]
    Problems {
        path: PathBuf,
        problems: Vec<Problem>,
    },
}

/// Reads a file with this process's environment and registry. Paths in it are relative to its folder.
pub fn load_file(path: &Path) -> Result<Config, LoadError> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let bytes = read_capped(path, FILE_BYTES_MAX).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let refuse = |problems| LoadError::Problems {
        path: path.to_owned(),
        problems,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        refuse(vec![
            At { line, column: 1 }.problem("", "this line is not text in UTF-8"),
        ])
    })?;
    let mut config = load(
        &text,
        &Inputs {
            env: &|name| std::env::var(name).ok(),
            read_file: &|file| read_capped(&folder.join(file), SECRET_FILE_BYTES_MAX),
            sinks: integrations::registry::SINKS,
            dialects: integrations::registry::DIALECTS,
        },
    )
    .map_err(refuse)?;
    // Through `components`, which leaves `./` out.
    config.server.data_dir = config
        .server
        .data_dir
        .map(|dir| folder.join(dir).components().collect());
    Ok(config)
}

/// What a hub without a configuration file runs with: it listens, and hears nobody.
pub fn defaults() -> Config {
    Config {
        server: ServerConfig {
            listen: None,
            data_dir: None,
            external_url: None,
            admin_token: None,
            mail: None,
            hosts: Default::default(),
            retention: engine::Retention::default(),
        },
        egress: EgressConfig::default(),
        desired: Desired {
            organization: "default".to_owned(),
            projects: Vec::new(),
        },
        warnings: Vec::new(),
    }
}

/// At most one byte more than `bytes_max`, so that the reader sees that there is too much.
fn read_capped(path: &Path, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text's meaning, or everything that is wrong with it, by line.
pub fn load(text: &str, inputs: &Inputs<'_>) -> Result<Config, Vec<Problem>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![At::START.problem(
            "",
            format!("the file has more than {FILE_BYTES_MAX} bytes"),
        )]);
    }
    let mut problems = Vec::new();
    let tree = match yaml::parse(text, &mut problems) {
        Ok(tree) => tree,
        Err(fatal) => {
            problems.push(fatal);
            return Err(in_order(problems));
        }
    };
    let tree = tree.map(|mut tree| {
        substitute::substitute(&mut tree, inputs.env, &mut problems);
        tree
    });
    let context = Context {
        inputs,
        problems: RefCell::new(problems),
        warnings: RefCell::default(),
    };
    let (server, egress, desired) = read(&context, tree.as_ref());
    let problems = context.problems.into_inner();
    if !problems.is_empty() {
        return Err(in_order(problems));
    }
    let warnings = in_order(context.warnings.into_inner());
    Ok(Config {
        server,
        egress,
        desired,
        warnings,
    })
}

fn read<'a>(
    context: &'a Context<'a>,
    tree: Option<&'a yaml::Node>,
) -> (ServerConfig, EgressConfig, Desired) {
    let empty = || Section::empty(context, At::START);
    let root = tree
        .filter(|tree| !tree.is_null())
        .map(|node| reader::Field {
            context,
            node,
            path: String::new(),
        });
    let mut root = root
        .and_then(|field| field.section().here())
        .unwrap_or_else(empty);
    let server = root
        .take("server")
        .and_then(|field| field.section().here())
        .unwrap_or_else(empty);
    let egress = root
        .take("egress")
        .and_then(|field| field.section().here())
        .unwrap_or_else(empty);
    let server = server::read_server(server);
    let egress = server::read_egress(egress);
    let organization = root.take("organization").and_then(|field| {
        let name = field.text().here()?;
        if name.trim().is_empty() || name.chars().any(|c| c.is_control() || c == '/') {
            field.report(
                "an organization's name is not empty and has no `/` and no control characters",
            );
            return None;
        }
        Some(name)
    });
    let projects = root.list("projects");
    if projects.is_empty() {
        context.warn(root.at.problem(
            "projects",
            "there are no projects: the hub runs, hears nobody and tells nobody",
        ));
    }
    let projects = projects::read_projects(&projects);
    root.finish();
    let organization = organization.unwrap_or_else(|| "default".to_owned());
    (
        server,
        egress,
        Desired {
            organization,
            projects,
        },
    )
}

/// By line; of very many only the first.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    if problems.len() > PROBLEMS_MAX {
        let more = problems.len() - PROBLEMS_MAX;
        problems.truncate(PROBLEMS_MAX);
        if let Some(last) = problems.last() {
            let at = At {
                line: last.line,
                column: last.column,
            };
            problems.push(at.problem("", format!("and {more} more problems after this one")));
        }
    }
    problems
}
