//! The REST API: notes, snoozes and withdrawn acknowledgements, step by step.

use std::sync::Arc;

use model::{Event, EventKind, Outcome, Status, Timestamp, Told, Verb};
use serde_json::{Value, json};

use super::PAGERDUTY;
use crate::kit::samples::{self, NOW, Saying, header, reply, reply_with};
use crate::kit::{AFTER_MAX, Finish, Next, Reply, Sink, SinkKind, Step, Task};

const BASE: &str = "http://127.0.0.1:8090";
const TOKEN: &str = "u+example-token-0001";
const TAKEN: &str = r#"{"status":"success"}"#;

fn pagerduty(extra: Value) -> Arc<dyn Sink> {
    let mut settings = PAGERDUTY.example(BASE);
    settings.insert("api_token".to_owned(), json!(TOKEN));
    settings.insert("from".to_owned(), json!("hub@example.org"));
    settings.extend(extra.as_object().cloned().unwrap());
    settings.retain(|_, value| !value.is_null());
    PAGERDUTY
        .build(&settings)
        .unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A task's requests, each as one line, and how it ended.
pub struct Walk {
    pub lines: Vec<String>,
    pub bodies: Vec<Value>,
    /// Milliseconds waited before each request.
    pub waits: Vec<i64>,
    pub finish: Finish,
}

/// Answers a task's requests with `replies`, one after the other.
pub fn walk(sink: &dyn Sink, task: &Task<'_>, replies: &[Reply]) -> Walk {
    let (mut lines, mut bodies, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    let mut memo = Value::Null;
    let mut last = None;
    for number in 0.. {
        let step = Step {
            number,
            memo: &memo,
            reply: last,
        };
        match sink.next(task, step) {
            Next::Finish(finish) => {
                return Walk {
                    lines,
                    bodies,
                    waits,
                    finish,
                };
            }
            Next::Request {
                request,
                memo: kept,
                after,
            } => {
                let url = url::Url::parse(&request.url).unwrap();
                let path = url.path().strip_prefix("/pagerduty").unwrap_or(url.path());
                let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                let action = body["event_action"].as_str().unwrap_or_default();
                lines.push(
                    format!("{} {path} {action}", request.method)
                        .trim()
                        .to_owned(),
                );
                bodies.push(body);
                waits.push(after.0);
                memo = kept;
                last = Some(
                    replies
                        .get(number as usize)
                        .expect("a reply for each request"),
                );
            }
        }
    }
    unreachable!("it ends with a finish")
}

fn listed(incidents: &[(&str, &str)]) -> Reply {
    let incidents: Vec<Value> = incidents
        .iter()
        .map(|(id, status)| json!({ "id": id, "type": "incident", "status": status }))
        .collect();
    reply(
        200,
        &json!({ "incidents": incidents, "more": false }).to_string(),
    )
}

fn with_event(kind: EventKind, status: Status, until: Option<Timestamp>) -> Saying {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let event = &mut saying.events[2];
    *event = Event {
        kind,
        status,
        until,
        ..event.clone()
    };
    saying
}

#[test]
fn a_note_is_written_on_the_incident_that_the_key_finds() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(Verb::Note(3));
    let walk = walk(
        &*sink,
        &task,
        &[listed(&[("PT4KHLK", "acknowledged")]), reply(200, "{}")],
    );
    assert_eq!(
        walk.lines,
        ["GET /incidents", "POST /incidents/PT4KHLK/notes"]
    );
    assert_eq!(
        walk.bodies[1],
        json!({ "note": { "content": "bo: Looking at <db-1> now" } })
    );
    assert_eq!(walk.finish.outcome, Outcome::Delivered);
}

#[test]
fn the_look_up_asks_for_open_incidents_of_any_age_with_the_vendors_headers() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let sink = pagerduty(json!({ "service": "PIJ90N7" }));
    let request = samples::request(&*sink, &saying.task(Verb::Note(3)));
    let url = url::Url::parse(&request.url).unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let id = saying.alert.id.to_string();
    let expected = [
        ("incident_key", id.as_str()),
        ("statuses[]", "triggered"),
        ("statuses[]", "acknowledged"),
        ("date_range", "all"),
        ("limit", "5"),
        ("service_ids[]", "PIJ90N7"),
    ];
    let pairs: Vec<(&str, &str)> = query
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(pairs, expected);
    assert_eq!(
        header(&request, "authorization"),
        Some("Token token=u+example-token-0001")
    );
    assert_eq!(
        header(&request, "accept"),
        Some("application/vnd.pagerduty+json;version=2")
    );
    // Reads need no user.
    assert_eq!(header(&request, "from"), None);
}

