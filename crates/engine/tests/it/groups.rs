//! Alerts that share one message.

use crate::harness::*;
use engine::desired::{GroupBy, Grouping};
use integrations::kit::SignalOutcome;
use model::{AlertId, DurationMs, LifecycleModel, Severity, Signal, SignalKind, Status};
use store::AlertQuery;

/// Groups by these labels, with a wait of 30 s and an interval of 5 min.
fn grouped(by: &[&str]) -> Option<Grouping> {
    Some(Grouping {
        by: GroupBy::Labels(by.iter().map(|name| (*name).to_owned()).collect()),
        wait: DurationMs::from_secs(30),
        interval: DurationMs::from_mins(5),
    })
}

async fn world(by: &[&str]) -> World {
    World::new(|desired, _| desired.projects[0].integrations[0].policy.group = grouped(by)).await
}

fn of(key: &str, env: &str) -> Signal {
    Signal {
        labels: [("env", env), ("key", key)].into_iter().collect(),
        severity: Some(Severity::Warning),
        ..fire(key)
    }
}

fn over(signal: Signal) -> Signal {
    Signal {
        kind: SignalKind::Resolve,
        ..signal
    }
}

impl World {
    /// Moves on so far, in steps of a second.
    async fn pass(&self, time: DurationMs) {
        for _ in 0..time.0 / 1000 {
            self.clock.advance(DurationMs::from_secs(1));
            self.calm().await;
        }
    }

    async fn groups(&self) -> Vec<model::Alert> {
        let query = AlertQuery {
            limit: 100,
            ..AlertQuery::default()
        };
        let all = self.hub.store().list_alerts(query).await.unwrap();
        all.into_iter()
            .map(|row| row.alert)
            .filter(|alert| alert.model == LifecycleModel::Group)
            .collect()
    }

