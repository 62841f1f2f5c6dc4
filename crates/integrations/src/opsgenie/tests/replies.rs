//! What replies mean, and how long is asked.

use super::*;

#[test]
fn what_was_taken_is_asked_after_a_few_times_with_growing_pauses() {
    let saying = Saying::of(samples::alert(Status::Open));
    let ask = |replies: &[Reply]| talk(&*opsgenie(), &saying.task(Verb::Open), replies);
    let (requests, done) = ask(&[taken(), not_yet(), not_yet(), became(true, "Created alert")]);
    let pauses: Vec<i64> = requests.iter().map(|(_, after)| *after).collect();
    assert_eq!(pauses, [0, 300, 700, 1500]);
    assert_eq!(
        (done.outcome, done.excerpt.as_str()),
        (Outcome::Delivered, "Created alert")
    );

    let (requests, done) = ask(&[taken(), not_yet(), not_yet(), not_yet(), not_yet()]);
    assert_eq!(requests.len(), 5);
    assert_eq!((done.outcome, done.handle), (Outcome::Accepted, None));
    assert!(
        done.excerpt.contains("not processed while the hub waited"),
        "{}",
        done.excerpt
    );

    // A question that is lost or refused does not undo what was taken.
    let (_, done) = ask(&[
        taken(),
        broken(Sent::Maybe),
        reply(503, ""),
        became(true, ""),
    ]);
    assert_eq!(done.outcome, Outcome::Delivered);
    for (status, word) in [
        (401, "Read Access"),
        (403, "Read Access"),
        (404, "nothing that tells"),
        (429, "no more questions"),
        (400, "refused"),
    ] {
        let (_, done) = ask(&[taken(), reply(status, "{}")]);
        assert_eq!(done.outcome, Outcome::Accepted, "{status}");
        assert!(done.excerpt.contains(word), "{status}: {}", done.excerpt);
    }
    for odd in [
        "",
        "{}",
        r#"{"data":[]}"#,
        r#"{"data":{"isSuccess":"yes"}}"#,
    ] {
        let (_, done) = ask(&[taken(), reply(200, odd)]);
        assert_eq!(done.outcome, Outcome::Accepted, "{odd}");
    }
    // An id that is none does not get into a path.
    let (requests, done) = ask(&[reply(202, r#"{"requestId":"../../x"}"#)]);
    assert_eq!((requests.len(), done.outcome), (1, Outcome::Accepted));
}

#[test]
fn without_confirm_202_is_taken_for_an_answer() {
    let saying = Saying::of(samples::alert(Status::Open));
    let sink = with(json!({ "confirm": false }));
    let (requests, done) = talk(&*sink, &saying.task(Verb::Open), &[taken()]);
    assert_eq!((requests.len(), done.outcome), (1, Outcome::Accepted));
}

#[test]
fn what_was_taken_and_not_applied_is_refused_unless_the_alert_is_in_that_state() {
    let no = |words: &str| became(false, words);
    let table = [
        (
            Verb::Open,
            vec![taken(), no("ignored")],
            Outcome::PayloadBad,
        ),
        (
            Verb::Note(3),
            vec![taken(), no("no alert")],
            Outcome::PayloadBad,
        ),
        (
            Verb::Close,
            vec![taken(), no("Alert is already closed")],
            Outcome::Delivered,
        ),
        (
            Verb::Close,
            vec![taken(), no("Alert does not exist")],
            Outcome::Delivered,
        ),
        (
            Verb::Ack,
            vec![taken(), no("Alert is already acknowledged")],
            Outcome::Delivered,
        ),
        (
            Verb::Unack,
            vec![taken(), no("Alert is not acknowledged")],
            Outcome::Delivered,
        ),
        // Other words: how it looks decides.
        (
            Verb::Close,
            vec![taken(), no("?"), looks("closed", false)],
            Outcome::Delivered,
        ),
        (
            Verb::Close,
            vec![taken(), no("?"), reply(404, "{}")],
            Outcome::Delivered,
        ),
        (
            Verb::Close,
            vec![taken(), no("?"), looks("open", false)],
            Outcome::PayloadBad,
        ),
        (
            Verb::Close,
            vec![taken(), no("?"), reply(403, "{}")],
            Outcome::PayloadBad,
        ),
        (
            Verb::Close,
            vec![taken(), no("?"), reply(200, "?")],
            Outcome::PayloadBad,
        ),
        (
            Verb::Ack,
            vec![taken(), no("?"), looks("open", true)],
            Outcome::Delivered,
        ),
        (
            Verb::Ack,
            vec![taken(), no("?"), looks("open", false)],
            Outcome::PayloadBad,
        ),
        (
            Verb::Ack,
            vec![taken(), no("?"), looks("closed", true)],
            Outcome::PayloadBad,
        ),
        (
            Verb::Unack,
            vec![taken(), no("?"), looks("open", false)],
            Outcome::Delivered,
        ),
        (
            Verb::Unack,
            vec![taken(), no("?"), reply(404, "{}")],
            Outcome::PayloadBad,
        ),
    ];
    for (verb, replies, expected) in table {
        let saying = Saying::of(samples::alert(Status::Acknowledged));
        let (requests, done) = talk(&*opsgenie(), &saying.task(verb), &replies);
        assert_eq!(done.outcome, expected, "{verb:?} {}", done.excerpt);
        if requests.len() == 3 {
            assert_eq!(said(&requests[2..]), ["GET /ALIAS?identifierType=alias +0"]);
        }
        if expected == Outcome::PayloadBad {
            assert!(
                done.excerpt.contains("did not apply it"),
                "{}",
                done.excerpt
            );
        }
    }
    // The create went well, so the alert is open; that it was not acknowledged is no fault.
    let saying = Saying::of(samples::alert(Status::Open));
    let mut replies = vec![
        taken(),
        became(true, ""),
        taken(),
        taken(),
        taken(),
        taken(),
        no("?"),
    ];
    replies.push(reply(403, ""));
    let (_, done) = talk(&*opsgenie(), &saying.task(Verb::Set(Told::Open)), &replies);
    assert_eq!(done.outcome, Outcome::Accepted);
}

#[test]
fn answers_mean_what_the_wire_facts_say() {
    let throttled = |after_ms| Outcome::Throttled { after_ms };
    let error =
        |message: &str| json!({ "message": message, "took": 0.1, "requestId": "r" }).to_string();
    let table = [
        (400, error("bad JSON"), Outcome::PayloadBad, "(400)"),
        (
            401,
            error("Could not authenticate"),
            Outcome::CredentialBad,
            "another region",
        ),
        (402, error("plan"), Outcome::ScopeMissing, "plan"),
        (
            403,
            error("no"),
            Outcome::ScopeMissing,
            "tick Create and Update Access",
        ),
        (
            403,
            r#"{"code":40301,"message":"no"}"#.to_owned(),
            Outcome::ScopeMissing,
            "lacks a right",
        ),
        (
            403,
            r#"{"code":40302,"message":"no"}"#.to_owned(),
            Outcome::ScopeMissing,
            "type API",
        ),
        (404, String::new(), Outcome::TargetGone, "check the region"),
        (
            404,
            error("No such resource"),
            Outcome::TargetGone,
            "check the region",
        ),
        (408, String::new(), Outcome::Ambiguous, "repeated"),
        (413, String::new(), Outcome::PayloadBad, "too large"),
        (
            422,
            r#"{"message":"Request body is not processable.","errors":{"message":"too long"}}"#
                .to_owned(),
            Outcome::PayloadBad,
            "too long",
        ),
        (429, String::new(), throttled(None), "limit of requests"),
        (500, String::new(), Outcome::Ambiguous, "repeated"),
        (501, String::new(), Outcome::TargetGone, "check it"),
        (502, String::new(), Outcome::Ambiguous, "repeated"),
        (503, String::new(), Outcome::Ambiguous, "(503)"),
        (302, String::new(), Outcome::TargetGone, "redirects"),
        (200, "<html>".to_owned(), Outcome::Ambiguous, "base_url"),
        (202, "{}".to_owned(), Outcome::Accepted, "names no request"),
    ];
    let saying = Saying::of(samples::alert(Status::Open));
    for (status, text, outcome, word) in table {
        let done = finish(
            &*opsgenie(),
            &saying.task(Verb::Open),
            &reply(status, &text),
        );
        assert_eq!(done.outcome, outcome, "{status} {text}");
        assert!(done.status.is_some());
        assert!(done.excerpt.contains(word), "{status}: {}", done.excerpt);
    }
    // An alert that is gone takes no note, and needs no close.
    let gone = [reply(404, &error("no such alert"))];
    let (_, done) = talk(&*opsgenie(), &saying.task(Verb::Note(3)), &gone);
    assert_eq!(done.outcome, Outcome::PayloadBad);
    let (_, done) = talk(
        &*opsgenie(),
        &saying.task(Verb::Close),
        &[reply(404, &error("no such alert"))],
    );
    assert_eq!(done.outcome, Outcome::Delivered);
    let slow = |headers: &[(&'static str, &str)]| {
        finish(
            &*opsgenie(),
            &saying.task(Verb::Open),
            &reply_with(429, "{}", headers),
        )
        .outcome
    };
    assert_eq!(
        slow(&[("x-ratelimit-period-in-sec", "60")]),
        throttled(Some(60_000))
    );
    assert_eq!(
        slow(&[("retry-after", "5"), ("x-ratelimit-period-in-sec", "60")]),
        throttled(Some(5_000))
    );
    assert_eq!(
        slow(&[("x-ratelimit-period-in-sec", "soon")]),
        throttled(None)
    );
    // Slowed down but taken: said, not punished.
    let slowed = reply_with(
        202,
        r#"{"requestId":"a"}"#,
        &[("x-ratelimit-state", "THROTTLED")],
    );
    let (_, done) = talk(
        &*opsgenie(),
        &saying.task(Verb::Open),
        &[slowed, reply(403, "")],
    );
    assert!(
        done.excerpt.contains("slows this key's requests down"),
        "{}",
        done.excerpt
    );
}

#[test]
fn e34_a_key_that_may_not_write_is_told_which_boxes_to_tick() {
    let saying = Saying::of(samples::alert(Status::Open));
    let refused = reply(403, r#"{"message":"You are not authorized","code":40301}"#);
    let done = finish(&*opsgenie(), &saying.task(Verb::Open), &refused);
    assert!(
        done.excerpt
            .contains("tick Create and Update Access, and Read Access"),
        "{}",
        done.excerpt
    );
    assert!(done.excerpt.contains("You are not authorized"));
    let steps = OPSGENIE.manifest().setup.join(" ");
    for word in [
        "team",
        "Add integration",
        "Read Access",
        "Create and Update Access",
        "Delete Access",
        "Enabled",
        "below Name",
    ] {
        assert!(steps.contains(word), "{word}");
    }
}

#[test]
fn i9_the_key_does_not_show() {
    let key = "c9d1f0a2-6f1e-4a3b-9c55-0e2f4b7d8a10";
    let sink = opsgenie();
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Open);
    let sent = request(&*sink, &task);
    assert!(!sent.url.contains(key) && !String::from_utf8_lossy(&sent.body).contains(key));
    assert!(!format!("{:?}{}", sink.paces(&task), sink.target()).contains(key));
    let echo = became(false, &format!("GenieKey {key} is odd"));
    let (_, done) = talk(&*sink, &task, &[taken(), echo]);
    assert!(!format!("{done:?}").contains(key), "{done:?}");
    let echo = reply(
        422,
        &json!({ "message": "no", "errors": { "x": key } }).to_string(),
    );
    assert!(!format!("{:?}", finish(&*sink, &task, &echo)).contains(key));
}
