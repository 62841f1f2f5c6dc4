use super::*;
use crate::posts::trying::{START, call, json as body};

const FLOW: &str = "/workflows/ab/triggers/manual/paths/invoke?api-version=2016-06-01&sig=s1";
const CONNECTOR: &str = "/webhookb2/a@b/IncomingWebhook/c/d";

fn card(body: Value, actions: Value) -> String {
    let content =
        json!({ "type": "AdaptiveCard", "version": "1.4", "body": body, "actions": actions });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": content });
    json!({ "type": "message", "attachments": [attachment] }).to_string()
}

fn good() -> String {
    card(json!([{ "type": "TextBlock", "text": "hello" }]), json!([]))
}

fn post(teams: &Teams, at: &str, message: &str) -> Reply {
    call(teams, ("POST", at), &[], message, START)
}

#[test]
fn a_workflow_says_202_even_to_a_card_that_will_not_be_shown() {
    let teams = Teams::default();
    let reply = post(&teams, FLOW, &good());
    assert_eq!((reply.status.as_u16(), reply.body.len()), (202, 0));
    assert!(reply.problems.is_empty(), "{:?}", reply.problems);
    let submit = json!([{ "type": "Action.Submit", "title": "x" }]);
    let text = json!([{ "type": "TextBlock", "text": "x" }]);
    let large = json!([{ "type": "TextBlock", "text": "x".repeat(29_000) }]);
    let table = [
        (card(text.clone(), submit), "Action.Submit"),
        (
            card(json!([{ "type": "TextBlok" }]), json!([])),
            "unknown element",
        ),
        (card(json!([]), json!([])), "no body"),
        (card(large, json!([])), "28 KB"),
        (
            card(
                text,
                json!([{ "type": "Action.OpenUrl", "url": "javascript:x" }]),
            ),
            "web address",
        ),
        (r#"{"text":"hello"}"#.to_owned(), "adaptive card"),
    ];
    for (message, word) in table {
        teams.0.lock().pace = Pace::default();
        let reply = post(&teams, FLOW, &message);
        assert_eq!(reply.status, 202, "{word}");
        assert!(
            reply.problems.iter().any(|p| p.contains(word)),
            "{word}: {:?}",
            reply.problems
        );
    }
    assert_eq!(teams.cards("ab").len(), 7);
}

#[test]
fn the_signature_is_asked_for_and_workflows_can_be_gone() {
    let teams = Teams::default();
    post(&teams, FLOW, &good());
    let set = |knob: &str| {
        assert_eq!(
            teams
                .configure(&Method::POST, "workflows", knob.as_bytes())
                .status,
            200
        )
    };
    let refused = |at: &str| {
        let reply = post(&teams, at, &good());
        (
            reply.status.as_u16(),
            body(&reply)["error"]["code"].as_str().unwrap().to_owned(),
        )
    };
    let bare = FLOW.replace("&sig=s1", "");
    assert_eq!(
        refused(&bare),
        (401, "DirectApiAuthorizationRequired".into())
    );
    assert_eq!(
        refused(&FLOW.replace("s1", "s2")),
        (401, "AuthorizationFailed".into())
    );
    set(r#"{"id":"ab","disabled":true}"#);
    assert_eq!(refused(FLOW), (400, "WorkflowTriggerIsNotEnabled".into()));
    set(r#"{"id":"ab","deleted":true}"#);
    assert_eq!(refused(FLOW), (404, "WorkflowNotFound".into()));
    set(r#"{"id":"ab","deleted":false,"disabled":false,"open":true}"#);
    assert_eq!(post(&teams, &bare, &good()).status, 202);
}

#[test]
fn a_connector_hides_its_errors_in_200() {
    let teams = Teams::default();
    let text = |message: &str| {
        let reply = post(&teams, CONNECTOR, message);
        (
            reply.status.as_u16(),
            String::from_utf8(reply.body.to_vec()).unwrap(),
        )
    };
    assert_eq!(text(&good()), (200, "1".into()));
    assert_eq!(
        text(r#"{"@type":"MessageCard","text":"x"}"#),
        (200, "1".into())
    );
    let (status, words) = text(&card(
        json!([{ "type": "TextBlock", "text": "x".repeat(29_000) }]),
        json!([]),
    ));
    assert!(status == 200 && words.contains("HTTP error 413"), "{words}");
    text(&good());
    let (status, words) = text(&good());
    assert!(
        status == 200 && words.contains("Microsoft Teams endpoint returned HTTP error 429"),
        "{words}"
    );
}

#[test]
fn a_workflow_is_throttled_with_a_status() {
    let teams = Teams::default();
    for _ in 0..4 {
        assert_eq!(post(&teams, FLOW, &good()).status, 202);
    }
    let slow = post(&teams, FLOW, &good());
    assert_eq!(
        (
            slow.status.as_u16(),
            slow.headers["retry-after"].to_str().unwrap()
        ),
        (429, "1")
    );
}

#[test]
fn the_page_shows_a_cards_texts_as_text() {
    let teams = Teams::default();
    let inlines =
        json!([{ "type": "TextRun", "text": "Name: " }, { "type": "TextRun", "text": "<script>" }]);
    let items = json!([{ "type": "RichTextBlock", "inlines": inlines }]);
    post(
        &teams,
        FLOW,
        &card(json!([{ "type": "Container", "items": items }]), json!([])),
    );
    let page = teams.page("/cards/ab").unwrap();
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.contains("Name: &lt;script&gt;"), "{page}");
    assert!(!page.contains("not shown"));
}
