//! An imported configuration tells the receivers that Alertmanager would tell: Debian's `amtool config routes test` and
//! our `check --alert` answer about the same labels.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Label sets that both are asked about.
const SETS: usize = 500;
/// Alerts in one call of `check`: the command line stays well under its limit.
const BATCH: usize = 50;

/// Labels with the values that the example's matchers speak of, and near misses.
const LABELS: &[(&str, &[&str])] = &[
    (
        "alertname",
        &[
            "Watchdog",
            "HighLatency",
            "ReplicationLag",
            "ReplicationBroken",
            "ReplicationLagging",
            "LoginFailed",
            "AUDIT-gap",
            "cve",
            "OutOfMemoryKill",
            "NodeDown",
        ],
    ),
    (
        "severity",
        &[
            "critical", "critical", "warning", "info", "debug", "none", "page",
        ],
    ),
    (
        "team",
        &["platform", "web", "shop", "checkout", "data", "platform-2"],
    ),
    ("environment", &["prod", "prod", "staging", "dev"]),
    (
        "cluster",
        &[
            "eu-1",
            "eu-",
            "us-east-1",
            "us-west-12",
            "us-south-1",
            "ap-1",
        ],
    ),
    (
        "service",
        &[
            "etcd",
            "apiserver",
            "ingress",
            "dns",
            "proxy",
            "postgres",
            "mysql",
            "redis",
            "kafka",
            "kafka-2",
            "payment",
            "search",
        ],
    ),
    ("namespace", &["kube-system", "kube-", "canary", "default"]),
    ("source", &["falco", "prometheus"]),
    ("event", &["exec", "open"]),
    ("job", &["node", "api"]),
    ("instance", &["db-1", "db-12:9100", "db-x", "web-1:80"]),
    ("resource", &["disk", "cpu"]),
    ("status", &["planned", "firing"]),
    ("topic", &["orders", "it's a \"topic\", with {signs}"]),
];

/// How many of a receiver's configurations we have a sink for, where that is not one.
const SINKS: &[(&str, usize)] = &[
    ("both-streaming", 2),
    ("both-db", 2),
    ("blackhole", 0),
    ("mail-security", 0),
];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    /// Less than `below`.
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

type Set = BTreeMap<&'static str, &'static str>;

fn sets() -> Vec<Set> {
    let mut dice = Dice(0x5eed_0a1e_27ca_fe01);
    let mut set = || {
        let mut set = Set::new();
        for (name, values) in LABELS {
            // Each is there three times in five, so that absence is tried as well.
            if dice.roll(5) < 3 {
                set.insert(*name, values[dice.roll(values.len())]);
            }
        }
        if set.is_empty() {
            set.insert("alertname", "Watchdog");
        }
        set
    };
    (0..SETS).map(|_| set()).collect()
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/alertmanager.yml")
}

fn campanile() -> Command {
    Command::new(env!("CARGO_BIN_EXE_campanile"))
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// What the report asks to set, with values that the sinks take.
fn variables(report: &str) -> Vec<(String, String)> {
    let (_, wanted) = report.split_once("Set these in the environment").unwrap();
    let names = wanted
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let value = |name: &str| match name {
        "CAMPANILE_ALERTMANAGER_KEY" => "0123456789abcdef".to_owned(),
        "SLACK_DB_CREDENTIALS" => "xoxb-1-2-abc".to_owned(),
        name if name.ends_with("ROUTING_KEY") => "0123456789abcdef".repeat(2),
        name if name.ends_with("API_KEY") => "0123abcd-4567-89ab-cdef-0123456789ab".to_owned(),
        name => format!("https://hooks.example.org/{name}"),
    };
    names.map(|name| (name.to_owned(), value(name))).collect()
}

/// Whom Alertmanager tells, each as often as it has sinks here.
fn by_amtool(set: &Set) -> Vec<String> {
    let mut amtool = Command::new("amtool");
    amtool.args(["config", "routes", "test"]);
    amtool.arg(format!("--config.file={}", example().display()));
    amtool.args(set.iter().map(|(name, value)| match *value {
        // Its own quoting of matchers, in which plain words are written for such values too.
        value if value.contains('"') => format!("{name}=\"{}\"", value.replace('"', "\\\"")),
        value => format!("{name}={value}"),
    }));
    let output = amtool
        .output()
        .expect("Debian's amtool is installed by `cargo xtask setup`");
    let mut told = Vec::new();
    for name in succeeded(&output).trim().split(',') {
        let sinks = SINKS.iter().find(|(receiver, _)| *receiver == name);
        told.extend(std::iter::repeat_n(
            name.to_owned(),
            sinks.map_or(1, |(_, count)| *count),
        ));
    }
    told.sort();
    told
}

/// Whom the imported configuration tells, an entry per integration.
fn by_check(config: &Path, variables: &[(String, String)], sets: &[Set]) -> Vec<Vec<String>> {
    let mut check = campanile();
    check.arg("check").arg("--json").arg("--config").arg(config);
    check.envs(variables.iter().cloned());
    for set in sets {
        check
            .arg("--alert")
            .arg(json!({ "labels": set }).to_string());
    }
    let told: Value = serde_json::from_str(&succeeded(&check.output().unwrap())).unwrap();
    let alerts = told["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), sets.len());
    let of_alert = |alert: &Value| {
        let parts = alert["integrations"].as_array().unwrap();
        let told = parts.iter().filter(|part| part["told"] == true);
        let mut told: Vec<String> = told
            .map(|part| part["receiver"].as_str().unwrap().to_owned())
            .collect();
        told.sort();
        told
    };
    alerts.iter().map(of_alert).collect()
}

#[test]
fn an_import_tells_the_receivers_that_alertmanager_tells() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("campanile.yaml");
    let imported = campanile()
        .arg("import")
        .arg(example())
        .arg("--out")
        .arg(&config)
        .output()
        .unwrap();
    succeeded(&imported);
    let report = String::from_utf8(imported.stderr).unwrap();
    let yaml = std::fs::read_to_string(&config).unwrap();
    for secret in [
        "exampleOf",
        "example-eu",
        "example-us",
        "example-routing",
        "example-api",
        "example-1",
        "example-mail",
    ] {
        assert!(
            !report.contains(secret) && !yaml.contains(secret),
            "{secret}"
        );
    }
    let variables = variables(&report);
    let mut check = campanile();
    check
        .arg("check")
        .arg("--config")
        .arg(&config)
        .envs(variables.iter().cloned());
    let shown = succeeded(&check.output().unwrap());
    assert!(shown.contains("is fine"), "{shown}");

    let sets = sets();
    let mut reached = BTreeMap::<String, usize>::new();
    for batch in sets.chunks(BATCH) {
        let ours = by_check(&config, &variables, batch);
        for (set, ours) in batch.iter().zip(ours) {
            assert_eq!(ours, by_amtool(set), "{set:?}");
            for receiver in ours {
                *reached.entry(receiver).or_default() += 1;
            }
        }
    }
    // Sets that reach hardly anybody would show nothing.
    assert!(reached.len() >= 18, "{reached:?}");
}

#[test]
fn what_an_import_does_with_files() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.yaml");
    std::fs::write(&kept, "mine").unwrap();
    let refused = campanile()
        .arg("import")
        .arg(example())
        .arg("--out")
        .arg(&kept)
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "mine");
    let printed = campanile().arg("import").arg(example()).output().unwrap();
    assert!(succeeded(&printed).starts_with("# Made by `campanile import` from alertmanager.yml"));
    let missing = campanile()
        .arg("import")
        .arg(folder.path().join("no.yml"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot be read"));
}
