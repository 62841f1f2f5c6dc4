//! Statements that are known by their text: recognised undecoded, and never taken for repeats where decoding them
//! would say otherwise.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Hub;
use engine::catalog::Way;
use engine::desired::Desired;
use integrations::kit::{Accepted, Answer, Batch, Gist, Inbound, Rejection, SignalOutcome};
use model::{AlertId, Clock, DurationMs, Entropy, SeededEntropy, Signal, Status, Timestamp};

use crate::harness::{World, source, stop};
use crate::twin::Twins;

const KEY: &str = "key-of-prometheus";

fn only_prometheus(desired: &mut Desired, _: &str) {
    desired.projects[0].integrations.clear();
    let prometheus = source("prometheus", "alertmanager", KEY);
    desired.projects[0].sources.push(prometheus);
}

/// Counts what is decoded of a batch.
struct Counted {
    batch: Box<dyn Batch>,
    decoded: Arc<AtomicUsize>,
}

impl Batch for Counted {
    fn len(&self) -> usize {
        self.batch.len()
    }
    fn gist(&self, place: usize) -> Option<Gist<'_>> {
        self.batch.gist(place)
    }
    fn decode(&self, places: &[usize]) -> Result<Vec<Result<Signal, Rejection>>, Answer> {
        self.decoded.fetch_add(places.len(), Ordering::Relaxed);
        self.batch.decode(places)
    }
}

/// What became of a posted body, and how many of its alerts were decoded for it.
#[derive(Debug, PartialEq)]
struct Posted {
    outcomes: Vec<SignalOutcome>,
    rejected: usize,
    decoded: usize,
}

/// Posts a body to a hub. With `plain` it is decoded in whole, as if nothing were known by its text.
async fn post(hub: &Hub, body: &str, plain: bool) -> Posted {
    let catalog = hub.catalog();
    let source = catalog.source_of_key(KEY).unwrap();
    let Way::Dialect { dialect, settings } = &source.way else {
        panic!("{KEY} is a monitor's")
    };
    let inbound = Inbound {
        method: &http::Method::POST,
        path: "/api/v2/alerts",
        query: "",
        headers: &http::HeaderMap::new(),
        body: body.as_bytes(),
        received_at: hub.clock().now(),
        source: &source.name,
    };
    let accepted = dialect.accept(&inbound, settings);
    let decoded = Arc::new(AtomicUsize::new(0));
    let taken = match if plain { accepted.decoded() } else { accepted } {
        Accepted::Batch(batch) => {
            let decoded = decoded.clone();
            let batch = Box::new(Counted { batch, decoded });
            hub.intake().take_batch(source, batch).unwrap()
        }
        Accepted::Signals {
            signals,
            rejections,
        } => {
            let outcomes = hub.intake().submit(source, signals).await.unwrap();
            return Posted {
                decoded: outcomes.len() + rejections.len(),
                rejected: rejections.len(),
                outcomes,
            };
        }
        _ => panic!("not taken: {body}"),
    };
    let fate = hub.intake().finish(taken).await.unwrap();
    Posted {
        outcomes: fate.outcomes,
        rejected: fate.rejections.len(),
        decoded: decoded.load(Ordering::Relaxed),
    }
}

