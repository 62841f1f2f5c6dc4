//! One case, or a few, for each row of the table.

use lifecycle::lanes::{EventKinds, Plan, SkipReason as Why, WaitReason};
use model::{DurationMs, EventKind, Origin, Status, Told, Verb};

use crate::kit::*;

fn event_verb(seq: u32, status: Status) -> Verb {
    Verb::Event { seq, status }
}

/// Situation, what comes of it, and what this shows.
type Row = (&'static str, Case, Plan);

fn check(rows: Vec<Row>) {
    for (what, case, expected) in rows {
        assert_eq!(case.plan(), expected, "{what}");
        let due = match expected {
            Plan::Wait { until, .. } if until == model::Timestamp::NEVER => None,
            Plan::Wait { until, .. } => Some(until),
            _ => Some(case.now),
        };
        assert_eq!(case.due(), due, "due: {what}");
    }
}

#[test]
fn g1_a_failure_holds_everything_until_its_time() {
    check(vec![
        (
            "back-off",
            keyed(&[Opened]).with(|c| c.lane.not_before = at(NOW + 5)),
            wait(NOW + 5, WaitReason::Retry),
        ),
        (
            "over",
            keyed(&[Opened]).with(|c| c.lane.not_before = at(NOW)),
            send(Verb::Open, 1),
        ),
    ]);
}

#[test]
fn e_nothing_pending() {
    let closed = || keyed(&[Opened, Closed]).told(Told::Closed, 2);
    let open = || keyed(&[Opened]).told(Told::Open, 1);
    let reminding = || {
        open().with(|c| {
            c.policy.interval = DurationMs(100);
            c.lane.remind_at = at(NOW + 50);
        })
    };
    check(vec![
        (
            "E1 an extra is closed after the main object",
            closed().with(|c| c.lane.extra_handles.push(handle("x"))),
            send(Verb::CloseExtra(0), 2),
        ),
        (
            "E1 not while the alert is open",
            open().with(|c| c.lane.extra_handles.push(handle("x"))),
            idle(),
        ),
        (
            "E2 a doubtful close is sent again",
            keyed(&[Opened, Closed]).told(Told::Open, 2).doubt(),
            send(Verb::Close, 2),
        ),
        (
            "E2 also when off",
            keyed(&[Opened, Closed]).told(Told::Open, 2).doubt().off(),
            send(Verb::Close, 2),
        ),
        (
            "E2 not for mirrors: nobody knows what to close",
            chat(&[Opened, Closed]).told(Told::Nothing, 2).doubt(),
            idle(),
        ),
        (
            "E3 waits until no late request can come",
            open().with(|c| c.lane.unsure_until = Some(at(NOW + 9))),
            wait(NOW + 9, WaitReason::Unsure),
        ),
        (
            "E3 repeats the state",
            open().with(|c| c.lane.unsure_until = Some(at(NOW))),
            send(Verb::Repeat(Told::Open), 1),
        ),
        (
            "E3 a close also when off",
            closed().off().with(|c| c.lane.unsure_until = Some(at(NOW))),
            send(Verb::Repeat(Told::Closed), 2),
        ),
        (
            "E3 an open not when off",
            open().off().with(|c| c.lane.unsure_until = Some(at(NOW))),
            idle(),
        ),
        (
            "E3 a mirror without a handle has nothing to repeat on",
            chat(&[Opened]).told(Told::Open, 1).with(|c| {
                c.lane.handle = None;
                c.lane.unsure_until = Some(at(NOW));
            }),
            idle(),
        ),
        (
            "E4 waits for the next reminder",
            reminding(),
            wait(NOW + 50, WaitReason::Reminder),
        ),
        (
            "E4 reminds",
            reminding().with(|c| c.now = at(NOW + 50)),
            send(Verb::Remind, 1),
        ),
        (
            "E4 a silence holds reminders",
            reminding().with(|c| {
                c.now = at(NOW + 50);
                c.lane.held_until = at(NOW + 70);
            }),
            wait(NOW + 70, WaitReason::Reminder),
        ),
        ("E4 not when off", reminding().off(), idle()),
        (
            "E4 not what pages by itself",
            reminding().with(|c| c.policy.can.pages = true),
            idle(),
        ),
        (
            "E4 not what is acknowledged",
            keyed(&[Opened, Acknowledged])
                .told(Told::Acked, 2)
                .with(|c| c.policy.interval = DurationMs(1)),
            idle(),
        ),
        (
            "E4 before E3's time",
            reminding().with(|c| c.lane.unsure_until = Some(at(NOW + 90))),
            wait(NOW + 50, WaitReason::Reminder),
        ),
        ("E5 nothing is owed", open(), idle()),
        (
            "E6 an ack that passed while it was off",
            keyed(&[Opened, Acknowledged]).told(Told::Open, 2),
            send(Verb::Ack, 2),
        ),
        (
            "E6 an unack likewise; a mirror edits",
            chat(&[Opened]).told(Told::Acked, 1),
            send(Verb::Open, 1),
        ),
        (
            "E6 the vendor took up a closed alert",
            keyed(&[Opened, Closed]).told(Told::Acked, 2).off(),
            send(Verb::Close, 2),
        ),
        (
            "E6 not when off",
            keyed(&[Opened, Acknowledged]).told(Told::Open, 2).off(),
            idle(),
        ),
        (
            "a retired lane closes although the alert is open",
            keyed(&[Opened])
                .told(Told::Acked, 1)
                .with(|c| c.lane.retired = true),
            send(Verb::Close, 1),
        ),
    ]);
}

#[test]
fn f_nothing_of_ours_is_open_there() {
    check(vec![
        (
            "F1 closed while its delay ran",
            keyed(&[Opened, Closed]).with(|c| c.lane.delay_until = at(3)),
            skip(2, Why::ClosedWhileHeld),
        ),
        (
            "F1 closed while silenced",
            log(&[Opened, Closed]).silenced(),
            skip(2, Why::ClosedWhileHeld),
        ),
        (
            "F1 a release keeps the time (C3)",
            mail(&[Opened, Closed]).with(|c| c.lane.held_until = at(500)),
            skip(2, Why::ClosedWhileHeld),
        ),
        (
            "F1 not what closed after the release",
            keyed(&[Opened, Closed]).with(|c| c.lane.held_until = at(2)),
            send(Verb::Close, 2),
        ),
        (
            "F1 a reopening that closed again in its delay",
            mail(&[Opened, Closed, Reopened, Closed])
                .told(Told::Closed, 2)
                .with(|c| c.lane.delay_until = at(NOW)),
            skip(4, Why::ClosedWhileHeld),
        ),
        (
            "F1 only the close; the reopening stays pending",
            mail(&[Opened, Closed, Reopened]).with(|c| c.lane.delay_until = at(NOW + 1)),
            skip(2, Why::ClosedWhileHeld),
        ),
        (
            "F1 a silenced notification",
            keyed(&[Informed]).silenced(),
            skip(1, Why::ClosedWhileHeld),
        ),
        (
            "F2 off: opens nothing",
            keyed(&[Opened]).off(),
            skip(1, Why::Disabled),
        ),
        (
            "F2 deleted: opens nothing",
            chat(&[Opened]).with(|c| c.policy.deleted = true),
            skip(1, Why::Disabled),
        ),
        (
            "F3 the delay",
            keyed(&[Opened]).with(|c| c.lane.delay_until = at(NOW + 7)),
            wait(NOW + 7, WaitReason::Delay),
        ),
        (
            "F3 a silence",
            chat(&[Opened]).silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        (
            "F4 a note on what it never heard of",
            mail(&[Opened, Closed, Noted]).told(Told::Nothing, 2),
            skip(3, Why::NeverTold),
        ),
        (
            "F4 a log as well",
            log(&[Opened, Closed, Noted]).told(Told::Nothing, 2),
            skip(3, Why::NeverTold),
        ),
    ]);
}

#[test]
fn l1_to_l4_a_lifecycle_vendor_that_shows_nothing_of_it() {
    check(vec![
        (
            "L1 opens, whatever the event",
            keyed(&[Opened, Updated]).told(Told::Nothing, 1),
            send(Verb::Open, 2),
        ),
        (
            "L1 leaves the ack its event",
            keyed(&[Opened, Acknowledged]),
            send(Verb::Open, 1),
        ),
        (
            "L1 an ack it cannot say needs none",
            keyed(&[Opened, Acknowledged]).with(|c| c.policy.can.ack = false),
            send(Verb::Open, 2),
        ),
        (
            "L1 leaves notes their place",
            keyed(&[Opened, Updated, Noted, Updated]),
            send(Verb::Open, 2),
        ),
        (
            "L1 a lone note opens first",
            keyed(&[Opened, Noted]).told(Told::Nothing, 1),
            send(Verb::Open, 1),
        ),
        (
            "L2 the vendor closed it itself (I8)",
            keyed(&[Opened, Closed]).told(Told::Closed, 1),
            skip(2, Why::Echo),
        ),
        (
            "L2 mail likewise",
            mail(&[Opened, Closed]).told(Told::Closed, 1),
            skip(2, Why::Echo),
        ),
        (
            "L2 reopened and closed again; it ignores unknown closes",
            keyed(&[Opened, Closed, Reopened, Closed]).told(Told::Closed, 2),
            skip(4, Why::Echo),
        ),
        (
            "L3 the close alone: it may have heard the open",
            keyed(&[Opened, Closed]),
            send(Verb::Close, 2),
        ),
        (
            "L4 opens first; the close follows",
            mail(&[Opened, Closed]),
            send(Verb::Open, 1),
        ),
        (
            "L4 reopened and closed again",
            mail(&[Opened, Closed, Reopened, Closed]).told(Told::Closed, 2),
            send(Verb::Open, 3),
        ),
    ]);
}

#[test]
fn l5_l6_a_lifecycle_vendor_in_doubt() {
    check(vec![
        (
            "L5 off: tells nothing new",
            keyed(&[Opened, Acknowledged]).told(Told::Open, 1).off(),
            skip(2, Why::Disabled),
        ),
        (
            "L5 off, maybe opened, open",
            keyed(&[Opened, Updated])
                .told(Told::Nothing, 1)
                .doubt()
                .off(),
            skip(2, Why::Disabled),
        ),
        (
            "L5 maybe opened, closed: an ignoring vendor",
            keyed(&[Opened, Closed]).doubt(),
            send(Verb::Close, 2),
        ),
        (
            "L5 maybe opened, closed, off",
            mail(&[Opened, Closed]).doubt().off(),
            send(Verb::Close, 2),
        ),
        (
            "L5 maybe opened, closed: mail opens again",
            mail(&[Opened, Closed]).doubt(),
            send(Verb::Open, 1),
        ),
        (
            "L5 but not what was refused",
            mail(&[Opened, Closed]).told(Told::Nothing, 1).doubt(),
            send(Verb::Close, 2),
        ),
        (
            "L6 a silence holds what may be an opening",
            keyed(&[Opened]).doubt().silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        (
            "L6 the state, whatever it is there",
            keyed(&[Opened, Acknowledged]).told(Told::Open, 1).doubt(),
            send(Verb::Set(Told::Acked), 2),
        ),
        (
            "L6 C2: an unack after a lost ack",
            mail(&[Opened, Acknowledged, Unacknowledged])
                .told(Told::Open, 1)
                .doubt(),
            send(Verb::Set(Told::Open), 3),
        ),
        (
            "L6 up to before a note",
            keyed(&[Opened, Acknowledged, Noted])
                .told(Told::Open, 1)
                .doubt(),
            send(Verb::Set(Told::Acked), 2),
        ),
        (
            "L6 told and doubtful passes a silence",
            keyed(&[Opened, Acknowledged])
                .told(Told::Open, 1)
                .doubt()
                .silenced(),
            send(Verb::Set(Told::Acked), 2),
        ),
    ]);
}

#[test]
fn l7_notes_keep_their_place() {
    let open = |log: &[EventKind]| keyed(log).told(Told::Open, 1);
    check(vec![
        ("a note", open(&[Opened, Noted]), send(Verb::Note(2), 2)),
        (
            "passes a silence",
            open(&[Opened, Noted]).silenced(),
            send(Verb::Note(2), 2),
        ),
        (
            "an assignment",
            open(&[Opened, Assigned]),
            send(Verb::Note(2), 2),
        ),
        (
            "an assignment that it cannot say",
            open(&[Opened, Assigned]).with(|c| c.policy.can.assign = false),
            skip(2, Why::NothingToSay),
        ),
        (
            "what stands before it is told first",
            open(&[Opened, Acknowledged, Noted]),
            send(Verb::Ack, 2),
        ),
        (
            "a state that changed before it, though its event is settled",
            open(&[Opened, Acknowledged, Noted]).told(Told::Open, 2),
            send(Verb::Ack, 2),
        ),
        (
            "a state that changes later waits",
            open(&[Opened, Noted, Acknowledged]),
            send(Verb::Note(2), 2),
        ),
        (
            "before a close, states are told once",
            open(&[Opened, Acknowledged, Noted, Closed]),
            skip(2, Why::Superseded),
        ),
        (
            "before a close the note is told",
            open(&[Opened, Noted, Closed]),
            send(Verb::Note(2), 2),
        ),
        (
            "after the close: the close first",
            open(&[Opened, Closed, Noted]).told(Told::Open, 2),
            send(Verb::Close, 2),
        ),
        (
            "its own note is not told to it (I8)",
            open(&[Opened, Noted]).with(|c| {
                c.lane.handle = Some(handle("incident 1"));
                c.events[1].origin = Some(Origin {
                    vendor: "opsgenie".into(),
                    object: "incident 1".into(),
                });
            }),
            skip(2, Why::NothingToSay),
        ),
        (
            "another object's note is",
            open(&[Opened, Noted]).with(|c| {
                c.lane.handle = Some(handle("incident 1"));
                c.events[1].origin = Some(Origin {
                    vendor: "opsgenie".into(),
                    object: "incident 2".into(),
                });
            }),
            send(Verb::Note(2), 2),
        ),
        (
            "a vendor without notes",
            open(&[Opened, Noted]).with(|c| c.policy.can.note = false),
            skip(2, Why::NothingToSay),
        ),
    ]);
}

#[test]
fn l8_the_newest_state_or_content() {
    let open = |log: &[EventKind]| keyed(log).told(Told::Open, 1);
    check(vec![
        (
            "a close",
            open(&[Opened, Updated, Closed]),
            send(Verb::Close, 3),
        ),
        (
            "a close passes a silence",
            open(&[Opened, Closed]).silenced(),
            send(Verb::Close, 2),
        ),
        (
            "a close when off",
            open(&[Opened, Closed]).off(),
            send(Verb::Close, 2),
        ),
        (
            "an ack passes a silence",
            open(&[Opened, Acknowledged]).silenced(),
            send(Verb::Ack, 2),
        ),
        (
            "an unack",
            keyed(&[Opened, Acknowledged, Unacknowledged]).told(Told::Acked, 2),
            send(Verb::Unack, 3),
        ),
        (
            "an unack that it cannot say",
            keyed(&[Opened, Acknowledged, Unacknowledged])
                .told(Told::Acked, 2)
                .with(|c| c.policy.can.unack = false),
            skip(3, Why::NothingToSay),
        ),
        (
            "an ack that notify_on leaves out",
            open(&[Opened, Acknowledged])
                .with(|c| c.policy.notify_on = EventKinds::ALL.without(Acknowledged)),
            skip(2, Why::NothingToSay),
        ),
        (
            "acked and taken back",
            open(&[Opened, Acknowledged, Unacknowledged]),
            skip(3, Why::NothingToSay),
        ),
        (
            "what it has from the vendor itself (I8)",
            keyed(&[Opened, Acknowledged]).told(Told::Acked, 1),
            skip(2, Why::NothingToSay),
        ),
        (
            "updates are gathered",
            open(&[Opened, Updated, Updated]),
            send(Verb::Update, 3),
        ),
        (
            "a silence holds an update",
            open(&[Opened, Updated]).silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        (
            "an update that it cannot say (slack_webhook)",
            open(&[Opened, Updated]).with(|c| c.policy.can.update = false),
            skip(2, Why::NothingToSay),
        ),
        (
            "an update before an ack is not swallowed",
            open(&[Opened, Updated, Acknowledged]),
            send(Verb::Update, 2),
        ),
        (
            "nor one after it",
            open(&[Opened, Acknowledged, Updated]),
            send(Verb::Ack, 2),
        ),
        (
            "but an ack passes it in a silence",
            open(&[Opened, Updated, Acknowledged]).silenced(),
            send(Verb::Ack, 3),
        ),
    ]);
}

#[test]
fn m_a_mirror_shows_the_newest_state() {
    let told =
        |told, log: &[EventKind]| chat(log).told(told, u32::try_from(log.len()).unwrap() - 1);
    check(vec![
        (
            "M1 closed already",
            told(Told::Closed, &[Opened, Closed]),
            skip(2, Why::Echo),
        ),
        (
            "M2 off, open",
            told(Told::Open, &[Opened, Updated]).off(),
            skip(2, Why::Disabled),
        ),
        (
            "M2 off, closed, the only post lost",
            chat(&[Opened, Closed]).doubt().off(),
            skip(2, Why::Orphaned),
        ),
        (
            "M3 a silence holds what may be the first post",
            chat(&[Opened]).doubt().silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        ("M4 posts", chat(&[Opened, Updated]), send(Verb::Open, 2)),
        (
            "M4 acks at once, silenced or not",
            told(Told::Open, &[Opened, Acknowledged])
                .silenced()
                .with(|c| c.lane.edit_after = at(NOW + 99)),
            send(Verb::Ack, 2),
        ),
        (
            "M4 unacks",
            told(Told::Acked, &[Opened, Unacknowledged]),
            send(Verb::Open, 2),
        ),
        (
            "M4 closes, also when off",
            told(Told::Open, &[Opened, Closed]).off(),
            send(Verb::Close, 2),
        ),
        (
            "M4 already closed is one post",
            chat(&[Opened, Closed]),
            send(Verb::Close, 2),
        ),
        (
            "M4 reopens",
            told(Told::Closed, &[Opened, Closed, Reopened]),
            send(Verb::Open, 3),
        ),
        (
            "M4 in doubt it says the state again",
            told(Told::Acked, &[Opened, Acknowledged]).doubt(),
            send(Verb::Ack, 2),
        ),
        (
            "M5 an update",
            told(Told::Open, &[Opened, Updated]),
            send(Verb::Update, 2),
        ),
        (
            "M5 edits seldom (E29)",
            told(Told::Open, &[Opened, Updated]).with(|c| c.lane.edit_after = at(NOW + 99)),
            wait(NOW + 99, WaitReason::EditInterval),
        ),
        (
            "M5 a silence",
            told(Told::Open, &[Opened, Updated]).silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        (
            "M5 the message is gone",
            told(Told::Open, &[Opened, Updated]).with(|c| c.lane.handle = None),
            skip(2, Why::Gone),
        ),
        (
            "M5 who shelves it sees so at once",
            told(Told::Open, &[Opened, Shelved]).silenced(),
            send(Verb::Update, 2),
        ),
    ]);
}

#[test]
fn g_a_log_tells_every_event_in_order() {
    let open = |log_: &[EventKind]| log(log_).told(Told::Open, 1);
    let without =
        |kind, case: Case| case.with(|c| c.policy.notify_on = EventKinds::ALL.without(kind));
    check(vec![
        (
            "G2 off: nothing",
            open(&[Opened, Updated]).off(),
            skip(2, Why::Disabled),
        ),
        (
            "G2 off: up to before the close",
            open(&[Opened, Updated, Closed]).off(),
            skip(2, Why::Disabled),
        ),
        (
            "G2 off: the close",
            open(&[Opened, Updated, Closed]).told(Told::Open, 2).off(),
            send(event_verb(3, Status::Closed), 3),
        ),
        (
            "G3 a silence",
            open(&[Opened, Updated]).silenced(),
            wait(NOW + 500, WaitReason::Held),
        ),
        (
            "G3 an ack passes",
            open(&[Opened, Acknowledged]).silenced(),
            send(event_verb(2, Status::Acknowledged), 2),
        ),
        (
            "G3 and passes over what stands before it",
            open(&[Opened, Updated, Closed]).silenced(),
            skip(2, Why::Silenced),
        ),
        (
            "G4 the first",
            log(&[Opened, Updated, Closed]),
            send(event_verb(1, Status::Open), 1),
        ),
        (
            "G4 one after the other, closed or not",
            open(&[Opened, Updated, Closed]),
            send(event_verb(2, Status::Open), 2),
        ),
        (
            "G4 a note after the close",
            log(&[Opened, Closed, Noted]).told(Told::Closed, 2),
            send(event_verb(3, Status::Closed), 3),
        ),
        (
            "G4 keeps the kind of the first event",
            log(&[Opened, EventKind::SeverityChanged]).told(Told::Nothing, 1),
            send(event_verb(2, Status::Open), 2),
        ),
        (
            "G4 trimmed events",
            open(&[Opened, Updated, Updated, Closed]).with(|c| drop(c.events.drain(1..3))),
            skip(3, Why::Trimmed),
        ),
        (
            "G4 all trimmed",
            open(&[Opened, Updated]).with(|c| c.events.truncate(1)),
            skip(2, Why::Trimmed),
        ),
        (
            "notify_on filters",
            without(Updated, open(&[Opened, Updated, Noted])),
            skip(2, Why::NotWanted),
        ),
        (
            "notify_on filters all",
            without(Updated, open(&[Opened, Updated])),
            skip(2, Why::NotWanted),
        ),
    ]);
}

#[test]
fn a_list_cut_short_is_settled_as_far_as_it_goes() {
    let mut kinds = vec![Opened];
    kinds.extend(std::iter::repeat_n(Updated, 1500));
    let mut case = keyed(&kinds).told(Told::Open, 1);
    let mut pending = case.pending();
    pending.truncate(model::limits::PENDING_EVENTS_MAX);
    let plan = lifecycle::lanes::plan(&case.policy, &case.lane, &pending, &case.alert, case.now);
    assert_eq!(plan, send(Verb::Update, 1001));
    case = case.off();
    let plan = lifecycle::lanes::plan(&case.policy, &case.lane, &pending, &case.alert, case.now);
    assert_eq!(plan, skip(1001, Why::Disabled));
}

#[test]
fn every_reason_is_a_sentence_for_people() {
    for plan in [
        idle(),
        wait(5, WaitReason::Retry),
        skip(2, Why::Gone),
        send(Verb::Close, 3),
    ] {
        let text = plan.to_string();
        assert!(text.ends_with('.') && text.len() > 10, "{text}");
    }
    assert_eq!(
        skip(2, Why::Gone).to_string(),
        "Passes over events up to 2. The message or object on the other side is gone or can no longer be changed."
    );
}
