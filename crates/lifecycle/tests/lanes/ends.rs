//! What the end of a send makes of a lane.

use lifecycle::lanes::{self, RetrySchedule, Verdict};
use model::{AttemptKind, DurationMs, Outcome, Status, Told, Verb};

use crate::kit::*;

const BAD: Outcome = Outcome::PayloadBad;
const OK: Outcome = Outcome::Delivered;
const LOST: Outcome = Outcome::Ambiguous;

#[test]
fn an_accepted_send_counts_as_applied() {
    for outcome in [OK, Outcome::Accepted] {
        let mut case = keyed(&[Opened]).doubt();
        case.end(Verb::Set(Told::Open), 1, outcome, Some(handle("k")));
        assert_eq!(
            (case.lane.told, case.lane.doubt, case.lane.cursor),
            (Told::Open, false, 1)
        );
        assert_eq!(case.lane.handle, Some(handle("k")));
        assert_eq!(case.plan(), idle());
    }
}

#[test]
fn each_verb_leaves_its_state() {
    for (verb, told) in [
        (Verb::Open, Told::Open),
        (Verb::Ack, Told::Acked),
        (Verb::Unack, Told::Open),
        (Verb::Close, Told::Closed),
        (Verb::Inform, Told::Closed),
        (Verb::Set(Told::Acked), Told::Acked),
        (Verb::Update, Told::Nothing),
        (Verb::Note(1), Told::Nothing),
        (
            Verb::Event {
                seq: 1,
                status: Status::Acknowledged,
            },
            Told::Acked,
        ),
        (
            Verb::Event {
                seq: 1,
                status: Status::Closed,
            },
            Told::Closed,
        ),
        (
            Verb::Event {
                seq: 1,
                status: Status::Shelved,
            },
            Told::Open,
        ),
    ] {
        let mut case = log(&[Opened]);
        case.end(verb, 1, OK, None);
        assert_eq!(case.lane.told, told, "{verb:?}");
    }
}

#[test]
fn a_repeat_that_succeeds_only_ends_the_unsureness_c9() {
    let mut case = keyed(&[Opened, Updated])
        .told(Told::Open, 1)
        .doubt()
        .with(|c| c.lane.unsure_until = Some(at(NOW)));
    case.end(Verb::Repeat(Told::Open), 2, OK, None);
    assert_eq!(
        (case.lane.unsure_until, case.lane.doubt, case.lane.cursor),
        (None, true, 1)
    );
}

#[test]
fn a_lost_reply_leaves_doubt_and_is_counted_i7() {
    let mut case = keyed(&[Opened]);
    case.end(Verb::Open, 1, LOST, None);
    let lane = &case.lane;
    assert_eq!(
        (lane.told, lane.doubt, lane.cursor, lane.duplicates),
        (Told::Nothing, true, 0, 1)
    );
    assert_eq!(lane.unsure_until, Some(at(NOW + 60 + 30)));
    assert_eq!(lane.not_before, at(NOW + 5000));
    let mut mail = mail(&[Opened]);
    mail.end(Verb::Open, 1, LOST, None);
    assert_eq!(
        (mail.lane.doubt, mail.lane.unsure_until),
        (true, None),
        "a late mail changes nothing"
    );
    let mut update = keyed(&[Opened, Updated]).told(Told::Open, 1);
    update.end(Verb::Update, 2, LOST, None);
    assert!(
        !update.lane.doubt && update.lane.unsure_until.is_some(),
        "C5"
    );
    let mut post = chat(&[Opened]);
    post.end(Verb::Open, 1, LOST, None);
    assert_eq!(post.lane.orphans, 1, "nobody can ask Slack about it");
}

#[test]
fn a_refused_open_waits_for_the_next_event() {
    let mut case = keyed(&[Opened, Updated]);
    case.end(Verb::Open, 1, BAD, None);
    assert_eq!((case.lane.cursor, case.lane.told), (2, Told::Nothing));
    case.happens(Updated);
    assert_eq!(case.plan(), send(Verb::Open, 3));
}

#[test]
fn a_refused_open_is_not_tried_again_for_the_ack_that_was_to_follow_it() {
    let mut case = keyed(&[Opened, Acknowledged]);
    assert_eq!(case.send(BAD, None), Verb::Open);
    assert_eq!(case.plan(), idle(), "C7: or it would be refused for ever");
}

