//! Which requests a task makes.

use super::*;

type Change = fn(&mut Content);

#[test]
fn each_verb_is_its_own_call_by_alias() {
    let open = "POST  +0";
    let table: [(Verb, Status, &[&str]); 11] = [
        (Verb::Open, Status::Open, &[open]),
        (Verb::Inform, Status::Closed, &[open]),
        (
            Verb::Ack,
            Status::Acknowledged,
            &["POST /ALIAS/acknowledge?identifierType=alias +0"],
        ),
        (
            Verb::Unack,
            Status::Open,
            &["POST /ALIAS/unacknowledge?identifierType=alias +0"],
        ),
        (
            Verb::Close,
            Status::Closed,
            &["POST /ALIAS/close?identifierType=alias +0"],
        ),
        (
            Verb::Set(Told::Closed),
            Status::Closed,
            &["POST /ALIAS/close?identifierType=alias +0"],
        ),
        (
            Verb::Repeat(Told::Closed),
            Status::Closed,
            &["POST /ALIAS/close?identifierType=alias +0"],
        ),
        (
            Verb::Remind,
            Status::Open,
            &["POST /ALIAS/notes?identifierType=alias +0"],
        ),
        (
            Verb::Note(3),
            Status::Acknowledged,
            &["POST /ALIAS/notes?identifierType=alias +0"],
        ),
        (
            Verb::Note(3),
            Status::Shelved,
            &["POST /ALIAS/snooze?identifierType=alias +0"],
        ),
        (
            Verb::CloseExtra(0),
            Status::Closed,
            &["POST /ALIAS/close?identifierType=alias +0"],
        ),
    ];
    for (verb, status, expected) in table {
        let saying = Saying::of(samples::alert(status));
        let replies = [taken(), became(true, "done")];
        let (requests, done) = talk(&*opsgenie(), &saying.task(verb), &replies);
        assert_eq!(said(&requests[..1]), expected, "{verb:?}");
        assert_eq!(
            said(&requests[1..]),
            ["GET /requests/11ec-a1 +300"],
            "{verb:?}"
        );
        assert_eq!(done.outcome, Outcome::Delivered, "{verb:?}");
        for (request, _) in requests {
            assert_eq!(
                samples::header(&request, "authorization"),
                Some("GenieKey c9d1f0a2-6f1e-4a3b-9c55-0e2f4b7d8a10")
            );
        }
    }
}

#[test]
fn a_lane_in_doubt_makes_the_alert_open_shows_its_texts_and_sets_its_state() {
    let texts = [
        "PUT /ALIAS/message?identifierType=alias +0",
        "PUT /ALIAS/description?identifierType=alias +0",
        "PUT /ALIAS/priority?identifierType=alias +0",
    ];
    let table: [(Told, Status, &[&str]); 4] = [
        (
            Told::Open,
            Status::Open,
            &["POST /ALIAS/unacknowledge?identifierType=alias +0"],
        ),
        (
            Told::Nothing,
            Status::Open,
            &["POST /ALIAS/unacknowledge?identifierType=alias +0"],
        ),
        (
            Told::Acked,
            Status::Acknowledged,
            &["POST /ALIAS/acknowledge?identifierType=alias +0"],
        ),
        (
            Told::Open,
            Status::Shelved,
            &[
                "POST /ALIAS/unacknowledge?identifierType=alias +0",
                "POST /ALIAS/snooze?identifierType=alias +0",
            ],
        ),
    ];
    for (told, status, last) in table {
        for verb in [Verb::Set(told), Verb::Repeat(told)] {
            let saying = Saying::of(samples::alert(status));
            let mut replies = vec![taken(), became(true, "Created alert")];
            replies.extend(std::iter::repeat_with(taken).take(3 + last.len()));
            replies.push(became(true, "done"));
            let (requests, done) = talk(&*opsgenie(), &saying.task(verb), &replies);
            let mut expected = vec!["POST  +0", "GET /requests/11ec-a1 +300"];
            expected.extend(texts.iter().chain(last));
            expected.push("GET /requests/11ec-a1 +300");
            assert_eq!(said(&requests), expected);
            assert_eq!(done.outcome, Outcome::Delivered);
        }
    }
}

