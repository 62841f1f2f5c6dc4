//! `campanile integrations` and `campanile attempts` as people run them.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::hub::{Hub, eventually, vendors};

fn run(hub: &Hub, folder: &Path, args: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_campanile"))
        .args(args)
        .args(["--hub", &hub.url, "--data-dir"])
        .arg(folder.join("data"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn e23_e24_integrations_are_listed_tried_out_and_their_attempts_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, vendors) = vendors(None).await;
    let slack = format!(
        "settings: {{ channel: \"#ops\", token: xoxb-test-token, base_url: \"{vendors}/slack\" }}"
    );
    let hub = Hub::start(
        folder.path(),
        &format!(
            "egress: {{ allow: [\"127.0.0.0/8\"] }}\nprojects:\n  - name: shop\n    sources: [{{ name: tools, dialect: generic, key: a-key-of-the-tests }}]\n    integrations:\n      - {{ name: on call, sink: slack, {slack} }}\n      - {{ name: nowhere, sink: webhook, settings: {{ url: \"http://127.0.0.1:9/x\" }} }}\n"
        ),
    );
    let (listed, text) = run(&hub, folder.path(), &["integrations", "list"]);
    assert!(listed.status.success(), "{listed:?}");
    for part in ["on call", "slack", "#ops", "nowhere", "webhook", "well"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let (tested, text) = run(&hub, folder.path(), &["integrations", "test", "on call"]);
    assert!(tested.status.success(), "{tested:?}");
    assert!(text.starts_with("opened: delivered, status 200"), "{text}");
    assert!(
        text.ends_with("on call works: look for the test at #ops.\n"),
        "{text}"
    );
    let messages = sandbox
        .vendor::<sandbox::slack::Slack>()
        .unwrap()
        .messages("#ops");
    assert_eq!(messages.len(), 1);

    let (failed, text) = run(&hub, folder.path(), &["integrations", "test", "nowhere"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(text.contains("nowhere does not work"), "{text}");

    // A real one, for both. `send` needs no token: the source's key is all.
    let sent = Command::new(env!("CARGO_BIN_EXE_campanile"))
        .args(["send", "--hub", &hub.url, "--key", "a-key-of-the-tests"])
        .args(["--event", "DiskFull", "--severity", "critical"])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let asked = [
        "attempts",
        "--integration",
        "on call",
        "--outcome",
        "delivered",
        "--json",
    ];
    let found = RefCell::new(Value::Null);
    let look = async || {
        let (output, text) = run(&hub, folder.path(), &asked);
        assert!(output.status.success(), "{output:?}");
        found.replace(serde_json::from_str(&text).unwrap());
    };
    let has_come = || !found.borrow()["attempts"].as_array().unwrap().is_empty();
    eventually("the alert is told", look, has_come).await;
    let found = found.into_inner();
    let attempts = found["attempts"].as_array().unwrap();
    assert_eq!(
        attempts.len(),
        1,
        "a test is not kept, an alert is: {found}"
    );
    assert_eq!(attempts[0]["verb"], "open");
}
