//! Silences: written at the version read, seen by whoever looks at the catalog's version, forgotten after their end.

use std::sync::Arc;

use model::{
    Labels, MatchOp, Matcher, ProjectId, Silence, SilenceId, TimeInterval, TimeRange, Timestamp,
};
use store::{Store, SweepReport, SweepRules, WriteError};

use super::make::*;

/// A plain silence of an hour.
pub fn silence(n: u128) -> Silence {
    Silence {
        id: SilenceId(n),
        project: PROJECT,
        matchers: vec![matcher("env", MatchOp::Equal, "prod")],
        starts_at: NOW,
        ends_at: at(3_600_000),
        windows: vec![],
        created_by: "ann".into(),
        comment: String::new(),
        annotations: Labels::new(),
        updated_at: NOW,
        version: 1,
    }
}

fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher {
        name: name.into(),
        op,
        value: value.into(),
    }
}

/// Every field has something that is not usual.
fn full(n: u128) -> Silence {
    Silence {
        project: ProjectId(u128::MAX - 9),
        matchers: vec![
            matcher("env", MatchOp::Equal, "prod"),
            matcher("host", MatchOp::NotEqual, ""),
            matcher("severity", MatchOp::Regex, "critical|major"),
            matcher("team name", MatchOp::NotRegex, "^(a|b)$"),
        ],
        starts_at: at(-7),
        ends_at: Timestamp::NEVER,
        windows: vec![
            TimeInterval {
                times: vec![TimeRange {
                    start_time: "22:00".into(),
                    end_time: "24:00".into(),
                }],
                weekdays: vec!["monday:friday".into(), "sunday".into()],
                days_of_month: vec!["-3:-1".into()],
                months: vec!["may:august".into()],
                years: vec!["2026:2030".into()],
                location: Some("Europe/Berlin".into()),
            },
            TimeInterval::default(),
        ],
        comment: "a paragraph\nwith a link".into(),
        annotations: [("ticket", "OPS-1"), ("", "empty name")]
            .into_iter()
            .collect(),
        updated_at: at(13),
        version: u32::MAX,
        ..silence(n)
    }
}

async fn put(
    store: &Arc<dyn Store>,
    silence: &Silence,
    expected: Option<u32>,
) -> Result<(), WriteError> {
    store.put_silence(silence.clone(), expected).await
}

async fn put_new(store: &Arc<dyn Store>, silence: &Silence) {
    put(store, silence, None).await.unwrap();
}

async fn ids(store: &Arc<dyn Store>) -> Vec<u128> {
    let found = store.silences().await.unwrap();
    found.iter().map(|silence| silence.id.0).collect()
}

/// Forgets silences that ended before 10 s.
fn rules(limit: usize) -> SweepRules {
    SweepRules {
        closed_before: Timestamp::ZERO,
        attempts_before: Timestamp::ZERO,
        messages_before: Timestamp::ZERO,
        silences_before: at(10_000),
        updates_kept: 1000,
        limit,
    }
}

fn ending(n: u128, ends_at: Timestamp) -> Silence {
    Silence {
        ends_at,
        ..silence(n)
    }
}

pub async fn a_silence_reads_back_as_it_was_written(store: Arc<dyn Store>) {
    assert_eq!(store.silences().await.unwrap(), vec![]);
    put_new(&store, &full(1)).await;
    put_new(&store, &silence(2)).await;
    assert_eq!(store.silences().await.unwrap(), vec![full(1), silence(2)]);
}

pub async fn silences_come_by_id_whatever_their_project(store: Arc<dyn Store>) {
    for n in [3, u128::MAX, 1 << 127, 1, 256, 2] {
        let mut silence = silence(n);
        silence.project = ProjectId(u128::MAX - n);
        put_new(&store, &silence).await;
    }
    assert_eq!(
        ids(&store).await,
        [1, 2, 3, 256, 1 << 127, u128::MAX],
        "as numbers without a sign"
    );
}

pub async fn a_changed_silence_replaces_the_one_before_in_every_field(store: Arc<dyn Store>) {
    put_new(&store, &silence(1)).await;
    put_new(&store, &silence(2)).await;
    put(&store, &full(1), Some(1)).await.unwrap();
    assert_eq!(store.silences().await.unwrap(), vec![full(1), silence(2)]);
    // And back: nothing of it stays.
    put(&store, &silence(1), Some(u32::MAX)).await.unwrap();
    assert_eq!(
        store.silences().await.unwrap(),
        vec![silence(1), silence(2)]
    );
}

pub async fn a_silence_is_made_once(store: Arc<dyn Store>) {
    put_new(&store, &silence(1)).await;
    assert_conflict(put(&store, &full(1), None).await);
    assert_eq!(store.silences().await.unwrap(), vec![silence(1)]);
}

pub async fn a_silence_is_written_at_the_version_read_only(store: Arc<dyn Store>) {
    let next = Silence {
        version: 2,
        comment: "first".into(),
        ..silence(1)
    };
    assert_conflict(put(&store, &next, Some(1)).await);
    assert_eq!(store.silences().await.unwrap(), vec![], "it is not there");
    put_new(&store, &silence(1)).await;
    assert_conflict(put(&store, &next, Some(2)).await);
    assert_conflict(put(&store, &next, Some(0)).await);
    put(&store, &next, Some(1)).await.unwrap();
    let late = Silence {
        comment: "second".into(),
        ..next.clone()
    };
    assert_conflict(put(&store, &late, Some(1)).await);
    assert_eq!(store.silences().await.unwrap(), vec![next]);
}