#[test]
fn writes_name_their_user_and_go_to_the_regions_api() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let write = |extra: Value| {
        let sink = pagerduty(extra);
        let found = listed(&[("PT4KHLK", "acknowledged")]);
        let memo = json!({ "at": "find" });
        let step = Step {
            number: 1,
            memo: &memo,
            reply: Some(&found),
        };
        match sink.next(&saying.task(Verb::Unack), step) {
            Next::Request { request, .. } => *request,
            Next::Finish(finish) => panic!("{finish:?}"),
        }
    };
    let sent = write(json!({}));
    assert_eq!(header(&sent, "from"), Some("hub@example.org"));
    assert_eq!(sent.url, format!("{BASE}/pagerduty/incidents/PT4KHLK"));
    assert_eq!(header(&write(json!({ "from": null })), "from"), None);
    let host = |extra| write(extra).url;
    assert!(host(json!({ "base_url": null })).starts_with("https://api.pagerduty.com/incidents/"));
    assert!(
        host(json!({ "base_url": null, "region": "eu" }))
            .starts_with("https://api.eu.pagerduty.com/incidents/")
    );
    assert!(
        host(json!({ "api_base_url": "http://127.0.0.1:9/api/" }))
            .starts_with("http://127.0.0.1:9/api/incidents/")
    );
}

#[test]
fn a_withdrawn_acknowledgement_triggers_the_incident_again() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Unack);
    let done = walk(
        &*sink,
        &task,
        &[listed(&[("P1", "acknowledged")]), reply(200, "{}")],
    );
    assert_eq!(done.lines, ["GET /incidents", "PUT /incidents/P1"]);
    assert_eq!(
        done.bodies[1],
        json!({ "incident": { "type": "incident_reference", "status": "triggered" } })
    );
    let already = walk(&*sink, &task, &[listed(&[("P1", "triggered")])]);
    assert_eq!(
        (already.lines.len(), already.finish.outcome),
        (1, Outcome::Delivered)
    );
}

#[test]
fn a_shelving_is_a_snooze_of_at_most_seven_days_and_its_end_a_status() {
    let sink = pagerduty(json!({}));
    let at = |ms: i64| Some(Timestamp(NOW.0 + ms));
    let table = [
        (at(3_600_000), Some(3600)),
        (at(1), Some(1)),
        (at(30 * 86_400_000), Some(604_800)),
        (Some(Timestamp::NEVER), Some(604_800)),
        (None, Some(604_800)),
        (at(0), None),
        (at(-5), None),
    ];
    for (until, duration) in table {
        let saying = with_event(EventKind::Shelved, Status::Shelved, until);
        let task = saying.task(Verb::Note(3));
        let walk = walk(
            &*sink,
            &task,
            &[listed(&[("P1", "triggered")]), reply(201, "{}")],
        );
        assert_eq!(walk.finish.outcome, Outcome::Delivered, "{until:?}");
        match duration {
            Some(seconds) => {
                assert_eq!(walk.lines, ["GET /incidents", "POST /incidents/P1/snooze"]);
                assert_eq!(walk.bodies[1], json!({ "duration": seconds }), "{until:?}");
            }
            None => assert!(walk.lines.is_empty(), "{until:?}"),
        }
    }
    for (status, word) in [
        (Status::Open, "triggered"),
        (Status::Acknowledged, "acknowledged"),
    ] {
        let saying = with_event(EventKind::Unshelved, status, None);
        let other = if word == "triggered" {
            "acknowledged"
        } else {
            "triggered"
        };
        let task = saying.task(Verb::Note(3));
        let walk = walk(&*sink, &task, &[listed(&[("P1", other)]), reply(200, "{}")]);
        assert_eq!(walk.bodies[1]["incident"]["status"], word);
    }
}

