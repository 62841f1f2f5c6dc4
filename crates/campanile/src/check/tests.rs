//! What `check` prints.

use super::*;

fn args(config: std::path::PathBuf, json: bool) -> CheckArgs {
    CheckArgs {
        config,
        json,
        alert: Vec::new(),
        source: None,
        at: None,
    }
}

fn checked(text: &str, json: bool) -> (String, bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    std::fs::write(&config, text).unwrap();
    let shown = config.display().to_string();
    let (out, fine) = run(&args(config, json), Timestamp::ZERO);
    (out.replace(&shown, "c.yaml"), fine, shown)
}

#[test]
fn problems_are_links_for_editors_and_the_check_fails() {
    let (out, fine, _) = checked("sever: {}\nprojects:\n- sources: 5\n", false);
    assert!(!fine);
    assert_eq!(
        out,
        "\
c.yaml:1:1: sever: there is no such key (did you mean `server`?)
c.yaml:3:3: projects[0].name: this is missing; give the project a name
c.yaml:3:12: projects[0].sources: expected a list, found a number
3 problems. Nothing was changed.
"
    );
    let (out, fine, _) = checked("sever: {}\n", true);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(!fine && value["ok"] == false);
    assert_eq!(
        (&value["problems"][0]["line"], &value["problems"][0]["hint"]),
        (&json!(1), &json!("server"))
    );
}

#[test]
fn a_file_that_cannot_be_read_fails_the_check() {
    for as_json in [false, true] {
        let args = args("/nowhere/c.yaml".into(), as_json);
        let (out, fine) = run(&args, Timestamp::ZERO);
        assert!(
            !fine && out.contains("/nowhere/c.yaml cannot be read"),
            "{out}"
        );
    }
}

#[test]
fn a_good_file_is_shown_as_what_would_run() {
    let text = "\
server: { mail: { smtp: 'smtp://user:pa55word@mail.example', from: hub@example.org } }
projects:
- name: shop
  sources: [{ name: this-host, monitor: host }, { name: scripts, dialect: generic, key: 0123456789abcdefg }]
  integrations:
  - name: all
    sink: webhook
    settings: { url: 'https://example.org/hook' }
    policy: { delay: 30s, interval: 1h }
    enabled: false
";
    let (out, fine, _) = checked(text, false);
    assert!(fine, "{out}");
    for line in [
        "listens on    127.0.0.1:8080 (default)",
        "own mail      as hub@example.org, through mail.example",
        "shop     this-host  monitor host  watched by the hub",
        "shop     scripts    generic       1 key",
        "after 30s, again each 1h",
        "c.yaml is fine. Run it: campanile serve --config c.yaml",
    ] {
        assert!(out.contains(line), "{line:?} is not in\n{out}");
    }
    assert!(
        out.contains("all (off)") && out.lines().all(|line| line.chars().count() <= 100),
        "{out}"
    );
    assert!(
        !out.contains("pa55word") && !out.contains("0123456789abcdefg"),
        "{out}"
    );
    let (out, fine, _) = checked(text, true);
    assert!(
        fine && !out.contains("pa55word") && !out.contains("0123456789abcdefg"),
        "{out}"
    );
}

const ROUTED: &str = "\
projects:
- name: shop
  sources:
  - { name: prometheus, dialect: alertmanager, key: 0123456789abcdefg }
  - { name: scripts, dialect: generic, key: 0123456789abcdefh }
  time_intervals: { nights: [{ times: [{ start_time: '22:00', end_time: '24:00' }, { start_time: '00:00', end_time: '06:00' }] }] }
  inhibit: [{ name: page-first, source: ['severity=critical'], target: ['labels.severity=warning'], equal: [cluster] }]
  integrations:
  - { name: db, receiver: dba, sink: webhook, match: ['labels.team=db'], settings: { url: 'https://example.org/db' }, policy: { group_by: [cluster, alertname] } }
  - { name: rest, sink: webhook, except: [['labels.team=db']], settings: { url: 'https://example.org/rest' }, policy: { mute: [nights] } }
  - { name: page, sink: webhook, match: ['severity=critical'], settings: { url: 'https://example.org/page' } }
  - { name: 'off', sink: webhook, enabled: false, settings: { url: 'https://example.org/off' } }
  - { name: news, of: notifications, sink: webhook, settings: { url: 'https://example.org/news' } }
";

fn asked(alerts: &[&str], source: Option<&str>, at: &str, json: bool) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    std::fs::write(&config, ROUTED).unwrap();
    let mut args = args(config, json);
    args.alert = alerts.iter().map(|text| (*text).to_owned()).collect();
    args.source = source.map(str::to_owned);
    run(&args, at.parse().unwrap())
}

#[test]
fn an_alert_is_told_as_it_would_be_and_every_reason_is_given() {
    let alerts = [
        r#"{"labels": {"alertname": "Slow", "severity": "page", "team": "db", "cluster": "a"}}"#,
        r#"{"labels": {"alertname": "Full", "severity": "warning"}, "annotations": {"summary": "Disk full"}}"#,
    ];
    let (out, fine) = asked(&alerts, Some("prometheus"), "2026-05-01T23:30:00Z", true);
    assert!(fine, "{out}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let [slow, full] = [0, 1].map(|i| told["alerts"][i].clone());
    // `page` is a common word for critical: the dialect's mapping, as in the running hub.
    assert_eq!(slow["severity"], "critical");
    assert_eq!(slow["receivers"], json!(["dba", "page"]));
    assert_eq!(
        slow["integrations"][0]["group"],
        json!({ "alertname": "Slow", "cluster": "a" })
    );
    assert_eq!(
        slow["integrations"][1]["except"],
        json!(["labels.team=\"db\""])
    );
    assert_eq!(full["receivers"], json!(["rest"]));
    assert_eq!(full["integrations"][0]["missed"], "labels.team=\"db\"");
    let rest = &full["integrations"][1];
    assert_eq!(
        (&rest["muted"], &rest["muted_until"]),
        (&json!(true), &json!("2026-05-02T06:00:00.000Z"))
    );
    assert_eq!(full["integrations"][3]["why"], "it is disabled");
    assert_eq!(full["integrations"][4]["why"], "it is of notifications");
    assert_eq!(
        (&slow["inhibited_by"], &full["inhibited_by"]),
        (&json!([]), &json!(["page-first"]))
    );

    let (out, fine) = asked(&alerts, None, "2026-05-01T12:00:00Z", false);
    assert!(fine, "{out}");
    for part in [
        "Disk full [warning], from prometheus of shop",
        "group {alertname=\"Slow\", cluster=\"a\"}",
        "severity=\"critical\" does not match: the value is \"warning\"",
        "`except` leaves out labels.team=\"db\"",
        "told: dba, page",
        "inhibition page-first holds it",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    let now = "2026-05-01T12:00:00Z";
    for (alert, source, part) in [
        ("{", None, "it is not a JSON array of alerts"),
        (
            r#"{"labels": {}}"#,
            None,
            "at least one label pair required",
        ),
        (
            r#"{"labels": {"a": "b"}, "endsAt": "2026-01-01T00:00:00Z"}"#,
            None,
            "the problem is over",
        ),
        ("{}", Some("promethus"), "there is no source `promethus`"),
        (r#"{"key": ""}"#, Some("shop/scripts"), "--alert number 1"),
        ("[]", None, "there is no alert in it"),
    ] {
        let (out, fine) = asked(&[alert], source, now, false);
        assert!(!fine && out.contains(part), "{alert} {out}");
    }
}