#[test]
fn a_refused_first_post_of_a_mirror_showed_nothing_whatever_its_verb_c8() {
    for verb in [Verb::Open, Verb::Ack, Verb::Close] {
        let mut case = chat(&[Opened, Acknowledged]);
        case.end(verb, 2, BAD, None);
        assert_eq!(
            (case.lane.cursor, case.lane.told),
            (2, Told::Nothing),
            "{verb:?}"
        );
    }
}

#[test]
fn a_refused_ack_counts_as_told() {
    let mut case = keyed(&[Opened, Acknowledged]).told(Told::Open, 1).doubt();
    case.end(Verb::Ack, 2, BAD, None);
    assert_eq!(
        (case.lane.cursor, case.lane.told, case.lane.doubt),
        (2, Told::Acked, false)
    );
}

#[test]
fn a_refused_close_stays_owed_and_is_tried_hourly_c6_i6() {
    let hour = NOW + 3_600_000;
    for (case, verb) in [
        (keyed(&[Opened, Closed]).told(Told::Open, 1), Verb::Close),
        (chat(&[Opened, Closed]).told(Told::Open, 1), Verb::Close),
        (
            log(&[Opened, Closed]).told(Told::Open, 1),
            Verb::Event {
                seq: 2,
                status: Status::Closed,
            },
        ),
    ] {
        let mut case = case;
        case.end(verb, 2, BAD, None);
        assert_eq!((case.lane.cursor, case.lane.told), (1, Told::Open));
        assert_eq!(case.due(), Some(at(hour)));
        case.now = at(hour);
        assert_eq!(case.plan(), send(verb, 2));
    }
    let mut repeat = keyed(&[Opened, Closed])
        .told(Told::Closed, 2)
        .with(|c| c.lane.unsure_until = Some(at(NOW)));
    repeat.end(Verb::Repeat(Told::Closed), 2, BAD, None);
    assert_eq!(
        repeat.due(),
        Some(at(hour)),
        "what may be open there is closed in the end"
    );
    let mut unheard = keyed(&[Opened, Closed]);
    unheard.end(Verb::Close, 2, BAD, None);
    assert_eq!(unheard.plan(), idle(), "nothing was open there");
}

#[test]
fn a_refused_update_note_or_event_is_passed_over() {
    for verb in [
        Verb::Update,
        Verb::Note(2),
        Verb::Event {
            seq: 2,
            status: Status::Open,
        },
    ] {
        let mut case = keyed(&[Opened, Updated]).told(Told::Open, 1);
        case.end(verb, 2, BAD, None);
        assert_eq!(
            (case.lane.cursor, case.lane.told),
            (2, Told::Open),
            "{verb:?}"
        );
    }
}

#[test]
fn a_stale_handle_is_dropped_and_only_states_are_posted_anew() {
    let mut update = chat(&[Opened, Updated]).told(Told::Open, 1);
    update.end(Verb::Update, 2, Outcome::Stale, None);
    assert_eq!(
        (
            update.lane.handle.clone(),
            update.lane.told,
            update.lane.cursor
        ),
        (None, Told::Open, 2)
    );
    update.happens(Updated);
    assert_eq!(update.plan(), skip(3, lanes::SkipReason::Gone));
    update.happens(Closed);
    assert_eq!(
        update.plan(),
        send(Verb::Close, 4),
        "the close is a post of its own"
    );

    let mut close = chat(&[Opened, Closed]).told(Told::Open, 1);
    close.end(Verb::Close, 2, Outcome::Stale, None);
    assert_eq!(close.lane.handle, None);
    assert_eq!(close.plan(), send(Verb::Close, 2), "at once");

    let mut ack = keyed(&[Opened, Acknowledged]).told(Told::Open, 1);
    ack.end(Verb::Ack, 2, Outcome::Stale, None);
    assert_eq!(
        ack.plan(),
        send(Verb::Open, 1),
        "opened anew; the ack follows"
    );

    let mut closed = keyed(&[Opened, Closed]).told(Told::Open, 1);
    closed.end(Verb::Close, 2, Outcome::Stale, None);
    assert_eq!(closed.plan(), idle(), "what is gone is closed");
}

#[test]
fn a_vendor_that_calls_everything_stale_is_asked_more_and_more_seldom() {
    let mut case = chat(&[Opened, Acknowledged]).told(Told::Open, 1);
    assert_eq!(case.send(Outcome::Stale, None), Verb::Ack);
    assert_eq!(case.send(Outcome::Stale, None), Verb::Ack);
    assert!(case.lane.not_before > case.now);
}