    /// Everything that each message says, in order.
    fn said(&self) -> Vec<String> {
        let said = |m: &sandbox::slack::Message| serde_json::to_string(&m.content).unwrap();
        self.messages().iter().map(said).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_alerts_of_one_group_in_ten_seconds_are_one_message() {
    let world = world(&["env"]).await;
    for second in 0..10 {
        let batch = (0..50)
            .map(|n| of(&format!("db-{}", second * 50 + n), "prod"))
            .collect();
        world.send(batch).await;
        world.clock.advance(DurationMs::from_secs(1));
    }
    world.pass(DurationMs::from_secs(40)).await;
    assert_eq!(world.colors().len(), 1);
    assert!(
        world.said()[0].contains("500 alerts: env=prod"),
        "{:?}",
        world.said()
    );
    // All but one end; the message is edited, at most every five minutes, and then is green.
    let ends = (1..500)
        .map(|n| over(of(&format!("db-{n}"), "prod")))
        .collect();
    world.send(ends).await;
    world.pass(DurationMs::from_mins(11)).await;
    assert!(
        world.said()[0].contains("1 alert: env=prod"),
        "{:?}",
        world.said()
    );
    world.send(vec![over(of("db-0", "prod"))]).await;
    world.pass(DurationMs::from_secs(5)).await;
    assert_eq!(world.colors(), ["good"]);
    assert!(world.sandbox.violations().is_empty());
    let edits = world.messages()[0].history.len();
    assert!((2..=4).contains(&edits), "{edits} edits");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_differ_have_messages_of_their_own_and_one_without_the_label_too() {
    let world = world(&["env"]).await;
    let mut plain = of("db-4", "x");
    plain.labels = [("key", "db-4")].into_iter().collect();
    world
        .send(vec![
            of("db-1", "prod"),
            of("db-2", "test"),
            of("db-3", "prod"),
            plain,
        ])
        .await;
    world.pass(DurationMs::from_secs(35)).await;
    assert_eq!(world.messages().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_over_within_its_wait_is_never_told() {
    let world = world(&["env"]).await;
    world.send(vec![of("db-1", "prod")]).await;
    world.pass(DurationMs::from_secs(10)).await;
    world.send(vec![over(of("db-1", "prod"))]).await;
    world.pass(DurationMs::from_mins(2)).await;
    assert!(world.messages().is_empty());
    assert_eq!(world.groups().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_begins_again_is_a_new_message() {
    let world = world(&["env"]).await;
    for _ in 0..2 {
        world.send(vec![of("db-1", "prod")]).await;
        world.pass(DurationMs::from_secs(35)).await;
        world.send(vec![over(of("db-1", "prod"))]).await;
        world.pass(DurationMs::from_secs(5)).await;
    }
    assert_eq!(world.colors(), ["good", "good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_severity_that_rises_in_a_group_is_told_with_the_next_edit() {
    let world = world(&["env"]).await;
    world.send(vec![of("db-1", "prod")]).await;
    world.pass(DurationMs::from_secs(35)).await;
    assert!(world.said()[0].contains("warning"));
    let worse = Signal {
        severity: Some(Severity::Critical),
        ..of("db-2", "prod")
    };
    world.send(vec![worse]).await;
    world.pass(DurationMs::from_mins(6)).await;
    assert!(
        world.said()[0].contains("critical: Disk full on db-2"),
        "{:?}",
        world.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_member_that_ends_while_the_hub_is_stopped_leaves_its_group_after_the_restart() {
    let world = world(&["env"]).await;
    world
        .send(vec![of("db-1", "prod"), of("db-2", "prod")])
        .await;
    world.pass(DurationMs::from_secs(35)).await;
    let world = world.restart(DurationMs::from_mins(1)).await;
    world
        .send(vec![over(of("db-1", "prod")), over(of("db-2", "prod"))])
        .await;
    world.pass(DurationMs::from_secs(5)).await;
    assert_eq!(world.colors(), ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_what_was_told_in_a_group_ends_there_after_grouping_was_switched_off() {
    let mut world = world(&["env"]).await;
    world.send(vec![of("db-1", "prod")]).await;
    world.pass(DurationMs::from_secs(35)).await;
    world.desired.projects[0].integrations[0].policy.group = None;
    world.hub.apply(&world.desired).await.unwrap();
    world.pass(DurationMs::from_secs(5)).await;
    world.send(vec![of("db-2", "prod")]).await;
    world.pass(DurationMs::from_secs(5)).await;
    assert_eq!(
        world.messages().len(),
        2,
        "the new one has a message of its own"
    );
    world
        .send(vec![over(of("db-1", "prod")), over(of("db-2", "prod"))])
        .await;
    world.pass(DurationMs::from_secs(5)).await;
    assert_eq!(world.colors(), ["good", "good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_message_of_its_own_keeps_it_when_grouping_is_switched_on() {
    let mut world = World::new(|_, _| {}).await;
    world.send(vec![of("db-1", "prod")]).await;
    world.until("told", |w| w.messages().len() == 1).await;
    world.desired.projects[0].integrations[0].policy.group = grouped(&["env"]);
    world.hub.apply(&world.desired).await.unwrap();
    world.pass(DurationMs::from_secs(5)).await;
    world.send(vec![over(of("db-1", "prod"))]).await;
    world.pass(DurationMs::from_secs(5)).await;
    assert_eq!(world.colors(), ["good"]);
    assert!(world.groups().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_labels_change_moves_to_its_new_group() {
    let world = world(&["env"]).await;
    world
        .send(vec![of("db-1", "prod"), of("db-2", "prod")])
        .await;
    world.pass(DurationMs::from_secs(35)).await;
    world.send(vec![of("db-1", "test")]).await;
    world.pass(DurationMs::from_mins(7)).await;
    let mut groups: Vec<(String, Status)> = world
        .groups()
        .await
        .into_iter()
        .map(|group| (group.content.title.clone(), group.status))
        .collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        groups,
        [
            ("1 alert: env=prod".to_owned(), Status::Open),
            ("1 alert: env=test".to_owned(), Status::Open)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_credential_is_not_repaired_by_members_that_join_meanwhile() {
    let world = world(&["env"]).await;
    let refused = serde_json::json!({
        "vendor": "slack", "status": 200, "body": r#"{"ok":false,"error":"invalid_auth"}"#,
    });
    world
        .sandbox
        .add_fault(serde_json::from_value(refused).unwrap())
        .unwrap();
    world.send(vec![of("db-1", "prod")]).await;
    world.pass(DurationMs::from_secs(35)).await;
    world
        .send(vec![of("db-2", "test"), of("db-3", "prod")])
        .await;
    world.pass(DurationMs::from_secs(60)).await;
    let asked = world
        .sandbox
        .requests(&sandbox::RequestFilter::default())
        .len();
    assert!((1..=2).contains(&asked), "{asked} requests while suspended");
    world.sandbox.remove_faults(None);
    world.pass(DurationMs::from_mins(12)).await;
    assert_eq!(world.colors().len(), 2);
    assert!(
        world
            .said()
            .iter()
            .any(|said| said.contains("2 alerts: env=prod")),
        "{:?}",
        world.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_alerts_of_no_group_are_paced_the_critical_first_and_none_is_lost() {
    let world = World::new(|_, _| {}).await;
    let signals: Vec<Signal> = (0..500)
        .map(|n| Signal {
            severity: Some(match n % 10 {
                9 => Severity::Critical,
                _ => Severity::Warning,
            }),
            ..of(&format!("db-{n}"), "prod")
        })
        .collect();
    let opened = world.send(signals).await;
    let ids: Vec<AlertId> = opened
        .iter()
        .filter_map(|o| match o {
            SignalOutcome::Opened(id) => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 500);
    world
        .move_until(
            "all told",
            DurationMs::from_mins(20),
            DurationMs::from_secs(1),
            |w| w.messages().len() == 500,
        )
        .await;
    let said = world.said();
    let is_critical = |text: &String| {
        let rest = text.split("Disk full on db-").nth(1).unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.ends_with('9')
    };
    assert_eq!(said.iter().filter(|text| is_critical(text)).count(), 50);
    // What left before the first look at the whole crowd is not ordered; the rest is.
    let last_critical = said.iter().rposition(is_critical).unwrap();
    assert!(
        last_critical < 100,
        "the last critical one was number {last_critical}"
    );
    assert!(world.sandbox.violations().is_empty());
}
