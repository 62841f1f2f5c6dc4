use super::*;
use proptest::prelude::*;

/// One thing that happens to the world.
#[derive(Clone, Debug)]
enum Happening {
    Hear(Box<Signal>),
    Act(ActionVerb, Option<String>),
    /// Time goes by, and timers run.
    Pass(DurationMs),
    /// Time goes by, and nothing runs or is heard.
    Outage(DurationMs),
    /// Somebody looks though nothing need be due.
    Tick,
}

fn some_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (-20..60i64).prop_map(|m| T0.plus(mins(m))),
        1 => any::<i64>().prop_map(Timestamp),
        1 => prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX - 1, i64::MAX]).prop_map(Timestamp),
    ]
}

fn some_length() -> impl Strategy<Value = DurationMs> {
    prop_oneof![
        8 => (1..1200i64).prop_map(secs),
        1 => prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX]).prop_map(DurationMs),
    ]
}

fn some_action() -> impl Strategy<Value = ActionVerb> {
    prop_oneof![
        3 => prop::option::of(some_length()).prop_map(|lasting| ActionVerb::Acknowledge { lasting }),
        1 => Just(ActionVerb::Unacknowledge),
        3 => some_length().prop_map(|lasting| ActionVerb::Shelve { lasting }),
        2 => Just(ActionVerb::Unshelve),
        1 => Just(ActionVerb::Close),
        2 => Just(ActionVerb::Reopen),
        1 => Just(ActionVerb::Note),
        1 => prop::option::of("[ab]?").prop_map(|to| ActionVerb::Assign { to }),
    ]
}

fn some_signal() -> impl Strategy<Value = Signal> {
    let kind = prop_oneof![
        10 => Just(SignalKind::Fire),
        2 => Just(SignalKind::Resolve),
        1 => Just(SignalKind::Cancel),
        1 => Just(SignalKind::Inform),
        1 => some_action().prop_map(|verb| SignalKind::Act(action(verb, None))),
    ];
    let severity = prop::option::weighted(0.7, prop::sample::select(Severity::ALL[3..].to_vec()));
    let value = prop::sample::select(vec!["1", "2", "3"]);
    let starts_at = prop::option::weighted(0.3, some_time());
    let ends_at = prop::option::weighted(0.5, some_time());
    (kind, severity, value, starts_at, ends_at).prop_map(
        |(kind, severity, value, starts_at, ends_at)| Signal {
            kind,
            severity,
            starts_at,
            ends_at,
            ..signal(value)
        },
    )
}

fn some_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => some_signal().prop_map(|signal| Happening::Hear(Box::new(signal))),
        3 => (some_action(), prop::option::of("[ n]{0,2}"))
            .prop_map(|(verb, note)| Happening::Act(verb, note)),
        4 => (0..300i64).prop_map(|s| Happening::Pass(secs(s))),
        1 => (0..900i64).prop_map(|s| Happening::Outage(secs(s))),
        1 => Just(Happening::Tick),
    ]
}

fn some_policy() -> impl Strategy<Value = SourcePolicy> {
    let length = || prop::sample::select(vec![0, 30, 120, 600]).prop_map(secs);
    (length(), any::<bool>(), length(), length(), length()).prop_map(
        |(
            reopen_window,
            reopen_begun_before,
            live_after_close,
            update_interval,
            tracking_delay,
        )| {
            SourcePolicy {
                model: LifecycleModel::Campanile,
                reopen_window,
                reopen_begun_before,
                live_after_close,
                update_interval,
                tracking_delay,
            }
        },
    )
}

fn happen(world: &mut World, happening: Happening) {
    match happening {
        Happening::Hear(signal) => drop(world.hear(*signal)),
        Happening::Act(verb, note) => drop(world.act_with(verb, note.as_deref())),
        Happening::Pass(d) => world.run_until(world.now.plus(d)),
        Happening::Outage(d) => {
            world.pass(d);
            world.listening_since = world.now;
        }
        Happening::Tick => drop(world.tick()),
    }
}

