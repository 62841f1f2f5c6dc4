//! Repeats beside another node: written before they are acknowledged, on the version that they repeat.

use integrations::kit::SignalOutcome;
use model::{ActionVerb, DurationMs, Entropy, SeededEntropy, Status};

use super::world::Twins;

async fn quiet() -> Twins {
    Twins::new(|desired, _| desired.projects[0].integrations.clear()).await
}

/// Until every repeat has been written or stepped.
const WRITTEN: DurationMs = DurationMs::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn i1_critical_through_a_closed_through_b_and_critical_through_a_again_opens_a_new_episode() {
    let twins = quiet().await;
    let random = SeededEntropy::new(42);
    let chance = |of: u64| random.next_u64() % of;
    let pause = async || {
        let pauses = [0, 0, 1, 4, 20, 300, 1100];
        let pause = pauses[usize::try_from(chance(7)).unwrap()];
        if pause > 0 {
            twins.pass(DurationMs(pause)).await;
        }
    };
    let mut over = Vec::new();
    for run in 0..200 {
        let key = format!("db-{run}");
        twins.a.fire(&key).await;
        for _ in 0..chance(3) {
            pause().await;
            twins.a.fire(&key).await;
        }
        pause().await;
        match chance(3) {
            0 => {
                // The close comes while A's repeat is on its way.
                tokio::join!(twins.a.fire(&key), twins.b.resolve(&key));
            }
            1 => {
                let id = twins.alerts(&key).await.last().unwrap().alert.id;
                twins.b.act(id, ActionVerb::Close).await;
            }
            _ => {
                twins.b.resolve(&key).await;
            }
        }
        pause().await;
        // Its sender hears a yes; that must be true.
        twins.a.fire(&key).await;
        // A second word of the same sender must not overtake the first.
        let ends = chance(3) == 0;
        if ends {
            if chance(2) == 0 {
                pause().await;
            }
            twins.a.resolve(&key).await;
        }
        over.push(ends);
    }
    twins.pass(WRITTEN).await;
    let mut stepped = 0;
    for (run, over) in over.into_iter().enumerate() {
        let statuses = twins.statuses(&format!("db-{run}")).await;
        let wanted = match over {
            true => Status::Closed,
            false => Status::Open,
        };
        assert_eq!(statuses.last(), Some(&wanted), "run {run}: {statuses:?}");
        assert!(
            statuses.iter().filter(|s| **s != Status::Closed).count() <= 1,
            "run {run}: {statuses:?}"
        );
        stepped += usize::from(statuses.len() > 1);
    }
    assert!(stepped > 100, "most runs have a second episode: {stepped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_through_a_after_b_acknowledged_keep_the_acknowledgement_and_are_recorded() {
    let twins = quiet().await;
    let id = twins.a.fire("db-1").await;
    twins
        .b
        .act(id, ActionVerb::Acknowledge { lasting: None })
        .await;
    for _ in 0..3 {
        twins.pass(DurationMs::from_secs(2)).await;
        assert_eq!(twins.a.fire("db-1").await, id);
    }
    let last = model::Clock::now(&*twins.clock);
    twins.pass(WRITTEN).await;
    let found = twins.alerts("db-1").await.remove(0);
    assert_eq!(found.alert.status, Status::Acknowledged);
    let seen = found
        .seen
        .filter(|s| s.version == found.alert.version)
        .unwrap();
    assert!(last.since(seen.last_seen).0.abs() < 100, "{seen:?}");
    assert!(seen.repeat_count >= 3, "{seen:?}");
    assert_eq!(twins.alerts("db-1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_through_a_on_the_other_nodes_alert_becomes_a_fast_one() {
    let twins = quiet().await;
    let id = twins.b.fire("db-1").await;
    // The first is found by the stepper, the second in A's cache.
    for _ in 0..2 {
        assert_eq!(
            twins.a.send(crate::harness::fire("db-1")).await,
            SignalOutcome::Repeated(id)
        );
    }
    twins.pass(WRITTEN).await;
    let found = twins.alerts("db-1").await.remove(0);
    assert_eq!(found.seen.map(|s| s.repeat_count), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_what_looks_like_a_repeat_of_an_alert_that_b_closed_is_opened_before_its_sender_hears() {
    let twins = quiet().await;
    twins.a.fire("db-1").await;
    twins.b.resolve("db-1").await;
    let outcome = twins.a.send(crate::harness::fire("db-1")).await;
    assert!(matches!(outcome, SignalOutcome::Opened(_)), "{outcome:?}");
    assert_eq!(twins.statuses("db-1").await, [Status::Closed, Status::Open]);
    // And what is said next through another node comes after it.
    twins.b.resolve("db-1").await;
    assert_eq!(
        twins.statuses("db-1").await,
        [Status::Closed, Status::Closed]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_repeat_is_in_the_store_when_its_sender_hears() {
    let twins = quiet().await;
    twins.a.fire("db-1").await;
    twins.a.fire("db-1").await;
    let found = twins.alerts("db-1").await.remove(0);
    assert_eq!(found.seen.map(|s| s.repeat_count), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_of_one_key_through_changing_nodes_count_in_their_order() {
    let twins = quiet().await;
    let random = SeededEntropy::new(7);
    let chance = |of: u64| random.next_u64() % of;
    for run in 0..100 {
        let key = format!("db-{run}");
        let mut open = false;
        for _ in 0..8 {
            let node = if chance(2) == 0 { &twins.a } else { &twins.b };
            open = chance(3) > 0;
            match open {
                true => {
                    node.fire(&key).await;
                }
                false => {
                    node.resolve(&key).await;
                }
            }
        }
        let statuses = twins.statuses(&key).await;
        let still = statuses.iter().filter(|s| **s == Status::Open).count();
        assert_eq!(still, usize::from(open), "run {run}: {statuses:?}");
    }
}
