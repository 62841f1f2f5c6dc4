use super::*;
use crate::posts::trying::{START, call, json as body};

const HOOK: &str = "/api/webhooks/12/token";

fn post(discord: &Discord, at: &str, message: &Value) -> Reply {
    call(discord, ("POST", at), &[], &message.to_string(), START)
}

fn hello() -> Value {
    json!({ "content": "hello", "allowed_mentions": { "parse": [] } })
}

#[test]
fn with_wait_the_message_comes_back_and_without_nothing_does_even_if_it_is_lost() {
    let discord = Discord::default();
    let reply = post(&discord, &format!("{HOOK}?wait=true"), &hello());
    assert_eq!(reply.status, 200);
    assert_eq!(body(&reply)["channel_id"], "912");
    assert!(reply.problems.is_empty(), "{:?}", reply.problems);
    let reply = post(&discord, HOOK, &hello());
    assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0));
    let lost = post(&discord, HOOK, &json!({}));
    assert_eq!(lost.status, 204, "it failed, and nobody is told");
    assert_eq!(discord.messages("912").len(), 2);
}

#[test]
fn a_message_is_read_edited_and_deleted_by_its_id() {
    let discord = Discord::default();
    let posted = body(&post(&discord, &format!("{HOOK}?wait=true"), &hello()));
    let at = format!("{HOOK}/messages/{}", posted["id"].as_str().unwrap());
    let ask = |method: &str, text: &str| call(&discord, (method, &at), &[], text, START + 5_000);
    assert_eq!(body(&ask("GET", ""))["content"], "hello");
    let edited = ask("PATCH", r#"{"embeds":[{"description":"new","color":1}]}"#);
    assert_eq!(edited.status, 200);
    let now = body(&ask("GET", ""));
    assert_eq!(now["content"], "hello", "what an edit leaves out stays");
    assert_eq!(now["embeds"][0]["description"], "new");
    assert!(now["edited_timestamp"].is_string());
    assert_eq!(ask("DELETE", "").status, 204);
    for method in ["GET", "PATCH", "DELETE"] {
        let gone = ask(method, r#"{"content":"x"}"#);
        assert_eq!(
            (gone.status.as_u16(), &body(&gone)["code"]),
            (404, &json!(10008)),
            "{method}"
        );
    }
}

#[test]
fn what_is_gone_stays_gone_and_another_token_is_refused() {
    let discord = Discord::default();
    let described = call(&discord, ("GET", HOOK), &[], "", START);
    assert_eq!(body(&described)["token"], "token");
    let other = call(
        &discord,
        ("GET", "/api/v10/webhooks/12/other"),
        &[],
        "",
        START,
    );
    assert_eq!(
        (other.status.as_u16(), &body(&other)["code"]),
        (401, &json!(50027))
    );
    let set = |text: &str| discord.configure(&Method::POST, "webhooks", text.as_bytes());
    assert_eq!(set(r#"{"id":"12","gone":true}"#).status, 200);
    assert_eq!(set(r#"{"id":"12","gone":false}"#).status, 200);
    let gone = post(&discord, &format!("{HOOK}?wait=true"), &hello());
    assert_eq!(
        (gone.status.as_u16(), &body(&gone)["code"]),
        (404, &json!(10015))
    );
    assert_eq!(set(r#"{"id":"12","gon":true}"#).status, 400);
}

#[test]
fn messages_that_break_the_limits_are_refused_and_named() {
    let discord = Discord::default();
    let embed = |embed: Value| json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } });
    let field = json!({ "name": "n", "value": "v" });
    let table = [
        (json!({ "content": "x".repeat(2001) }), "content"),
        (embed(json!({ "title": "x".repeat(257) })), "title"),
        (
            embed(json!({ "description": "x".repeat(4097) })),
            "description",
        ),
        (embed(json!({ "title": "t", "color": "#ff0000" })), "color"),
        (
            embed(json!({ "fields": vec![field.clone(); 26] })),
            "fields",
        ),
        (
            embed(json!({ "fields": [{ "name": "n", "value": "" }] })),
            "value",
        ),
        (embed(json!({ "title": "t", "url": "javascript:x" })), "url"),
        (embed(json!({})), "embeds.0"),
        (
            json!({ "content": "x", "username": "My Discord" }),
            "username",
        ),
        (
            json!({ "embeds": vec![json!({ "description": "x".repeat(3001) }); 2] }),
            "maximum size",
        ),
    ];
    for (message, word) in table {
        let reply = post(&discord, &format!("{HOOK}?wait=true"), &message);
        // The limit of pace counts refused messages too; it is not what is tried here.
        discord.0.lock().pace = Pace::default();
        assert_eq!(
            (reply.status.as_u16(), &body(&reply)["code"]),
            (400, &json!(50035)),
            "{word}"
        );
        assert!(
            reply.problems.iter().any(|p| p.contains(word)),
            "{word}: {:?}",
            reply.problems
        );
    }
    let empty = post(
        &discord,
        &format!("{HOOK}?wait=true"),
        &json!({ "content": " " }),
    );
    assert_eq!(body(&empty)["code"], 50006);
    let pings = post(
        &discord,
        &format!("{HOOK}?wait=true"),
        &json!({ "content": "@everyone" }),
    );
    assert_eq!(pings.status, 200);
    assert!(pings.problems[0].contains("allowed_mentions"));
}

#[test]
fn the_limit_says_a_float_in_the_body_and_whole_seconds_in_the_header() {
    let discord = Discord::default();
    for _ in 0..5 {
        assert_eq!(
            post(&discord, &format!("{HOOK}?wait=true"), &hello()).status,
            200
        );
    }
    let slow = post(&discord, &format!("{HOOK}?wait=true"), &hello());
    assert_eq!(slow.status, 429);
    let wait = body(&slow)["retry_after"].as_f64().unwrap();
    assert!(wait > 0.3 && wait < 0.5, "{wait}");
    assert_eq!(slow.headers["retry-after"], "1");
    let later = START + (wait * 1000.0) as i64;
    let again = call(
        &discord,
        ("POST", &format!("{HOOK}?wait=true")),
        &[],
        &hello().to_string(),
        later,
    );
    assert_eq!(again.status, 200, "the wait was true");
}

#[test]
fn a_forum_wants_a_thread_and_its_messages_are_found_only_there() {
    let discord = Discord::default();
    discord.configure(&Method::POST, "webhooks", br#"{"id":"12","forum":true}"#);
    let at = format!("{HOOK}?wait=true");
    assert_eq!(body(&post(&discord, &at, &hello()))["code"], 220_001);
    let mut named = hello();
    named["thread_name"] = json!("Disk full");
    let posted = body(&post(&discord, &at, &named));
    let (id, thread) = (
        posted["id"].as_str().unwrap(),
        posted["channel_id"].as_str().unwrap(),
    );
    let get = |at: String| call(&discord, ("GET", &at), &[], "", START).status;
    assert_eq!(get(format!("{HOOK}/messages/{id}")), 404);
    assert_eq!(get(format!("{HOOK}/messages/{id}?thread_id={thread}")), 200);
    discord.configure(&Method::POST, "webhooks", br#"{"id":"12","forum":false}"#);
    assert_eq!(body(&post(&discord, &at, &named))["code"], 220_003);
}
