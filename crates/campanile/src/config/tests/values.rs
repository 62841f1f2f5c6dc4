//! Files that are fine, and what they mean.

use engine::desired::{Existing, Of, SourceWay};
use model::{DurationMs, EventKind};

use super::{good, with_integration, with_source};

const WHOLE: &str = r##"
server:  { listen: "127.0.0.1:8080", data_dir: ./data, external_url: "http://hub.example:8080/", admin_token_file: token,
           mail: { smtp: "smtp://localhost:25", from: "campanile@example.org" }, hosts: { generic: [generic.hub.example] },
           retention: { closed_alerts: 7d, attempts: 36h, silences: 2d } }
egress:  { allow: ["127.0.0.0/8", "fd00::1"] }
organization: example
projects:
  - name: shop
    owner_email: sre@example.org
    services: { pagerduty: { service_key_file: /run/secrets/pd } }
    sources:
      - { name: own, dialect: generic, key: "${KEY}", settings: { strict: false } }
      - { name: rotating, dialect: generic, keys: ["first-key-0123456789", "${NUMERIC_KEY}"] }
      - { name: this-host, monitor: host }
    integrations:
      - name: oncall
        of: issues
        match: ['severity=~"critical|major"', 'env="prod"']
        sink: chat
        settings: { channel: "#ops", token_file: token, extra_tokens_file: two-tokens, retries: 3 }
        policy: { delay: 30s, interval: 1h30m, edit_interval: 0, notify_on: [opened, severity_changed], close_notifications: false }
        enabled: false
        existing: from_next_event
"##;

#[test]
fn the_designs_example_means_what_it_says() {
    let config = good(WHOLE);
    assert_eq!(config.server.listen.unwrap().port(), 8080);
    assert_eq!(
        config.server.external_url.as_deref(),
        Some("http://hub.example:8080")
    );
    assert_eq!(
        config.server.admin_token.unwrap().expose(),
        "file-token-0123456789"
    );
    assert_eq!(config.server.mail.unwrap().from, "campanile@example.org");
    assert_eq!(config.server.hosts["generic"], ["generic.hub.example"]);
    assert_eq!(
        config.server.retention,
        engine::Retention {
            closed_alerts: DurationMs::from_hours(7 * 24),
            attempts: DurationMs::from_hours(36),
            silences: DurationMs::from_hours(48),
        }
    );
    let allowed: Vec<String> = config
        .egress
        .allow
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(allowed, ["127.0.0.0/8", "fd00::1/128"]);
    assert_eq!(config.desired.organization, "example");

    let project = &config.desired.projects[0];
    assert_eq!(
        (project.name.as_str(), project.owner_email.as_deref()),
        ("shop", Some("sre@example.org"))
    );
    let keys: Vec<Vec<&str>> = project
        .sources
        .iter()
        .map(|s| s.keys.iter().map(model::Secret::expose).collect())
        .collect();
    assert_eq!(
        keys,
        [
            vec!["env-key-0123456789"],
            vec!["first-key-0123456789", "12345678901234567890"],
            vec![]
        ]
    );
    assert!(
        matches!(&project.sources[0].way, SourceWay::Dialect { name, .. } if name == "generic")
    );
    assert!(matches!(&project.sources[2].way, SourceWay::Monitor { name, .. } if name == "host"));

    let integration = &project.integrations[0];
    assert_eq!(
        (integration.of, integration.existing, integration.enabled),
        (Of::Issues, Existing::FromNextEvent, false)
    );
    let matchers: Vec<String> = integration
        .matchers
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(matchers, ["severity=~\"critical|major\"", "env=\"prod\""]);
    assert_eq!(integration.settings.0["token"], "file-token-0123456789");
    assert_eq!(
        integration.settings.0["extra_tokens"],
        serde_json::json!(["first-token-0123", "second-token-0123"])
    );
    assert_eq!(integration.policy.delay, DurationMs::from_secs(30));
    assert_eq!(integration.policy.interval, DurationMs::from_mins(90));
    assert_eq!(integration.policy.edit_interval, DurationMs::ZERO);
    assert_eq!(
        integration.policy.notify_on,
        Some(vec![EventKind::Opened, EventKind::SeverityChanged])
    );
    assert!(!integration.policy.close_notifications);
}

