//! Small files, and exactly what is said about them.

mod fakes;
mod hostile;
mod noise;
mod problems;
mod values;

use std::path::Path;

use super::{Config, Inputs, Problem, load};

/// Loads with a few variables, files, and a registry of one dialect (`generic`) and two sinks (`chat`, `pager`).
fn loaded(text: &str) -> Result<Config, Vec<Problem>> {
    let env = |name: &str| {
        Some(match name {
            "KEY" => "env-key-0123456789".to_owned(),
            "NUMERIC_KEY" => "12345678901234567890".to_owned(),
            "PORT" => "9090".to_owned(),
            "YES" => "true".to_owned(),
            "EMPTY" => String::new(),
            "SECRET" => "hunter2-hunter2-hunter2".to_owned(),
            _ => return None,
        })
    };
    let read_file = |path: &Path| match path.to_str() {
        Some("token") => Ok(b"file-token-0123456789\r\n".to_vec()),
        Some("two-tokens") => Ok(b"first-token-0123\nsecond-token-0123\n\n".to_vec()),
        Some("empty") => Ok(b"\n".to_vec()),
        Some("binary") => Ok(vec![0xff, 0xfe, 0x00]),
        Some("large") => Ok(vec![b'x'; 100_000]),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    load(
        text,
        &Inputs {
            env: &env,
            read_file: &read_file,
            sinks: fakes::SINKS,
            dialects: fakes::DIALECTS,
        },
    )
}

/// The problems as they are printed.
fn problems(text: &str) -> Vec<String> {
    match loaded(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn good(text: &str) -> Config {
    match loaded(text) {
        Ok(config) => config,
        Err(problems) => panic!("{text}\n{problems:#?}"),
    }
}

/// A good project around an integration's or a source's lines.
fn with_source(lines: &str) -> String {
    format!(
        "projects:\n- name: p\n  sources:\n  - {}",
        lines.replace('\n', "\n    ")
    )
}

fn with_integration(lines: &str) -> String {
    format!(
        "projects:\n- name: p\n  integrations:\n  - {}",
        lines.replace('\n', "\n    ")
    )
}
