use super::*;
use model::CloseReason;

const LIVE: [Status; 4] = [
    Status::Tracking,
    Status::Open,
    Status::Acknowledged,
    Status::Shelved,
];

fn fire_until(value: &str, ends_at: Timestamp) -> Signal {
    Signal {
        ends_at: Some(ends_at),
        ..signal(value)
    }
}

fn fire_since(value: &str, starts_at: Timestamp) -> Signal {
    Signal {
        starts_at: Some(starts_at),
        ..signal(value)
    }
}

fn ended(kind: SignalKind, ends_at: Timestamp) -> Signal {
    Signal {
        kind,
        ends_at: Some(ends_at),
        ..signal("")
    }
}

#[test]
fn a_first_fire_opens_an_alert_with_all_that_it_said() {
    let mut world = World::new();
    let origin = Some(Origin {
        vendor: "opsgenie".into(),
        object: "42".into(),
    });
    world.hear(Signal {
        group_key: Some("web".into()),
        origin: origin.clone(),
        via: vec!["other-hub".into()],
        ..signal("91%")
    });
    let alert = world.alert();
    assert_eq!(alert.status, Status::Open);
    assert_eq!((alert.seq, alert.version, alert.episode), (1, 1, 1));
    assert_eq!(alert.content.value.as_deref(), Some("91%"));
    assert_eq!(alert.content.starts_at, T0);
    assert_eq!(alert.group_key.as_deref(), Some("web"));
    assert_eq!(alert.via, ["other-hub"]);
    assert_eq!(alert.timer_at, None);
    let event = world.last_event();
    assert_eq!(event.kind, EventKind::Opened);
    assert_eq!(event.content.as_ref(), Some(&alert.content));
    assert_eq!(event.origin, origin);
}

#[test]
fn a_fire_that_says_nothing_new_is_a_repeat_in_every_live_status() {
    for status in LIVE {
        let mut world = World::at(status);
        let decision = world.fire("90%");
        assert_eq!(decision, Decision::Repeat { ends_at: None }, "{status}");
    }
}

#[test]
fn a_fire_that_only_moves_its_end_is_a_repeat() {
    let mut world = World::new();
    world.hear(fire_until("90%", T0.plus(mins(4))));
    world.pass(mins(1));
    let end = T0.plus(mins(5));
    let decision = world.hear(fire_until("90%", end));
    assert_eq!(decision, Decision::Repeat { ends_at: Some(end) });
}

#[test]
fn a_fire_that_promises_less_or_no_longer_or_for_the_first_time_sets_the_timer_anew() {
    let mut world = World::new();
    world.hear(fire_until("90%", T0.plus(mins(60))));
    for ends_at in [Some(T0.plus(mins(4))), None, Some(T0.plus(mins(5)))] {
        let decision = world.hear(Signal {
            ends_at,
            ..signal("90%")
        });
        assert!(is_change(&decision), "{ends_at:?}");
        assert_eq!(world.alert().timer_at, ends_at);
    }
    assert_eq!(world.kinds(), [EventKind::Opened]);
}

#[test]
fn every_field_of_the_content_counts_as_a_change() {
    let changes: [fn(&mut Signal); 9] = [
        |s| s.resource = "x".into(),
        |s| s.event = "x".into(),
        |s| s.title = "x".into(),
        |s| s.text = "x".into(),
        |s| s.value = None,
        |s| s.labels.set("x", "y"),
        |s| s.annotations.set("x", "y"),
        |s| {
            s.links.push(model::Link {
                href: "x".into(),
                text: "y".into(),
            })
        },
        |s| s.starts_at = Some(Timestamp(5)),
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut world = World::at(Status::Open);
        world.pass(mins(2));
        let mut signal = signal("90%");
        change(&mut signal);
        world.hear(signal);
        assert_eq!(world.last_event().kind, EventKind::Updated, "change {i}");
    }
}

#[test]
fn a_value_after_the_interval_is_an_event_at_once_and_leaves_the_status() {
    for status in [Status::Open, Status::Acknowledged, Status::Shelved] {
        let mut world = World::at(status);
        world.pass(mins(1));
        world.fire("95%");
        assert_eq!(world.last_event().kind, EventKind::Updated);
        assert_eq!(world.status(), status);
        assert_eq!(
            world.last_event().content.as_ref(),
            Some(&world.alert().content)
        );
    }
}

