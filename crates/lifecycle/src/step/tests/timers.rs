use super::*;
use model::CloseReason;

fn fire_for(world: &mut World, promise: DurationMs) -> Decision {
    let ends_at = Some(world.now.plus(promise));
    world.hear(Signal {
        ends_at,
        ..signal("90%")
    })
}

/// The hub is down for so long: it hears nothing, and its timers do not run.
fn outage(world: &mut World, d: DurationMs) {
    world.pass(d);
    world.listening_since = world.now;
}

#[test]
fn tracking_opens_when_its_delay_is_over_and_not_before() {
    let mut world = World::at(Status::Tracking);
    assert!(is_nothing(&world.tick()));
    world.now = T0.plus(mins(5));
    world.tick();
    assert_eq!(world.kinds(), [EventKind::Tracked, EventKind::Opened]);
    assert_eq!(world.log[0].until, Some(T0.plus(mins(5))));
}

#[test]
fn what_ends_while_tracking_was_never_open() {
    let mut world = World::at(Status::Tracking);
    world.resolve();
    assert_eq!(world.kinds(), [EventKind::Tracked, EventKind::Closed]);
}

#[test]
fn an_acknowledgement_and_a_shelf_end_by_themselves() {
    for (verb, ended) in [
        (
            ActionVerb::Acknowledge {
                lasting: Some(mins(7)),
            },
            EventKind::Unacknowledged,
        ),
        (
            ActionVerb::Shelve { lasting: mins(7) },
            EventKind::Unshelved,
        ),
    ] {
        let mut world = World::new();
        world.fire("90%");
        world.act(verb);
        world.run_until(T0.plus(mins(7)).plus(DurationMs(-1)));
        assert_eq!(world.log.len(), 2);
        world.run_until(T0.plus(mins(7)));
        assert_eq!(world.last_event().kind, ended);
        assert_eq!(world.last_event().by.as_ref().unwrap().via, "timer");
        assert_eq!(world.status(), Status::Open);
    }
}

#[test]
fn i13_silence_beyond_the_promise_closes_as_expired() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    world.run_until(T0.plus(mins(4)).plus(DurationMs(-1)));
    assert_eq!(world.status(), Status::Open);
    world.run_until(T0.plus(mins(4)));
    assert_eq!(world.last_event().kind, EventKind::Expired);
    assert_eq!(world.alert().closed_because, Some(CloseReason::Expired));
}

#[test]
fn i13_a_fire_without_a_promise_never_expires() {
    let mut world = World::at(Status::Open);
    world.run_until(T0.plus(mins(1_000_000)));
    assert_eq!(world.status(), Status::Open);
}

#[test]
fn i13_repeats_do_not_move_the_timer_it_looks_when_it_is_due_and_goes_on() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    for _ in 0..10 {
        world.run_until(world.now.plus(mins(1)));
        assert!(matches!(
            fire_for(&mut world, mins(4)),
            Decision::Repeat { .. }
        ));
    }
    assert!(
        world.alert().version < 5,
        "the row was written only when the timer looked"
    );
    assert_eq!(world.kinds(), [EventKind::Opened]);
    let last_promise = world.now.plus(mins(4));
    world.run_until(T0.plus(mins(60)));
    assert_eq!(world.last_event().kind, EventKind::Expired);
    assert_eq!(world.last_event().at, last_promise);
}

#[test]
fn i13_after_ten_minutes_down_nothing_expires_before_the_senders_had_their_time() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    world.pass(mins(1));
    outage(&mut world, mins(10));
    let back = world.now;
    world.tick();
    assert_eq!(world.status(), Status::Open);
    world.run_until(back.plus(mins(4)).plus(DurationMs(-1)));
    assert_eq!(world.status(), Status::Open);
    world.run_until(back.plus(mins(4)));
    assert_eq!(world.last_event().kind, EventKind::Expired);
}

#[test]
fn i13_a_refresh_after_the_outage_prevents_the_resolve() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    outage(&mut world, mins(10));
    world.tick();
    world.run_until(world.now.plus(mins(3)));
    assert!(matches!(
        fire_for(&mut world, mins(4)),
        Decision::Repeat { .. }
    ));
    world.run_until(world.now.plus(mins(3)));
    assert_eq!(world.status(), Status::Open);
    world.run_until(world.now.plus(mins(1)));
    assert_eq!(world.status(), Status::Closed);
}

