//! How lanes begin, are raised, held, edited, and survive.

use lifecycle::lanes::{self, EventKinds, SkipReason};
use model::{
    DurationMs, EventKind, HeldBy, IntegrationId, Lane, Outcome, Status, Timestamp, Told, Verb,
};

use crate::kit::*;

const OK: Outcome = Outcome::Delivered;

fn enter(case: &Case, from: u32) -> Option<Lane> {
    lanes::enter(
        IntegrationId(7),
        &case.alert,
        &case.events[from as usize..],
        &case.policy,
        case.now,
    )
}

#[test]
fn a_lane_begins_before_the_first_new_event_and_waits_its_delay() {
    let case = keyed(&[Opened, Updated, EventKind::SeverityChanged])
        .with(|c| c.policy.delay = DurationMs(20));
    let lane = enter(&case, 2).unwrap();
    assert_eq!((lane.cursor, lane.head, lane.key.revision), (2, 3, 1));
    assert_eq!(lane.delay_until, at(NOW + 20));
}

#[test]
fn no_lane_begins_where_there_is_nothing_to_tell() {
    assert_eq!(enter(&keyed(&[Opened]).off(), 0), None, "off");
    assert_eq!(
        enter(&keyed(&[Opened]).with(|c| c.policy.deleted = true), 0),
        None,
        "deleted"
    );
    assert_eq!(
        enter(&keyed(&[EventKind::Tracked]), 0),
        None,
        "its condition's delay runs"
    );
    assert_eq!(enter(&keyed(&[Opened, Closed]), 1), None, "it only ends");
    assert_eq!(
        enter(&log(&[Opened, Closed, Noted]), 2),
        None,
        "a note on what is closed"
    );
    let unwanted = keyed(&[Opened]).with(|c| c.policy.notify_on = EventKinds::ALL.without(Opened));
    assert_eq!(enter(&unwanted, 0), None);
    assert!(
        enter(&keyed(&[Opened, Closed]), 0).is_some(),
        "opened and closed in one transaction"
    );
}

#[test]
fn head_is_the_newest_event_that_is_wanted() {
    let mut case = log(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.policy.notify_on = [Opened, Closed].into_iter().collect());
    case.happens(Updated);
    assert_eq!(case.lane.head, 1);
    case.happens(EventKind::Expired);
    assert_eq!(case.lane.head, 3, "who wants one kind of close wants all");
    let mut lifecycle = keyed(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.policy.notify_on = EventKinds::NONE);
    lifecycle.happens(Closed);
    assert_eq!(
        lifecycle.plan(),
        send(Verb::Close, 2),
        "I6: closes are never filtered"
    );
}

#[test]
fn a_log_without_closes_owes_none() {
    let mut case =
        log(&[Opened]).with(|c| c.policy.notify_on = [Opened, Updated].into_iter().collect());
    case.send(OK, None);
    case.happens(Closed);
    assert_eq!(case.plan(), idle());
    assert!(!lanes::keeps_alert(&case.lane));
}

#[test]
fn a_reopening_is_delayed_again_unless_an_opening_was_let_out_and_is_owed_c3() {
    let delayed = |case: Case| case.with(|c| c.policy.delay = DurationMs(50));
    let mut closed = delayed(keyed(&[Opened, Closed]).told(Told::Closed, 2));
    closed.happens(Reopened);
    assert_eq!(closed.lane.delay_until, at(NOW + 50));

    let mut owed = delayed(keyed(&[Opened]).with(|c| c.lane.not_before = at(NOW + 9)));
    owed.happens(Closed);
    owed.happens(Reopened);
    assert_eq!(owed.lane.delay_until, at(0), "it had been let out");

    let mut held = delayed(keyed(&[Opened, Closed]).with(|c| c.lane.delay_until = at(100)));
    held.happens(Reopened);
    assert_eq!(
        held.lane.delay_until,
        at(NOW + 50),
        "it closed while held, though nobody has planned since"
    );
}