#[test]
fn what_was_certainly_not_applied_is_tried_again_as_it_was() {
    for outcome in [
        Outcome::Retry,
        Outcome::CredentialBad,
        Outcome::ScopeMissing,
        Outcome::TargetGone,
    ] {
        let mut case = keyed(&[Opened]);
        let recorded = case.end(Verb::Open, 1, outcome, None);
        assert_eq!(recorded.verdict, Verdict::NotApplied);
        assert_eq!(
            (case.lane.doubt, case.lane.cursor, case.lane.duplicates),
            (false, 0, 0)
        );
        assert_eq!(case.due(), Some(at(NOW + 5000)));
    }
    let mut case = keyed(&[Opened]);
    case.end(
        Verb::Open,
        1,
        Outcome::Throttled {
            after_ms: Some(42_000),
        },
        None,
    );
    assert_eq!(
        (case.lane.not_before, case.lane.failures),
        (at(NOW + 42_000), 0)
    );
    case.end(
        Verb::Open,
        1,
        Outcome::Throttled {
            after_ms: Some(i64::MAX),
        },
        None,
    );
    assert_eq!(case.lane.not_before, at(NOW + 3_600_000), "clamped");
    case.end(Verb::Open, 1, OK, None);
    assert_eq!(case.lane.not_before, at(0), "a success forgets failures");
}

