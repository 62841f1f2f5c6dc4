use super::*;
use crate::posts::trying::{START, call, json as body};

const SEND: &str = "/robot/send?access_token=abc";

fn text(text: &str) -> String {
    json!({ "msgtype": "text", "text": { "content": text } }).to_string()
}

fn post(dingtalk: &DingTalk, at: &str, message: &str, now: i64) -> i64 {
    let reply = call(dingtalk, ("POST", at), &[], message, now);
    assert_eq!(reply.status, 200, "every answer is 200");
    body(&reply)["errcode"].as_i64().unwrap()
}

fn set(dingtalk: &DingTalk, knob: Value) {
    let reply = dingtalk.configure(&Method::POST, "robots", knob.to_string().as_bytes());
    assert_eq!(reply.status, 200);
}

#[test]
fn a_message_is_kept_and_errors_are_numbers_in_the_body() {
    let dingtalk = DingTalk::default();
    assert_eq!(post(&dingtalk, SEND, &text("hello"), START), 0);
    let table = [
        ("{", 40035),
        (r#"{"msgtype":"telex"}"#, 400_105),
        (r#"{"msgtype":"text","text":{"content":" "}}"#, 40035),
        (r#"{"msgtype":"markdown","markdown":{"text":"x"}}"#, 40035),
    ];
    for (message, errcode) in table {
        assert_eq!(post(&dingtalk, SEND, message, START), errcode, "{message}");
    }
    assert_eq!(
        post(&dingtalk, SEND, &text(&"x".repeat(20_001)), START),
        460_101
    );
    assert_eq!(post(&dingtalk, "/robot/send", &text("x"), START), 40035);
    assert_eq!(dingtalk.messages("abc").len(), 1);
    assert_eq!(
        call(&dingtalk, ("POST", "/other"), &[], "", START).status,
        404
    );
}

#[test]
fn every_broken_security_setting_is_310000_and_only_the_words_differ() {
    let dingtalk = DingTalk::default();
    let words = |knob: Value, at: &str| {
        set(&dingtalk, knob);
        let reply = body(&call(
            &dingtalk,
            ("POST", at),
            &[],
            &text("disk full"),
            START,
        ));
        assert_eq!(reply["errcode"], 310_000);
        reply["errmsg"].as_str().unwrap().to_owned()
    };
    let keyed = json!({ "access_token": "abc", "keywords": ["alarm", "test"] });
    assert!(words(keyed, SEND).starts_with("keywords not in content"));
    let signed = json!({ "access_token": "abc", "secret": "SECx" });
    assert!(words(signed.clone(), SEND).starts_with("invalid timestamp"));
    let wrong = format!("{SEND}&timestamp={START}&sign=AAAA");
    assert!(words(signed, &wrong).starts_with("sign not match"));
    let elsewhere = json!({ "access_token": "abc", "ips_only": true });
    assert!(words(elsewhere, SEND).contains("whitelist"));
    set(
        &dingtalk,
        json!({ "access_token": "abc", "keywords": ["disk"] }),
    );
    assert_eq!(post(&dingtalk, SEND, &text("disk full"), START), 0);
    set(&dingtalk, json!({ "access_token": "abc", "gone": true }));
    assert_eq!(post(&dingtalk, SEND, &text("x"), START), 300_001);
    set(
        &dingtalk,
        json!({ "access_token": "abc", "disabled": true }),
    );
    assert_eq!(post(&dingtalk, SEND, &text("x"), START), 400_102);
}

#[test]
fn who_sends_more_than_20_in_a_minute_is_not_heard_for_ten() {
    let dingtalk = DingTalk::default();
    for n in 0..20 {
        assert_eq!(post(&dingtalk, SEND, &text("x"), START + n * 2_000), 0);
    }
    let last = START + 40_000;
    assert_eq!(post(&dingtalk, SEND, &text("x"), last), 130_101);
    assert_eq!(
        post(&dingtalk, SEND, &text("x"), last + 599_999),
        130_101,
        "still blocked"
    );
    assert_eq!(post(&dingtalk, SEND, &text("x"), last + 600_000), 0);
    assert_eq!(
        post(
            &dingtalk,
            "/robot/send?access_token=other",
            &text("x"),
            last
        ),
        0
    );
}

#[test]
fn ringing_everybody_is_listed() {
    let dingtalk = DingTalk::default();
    let message = r#"{"msgtype":"text","text":{"content":"x"},"at":{"isAtAll":true}}"#;
    let reply = call(&dingtalk, ("POST", SEND), &[], message, START);
    assert_eq!(reply.problems, ["the message rings everybody"]);
}
