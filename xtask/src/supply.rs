//! The supply chain, as far as it can be judged offline: licences and forbidden crates. Advisories need a database
//! from the network and are not looked at here.

use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// Licences that go with MIT OR Apache-2.0. An expression passes if one of its alternatives does.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

/// Crates that may not come in, by whatever way, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("openssl", "rustls serves; one TLS stack"),
    ("openssl-sys", "rustls serves; one TLS stack"),
    ("native-tls", "rustls serves; one TLS stack"),
    ("serde_yaml", "no longer kept"),
    ("async-std", "one runtime"),
];

pub fn check() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("no packages in cargo's metadata")?;
    let mut problems = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if let Some((_, why)) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name) {
            problems.push(format!("{name} is in the lock file: {why}"));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !passes(licence) {
            problems.push(format!(
                "{name} has the licence {licence:?}, which is not on the list"
            ));
        }
    }
    if !problems.is_empty() {
        bail!("supply chain:\n  {}", problems.join("\n  "));
    }
    println!(
        "supply chain: {} packages, all licences on the list, none forbidden",
        packages.len()
    );
    Ok(())
}

/// `(MIT OR Apache-2.0) AND Unicode-3.0`: every part of the conjunction has an alternative on the list.
fn passes(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], " ");
    !flat.trim().is_empty()
        && flat.split(" AND ").all(|part| {
            part.split(" OR ")
                .map(str::trim)
                .any(|one| LICENCES.contains(&one))
        })
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn an_expression_passes_if_every_part_has_an_allowed_alternative() {
        assert!(passes("MIT OR Apache-2.0"));
        assert!(passes("MIT/Apache-2.0"));
        assert!(passes("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(passes("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
        assert!(!passes("GPL-3.0"));
        assert!(!passes("MIT AND GPL-3.0"));
        assert!(!passes(""));
    }
}
