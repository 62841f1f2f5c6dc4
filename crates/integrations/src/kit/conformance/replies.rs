//! What sinks make of replies.

use http::HeaderMap;
use model::{Outcome, Status, Verb, limits};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::http::{HttpReply, Sent, TransportError, TransportErrorKind};

use super::{build, handles, sinks};
use crate::kit::samples::{self, Saying};
use crate::kit::{Next, Reply, Sink, Step, Task};
use crate::registry::SINKS;

/// Runs a task to its end with the same reply to each request.
fn run(sink: &dyn Sink, task: &Task<'_>, reply: &Reply, requests_max: u32) -> crate::kit::Finish {
    let mut memo = Value::Null;
    let mut last = None;
    for number in 0..=requests_max {
        match sink.next(
            task,
            Step {
                number,
                memo: &memo,
                reply: last,
            },
        ) {
            Next::Finish(finish) => return finish,
            Next::Request { memo: kept, .. } => {
                memo = kept;
                last = Some(reply);
            }
        }
    }
    panic!("more than {requests_max} requests");
}

#[test]
fn every_status_and_every_body_gives_an_outcome() {
    let bodies = [
        "",
        "ok",
        "{}",
        "[]",
        "null",
        r#"{"ok":true}"#,
        r#"{"ok":false}"#,
        r#"{"ok":"yes"}"#,
        "<html>",
        "\u{0}",
        "{\"ok\":false,\"error\":\"what_is_this\"}",
    ];
    for kind in SINKS {
        let (name, sink) = (kind.manifest().name, build(*kind));
        let saying = Saying::of(samples::alert(Status::Open));
        for status in 100..=599 {
            for body in bodies {
                let finish = run(
                    &*sink,
                    &saying.task(Verb::Open),
                    &samples::reply(status, body),
                    kind.manifest().requests_max,
                );
                let is_good = matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted);
                assert!(
                    !is_good || (200..300).contains(&status),
                    "{name}: {status} {body}"
                );
                assert!(
                    is_good || !finish.excerpt.is_empty(),
                    "{name}: {status} {body} has no words"
                );
                assert!(finish.excerpt.chars().count() <= limits::EXCERPT_CHARS_MAX);
            }
        }
    }
}

#[test]
fn every_named_error_is_no_success_and_is_told_by_its_sentence() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let sink = build(*kind);
        let saying = Saying::of(samples::alert(Status::Open));
        for error in manifest.errors {
            let (status, body) = kind.example_error(error.code);
            let reply = samples::reply(status, &body);
            let finish = run(
                &*sink,
                &saying.task(Verb::Open),
                &reply,
                manifest.requests_max,
            );
            assert!(
                !matches!(finish.outcome, Outcome::Delivered | Outcome::Accepted),
                "{}",
                error.code
            );
            let sentence: String = error.sentence.chars().take(100).collect();
            assert!(
                finish.excerpt.starts_with(&sentence),
                "{}: {}",
                error.code,
                finish.excerpt
            );
        }
    }
}

#[test]
fn without_a_reply_only_what_never_left_is_certain() {
    let kinds = [
        TransportErrorKind::BadRequest,
        TransportErrorKind::AddressRefused,
        TransportErrorKind::NameNotFound { transient: None },
        TransportErrorKind::Connect,
        TransportErrorKind::Tls,
        TransportErrorKind::Timeout,
        TransportErrorKind::Broken,
        TransportErrorKind::BadReply,
    ];
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        let task = saying.task(Verb::Open);
        for kind in kinds {
            for sent in [Sent::Never, Sent::Maybe] {
                let reply = Err(TransportError {
                    kind,
                    what: "it broke".to_owned(),
                    sent,
                });
                let outcome = samples::finish(&*sink, &task, &reply).outcome;
                match sent {
                    Sent::Maybe => assert_eq!(outcome, Outcome::Ambiguous, "{name} {kind:?}"),
                    Sent::Never => assert!(
                        matches!(outcome, Outcome::Retry | Outcome::TargetGone),
                        "{name} {kind:?}"
                    ),
                }
            }
        }
    }
}

#[test]
fn too_many_requests_are_throttled_for_as_long_as_the_vendor_says() {
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        let task = saying.task(Verb::Open);
        let after = |headers: &[(&'static str, &str)]| {
            samples::finish(&*sink, &task, &samples::reply_with(429, "", headers)).outcome
        };
        assert_eq!(
            after(&[("retry-after", "30")]),
            Outcome::Throttled {
                after_ms: Some(30_000)
            },
            "{name}"
        );
        assert_eq!(after(&[]), Outcome::Throttled { after_ms: None }, "{name}");
    }
}

#[test]
fn i9_no_secret_comes_back_in_an_excerpt_a_handle_or_a_probe() {
    for (name, sink) in sinks() {
        let saying = Saying::of(samples::alert(Status::Open));
        for secret in sink.secrets() {
            let secret = secret.expose();
            let check = |shown: String| assert!(!shown.contains(secret), "{name}: {shown}");
            for status in [200, 302, 400, 401, 403, 404, 429, 500] {
                let echo = format!("you sent {secret}, {{\"echo\": {secret:?}}}");
                let in_json = json!({ "ok": false, "error": secret, "needed": secret }).to_string();
                for body in [echo, in_json, secret.to_owned()] {
                    let reply = samples::reply(status, &body);
                    check(format!(
                        "{:?}",
                        samples::finish(&*sink, &saying.task(Verb::Open), &reply)
                    ));
                    let step = Step {
                        number: 1,
                        memo: &Value::Null,
                        reply: Some(&reply),
                    };
                    if let Some(Next::Finish(finish)) = sink.probe(step) {
                        check(format!("{finish:?}"));
                    }
                }
            }
            let hung_up = Err(TransportError {
                kind: TransportErrorKind::Broken,
                what: format!("no answer to {secret}"),
                sent: Sent::Maybe,
            });
            check(format!(
                "{:?}",
                samples::finish(&*sink, &saying.task(Verb::Open), &hung_up)
            ));
            check(format!(
                "{:?}",
                samples::request(&*sink, &saying.task(Verb::Open))
            ));
        }
    }
}

proptest! {
    #[test]
    fn no_reply_makes_a_sink_panic(status: u16, body in "\\PC{0,60}", is_post: bool) {
        for (_, sink) in sinks() {
            let saying = Saying { handle: if is_post { None } else { handles()[1].clone() }, ..Saying::of(samples::alert(Status::Open)) };
            let reply = Ok(HttpReply { status, headers: HeaderMap::new(), body: body.clone().into(), truncated: true });
            let _judged = samples::finish(&*sink, &saying.task(Verb::Update), &reply);
        }
    }
}
