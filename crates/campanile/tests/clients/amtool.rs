//! Debian's amtool, pointed at the hub by changing a URL.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::hub::{Hub, vendors};

const KEY: &str = "amtool-key-of-the-tests";

struct Amtool {
    url: String,
}

impl Amtool {
    /// What it prints, without the line's end; it must not fail.
    fn run(&self, arguments: &[&str]) -> String {
        self.with_input(arguments, "")
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("amtool")
            .arg(format!("--alertmanager.url={}", self.url))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Debian's prometheus-alertmanager is installed by `cargo xtask setup`");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let said = text(&output.stderr);
        assert!(output.status.success(), "amtool {arguments:?}: {said}");
        text(&output.stdout)
    }

    /// The labels `alertname` of the alerts that it finds.
    fn alerts(&self, arguments: &[&str]) -> String {
        let mut names: Vec<String> = self
            .json(&[&["alert", "query", "-o", "json"], arguments].concat())
            .iter()
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.join(" ")
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_works_unmodified() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, vendors) = vendors(None).await;
    let slack = |channel: &str| {
        format!(
            r##"sink: slack, settings: {{ channel: "#{channel}", token: xoxb-test-token, base_url: "{vendors}/slack" }}"##
        )
    };
    let configuration = format!(
        r#"
egress: {{ allow: ["127.0.0.0/8"] }}
projects:
  - name: shop
    sources: [{{ name: prometheus, dialect: alertmanager, key: {KEY} }}]
    integrations:
      - {{ name: page, match: ['severity="critical"', 'env!="dev"'], {} }}
      - {{ name: "db team", match: ['team=~"db|cache"'], {} }}
      - {{ name: everything, {} }}
"#,
        slack("page"),
        slack("db"),
        slack("all")
    );
    let hub = Hub::start(folder.path(), &configuration);
    let amtool = Amtool {
        url: format!("{}/s/{KEY}", hub.url),
    };
    alerts(&amtool);
    silences(&amtool);
    configured(&amtool);
}

fn alerts(amtool: &Amtool) {
    amtool.run(&["alert", "add", "alertname=A", "severity=page", "env=prod"]);
    amtool.run(&["alert", "add", "B", "team=db", "--annotation=summary=b"]);
    assert_eq!(amtool.alerts(&[]), "A B");
    assert_eq!(amtool.alerts(&["severity=page"]), "A");
    assert_eq!(amtool.alerts(&["A"]), "A");
    assert_eq!(amtool.alerts(&["alertname=~B|C", "team!=x"]), "B");
    assert_eq!(amtool.alerts(&["--receiver=page"]), "A");
    assert_eq!(amtool.alerts(&["--receiver=db.*"]), "B");
    let shown = amtool.run(&["alert", "query", "-o", "extended", "B"]);
    assert!(shown.contains("summary=\"b\""), "{shown}");
}

fn silences(amtool: &Amtool) {
    let add = ["silence", "add", "-a", "me", "-c", "a test", "-d", "1h"];
    let id = amtool.run(&[&add[..], &["A", "severity=~pa.*"]].concat());
    assert_eq!(amtool.run(&["silence", "query", "-q"]), id);
    assert_eq!(amtool.run(&["silence", "query", "-q", "A"]), id);
    assert_eq!(amtool.run(&["silence", "query", "-q", "alertname=B"]), "");
    assert_eq!(amtool.alerts(&[]), "B");
    assert_eq!(amtool.alerts(&["--silenced"]), "A");
    assert_eq!(amtool.alerts(&["--inhibited"]), "");
    let silenced = amtool.json(&["alert", "query", "-o", "json", "--silenced"]);
    assert_eq!(silenced[0]["status"]["silencedBy"], serde_json::json!([id]));

    // A longer end is the same silence, changed. (0.25's `update -q` prints an address in its memory, not the id.)
    amtool.run(&["silence", "update", "-q", "-d", "2h", "-c", "longer", &id]);
    assert_eq!(amtool.run(&["silence", "query", "-q"]), id);
    let silence = &amtool.json(&["silence", "query", "-o", "json"])[0];
    assert_eq!(
        (
            &silence["comment"],
            &silence["createdBy"],
            &silence["matchers"][1]["name"]
        ),
        (&"longer".into(), &"me".into(), &"severity".into())
    );

    let saved = amtool.run(&["silence", "query", "-o", "json"]);
    amtool.run(&["silence", "expire", &id]);
    assert_eq!(amtool.run(&["silence", "query", "-q"]), "");
    assert_eq!(amtool.run(&["silence", "query", "-q", "--expired"]), id);
    assert_eq!(amtool.alerts(&[]), "A B");

    amtool.with_input(&["silence", "import", "--force"], &saved);
    let imported = amtool.run(&["silence", "query", "-q"]);
    assert!(!imported.is_empty() && imported != id, "{imported}");
    assert_eq!(amtool.alerts(&["--silenced"]), "A");
    amtool.run(&["silence", "expire", &imported]);

    // Matchers that are only met together, with all four signs.
    let id = amtool.run(
        &[
            &add[..],
            &["team=db", "team!=x", "alertname=~B|C", "env!~p.*"],
        ]
        .concat(),
    );
    assert_eq!(amtool.alerts(&["--silenced"]), "B");
    amtool.run(&["silence", "expire", &id]);
}

fn configured(amtool: &Amtool) {
    let shown = amtool.run(&["cluster", "show"]);
    assert!(shown.contains("disabled"), "{shown}");
    let shown = amtool.run(&["config", "show"]);
    assert!(shown.contains("db team"), "{shown}");
    let tree = amtool.run(&["config", "routes", "show"]);
    assert!(tree.contains("continue: true  receiver: db team"), "{tree}");
    for (labels, receivers) in [
        (&["severity=page", "env=prod"][..], "page,everything"),
        (&["severity=Critical"][..], "page,everything"),
        (&["severity=page", "env=dev"][..], "everything"),
        (&["severity=warning", "team=db"][..], "db team,everything"),
        (&["team=other"][..], "everything"),
    ] {
        let told = amtool.run(&[&["config", "routes", "test"], labels].concat());
        assert_eq!(told, receivers, "{labels:?}");
    }
}
