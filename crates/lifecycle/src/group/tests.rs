use std::sync::Arc;

use super::*;
use crate::{Change, Decision, Identity, Input, SourcePolicy, StepContext, step};
use model::{Content, DurationMs, LifecycleModel, ProjectId, Scope, SourceId, Timestamp};

fn alert(id: u128, title: &str, severity: Severity, status: Status) -> Alert {
    let policy = SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: DurationMs::ZERO,
        reopen_begun_before: false,
        live_after_close: DurationMs::ZERO,
        update_interval: DurationMs::ZERO,
        tracking_delay: DurationMs::ZERO,
    };
    let cx = StepContext {
        now: Timestamp(1000),
        policy: &policy,
        listening_since: Timestamp::ZERO,
        new_id: AlertId(id),
        key_taken: false,
    };
    let identity = Identity {
        project: ProjectId(1),
        source: SourceId(1),
        scope: Scope::Source(SourceId(1)),
    };
    let signal = Box::new(Signal {
        key: id.to_string(),
        severity: Some(severity),
        title: title.to_owned(),
        ..Signal::default()
    });
    let Decision::Change(change) = step(None, Input::Signal { signal, identity }, &cx) else {
        panic!("a first signal opens")
    };
    let Change { mut alert, .. } = *change;
    alert.status = status;
    alert
}

fn group() -> GroupOf {
    let labels: Labels = [("alertname", "Slow"), ("env", "prod"), ("pod", "a")]
        .into_iter()
        .collect();
    let by = ["env".to_owned(), "alertname".to_owned(), "zone".to_owned()];
    group_of(&by, &labels)
}

#[test]
fn a_groups_key_is_made_of_the_labels_that_are_there_in_their_order() {
    let group = group();
    assert_eq!(group.key, r#"{alertname="Slow",env="prod"}"#);
    assert_eq!(group.labels.len(), 2);
    let nothing = group_of(&[], &group.labels);
    assert_eq!((nothing.key.as_str(), nothing.labels.len()), ("{}", 0));
}

#[test]
fn a_long_key_is_a_fingerprint_that_differs_with_the_labels() {
    let long = |end: &str| {
        let value = "x".repeat(1000) + end;
        let labels: Labels = [("a", value.as_str())].into_iter().collect();
        group_of(&["a".to_owned()], &labels).key
    };
    assert_eq!(long("1").len(), 32);
    assert_ne!(long("1"), long("2"));
}

#[test]
fn hostile_values_cannot_make_two_groups_one() {
    let of = |a: &str, b: &str| {
        let labels: Labels = [("a", a), ("b", b)].into_iter().collect();
        group_of(&["a".to_owned(), "b".to_owned()], &labels).key
    };
    assert_ne!(of("1\",b=\"2", "3"), of("1", "2\",b=\"3"));
}

#[test]
fn the_text_names_the_worst_first_and_counts_the_rest() {
    let mut members = Members::default();
    for n in 0..30 {
        let severity = if n == 29 {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let title = format!("pod {n} is slow");
        assert_eq!(
            members.note(&alert(n, &title, severity, Status::Open)),
            Ok(true)
        );
    }
    let signal = members.signal(&group());
    assert_eq!(signal.title, "30 alerts: alertname=Slow, env=prod");
    assert_eq!(
        (signal.severity, signal.event.as_str()),
        (Some(Severity::Critical), "Slow")
    );
    let lines: Vec<&str> = signal.text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (21, "critical: pod 29 is slow"));
    assert_eq!(lines[20], "and 10 more");
}

#[test]
fn a_member_is_noted_as_it_is_and_a_repetition_changes_nothing() {
    let mut members = Members::default();
    let open = alert(1, "slow", Severity::Warning, Status::Open);
    assert_eq!(members.note(&open), Ok(true));
    assert_eq!(members.note(&open), Ok(false));
    let acknowledged = alert(1, "slow", Severity::Warning, Status::Acknowledged);
    assert_eq!(members.note(&acknowledged), Ok(true));
    assert!(members.signal(&group()).text.ends_with("(acknowledged)"));
    let closed = alert(1, "slow", Severity::Warning, Status::Closed);
    assert_eq!(members.note(&closed), Ok(true));
    assert_eq!(members.note(&closed), Ok(false));
    assert_eq!(members.signal(&group()).kind, SignalKind::Resolve);
}

#[test]
fn the_state_is_read_back_and_a_closed_group_has_nobody() {
    let mut members = Members::default();
    members
        .note(&alert(7, "slow", Severity::Major, Status::Open))
        .unwrap();
    let mut group = alert(9, "group", Severity::Major, Status::Open);
    group.model_state = Some(members.to_state());
    assert_eq!(Members::of(Some(&group)), members);
    group.status = Status::Closed;
    assert!(Members::of(Some(&group)).is_empty());
    assert!(Members::of(None).is_empty());
}

#[test]
fn a_group_has_a_most_and_a_known_member_may_still_change() {
    let mut members = Members::default();
    let mut one = alert(1, "slow", Severity::Warning, Status::Open);
    for n in 0..GROUP_MEMBERS_MAX {
        one.id = AlertId(n as u128 + 1);
        members.note(&one).unwrap();
    }
    one.id = AlertId(u128::MAX);
    assert_eq!(members.note(&one), Err(Full));
    one.id = AlertId(1);
    one.content = Arc::new(Content {
        severity: Severity::Critical,
        ..Content::default()
    });
    assert_eq!(members.note(&one), Ok(true));
    assert_eq!(members.len(), GROUP_MEMBERS_MAX);
}
