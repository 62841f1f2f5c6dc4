use std::sync::Arc;

use model::{Handle, Link, Outcome, Status, Told, Verb};
use serde_json::{Value, json};
use wire::http::{HttpRequest, Sent};

use super::TELEGRAM;
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request, shown};
use crate::kit::{Finish, Next, Reply, Sink, SinkKind, Step, Task};

const BASE: &str = "http://127.0.0.1:8090";
const BOT: &str = "http://127.0.0.1:8090/telegram/bot110201543:exampleExampleExampleExampleExample";
/// Telegram's answer to a message, as far as it matters.
const SENT: &str = r#"{"ok":true,"result":{"message_id":42,"date":1,"chat":{"id":-1001234567890,"type":"supergroup"}}}"#;
const SENT_ELSEWHERE: &str =
    r#"{"ok":true,"result":{"message_id":7,"date":1,"chat":{"id":-100999,"type":"supergroup"}}}"#;
const MOVED: &str = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100999}}"#;
const SAME: &str = r#"{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"}"#;

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = TELEGRAM.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    TELEGRAM.build(&settings).unwrap()
}

fn telegram() -> Arc<dyn Sink> {
    built(json!({}))
}

fn handle(chat: i64, message: i64) -> Option<Handle> {
    Some(Handle {
        object: format!("{chat}/{message}"),
        data: json!({ "chat": chat, "message": message }),
    })
}