#[test]
fn a_value_within_the_interval_shows_at_once_and_is_told_later() {
    let mut world = World::at(Status::Open);
    for value in ["91%", "92%", "93%"] {
        let decision = world.fire(value);
        assert!(matches!(&decision, Decision::Change(c) if c.events.is_empty()));
        assert_eq!(world.alert().content.value.as_deref(), Some(value));
        world.pass(secs(1));
    }
    assert_eq!(world.kinds(), [EventKind::Opened]);
    assert_eq!(world.alert().timer_at, Some(T0.plus(mins(1))));
    world.run_until(T0.plus(mins(10)));
    assert_eq!(world.kinds(), [EventKind::Opened, EventKind::Updated]);
    let told = world.last_event();
    assert_eq!(told.at, T0.plus(mins(1)));
    assert_eq!(told.content.as_ref().unwrap().value.as_deref(), Some("93%"));
}

#[test]
fn a_value_that_waits_is_told_with_the_closing() {
    let mut world = World::at(Status::Open);
    world.fire("99%");
    world.act(ActionVerb::Close);
    let content = world.last_event().content.clone().unwrap();
    assert_eq!(content.value.as_deref(), Some("99%"));
    assert_eq!(world.alert().timer_at, None);
}

#[test]
fn an_acknowledgement_does_not_swallow_a_value_that_waits() {
    let mut world = World::at(Status::Open);
    world.fire("99%");
    world.act(ActionVerb::Acknowledge { lasting: None });
    assert_eq!(world.last_event().content, None);
    world.run_until(T0.plus(mins(1)));
    assert_eq!(world.last_event().kind, EventKind::Updated);
}

#[test]
fn a_severity_change_is_an_event_at_once_with_the_whole_content_and_leaves_the_status() {
    for status in [Status::Open, Status::Acknowledged, Status::Shelved] {
        let mut world = World::at(status);
        world.fire("91%");
        world.hear(Signal {
            severity: Some(Severity::Critical),
            ..signal("99%")
        });
        let event = world.last_event();
        assert_eq!(
            (event.kind, event.status),
            (EventKind::SeverityChanged, status)
        );
        assert_eq!(
            event.content.as_ref().unwrap().value.as_deref(),
            Some("99%")
        );
        assert_eq!(world.alert().trailing_update_at, None);
    }
}

#[test]
fn a_fire_without_a_severity_keeps_the_one_before() {
    let mut world = World::at(Status::Open);
    let decision = world.hear(Signal {
        severity: None,
        ..signal("90%")
    });
    assert_eq!(decision, Decision::Repeat { ends_at: None });
}

#[test]
fn while_tracking_nothing_is_told_and_the_opening_tells_the_newest() {
    let mut world = World::at(Status::Tracking);
    world.hear(Signal {
        severity: Some(Severity::Critical),
        ..signal("95%")
    });
    assert_eq!(world.kinds(), [EventKind::Tracked]);
    world.run_until(T0.plus(mins(5)));
    assert_eq!(world.kinds(), [EventKind::Tracked, EventKind::Opened]);
    let content = world.last_event().content.as_ref().unwrap();
    assert_eq!(content.severity, Severity::Critical);
    assert_eq!(world.alert().opened_at, T0);
}

#[test]
fn a_resolve_closes_every_live_status_and_a_cancel_cancels_it() {
    for status in LIVE {
        for (kind, event, because) in [
            (
                SignalKind::Resolve,
                EventKind::Closed,
                CloseReason::Resolved,
            ),
            (
                SignalKind::Cancel,
                EventKind::Cancelled,
                CloseReason::Cancelled,
            ),
        ] {
            let mut world = World::at(status);
            world.hear(Signal { kind, ..signal("") });
            assert_eq!(world.status(), Status::Closed, "{status}");
            assert_eq!(world.last_event().kind, event);
            assert_eq!(world.last_event().because, Some(because));
            assert_eq!(world.alert().closed_because, Some(because));
            assert_eq!(world.alert().live_until, Some(world.now.plus(mins(15))));
        }
    }
}

#[test]
fn a_resolve_adds_its_value_and_text_but_not_its_severity_or_title() {
    let mut world = World::at(Status::Open);
    world.hear(Signal {
        kind: SignalKind::Resolve,
        severity: Some(Severity::Info),
        title: "OK".into(),
        text: "It is over.".into(),
        ..signal("12%")
    });
    let content = world.last_event().content.clone().unwrap();
    assert_eq!(content, world.alert().content);
    assert_eq!(content.value.as_deref(), Some("12%"));
    assert_eq!(content.text, "It is over.");
    assert_eq!(content.title, "The disk is full");
    assert_eq!(content.severity, Severity::Major);
}

