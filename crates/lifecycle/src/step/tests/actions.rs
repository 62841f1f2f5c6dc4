use super::*;
use Status::{Acknowledged, Closed, Open, Shelved, Tracking};

fn ack(lasting: Option<DurationMs>) -> ActionVerb {
    ActionVerb::Acknowledge { lasting }
}

fn shelve(lasting: DurationMs) -> ActionVerb {
    ActionVerb::Shelve { lasting }
}

fn assign(to: &str) -> ActionVerb {
    ActionVerb::Assign {
        to: Some(to.into()),
    }
}

/// What a cell of the table says.
#[derive(Debug)]
enum Expect {
    Write(EventKind, Status),
    Nothing,
    Refuse(Refusal),
}
use Expect::{Nothing, Refuse, Write};

#[test]
fn every_verb_in_every_status_does_what_the_table_says() {
    use EventKind as E;
    let row = |verb: ActionVerb, cells: [Expect; 5]| (verb, cells);
    // Columns: tracking, open, acknowledged, shelved, closed.
    let table = [
        row(
            ack(None),
            [
                Refuse(Refusal::Tracking),
                Write(E::Acknowledged, Acknowledged),
                Nothing,
                Write(E::Acknowledged, Acknowledged),
                Refuse(Refusal::Closed),
            ],
        ),
        row(
            ActionVerb::Unacknowledge,
            [
                Nothing,
                Nothing,
                Write(E::Unacknowledged, Open),
                Nothing,
                Refuse(Refusal::Closed),
            ],
        ),
        row(
            shelve(mins(5)),
            [
                Refuse(Refusal::Tracking),
                Write(E::Shelved, Shelved),
                Write(E::Shelved, Shelved),
                Write(E::Shelved, Shelved),
                Refuse(Refusal::Closed),
            ],
        ),
        row(
            ActionVerb::Unshelve,
            [
                Nothing,
                Nothing,
                Nothing,
                Write(E::Unshelved, Open),
                Refuse(Refusal::Closed),
            ],
        ),
        row(
            ActionVerb::Close,
            [
                Write(E::Closed, Closed),
                Write(E::Closed, Closed),
                Write(E::Closed, Closed),
                Write(E::Closed, Closed),
                Nothing,
            ],
        ),
        row(
            ActionVerb::Reopen,
            [
                Refuse(Refusal::NotClosed),
                Refuse(Refusal::NotClosed),
                Refuse(Refusal::NotClosed),
                Refuse(Refusal::NotClosed),
                Write(E::Reopened, Open),
            ],
        ),
        row(
            assign("bob"),
            [
                Write(E::Assigned, Tracking),
                Write(E::Assigned, Open),
                Write(E::Assigned, Acknowledged),
                Write(E::Assigned, Shelved),
                Write(E::Assigned, Closed),
            ],
        ),
        row(
            ActionVerb::Assign { to: None },
            [Nothing, Nothing, Nothing, Nothing, Nothing],
        ),
    ];
    for (verb, cells) in table {
        for (status, expected) in Status::ALL.into_iter().zip(cells) {
            let mut world = World::at(status);
            let decision = world.act(verb.clone());
            let context = format!("{verb:?} on {status}: {decision:?}");
            match expected {
                Write(kind, after) => {
                    assert!(is_change(&decision), "{context}");
                    let event = world.last_event();
                    assert_eq!((event.kind, event.status), (kind, after), "{context}");
                    assert_eq!(event.by.as_ref().unwrap().name, "ada");
                }
                Nothing => assert!(is_nothing(&decision), "{context}"),
                Refuse(refusal) => assert_eq!(decision, Decision::Refused(refusal), "{context}"),
            }
        }
    }
}

#[test]
fn a_note_is_taken_in_every_status_and_an_empty_one_in_none() {
    for status in Status::ALL {
        let mut world = World::at(status);
        world.act_with(ActionVerb::Note, Some("looking"));
        assert_eq!(world.last_event().kind, EventKind::Noted);
        assert_eq!(world.last_event().note.as_deref(), Some("looking"));
        assert_eq!(world.status(), status);
        for empty in [None, Some(""), Some(" \n")] {
            let decision = world.act_with(ActionVerb::Note, empty);
            assert_eq!(decision, Decision::Refused(Refusal::EmptyNote));
        }
    }
}

#[test]
fn the_remark_of_a_deed_that_was_done_before_is_kept_as_a_note() {
    let mut world = World::at(Acknowledged);
    world.act_with(ack(None), Some("me too"));
    assert_eq!(world.last_event().kind, EventKind::Noted);
    assert_eq!(world.last_event().note.as_deref(), Some("me too"));
    assert_eq!(world.status(), Acknowledged);
}