#[test]
fn pauses_double_from_5_seconds_to_10_minutes_and_are_jittered() {
    let schedule = RetrySchedule::default();
    let full: Vec<i64> = (1..=9).map(|n| schedule.pause(n, 0).0 / 1000).collect();
    assert_eq!(full, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    assert_eq!(schedule.pause(u32::MAX, 0), DurationMs::from_mins(10));
    for random in [1, 77, u64::MAX] {
        let pause = schedule.pause(3, random).0;
        assert!((10_000..=20_000).contains(&pause), "{pause}");
    }
}

#[test]
fn a_claim_that_was_never_used_is_given_back_as_if_it_had_not_been() {
    let mut case = chat(&[Opened]);
    let before = case.lane.clone();
    let claim = case.claim(Verb::Open, 1);
    assert!(lanes::claim(&mut case.lane, claim.clone()));
    assert_eq!(case.lane.attempts, before.attempts + 1);
    assert!(lanes::give_back(&mut case.lane, &claim));
    assert_eq!(case.lane, before);
    assert!(
        !lanes::give_back(&mut case.lane, &claim),
        "there is none by now"
    );
}

#[test]
fn a_result_under_a_lost_claim_moves_nothing_but_its_handle_is_kept_i5() {
    let mut case = chat(&[Opened]);
    let lost = case.claim(Verb::Open, 1);
    assert!(lanes::claim(&mut case.lane, lost.clone()));
    assert_eq!(
        lanes::lapse(&case.policy, &case.lane, case.now, 0),
        None,
        "the lease holds"
    );
    case.now = lost.until;
    case.lane = lanes::lapse(&case.policy, &case.lane, case.now, 0)
        .unwrap()
        .lane;
    assert!(case.lane.doubt && case.lane.claim.is_none());
    case.now = case.lane.not_before;
    case.send(OK, Some(handle("second")));
    let before = case.lane.clone();
    let late = lanes::record(
        &case.policy,
        before.clone(),
        &lost,
        OK,
        Some(handle("first")),
        case.now,
        0,
    );
    assert_eq!(
        late.kind,
        AttemptKind::Late {
            verb: Verb::Open,
            outcome: OK
        }
    );
    assert_eq!(
        (late.lane.cursor, late.lane.told, &late.lane.handle),
        (before.cursor, before.told, &before.handle)
    );
    assert_eq!(late.lane.extra_handles, [handle("first")]);
    assert_eq!(late.lane.orphans, 0, "the orphan is found");
    case.lane = late.lane;
    case.happens(Closed);
    assert_eq!(case.send(OK, None), Verb::Close);
    assert_eq!(case.send(OK, None), Verb::CloseExtra(0));
    case.now = case.lane.unsure_until.unwrap();
    assert_eq!(case.send(OK, None), Verb::Repeat(Told::Closed));
    assert_eq!(case.plan(), idle());
    assert!(!lanes::keeps_alert(&case.lane));
}

#[test]
fn a_late_handle_that_is_known_is_no_extra_one() {
    let mut case = keyed(&[Opened])
        .told(Told::Open, 1)
        .with(|c| c.lane.handle = Some(handle("k")));
    let lost = case.claim(Verb::Open, 1);
    case.lane = lanes::record(
        &case.policy,
        case.lane.clone(),
        &lost,
        OK,
        Some(handle("k")),
        case.now,
        0,
    )
    .lane;
    assert!(case.lane.extra_handles.is_empty());
    case.lane.orphans = 100;
    for i in 0..100 {
        let handle = handle(&format!("extra {i}"));
        case.lane = lanes::record(
            &case.policy,
            case.lane.clone(),
            &lost,
            OK,
            Some(handle),
            case.now,
            0,
        )
        .lane;
    }
    assert_eq!(
        case.lane.extra_handles.len(),
        model::limits::EXTRA_HANDLES_MAX
    );
    assert_eq!(
        case.lane.orphans,
        100 - 20,
        "those beyond the limit stay counted"
    );
}

#[test]
fn two_sends_are_never_under_way_i4() {
    let mut case = keyed(&[Opened]);
    let claim = case.claim(Verb::Open, 1);
    assert!(lanes::claim(&mut case.lane, claim.clone()));
    assert!(!lanes::claim(&mut case.lane, claim.clone()));
    assert_eq!(
        case.due(),
        Some(claim.until),
        "it is looked at when the lease is over"
    );
}

#[test]
fn a_retry_has_the_same_idempotency_key_and_anything_else_another() {
    let key = |case: &Case, verb| lanes::idempotency_key(&case.lane, verb);
    let mut case = keyed(&[Opened]);
    let first = key(&case, Verb::Open);
    case.end(Verb::Open, 1, Outcome::Retry, None);
    case.happens(Updated);
    assert_eq!(
        key(&case, Verb::Open),
        first,
        "it has gathered an event, and is the same opening"
    );
    assert_ne!(key(&case, Verb::Close), first);
    assert_ne!(
        key(&keyed(&[Opened]).told(Told::Nothing, 1), Verb::Open),
        first
    );
    assert_ne!(
        key(
            &keyed(&[Opened]).with(|c| c.lane.key.revision = 2),
            Verb::Open
        ),
        first
    );
    assert_ne!(
        key(&keyed(&[Opened]).with(|c| c.lane.replay = 1), Verb::Open),
        first
    );

    let event = Verb::Event {
        seq: 5,
        status: Status::Open,
    };
    assert_eq!(
        key(&log(&[Opened]), event),
        key(&log(&[Opened]).told(Told::Open, 1), event),
        "a log's is its event's"
    );

    let reminded = keyed(&[Opened]).with(|c| c.lane.reminders = 1);
    assert_ne!(
        key(&keyed(&[Opened]), Verb::Remind),
        key(&reminded, Verb::Remind)
    );

    let doubtful = keyed(&[Opened]).with(|c| c.lane.told_at = at(5));
    assert_ne!(
        key(&keyed(&[Opened]), Verb::Set(Told::Open)),
        key(&doubtful, Verb::Set(Told::Open))
    );
    let unsure = keyed(&[Opened]).with(|c| c.lane.unsure_until = Some(at(5)));
    assert_ne!(
        key(&keyed(&[Opened]), Verb::Repeat(Told::Open)),
        key(&unsure, Verb::Repeat(Told::Open))
    );
}

#[test]
fn a_late_result_makes_unsure_unless_it_says_that_nothing_was_applied() {
    let late = |outcome| {
        let case = keyed(&[Opened]).told(Told::Open, 1);
        let lost = case.claim(Verb::Update, 1);
        lanes::record(&case.policy, case.lane, &lost, outcome, None, case.now, 0).lane
    };
    assert_eq!(late(OK).unsure_until, Some(at(NOW + 60 + 30)));
    assert_eq!(late(LOST).unsure_until, Some(at(NOW + 60 + 30)));
    assert_eq!(late(BAD).unsure_until, None);
}

#[test]
fn a_callback_from_before_our_update_is_old_news_because_the_update_may_have_opened_it_anew_i8() {
    let mut case = keyed(&[Opened, Updated]).told(Told::Open, 1);
    case.send(OK, None);
    assert!(!lanes::hear(
        &mut case.lane,
        Told::Closed,
        at(NOW - 1),
        &case.policy
    ));
    case.happens(Closed);
    assert_eq!(case.send(OK, None), Verb::Close);
}