#[test]
fn a_resolve_or_cancel_of_what_is_closed_or_unknown_is_nothing() {
    for kind in [SignalKind::Resolve, SignalKind::Cancel] {
        let say = Signal { kind, ..signal("") };
        assert!(is_nothing(&World::new().hear(say.clone())));
        let mut closed = World::at(Status::Closed);
        assert_eq!(
            closed.hear(say),
            Decision::Nothing("the alert is closed already")
        );
    }
}

#[test]
fn a_fire_that_has_ended_is_a_resolve_where_something_is_open_and_nothing_elsewhere() {
    let past = ended(SignalKind::Fire, T0);
    for status in LIVE {
        let mut world = World::at(status);
        world.hear(past.clone());
        assert_eq!(world.alert().closed_because, Some(CloseReason::Resolved));
    }
    assert!(is_nothing(&World::new().hear(past.clone())));
    assert!(is_nothing(&World::at(Status::Closed).hear(past)));
}

#[test]
fn a_late_resolve_of_an_older_episode_does_not_close_the_younger_one() {
    let mut world = World::new();
    world.pass(mins(10));
    world.hear(fire_since("90%", T0.plus(mins(9))));
    for kind in [SignalKind::Resolve, SignalKind::Cancel, SignalKind::Fire] {
        let decision = world.hear(ended(kind, T0.plus(mins(5))));
        assert_eq!(
            decision,
            Decision::Nothing("what ended is an older episode than the open one")
        );
    }
    world.hear(ended(SignalKind::Resolve, T0.plus(mins(9))));
    assert_eq!(world.status(), Status::Closed);
}

#[test]
fn a_resolve_by_a_clock_that_is_behind_closes_an_alert_whose_start_is_ours() {
    let mut world = World::new();
    world.fire("90%");
    world.hear(ended(SignalKind::Resolve, T0.plus(mins(-5))));
    assert_eq!(world.status(), Status::Closed);
}

#[test]
fn a_start_in_the_far_future_does_not_keep_an_alert_open_for_ever() {
    let mut world = World::new();
    world.hear(fire_since("90%", Timestamp(i64::MAX - 7)));
    world.hear(ended(SignalKind::Resolve, T0));
    assert_eq!(world.status(), Status::Closed);
}

#[test]
fn a_fire_after_closing_is_a_new_alert() {
    let mut world = World::at(Status::Closed);
    let first = world.alert().id;
    world.now = world.alert().closed_at.unwrap();
    let decision = world.fire("90%");
    assert!(matches!(&decision, Decision::Change(c) if c.new));
    assert_ne!(world.alert().id, first);
    assert_eq!(world.status(), Status::Open);
    assert_eq!(world.retired.len(), 1);
}

#[test]
fn a_fire_within_the_window_reopens_and_one_after_it_does_not() {
    let policy = SourcePolicy {
        reopen_window: mins(20),
        ..plain_policy()
    };
    for (after, same) in [(mins(20), true), (DurationMs(20 * 60_000 + 1), false)] {
        let mut world = World::with(policy.clone());
        world.fire("90%");
        world.act(ActionVerb::Acknowledge { lasting: None });
        world.resolve();
        let first = world.alert().id;
        // Not through the row's key, which the store has let go at the end of the window.
        world.alert.as_mut().unwrap().live_until = Some(T0.plus(mins(60)));
        world.pass(after);
        world.hear(fire_until("97%", world.now.plus(mins(4))));
        assert_eq!(world.alert().id == first, same);
        assert_eq!(world.status(), Status::Open);
        if same {
            assert_eq!(world.last_event().kind, EventKind::Reopened);
            assert_eq!(world.alert().episode, 2);
            assert_eq!(world.alert().content.value.as_deref(), Some("97%"));
            assert_eq!(world.alert().content.starts_at, world.now);
            assert_eq!(world.alert().live_until, None);
            assert!(world.alert().timer_at.is_some());
        }
    }
}

