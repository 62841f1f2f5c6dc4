use std::sync::Arc;

use model::{Handle, Link, Outcome, Status, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::DISCORD;
use super::render::escaped;
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request, shown};
use crate::kit::{Next, Sink, SinkKind, Step};

const BASE: &str = "http://127.0.0.1:8090";
const HOOK: &str = "http://127.0.0.1:8090/discord/api/webhooks/1318273645546372819/example-Example_example-Example";
/// Discord's answer to a post, as far as it matters.
const POSTED: &str =
    r#"{"id":"1318273645546372900","channel_id":"1318273645546372001","embeds":[]}"#;

fn built(extra: Value) -> Arc<dyn Sink> {
    let mut settings = DISCORD.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap());
    DISCORD.build(&settings).unwrap()
}

fn discord() -> Arc<dyn Sink> {
    built(json!({}))
}

fn handle(thread: Option<&str>) -> Option<Handle> {
    Some(Handle {
        object: "1318273645546372001/1318273645546372900".to_owned(),
        data: json!({ "message": "1318273645546372900", "thread": thread }),
    })
}

fn told(status: Status) -> Saying {
    Saying {
        handle: handle(None),
        ..Saying::of(samples::alert(status))
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn an_issue_is_posted_with_wait_and_a_red_bar() {
    let saying = Saying::of(samples::alert(Status::Open));
    insta::assert_json_snapshot!(shown(
        &*discord(),
        &request(&*discord(), &saying.task(Verb::Open))
    ));
}

#[test]
fn a_closed_issue_changes_its_message_and_the_bar_is_green() {
    insta::assert_json_snapshot!(shown(
        &*discord(),
        &request(&*discord(), &told(Status::Closed).task(Verb::Close))
    ));
}

#[test]
fn each_verb_has_its_request() {
    let without = Saying::of(samples::alert(Status::Open));
    let with = told(Status::Acknowledged);
    let edit = format!("{HOOK}/messages/1318273645546372900");
    let table = [
        (&without, Verb::Open, "POST", format!("{HOOK}?wait=true")),
        (&without, Verb::Close, "POST", format!("{HOOK}?wait=true")),
        (&without, Verb::Inform, "POST", format!("{HOOK}?wait=true")),
        (&with, Verb::Open, "PATCH", edit.clone()),
        (&with, Verb::Update, "PATCH", edit.clone()),
        (&with, Verb::Ack, "PATCH", edit.clone()),
        (&with, Verb::Unack, "PATCH", edit.clone()),
        (&with, Verb::Close, "PATCH", edit.clone()),
        (&with, Verb::CloseExtra(0), "PATCH", edit),
        (&with, Verb::Remind, "POST", format!("{HOOK}?wait=true")),
    ];
    for (saying, verb, method, url) in table {
        let request = request(&*discord(), &saying.task(verb));
        assert_eq!(
            (request.method.as_str(), &request.url),
            (method, &url),
            "{verb:?}"
        );
        assert_eq!(body(&request)["allowed_mentions"], json!({ "parse": [] }));
    }
    let reminder = body(&request(&*discord(), &with.task(Verb::Remind)));
    let line = reminder["content"].as_str().unwrap();
    assert!(
        line.starts_with("Still acknowledged after 1h 3m: **"),
        "{line}"
    );
}

#[test]
fn the_bar_is_an_integer_and_has_the_colour_of_the_state() {
    let color = |alert| {
        body(&request(&*discord(), &Saying::of(alert).task(Verb::Open)))["embeds"][0]["color"]
            .clone()
    };
    let table = [
        (Status::Open, 0xa3_0200),
        (Status::Acknowledged, 0xda_a038),
        (Status::Shelved, 0x9e_9e9e),
        (Status::Closed, 0x2e_b886),
    ];
    for (status, expected) in table {
        assert_eq!(color(samples::alert(status)), json!(expected), "{status}");
    }
}

#[test]
fn the_message_is_kept_by_the_ids_that_discord_answered_and_edited_by_them() {
    let saying = Saying::of(samples::alert(Status::Open));
    let done = finish(&*discord(), &saying.task(Verb::Open), &reply(200, POSTED));
    assert_eq!(
        (done.outcome, done.handle),
        (Outcome::Delivered, handle(None))
    );
    // An edit and a reminder leave the handle as it is.
    for verb in [Verb::Close, Verb::Remind] {
        let done = finish(
            &*discord(),
            &told(Status::Open).task(verb),
            &reply(200, POSTED),
        );
        assert_eq!((done.outcome, done.handle), (Outcome::Delivered, None));
    }
}

#[test]
fn a_thread_is_named_in_every_request_and_a_forum_gets_one_for_each_alert() {
    let saying = Saying::of(samples::alert(Status::Open));
    let one = built(json!({ "thread_id": "77" }));
    let posted = request(&*one, &saying.task(Verb::Open));
    assert_eq!(posted.url, format!("{HOOK}?wait=true&thread_id=77"));
    let edited = request(&*one, &told(Status::Open).task(Verb::Update));
    assert!(edited.url.ends_with("/1318273645546372900?thread_id=77"));

    let forum = built(json!({ "new_threads": true }));
    let posted = request(&*forum, &saying.task(Verb::Open));
    assert_eq!(
        body(&posted)["thread_name"],
        "Disk /var on db-1 is 91 % full"
    );
    let done = finish(&*forum, &saying.task(Verb::Open), &reply(200, POSTED));
    assert_eq!(done.handle, handle(Some("1318273645546372001")));
    let saying = Saying {
        handle: done.handle,
        ..saying
    };
    for verb in [Verb::Update, Verb::Remind] {
        let request = request(&*forum, &saying.task(verb));
        assert!(
            request.url.ends_with("thread_id=1318273645546372001"),
            "{verb:?}"
        );
        assert_eq!(body(&request)["thread_name"], Value::Null);
    }
    let gone = reply(404, r#"{"message":"Unknown Channel","code":10003}"#);
    let done = finish(&*forum, &saying.task(Verb::Close), &gone);
    assert_eq!(
        done.outcome,
        Outcome::Stale,
        "its thread was deleted, not the forum"
    );
}

#[test]
fn discords_answers_mean_what_the_wire_facts_say() {
    let outcome = |saying: &Saying, status, body: &str| {
        finish(&*discord(), &saying.task(Verb::Close), &reply(status, body)).outcome
    };
    let code = |code: u32| json!({ "message": "x", "code": code }).to_string();
    let slow = |after_ms| Outcome::Throttled { after_ms };
    let table = [
        (200, r#"{"id":"1"}"#.to_owned(), Outcome::Delivered),
        (200, "<html>sign in</html>".to_owned(), Outcome::Ambiguous),
        (204, String::new(), Outcome::Accepted),
        (404, code(10015), Outcome::TargetGone),
        (401, code(50027), Outcome::TargetGone),
        (404, code(50027), Outcome::TargetGone),
        (404, code(10008), Outcome::Stale),
        (404, code(10003), Outcome::TargetGone),
        (403, code(50005), Outcome::Stale),
        (400, code(50083), Outcome::Stale),
        (403, code(50013), Outcome::ScopeMissing),
        (400, code(220_001), Outcome::TargetGone),
        (400, code(50035), Outcome::PayloadBad),
        (413, code(40005), Outcome::PayloadBad),
        (
            429,
            r#"{"retry_after":0.652,"global":false}"#.to_owned(),
            slow(Some(652)),
        ),
        (
            429,
            r#"{"code":30046,"retry_after":12.5}"#.to_owned(),
            slow(Some(12_500)),
        ),
        (429, "error code: 1015".to_owned(), slow(None)),
        (401, String::new(), Outcome::CredentialBad),
        (404, String::new(), Outcome::TargetGone),
        (500, code(0), Outcome::Ambiguous),
        (502, "<html>".to_owned(), Outcome::Ambiguous),
        (400, code(99_999), Outcome::PayloadBad),
    ];
    for (status, body, expected) in table {
        assert_eq!(
            outcome(&told(Status::Closed), status, &body),
            expected,
            "{status} {body}"
        );
    }
    // Without a message of ours nothing is stale: the configured thread takes none.
    let first = Saying::of(samples::alert(Status::Open));
    assert_eq!(outcome(&first, 400, &code(50083)), Outcome::TargetGone);
}

#[test]
fn the_bodys_float_is_more_exact_than_the_header() {
    let saying = Saying::of(samples::alert(Status::Open));
    let body = r#"{"message":"You are being rate limited.","retry_after":1.337,"global":false}"#;
    let slow = reply_with(429, body, &[("retry-after", "2")]);
    let done = finish(&*discord(), &saying.task(Verb::Open), &slow);
    assert_eq!(
        done.outcome,
        Outcome::Throttled {
            after_ms: Some(1337)
        }
    );
}

#[test]
fn hostile_texts_have_no_power_and_stay_within_discords_limits() {
    let mut alert = samples::alert(Status::Acknowledged);
    let nasty = "@everyone <@123> [x](https://evil.example) **b** # h ||s|| ";
    let mut content = samples::content();
    content.title = nasty.repeat(30);
    content.text = format!("{nasty}{}", "👍<".repeat(5000));
    content.resource = nasty.repeat(20);
    content.value = Some(nasty.repeat(20));
    content.labels.set("team", nasty.repeat(20));
    content.annotations = [("cause", nasty.repeat(50)), ("remedy", nasty.repeat(60))]
        .into_iter()
        .collect();
    content.links = vec![
        Link {
            href: format!("https://x.example/{}", "(a)".repeat(400)),
            text: nasty.repeat(5),
        };
        5
    ];
    alert.content = Arc::new(content);
    alert.assignee = Some(nasty.repeat(20));
    let mut saying = Saying::of(alert);
    saying.events[2].note = Some(nasty.repeat(100));
    let message = body(&request(&*discord(), &saying.task(Verb::Open)));
    let units = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();
    let embed = &message["embeds"][0];
    assert!(units(&message["content"]) <= 2000);
    assert!(units(&embed["description"]) <= 4096);
    let mut sum = units(&embed["title"]) + units(&embed["description"]);
    sum += units(&embed["footer"]["text"]);
    for field in embed["fields"].as_array().unwrap() {
        assert!(units(&field["name"]) <= 256 && units(&field["value"]) <= 1024);
        sum += units(&field["name"]) + units(&field["value"]);
    }
    assert!(sum <= 6000, "{sum}");
    let texts = message.to_string();
    for power in [" @everyone", " <@123", " **b", " ||s", " [x]("] {
        assert!(!texts.contains(power), "{power} in {texts}");
    }
}

#[test]
fn texts_are_cut_with_whole_escapes() {
    assert_eq!(escaped("a*b", 4), "a\\*b");
    assert_eq!(escaped("a*bc", 4), "a\\*…");
    assert_eq!(escaped("a*bc", 3), "a…");
    assert_eq!(escaped("👍👍", 3), "👍…");
    assert_eq!(escaped("", 3), "");
    // Headings and lists begin only at the beginning of a line.
    assert_eq!(escaped("# a-b\n - c #d", 50), "\\# a-b\n \\- c #d");
}

#[test]
fn only_a_whole_webhooks_address_is_taken() {
    let problem = |extra: Value| {
        let mut settings = DISCORD.example(BASE);
        settings.extend(extra.as_object().cloned().unwrap());
        let errors = DISCORD.build(&settings).err().unwrap_or_default();
        errors.first().map(|e| e.field.clone())
    };
    for good in [
        "https://discord.com/api/webhooks/12/abc-DEF_1",
        "https://discord.com/api/v10/webhooks/12/abc/",
        "http://bridge.example/webhooks/1/x",
    ] {
        assert_eq!(problem(json!({ "url": good })), None, "{good}");
    }
    for bad in [
        "",
        "discord.com/api/webhooks/12/abc",
        "https://discord.com/api/webhooks/12",
        "https://discord.com/api/webhooks/abc/12/",
        "https://discord.com/api/webhooks/12/abc/slack",
        "https://discord.com/api/webhooks/12/abc?thread_id=3",
        "https://discord.com/channels/1/2",
    ] {
        assert_eq!(
            problem(json!({ "url": bad })).as_deref(),
            Some("url"),
            "{bad}"
        );
    }
    let table = [
        (json!({ "thread_id": "x" }), "thread_id"),
        (json!({ "thread_id": "" }), "thread_id"),
        (
            json!({ "thread_id": "1", "new_threads": true }),
            "new_threads",
        ),
        (json!({ "messages_per_minute": 0 }), "messages_per_minute"),
    ];
    for (extra, field) in table {
        assert_eq!(problem(extra).as_deref(), Some(field));
    }
}

#[test]
fn i9_the_token_is_neither_in_the_target_nor_in_a_probes_words() {
    let sink = discord();
    assert_eq!(sink.target(), "127.0.0.1:8090, webhook 1318273645546372819");
    let first = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    let Some(Next::Request { request, .. }) = sink.probe(first) else {
        panic!("no probe")
    };
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("GET", HOOK)
    );
    let told = |status, body: &str| {
        let reply = reply(status, body);
        let step = Step {
            number: 1,
            memo: &Value::Null,
            reply: Some(&reply),
        };
        match sink.probe(step) {
            Some(Next::Finish(finish)) => finish,
            _ => panic!("not judged"),
        }
    };
    let well = told(
        200,
        r#"{"id":"1","token":"example-Example_example-Example"}"#,
    );
    assert_eq!(
        (well.outcome, well.excerpt.as_str()),
        (Outcome::Delivered, "")
    );
    let gone = told(
        404,
        r#"{"message":"Unknown Webhook: example-Example_example-Example","code":10015}"#,
    );
    assert_eq!(gone.outcome, Outcome::TargetGone);
    assert!(
        !gone.excerpt.contains("example-Example"),
        "{}",
        gone.excerpt
    );
}

#[test]
fn posts_and_edits_have_a_bucket_each_by_webhook() {
    let bucket = |sink: &dyn Sink, saying: &Saying| {
        let paces = sink.paces(&saying.task(Verb::Update));
        (paces[0].bucket.clone(), paces[0].every.0, paces[0].burst)
    };
    let (post, edit) = (Saying::of(samples::alert(Status::Open)), told(Status::Open));
    let other = built(json!({ "url": "https://discord.com/api/webhooks/12/abc" }));
    assert_eq!(bucket(&*discord(), &post), bucket(&*discord(), &post));
    assert_ne!(bucket(&*discord(), &post).0, bucket(&*discord(), &edit).0);
    assert_ne!(bucket(&*discord(), &post).0, bucket(&*other, &post).0);
    let slow = built(json!({ "messages_per_minute": 6 }));
    assert_eq!(bucket(&*slow, &post).1, 10_000);
}