#[test]
fn i4_a_log_hears_of_the_episodes_that_passed_while_a_close_was_being_tried_again_c12() {
    for delay in [0, 50] {
        let mut case = log(&[Opened]).told(Told::Open, 1);
        case.policy.delay = DurationMs(delay);
        for kind in [Closed, Reopened, Closed, Reopened] {
            case.now = case.now + DurationMs(100);
            case.happens(kind);
        }
        case.now = case.now + DurationMs(100);
        for seq in 2..=5 {
            let verb = case.send(OK, None);
            assert!(
                matches!(verb, Verb::Event { seq: told, .. } if told == seq),
                "delay {delay}: {verb:?} in the place of event {seq}"
            );
        }
        assert_eq!(case.plan(), idle(), "delay {delay}");
    }
}

#[test]
fn a_release_keeps_the_time_and_cuts_no_delay_c3() {
    let mut case = keyed(&[Opened]).with(|c| c.lane.delay_until = at(NOW + 70));
    lanes::hold(
        &mut case.lane,
        Timestamp::NEVER,
        HeldBy::Silence("night".into()),
    );
    lanes::release(&mut case.lane, at(NOW));
    assert_eq!(
        (case.lane.held_until, case.lane.held_by.clone()),
        (at(NOW), None)
    );
    assert_eq!(case.lane.delay_until, at(NOW + 70));
    lanes::release(&mut case.lane, at(NOW + 1000));
    assert_eq!(case.lane.held_until, at(NOW), "what ended earlier stays so");
}

#[test]
fn an_edited_target_takes_along_what_was_certainly_not_told_c1() {
    let edited = |case: Case| case.with(|c| c.policy.revision = 2);
    let moves =
        |case: Case| lanes::retarget(&case.lane, &case.policy).map(|lane| lane.key.revision);
    assert_eq!(moves(edited(keyed(&[Opened]))), Some(2));
    assert_eq!(moves(keyed(&[Opened])), None, "it is there already");
    assert_eq!(moves(edited(keyed(&[Opened]).told(Told::Open, 1))), None);
    assert_eq!(moves(edited(keyed(&[Opened]).told(Told::Closed, 1))), None);
    assert_eq!(moves(edited(keyed(&[Opened]).doubt())), None);
    assert_eq!(
        moves(edited(
            keyed(&[Opened]).with(|c| c.lane.claim = Some(c.claim(Verb::Open, 1)))
        )),
        None
    );
    assert_eq!(
        moves(edited(
            keyed(&[Opened]).with(|c| c.lane.extra_handles.push(handle("x")))
        )),
        None
    );
}

#[test]
fn a_reopening_after_a_target_edit_begins_a_lane_there_and_the_old_one_finishes_c5() {
    let case = keyed(&[Opened, Closed, Reopened])
        .told(Told::Closed, 2)
        .with(|c| {
            c.lane.head = 2;
            c.policy.revision = 2;
            c.policy.delay = DurationMs(5);
            c.lane.unsure_until = Some(at(NOW + 3));
        });
    let raised = lanes::raise(
        &case.lane,
        Some(at(2)),
        &case.alert,
        &case.events[2..],
        &case.policy,
        case.now,
    )
    .unwrap();
    let new = raised.new.unwrap();
    assert_eq!(
        (new.key.revision, new.cursor, new.head, new.delay_until),
        (2, 2, 3, at(NOW + 5))
    );
    assert!(raised.lane.retired);
    let old = Case {
        lane: raised.lane,
        now: at(NOW + 3),
        ..case
    };
    assert_eq!(old.plan(), send(Verb::Repeat(Told::Closed), 2));
}

#[test]
fn a_lane_that_is_open_on_the_old_target_finishes_there() {
    let mut case = keyed(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.policy.revision = 2);
    case.happens(Updated);
    case.happens(Closed);
    assert_eq!(
        (case.lane.key.revision, case.plan()),
        (1, send(Verb::Close, 3))
    );
}

