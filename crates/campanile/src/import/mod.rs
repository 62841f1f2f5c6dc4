//! `import`: an Alertmanager's configuration becomes one of ours, with a report of what is exact, near and missing.
//!
//! `read` understands the file, `routes` makes independent rules of its tree, `receivers` makes a sink's settings of each
//! receiver's configuration, `write` puts all of it into YAML. No secret of the file is repeated anywhere: settings get
//! `${VARIABLE}` placeholders, and the report says what to set.

mod matchers;
mod node;
mod read;
mod receivers;
mod report;
mod routes;
mod secrets;
#[cfg(test)]
mod tests;
mod write;

use std::io::Read;
use std::path::Path;

use crate::config::{At, FILE_BYTES_MAX, Problem};

use report::Report;
use secrets::Secrets;

/// What an import made.
#[derive(Debug)]
pub struct Imported {
    /// The configuration.
    pub yaml: String,
    /// For people: one line each for what is exact, near and missing, then what to set.
    pub report: String,
}

/// Why there is no import.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{path} cannot be read")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    /// The file is no Alertmanager's configuration.
    #[error("{}", problems.iter().map(|p| format!("{path}:{p}")).collect::<Vec<_>>().join("\n"))]
    Problems {
        path: String,
        problems: Vec<Problem>,
    },
}

/// Imports a file.
///
/// # Errors
/// The file cannot be read, is not YAML, or has no route.
pub fn run(path: &Path) -> Result<Imported, ImportError> {
    let unreadable = |source| ImportError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() > FILE_BYTES_MAX {
        let problem =
            At::START.problem("", format!("the file has more than {FILE_BYTES_MAX} bytes"));
        return Err(ImportError::Problems {
            path: path.display().to_string(),
            problems: vec![problem],
        });
    }
    let name = path.file_name().map(|name| name.to_string_lossy());
    import(&text, name.as_deref().unwrap_or("alertmanager.yml")).map_err(|problems| {
        ImportError::Problems {
            path: path.display().to_string(),
            problems,
        }
    })
}

/// Imports the text of the file `name`.
///
/// # Errors
/// What makes all of it unusable, by line.
pub fn import(text: &str, name: &str) -> Result<Imported, Vec<Problem>> {
    let mut report = Report::default();
    let mut secrets = Secrets::default();
    let file = read::read(text, &mut report)?;
    let receivers = receivers::all(&file, &mut secrets, &mut report);
    let rules = routes::rules(&file, &receivers, &mut report);
    let yaml = write::configuration(&file, &rules, &secrets, name);
    Ok(Imported {
        yaml,
        report: report.text(name, &rules, &secrets),
    })
}
