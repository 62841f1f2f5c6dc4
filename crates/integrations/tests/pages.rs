//! The reference pages in `docs/integrations` are what the manifests say. `CAMPANILE_WRITE_PAGES=1 cargo test -p
//! campanile-integrations --test pages` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use integrations::pages::sink_page;
use integrations::registry::SINKS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/integrations")
}

fn pages() -> BTreeMap<String, String> {
    let page = |kind: &&dyn integrations::kit::SinkKind| {
        (format!("{}.md", kind.manifest().name), sink_page(*kind))
    };
    SINKS.iter().map(page).collect()
}

#[test]
fn the_reference_pages_are_those_of_the_manifests() {
    let (folder, pages) = (folder(), pages());
    if std::env::var_os("CAMPANILE_WRITE_PAGES").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            std::fs::write(folder.join(name), page).unwrap();
        }
    }
    let there: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    let names = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&there),
        names(&pages),
        "pages and sinks; CAMPANILE_WRITE_PAGES=1 writes them"
    );
    for (name, page) in pages {
        assert_eq!(
            there[&name], page,
            "{name} is not what its manifest says; CAMPANILE_WRITE_PAGES=1 writes it"
        );
    }
}