/// An alert of this name that ends so many minutes after `now`.
fn alert(name: &str, now: Timestamp, minutes: i64) -> String {
    let end = now + DurationMs::from_mins(minutes);
    format!(
        r#"{{"labels":{{"alertname":"{name}"}},"startsAt":"2026-11-20T10:00:00Z","endsAt":"{end}"}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_that_is_known_by_its_text_counts_and_moves_the_end_undecoded() {
    let world = World::new(only_prometheus).await;
    let mut posts = Vec::new();
    for _ in 0..4 {
        world.clock.advance(DurationMs::from_mins(1));
        let body = format!("[{}]", alert("A", world.clock.now(), 4));
        posts.push(post(&world.hub, &body, false).await);
    }
    let SignalOutcome::Opened(id) = posts[0].outcomes[0] else {
        panic!("{posts:?}")
    };
    let repeated = |decoded| Posted {
        outcomes: vec![SignalOutcome::Repeated(id)],
        rejected: 0,
        decoded,
    };
    // The second time its text is not known yet: only what was repeated is remembered.
    assert_eq!(posts[1], repeated(1));
    assert_eq!(posts[2..], [repeated(0), repeated(0)]);
    let now = world.clock.now();
    world
        .until_stored("the repeats are written", id, |loaded| {
            loaded.seen.is_some_and(|seen| {
                seen.repeat_count == 3 && seen.ends_at == Some(now + DurationMs::from_mins(4))
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_text_with_an_end_that_says_something_is_decoded() {
    let world = World::new(only_prometheus).await;
    let now = world.clock.now();
    let say = async |minutes: i64| {
        let body = format!("[{}]", alert("A", now, minutes));
        post(&world.hub, &body, false).await
    };
    for _ in 0..3 {
        say(10).await;
    }
    let id = match say(10).await {
        Posted {
            outcomes,
            decoded: 0,
            ..
        } => match outcomes[..] {
            [SignalOutcome::Repeated(id)] => id,
            _ => panic!("{outcomes:?}"),
        },
        other => panic!("{other:?}"),
    };
    let shorter = say(5).await;
    assert_eq!(
        shorter.decoded, 1,
        "it promises less than before: {shorter:?}"
    );
    let over = say(0).await;
    assert_eq!(
        (over.decoded, &over.outcomes),
        (1, &vec![SignalOutcome::Changed(id)])
    );
    assert_eq!(world.alert(id).await.status, Status::Closed);
    let again = say(10).await;
    assert_eq!(again.decoded, 1, "its alert is closed: {again:?}");
    let before_it_began = say(-24 * 60).await;
    assert_eq!((before_it_began.decoded, before_it_began.rejected), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_batch_what_is_known_keeps_its_place_behind_what_is_new() {
    let world = World::new(only_prometheus).await;
    let now = world.clock.now();
    let open = alert("A", now, 5);
    for _ in 0..3 {
        post(&world.hub, &format!("[{open}]"), false).await;
    }
    // Over, and on again: the last word counts, though its text is known and the alert was open before.
    let body = format!("[{open},{},{open}]", alert("A", now, 0));
    let posted = post(&world.hub, &body, false).await;
    assert_eq!(posted.decoded, 2);
    let plain = World::new(only_prometheus).await;
    for _ in 0..3 {
        post(&plain.hub, &format!("[{open}]"), true).await;
    }
    let expected = post(&plain.hub, &body, true).await;
    assert_eq!(kinds(&posted.outcomes), kinds(&expected.outcomes));
    assert!(matches!(posted.outcomes[0], SignalOutcome::Repeated(_)));
}

fn kinds(outcomes: &[SignalOutcome]) -> Vec<std::mem::Discriminant<SignalOutcome>> {
    outcomes.iter().map(std::mem::discriminant).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_known_text_of_an_alert_that_another_node_closed_is_decoded_and_decided_anew() {
    let twins = Twins::new(only_prometheus).await;
    let body = |minutes| format!("[{}]", alert("A", twins.clock.now(), minutes));
    let mut last = post(&twins.a.hub, &body(5), false).await;
    let SignalOutcome::Opened(id) = last.outcomes[0] else {
        panic!("{last:?}")
    };
    for _ in 0..3 {
        last = post(&twins.a.hub, &body(5), false).await;
    }
    assert_eq!(
        (last.decoded, &last.outcomes),
        (0, &vec![SignalOutcome::Repeated(id)])
    );
    twins.b.act(id, model::ActionVerb::Close).await;
    let again = post(&twins.a.hub, &body(5), false).await;
    assert_eq!(again.decoded, 1);
    assert!(
        !matches!(again.outcomes[0], SignalOutcome::Repeated(_)),
        "{again:?}"
    );
}

/// Alerts by the order in which they were first heard of, in place of their ids.
#[derive(Default)]
struct Numbers(HashMap<AlertId, usize>);

impl Numbers {
    fn of(&mut self, outcome: &SignalOutcome) -> (std::mem::Discriminant<SignalOutcome>, usize) {
        let next = self.0.len() + 1;
        let number = match outcome {
            SignalOutcome::Opened(id)
            | SignalOutcome::Changed(id)
            | SignalOutcome::Repeated(id) => *self.0.entry(*id).or_insert(next),
            SignalOutcome::Ignored(_) | SignalOutcome::Refused(_) => 0,
        };
        (std::mem::discriminant(outcome), number)
    }
}

/// A few senders' alerts, each worded in one of some ways, over and over.
fn body(random: &SeededEntropy, now: Timestamp) -> String {
    let one_of = |of: u64| random.next_u64() % of;
    let alert = |_| {
        let name = ["A", "B", "C"][one_of(3) as usize];
        let value = one_of(8) / 7;
        let labels = match one_of(6) {
            0 => format!(r#""labels":{{"env":"x","alertname":"{name}"}}"#),
            1 => format!(r#""labels":{{"alertname":"B","env":"x","alertname":"{name}"}}"#),
            2 => format!(r#""labels":{{"alert\u006eame":"{name}","env":"x","no":null}}"#),
            _ => format!(r#""labels":{{"alertname":"{name}","env":"x"}}"#),
        };
        let start = match one_of(8) {
            0 => String::new(),
            1 => format!(r#","startsAt":"{}""#, now + DurationMs::from_mins(2)),
            _ => r#","startsAt":"2026-11-20T10:00:00Z""#.to_owned(),
        };
        let end = now
            + DurationMs::from_mins(match one_of(10) {
                0 => 0,
                1 => 2,
                _ => 4,
            });
        let end = match one_of(14) {
            0 => String::new(),
            1 => r#","endsAt":null"#.to_owned(),
            2 => format!(r#","ends\u0041t":"{end}""#),
            3 => r#","endsAt":"""#.to_owned(),
            _ => format!(r#","endsAt":"{end}""#),
        };
        format!(r#"{{{labels},"annotations":{{"value":"{value}"}}{start}{end}}}"#)
    };
    let alerts: Vec<String> = (0..1 + one_of(4)).map(alert).collect();
    format!("[{}]", alerts.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_by_its_text_comes_out_as_if_it_were_decoded() {
    let quick = World::new(only_prometheus).await;
    let plain = World::new(only_prometheus).await;
    let (mut of_quick, mut of_plain) = (Numbers::default(), Numbers::default());
    let random = SeededEntropy::new(11);
    let (mut posted, mut undecoded) = (0, 0);
    for round in 0..300 {
        if random.next_u64().is_multiple_of(3) {
            let step = DurationMs((random.next_u64() % 90_000) as i64);
            for world in [&quick, &plain] {
                world.clock.advance(step);
                world.calm().await;
            }
        }
        let body = body(&random, quick.clock.now());
        let one = post(&quick.hub, &body, false).await;
        let other = post(&plain.hub, &body, true).await;
        let numbered = |numbers: &mut Numbers, posted: &Posted| -> Vec<_> {
            posted.outcomes.iter().map(|o| numbers.of(o)).collect()
        };
        assert_eq!(
            numbered(&mut of_quick, &one),
            numbered(&mut of_plain, &other),
            "round {round}: {body}\n{one:?}\n{other:?}"
        );
        assert_eq!(one.rejected, other.rejected, "round {round}: {body}");
        posted += one.outcomes.len();
        undecoded += (one.outcomes.len() + one.rejected).saturating_sub(one.decoded);
    }
    assert!(
        undecoded * 10 > posted && undecoded < posted,
        "both ways are taken: {undecoded} of {posted} were not decoded"
    );
    let quick = alerts(&quick, of_quick).await;
    let plain = alerts(&plain, of_plain).await;
    assert_eq!(quick, plain);
    assert!(quick.len() > 3, "there were several episodes");
}

/// What was kept of each alert: its status, when it ends, when it was last heard of, and how often.
async fn alerts(
    world: &World,
    numbers: Numbers,
) -> Vec<(Status, Option<Timestamp>, Timestamp, u64)> {
    stop(&world.hub, &world.clock).await;
    let mut ids: Vec<(usize, AlertId)> = numbers.0.into_iter().map(|(id, n)| (n, id)).collect();
    ids.sort_unstable();
    let ids = ids.into_iter().map(|(_, id)| id).collect();
    let loaded = world.hub.store().load(ids).await.unwrap();
    let kept = loaded.into_iter().flatten().map(|loaded| {
        let alert = loaded.alert;
        let seen = loaded.seen.filter(|seen| seen.version == alert.version);
        match seen {
            Some(seen) => (
                alert.status,
                seen.ends_at,
                seen.last_seen,
                seen.repeat_count,
            ),
            None => (
                alert.status,
                alert.ends_at,
                alert.last_seen,
                alert.repeat_count,
            ),
        }
    });
    kept.collect()
}