#[test]
fn what_is_not_used_yet_is_a_warning() {
    let config = good(WHOLE);
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "10:15: projects[0].services: default credentials of services are not used yet; give each integration its own settings"
        ]
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = good(&with_integration(
        "name: i\nsink: chat\nsettings: {channel: '#a', token: abcdef}",
    ));
    let integration = &config.desired.projects[0].integrations[0];
    assert_eq!(integration.of, Of::Issues);
    assert_eq!(integration.policy, engine::desired::Policy::default());
    assert!(integration.enabled && integration.matchers.is_empty());
    assert_eq!(config.desired.organization, "default");
    assert_eq!(config.server.listen, None);
    assert_eq!(config.server.retention, engine::Retention::default());
}

#[test]
fn retention_may_be_given_in_part() {
    let config = good("server: {retention: {attempts: 2d}}");
    let retention = config.server.retention;
    assert_eq!(retention.attempts, DurationMs::from_hours(48));
    assert_eq!(
        retention.closed_alerts,
        engine::Retention::default().closed_alerts
    );
    assert_eq!(retention.silences, DurationMs::from_hours(5 * 24));
}

#[test]
fn a_file_with_nothing_in_it_is_fine_and_warns() {
    for text in [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "\u{feff}",
        "null",
        "{}",
        "server:\n",
        "projects: []",
    ] {
        let config = good(text);
        assert!(config.desired.projects.is_empty());
        assert_eq!(config.warnings.len(), 1, "{text:?}: {:?}", config.warnings);
    }
}

#[test]
fn variables_fit_where_texts_booleans_and_numbers_are_wanted() {
    let config = good(&with_integration(
        "name: i\nsink: chat\nenabled: ${YES}\nsettings:\n  channel: '#${PORT}'\n  token: ${NUMERIC_KEY}\n  retries: ${PORT}",
    ));
    let integration = &config.desired.projects[0].integrations[0];
    assert!(integration.enabled);
    assert_eq!(integration.settings.0["channel"], "#9090");
    assert_eq!(integration.settings.0["token"], "12345678901234567890");
    assert_eq!(integration.settings.0["retries"], 9090);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(good(&text).desired.projects[0].sources.len(), 3);
}

#[test]
fn i9_debug_of_a_configuration_shows_no_secret() {
    let config = good(WHOLE);
    let shown = format!("{config:?}");
    for secret in [
        "env-key",
        "first-key",
        "file-token",
        "first-token",
        "12345678901234567890",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_monitors_settings_are_kept() {
    let config = good(&with_source(
        "name: h\nmonitor: host\nsettings: {disk: {above: 70.5}, every: 5s}",
    ));
    let SourceWay::Monitor { settings, .. } = &config.desired.projects[0].sources[0].way else {
        panic!("not a monitor");
    };
    assert_eq!(
        (&settings["disk"]["above"], &settings["every"]),
        (&serde_json::json!(70.5), &serde_json::json!("5s"))
    );
}

#[test]
fn paths_in_a_file_are_relative_to_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("campanile.yaml");
    std::fs::write(folder.path().join("token"), "from-a-file-0123456789\n").unwrap();
    std::fs::write(
        &file,
        "server: {data_dir: ./data, admin_token_file: token}\nprojects: []\n",
    )
    .unwrap();
    let config = crate::config::load_file(&file).unwrap();
    assert_eq!(config.server.data_dir, Some(folder.path().join("data")));
    assert_eq!(
        config.server.admin_token.unwrap().expose(),
        "from-a-file-0123456789"
    );
}

#[test]
fn a_file_that_is_missing_or_not_text_says_so() {
    use crate::config::{LoadError, load_file};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("campanile.yaml");
    assert!(matches!(
        load_file(&file),
        Err(LoadError::Unreadable { .. })
    ));
    std::fs::write(&file, b"server: {}\n\xff\n").unwrap();
    let Err(LoadError::Problems { problems, .. }) = load_file(&file) else {
        panic!("bytes that are no UTF-8 were read")
    };
    assert_eq!(
        problems[0].to_string(),
        "2:1: this line is not text in UTF-8"
    );
}
