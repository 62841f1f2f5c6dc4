//! What is posted about silences and how they are shown; answers as Alertmanager 0.25.0 gave them (2026-11).

use http::{HeaderMap, Method};
use model::{
    DurationMs, Labels, MatchOp, Matcher, ProjectId, Silence, SilenceId, SilenceState, Timestamp,
};
use serde_json::{Value, json};

use super::ALERTMANAGER;
use crate::kit::samples::{NOW, START};
use crate::kit::{
    Accepted, AlertmanagerRead, Answer, Dialect, Inbound, ReadData, ReadWant, SilenceCommand,
    SilenceDraft, SilenceOutcome,
};

fn accept(method: Method, path: &str, query: &str, body: &str) -> Accepted {
    let headers = HeaderMap::new();
    let inbound = Inbound {
        method: &method,
        path,
        query,
        headers: &headers,
        body: body.as_bytes(),
        received_at: NOW,
        source: "prometheus",
    };
    let settings = ALERTMANAGER.settings(&serde_json::Map::new()).unwrap();
    ALERTMANAGER.accept(&inbound, &settings)
}

fn at(minutes: i64) -> String {
    (NOW + DurationMs::from_mins(minutes)).to_string()
}

/// A good one with these parts changed; `null` takes a part out.
fn posted(changes: Value) -> String {
    let mut body = json!({
        "matchers": [{ "name": "a", "value": "x", "isRegex": false }],
        "startsAt": at(-1), "endsAt": at(60), "createdBy": "me", "comment": "c",
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn put(body: &str) -> Result<(Option<SilenceId>, SilenceDraft), (u16, String)> {
    match accept(Method::POST, "/api/v2/silences", "", body) {
        Accepted::Silence(SilenceCommand::Put { id, draft }) => Ok((id, draft)),
        Accepted::Refused(answer) => {
            let value: Value = serde_json::from_slice(&answer.body).unwrap();
            let text = match &value {
                Value::String(text) => text.clone(),
                value => format!("{} {}", value["code"], value["message"].as_str().unwrap()),
            };
            Err((answer.status, text))
        }
        _ => panic!("{body}"),
    }
}

#[test]
fn a_silence_is_read_with_all_four_kinds_of_matchers() {
    let id = SilenceId(7);
    let (read, draft) = put(&posted(json!({
        "id": id.to_string(),
        "annotations": { "ticket": "OPS-1" },
        "matchers": [
            { "name": "alertname", "value": "A", "isRegex": false },
            { "name": "b", "value": "B", "isRegex": false, "isEqual": false },
            { "name": "c", "value": "C.*", "isRegex": true, "isEqual": null },
            { "name": "severity", "value": "page|\\d{", "isRegex": true, "isEqual": false },
        ],
    })))
    .unwrap();
    assert_eq!(read, Some(id));
    let matchers: Vec<String> = draft.matchers.iter().map(Matcher::to_string).collect();
    assert_eq!(
        matchers,
        [
            r#"alertname="A""#,
            r#"b!="B""#,
            r#"c=~"C.*""#,
            // A label, not the field of this name; and Go's brace in a form that both engines read.
            r#"labels.severity!~"page|[0-9]\\{""#,
        ]
    );
    assert_eq!(draft.starts_at, NOW + DurationMs::from_mins(-1));
    assert_eq!(draft.ends_at, NOW + DurationMs::from_mins(60));
    assert_eq!(draft.annotations.get("ticket"), Some("OPS-1"));
    assert_eq!(
        (draft.created_by.as_str(), draft.comment.as_str()),
        ("me", "c")
    );
    for zero in ["", "0001-01-01T00:00:00Z"] {
        let (_, draft) = put(&posted(
            json!({ "startsAt": zero, "id": "", "comment": "" }),
        ))
        .unwrap();
        assert!(draft.starts_at < Timestamp::ZERO);
    }
}

#[test]
fn what_is_wrong_is_said_in_alertmanagers_words() {
    let matcher = |name: &str, value: &str, regex: bool| json!([{ "name": name, "value": value, "isRegex": regex }]);
    let table = [
        (
            json!({ "matchers": null }),
            422,
            "602 matchers in body is required",
        ),
        (
            json!({ "matchers": [] }),
            422,
            "612 matchers in body should have at least 1 items",
        ),
        (
            json!({ "startsAt": null }),
            422,
            "602 startsAt in body is required",
        ),
        (
            json!({ "endsAt": null }),
            422,
            "602 endsAt in body is required",
        ),
        (
            json!({ "createdBy": null }),
            422,
            "602 createdBy in body is required",
        ),
        (
            json!({ "createdBy": null, "comment": null }),
            422,
            "602 comment in body is required",
        ),
        (
            json!({ "matchers": [{ "name": "a", "value": "x" }] }),
            422,
            "602 matchers.0.isRegex in body is required",
        ),
        (
            json!({ "matchers": [{ "value": "x", "isRegex": false }] }),
            422,
            "602 matchers.0.name in body is required",
        ),
        (
            json!({ "matchers": [{ "name": "a", "isRegex": true }] }),
            422,
            "602 matchers.0.value in body is required",
        ),
        (
            json!({ "matchers": matcher("", "x", false) }),
            400,
            "silence invalid: invalid label matcher 0: invalid label name \"\"",
        ),
        (
            json!({ "matchers": matcher("1a", "x", false) }),
            400,
            "silence invalid: invalid label matcher 0: invalid label name \"1a\"",
        ),
        (
            json!({ "matchers": matcher("a", "(", true) }),
            400,
            "silence invalid: invalid label matcher 0: invalid regular expression \"(\": error parsing regexp: missing closing ): `(`",
        ),
        (
            json!({ "matchers": matcher("a", "", false) }),
            400,
            "silence invalid: at least one matcher must not match the empty string",
        ),
        (
            json!({ "matchers": matcher("a", ".*", true) }),
            400,
            "silence invalid: at least one matcher must not match the empty string",
        ),
        (
            json!({ "startsAt": at(61) }),
            400,
            "Failed to create silence: start time must be before end time",
        ),
        (
            json!({ "startsAt": at(60) }),
            400,
            "Failed to create silence: start time must be before end time",
        ),
        (
            json!({ "endsAt": "" }),
            400,
            "Failed to create silence: start time must be before end time",
        ),
        (
            json!({ "startsAt": at(-9), "endsAt": at(-5) }),
            400,
            "Failed to create silence: end time can't be in the past",
        ),
        (json!({ "id": "x" }), 404, "silence not found"),
    ];
    for (changes, status, said) in table {
        assert_eq!(
            put(&posted(changes.clone())),
            Err((status, said.to_owned())),
            "{changes}"
        );
    }
    for (body, status, said) in [
        ("", 422, "602 silence in body is required"),
        ("null", 422, "602 comment in body is required"),
        ("{}", 422, "602 comment in body is required"),
    ] {
        assert_eq!(put(body), Err((status, said.to_owned())), "{body}");
    }
    for body in [
        "{",
        "[]",
        "{\"comment\": 5}",
        "{\"matchers\": [null]}",
        &posted(json!({ "startsAt": "x" })),
    ] {
        let (status, said) = put(body).unwrap_err();
        assert_eq!(status, 400, "{body}");
        assert!(
            said.starts_with("400 parsing silence body from \"\" failed, because "),
            "{said}"
        );
    }
}

#[test]
fn i10_hostile_silences_are_refused() {
    let many: Vec<Value> = (0..1000)
        .map(|i| json!({ "name": format!("l{i}"), "value": "x", "isRegex": true }))
        .collect();
    assert_eq!(
        put(&posted(json!({ "matchers": many }))).unwrap_err().0,
        400
    );
    let heavy = json!({ "annotations": { "a": "x".repeat(100_000) } });
    assert_eq!(put(&posted(heavy)).unwrap_err().0, 400);
    let nul = json!({ "comment": "a\0b", "matchers": [{ "name": "a", "value": "\0", "isRegex": false }] });
    let (_, draft) = put(&posted(nul)).unwrap();
    assert_eq!(
        (draft.comment.as_str(), draft.matchers[0].value.as_str()),
        ("a\u{fffd}b", "\u{fffd}")
    );
}

#[test]
fn outcomes_are_answered_as_alertmanager_answers_them() {
    let id = SilenceId(9);
    let (_, draft) = put(&posted(json!({}))).unwrap();
    let put = SilenceCommand::Put { id: None, draft };
    let expire = SilenceCommand::Expire(id);
    let refused = SilenceOutcome::Refused("too many".to_owned());
    let table = [
        (
            &put,
            SilenceOutcome::Done(id),
            200,
            format!("{{\"silenceID\":\"{id}\"}}"),
        ),
        (
            &put,
            SilenceOutcome::NotFound,
            404,
            "\"silence not found\"".to_owned(),
        ),
        (
            &put,
            refused,
            400,
            "\"silence invalid: too many\"".to_owned(),
        ),
        (&expire, SilenceOutcome::Done(id), 200, String::new()),
        (&expire, SilenceOutcome::AlreadyExpired, 200, String::new()),
        (&expire, SilenceOutcome::NotFound, 404, String::new()),
    ];
    for (command, outcome, status, body) in table {
        let answer = ALERTMANAGER.silenced(command, &outcome);
        assert_eq!(
            (answer.status, answer.body),
            (status, body.into_bytes()),
            "{outcome:?}"
        );
    }
    for (method, path, expected) in [
        (
            Method::DELETE,
            format!("/api/v2/silence/{id}"),
            Some(SilenceCommand::Expire(id)),
        ),
        (Method::DELETE, "/api/v2/silence/x".to_owned(), None),
    ] {
        match accept(method, &path, "", "") {
            Accepted::Silence(command) => assert_eq!(Some(command), expected),
            Accepted::Refused(answer) => {
                let said =
                    r#"{"code":601,"message":"silenceID in path must be of type uuid: \"x\""}"#;
                assert_eq!(
                    (answer.status, std::str::from_utf8(&answer.body)),
                    (422, Ok(said))
                );
                assert_eq!(expected, None);
            }
            _ => panic!("{path}"),
        }
    }
}

fn silence(id: u128, matchers: &[(&str, MatchOp, &str)], starts: i64, ends: i64) -> Silence {
    let matcher = |(name, op, value): &(&str, MatchOp, &str)| Matcher {
        name: (*name).to_owned(),
        op: *op,
        value: (*value).to_owned(),
    };
    Silence {
        id: SilenceId(id),
        project: ProjectId(2),
        matchers: matchers.iter().map(matcher).collect(),
        starts_at: NOW + DurationMs::from_mins(starts),
        ends_at: NOW + DurationMs::from_mins(ends),
        windows: Vec::new(),
        created_by: "me".to_owned(),
        comment: "c".to_owned(),
        annotations: Labels::new(),
        updated_at: START,
        version: 1,
    }
}

fn read(path: &str, query: &str) -> Answer {
    use MatchOp::{Equal, NotRegex, Regex};
    let silences = [
        silence(1, &[("a", Equal, "1")], -60, 10),
        silence(
            2,
            &[("labels.severity", NotRegex, "page"), ("a", Equal, "1")],
            -60,
            5,
        ),
        silence(3, &[("a", Regex, "1")], 20, 30),
        silence(4, &[("a", Equal, "2")], 10, 40),
        silence(5, &[("b", Equal, "")], -60, -5),
        silence(6, &[("b", Equal, "1")], -60, 0),
    ];
    let Accepted::Read(want) = accept(Method::GET, path, query, "") else {
        panic!("{path} is no question");
    };
    ALERTMANAGER.render(
        &want,
        &ReadData {
            alerts: &[],
            integrations: &[],
            silences: &silences,
            version: "0.1.0",
            started_at: START,
            node: "node-1",
            now: NOW,
        },
    )
}

#[test]
fn silences_are_listed_in_alertmanagers_order_and_found_by_their_very_matchers() {
    let list = |query: &str| -> Vec<(u64, String)> {
        let list: Vec<Value> =
            serde_json::from_slice(&read("/api/v2/silences", query).body).unwrap();
        let number = |v: &Value| {
            v["id"]
                .as_str()
                .unwrap()
                .split('-')
                .next_back()
                .unwrap()
                .parse()
                .unwrap()
        };
        list.iter()
            .map(|v| (number(v), v["status"]["state"].as_str().unwrap().to_owned()))
            .collect()
    };
    let (active, pending, expired) = [
        SilenceState::Active,
        SilenceState::Pending,
        SilenceState::Expired,
    ]
    .map(|s| s.as_str().to_owned())
    .into();
    assert_eq!(
        list(""),
        [
            (2, active.clone()),
            (1, active),
            (4, pending.clone()),
            (3, pending),
            (6, expired.clone()),
            (5, expired)
        ]
    );
    let ids = |query: &str| {
        list(query)
            .into_iter()
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("filter=a%3D1"), [2, 1]);
    assert_eq!(ids("filter=a%3D%7E1"), [3]);
    assert_eq!(ids("filter=a%3D1&filter=severity!~page"), [2]);
    assert_eq!(ids("filter=a%3D%7E.*"), Vec::<u64>::new());
    assert_eq!(ids("filter=b%3D"), [5]);
    insta::assert_json_snapshot!(
        "silence",
        serde_json::from_slice::<Value>(
            &read(&format!("/api/v2/silence/{}", SilenceId(2)), "").body
        )
        .unwrap()
    );
    assert_eq!(
        read(&format!("/api/v2/silence/{}", SilenceId(99)), ""),
        Answer::empty(404)
    );
    let Accepted::Refused(answer) = accept(Method::GET, "/api/v2/silences", "filter=bad", "")
    else {
        panic!("a bad matcher was taken");
    };
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (400, br#""bad matcher format: bad""#.as_slice())
    );
    let want = accept(Method::GET, "/api/v2/silences/", "", "");
    assert!(matches!(
        want,
        Accepted::Read(ReadWant::Alertmanager(AlertmanagerRead::Silences { .. }))
    ));
}