#[test]
fn a_fire_that_began_before_the_close_reopens_the_episode_where_the_policy_says_so() {
    let start = T0.plus(mins(-3));
    for (reopen_begun_before, fired, same) in [
        (true, start, true),
        (false, start, false),
        // The other replica's.
        (true, start.plus(DurationMs(1)), true),
        (true, start.plus(DurationMs(-1)), true),
        (false, start.plus(DurationMs(1)), false),
        // What begins with the close, or after it, is new.
        (true, T0, false),
        (true, T0.plus(mins(1)), false),
    ] {
        let mut world = World::with(SourcePolicy {
            reopen_begun_before,
            ..plain_policy()
        });
        world.hear(fire_since("90%", start));
        world.resolve();
        let first = world.alert().id;
        world.pass(mins(1));
        world.hear(fire_since("90%", fired));
        assert_eq!(world.alert().id == first, same);
        assert_eq!(world.status(), Status::Open);
    }
}

#[test]
fn a_key_is_let_go_when_its_time_after_closing_is_over() {
    let mut world = World::at(Status::Closed);
    let closed = world.alert().clone();
    assert!(is_live(&closed, world.now));
    assert!(!is_live(&closed, closed.live_until.unwrap()));
    assert_eq!(
        pick([&closed], &signal(""), closed.live_until.unwrap()),
        None
    );
    // `step` looks for itself, should it be given such an alert.
    world.policy.reopen_window = mins(600);
    let cx = StepContext {
        now: closed.live_until.unwrap(),
        policy: &world.policy,
        listening_since: T0,
        new_id: AlertId(99),
        key_taken: false,
    };
    let identity = Identity {
        project: ProjectId(1),
        source: SourceId(2),
        scope: Scope::Source(SourceId(2)),
    };
    let input = Input::Signal {
        signal: Box::new(signal("")),
        identity,
    };
    let decision = step(Some(&closed), input, &cx);
    assert!(matches!(&decision, Decision::Change(c) if c.new && c.alert.id == AlertId(99)));
}

#[test]
fn with_a_tracking_delay_a_fire_after_closing_must_hold_again_as_a_new_alert() {
    let mut world = World::at(Status::Tracking);
    world.policy.reopen_window = mins(60);
    world.resolve();
    world.fire("90%");
    assert_eq!(world.kinds(), [EventKind::Tracked]);
    assert_eq!(world.retired.len(), 1);
}

#[test]
fn each_inform_is_a_notification_of_its_own_and_leaves_an_open_issue_of_its_key_alone() {
    let mut world = World::at(Status::Open);
    for n in 1..=2 {
        let decision = world.hear(Signal {
            kind: SignalKind::Inform,
            ..signal("backup done")
        });
        assert!(matches!(&decision, Decision::Change(c) if c.new));
        assert_eq!(world.retired.len(), n);
        let (notification, log) = &world.retired[n - 1];
        assert_eq!(notification.kind, AlertKind::Notification);
        assert_eq!(notification.status, Status::Closed);
        assert_eq!(notification.closed_because, Some(CloseReason::Informed));
        assert_eq!(log[0].kind, EventKind::Informed);
        assert!(log[0].content.is_some());
        assert_eq!(pick([notification], &signal(""), world.now), None);
        assert_eq!(notification.live_until, None, "it holds no key");
        assert!(
            !is_live(notification, T0),
            "even for a clock that was set back"
        );
    }
    assert_eq!(world.status(), Status::Open);
}

#[test]
fn a_signal_that_is_an_action_keeps_its_origin() {
    let mut world = World::at(Status::Open);
    let origin = Some(Origin {
        vendor: "pagerduty".into(),
        object: "P1".into(),
    });
    let say = Signal {
        kind: SignalKind::Act(action(ActionVerb::Acknowledge { lasting: None }, None)),
        origin: origin.clone(),
        ..signal("")
    };
    world.hear(say.clone());
    assert_eq!(world.status(), Status::Acknowledged);
    assert_eq!(world.last_event().origin, origin);
    assert_eq!(world.last_event().by.as_ref().unwrap().name, "ada");
    assert!(is_nothing(&World::new().hear(say)));
}

#[test]
fn pick_prefers_what_is_not_closed_then_the_youngest_and_looks_at_the_key() {
    let mut world = World::at(Status::Closed);
    let closed = world.alert().clone();
    world.fire("90%");
    let open = world.alert().clone();
    let mut other = open.clone();
    other.key = "other".into();
    other.opened_at = T0.plus(mins(9));
    let now = world.now;
    let all = [&other, &open, &closed];
    assert_eq!(pick(all, &signal(""), now).map(|a| a.id), Some(open.id));
    assert_eq!(
        pick([&other, &closed], &signal(""), now).map(|a| a.id),
        Some(closed.id)
    );
    assert_eq!(pick([&other], &signal(""), now), None);
}
