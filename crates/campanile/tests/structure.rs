//! The crates' direction, as ARCHITECTURE.md draws it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// For each crate, which of ours it may use in its code (tests may use more).
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("lifecycle", &["model"]),
    ("wire", &["model"]),
    ("integrations", &["model", "wire"]),
    ("store", &["model"]),
    ("monitors", &["model"]),
    (
        "engine",
        &[
            "model",
            "lifecycle",
            "wire",
            "integrations",
            "store",
            "monitors",
        ],
    ),
    (
        "server",
        &[
            "model",
            "lifecycle",
            "wire",
            "integrations",
            "store",
            "engine",
        ],
    ),
    ("sandbox", &[]),
    ("pgtest", &["model"]),
];

/// Who alone may use a crate of others.
const ONLY: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("axum", &["server", "sandbox", "bench"]),
    ("hyper", &["wire", "campanile", "server"]),
    ("clap", &["campanile", "xtask", "bench"]),
];

fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let short = |name: &str| name.strip_prefix("campanile-").unwrap_or(name).to_owned();
    let packages = metadata.packages.iter().map(|package| {
        let normal = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal);
        (
            short(&package.name),
            normal.map(|d| short(&d.name)).collect(),
        )
    });
    packages.collect()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let uses = uses();
    let ours: BTreeSet<&str> = uses.keys().map(String::as_str).collect();
    for (name, may) in MAY_USE {
        for used in uses[*name].iter().filter(|u| ours.contains(u.as_str())) {
            assert!(may.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
    let named: BTreeSet<&str> = MAY_USE
        .iter()
        .map(|(n, _)| *n)
        .chain(["campanile", "xtask", "bench"])
        .collect();
    assert_eq!(ours, named, "every crate has its place in the table");
}

#[test]
fn sql_http_and_sockets_stay_in_their_rooms() {
    for (name, used) in uses() {
        for (library, alone) in ONLY {
            assert!(
                !used.contains(*library) || alone.contains(&name.as_str()),
                "{name} must not use {library}"
            );
        }
    }
}
