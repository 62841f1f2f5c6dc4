//! "Test integration": the real way, a marked alert that ends itself, an answer that a person can act on.

use engine::Trial;
use model::{Alert, DurationMs, Outcome};
use store::AlertQuery;

use crate::harness::{World, color, webhook};

async fn try_out(world: &World, name: &str) -> Vec<Trial> {
    let catalog = world.hub.catalog();
    let mut all = catalog.integrations.values().flatten();
    let integration = all.find(|integration| integration.name == name).unwrap();
    let revision = catalog.revision(integration.id, integration.revision);
    world.hub.try_out(revision.unwrap()).await
}

async fn stored(world: &World) -> Vec<Alert> {
    let query = AlertQuery {
        limit: 100,
        ..AlertQuery::default()
    };
    let found = world.hub.store().list_alerts(query).await.unwrap();
    found.into_iter().map(|seen| seen.alert).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e23_e24_a_test_appears_says_that_it_is_one_and_ends_itself() {
    let world = World::new(|desired, vendors| {
        desired.projects[0]
            .integrations
            .push(webhook("hook", vendors));
    })
    .await;
    let trials = try_out(&world, "slack").await;
    let said: Vec<&str> = trials.iter().map(|trial| trial.said).collect();
    assert_eq!(said, ["opened", "closed"]);
    assert!(trials.iter().all(Trial::is_good), "{trials:?}");
    let messages = world.messages();
    assert_eq!(messages.len(), 1, "one message, edited");
    assert_eq!(color(&messages[0]), "good");
    let shown = format!("{:?}", messages[0]);
    assert!(shown.contains("Test of the integration slack"), "{shown}");

    assert_eq!(try_out(&world, "hook").await.len(), 2);
    let receiver = world.sandbox.vendor::<sandbox::webhook::Webhook>().unwrap();
    assert_eq!(receiver.counts(None).accepted, 2);
    assert_eq!(stored(&world).await.len(), 0, "nothing of it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_says_why_and_one_that_works_ends_a_suspension() {
    let world = World::new(|_, _| {}).await;
    let refused = serde_json::json!({ "vendor": "slack", "status": 200, "body": { "ok": false, "error": "invalid_auth" } });
    world
        .sandbox
        .add_fault(serde_json::from_value(refused).unwrap())
        .unwrap();
    world.fire("db-1").await;
    world.calm().await;
    let failed = try_out(&world, "slack").await;
    assert_eq!(failed.len(), 1, "what cannot be opened is not closed");
    assert_eq!(failed[0].outcome, Outcome::CredentialBad);
    assert!(failed[0].words.contains("token"), "{}", failed[0].words);

    world.sandbox.remove_faults(None);
    assert!(try_out(&world, "slack").await.iter().all(Trial::is_good));
    world
        .move_until(
            "what was owed leaves without waiting for the probe",
            DurationMs::from_mins(2),
            DurationMs::from_secs(1),
            |w| w.colors() == ["good", "danger"],
        )
        .await;
}