pub async fn of_writers_of_one_version_of_a_silence_one_wins(store: Arc<dyn Store>) {
    put_new(&store, &silence(1)).await;
    let mut tasks = Vec::new();
    for n in 0..20 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mine = Silence {
                version: 2,
                comment: n.to_string(),
                ..silence(1)
            };
            match put(&store, &mine, Some(1)).await {
                Ok(()) => Some(mine),
                Err(WriteError::Conflict) => None,
                Err(other) => panic!("{other}"),
            }
        }));
    }
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    assert_eq!(won.len(), 1);
    assert_eq!(store.silences().await.unwrap(), won);
}

pub async fn a_written_silence_moves_the_catalogs_version_and_a_conflict_does_not(
    store: Arc<dyn Store>,
) {
    let version = || async { store.catalog_version().await.unwrap() };
    let mut changed = store.changed();
    let before = version().await;
    changed.mark_unchanged();
    put_new(&store, &silence(1)).await;
    assert_eq!(version().await, before + 1);
    assert!(changed.has_changed().unwrap(), "its readers are woken");
    put(&store, &silence(1), Some(1)).await.unwrap();
    assert_eq!(version().await, before + 2);
    assert_conflict(put(&store, &silence(1), None).await);
    assert_conflict(put(&store, &silence(1), Some(7)).await);
    assert_eq!(version().await, before + 2);
    assert_eq!(store.catalog().await.unwrap().version, before + 2);
}

pub async fn hostile_text_in_a_silence_reads_back(store: Arc<dyn Store>) {
    let texts = [
        "'; DROP TABLE silence; --",
        "\"\\ \u{0} \u{1} \u{7f} \u{2028}",
        "\u{202e}\u{1f514}\u{fffd}\u{10ffff}",
        "{\"m\":[]}",
        "%s $1 ?1 :a \\u0000 \\x00",
        "",
    ];
    let mut written = Vec::new();
    for (n, text) in (1..).zip(texts) {
        let hostile = Silence {
            matchers: vec![matcher(text, MatchOp::Regex, text)],
            windows: vec![TimeInterval {
                location: Some(text.into()),
                weekdays: vec![text.into()],
                ..TimeInterval::default()
            }],
            created_by: text.into(),
            comment: text.repeat(100),
            annotations: [(text, text)].into_iter().collect(),
            ..silence(n)
        };
        put_new(&store, &hostile).await;
        written.push(hostile);
    }
    assert_eq!(store.silences().await.unwrap(), written);
}

pub async fn silences_that_ended_long_ago_go_and_open_ones_stay(store: Arc<dyn Store>) {
    put_new(&store, &ending(1, at(9_999))).await;
    put_new(&store, &ending(2, at(10_000))).await;
    put_new(&store, &ending(3, Timestamp::NEVER)).await;
    put_new(&store, &ending(4, at(-1_000_000))).await;
    let before = store.catalog_version().await.unwrap();
    let expected = SweepReport {
        silences: 2,
        ..SweepReport::default()
    };
    assert_eq!(store.sweep(rules(100)).await.unwrap(), expected);
    assert_eq!(ids(&store).await, [2, 3]);
    assert_eq!(store.catalog_version().await.unwrap(), before + 1);
    // With nothing to forget nobody is told to read again.
    assert_eq!(
        store.sweep(rules(100)).await.unwrap(),
        SweepReport::default()
    );
    assert_eq!(store.catalog_version().await.unwrap(), before + 1);
    // Even at the end of time: one that never ends has not ended.
    let last = SweepRules {
        silences_before: Timestamp::NEVER,
        ..rules(100)
    };
    assert_eq!(store.sweep(last).await.unwrap().silences, 1);
    assert_eq!(ids(&store).await, [3]);
}

pub async fn a_forgotten_silence_is_no_more_there_to_be_changed(store: Arc<dyn Store>) {
    put_new(&store, &ending(1, at(0))).await;
    assert_eq!(store.sweep(rules(100)).await.unwrap().silences, 1);
    let next = Silence {
        version: 2,
        ..silence(1)
    };
    assert_conflict(put(&store, &next, Some(1)).await);
    put_new(&store, &silence(1)).await;
    assert_eq!(store.silences().await.unwrap(), vec![silence(1)]);
}

pub async fn silences_are_forgotten_in_small_steps_those_first_that_ended_first(
    store: Arc<dyn Store>,
) {
    for n in 1..=7u32 {
        let ends_at = at(-i64::from(n));
        put_new(&store, &ending(n.into(), ends_at)).await;
    }
    let step = store.sweep(rules(3)).await.unwrap();
    assert!(step.more && step.silences == 3, "{step:?}");
    assert_eq!(ids(&store).await, [1, 2, 3, 4]);
    let step = store.sweep(rules(3)).await.unwrap();
    assert!(step.more && step.silences == 3, "{step:?}");
    let step = store.sweep(rules(3)).await.unwrap();
    assert!(!step.more && step.silences == 1, "{step:?}");
    assert_eq!(ids(&store).await, [0u128; 0]);
}