#[test]
fn a_handle_names_the_alert_there_and_an_update_sends_only_what_changed_since() {
    let sink = opsgenie();
    let saying = Saying::of(samples::alert(Status::Open));
    let (_, done) = talk(
        &*sink,
        &saying.task(Verb::Open),
        &[taken(), became(true, "Created alert")],
    );
    let handle = done.handle.expect("a handle");
    assert_eq!(handle.object, "70413a06-1");
    assert_eq!(handle.data["alias"], ALIAS);

    let update = |change: Change, handle: Option<Handle>| {
        let mut alert = samples::alert(Status::Open);
        change(Arc::make_mut(&mut alert.content));
        Saying {
            handle,
            ..Saying::of(alert)
        }
    };
    let put = |name: &str| format!("PUT /ALIAS/{name}?identifierType=alias +0");
    let table: [(Change, &[&str]); 4] = [
        (|c| c.title.push('!'), &["message"]),
        (|c| c.value = Some("95 %".to_owned()), &["description"]),
        (|c| c.severity = Severity::Minor, &["priority"]),
        (
            |c| {
                c.title.push('!');
                c.severity = Severity::Info
            },
            &["message", "priority"],
        ),
    ];
    for (change, fields) in table {
        let saying = update(change, Some(handle.clone()));
        let mut replies: Vec<Reply> = fields.iter().map(|_| taken()).collect();
        replies.push(became(true, "done"));
        let (requests, done) = talk(&*sink, &saying.task(Verb::Update), &replies);
        let expected: Vec<String> = fields.iter().map(|name| put(name)).collect();
        assert_eq!(said(&requests[..fields.len()]), expected);
        // What it shows now is remembered in its place.
        let again = Saying {
            handle: done.handle,
            ..saying
        };
        let (requests, done) = talk(&*sink, &again.task(Verb::Update), &[]);
        assert!(requests.is_empty());
        assert_eq!(done.outcome, Outcome::Delivered);
    }
    // Nothing remembered: all three.
    let mut replies = vec![taken(), taken(), taken(), became(true, "done")];
    let saying = update(|_| (), None);
    let (requests, done) = talk(&*sink, &saying.task(Verb::Update), &replies);
    assert_eq!(
        said(&requests[..3]),
        [put("message"), put("description"), put("priority")]
    );
    assert_eq!(
        body(&requests[0].0),
        json!({ "message": "Disk /var on db-1 is 91 % full" })
    );
    assert_eq!(body(&requests[2].0), json!({ "priority": "P1" }));
    assert!(done.handle.is_some());
    // Not confirmed: nothing is remembered as shown.
    replies.truncate(3);
    replies.push(reply(403, ""));
    let saying = update(|_| (), Some(handle));
    let saying = Saying {
        handle: None,
        ..saying
    };
    let (_, done) = talk(&*sink, &saying.task(Verb::Update), &replies);
    assert_eq!((done.outcome, done.handle), (Outcome::Accepted, None));
}

#[test]
fn who_did_it_and_their_remark_go_along() {
    let events = samples::events(&samples::alert(Status::Acknowledged));
    let saying = Saying {
        events: vec![Event {
            note: Some(" on it ".to_owned()),
            ..events[1].clone()
        }],
        ..Saying::of(samples::alert(Status::Acknowledged))
    };
    let ack = body(&request(&*opsgenie(), &saying.task(Verb::Ack)));
    assert_eq!(
        ack,
        json!({ "user": "anna", "source": "Campanile", "note": "on it" })
    );
    let saying = Saying::of(samples::alert(Status::Closed));
    let close = body(&request(&*opsgenie(), &saying.task(Verb::Close)));
    assert_eq!(
        close,
        json!({ "user": "bo", "source": "Campanile", "note": "Resolved." })
    );
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let note = body(&request(&*opsgenie(), &saying.task(Verb::Note(3))));
    assert_eq!(
        note,
        json!({ "user": "bo", "source": "Campanile", "note": "Looking at <db-1> now" })
    );
}

#[test]
fn assignments_go_to_people_who_are_known_there_and_are_notes_otherwise() {
    let sink = with(json!({ "owners": { "anna": "anna@example.com" } }));
    let assign = |name: Option<&str>| {
        let event = Event {
            assignee: name.map(str::to_owned),
            ..event(4, EventKind::Assigned, "bo")
        };
        let request = request(&*sink, &noted(event).task(Verb::Note(4)));
        let path = request.url.rsplit('/').next().unwrap().to_owned();
        let body = body(&request);
        (path, body["owner"].clone(), body["note"].clone())
    };
    let user = |by: &str, who: &str| json!({ "type": "user", by: who });
    let is_assign = "assign?identifierType=alias".to_owned();
    let id = "4513b7ea-3b91-438f-b7e4-e3e54af9147c";
    assert_eq!(
        assign(Some("anna")),
        (
            is_assign.clone(),
            user("username", "anna@example.com"),
            Value::Null
        )
    );
    assert_eq!(
        assign(Some("cy@example.com")),
        (
            is_assign.clone(),
            user("username", "cy@example.com"),
            Value::Null
        )
    );
    assert_eq!(assign(Some(id)), (is_assign, user("id", id), Value::Null));
    let is_note = "notes?identifierType=alias".to_owned();
    assert_eq!(
        assign(Some("dora")),
        (is_note.clone(), Value::Null, json!("Assigned to dora."))
    );
    assert_eq!(
        assign(None),
        (
            is_note,
            Value::Null,
            json!("No longer assigned to anybody.")
        )
    );
}

