//! `campanile admin` as people run it: the real binary, real hubs, a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use pgtest::Server;
use serde_json::Value;

const TOKEN: &str = "admin-test-token-0123456789";
const KEY: &str = "admin-test-key-0123456789";

fn campanile(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    // Nothing of our surroundings is a flag's twin.
    command.env_clear().args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    campanile(arguments).output().unwrap()
}

/// What the command printed as JSON.
#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the command said when it failed.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A running hub, killed when dropped.
struct Hub {
    child: Child,
    url: String,
}

impl Hub {
    fn start(folder: &Path, store: Option<&str>) -> Hub {
        let config = folder.join("hub.yaml");
        let yaml = format!(
            "server: {{ admin_token: {TOKEN} }}\nprojects:\n  - name: p\n    sources:\n      - {{ name: own, dialect: generic, key: {KEY} }}\n    integrations:\n      - {{ name: hook, sink: webhook, settings: {{ url: \"https://vendor.example/hook\", secret: \"{KEY}\" }} }}\n"
        );
        std::fs::write(&config, yaml).unwrap();
        let data = folder.join("data");
        let mut command = campanile(&["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--config").arg(&config);
        command.arg("--data-dir").arg(&data);
        if let Some(store) = store {
            command.args(["--store", store]);
        }
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (found, address) = std::sync::mpsc::channel();
        // Goes on to the end: a hub whose output nobody reads would end.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("listens on ") {
                    found.send(url.to_owned()).unwrap();
                }
            }
        });
        // No address comes from a hub that ended.
        let url = address.recv().ok();
        let log = std::fs::read_to_string(folder.join("log")).unwrap();
        Hub {
            child,
            url: url.unwrap_or_else(|| panic!("the hub did not start: {log}")),
        }
    }

    fn send(&self, key: &str) {
        let output = run(&[
            "send",
            "--hub",
            &self.url,
            "--key",
            KEY,
            "--event",
            "DiskFull",
            "--resource",
            key,
            "--severity",
            "major",
        ]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    /// What it has, by resource.
    fn resources(&self) -> Vec<String> {
        let listed = json(&[
            "alerts", "list", "--all", "--json", "--limit", "1000", "--hub", &self.url, "--token",
            TOKEN,
        ]);
        let alerts = listed["alerts"].as_array().or(listed.as_array()).unwrap();
        let names = alerts
            .iter()
            .map(|alert| alert["resource"].as_str().unwrap());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn store_in(folder: &Path) -> (PathBuf, String) {
    let path = folder.join("data/campanile.sqlite");
    let url = format!("sqlite:{}", path.display());
    (path, url)
}

/// A data folder with the sealing key of another one.
fn with_key_of(other: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::copy(other.join("data/key"), folder.path().join("data/key")).unwrap();
    folder
}

#[test]
fn a_hub_is_backed_up_at_work_restored_and_carried_to_postgresql() {
    let first = tempfile::tempdir().unwrap();
    let (_, store) = store_in(first.path());
    let hub = Hub::start(first.path(), None);
    for name in ["a", "b", "c"] {
        hub.send(name);
    }
    let file = first.path().join("backup.sqlite");
    let file = file.to_str().unwrap();
    let report = json(&["admin", "backup", "--store", &store, "--to", file, "--json"]);
    let tables = report["tables"].as_array().unwrap();
    let alerts = tables.iter().find(|table| table[0] == "alert").unwrap();
    assert_eq!(alerts[1], 3, "{report}");
    hub.send("d");
    let said = refused(&["admin", "backup", "--store", &store, "--to", file]);
    assert!(said.contains("nothing is overwritten"), "{said}");
    let said = refused(&["admin", "restore", "--from", file, "--store", &store]);
    assert!(said.contains("another process"), "{said}");
    drop(hub);

    let second = with_key_of(first.path());
    let (_, restored) = store_in(second.path());
    let output = run(&["admin", "restore", "--from", file, "--store", &restored]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("alert "), "{said}");
    let hub = Hub::start(second.path(), None);
    assert_eq!(hub.resources(), ["a", "b", "c"]);
    drop(hub);
    let migrated = json(&["admin", "migrate", "--store", &restored, "--json"]);
    assert_eq!(migrated, serde_json::json!({ "applied": [], "left": [] }));

    let server = Server::shared();
    let database = server.database();
    let to = database.url();
    let copied = json(&["admin", "copy", "--from", &store, "--to", &to, "--json"]);
    assert_eq!(copied["agrees"], true, "{copied}");
    assert_eq!(copied["copy"]["unclean"], true, "the hub was killed");
    let said = refused(&["admin", "copy", "--from", &store, "--to", &to]);
    assert!(said.contains("not empty"), "{said}");
    let third = with_key_of(first.path());
    let hub = Hub::start(third.path(), Some(&to));
    assert_eq!(hub.resources(), ["a", "b", "c", "d"]);
    hub.send("e");
    assert_eq!(hub.resources(), ["a", "b", "c", "d", "e"]);
    let migrated = json(&["admin", "migrate", "--store", &to, "--contract", "--json"]);
    assert_eq!(migrated, serde_json::json!({ "applied": [], "left": [] }));
}

#[test]
fn a_copy_prints_each_table_and_i9_never_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let (_, store) = store_in(folder.path());
    drop(Hub::start(folder.path(), None));
    let database = Server::shared().database();
    let output = run(&["admin", "copy", "--from", &store, "--to", &database.url()]);
    let (said, progress) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{progress}");
    for word in [
        "TABLE",
        "integration",
        "bucket",
        "same",
        "All of it is there",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(
        progress.contains("copying ") && progress.contains("checking "),
        "{progress}"
    );
    let secret = "postgres://u:geheim@127.0.0.1:1/d";
    for arguments in [
        ["admin", "copy", "--from", store.as_str(), "--to", secret].as_slice(),
        &["admin", "copy", "--to", store.as_str(), "--from", secret],
        &["admin", "migrate", "--store", secret],
        &["admin", "backup", "--store", secret, "--to", "x"],
    ] {
        let said = refused(arguments);
        assert!(!said.contains("geheim"), "{said}");
    }
}
