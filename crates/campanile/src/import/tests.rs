//! Small files, and what becomes of them.

use std::path::Path;

use engine::desired::{GroupBy, Policy};
use model::DurationMs;

use super::*;
use crate::config::{Config, Inputs, load};

/// A file with one route tree and two webhook receivers, `a` and `b`, around the lines given.
fn with_route(route: &str) -> String {
    format!(
        "route:\n  {}\nreceivers:\n- name: a\n  webhook_configs: [{{ url: 'http://a.example/S3CRET-A' }}]\n- name: b\n  webhook_configs: [{{ url: 'http://b.example/S3CRET-B' }}]\n- name: nobody\n",
        route.replace('\n', "\n  ")
    )
}

#[track_caller]
fn imported(text: &str) -> (Imported, Config) {
    let imported = import(text, "alertmanager.yml").unwrap();
    let env = |name: &str| {
        let value = match name {
            name if name.contains("CREDENTIALS") => "xoxb-1-2-abc".to_owned(),
            name if name.contains("ROUTING_KEY") => "0123456789abcdef".repeat(2),
            name if name.contains("API_KEY") => "0123abcd-4567-89ab-cdef-0123456789ab".to_owned(),
            name if name.contains("BOT_TOKEN") => format!("123456789:{}", "A1".repeat(18)),
            name if name.contains("DISCORD") => {
                "https://discord.com/api/webhooks/123456789012345678/abcdefghijklmnop".to_owned()
            }
            name => format!("https://x.example/{name}"),
        };
        Some(match name {
            secrets::KEY => "0123456789abcdef".to_owned(),
            _ => value,
        })
    };
    let inputs = Inputs {
        env: &env,
        read_file: &|path: &Path| match path.to_str() {
            Some("/secret/url") => Ok(b"https://x.example/from-file".to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        },
        sinks: integrations::registry::SINKS,
        dialects: integrations::registry::DIALECTS,
    };
    match load(&imported.yaml, &inputs) {
        Ok(config) => (imported, config),
        Err(problems) => panic!("{}\n{problems:#?}", imported.yaml),
    }
}

/// Each integration as `name: match / except`.
fn rules(config: &Config) -> Vec<String> {
    let list = |list: &[model::Matcher]| {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        list.join(",")
    };
    let integrations = config.desired.projects[0].integrations.iter();
    integrations
        .map(|i| {
            let except: Vec<String> = i.except.iter().map(|e| list(e)).collect();
            format!(
                "{}: {} / {}",
                i.name,
                list(&i.matchers),
                except.join(" or ")
            )
        })
        .collect()
}

#[test]
fn the_tree_becomes_independent_rules() {
    let text = with_route(
        "receiver: a
routes:
- matchers: [team=web]
  receiver: b
  routes:
  - { match: { severity: critical }, receiver: a, continue: true }
  - { match_re: { app: 'cart|pay' }, receiver: b }
- { matchers: ['team=\"db\"'], receiver: b, continue: true }
- { matchers: ['env!=prod'], receiver: a }
- { matchers: ['env!=prod', 'team=web'], receiver: b }",
    );
    let (_, config) = imported(&text);
    assert_eq!(
        rules(&config),
        [
            "a: labels.team=\"web\",labels.severity=\"critical\" / ",
            "b: labels.team=\"web\",app=~\"cart|pay\" / ",
            "b-2: labels.team=\"web\" / labels.severity=\"critical\" or app=~\"cart|pay\"",
            "b-3: labels.team=\"db\" / ",
            "a-2: env!=\"prod\" / labels.team=\"web\"",
            "a-3:  / labels.team=\"web\" or labels.team=\"db\" or env!=\"prod\"",
        ]
    );
}

#[test]
fn a_continue_among_children_is_no_exception_for_later_ones() {
    let text = with_route(
        "receiver: a
routes:
- { matchers: [x=1], receiver: a, continue: true }
- { matchers: [y=1], receiver: b }
- { matchers: [z=1], receiver: a }",
    );
    let (_, config) = imported(&text);
    assert_eq!(
        rules(&config),
        [
            "a: x=\"1\" / ",
            "b: y=\"1\" / ",
            "a-2: z=\"1\" / y=\"1\"",
            "a-3:  / x=\"1\" or y=\"1\" or z=\"1\"",
        ]
    );
}

#[test]
fn options_are_inherited_as_alertmanager_does() {
    let text = with_route(
        "receiver: a
group_by: [alertname, severity]
group_wait: 10s
repeat_interval: 1d12h
routes:
- { matchers: [x=1], group_by: ['...'], group_interval: 1m, mute_time_intervals: [nights], routes: [{ matchers: [y=1], receiver: b, repeat_interval: 1y }] }",
    ) + "mute_time_intervals:\n- name: nights\n  time_intervals: [{ times: [{ start_time: '00:00', end_time: '06:00' }], weekdays: ['monday:friday'], months: [1, 'may:june'], location: Europe/Berlin }]\n";
    let (_, config) = imported(&text);
    let policies: Vec<&Policy> = config.desired.projects[0]
        .integrations
        .iter()
        .map(|i| &i.policy)
        .collect();
    let [deep, muted, root] = policies.as_slice() else {
        panic!("{}", policies.len())
    };
    let group = |policy: &Policy| policy.group.clone().unwrap();
    assert_eq!(
        (group(deep).by, group(deep).interval),
        (GroupBy::All, DurationMs::from_mins(1))
    );
    assert_eq!(group(deep).wait, DurationMs::from_secs(10));
    assert_eq!(deep.interval, DurationMs::from_hours(365 * 24));
    assert_eq!(
        (deep.mute.len(), muted.mute.len(), root.mute.len()),
        (0, 1, 0)
    );
    assert_eq!(muted.mute[0].location.as_deref(), Some("Europe/Berlin"));
    assert_eq!(muted.mute[0].months, ["1", "may:june"]);
    assert_eq!(root.interval, DurationMs::from_hours(36));
    let labels = vec!["alertname".to_owned(), "severity".to_owned()];
    assert_eq!(group(root).by, GroupBy::Labels(labels));
    assert_eq!(group(root).interval, DurationMs::from_mins(5));
}

#[test]
fn inhibitions_old_and_new_are_over_labels() {
    let text = with_route("receiver: a")
        + "inhibit_rules:
- { source_match: { severity: critical }, target_match_re: { severity: 'warning|info' }, equal: [cluster, cluster] }
- { source_matchers: ['alertname=\"Down\"', 'a!~\"b.*\"'], target_matchers: [], equal: [] }
";
    let (_, config) = imported(&text);
    let shown: Vec<String> = config.desired.projects[0]
        .inhibitions
        .iter()
        .map(|rule| {
            format!(
                "{:?} {:?} {:?}",
                rule.source
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                rule.target
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                rule.equal
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"["labels.severity=\"critical\""] ["labels.severity=~\"warning|info\""] ["cluster"]"#,
            r#"["alertname=\"Down\"", "a!~\"b.*\""] ["alertname=~\"(?s).*\""] []"#,
        ]
    );
}

#[test]
fn i9_secrets_become_variables_and_files_stay_files() {
    let text = "
global: { slack_api_url: 'https://hooks.slack.com/services/T/B/S3CRET-G', smtp_auth_password: S3CRET-M }
route: { receiver: chat }
receivers:
- name: chat
  slack_configs:
  - { channel: '#a', title: 'x' }
  - { api_url_file: /secret/url, send_resolved: true }
  - { channel: '#ops', http_config: { authorization: { credentials: S3CRET-T } } }
  webhook_configs:
  - { url: 'http://h.example/S3CRET-W', http_config: { basic_auth: { username: u, password: S3CRET-P } } }
  - { url: 'http://h.example/S3CRET-W', send_resolved: false, http_config: { bearer_token_file: /secret/token, proxy_url: 'http://p:S3CRET-X@p' } }
  pushover_configs: [{ token: S3CRET-K, user_key: S3CRET-U }]
";
    let (imported, config) = imported(text);
    for shown in [&imported.yaml, &imported.report] {
        assert!(!shown.contains("S3CRET"), "{shown}");
    }
    let integrations = &config.desired.projects[0].integrations;
    let sinks: Vec<&str> = integrations.iter().map(|i| i.sink.as_str()).collect();
    assert_eq!(
        sinks,
        [
            "slack_webhook",
            "slack_webhook",
            "slack",
            "webhook",
            "webhook"
        ]
    );
    assert!(
        integrations
            .iter()
            .all(|i| i.receiver.as_deref().unwrap_or(&i.name) == "chat")
    );
    assert_eq!(
        integrations[1].settings.0["url"],
        "https://x.example/from-file"
    );
    // One value is one variable.
    assert_eq!(
        integrations[3].settings.0["url"],
        integrations[4].settings.0["url"]
    );
    assert!(
        integrations[4]
            .policy
            .notify_on
            .as_ref()
            .is_some_and(|kinds| kinds.iter().all(|kind| !kind.is_closing()))
    );
    for line in [
        "missing  alertmanager.yml:13: `chat`: `pushover_configs`, this version has no such sink",
        "http_config.proxy_url has no counterpart",
        "title not used, messages have our own form",
        "an incoming webhook has a channel of its own",
        "CHAT_CREDENTIALS",
        "GLOBAL_SLACK_API_URL",
        "CHAT_BASIC_AUTH",
        "the content of the file /secret/token",
        "5 integrations; ",
    ] {
        assert!(
            imported.report.contains(line),
            "{line:?} is not in\n{}",
            imported.report
        );
    }
}

#[test]
fn receivers_that_tell_nobody_need_no_integration() {
    let text = with_route("receiver: nobody\nroutes: [{ matchers: [x=1], receiver: a }]");
    let (imported, config) = imported(&text);
    assert_eq!(rules(&config), ["a: x=\"1\" / "]);
    assert!(
        imported
            .report
            .contains("receiver `nobody` has no configuration"),
        "{}",
        imported.report
    );
}

#[test]
fn what_is_not_understood_is_named_and_the_rest_comes_over() {
    let text = with_route(
        "receiver: a
routes:
- { matchers: ['x=~\"(?<name\"'], receiver: b, routes: [{ matchers: [y=1] }] }
- { matchers: ['v=~\"\\\\d+\"'], receiver: gone }
- { matchers: [z=1], receiver: b, mute_time_intervals: [never] }",
    ) + "templates: ['*.tmpl']\ntime_intervals: [{ name: bad, time_intervals: [{ weekdays: [someday] }] }]\n";
    let (imported, config) = imported(&text);
    assert_eq!(rules(&config)[0], "b: z=\"1\" / v=~\"\\\\d+\"");
    for part in [
        "the route to `b` and those below it: the regular expression",
        "there is no such receiver",
        "there are no times `never`",
        "`templates`: messages have our own form",
        "times `bad`: [0].weekdays[0]: `someday` is not a day of the week",
        "beyond ASCII",
    ] {
        assert!(
            imported.report.contains(part),
            "{part:?} is not in\n{}",
            imported.report
        );
    }
}

#[test]
fn matchers_are_read_as_alertmanager_reads_them() {
    for (written, ours) in [
        ("a=b", "a=\"b\""),
        (" a = b c ", "a=\"b c\""),
        ("{a=\"b,c\", d=~\"e|f\",}", "a=\"b,c\",d=~\"e|f\""),
        ("a=\"b\\\\c\\d\\\"\"", "a=\"b\\\\c\\\\d\\\"\""),
        ("a=", "a=\"\""),
        ("a=~\"\\Qx.y\\E.*\"", "a=~\"x\\\\.y.*\""),
        ("team!~x", "labels.team!~\"x\""),
    ] {
        let text = with_route(&format!(
            "receiver: a\nroutes: [{{ receiver: b, matchers: [{}] }}]",
            serde_json::Value::from(written)
        ));
        let (_, config) = imported(&text);
        assert_eq!(rules(&config)[0], format!("b: {ours} / "), "{written}");
    }
}

#[test]
fn files_that_are_no_alertmanagers_are_refused_by_line() {
    for (text, problem) in [
        ("", "1:1: there is nothing in this file"),
        ("a: [", "this is not YAML"),
        ("global: {}", "1:1: route: this is missing"),
        ("route: {}", "1:8: route.receiver: this is missing"),
    ] {
        let problems = import(text, "x").unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(shown[0].contains(problem), "{text}: {shown:?}");
    }
}

#[test]
fn dollars_and_quotes_stay_what_they_are() {
    let text = with_route(
        "receiver: a\nroutes: [{ receiver: b, match: { x: \"it's ${NOT} $${a}\\n'\" } }]",
    );
    let (_, config) = imported(&text);
    let value = &config.desired.projects[0].integrations[0].matchers[0].value;
    assert_eq!(value, "it's ${NOT} $${a}\n'");
}

#[test]
fn receivers_of_other_services_become_their_sinks() {
    let text = "\
global: { opsgenie_api_url: 'https://api.eu.opsgenie.com/' }
route: { receiver: everybody }
receivers:
- name: everybody
  pagerduty_configs: [{ routing_key: S3CRET-PD, severity: critical }]
  opsgenie_configs:
  - api_key: S3CRET-OG
    responders: [{ name: db, type: team }, { name: 'web, infra', type: teams }, { username: a@b.example, type: user }]
  victorops_configs: [{ api_key: S3CRET-VO, routing_key: database }]
  telegram_configs: [{ bot_token: S3CRET-TG, chat_id: -1001234567890 }]
  msteamsv2_configs: [{ webhook_url: 'https://x.example/S3CRET-T' }]
- name: discord
  discord_configs: [{ webhook_url: 'https://discord.com/api/webhooks/1/S3CRET-D' }]
";
    let (imported, config) = imported(text);
    let integrations = &config.desired.projects[0].integrations;
    let sinks: Vec<&str> = integrations.iter().map(|i| i.sink.as_str()).collect();
    assert_eq!(
        sinks,
        ["pagerduty", "opsgenie", "victorops", "telegram", "teams"]
    );
    let opsgenie = &integrations[1].settings.0;
    assert_eq!(opsgenie["region"], "eu");
    assert_eq!(opsgenie["teams"], serde_json::json!(["db", "web", "infra"]));
    assert_eq!(opsgenie["users"], serde_json::json!(["a@b.example"]));
    assert_eq!(integrations[2].settings.0["routing_key"], "database");
    assert_eq!(integrations[3].settings.0["chat_id"], "-1001234567890");
    for shown in [&imported.yaml, &imported.report] {
        assert!(!shown.contains("S3CRET"), "{shown}");
    }
}
