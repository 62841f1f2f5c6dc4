//! One story through every sink of the registry, against the simulated vendors: nobody's rules are broken, everything is
//! taken, nothing stays owed or open. What the vendors got is recorded; `cargo xtask wire` holds it against their specs.

use std::collections::BTreeSet;

use engine::desired::{Desired, DesiredIntegration, Of};
use integrations::kit::SinkKind;
use integrations::registry::SINKS;
use lifecycle::matching::parse_matcher;
use model::{
    Action, ActionVerb, Actor, AttemptKind, DurationMs, Manner, Outcome, Severity, Signal,
    SignalKind, Told,
};
use store::AttemptQuery;

use crate::harness::{World, fire, integration};

/// Not recorded: `wirecheck` holds every path that ends in `/enqueue` for an alert's event, and asks for the dedup key that
/// a change event does not have. They are told in a story without a record.
const CHANGES: &str = "pagerduty_change";

const KEY: &str = "disk \"sda1\" <full> & hot, größer als 90 %";

/// Every sink with its example's settings: for all issues, for critical ones, for notifications.
fn everything(desired: &mut Desired, vendors: &str) {
    let mut all = Vec::new();
    for kind in SINKS.iter().filter(|kind| kind.manifest().name != CHANGES) {
        let manifest = kind.manifest();
        if manifest.takes_issues {
            all.push(told(*kind, vendors, "", Of::Issues));
            all.push(DesiredIntegration {
                matchers: vec![parse_matcher(r#"severity="critical""#).unwrap()],
                ..told(*kind, vendors, "-critical", Of::Issues)
            });
        }
        if manifest.takes_notifications {
            all.push(told(*kind, vendors, "-news", Of::Notifications));
        }
    }
    desired.projects[0].integrations = all;
}

fn told(kind: &dyn SinkKind, vendors: &str, suffix: &str, of: Of) -> DesiredIntegration {
    let name = kind.manifest().name;
    let settings = serde_json::Value::Object(kind.example(vendors));
    DesiredIntegration {
        of,
        ..integration(&format!("{name}{suffix}"), name, settings)
    }
}

fn signal(value: &str, severity: Severity) -> Signal {
    let mut signal = Signal {
        value: Some(value.to_owned()),
        severity: Some(severity),
        ..fire(KEY)
    };
    signal.text =
        format!("The disk is {value} full.\nSecond line: \"quoted\" <b>&amp;</b> *bold* @here");
    signal.labels.set("env", "prod");
    signal.labels.set("team", "db");
    signal
}

#[tokio::test(flavor = "multi_thread")]
async fn one_story_through_every_sink() {
    let world = World::recorded("story", everything).await;
    world.send(vec![signal("91 %", Severity::Warning)]).await;
    world.settled().await;
    for value in ["92 %", "93 %"] {
        world.clock.advance(DurationMs::from_mins(2));
        world.send(vec![signal(value, Severity::Warning)]).await;
        world.settled().await;
    }
    // The rise into a match: those that wait for critical ones open now.
    world.send(vec![signal("99 %", Severity::Critical)]).await;
    world.settled().await;
    let id = world.fire_signal(signal("99 %", Severity::Critical)).await;
    let acts = [
        ActionVerb::Acknowledge { lasting: None },
        ActionVerb::Unacknowledge,
        ActionVerb::Note,
        ActionVerb::Assign {
            to: Some("bob@example.org".to_owned()),
        },
        ActionVerb::Shelve {
            lasting: DurationMs::from_hours(1),
        },
        ActionVerb::Unshelve,
    ];
    for verb in acts {
        let act = Action {
            verb,
            by: Actor {
                name: "ada".to_owned(),
                via: "api".to_owned(),
            },
            note: Some("seen, \"cleaning\" up <now>".to_owned()),
        };
        world.hub.intake().act(id, act, None).await.unwrap();
        // What is on its way must not see the clock jump: its claim would be old.
        world.settled().await;
        world.clock.advance(DurationMs::from_mins(1));
    }
    let news = Signal {
        kind: SignalKind::Inform,
        ..signal("99 %", Severity::Info)
    };
    world
        .send(vec![Signal {
            key: "backup".to_owned(),
            ..news
        }])
        .await;
    world.settled().await;
    world
        .send(vec![Signal {
            kind: SignalKind::Resolve,
            ..signal("40 %", Severity::Critical)
        }])
        .await;
    world.settled().await;

    let broken = world.sandbox.violations();
    assert!(broken.is_empty(), "{broken:#?}");
    let vendors: BTreeSet<&str> = SINKS.iter().map(|kind| kind.manifest().vendor).collect();
    let heard: BTreeSet<&str> = (world.sandbox.requests(&sandbox::RequestFilter::default()))
        .iter()
        .map(|recorded| recorded.request.vendor)
        .collect();
    assert_eq!(heard, vendors, "each vendor heard of it");

    let query = AttemptQuery {
        limit: 1000,
        ..AttemptQuery::default()
    };
    for (_, attempt) in world.hub.store().attempts(query).await.unwrap() {
        let name = world.integration_name(attempt.lane.integration);
        // A vendor may ask for patience; it is told afterwards.
        let taken = match &attempt.kind {
            AttemptKind::Skipped => true,
            AttemptKind::Sent { outcome, .. } | AttemptKind::Late { outcome, .. } => matches!(
                outcome,
                Outcome::Delivered | Outcome::Accepted | Outcome::Throttled { .. }
            ),
        };
        assert!(taken, "{name}: {attempt:?}");
    }
    let loaded = world.hub.store().load(vec![id]).await.unwrap().remove(0);
    let catalog = world.hub.catalog();
    for lane in loaded.unwrap().lanes {
        let name = world.integration_name(lane.key.integration);
        let revision = catalog.revision(lane.key.integration, lane.key.revision);
        if revision.unwrap().manifest.manner != Manner::Log {
            assert_eq!(lane.told, Told::Closed, "{name}");
        }
        assert_eq!(lane.cursor, lane.head, "{name} owes something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_a_change_event_at_pagerduty() {
    let world = World::new(|desired, vendors| {
        let kind = integrations::registry::sink(CHANGES).unwrap();
        desired.projects[0].integrations = vec![told(kind, vendors, "", Of::Notifications)];
    })
    .await;
    let news = Signal {
        kind: SignalKind::Inform,
        ..signal("99 %", Severity::Info)
    };
    world.send(vec![news]).await;
    world.settled().await;
    let requests = world.sandbox.requests(&sandbox::RequestFilter::default());
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].status, 202);
    assert!(world.sandbox.violations().is_empty());
}