#[test]
fn an_acknowledgement_can_be_renewed_for_longer_shorter_and_for_ever() {
    let mut world = World::at(Open);
    let now = world.now;
    for (lasting, until) in [
        (Some(mins(10)), Some(now.plus(mins(10)))),
        (Some(mins(5)), Some(now.plus(mins(5)))),
        (Some(mins(60)), Some(now.plus(mins(60)))),
        (None, None),
        (Some(mins(10)), Some(now.plus(mins(10)))),
    ] {
        assert!(is_change(&world.act(ack(lasting))));
        assert_eq!(world.alert().acked_until, until);
        assert_eq!(world.last_event().until, until);
        assert_eq!(world.alert().timer_at, until);
        assert!(is_nothing(&world.act(ack(lasting))), "the same twice");
    }
}

#[test]
fn a_length_of_nothing_or_less_is_refused() {
    for lasting in [DurationMs(0), DurationMs(-1), DurationMs(i64::MIN)] {
        for verb in [ack(Some(lasting)), shelve(lasting)] {
            let decision = World::at(Open).act(verb);
            assert_eq!(decision, Decision::Refused(Refusal::PastTime));
        }
    }
}

#[test]
fn what_was_acknowledged_before_it_was_shelved_is_so_again_if_it_still_holds() {
    for (lasting, passes, status, until) in [
        (None, mins(10), Acknowledged, None),
        (
            Some(mins(20)),
            mins(10),
            Acknowledged,
            Some(T0.plus(mins(20))),
        ),
        (Some(mins(5)), mins(10), Open, None),
    ] {
        for by_hand in [true, false] {
            let mut world = World::new();
            world.fire("90%");
            world.act(ack(lasting));
            world.act(shelve(mins(3)));
            world.act(shelve(mins(10)));
            if by_hand {
                world.pass(passes);
                world.act(ActionVerb::Unshelve);
            } else {
                world.run_until(T0.plus(passes));
            }
            assert_eq!(world.last_event().kind, EventKind::Unshelved);
            assert_eq!(world.status(), status);
            assert_eq!(world.alert().acked_until, until);
        }
    }
}

#[test]
fn an_acknowledgement_takes_an_alert_from_the_shelf() {
    let mut world = World::at(Shelved);
    world.act(ack(Some(mins(5))));
    assert_eq!(world.alert().shelved_until, None);
    world.run_until(world.now.plus(mins(5)));
    assert_eq!(world.status(), Open);
}

#[test]
fn an_assignment_can_change_and_go_and_survives_closing_and_reopening() {
    let mut world = World::at(Open);
    world.act(assign("bob"));
    assert!(is_nothing(&world.act(assign("bob"))));
    world.act(ActionVerb::Close);
    world.act(ActionVerb::Reopen);
    assert_eq!(world.alert().assignee.as_deref(), Some("bob"));
    world.act(assign("  "));
    assert_eq!(world.alert().assignee, None);
    assert_eq!(world.last_event().assignee, None);
}

#[test]
fn reopening_by_hand_begins_an_episode_that_old_promises_cannot_close() {
    let mut world = World::new();
    world.hear(Signal {
        ends_at: Some(T0.plus(mins(4))),
        ..signal("90%")
    });
    world.act(ActionVerb::Close);
    world.pass(mins(10));
    world.act(ActionVerb::Reopen);
    assert_eq!(world.alert().episode, 2);
    assert!(world.last_event().content.is_some());
    assert_eq!(world.alert().timer_at, None);
    world.hear(Signal {
        ends_at: Some(world.now.plus(mins(4))),
        ..signal("90%")
    });
    assert_eq!(world.alert().timer_at, Some(world.now.plus(mins(4))));
}

#[test]
fn an_alert_whose_key_went_to_a_younger_one_is_not_reopened() {
    let mut world = World::at(Closed);
    world.key_taken = true;
    let decision = world.act(ActionVerb::Reopen);
    assert_eq!(decision, Decision::Refused(Refusal::Replaced));
    assert!(is_change(&world.act_with(ActionVerb::Note, Some("why"))));
}

#[test]
fn a_notification_takes_notes_only() {
    let mut world = World::new();
    world.hear(Signal {
        kind: SignalKind::Inform,
        ..signal("")
    });
    let (notification, log) = world.retired.pop().unwrap();
    world.alert = Some(notification);
    world.log = log;
    for verb in [
        ack(None),
        ActionVerb::Unacknowledge,
        shelve(mins(1)),
        ActionVerb::Unshelve,
        ActionVerb::Close,
        ActionVerb::Reopen,
        assign("bob"),
    ] {
        let decision = world.act(verb);
        assert_eq!(decision, Decision::Refused(Refusal::Notification));
    }
    world.act_with(ActionVerb::Note, Some("seen"));
    assert_eq!(world.kinds(), [EventKind::Informed, EventKind::Noted]);
}

#[test]
fn an_action_on_nothing_is_nothing() {
    assert!(is_nothing(&World::new().act(ActionVerb::Close)));
}