#[test]
fn what_the_vendor_says_itself_is_not_told_to_it_i8() {
    let mut case = keyed(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.lane.told_at = at(NOW));
    assert!(
        !lanes::hear(&mut case.lane, Told::Closed, at(NOW - 1), &case.policy),
        "old news"
    );
    assert!(lanes::hear(
        &mut case.lane,
        Told::Acked,
        at(NOW + 1),
        &case.policy
    ));
    case.happens(Acknowledged);
    assert_eq!(case.plan(), skip(2, SkipReason::NothingToSay));
    let mut button = chat(&[Opened]).told(Told::Open, 1);
    assert!(!lanes::hear(
        &mut button.lane,
        Told::Acked,
        at(NOW + 1),
        &button.policy
    ));
    button.happens(Acknowledged);
    assert_eq!(
        button.plan(),
        send(Verb::Ack, 2),
        "a button changes nothing in the message"
    );
}

#[test]
fn a_vendors_change_while_we_send_leaves_doubt_and_is_repeated_once_i8() {
    let mut case = keyed(&[Opened, Acknowledged]).told(Told::Open, 1);
    let claim = case.claim(Verb::Ack, 2);
    assert!(lanes::claim(&mut case.lane, claim.clone()));
    assert!(lanes::hear(
        &mut case.lane,
        Told::Closed,
        at(NOW + 1),
        &case.policy
    ));
    assert!(case.lane.doubt && case.lane.unsure_until == Some(claim.until + case.policy.deadline));
    case.happens(Closed);
    case.lane = lanes::record(
        &case.policy,
        case.lane.clone(),
        &claim,
        OK,
        None,
        case.now,
        0,
    )
    .lane;
    assert_eq!(
        case.send(OK, None),
        Verb::Close,
        "which came first, nobody knows"
    );
    case.now = case.lane.unsure_until.unwrap();
    assert_eq!(case.send(OK, None), Verb::Repeat(Told::Closed));
    assert_eq!(case.plan(), idle());
}

#[test]
fn after_an_unclean_start_what_may_have_been_under_way_is_in_doubt_c1() {
    let doubts = |case: &mut Case| {
        lanes::in_doubt_after_unclean_start(&mut case.lane, &case.alert, &case.policy, case.now);
        (
            case.lane.doubt,
            case.lane.duplicates,
            case.lane.unsure_until.is_some(),
        )
    };
    assert_eq!(doubts(&mut keyed(&[Opened])), (true, 1, true));
    assert_eq!(
        doubts(&mut keyed(&[Opened]).silenced()),
        (true, 1, true),
        "C10: a silence may have come later"
    );
    assert_eq!(
        doubts(&mut keyed(&[Opened, Closed]).told(Told::Open, 1)),
        (true, 1, true)
    );
    assert_eq!(
        doubts(&mut keyed(&[Opened]).told(Told::Open, 1)),
        (false, 0, false),
        "nothing is owed"
    );
    assert_eq!(
        doubts(&mut keyed(&[Opened]).with(|c| c.lane.not_before = at(NOW + 1))),
        (false, 0, false)
    );
    assert_eq!(
        doubts(&mut keyed(&[Opened]).with(|c| c.lane.delay_until = at(NOW + 1))),
        (false, 0, false)
    );
    let closed_held = |c: &mut Case| c.lane.delay_until = at(3);
    assert_eq!(
        doubts(&mut keyed(&[Opened, Closed]).with(closed_held)),
        (false, 0, false),
        "it never left"
    );
    let catching_up = keyed(&[Opened, Acknowledged]).told(Told::Open, 2);
    assert_eq!(doubts(&mut { catching_up }), (false, 1, true), "E6");
}

#[test]
fn a_replay_goes_back_and_counts() {
    let mut case = log(&[Opened, Updated])
        .told(Told::Open, 2)
        .with(|c| c.lane.not_before = at(NOW + 9));
    lanes::replay(&mut case.lane, 1);
    assert_eq!(
        case.plan(),
        send(
            Verb::Event {
                seq: 2,
                status: Status::Open
            },
            2
        )
    );
    assert_eq!(case.lane.replay, 1);
}