#[test]
fn in_doubt_about_an_open_alert_it_is_triggered_and_an_acknowledgement_withdrawn() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Set(Told::Open));
    let taken = || reply(202, TAKEN);
    let acked = walk(
        &*sink,
        &task,
        &[taken(), listed(&[("P1", "acknowledged")]), reply(200, "{}")],
    );
    assert_eq!(
        acked.lines,
        [
            "POST /v2/enqueue trigger",
            "GET /incidents",
            "PUT /incidents/P1"
        ]
    );
    let open = walk(&*sink, &task, &[taken(), listed(&[("P1", "triggered")])]);
    let unseen = walk(&*sink, &task, &[taken(), listed(&[]), listed(&[])]);
    let refused = walk(
        &*sink,
        &task,
        &[taken(), reply(401, r#"{"error":{"code":2006}}"#)],
    );
    for (name, walk) in [
        ("acked", &acked),
        ("open", &open),
        ("unseen", &unseen),
        ("refused", &refused),
    ] {
        let is_ok = matches!(walk.finish.outcome, Outcome::Delivered | Outcome::Accepted);
        assert!(is_ok, "{name}: {:?}", walk.finish);
        assert!(walk.finish.handle.is_some(), "{name}");
    }
    // What can be had by waiting is waited for.
    let lost = walk(
        &*sink,
        &task,
        &[taken(), samples::broken(wire::http::Sent::Maybe)],
    );
    assert_eq!(lost.finish.outcome, Outcome::Retry);
    let manifest = PAGERDUTY.manifest();
    let longest = walk(
        &*sink,
        &task,
        &[
            taken(),
            listed(&[]),
            listed(&[("P1", "acknowledged")]),
            reply(200, "{}"),
        ],
    );
    assert_eq!(longest.lines.len(), manifest.requests_max as usize);
}

#[test]
fn an_incident_that_is_not_listed_yet_is_looked_for_once_more() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(Verb::Note(3));
    let late = walk(
        &*sink,
        &task,
        &[
            listed(&[]),
            listed(&[("P1", "triggered")]),
            reply(200, "{}"),
        ],
    );
    assert_eq!(
        late.lines,
        [
            "GET /incidents",
            "GET /incidents",
            "POST /incidents/P1/notes"
        ]
    );
    assert_eq!(late.waits, [0, AFTER_MAX.0, 0]);
    let never = walk(&*sink, &task, &[listed(&[]), listed(&[("P1", "resolved")])]);
    assert_eq!(never.finish.outcome, Outcome::PayloadBad);
    assert!(
        never.finish.excerpt.contains("no open incident"),
        "{}",
        never.finish.excerpt
    );
    let several = walk(
        &*sink,
        &task,
        &[listed(&[("P1", "triggered"), ("P2", "acknowledged")])],
    );
    assert!(
        several.finish.excerpt.contains("set `service`"),
        "{}",
        several.finish.excerpt
    );
    let hostile = walk(&*sink, &task, &[listed(&[("../users/P1", "triggered")])]);
    assert_eq!(hostile.finish.outcome, Outcome::Retry);
    let odd = walk(&*sink, &task, &[reply(200, "<html>")]);
    assert_eq!(odd.finish.outcome, Outcome::Retry);
}