#[test]
fn a_snooze_ends_at_least_two_seconds_ahead_and_within_a_year() {
    let end = |kind, until: Option<Timestamp>| {
        let saying = noted(Event {
            until,
            ..event(4, kind, "bo")
        });
        let request = request(&*opsgenie(), &saying.task(Verb::Note(4)));
        assert!(
            request.url.ends_with("/snooze?identifierType=alias"),
            "{}",
            request.url
        );
        body(&request)["endTime"].as_str().unwrap().to_owned()
    };
    let at = |ms: i64| Some(Timestamp(NOW.0 + ms));
    let shelved = EventKind::Shelved;
    assert_eq!(end(shelved, at(3_600_000)), "2025-11-20T13:01:01Z");
    assert_eq!(end(shelved, at(1)), "2025-11-20T12:01:11Z");
    assert_eq!(end(shelved, at(-1)), "2025-11-20T12:01:11Z");
    assert_eq!(end(shelved, at(60_500)), "2025-11-20T12:02:02Z");
    assert_eq!(end(shelved, None), "2026-11-20T12:01:01Z");
    assert_eq!(end(shelved, Some(Timestamp::NEVER)), "2026-11-20T12:01:01Z");
    // Its end is a new end.
    assert_eq!(end(EventKind::Unshelved, None), "2025-11-20T12:01:11Z");
}

#[test]
fn an_extra_alert_is_closed_by_its_id() {
    let handle = Handle {
        object: "70413a06/../x y".to_owned(),
        data: json!({ "alias": ALIAS }),
    };
    let saying = Saying {
        handle: Some(handle),
        ..Saying::of(samples::alert(Status::Open))
    };
    let (requests, done) = talk(
        &*opsgenie(),
        &saying.task(Verb::CloseExtra(0)),
        &[taken(), became(true, "")],
    );
    assert_eq!(
        said(&requests[..1]),
        ["POST /70413a06%2F..%2Fx%20y/close?identifierType=id +0"]
    );
    assert_eq!((done.outcome, done.handle), (Outcome::Delivered, None));
}

#[test]
fn the_same_task_makes_the_same_requests() {
    for verb in [
        Verb::Open,
        Verb::Update,
        Verb::Close,
        Verb::Set(Told::Acked),
    ] {
        let saying = Saying::of(samples::alert(Status::Acknowledged));
        let one = request(&*opsgenie(), &saying.task(verb));
        let two = request(&*opsgenie(), &saying.task(verb));
        assert_eq!(
            (one.method, one.url, one.body),
            (two.method, two.url, two.body)
        );
    }
    let can = OPSGENIE.manifest().can;
    assert!(can.idempotent && can.ignores_unknown_close && can.pages);
}

#[test]
fn an_update_that_breaks_off_halfway_does_not_pass_for_told_or_untold() {
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Update);
    // Nothing was applied: the vendor's pause holds.
    let (_, done) = talk(&*opsgenie(), &task, &[reply(429, "{}")]);
    assert_eq!(done.outcome, Outcome::Throttled { after_ms: None });
    // Something was: the lane is unsure, and says all again later.
    for broke in [reply(429, "{}"), reply(401, "{}"), broken(Sent::Never)] {
        let (_, done) = talk(&*opsgenie(), &task, &[taken(), broke]);
        assert_eq!(done.outcome, Outcome::Ambiguous);
    }
    // A text that is refused does not keep back the others, and nothing passes for shown.
    let replies = [
        taken(),
        reply(422, "{}"),
        taken(),
        became(true, "Updated alert"),
    ];
    let (requests, done) = talk(&*opsgenie(), &task, &replies);
    assert_eq!(requests.len(), 4);
    assert_eq!(done.outcome, Outcome::Accepted);
    assert!(done.excerpt.contains("(422)"), "{}", done.excerpt);
    assert_eq!(done.handle.unwrap().data["told"], Value::Null);
}