/// Between two events that tell content, of which the second is `updated`, lies the interval.
fn check_pace(log: &[Event], interval: DurationMs) {
    let mut last: Option<Timestamp> = None;
    for event in log {
        if let (EventKind::Updated, Some(last)) = (event.kind, last) {
            assert!(last.plus(interval) <= event.at, "updates came too fast");
        }
        if event.content.is_some() {
            last = Some(event.at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// `World` checks at each step: no gaps in the log, versions that rise, nothing but notes, assignments and
    /// reopenings on closed alerts, the folded log equal to the alert, fields that agree with the status, a timer
    /// for all that pends and none left over after a look.
    #[test]
    fn whatever_happens_the_alert_and_its_log_stay_sound(
        policy in some_policy(),
        happenings in prop::collection::vec(some_happening(), 1..40),
    ) {
        let mut world = World::with(policy.clone());
        for happening in happenings {
            happen(&mut world, happening);
        }

        // Once time has passed, the log has told what the row shows.
        world.run_until(world.now.plus(mins(60)));
        if let Some(alert) = world.alert.as_ref().filter(|a| a.status != Status::Tracking) {
            prop_assert_eq!(alert.trailing_update_at, None);
            let told: Vec<&Arc<Content>> =
                world.log.iter().filter_map(|event| event.content.as_ref()).collect();
            prop_assert_eq!(told.last().copied(), Some(&alert.content));
        }
        check_pace(&world.log, policy.update_interval);
        for (_, log) in &world.retired {
            check_pace(log, policy.update_interval);
        }
    }

    #[test]
    fn i13_nothing_expires_before_the_newest_promise_is_over_and_was_listened_to(
        happenings in prop::collection::vec(some_happening(), 1..40),
    ) {
        let mut world = World::new();
        // Until when the newest fire vouched, and for how long.
        let mut promise: Option<(Timestamp, DurationMs)> = None;
        for happening in happenings {
            if let Happening::Hear(signal) = &happening && signal.kind == SignalKind::Fire {
                promise = signal.ends_at.map(|end| (end, end.since(world.now)));
            }
            let known = world.log.len();
            happen(&mut world, happening);
            if world.log.iter().skip(known).any(|event| event.kind == EventKind::Expired) {
                prop_assert!(promise.is_some(), "nobody had vouched for it");
                let (end, length) = promise.unwrap();
                let due = end.max(world.listening_since.plus(length));
                prop_assert!(due <= world.alert().closed_at.unwrap());
            }
            if world.alert.as_ref().is_none_or(Alert::is_closed) {
                promise = None;
            }
        }
    }

    #[test]
    fn no_time_whatever_makes_a_step_panic(
        policy in some_policy(),
        windows in (any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>()),
        times in prop::collection::vec(
            (any::<i64>(), any::<i64>(), prop::option::of(any::<i64>()), some_happening()), 1..20,
        ),
    ) {
        let policy = SourcePolicy {
            reopen_window: DurationMs(windows.0),
            live_after_close: DurationMs(windows.1),
            update_interval: DurationMs(windows.2),
            tracking_delay: DurationMs(windows.3),
            ..policy
        };
        let identity = Identity {
            project: ProjectId(1),
            source: SourceId(2),
            scope: Scope::Source(SourceId(2)),
        };
        let mut alert: Option<Alert> = None;
        let mut log = Vec::new();
        for (now, listening_since, seen, happening) in times {
            let cx = StepContext {
                now: Timestamp(now),
                policy: &policy,
                listening_since: Timestamp(listening_since),
                new_id: AlertId(1),
                key_taken: false,
            };
            let seen = seen.map(Timestamp);
            let input = match happening {
                Happening::Hear(signal) => Input::Signal { signal, identity },
                Happening::Act(verb, note) => Input::Action {
                    action: action(verb, note.as_deref()),
                    origin: None,
                },
                _ => Input::Time { seen_ends_at: seen, seen_last: seen },
            };
            if let Decision::Change(change) = step(alert.as_ref(), input, &cx) {
                if change.new {
                    log.clear();
                }
                log.extend(change.events);
                check_log(&change.alert, &log);
                alert = Some(change.alert);
            }
        }
    }
}
