use model::{AlertKind, Handle, Outcome, Status, Verb};
use serde_json::{Value, json};
use wire::http::{HttpRequest, Sent};

use super::errors::ERRORS;
use super::{SLACK, SLACK_WEBHOOK};
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request, shown};
use crate::kit::{Next, SettingsMap, Sink, SinkKind, Step};

const BASE: &str = "http://127.0.0.1:8090";

fn slack() -> std::sync::Arc<dyn Sink> {
    SLACK.build(&SLACK.example(BASE)).unwrap()
}

fn webhook() -> std::sync::Arc<dyn Sink> {
    SLACK_WEBHOOK.build(&SLACK_WEBHOOK.example(BASE)).unwrap()
}

fn posted() -> Option<Handle> {
    Some(Handle {
        object: "C0123ABCD/1503435956.000247".to_owned(),
        data: json!({ "channel": "C0123ABCD", "ts": "1503435956.000247" }),
    })
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn e28_an_issue_is_posted_with_a_red_bar() {
    let saying = Saying::of(samples::alert(Status::Open));
    insta::assert_json_snapshot!(shown(
        &*slack(),
        &request(&*slack(), &saying.task(Verb::Open))
    ));
}

#[test]
fn e30_a_closed_issue_changes_its_message_and_the_bar_is_green() {
    let saying = Saying {
        handle: posted(),
        ..Saying::of(samples::alert(Status::Closed))
    };
    insta::assert_json_snapshot!(shown(
        &*slack(),
        &request(&*slack(), &saying.task(Verb::Close))
    ));
}

#[test]
fn e27_a_notification_is_one_message() {
    let saying = Saying::of(samples::notification());
    insta::assert_json_snapshot!(shown(
        &*slack(),
        &request(&*slack(), &saying.task(Verb::Inform))
    ));
}

#[test]
fn acknowledged_and_shelved_issues_show_it_and_the_newest_note() {
    for status in [Status::Acknowledged, Status::Shelved] {
        let saying = Saying {
            handle: posted(),
            ..Saying::of(samples::alert(status))
        };
        insta::assert_json_snapshot!(
            status.as_str(),
            body(&request(&*slack(), &saying.task(Verb::Update)))
        );
    }
}

#[test]
fn a_reminder_is_a_reply_that_the_channel_sees_and_moves_no_handle() {
    let saying = Saying {
        handle: posted(),
        ..Saying::of(samples::alert(Status::Open))
    };
    let task = saying.task(Verb::Remind);
    insta::assert_json_snapshot!(shown(&*slack(), &request(&*slack(), &task)));
    let done = finish(
        &*slack(),
        &task,
        &reply(200, r#"{"ok":true,"channel":"C1","ts":"2.2"}"#),
    );
    assert_eq!((done.outcome, done.handle), (Outcome::Delivered, None));
}

#[test]
fn e24_a_test_message_says_that_it_is_one() {
    let saying = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    for sink in [slack(), webhook()] {
        let text = body(&request(&*sink, &saying.task(Verb::Open)))["text"].clone();
        assert!(
            text.as_str().unwrap().starts_with("Test: [Critical, open]"),
            "{text}"
        );
    }
}

#[test]
fn e28_e30_the_bar_has_the_colour_of_the_state() {
    let color = |alert| {
        body(&request(&*slack(), &Saying::of(alert).task(Verb::Open)))["attachments"][0]["color"]
            .clone()
    };
    let table = [
        (Status::Tracking, "danger"),
        (Status::Open, "danger"),
        (Status::Acknowledged, "#daa038"),
        (Status::Shelved, "#9e9e9e"),
        (Status::Closed, "good"),
    ];
    for (status, expected) in table {
        assert_eq!(color(samples::alert(status)), expected, "{status}");
    }
    assert_eq!(color(samples::notification()), "warning");
}

#[test]
fn e20_what_is_edited_is_named_by_what_slack_answered_not_by_the_configured_channel() {
    let saying = Saying::of(samples::alert(Status::Open));
    let done = finish(
        &*slack(),
        &saying.task(Verb::Open),
        &reply(
            200,
            r#"{"ok":true,"channel":"C0123ABCD","ts":"1503435956.000247"}"#,
        ),
    );
    assert_eq!(done.outcome, Outcome::Delivered);
    assert_eq!(done.handle, posted());
    let saying = Saying {
        handle: done.handle,
        ..saying
    };
    let update = body(&request(&*slack(), &saying.task(Verb::Update)));
    assert_eq!(update["channel"], "C0123ABCD");
    assert_eq!(update["ts"], "1503435956.000247");
}

#[test]
fn every_verb_but_a_reminder_edits_the_one_message_and_names_its_attachments() {
    let saying = Saying {
        handle: posted(),
        ..Saying::of(samples::alert(Status::Open))
    };
    for verb in [
        Verb::Open,
        Verb::Update,
        Verb::Ack,
        Verb::Unack,
        Verb::Close,
        Verb::CloseExtra(0),
    ] {
        let request = request(&*slack(), &saying.task(verb));
        assert_eq!(
            request.url,
            format!("{BASE}/slack/api/chat.update"),
            "{verb:?}"
        );
        assert!(body(&request)["attachments"].is_array(), "{verb:?}");
    }
}

#[test]
fn the_token_goes_as_a_bearer_token_and_the_body_as_utf_8_json() {
    let saying = Saying::of(samples::alert(Status::Open));
    let request = request(&*slack(), &saying.task(Verb::Open));
    let token = "Bearer xoxb-2847561093-6120398475-exampleExampleExample";
    assert_eq!(samples::header(&request, "authorization"), Some(token));
    let kind = samples::header(&request, "content-type");
    assert_eq!(kind, Some("application/json; charset=utf-8"));
}

#[test]
fn the_vendors_path_follows_the_base_address() {
    let mut settings = SLACK.example(BASE);
    settings.remove("base_url");
    let sink = SLACK.build(&settings).unwrap();
    let saying = Saying::of(samples::alert(Status::Open));
    assert_eq!(
        request(&*sink, &saying.task(Verb::Open)).url,
        "https://slack.com/api/chat.postMessage"
    );
}

#[test]
fn slacks_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status, body: &str| {
        finish(&*slack(), &saying.task(Verb::Open), &reply(status, body)).outcome
    };
    let named = |code: &str| outcome(200, &json!({ "ok": false, "error": code }).to_string());
    let slow = Outcome::Throttled { after_ms: None };
    let table: [(&[&str], Outcome); 9] = [
        (
            &[
                "invalid_auth",
                "not_authed",
                "account_inactive",
                "token_revoked",
                "token_expired",
            ],
            Outcome::CredentialBad,
        ),
        (
            &[
                "missing_scope",
                "not_allowed_token_type",
                "no_permission",
                "ekm_access_denied",
                "restricted_action",
            ],
            Outcome::ScopeMissing,
        ),
        (
            &[
                "channel_not_found",
                "is_archived",
                "not_in_channel",
                "messages_tab_disabled",
                "team_not_found",
            ],
            Outcome::TargetGone,
        ),
        (
            &[
                "no_text",
                "msg_too_long",
                "too_many_attachments",
                "invalid_blocks",
                "invalid_attachments",
                "msg_blocks_too_long",
            ],
            Outcome::PayloadBad,
        ),
        (
            &[
                "message_not_found",
                "cant_update_message",
                "edit_window_closed",
                "is_inactive",
            ],
            Outcome::Stale,
        ),
        (
            &["ratelimited", "rate_limited", "message_limit_exceeded"],
            slow,
        ),
        (
            &[
                "internal_error",
                "service_unavailable",
                "request_timeout",
                "accesslimited",
                "team_added_to_org",
                "org_login_required",
            ],
            Outcome::Retry,
        ),
        (&["fatal_error"], Outcome::Ambiguous),
        (&["something_new"], Outcome::Retry),
    ];
    for (codes, expected) in table {
        for code in codes {
            assert_eq!(named(code), expected, "{code}");
        }
    }
    assert_eq!(
        named("restricted_action_of_tomorrow"),
        Outcome::ScopeMissing
    );
    assert_eq!(named("invalid_of_tomorrow"), Outcome::PayloadBad);
    assert_eq!(
        outcome(200, "<html>Sign in to the guest network</html>"),
        Outcome::Ambiguous
    );
    assert_eq!(outcome(502, "<html>"), Outcome::Ambiguous);
    assert_eq!(
        outcome(503, r#"{"ok":false,"error":"service_unavailable"}"#),
        Outcome::Retry
    );
    assert_eq!(outcome(200, r#"{"ok":true}"#), Outcome::Delivered);
    assert_eq!(outcome(302, ""), Outcome::TargetGone);
}

#[test]
fn both_spellings_of_slow_down_keep_the_time_that_slack_asks() {
    let saying = Saying::of(samples::alert(Status::Open));
    let asked = Outcome::Throttled {
        after_ms: Some(7000),
    };
    for (status, code) in [
        (429, "ratelimited"),
        (200, "rate_limited"),
        (429, "anything"),
    ] {
        let body = json!({ "ok": false, "error": code }).to_string();
        let done = finish(
            &*slack(),
            &saying.task(Verb::Open),
            &reply_with(status, &body, &[("retry-after", "7")]),
        );
        assert_eq!(done.outcome, asked, "{status} {code}");
    }
}

#[test]
fn e25_the_error_tells_what_to_do_and_which_scope_is_needed() {
    let saying = Saying::of(samples::alert(Status::Open));
    let said = |body: &str| finish(&*slack(), &saying.task(Verb::Open), &reply(200, body)).excerpt;
    let private = said(r#"{"ok":false,"error":"channel_not_found"}"#);
    assert!(
        private.contains("private channel must be given by its id"),
        "{private}"
    );
    let scope = said(
        r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"users:read"}"#,
    );
    assert!(
        scope.contains("chat:write") && scope.ends_with("missing_scope (needed: chat:write)"),
        "{scope}"
    );
}

#[test]
fn error_names_stand_once() {
    for (i, error) in ERRORS.iter().enumerate() {
        let code = error.sentence.code;
        assert!(
            !ERRORS[..i].iter().any(|e| e.sentence.code == code),
            "{code}"
        );
    }
}

#[test]
fn the_probe_asks_who_the_token_is() {
    let sink = slack();
    let first = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(first) else {
        panic!("no probe")
    };
    assert_eq!(request.url, format!("{BASE}/slack/api/auth.test"));
    let judged = |body| {
        let reply = reply(200, body);
        match sink.probe(Step {
            number: 1,
            memo: &Value::Null,
            reply: Some(&reply),
        }) {
            Some(Next::Finish(finish)) => finish.outcome,
            _ => panic!("not judged"),
        }
    };
    assert_eq!(
        judged(r#"{"ok":true,"team":"T","user":"bot"}"#),
        Outcome::Delivered
    );
    assert_eq!(
        judged(r#"{"ok":false,"error":"token_revoked"}"#),
        Outcome::CredentialBad
    );
}

#[test]
fn e31_the_pace_is_per_token_and_channel() {
    let bucket = |channel: &str, token: &str| {
        let mut settings = SLACK.example(BASE);
        settings.insert("channel".to_owned(), json!(channel));
        settings.insert("token".to_owned(), json!(token));
        let sink = SLACK.build(&settings).unwrap();
        let saying = Saying::of(samples::alert(Status::Open));
        sink.paces(&saying.task(Verb::Open))[0].bucket.clone()
    };
    assert_eq!(bucket("#a", "xoxb-1"), bucket("#a", "xoxb-1"));
    assert_ne!(bucket("#a", "xoxb-1"), bucket("#b", "xoxb-1"));
    assert_ne!(bucket("#a", "xoxb-1"), bucket("#a", "xoxb-2"));
}

#[test]
fn i10_a_pace_of_ones_own_takes_the_place_of_slacks_limits_and_has_bounds() {
    let build = |number: i64| {
        let mut settings = SLACK.example(BASE);
        settings.insert("messages_per_second".to_owned(), json!(number));
        SLACK.build(&settings)
    };
    let saying = Saying::of(samples::alert(Status::Open));
    let paces = build(200).unwrap().paces(&saying.task(Verb::Open));
    assert_eq!(paces.len(), 1);
    assert_eq!((paces[0].every.0, paces[0].burst), (5, 200));
    for bad in [0, 1001, -1] {
        let errors = build(bad).err().unwrap();
        assert_eq!(errors[0].field, "messages_per_second", "{bad}");
    }
}

fn problem(kind: &dyn SinkKind, field: &str, value: &str) -> Option<String> {
    let mut settings: SettingsMap = kind.example(BASE);
    settings.insert(field.to_owned(), json!(value));
    kind.build(&settings).err().map(|errors| {
        assert_eq!(errors[0].field, field);
        errors[0].problem.clone()
    })
}

#[test]
fn e20_channels_are_taken_by_name_with_and_without_a_hash_and_by_id() {
    for good in [
        "#ops",
        "ops",
        "C0123ABCD",
        "#C0123ABCD",
        "G0123ABCD",
        "D0123ABCD",
        "alarmes-é",
        " #ops ",
    ] {
        assert_eq!(problem(&SLACK, "channel", good), None, "{good}");
    }
    for bad in [
        "",
        "#",
        "two words",
        "@anna",
        "https://x.slack.com/archives/C0123ABCD",
        "a,b",
        "<!here>",
        &"x".repeat(81),
    ] {
        assert!(problem(&SLACK, "channel", bad).is_some(), "{bad}");
    }
    let mut settings = SLACK.example(BASE);
    settings.insert("channel".to_owned(), json!("#C0123ABCD"));
    let saying = Saying::of(samples::alert(Status::Open));
    let sink = SLACK.build(&settings).unwrap();
    assert_eq!(
        body(&request(&*sink, &saying.task(Verb::Open)))["channel"],
        "C0123ABCD"
    );
}

#[test]
fn e21_what_is_certainly_no_posting_token_is_refused_with_the_right_word() {
    for good in ["xoxb-1-2-a", "xoxp-1", "xoxe.xoxb-1-abc"] {
        assert_eq!(problem(&SLACK, "token", good), None, "{good}");
    }
    let table = [
        ("https://hooks.slack.com/services/T/B/X", "slack_webhook"),
        ("xapp-1-A", "xoxb-"),
        ("xoxe-1-abc", "refresh"),
        ("xoxc-1", "browser"),
        ("hello", "no Slack token"),
        ("xoxb-a b", "no Slack token"),
        ("", "no Slack token"),
    ];
    for (bad, word) in table {
        let problem = problem(&SLACK, "token", bad).unwrap();
        assert!(problem.contains(word), "{bad}: {problem}");
        assert!(bad.is_empty() || !problem.contains(bad), "{problem}");
    }
    for bad in ["", "hello", "ftp://x/y", "https://hooks.slack.com/"] {
        assert!(problem(&SLACK_WEBHOOK, "url", bad).is_some(), "{bad}");
    }
}

#[test]
fn texts_are_cut_to_slacks_limits_and_mentions_from_outside_have_no_power() {
    let mut alert = samples::alert(Status::Open);
    let mut content = samples::content();
    content.title = format!("<!channel> {}", "&".repeat(3000));
    content.text = format!("<@U123> {}", "ü<".repeat(5000));
    content.value = Some("<!here>".repeat(200));
    content.labels.set("team", "<!subteam^S1>");
    content.links[0].text = "<!everyone>|x".to_owned();
    alert.content = std::sync::Arc::new(content);
    let body = body(&request(&*slack(), &Saying::of(alert).task(Verb::Open)));
    let text = body["text"].as_str().unwrap();
    let attachment = &body["attachments"][0];
    assert!(text.chars().count() <= 1024 + 200, "{}", text.len());
    assert!(attachment["fallback"].as_str().unwrap().chars().count() <= 1024 + 40);
    assert!(attachment["text"].as_str().unwrap().chars().count() <= 3000 + 4 * 1100);
    for field in attachment["fields"].as_array().unwrap() {
        assert!(field["value"].as_str().unwrap().chars().count() <= 300);
    }
    let all = body.to_string();
    for power in ["<!", "<@", "<#"] {
        assert!(!all.contains(power), "{power} in {all}");
    }
}

#[test]
fn the_incoming_webhook_posts_each_told_state_and_nothing_more() {
    let open = Saying::of(samples::alert(Status::Open));
    insta::assert_json_snapshot!(
        "webhook_open",
        shown(&*webhook(), &request(&*webhook(), &open.task(Verb::Open)))
    );
    let closed = Saying::of(samples::alert(Status::Closed));
    let bar =
        |verb| body(&request(&*webhook(), &closed.task(verb)))["attachments"][0]["color"].clone();
    // It closed before its open was told: the open shows it open, the close that follows closed.
    assert_eq!(bar(Verb::Open), "danger");
    assert_eq!(bar(Verb::Close), "good");
    assert!(!SLACK_WEBHOOK.manifest().can.update);
}

#[test]
fn the_incoming_webhooks_answers_are_bare_words_with_a_status() {
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status, body: &str| {
        finish(&*webhook(), &saying.task(Verb::Open), &reply(status, body)).outcome
    };
    let table = [
        (200, "ok", Outcome::Delivered),
        (200, "", Outcome::Delivered),
        (200, "no_text", Outcome::PayloadBad),
        (400, "invalid_payload", Outcome::PayloadBad),
        (400, "user_not_found", Outcome::TargetGone),
        (400, "too_many_attachments", Outcome::PayloadBad),
        (403, "action_prohibited", Outcome::ScopeMissing),
        (
            403,
            "posting_to_general_channel_denied",
            Outcome::ScopeMissing,
        ),
        (403, "invalid_token", Outcome::CredentialBad),
        (404, "channel_not_found", Outcome::TargetGone),
        (404, "no_service", Outcome::TargetGone),
        (404, "no_active_hooks", Outcome::TargetGone),
        (404, "no_team", Outcome::TargetGone),
        (410, "channel_is_archived", Outcome::TargetGone),
        (410, "", Outcome::TargetGone),
        (403, "team_disabled", Outcome::TargetGone),
        (429, "rate_limited", Outcome::Throttled { after_ms: None }),
        (500, "rollup_error", Outcome::Ambiguous),
        (400, "something_new", Outcome::PayloadBad),
        (404, "<html>not found</html>", Outcome::TargetGone),
    ];
    for (status, body, expected) in table {
        assert_eq!(outcome(status, body), expected, "{status} {body}");
    }
    let lost = samples::broken(Sent::Maybe);
    assert_eq!(
        finish(&*webhook(), &saying.task(Verb::Open), &lost).outcome,
        Outcome::Ambiguous
    );
}

#[test]
fn a_notification_has_no_status_in_its_message() {
    let alert = samples::notification();
    assert_eq!(alert.kind, AlertKind::Notification);
    let body = body(&request(&*slack(), &Saying::of(alert).task(Verb::Inform)));
    assert!(
        !body.to_string().to_lowercase().contains("closed"),
        "{body}"
    );
}

#[test]
fn e5_advice_that_the_text_gives_already_is_not_said_twice() {
    let mut alert = samples::alert(Status::Open);
    let content = std::sync::Arc::make_mut(&mut alert.content);
    content.text = "It is full. Cause: logs grow. What to do: remove some.".into();
    content.annotations = [("cause", "logs grow"), ("remedy", "add a disk")]
        .into_iter()
        .collect();
    let saying = Saying::of(alert);
    let settings = SLACK.example(BASE);
    let shown = shown(
        &*SLACK.build(&settings).unwrap(),
        &request(&*SLACK.build(&settings).unwrap(), &saying.task(Verb::Open)),
    );
    let shown = shown.to_string();
    assert_eq!(shown.matches("logs grow").count(), 1, "{shown}");
    assert_eq!(shown.matches("add a disk").count(), 1, "{shown}");
}
