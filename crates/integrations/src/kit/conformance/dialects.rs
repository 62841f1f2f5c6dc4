//! What senders may send, and what they hear.

use http::{HeaderMap, Method};
use model::limits;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::kit::samples;
use crate::kit::{Accepted, Answer, Inbound};
use crate::registry::DIALECTS;

fn inbound<'a>(
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> Inbound<'a> {
    Inbound {
        method,
        path,
        query,
        headers,
        body,
        received_at: samples::NOW,
        source: "a-source",
    }
}

fn check_accepted(name: &str, accepted: &Accepted) {
    match accepted {
        Accepted::Signals { signals, .. } => {
            for signal in signals {
                assert!(
                    !signal.key.is_empty() && signal.key.len() <= limits::KEY_BYTES_MAX,
                    "{name}"
                );
                assert!(signal.labels.len() <= limits::LABELS_MAX, "{name}");
                assert!(
                    signal.title.chars().count() <= limits::TITLE_CHARS_MAX,
                    "{name}"
                );
                assert!(
                    !signal.title.contains('\n') && !signal.text.contains('\0'),
                    "{name}"
                );
            }
        }
        Accepted::Refused(answer) => check_answer(name, answer),
        Accepted::Batch(_) => unreachable!("it was decoded"),
        Accepted::Read(_) | Accepted::Silence(_) => {}
    }
}

fn check_answer(name: &str, answer: &Answer) {
    assert!((200..600).contains(&answer.status), "{name}");
    for (header, value) in &answer.headers {
        assert!(
            http::HeaderName::from_bytes(header.as_bytes()).is_ok(),
            "{name}"
        );
        assert!(http::HeaderValue::from_str(value).is_ok(), "{name}");
    }
    if answer.content_type == Some("application/json") {
        assert!(
            serde_json::from_slice::<Value>(&answer.body).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn every_dialect_works_with_no_settings_at_all_and_answers_what_every_dialect_must() {
    for dialect in DIALECTS {
        let name = dialect.manifest().name;
        assert!(dialect.settings(&serde_json::Map::new()).is_ok(), "{name}");
        let unknown = json!({ "no_such_setting": 1 })
            .as_object()
            .cloned()
            .unwrap_or_default();
        let errors = dialect.settings(&unknown).err().unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == "no_such_setting"),
            "{name}"
        );
        let (unauthorized, busy) = (
            dialect.unauthorized(),
            dialect.busy(model::DurationMs(1500)),
        );
        assert_eq!(unauthorized.status, 401, "{name}");
        assert_eq!(busy.status, 503, "{name}");
        assert!(
            busy.headers.contains(&("retry-after", "2".to_owned())),
            "{name}"
        );
        assert_eq!(dialect.too_large(10).status, 413, "{name}");
        for answer in [unauthorized, busy, dialect.too_large(10)] {
            check_answer(name, &answer);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_dialect_panic(body: Vec<u8>, path in "\\PC{0,30}", query in "\\PC{0,30}", post: bool) {
        let headers = HeaderMap::new();
        let method = if post { Method::POST } else { Method::GET };
        for dialect in DIALECTS {
            let settings = dialect.settings(&serde_json::Map::new()).expect("no settings are good settings");
            for path in [path.as_str(), "/", "/api/v2/alerts"] {
                check_accepted(dialect.manifest().name, &dialect.accept(&inbound(&method, path, &query, &headers, &body), &settings).decoded());
            }
        }
    }

    #[test]
    fn no_json_makes_a_dialect_panic(body in json_like()) {
        let headers = HeaderMap::new();
        for dialect in DIALECTS {
            let settings = dialect.settings(&serde_json::Map::new()).expect("no settings are good settings");
            for path in ["/", "/api/v2/alerts"] {
                let body = body.to_string();
                check_accepted(dialect.manifest().name, &dialect.accept(&inbound(&Method::POST, path, "", &headers, body.as_bytes()), &settings).decoded());
            }
        }
    }
}

/// JSON that has the fields of the dialects in many types.
fn json_like() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("labels"),
        Just("annotations"),
        Just("startsAt"),
        Just("endsAt"),
        Just("generatorURL"),
        Just("key"),
        Just("kind"),
        Just("severity"),
        Just("title"),
        Just("text"),
        Just("value"),
        Just("links"),
        Just("starts_at"),
        Just("ends_at"),
        Just("resolve_timeout"),
        Just("signals"),
        Just("alertname"),
        Just("via"),
        Just("href"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("2026-11-20T10:00:00Z")),
        Just(json!("-009999-01-01T00:00:00Z")),
        Just(json!("1e300")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}
