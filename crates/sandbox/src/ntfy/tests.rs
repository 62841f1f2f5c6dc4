use super::*;
use crate::posts::trying::{START, call, json as body};

fn post(ntfy: &Ntfy, message: &Value) -> Reply {
    call(ntfy, ("POST", "/"), &[], &message.to_string(), START)
}

fn hello() -> Value {
    json!({ "topic": "ops", "message": "hello", "title": "Disk", "priority": 5, "tags": ["eyes"] })
}

#[test]
fn json_goes_to_the_root_and_is_read_back_by_its_topic() {
    let ntfy = Ntfy::default();
    let reply = post(&ntfy, &hello());
    assert_eq!((reply.status.as_u16(), reply.problems.len()), (200, 0));
    assert_eq!(body(&reply)["topic"], "ops");
    let read = call(&ntfy, ("GET", "/ops/json?poll=1"), &[], "", START);
    let line: Value = serde_json::from_slice(&read.body).unwrap();
    assert_eq!(
        (&line["message"], &line["priority"]),
        (&json!("hello"), &json!(5))
    );
    assert_eq!(ntfy.messages("ops")[0].content["title"], "Disk");
}

#[test]
fn json_to_a_topic_is_just_a_text() {
    let ntfy = Ntfy::default();
    let headers = [("title", "T"), ("priority", "urgent"), ("tags", "a, b")];
    let text = hello().to_string();
    let reply = call(&ntfy, ("PUT", "/elsewhere"), &headers, &text, START);
    let shown = body(&reply);
    assert_eq!(
        (&shown["topic"], &shown["message"]),
        (&json!("elsewhere"), &json!(text))
    );
    assert_eq!(
        (&shown["priority"], &shown["tags"]),
        (&json!(5), &json!(["a", "b"]))
    );
}

#[test]
fn refusals_have_a_number_that_begins_with_the_status() {
    let ntfy = Ntfy::default();
    let with = |name: &str, value: Value| {
        let mut message = hello();
        message[name] = value;
        message
    };
    let action = json!({ "action": "view", "label": "x", "url": "https://x" });
    let table = [
        (json!([]), 40024),
        (with("topic", json!("a/b")), 40009),
        (with("topic", json!("")), 40009),
        (with("topic", json!("docs")), 40010),
        (with("priority", json!(6)), 40007),
        (with("priority", json!("high")), 40024),
        (with("tags", json!("eyes")), 40024),
        (with("actions", json!(vec![action; 4])), 40018),
        (
            with("actions", json!([{ "action": "view", "label": "x" }])),
            40018,
        ),
    ];
    for (message, code) in table {
        let reply = post(&ntfy, &message);
        assert_eq!(body(&reply)["code"], code, "{message}");
        assert_eq!(u32::from(reply.status.as_u16()), code / 100);
    }
}

#[test]
fn a_guarded_topic_wants_its_credential() {
    let ntfy = Ntfy::default();
    let set = |knob: &str| {
        let reply = ntfy.configure(&Method::POST, "access", knob.as_bytes());
        assert_eq!(reply.status, 200);
    };
    let status = |authorization: &str| {
        let headers = [("authorization", authorization)];
        let given = if authorization.is_empty() {
            &headers[..0]
        } else {
            &headers[..]
        };
        call(&ntfy, ("POST", "/"), given, &hello().to_string(), START)
            .status
            .as_u16()
    };
    set(r#"{"topic":"ops","token":"tk_a","user":"phil","password":"mypass"}"#);
    assert_eq!(status(""), 403);
    assert_eq!(status("Bearer tk_b"), 401);
    assert_eq!(status("Bearer tk_a"), 200);
    assert_eq!(status("Basic cGhpbDpteXBhc3M="), 200);
    assert_eq!(
        call(&ntfy, ("GET", "/ops/json?poll=1"), &[], "", START).status,
        403
    );
    set(r#"{"topic":"ops","token":"tk_a","forbidden":true}"#);
    assert_eq!(status("Bearer tk_a"), 403);
}

#[test]
fn a_long_message_becomes_an_attachment_and_is_listed() {
    let ntfy = Ntfy::default();
    let mut message = hello();
    message["message"] = json!("ü".repeat(2048));
    assert!(
        post(&ntfy, &message).problems.is_empty(),
        "4,096 bytes are taken"
    );
    message["message"] = json!("ü".repeat(2049));
    let reply = post(&ntfy, &message);
    assert_eq!(body(&reply)["attachment"]["size"], 4098);
    assert!(reply.problems[0].contains("attachment"));
}

#[test]
fn a_visitor_has_60_at_once_and_then_one_each_five_seconds() {
    let ntfy = Ntfy::default();
    for _ in 0..60 {
        assert_eq!(post(&ntfy, &hello()).status, 200);
    }
    let slow = post(&ntfy, &hello());
    assert_eq!(
        (slow.status.as_u16(), &body(&slow)["code"]),
        (429, &json!(42901))
    );
    let later = call(
        &ntfy,
        ("POST", "/"),
        &[],
        &hello().to_string(),
        START + 5_000,
    );
    assert_eq!(later.status, 200);
}
