use model::{EventKind, Handle, Outcome, Status, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

use super::FLOWDOCK;
use crate::kit::samples::{self, Saying, finish, header, reply, request, shown};
use crate::kit::{Edition, SettingsMap, Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";

fn settings(extra: Value) -> SettingsMap {
    let mut settings = FLOWDOCK.example(BASE);
    settings.extend(extra.as_object().cloned().unwrap_or_default());
    settings.retain(|_, value| !value.is_null());
    settings
}

fn chat() -> Arc<dyn Sink> {
    FLOWDOCK.build(&settings(json!({}))).unwrap()
}

fn inbox() -> Arc<dyn Sink> {
    let extra = json!({ "api_token": null, "org": null, "flow": null, "flow_token": "fl0wt0ken" });
    FLOWDOCK.build(&settings(extra)).unwrap()
}

fn verb(seq: u32) -> Verb {
    Verb::Event {
        seq,
        status: Status::Open,
    }
}

fn body(sink: &dyn Sink, saying: &Saying, seq: u32) -> Value {
    serde_json::from_slice(&request(sink, &saying.task(verb(seq))).body).unwrap()
}

#[test]
fn m8_a_personal_token_posts_into_the_chat_of_the_flow() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    let request = request(&*chat(), &saying.task(verb(3)));
    assert_eq!(
        request.url,
        format!("{BASE}/flowdock/flows/example/main/messages")
    );
    let basic = "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6";
    assert_eq!(header(&request, "authorization"), Some(basic));
    insta::assert_json_snapshot!(shown(&*chat(), &request));
}

#[test]
fn m8_a_flow_token_pushes_into_the_inbox_with_one_thread_an_alert() {
    let saying = Saying::of(samples::alert(Status::Closed));
    let request = request(&*inbox(), &saying.task(verb(3)));
    assert_eq!(request.url, format!("{BASE}/flowdock/messages"));
    assert_eq!(header(&request, "authorization"), None);
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    let opened = body(&*inbox(), &saying, 1);
    let closed = body(&*inbox(), &saying, 3);
    assert_eq!(opened["external_thread_id"], saying.alert.id.to_string());
    assert_eq!(opened["external_thread_id"], closed["external_thread_id"]);
    assert_eq!(
        opened["thread"]["status"],
        json!({ "color": "red", "value": "Open" })
    );
    assert_eq!(
        closed["thread"]["status"],
        json!({ "color": "green", "value": "Resolved" })
    );
    assert_eq!(closed["flow_token"], "fl0wt0ken");
    insta::assert_json_snapshot!(closed);
}

#[test]
fn m7_organization_and_flow_are_lower_case_as_in_the_address() {
    let table = [
        (json!({ "org": "Example" }), "org"),
        (json!({ "org": null }), ""),
        (json!({ "flow": "Main Flow" }), "flow"),
        (json!({ "flow": "../x" }), "flow"),
        (json!({ "api_token": null }), ""),
        (json!({ "api_token": "a b" }), "api_token"),
        (json!({ "flow_token": "x" }), ""),
        (
            json!({ "api_token": null, "flow_token": "a b" }),
            "flow_token",
        ),
        (json!({ "base_url": "flows.example" }), "base_url"),
    ];
    for (extra, field) in table {
        let errors = FLOWDOCK
            .build(&settings(extra.clone()))
            .err()
            .unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{extra}: {errors:?}"
        );
    }
    assert_eq!(FLOWDOCK.manifest().edition, Edition::CloudGone);
}