fn told(status: Status) -> Saying {
    Saying {
        handle: handle(-1_001_234_567_890, 42),
        ..Saying::of(samples::alert(status))
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Runs a task over these replies: the requests as method and body, and how it ended.
fn run(sink: &dyn Sink, task: &Task<'_>, replies: &[Reply]) -> (Vec<(String, Value)>, Finish) {
    let mut requests = Vec::new();
    let (mut memo, mut last) = (Value::Null, None);
    for number in 0.. {
        let step = Step {
            number,
            memo: &memo,
            reply: last,
        };
        match sink.next(task, step) {
            Next::Finish(finish) => return (requests, finish),
            Next::Request {
                request,
                memo: kept,
                ..
            } => {
                let method = request.url.strip_prefix(BOT).unwrap().to_owned();
                requests.push((method, body(&request)));
                last = Some(&replies[requests.len() - 1]);
                memo = kept;
            }
        }
    }
    unreachable!("a task ends");
}

#[test]
fn an_issue_is_one_message_in_html() {
    let saying = Saying::of(samples::alert(Status::Open));
    insta::assert_json_snapshot!(shown(
        &*telegram(),
        &request(&*telegram(), &saying.task(Verb::Open))
    ));
}

#[test]
fn a_closed_issue_changes_its_message() {
    insta::assert_json_snapshot!(shown(
        &*telegram(),
        &request(&*telegram(), &told(Status::Closed).task(Verb::Close))
    ));
}

#[test]
fn each_verb_has_its_request() {
    let without = Saying::of(samples::alert(Status::Open));
    let with = told(Status::Open);
    let table = [
        (&without, Verb::Open, "/sendMessage"),
        (&without, Verb::Inform, "/sendMessage"),
        (&without, Verb::Close, "/sendMessage"),
        (&with, Verb::Open, "/editMessageText"),
        (&with, Verb::Update, "/editMessageText"),
        (&with, Verb::Ack, "/editMessageText"),
        (&with, Verb::Unack, "/editMessageText"),
        (&with, Verb::Close, "/editMessageText"),
        (&with, Verb::Repeat(Told::Open), "/editMessageText"),
        (&with, Verb::CloseExtra(0), "/editMessageText"),
        (&with, Verb::Remind, "/sendMessage"),
    ];
    for (saying, verb, method) in table {
        let request = request(&*telegram(), &saying.task(verb));
        assert_eq!(request.url, format!("{BOT}{method}"), "{verb:?}");
        let body = body(&request);
        assert_eq!(body["parse_mode"], "HTML");
        assert_eq!(body["chat_id"], -1_001_234_567_890_i64, "{verb:?}");
        let is_edit = method == "/editMessageText";
        assert_eq!(body["message_id"] == 42, is_edit, "{verb:?}");
    }
    let reminder = body(&request(&*telegram(), &with.task(Verb::Remind)));
    assert_eq!(reminder["reply_parameters"]["message_id"], 42);
    let text = reminder["text"].as_str().unwrap();
    assert!(text.starts_with("Still open after 1h 3m: <b>"), "{text}");
}

#[test]
fn what_is_edited_is_named_by_what_telegram_answered() {
    let sink = built(json!({ "chat_id": "@ops_room", "message_thread_id": 5 }));
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Open);
    let post = body(&request(&*sink, &task));
    assert_eq!(
        (&post["chat_id"], &post["message_thread_id"]),
        (&json!("@ops_room"), &json!(5))
    );
    let done = finish(&*sink, &task, &reply(200, SENT));
    assert_eq!(done.outcome, Outcome::Delivered);
    assert_eq!(done.handle, handle(-1_001_234_567_890, 42));
    // An edit names no topic, and neither it nor a reminder moves the handle.
    let edit = body(&request(&*sink, &told(Status::Open).task(Verb::Update)));
    assert_eq!(edit["message_thread_id"], Value::Null);
    for verb in [Verb::Update, Verb::Remind] {
        let done = finish(&*sink, &told(Status::Open).task(verb), &reply(200, SENT));
        assert_eq!(
            (done.outcome, done.handle),
            (Outcome::Delivered, None),
            "{verb:?}"
        );
    }
    let planned = r#"{"ok":true,"result":{"message_id":0,"chat":{"id":1}}}"#;
    assert_eq!(finish(&*sink, &task, &reply(200, planned)).handle, None);
}

#[test]
fn notes_are_answers_after_the_edit_and_are_said_once() {
    let saying = told(Status::Acknowledged);
    let task = saying.task(Verb::Update);
    let (requests, done) = run(&*telegram(), &task, &[reply(400, SAME), reply(200, SENT)]);
    assert_eq!((done.outcome, done.handle), (Outcome::Delivered, None));
    let methods: Vec<&str> = requests.iter().map(|(method, _)| method.as_str()).collect();
    assert_eq!(methods, ["/editMessageText", "/sendMessage"]);
    let (edit, note) = (&requests[0].1, &requests[1].1);
    assert_eq!(
        note["text"],
        "<b>Note by bo:</b> Looking at &lt;db-1&gt; now"
    );
    assert_eq!(note["reply_parameters"]["message_id"], 42);
    assert!(!edit["text"].as_str().unwrap().contains("Note by"));

    // A first post has the note in it; a repeat is only about the state.
    let first = Saying::of(samples::alert(Status::Acknowledged));
    let (requests, _) = run(&*telegram(), &first.task(Verb::Ack), &[reply(200, SENT)]);
    assert!(
        requests[0].1["text"]
            .as_str()
            .unwrap()
            .contains("Note by bo")
    );
    let (requests, _) = run(
        &*telegram(),
        &saying.task(Verb::Repeat(Told::Acked)),
        &[reply(200, SENT)],
    );
    assert_eq!(requests.len(), 1);
}

#[test]
fn the_state_counts_as_told_only_when_its_notes_are_settled_too() {
    let saying = told(Status::Acknowledged);
    let ended = |second: Reply| {
        let replies = [reply(200, SENT), second];
        run(&*telegram(), &saying.task(Verb::Update), &replies).1
    };
    let bad = r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities"}"#;
    let left_out = ended(reply(400, bad));
    assert_eq!(left_out.outcome, Outcome::Delivered);
    assert!(left_out.excerpt.starts_with("The notes were left out:"));
    let slow = r#"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":3}}"#;
    let after_ms = Some(3000);
    assert_eq!(
        ended(reply(429, slow)).outcome,
        Outcome::Throttled { after_ms }
    );
    assert_eq!(
        ended(samples::broken(Sent::Maybe)).outcome,
        Outcome::Ambiguous
    );
    assert_eq!(ended(reply(400, MOVED)).outcome, Outcome::Retry);
}

#[test]
fn a_group_that_moved_gets_the_message_in_its_new_chat_and_the_handle_keeps_it() {
    for (saying, verb) in [
        (Saying::of(samples::alert(Status::Open)), Verb::Open),
        (told(Status::Acknowledged), Verb::Update),
    ] {
        let replies = [reply(400, MOVED), reply(200, SENT_ELSEWHERE)];
        let (requests, done) = run(&*telegram(), &saying.task(verb), &replies);
        assert_eq!(
            (done.outcome, done.handle),
            (Outcome::Delivered, handle(-100_999, 7))
        );
        assert!(
            done.excerpt.contains("`chat_id` to -100999"),
            "{}",
            done.excerpt
        );
        // Message ids count anew in the new chat: the old one is no message of ours there.
        let (method, body) = &requests[1];
        assert_eq!(
            (method.as_str(), &body["chat_id"]),
            ("/sendMessage", &json!(-100_999))
        );
    }
    let replies = [reply(400, MOVED), reply(400, MOVED)];
    let saying = told(Status::Closed);
    let (_, done) = run(&*telegram(), &saying.task(Verb::Close), &replies);
    assert_eq!(done.outcome, Outcome::TargetGone);
    // A repeat's new message would belong to no lane.
    for verb in [Verb::Repeat(Told::Open), Verb::CloseExtra(0)] {
        let (_, done) = run(&*telegram(), &saying.task(verb), &[reply(400, MOVED)]);
        assert_eq!(done.outcome, Outcome::Stale, "{verb:?}");
    }
    let reminder = [reply(400, MOVED), reply(200, SENT_ELSEWHERE)];
    let (_, done) = run(&*telegram(), &saying.task(Verb::Remind), &reminder);
    assert_eq!((done.outcome, done.handle), (Outcome::Delivered, None));
}

#[test]
fn telegrams_answers_mean_what_the_wire_facts_say() {
    let saying = told(Status::Open);
    let outcome = |verb, status: u16, body: &str| {
        finish(&*telegram(), &saying.task(verb), &reply(status, body)).outcome
    };
    let said = |status: u16, words: &str| {
        let body = json!({ "ok": false, "error_code": status, "description": words });
        outcome(Verb::Update, status, &body.to_string())
    };
    let table = [
        (
            400,
            "Bad Request: message to edit not found",
            Outcome::Stale,
        ),
        (400, "Bad Request: message can't be edited", Outcome::Stale),
        (400, "Bad Request: MESSAGE_ID_INVALID", Outcome::Stale),
        (400, "Bad Request: chat not found", Outcome::TargetGone),
        (
            400,
            "Bad Request: message thread not found",
            Outcome::TargetGone,
        ),
        (
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            Outcome::ScopeMissing,
        ),
        (
            400,
            "Bad Request: need administrator rights in the channel chat",
            Outcome::ScopeMissing,
        ),
        (400, "Bad Request: message is too long", Outcome::PayloadBad),
        (
            400,
            "Bad Request: can't parse entities: Unsupported start tag",
            Outcome::PayloadBad,
        ),
        (400, "Bad Request: something new", Outcome::PayloadBad),
        (401, "Unauthorized", Outcome::CredentialBad),
        (404, "Not Found", Outcome::CredentialBad),
        (
            403,
            "Forbidden: bot was blocked by the user",
            Outcome::TargetGone,
        ),
        (
            403,
            "Forbidden: bot was kicked from the supergroup chat",
            Outcome::TargetGone,
        ),
        (403, "Forbidden: something new", Outcome::TargetGone),
        (
            500,
            "Internal Server Error: chat not found",
            Outcome::Ambiguous,
        ),
    ];
    for (status, words, expected) in table {
        assert_eq!(said(status, words), expected, "{status} {words}");
    }
    assert_eq!(outcome(Verb::Update, 400, SAME), Outcome::Delivered);
    assert_eq!(
        outcome(Verb::Remind, 400, SAME),
        Outcome::PayloadBad,
        "no edit, no success"
    );
    assert_eq!(
        outcome(Verb::Update, 200, "<html>sign in</html>"),
        Outcome::Ambiguous
    );
    assert_eq!(
        outcome(Verb::Update, 200, r#"{"ok":false,"description":"x"}"#),
        Outcome::Ambiguous
    );
    assert_eq!(outcome(Verb::Update, 502, "<html>"), Outcome::Ambiguous);
    assert_eq!(outcome(Verb::Update, 404, "<html>"), Outcome::TargetGone);
    assert_eq!(
        outcome(Verb::Update, 200, r#"{"ok":true,"result":true}"#),
        Outcome::Delivered
    );
}

#[test]
fn the_wait_stands_in_the_body() {
    let saying = Saying::of(samples::alert(Status::Open));
    let slow = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}"#;
    let done = finish(&*telegram(), &saying.task(Verb::Open), &reply(429, slow));
    assert_eq!(
        done.outcome,
        Outcome::Throttled {
            after_ms: Some(35_000)
        }
    );
    let bare = reply_with(429, r#"{"ok":false}"#, &[("retry-after", "4")]);
    let done = finish(&*telegram(), &saying.task(Verb::Open), &bare);
    assert_eq!(
        done.outcome,
        Outcome::Throttled {
            after_ms: Some(4000)
        }
    );
}

/// The text as Telegram counts it, and its tags.
fn parsed(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut tags) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("each tag ends") + at;
        plain.push_str(&rest[..at]);
        tags.push(rest[at + 1..end].to_owned());
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    for (entity, sign) in entities {
        plain = plain.replace(entity, sign);
    }
    (plain, tags)
}

#[test]
fn hostile_texts_are_no_tags_and_the_whole_stays_within_4096_units() {
    let mut alert = samples::alert(Status::Acknowledged);
    let nasty = "<b>x</b> </a><a href=\"tg://user?id=1\">y</a> & &lt; 👍";
    let mut content = samples::content();
    content.title = nasty.repeat(40);
    content.text = format!("{nasty}{}", "👍<".repeat(6000));
    content.resource = nasty.repeat(30);
    content.value = Some(nasty.repeat(30));
    content.labels.set("team", nasty.repeat(30));
    content.annotations = [("cause", nasty.repeat(80)), ("remedy", nasty.repeat(90))]
        .into_iter()
        .collect();
    content.links = vec![
        Link {
            href: "https://x.example/\"><b>".to_owned(),
            text: nasty.repeat(9),
        };
        9
    ];
    alert.content = Arc::new(content);
    alert.assignee = Some(nasty.repeat(30));
    let mut saying = Saying::of(alert);
    saying.events[2].note = Some(nasty.repeat(300));
    let post = request(&*telegram(), &saying.task(Verb::Open));
    saying.handle = handle(1, 2);
    let replies = [reply(200, SENT), reply(200, SENT)];
    let (requests, _) = run(&*telegram(), &saying.task(Verb::Update), &replies);
    let bodies = [&body(&post), &requests[0].1, &requests[1].1];
    for body in bodies {
        let (plain, tags) = parsed(body["text"].as_str().unwrap());
        assert!(
            plain.encode_utf16().count() <= 4096,
            "{}",
            plain.encode_utf16().count()
        );
        for tag in tags {
            let is_ours = ["b", "/b", "i", "/i", "/a"].contains(&tag.as_str())
                || tag.starts_with("a href=\"http://hub.example:8080/alerts/")
                || tag.starts_with("a href=\"https://x.example/");
            assert!(is_ours, "{tag}");
        }
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_field() {
    let problem = |extra: Value| {
        let mut settings = TELEGRAM.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = TELEGRAM.build(&settings).err().unwrap_or_default();
        errors.first().map(|e| e.field.clone())
    };
    for good in ["-1001234567890", "12345", "@ops_room", " -5 "] {
        assert_eq!(problem(json!({ "chat_id": good })), None, "{good}");
    }
    let table = [
        (json!({ "chat_id": "" }), "chat_id"),
        (json!({ "chat_id": "0" }), "chat_id"),
        (json!({ "chat_id": "ops" }), "chat_id"),
        (json!({ "chat_id": "https://t.me/+abc" }), "chat_id"),
        (json!({ "chat_id": -5 }), "chat_id"),
        (json!({ "token": "bot110201543:exampleExample" }), "token"),
        (json!({ "token": "110201543" }), "token"),
        (json!({ "token": "110201543:a/../../getMe?x" }), "token"),
        (json!({ "base_url": "https://u:p@x" }), "base_url"),
        (json!({ "messages_per_minute": 0 }), "messages_per_minute"),
        (json!({ "message_thread_id": "five" }), "message_thread_id"),
    ];
    for (extra, field) in table {
        assert_eq!(problem(extra.clone()).as_deref(), Some(field), "{extra}");
    }
}

#[test]
fn the_vendors_path_follows_the_base_address() {
    let mut settings = TELEGRAM.example(BASE);
    settings.remove("base_url");
    let sink = TELEGRAM.build(&settings).unwrap();
    let saying = Saying::of(samples::alert(Status::Open));
    let url = request(&*sink, &saying.task(Verb::Open)).url;
    assert!(
        url.starts_with("https://api.telegram.org/bot110201543:"),
        "{url}"
    );
    assert!(url.ends_with("/sendMessage"));
}

#[test]
fn i9_the_token_in_the_address_shows_nowhere() {
    let sink = telegram();
    let saying = Saying::of(samples::alert(Status::Open));
    let echo = "no such path /bot110201543:exampleExampleExampleExampleExample/sendMessage";
    for status in [200, 404, 502] {
        let done = finish(&*sink, &saying.task(Verb::Open), &reply(status, echo));
        assert!(!done.excerpt.contains("exampleExample"), "{}", done.excerpt);
    }
    for pace in sink.paces(&saying.task(Verb::Open)) {
        assert!(!pace.bucket.contains("110201543"), "{}", pace.bucket);
    }
    assert_eq!(sink.target(), "-1001234567890");
}

#[test]
fn the_probe_asks_for_the_chat() {
    let sink = telegram();
    let first = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(first) else {
        panic!("no probe")
    };
    assert_eq!(request.url, format!("{BOT}/getChat"));
    assert_eq!(body(&request), json!({ "chat_id": -1_001_234_567_890_i64 }));
    let judged = |status, body: &str| {
        let reply = reply(status, body);
        let step = Step {
            number: 1,
            memo: &Value::Null,
            reply: Some(&reply),
        };
        match sink.probe(step) {
            Some(Next::Finish(finish)) => (finish.outcome, finish.handle),
            _ => panic!("not judged"),
        }
    };
    let chat = r#"{"ok":true,"result":{"id":-1001234567890,"type":"supergroup"}}"#;
    assert_eq!(judged(200, chat), (Outcome::Delivered, None));
    let unknown = r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#;
    assert_eq!(judged(400, unknown).0, Outcome::TargetGone);
    assert_eq!(
        judged(400, MOVED).0,
        Outcome::Delivered,
        "it can still be reached"
    );
}
