//! What an alert looks like there.

use super::*;

#[test]
fn an_alert_is_created_with_its_id_as_the_alias() {
    let saying = Saying::of(samples::alert(Status::Open));
    let sink = with(json!({
        "users": ["anna@example.com"], "schedules": ["Night"], "escalations": ["4513b7ea-3b91-438f-b7e4-e3e54af9147c"],
        "visible_to_teams": ["Support"], "visible_to_users": ["bo@example.com"], "actions": ["restart"],
        "tags": ["campanile"], "tag_labels": ["env", "nowhere"],
    }));
    insta::assert_json_snapshot!(shown(&*sink, &request(&*sink, &saying.task(Verb::Open))));
}

#[test]
fn a15_the_preset_alerta_has_alertas_fields() {
    let mut alert = samples::alert(Status::Open);
    let content = Arc::make_mut(&mut alert.content);
    content.labels.set("environment", "Production");
    content.labels.set("service", "storage,web");
    content.labels.set("group", "OS");
    content.event = "DiskFull".to_owned();
    let saying = Saying::of(alert);
    for preset in ["alerta", "alerta_plugin"] {
        let sink = with(json!({ "preset": preset }));
        let body = body(&request(&*sink, &saying.task(Verb::Open)));
        assert_eq!(body["alias"], ALIAS);
        insta::assert_json_snapshot!(preset, body);
        // It sends `{}` with a close.
        let close = request(&*sink, &saying.task(Verb::Close));
        assert_eq!(&close.body[..], b"{}");
        // Of the texts it has only the message: no description and no priority.
        let put = "PUT /ALIAS/message?identifierType=alias +0";
        let replies = [taken(), became(true, "")];
        let (requests, _) = talk(&*sink, &saying.task(Verb::Update), &replies);
        assert_eq!(said(&requests[..1]), [put]);
        let replies = [
            taken(),
            became(true, ""),
            taken(),
            taken(),
            became(true, ""),
        ];
        let (requests, _) = talk(&*sink, &saying.task(Verb::Set(Told::Acked)), &replies);
        let acknowledge = "POST /ALIAS/acknowledge?identifierType=alias +0";
        assert_eq!(said(&requests[2..4]), [put, acknowledge]);
    }
}

#[test]
fn a14_the_source_is_always_set() {
    for (more, source) in [
        (json!({}), "Campanile"),
        (json!({ "preset": "alerta" }), "Alerta"),
        (json!({ "preset": "alerta_plugin" }), "Alerta"),
        (
            json!({ "preset": "alerta", "source": "Alerta EU" }),
            "Alerta EU",
        ),
    ] {
        let sink = with(more);
        let saying = Saying::of(samples::alert(Status::Open));
        assert_eq!(
            body(&request(&*sink, &saying.task(Verb::Open)))["source"],
            source
        );
    }
}

#[test]
fn e16_a_notification_is_an_alert_of_its_own() {
    assert!(OPSGENIE.manifest().takes_notifications && OPSGENIE.manifest().takes_issues);
    let saying = Saying::of(samples::notification());
    let body = body(&request(&*opsgenie(), &saying.task(Verb::Inform)));
    assert_eq!(body["message"], "Cluster volumes failed to provision");
    assert_eq!(body["priority"], "P3");
}

#[test]
fn priorities_follow_severity_and_can_be_changed() {
    let priority = |sink: &dyn Sink, severity| {
        let mut alert = samples::alert(Status::Open);
        Arc::make_mut(&mut alert.content).severity = severity;
        body(&request(sink, &Saying::of(alert).task(Verb::Open)))["priority"].clone()
    };
    let own = with(json!({ "priorities": { "minor": "P4", "info": "P5" } }));
    for (severity, usual, changed) in [
        (Severity::Critical, "P1", "P1"),
        (Severity::Major, "P2", "P2"),
        (Severity::Minor, "P3", "P4"),
        (Severity::Warning, "P3", "P3"),
        (Severity::Info, "P5", "P5"),
    ] {
        assert_eq!(priority(&*opsgenie(), severity), usual);
        assert_eq!(priority(&*own, severity), changed);
    }
}

/// The longest alert that there can be.
fn long() -> Alert {
    let mut alert = samples::alert(Status::Open);
    let content = Arc::make_mut(&mut alert.content);
    content.title = "ä<&>\"".repeat(200);
    content.text = "ö\"\n".repeat(20_000);
    content.resource = "ü".repeat(2000);
    for i in 0..100 {
        content.labels.set(format!("label_{i}"), "é".repeat(900));
    }
    content.annotations = [("cause", "ß".repeat(9000)), ("remedy", "x".repeat(9000))]
        .into_iter()
        .collect();
    alert
}

#[test]
fn everything_is_cut_by_characters_at_opsgenies_limits() {
    let labels: Vec<String> = (0..100).map(|i| format!("label_{i}")).collect();
    let sink = with(json!({ "tag_labels": labels, "tags": ["a", "a", "b"] }));
    for preset in ["campanile", "alerta", "alerta_plugin"] {
        let sink = match preset {
            "campanile" => Arc::clone(&sink),
            preset => with(json!({ "preset": preset })),
        };
        let body = body(&request(&*sink, &Saying::of(long()).task(Verb::Open)));
        let chars = |name: &str| body[name].as_str().unwrap_or_default().chars().count();
        assert_eq!(chars("message"), 130, "{preset}");
        assert!(chars("description") <= 15_000 && chars("entity") <= 512 && chars("alias") <= 512);
        let tags: Vec<&str> = body["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t.as_str().unwrap())
            .collect();
        assert!(
            tags.len() <= 20 && tags.iter().all(|t| (1..=50).contains(&t.chars().count())),
            "{tags:?}"
        );
        let details = body["details"].as_object().unwrap();
        let weight: usize = details
            .iter()
            .map(|(k, v)| k.chars().count() + v.as_str().unwrap().chars().count())
            .sum();
        assert!(weight <= 8000, "{weight}");
    }
    let body = body(&request(&*sink, &Saying::of(long()).task(Verb::Open)));
    assert!(
        body["description"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/alerts/{ALIAS}")),
        "where it is, is never cut"
    );
    assert_eq!(body["tags"][0], "a");
    assert_eq!(body["tags"][1], "b");
    assert_eq!(body["details"]["severity"], "critical");
    let long_note = Event {
        note: Some("n".repeat(30_000)),
        ..event(4, EventKind::Noted, &"w".repeat(300))
    };
    let note = request(&*sink, &noted(long_note).task(Verb::Note(4)));
    let note: Value = serde_json::from_slice(&note.body).unwrap();
    assert_eq!(note["note"].as_str().unwrap().chars().count(), 25_000);
    assert_eq!(note["user"].as_str().unwrap().chars().count(), 100);
}

#[test]
fn a_test_alert_says_that_it_is_one() {
    let saying = Saying {
        test: true,
        ..Saying::of(samples::alert(Status::Open))
    };
    for preset in ["campanile", "alerta", "alerta_plugin"] {
        let sink = with(json!({ "preset": preset }));
        let message = body(&request(&*sink, &saying.task(Verb::Open)))["message"].clone();
        assert!(message.as_str().unwrap().starts_with("Test: "), "{message}");
    }
}