#[test]
fn the_thread_of_the_first_message_is_kept_and_answered_in() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let answer = reply(201, r#"{"id":5,"thread_id":"Z3kMZgkWvfjcfcVoNPPVCeLQBZZ"}"#);
    let first = finish(&*chat(), &saying.task(verb(1)), &answer);
    assert_eq!(first.outcome, Outcome::Delivered);
    saying.handle = first.handle;
    assert_eq!(
        body(&*chat(), &saying, 3)["thread_id"],
        "Z3kMZgkWvfjcfcVoNPPVCeLQBZZ"
    );
    let later = finish(
        &*chat(),
        &saying.task(verb(3)),
        &reply(201, r#"{"thread_id":"other"}"#),
    );
    assert_eq!(later.handle, saying.handle);
    let odd = Some(Handle {
        object: String::new(),
        data: json!([1]),
    });
    saying.handle = odd;
    assert_eq!(body(&*chat(), &saying, 3).get("thread_id"), None);
}

#[test]
fn every_kind_of_event_is_told_in_both_manners() {
    for kind in EventKind::ALL {
        let mut saying = Saying::of(samples::alert(Status::Open));
        saying.events[2].kind = kind;
        let headline = crate::kit::Happening::of(&saying.task(verb(3))).headline();
        let content = body(&*chat(), &saying, 3)["content"].to_string();
        assert!(content.contains(&headline), "{kind}: {content}");
        assert_eq!(body(&*inbox(), &saying, 3)["title"], headline, "{kind}");
    }
}

#[test]
fn hostile_and_long_texts_call_nobody_and_have_no_marks() {
    let mut saying = Saying::of(samples::alert(Status::Open));
    let content = Arc::make_mut(&mut saying.alert.content);
    content.title = "@everyone <script>".to_owned();
    content.text = "@all <img>\n".repeat(3000);
    let chat = body(&*chat(), &saying, 3);
    let text = chat["content"].as_str().unwrap();
    assert!(text.chars().count() <= 8096);
    assert!(!text.contains("@everyone") && !text.contains("@all"));
    let thread = body(&*inbox(), &saying, 3)["thread"].to_string();
    assert!(
        !thread.contains("<script") && !thread.contains("<img"),
        "{thread}"
    );
}

#[test]
fn flowdocks_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let throttled = Outcome::Throttled { after_ms: None };
    let table = [
        (200, "{}", Outcome::Delivered, ""),
        (201, r#"{"thread_id":"a"}"#, Outcome::Delivered, ""),
        (202, "{}", Outcome::Accepted, ""),
        (
            200,
            "<html>",
            Outcome::Ambiguous,
            "The answer is not one of Flowdock's",
        ),
        (
            400,
            "{}",
            Outcome::PayloadBad,
            "Flowdock refuses the message",
        ),
        (
            401,
            "{}",
            Outcome::CredentialBad,
            "Flowdock does not know the token",
        ),
        (403, "{}", Outcome::ScopeMissing, "The token may not post"),
        (404, "{}", Outcome::TargetGone, "Flowdock has no such flow"),
        (429, "{}", throttled, "Flowdock has had enough"),
        (500, "", Outcome::Ambiguous, "The receiver failed"),
    ];
    for sink in [chat(), inbox()] {
        for (status, body, outcome, words) in &table {
            let finish = finish(&*sink, &saying.task(verb(1)), &reply(*status, body));
            assert_eq!(finish.outcome, *outcome, "{status}");
            assert!(
                finish.excerpt.starts_with(words),
                "{status}: {}",
                finish.excerpt
            );
        }
    }
}

#[test]
fn i9_the_token_is_hidden_as_such_and_as_it_is_sent() {
    let saying = Saying::of(samples::alert(Status::Open));
    let sent = request(&*chat(), &saying.task(verb(1)));
    let basic = header(&sent, "authorization").unwrap().to_owned();
    let bare = basic.trim_start_matches("Basic ").to_owned();
    for echo in [
        basic,
        bare.clone(),
        "0123456789abcdef0123456789abcdef".to_owned(),
    ] {
        let shown = finish(&*chat(), &saying.task(verb(1)), &reply(400, &echo)).excerpt;
        assert!(
            !shown.contains(&bare) && !shown.contains("0123456789abcdef"),
            "{shown}"
        );
    }
}
