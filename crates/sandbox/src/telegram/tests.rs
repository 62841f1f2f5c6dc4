use super::*;
use crate::posts::trying::{START, call as ask, json as body};

const BOT: &str = "/bot110201543:abcdefghijklmnop";

fn call(telegram: &Telegram, method: &str, args: Value) -> (u16, Value) {
    let at = format!("{BOT}/{method}");
    let json = [("content-type", "application/json")];
    let reply = ask(telegram, ("POST", &at), &json, &args.to_string(), START);
    (reply.status.as_u16(), body(&reply))
}

fn send(telegram: &Telegram, text: &str) -> (u16, Value) {
    call(
        telegram,
        "sendMessage",
        json!({ "chat_id": -1001, "text": text, "parse_mode": "HTML" }),
    )
}

fn set(telegram: &Telegram, what: &str, knob: Value) {
    let reply = telegram.configure(&Method::POST, what, knob.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{:?}", reply.body);
}

#[test]
fn messages_are_numbered_by_chat_and_edited_by_their_number() {
    let telegram = Telegram::default();
    let (status, first) = send(&telegram, "<b>one</b>");
    assert_eq!((status, &first["ok"]), (200, &json!(true)));
    assert_eq!(first["result"]["message_id"], 1);
    assert_eq!(first["result"]["text"], "one", "tags are no text");
    assert_eq!(
        first["result"]["chat"],
        json!({ "id": -1001, "type": "supergroup", "title": "-1001" })
    );
    let edit = |text: &str| {
        let args = json!({ "chat_id": -1001, "message_id": 1, "text": text, "parse_mode": "HTML" });
        call(&telegram, "editMessageText", args)
    };
    assert!(edit("<b>two</b>").1["result"]["edit_date"].is_number());
    let (status, same) = edit("<b>two</b>");
    assert_eq!(status, 400);
    assert!(
        same["description"]
            .as_str()
            .unwrap()
            .contains("message is not modified")
    );
    let kept = &telegram.messages("-1001")[0];
    assert_eq!(
        (kept.content["plain"].as_str(), kept.history.len()),
        (Some("two"), 1)
    );
    let gone = call(
        &telegram,
        "deleteMessage",
        json!({ "chat_id": "-1001", "message_id": 1 }),
    );
    assert_eq!(gone.1["result"], true);
    assert_eq!(
        edit("three").1["description"],
        "Bad Request: message to edit not found"
    );
}

#[test]
fn a_group_that_moved_says_where_to_and_has_other_numbers_there() {
    let telegram = Telegram::default();
    send(&telegram, "one");
    set(
        &telegram,
        "chats",
        json!({ "chat_id": -1001, "migrated_to": -100_999 }),
    );
    for (method, args) in [
        ("sendMessage", json!({ "chat_id": -1001, "text": "x" })),
        (
            "editMessageText",
            json!({ "chat_id": -1001, "message_id": 1, "text": "x" }),
        ),
        ("getChat", json!({ "chat_id": -1001 })),
    ] {
        let (status, refused) = call(&telegram, method, args);
        assert_eq!(
            (status, &refused["parameters"]["migrate_to_chat_id"]),
            (400, &json!(-100_999))
        );
    }
    let args = json!({ "chat_id": -100_999, "message_id": 1, "text": "x" });
    assert_eq!(call(&telegram, "editMessageText", args).0, 400);
    let args = json!({ "chat_id": -100_999, "text": "x" });
    assert_eq!(
        call(&telegram, "sendMessage", args).1["result"]["message_id"],
        1
    );
}

#[test]
fn refusals_have_telegrams_words_and_statuses() {
    let telegram = Telegram::default();
    let table = [
        (
            json!({ "chat_id": 1, "unknown": true }),
            400,
            "chat not found",
        ),
        (
            json!({ "chat_id": 1, "kicked": true }),
            403,
            "bot was kicked",
        ),
        (
            json!({ "chat_id": 1, "blocked": true }),
            403,
            "bot was blocked",
        ),
        (
            json!({ "chat_id": 1, "no_rights": true }),
            400,
            "not enough rights",
        ),
        (
            json!({ "chat_id": 1, "topics": [5] }),
            400,
            "message thread not found",
        ),
    ];
    for (knob, status, words) in table {
        set(&telegram, "chats", knob);
        let args = json!({ "chat_id": 1, "text": "x", "message_thread_id": 7 });
        let (found, refused) = call(&telegram, "sendMessage", args);
        assert_eq!(found, status);
        assert!(
            refused["description"].as_str().unwrap().contains(words),
            "{refused}"
        );
    }
    set(&telegram, "chats", json!({ "chat_id": 1 }));
    let args = json!({ "chat_id": 1, "text": "x" });
    assert_eq!(
        call(&telegram, "sendMessage", args.clone()).0,
        200,
        "restored"
    );
    set(
        &telegram,
        "tokens",
        json!({ "token": "110201543:abcdefghijklmnop", "revoked": true }),
    );
    assert_eq!(call(&telegram, "sendMessage", args).0, 401);
    let reply = ask(&telegram, ("POST", "/botnonsense/getMe"), &[], "", START);
    assert_eq!(
        reply.status, 404,
        "a token of the wrong form is an unknown path"
    );
}

#[test]
fn texts_are_counted_after_parsing_and_broken_ones_are_listed() {
    let telegram = Telegram::default();
    let long = format!("<b>{}</b>", "&lt;".repeat(4096));
    assert_eq!(send(&telegram, &long).0, 200);
    for (text, words) in [
        ("👍".repeat(2049), "message is too long"),
        ("<b> </b>".to_owned(), "message text is empty"),
        (
            "<db-1>".to_owned(),
            "can't parse entities: Unsupported start tag",
        ),
    ] {
        let args = json!({ "chat_id": 5, "text": text, "parse_mode": "HTML" }).to_string();
        let json = [("content-type", "application/json")];
        let reply = ask(
            &telegram,
            ("POST", &format!("{BOT}/sendMessage")),
            &json,
            &args,
            START,
        );
        assert_eq!(reply.status, 400);
        assert!(reply.problems[0].contains(words), "{:?}", reply.problems);
    }
}

#[test]
fn a_reply_names_what_it_answers_and_may_go_without() {
    let telegram = Telegram::default();
    send(&telegram, "one");
    let reply = |id: u64, anyway: bool| {
        let to = json!({ "message_id": id, "allow_sending_without_reply": anyway });
        call(
            &telegram,
            "sendMessage",
            json!({ "chat_id": -1001, "text": "x", "reply_parameters": to }),
        )
        .0
    };
    assert_eq!(
        (reply(1, false), reply(9, true), reply(9, false)),
        (200, 200, 400)
    );
    let answers: Vec<_> = telegram
        .messages("-1001")
        .iter()
        .map(|p| p.reply_to)
        .collect();
    assert_eq!(answers, [None, Some(1), None]);
}

#[test]
fn the_limit_says_its_seconds_in_the_body() {
    let telegram = Telegram::default();
    for _ in 0..20 {
        assert_eq!(send(&telegram, "x").0, 200);
    }
    let (status, slow) = send(&telegram, "x");
    assert_eq!(
        (status, &slow["parameters"]["retry_after"]),
        (429, &json!(3))
    );
    assert_eq!(slow["description"], "Too Many Requests: retry after 3");
}

#[test]
fn forms_and_public_names_are_taken_too() {
    let telegram = Telegram::default();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let at = format!("{BOT}/sendMessage");
    let reply = ask(
        &telegram,
        ("POST", &at),
        &form,
        "chat_id=%40ops_room&text=a%26b",
        START,
    );
    let sent = body(&reply);
    let id = sent["result"]["chat"]["id"].as_i64().unwrap();
    assert!(id < -1_000_000_000_000);
    let args = json!({ "chat_id": id, "message_id": 1, "text": "by number" });
    assert_eq!(call(&telegram, "editMessageText", args).0, 200);
    assert_eq!(
        telegram.messages("@ops_room")[0].content["plain"],
        "by number"
    );
}