#[test]
fn i13_absence_counts_for_acknowledged_and_shelved_alerts_and_while_tracking() {
    let lasting = mins(60);
    for verb in [
        Some(ActionVerb::Acknowledge {
            lasting: Some(lasting),
        }),
        Some(ActionVerb::Shelve { lasting }),
        None,
    ] {
        let mut world = World::new();
        if verb.is_none() {
            world.policy.tracking_delay = lasting;
        }
        fire_for(&mut world, mins(4));
        verb.map(|verb| world.act(verb));
        world.run_until(T0.plus(mins(4)));
        assert_eq!(world.last_event().kind, EventKind::Expired);
    }
}

#[test]
fn a_seen_row_older_than_the_alert_is_not_believed() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    world.pass(mins(3));
    world.seen = Some((T0.plus(mins(-1)), Some(T0.plus(mins(1)))));
    world.tick();
    assert_eq!(world.alert().ends_at, Some(T0.plus(mins(4))));
    assert_eq!(world.status(), Status::Open);
}

#[test]
fn a_seen_row_older_than_the_newest_change_is_not_believed_either() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    world.pass(secs(1));
    fire_for(&mut world, mins(30));
    world.pass(secs(1));
    world.hear(Signal {
        severity: Some(Severity::Critical),
        ends_at: Some(world.now.plus(mins(2))),
        ..signal("90%")
    });
    world.run_until(world.now.plus(mins(2)));
    assert_eq!(world.last_event().kind, EventKind::Expired);
}

#[test]
fn i13_after_an_outage_the_length_of_the_newest_promise_counts() {
    let mut world = World::new();
    fire_for(&mut world, mins(4));
    world.pass(mins(1));
    fire_for(&mut world, mins(30));
    outage(&mut world, mins(60));
    let back = world.now;
    world.run_until(back.plus(mins(29)));
    assert_eq!(world.status(), Status::Open);
    world.run_until(back.plus(mins(30)));
    assert_eq!(world.status(), Status::Closed);
}

#[test]
fn several_timers_that_are_due_at_once_are_worked_off_in_order_of_their_time() {
    let mut world = World::new();
    fire_for(&mut world, mins(10));
    world.act(ActionVerb::Acknowledge {
        lasting: Some(mins(5)),
    });
    world.act(ActionVerb::Shelve { lasting: mins(3) });
    world.hear(Signal {
        ends_at: Some(T0.plus(mins(10))),
        ..signal("99%")
    });
    world.pass(mins(20));
    let decision = world.tick();
    let Decision::Change(change) = decision else {
        panic!("{decision:?}");
    };
    let kinds: Vec<EventKind> = change.events.iter().map(|event| event.kind).collect();
    // The acknowledgement ended on the shelf, so the alert came back as open.
    assert_eq!(
        kinds,
        [EventKind::Updated, EventKind::Unshelved, EventKind::Expired]
    );
    assert_eq!(change.alert.version, 5, "one write");
}

#[test]
fn a_look_before_anything_is_due_changes_nothing() {
    for status in Status::ALL {
        let mut world = World::at(status);
        assert!(is_nothing(&world.tick()), "{status}");
    }
    assert!(is_nothing(&World::new().tick()));
}

#[test]
fn a_clock_that_is_set_back_holds_neither_values_nor_tracking_up() {
    let year = DurationMs::from_hours(24 * 365);
    let mut world = World::at(Status::Open);
    world.fire("91%");
    world.pass(DurationMs(-year.0));
    world.tick();
    assert_eq!(world.last_event().kind, EventKind::Updated);

    let mut world = World::at(Status::Open);
    world.pass(DurationMs(-year.0));
    world.fire("91%");
    assert_eq!(world.last_event().kind, EventKind::Updated);

    let mut world = World::at(Status::Tracking);
    world.pass(DurationMs(-year.0));
    world.tick();
    assert_eq!(world.status(), Status::Open);
}
