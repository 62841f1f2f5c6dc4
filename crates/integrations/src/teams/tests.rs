use std::sync::Arc;

use model::{Link, Outcome, Status, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::TEAMS;
use crate::kit::samples::{self, Saying, finish, reply, reply_with, request, shown};
use crate::kit::{Sink, SinkKind};

const BASE: &str = "http://127.0.0.1:8090";
const SIG: &str = "exampleExampleExample-Example_1";

fn teams() -> Arc<dyn Sink> {
    TEAMS.build(&TEAMS.example(BASE)).unwrap()
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn event(seq: u32, status: Status) -> Verb {
    Verb::Event { seq, status }
}

/// All texts of a card's runs.
fn runs(message: &Value) -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if map.get("type") == Some(&json!("TextRun")) {
                    found.extend(map["text"].as_str().map(str::to_owned));
                }
                map.values().for_each(|value| gather(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| gather(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(message, &mut found);
    found
}

#[test]
fn an_event_is_one_adaptive_card() {
    let saying = Saying::of(samples::alert(Status::Acknowledged));
    insta::assert_json_snapshot!(shown(
        &*teams(),
        &request(&*teams(), &saying.task(event(3, Status::Acknowledged)))
    ));
}

#[test]
fn each_event_says_what_happened_in_the_colour_of_the_state() {
    let closed = Saying::of(samples::alert(Status::Closed));
    let notified = Saying::of(samples::notification());
    let open = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    let table = [
        (
            &closed,
            event(1, Status::Open),
            "[Critical, open] Opened",
            "attention",
        ),
        (
            &closed,
            event(2, Status::Acknowledged),
            "[Critical, acknowledged] Acknowledged by anna until 2025-11-20 13:01 UTC",
            "warning",
        ),
        (
            &closed,
            event(3, Status::Closed),
            "[Critical, resolved] Resolved by bo",
            "good",
        ),
        (&notified, event(3, Status::Closed), "[Warning]", "warning"),
        (
            &open,
            event(3, Status::Open),
            "Test: [Critical, open] Updated",
            "attention",
        ),
        (
            &open,
            Verb::Remind,
            "Test: Still open after 1h 3m",
            "attention",
        ),
    ];
    for (saying, verb, line, style) in table {
        let body = body(&request(&*teams(), &saying.task(verb)));
        let head = &body["attachments"][0]["content"]["body"][0];
        assert_eq!(runs(head)[0], line);
        assert_eq!(head["style"], style, "{line}");
    }
}

#[test]
fn the_only_actions_open_links() {
    let saying = Saying::of(samples::alert(Status::Open));
    let body = body(&request(&*teams(), &saying.task(event(3, Status::Open))));
    let actions = body["attachments"][0]["content"]["actions"]
        .as_array()
        .unwrap();
    assert_eq!(actions.len(), 2);
    for action in actions {
        assert_eq!(action["type"], "Action.OpenUrl");
        assert!(action["url"].as_str().unwrap().starts_with("http"));
    }
}

#[test]
fn the_card_stays_within_28_kb_however_long_and_foreign_the_texts_are() {
    let mut alert = samples::alert(Status::Acknowledged);
    let mut content = samples::content();
    for text in [
        "👍".repeat(15_000),
        "x".repeat(60_000),
        "日本語<b>**".repeat(3000),
    ] {
        content.title = text.clone();
        content.text = text.clone();
        content.resource = text.clone();
        content.annotations = [
            ("cause", format!("c{text}")),
            ("remedy", format!("r{text}")),
        ]
        .into_iter()
        .collect();
        content.links = vec![
            Link {
                href: format!("https://x.example/{}", "a".repeat(1900)),
                text: text.clone(),
            };
            5
        ];
        alert.content = Arc::new(content.clone());
        let mut saying = Saying::of(alert.clone());
        saying.events[2].note = Some(text);
        let message = body(&request(
            &*teams(),
            &saying.task(event(3, Status::Acknowledged)),
        ));
        // As Python's `json.dumps` counts: all beyond ASCII escaped, spaces between tokens.
        let text = message.to_string();
        let escaped: usize = text
            .chars()
            .map(|c| if c.is_ascii() { 1 } else { 6 * c.len_utf16() })
            .sum();
        assert!(escaped <= 26_000, "{escaped}");
        let runs = runs(&message);
        assert!(runs.iter().any(|run| run.ends_with('…')), "it was cut");
        assert!(
            runs.iter().any(|run| run == "Note by bo: "),
            "nothing was left out"
        );
    }
}

#[test]
fn texts_from_outside_stand_where_markdown_has_no_meaning() {
    let mut alert = samples::alert(Status::Open);
    let mut content = samples::content();
    content.title = "[click](https://evil.example) **x** <at>all</at>".to_owned();
    content.text = content.title.clone();
    content.resource = content.title.clone();
    alert.content = Arc::new(content);
    let saying = Saying::of(alert);
    let message = body(&request(&*teams(), &saying.task(event(3, Status::Open))));
    let card = message["attachments"][0]["content"].to_string();
    assert!(
        !card.contains("\"TextBlock\"") && !card.contains("FactSet"),
        "{card}"
    );
    let count = runs(&message)
        .iter()
        .filter(|run| run.contains("evil.example"))
        .count();
    assert_eq!((count, card.matches("evil.example").count()), (3, 3));
}

#[test]
fn teams_answers_mean_what_the_wire_facts_say() {
    let saying = Saying::of(samples::alert(Status::Open));
    let outcome = |status, body: &str| {
        finish(
            &*teams(),
            &saying.task(event(1, Status::Open)),
            &reply(status, body),
        )
        .outcome
    };
    let hidden = |status: u16| {
        format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with ContextId tcid=0."
        )
    };
    let code = |code: &str| json!({ "error": { "code": code, "message": "x" } }).to_string();
    let slow = Outcome::Throttled { after_ms: None };
    let table = [
        (202, String::new(), Outcome::Accepted),
        (200, String::new(), Outcome::Accepted),
        (200, "1".to_owned(), Outcome::Delivered),
        (200, hidden(429), slow.clone()),
        (200, hidden(413), Outcome::PayloadBad),
        (200, hidden(404), Outcome::TargetGone),
        (200, hidden(500), Outcome::Ambiguous),
        (
            400,
            code("WorkflowTriggerIsNotEnabled"),
            Outcome::TargetGone,
        ),
        (400, code("TriggerInputSchemaMismatch"), Outcome::PayloadBad),
        (404, code("WorkflowNotFound"), Outcome::TargetGone),
        (
            401,
            code("DirectApiAuthorizationRequired"),
            Outcome::CredentialBad,
        ),
        (400, code("SomethingNew"), Outcome::PayloadBad),
        (401, String::new(), Outcome::CredentialBad),
        (404, String::new(), Outcome::TargetGone),
        (410, String::new(), Outcome::TargetGone),
        (413, String::new(), Outcome::PayloadBad),
        (429, code("WorkflowNotFound"), slow),
        (502, code("WorkflowNotFound"), Outcome::Ambiguous),
    ];
    for (status, body, expected) in table {
        assert_eq!(outcome(status, &body), expected, "{status} {body}");
    }
    let asked = reply_with(200, &hidden(429), &[("retry-after", "9")]);
    let done = finish(&*teams(), &saying.task(event(1, Status::Open)), &asked);
    assert_eq!(
        done.outcome,
        Outcome::Throttled {
            after_ms: Some(9000)
        }
    );
    assert!(done.excerpt.starts_with("Teams wants us to slow down"));
}

#[test]
fn only_whole_addresses_are_taken() {
    let problem = |url: &str| {
        let mut settings = TEAMS.example(BASE);
        settings.insert("url".to_owned(), json!(url));
        TEAMS.build(&settings).err().map(|e| e[0].field.clone())
    };
    for good in [
        "https://prod-1.westeurope.logic.azure.com:443/workflows/ab/triggers/manual/paths/invoke?api-version=2016-06-01&sig=x",
        "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/ab/triggers/manual/paths/invoke/?sig=x",
        "https://contoso.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d",
    ] {
        assert_eq!(problem(good), None, "{good}");
    }
    for bad in [
        "",
        "https://prod-1.westeurope.logic.azure.com/",
        "https://prod-1.westeurope.logic.azure.com/workflows/ab/triggers/manual/paths/invoke",
        "https://prod-1.westeurope.logic.azure.com/workflows/ab/triggers/manual/paths/invoke?sig=",
        "ftp://x/workflows/ab?sig=x",
    ] {
        assert_eq!(problem(bad).as_deref(), Some("url"), "{bad}");
    }
    let mut settings = TEAMS.example(BASE);
    settings.insert("messages_per_minute".to_owned(), json!(0));
    assert_eq!(
        TEAMS.build(&settings).err().unwrap()[0].field,
        "messages_per_minute"
    );
}

#[test]
fn i9_the_signature_shows_nowhere() {
    let sink = teams();
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(event(1, Status::Open));
    for echo in [format!("bad sig={SIG}"), format!("{SIG} is wrong")] {
        let done = finish(&*sink, &task, &reply(401, &echo));
        assert!(!done.excerpt.contains(SIG), "{}", done.excerpt);
    }
    assert_eq!(sink.target(), "127.0.0.1:8090");
    assert!(!sink.paces(&task)[0].bucket.contains(SIG));
    let mut settings = TEAMS.example(BASE);
    settings.insert(
        "url".to_owned(),
        json!("https://x.example/workflows/a?sig=ab%2Fcdefgh"),
    );
    let sink = TEAMS.build(&settings).unwrap();
    let done = finish(&*sink, &task, &reply(401, "ab/cdefgh or ab%2Fcdefgh"));
    assert!(!done.excerpt.contains("cdefgh"), "{}", done.excerpt);
}
