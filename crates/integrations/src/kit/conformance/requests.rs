//! What sinks send.

use std::sync::Arc;

use model::{Alert, Content, Labels, Link, Status};
use serde_json::Value;

use super::{BASE, VERBS, handles, sinks};
use crate::kit::samples::{self, Saying};
use crate::kit::{Next, Step};

#[test]
fn every_sink_makes_a_request_or_an_end_of_every_verb_in_every_status() {
    for (name, sink) in sinks() {
        for status in Status::ALL {
            for handle in handles() {
                let saying = Saying {
                    handle,
                    ..Saying::of(samples::alert(status))
                };
                for verb in VERBS {
                    let task = saying.task(verb);
                    let step = Step {
                        number: 0,
                        memo: &Value::Null,
                        reply: None,
                    };
                    if let Next::Request { request, .. } = sink.next(&task, step) {
                        assert!(request.url.starts_with(BASE), "{name} {verb:?}");
                        assert!(url::Url::parse(&request.url).is_ok(), "{name} {verb:?}");
                    }
                    for pace in sink.paces(&task) {
                        assert!(pace.every.0 > 0 && pace.burst > 0, "{name}: {pace:?}");
                        for secret in sink.secrets() {
                            assert!(
                                !pace.bucket.contains(secret.expose()),
                                "{name}: a bucket holds a secret"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Labels are hostile (DESIGN §13).
fn hostile() -> Alert {
    let nasty = [
        "<!channel> <!here> <@U123|x> <https://evil.example|click>",
        "\"</script><script>alert(1)</script>",
        "\u{202e}gnp.exe\u{202c}",
        "nul\0and\u{1b}[31m",
        "👩‍👩‍👧‍👦 émoji",
        "line\r\nX-Injected: yes",
        "{{7*7}} ${jndi:ldap://x}",
    ];
    let all = nasty.join(" ");
    let mut labels: Labels = nasty
        .iter()
        .enumerate()
        .map(|(i, text)| (format!("l{i}"), *text))
        .collect();
    labels.set("long", "x<&>".repeat(2500));
    labels.set(all.clone(), all.clone());
    Alert {
        key: all.clone(),
        assignee: Some(all.clone()),
        content: Arc::new(Content {
            resource: all.clone(),
            event: all.clone(),
            title: format!("{all}{}", "t&".repeat(5000)),
            text: format!("{all}{}", "text<".repeat(5000)),
            value: Some(all.clone()),
            annotations: [("cause", all.repeat(50)), ("remedy", all.repeat(50))]
                .into_iter()
                .collect(),
            links: vec![
                Link {
                    href: "javascript:alert(1)".to_owned(),
                    text: all.clone(),
                },
                Link {
                    href: "https://x.example/<!here>|y\">".to_owned(),
                    text: all.clone(),
                },
            ],
            labels,
            ..samples::content()
        }),
        ..samples::alert(Status::Open)
    }
}

#[test]
fn hostile_labels_neither_break_requests_nor_headers() {
    for (name, sink) in sinks() {
        for handle in handles() {
            let saying = Saying {
                handle,
                ..Saying::of(hostile())
            };
            for verb in VERBS {
                let request = samples::request(&*sink, &saying.task(verb));
                assert!(
                    serde_json::from_slice::<Value>(&request.body).is_ok(),
                    "{name}"
                );
                for (header, value) in &request.headers {
                    assert!(
                        http::HeaderValue::from_str(value.expose()).is_ok(),
                        "{name}: {header}"
                    );
                }
                assert!(url::Url::parse(&request.url).is_ok(), "{name}");
            }
        }
    }
}