/// The table of the wire facts, §1.3. What the REST API refuses suspends nothing: pages do not need it.
#[test]
fn the_rest_apis_answers_mean_what_the_wire_facts_say() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let task = saying.task(Verb::Note(3));
    let judged =
        |reply: Reply| walk(&*sink, &task, &[listed(&[("P1", "triggered")]), reply]).finish;
    let coded =
        |code: u32| json!({ "error": { "message": "x", "code": code, "errors": [] } }).to_string();
    let table = [
        (200, String::new(), Outcome::Delivered, ""),
        (201, "{}".to_owned(), Outcome::Delivered, ""),
        (400, coded(1001), Outcome::Delivered, "already"),
        (400, coded(1002), Outcome::Delivered, "already"),
        (400, coded(1012), Outcome::Delivered, "already"),
        (400, coded(1013), Outcome::PayloadBad, "seven days"),
        (400, coded(1019), Outcome::PayloadBad, "merged"),
        (400, coded(2001), Outcome::PayloadBad, "`from`"),
        (401, coded(2006), Outcome::PayloadBad, "`api_token`"),
        (401, String::new(), Outcome::PayloadBad, "`api_token`"),
        (402, String::new(), Outcome::PayloadBad, "plan"),
        (403, coded(2010), Outcome::PayloadBad, "may not"),
        (403, coded(2012), Outcome::PayloadBad, "expired"),
        (404, coded(2100), Outcome::PayloadBad, "deleted"),
        (404, coded(5001), Outcome::PayloadBad, "deleted"),
        (408, String::new(), Outcome::Ambiguous, "repeated"),
        (500, coded(2016), Outcome::Ambiguous, "too long"),
        (500, String::new(), Outcome::Ambiguous, "repeated"),
        (
            429,
            String::new(),
            Outcome::Throttled { after_ms: None },
            "slow down",
        ),
        (
            429,
            coded(2020),
            Outcome::Throttled { after_ms: None },
            "960",
        ),
    ];
    for (status, body, outcome, word) in table {
        let judged = judged(reply(status, &body));
        assert_eq!(judged.outcome, outcome, "{status} {body}");
        assert!(
            judged.excerpt.contains(word),
            "{status} {body}: {}",
            judged.excerpt
        );
    }
    let reset = |headers: &[(&'static str, &str)]| judged(reply_with(429, "", headers)).outcome;
    let after = |ms| Outcome::Throttled { after_ms: Some(ms) };
    assert_eq!(reset(&[("ratelimit-reset", "21")]), after(21_000));
    assert_eq!(
        reset(&[("ratelimit-reset", "21"), ("retry-after", "3")]),
        after(3_000)
    );
    assert_eq!(
        reset(&[("ratelimit-reset", "soon")]),
        Outcome::Throttled { after_ms: None }
    );
}

#[test]
fn i9_neither_the_token_nor_the_key_is_shown() {
    let sink = pagerduty(json!({}));
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let echo = format!("Token token={TOKEN} and {TOKEN} and 0123456789abcdef0123456789abcdef");
    for replies in [
        vec![reply(401, &echo)],
        vec![listed(&[("P1", "triggered")]), reply(400, &echo)],
    ] {
        let walk = walk(&*sink, &saying.task(Verb::Note(3)), &replies);
        let shown = format!("{:?} {}", walk.finish, sink.target());
        assert!(
            !shown.contains(TOKEN) && !shown.contains("0123456789abcdef"),
            "{shown}"
        );
    }
    for verb in [Verb::Open, Verb::Note(3)] {
        for pace in sink.paces(&saying.task(verb)) {
            assert!(
                !pace.bucket.contains(TOKEN) && !pace.bucket.contains("0123456789"),
                "{pace:?}"
            );
        }
    }
}

#[test]
fn hostile_notes_stay_one_text() {
    let sink = pagerduty(json!({}));
    let mut saying = Saying::of(samples::alert(Status::Acknowledged));
    saying.events[2].note = Some("\"}}\r\n{\"note\": 1}\0\u{202e}".to_owned());
    if let Some(by) = &mut saying.events[2].by {
        by.name = "bo\r\nX".to_owned();
    }
    let task = saying.task(Verb::Note(3));
    let walk = walk(
        &*sink,
        &task,
        &[listed(&[("P1", "triggered")]), reply(200, "{}")],
    );
    assert_eq!(
        walk.bodies[1]["note"]["content"],
        "bo X: \"}}\n{\"note\": 1}"
    );
}
