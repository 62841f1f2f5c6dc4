//! What the exhaustive model leaves out: reminders beside steady updates, notifications, shelving, assignments.

use lifecycle::lanes::WaitReason;
use model::{DurationMs, Outcome, Status, Told, Verb};

use crate::kit::*;

const OK: Outcome = Outcome::Delivered;

/// Lets `minutes` go by with an update in each; returns the verbs that were sent, with the minute.
fn live(case: &mut Case, minutes: i64) -> Vec<(i64, Verb)> {
    let mut sent = Vec::new();
    for minute in 0..minutes {
        case.happens(Updated);
        for _ in 0..5 {
            match case.plan() {
                lifecycle::lanes::Plan::Send { .. } => {
                    sent.push((minute, case.send(OK, Some(handle("m")))))
                }
                lifecycle::lanes::Plan::Skip { upto, reason } => {
                    lifecycle::lanes::skip(&mut case.lane, upto, reason)
                }
                lifecycle::lanes::Plan::Wait { .. } => break,
            }
        }
        case.now = case.now + DurationMs::from_mins(1);
    }
    sent
}

fn minutes_of(sent: &[(i64, Verb)], verb: Verb) -> Vec<i64> {
    sent.iter()
        .filter(|(_, v)| *v == verb)
        .map(|(minute, _)| *minute)
        .collect()
}

#[test]
fn steady_updates_do_not_starve_the_reminders_of_a_mirror_e4_e29() {
    let mut case = chat(&[Opened]).with(|c| {
        c.policy.interval = DurationMs::from_mins(7);
        c.policy.edit_interval = DurationMs::from_mins(5);
    });
    let sent = live(&mut case, 30);
    assert_eq!(minutes_of(&sent, Verb::Open), [0]);
    assert_eq!(minutes_of(&sent, Verb::Update), [5, 10, 15, 20, 25], "E29");
    assert_eq!(minutes_of(&sent, Verb::Remind), [7, 14, 21, 28]);
    assert_eq!(case.lane.reminders, 4);
}

#[test]
fn a_silence_holds_updates_and_reminders_and_acks_pass_and_stop_them() {
    let mut case = mail(&[Opened]).told(Told::Open, 1).with(|c| {
        c.policy.interval = DurationMs::from_mins(2);
        c.lane.held_until = at(NOW) + DurationMs::from_mins(10);
        c.lane.remind_at = at(NOW);
    });
    let sent = live(&mut case, 10);
    assert_eq!(sent, []);
    let sent = live(&mut case, 3);
    assert_eq!(sent.first(), Some(&(0, Verb::Update)));
    assert!(minutes_of(&sent, Verb::Remind).contains(&0), "{sent:?}");
    case.happens(Acknowledged);
    assert_eq!(case.send(OK, None), Verb::Ack);
    assert_eq!(
        case.due(),
        None,
        "nobody is reminded of what somebody looks after"
    );
    case.happens(Unacknowledged);
    assert_eq!(case.send(OK, None), Verb::Unack);
    let two = DurationMs::from_mins(2);
    assert_eq!(
        case.due(),
        Some(case.now + two),
        "an unack starts the interval anew"
    );
}

#[test]
fn a_refused_reminder_is_not_tried_at_once() {
    let mut case = keyed(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.policy.interval = DurationMs::from_mins(2));
    assert_eq!(case.send(Outcome::PayloadBad, None), Verb::Remind);
    assert_eq!(case.due(), Some(case.now + DurationMs::from_mins(2)));
}

#[test]
fn a_notification_is_opened_and_closed_or_left_as_the_policy_says_e16() {
    for make in [keyed, mail] {
        let mut closing = make(&[Informed]);
        assert_eq!(closing.send(OK, None), Verb::Open);
        assert_eq!(closing.send(OK, None), Verb::Close);
        assert_eq!(closing.plan(), idle());

        let mut leaving = make(&[Informed]).with(|c| c.policy.close_notifications = false);
        assert_eq!(leaving.send(OK, None), Verb::Inform);
        assert_eq!((leaving.lane.told, leaving.plan()), (Told::Closed, idle()));
        assert!(!lifecycle::lanes::keeps_alert(&leaving.lane));
    }
    let mut message = chat(&[Informed]);
    assert_eq!(
        message.send(OK, Some(handle("m"))),
        Verb::Inform,
        "E27: one message"
    );
    assert_eq!(message.plan(), idle());
    let mut event = log(&[Informed]);
    assert_eq!(
        event.send(OK, None),
        Verb::Event {
            seq: 1,
            status: Status::Closed
        }
    );
    assert_eq!(event.plan(), idle());
}

#[test]
fn a_notification_whose_reply_was_lost_is_told_again_and_a_refused_one_is_over() {
    let mut lost = keyed(&[Informed]).with(|c| c.policy.close_notifications = false);
    lost.send(Outcome::Ambiguous, None);
    lost.now = lost.lane.not_before;
    assert_eq!(lost.send(Outcome::PayloadBad, None), Verb::Inform);
    lost.now = lost.lane.unsure_until.unwrap();
    assert_eq!(lost.send(OK, None), Verb::Repeat(Told::Closed));
    assert_eq!(lost.plan(), idle());
    let mut refused = mail(&[Informed]);
    assert_eq!(refused.send(Outcome::PayloadBad, None), Verb::Open);
    for _ in 0..3 {
        if refused.plan() != idle() {
            refused.send(Outcome::PayloadBad, None);
        }
    }
    assert_eq!(refused.plan(), idle());
}

#[test]
fn a_notification_does_not_wait_for_the_delay() {
    let case = keyed(&[Informed]).with(|c| c.policy.delay = DurationMs(500));
    let lane = lifecycle::lanes::enter(
        model::IntegrationId(7),
        &case.alert,
        &case.events,
        &case.policy,
        case.now,
    );
    assert_eq!(lane.unwrap().delay_until, case.now);
}

#[test]
fn shelving_is_told_to_vendors_that_can_snooze_and_is_no_state_elsewhere() {
    let mut snoozing = keyed(&[Opened, Acknowledged, Shelved])
        .told(Told::Acked, 2)
        .with(|c| c.policy.can.snooze = true);
    assert_eq!(snoozing.send(OK, None), Verb::Note(3));
    snoozing.happens(Unshelved);
    assert_eq!(snoozing.send(OK, None), Verb::Unack, "it is open again");
    assert_eq!(snoozing.send(OK, None), Verb::Note(4));
    assert_eq!(snoozing.plan(), idle());

    let mut other = keyed(&[Opened, Acknowledged, Shelved])
        .told(Told::Acked, 2)
        .silenced();
    assert_eq!(
        other.plan(),
        skip(3, lifecycle::lanes::SkipReason::NothingToSay)
    );
    other.happens(Closed);
    assert_eq!(other.send(OK, None), Verb::Close, "a close passes");

    let doubtful = keyed(&[Opened, Shelved])
        .told(Told::Open, 1)
        .doubt()
        .silenced();
    assert_eq!(
        doubtful.plan(),
        wait(NOW + 500, WaitReason::Held),
        "it is not opened anew while it is shelved"
    );
}

#[test]
fn an_assignment_is_told_in_its_place() {
    let mut case = keyed(&[Opened, Assigned, Acknowledged, Assigned]);
    let mut said = Vec::new();
    while case.plan() != idle() {
        said.push(case.send(OK, None));
    }
    assert_eq!(said, [Verb::Open, Verb::Note(2), Verb::Ack, Verb::Note(4)]);
}
