//! `step` in a small world that does what the engine does with its decisions, and checks at each of them what must
//! always hold.

mod actions;
mod folding;
mod properties;
mod signals;
mod timers;

use std::sync::Arc;

use model::{
    Action, ActionVerb, Actor, Alert, AlertId, AlertKind, Content, DurationMs, Event, EventKind,
    LifecycleModel, Origin, ProjectId, Scope, Severity, Signal, SignalKind, SourceId, Status,
    Timestamp,
};

use crate::{
    Change, Decision, FoldError, Folded, Identity, Input, Refusal, SourcePolicy, StepContext, fold,
    is_live, pick, step,
};

const T0: Timestamp = Timestamp(1_800_000_000_000);

fn secs(s: i64) -> DurationMs {
    DurationMs::from_secs(s)
}

fn mins(m: i64) -> DurationMs {
    DurationMs::from_mins(m)
}

/// Reopens nothing, keeps keys for 15 minutes, updates each minute, opens at once.
fn plain_policy() -> SourcePolicy {
    SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: DurationMs::ZERO,
        reopen_begun_before: false,
        live_after_close: mins(15),
        update_interval: mins(1),
        tracking_delay: DurationMs::ZERO,
    }
}

/// What is said: kind `fire`, severity `major`.
fn signal(value: &str) -> Signal {
    Signal {
        key: "disk".into(),
        severity: Some(Severity::Major),
        resource: "web-1".into(),
        event: "DiskFull".into(),
        title: "The disk is full".into(),
        value: Some(value.into()),
        ..Signal::default()
    }
}

/// One key, its newest alert with the log, the `seen` row, and those that came before.
#[derive(Debug)]
struct World {
    now: Timestamp,
    policy: SourcePolicy,
    listening_since: Timestamp,
    alert: Option<Alert>,
    log: Vec<Event>,
    /// The newest repeat since the row was written: when it came, and its `ends_at`.
    seen: Option<(Timestamp, Option<Timestamp>)>,
    /// Alerts whose key went to a younger one, and notifications; with their logs.
    retired: Vec<(Alert, Vec<Event>)>,
    key_taken: bool,
    ids: u128,
}

impl World {
    fn new() -> World {
        World::with(plain_policy())
    }

    fn with(policy: SourcePolicy) -> World {
        World {
            now: T0,
            policy,
            listening_since: T0,
            alert: None,
            log: Vec::new(),
            seen: None,
            retired: Vec::new(),
            key_taken: false,
            ids: 0,
        }
    }

    /// A world whose alert was brought to `status`.
    fn at(status: Status) -> World {
        let mut world = World::new();
        if status == Status::Tracking {
            world.policy.tracking_delay = mins(5);
        }
        world.fire("90%");
        match status {
            Status::Tracking | Status::Open => {}
            Status::Acknowledged => drop(world.act(ActionVerb::Acknowledge { lasting: None })),
            Status::Shelved => drop(world.act(ActionVerb::Shelve { lasting: mins(30) })),
            Status::Closed => drop(world.act(ActionVerb::Close)),
        }
        assert_eq!(world.status(), status);
        world.pass(secs(1));
        world
    }

    fn alert(&self) -> &Alert {
        self.alert.as_ref().expect("the test opened an alert")
    }

    fn status(&self) -> Status {
        self.alert().status
    }

    fn kinds(&self) -> Vec<EventKind> {
        self.log.iter().map(|event| event.kind).collect()
    }

    fn last_event(&self) -> &Event {
        self.log.last().expect("the test wrote an event")
    }

    fn pass(&mut self, d: DurationMs) {
        self.now = self.now.plus(d);
    }

    fn fire(&mut self, value: &str) -> Decision {
        self.hear(signal(value))
    }

    fn resolve(&mut self) -> Decision {
        self.hear(Signal {
            kind: SignalKind::Resolve,
            ..signal("")
        })
    }

    fn act(&mut self, verb: ActionVerb) -> Decision {
        self.act_with(verb, None)
    }

    fn act_with(&mut self, verb: ActionVerb, note: Option<&str>) -> Decision {
        let action = action(verb, note);
        self.give(Input::Action {
            action,
            origin: None,
        })
    }

    /// What intake does with a signal.
    fn hear(&mut self, signal: Signal) -> Decision {
        let picked = pick(self.alert.as_ref(), &signal, self.now).is_some();
        let acts = matches!(signal.kind, SignalKind::Act(_));
        let identity = Identity {
            project: ProjectId(1),
            source: SourceId(2),
            scope: Scope::Source(SourceId(2)),
        };
        let decision = self.give(Input::Signal {
            signal: Box::new(signal),
            identity,
        });
        match &decision {
            Decision::Change(change) => assert!(picked || change.new || acts),
            Decision::Repeat { .. } => assert!(picked),
            _ => {}
        }
        decision
    }

    /// What the timer loop does once the row's timer is due.
    fn tick(&mut self) -> Decision {
        let (seen_last, seen_ends_at) = match self.seen {
            Some((last, ends_at)) => (Some(last), ends_at),
            None => (None, None),
        };
        let decision = self.give(Input::Time {
            seen_ends_at,
            seen_last,
        });
        if let Some(due) = self.alert.as_ref().and_then(|alert| alert.timer_at) {
            assert!(self.now < due, "a timer is left over after a look");
        }
        decision
    }

    /// Lets time pass up to `until`, looking whenever the row's timer is due.
    fn run_until(&mut self, until: Timestamp) {
        while let Some(due) = self.alert.as_ref().and_then(|alert| alert.timer_at) {
            if until < due {
                break;
            }
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = self.now.max(until);
    }

    fn retire(&mut self) {
        if let Some(alert) = self.alert.take() {
            self.retired.push((alert, std::mem::take(&mut self.log)));
        }
        self.seen = None;
    }

    fn give(&mut self, input: Input) -> Decision {
        self.ids += 1;
        let cx = StepContext {
            now: self.now,
            policy: &self.policy,
            listening_since: self.listening_since,
            new_id: AlertId(self.ids),
            key_taken: self.key_taken,
        };
        let decision = step(self.alert.as_ref(), input.clone(), &cx);
        assert_eq!(
            decision,
            step(self.alert.as_ref(), input, &cx),
            "I2: the same question has the same answer"
        );
        match &decision {
            Decision::Change(change) => self.write(change),
            Decision::Repeat { ends_at } => {
                let before = self.seen.and_then(|(_, ends_at)| ends_at);
                self.seen = Some((self.now, ends_at.or(before)));
            }
            Decision::Nothing(reason) => assert!(!reason.is_empty()),
            Decision::Refused(_) => {}
        }
        decision
    }

    fn write(&mut self, change: &Change) {
        let Change { alert, events, new } = change;
        if alert.kind == AlertKind::Notification && *new {
            assert!(
                !is_live(alert, self.now),
                "a notification takes no live key"
            );
            check_log(alert, events);
            self.retired.push((alert.clone(), events.clone()));
            return;
        }
        if *new {
            if let Some(before) = &self.alert {
                assert!(before.is_closed(), "an episode that goes on keeps its key");
            }
            self.retire();
            assert_eq!(alert.version, 1);
        } else {
            let before = self.alert();
            assert_eq!(alert.version, before.version + 1);
            assert_eq!(alert.id, before.id);
            for event in events {
                assert!(
                    !before.is_closed()
                        || event.kind.is_note()
                        || event.kind == EventKind::Reopened,
                    "a closed alert got {}",
                    event.kind
                );
            }
        }
        self.log.extend(events.iter().cloned());
        check_log(alert, &self.log);
        check_row(alert, self.listening_since);
        self.alert = Some(alert.clone());
    }
}

fn action(verb: ActionVerb, note: Option<&str>) -> Action {
    Action {
        verb,
        by: Actor {
            name: "ada".into(),
            via: "api".into(),
        },
        note: note.map(String::from),
    }
}

/// The log has no gaps, and folds to the alert.
fn check_log(alert: &Alert, log: &[Event]) {
    for (event, seq) in log.iter().zip(1..) {
        assert_eq!(event.seq, seq, "events count from 1 without gaps");
        assert_eq!(event.alert, alert.id);
    }
    let mut folded = fold(log).unwrap();
    if alert.trailing_update_at.is_some() || alert.status == Status::Tracking {
        folded.content = Arc::clone(&alert.content);
    }
    assert_eq!(folded, Folded::of(alert), "folding the log gives the alert");
}

/// The row's fields agree with each other, and what pends has a timer.
fn check_row(alert: &Alert, listening_since: Timestamp) {
    let status = alert.status;
    let is = |wanted: Status| status == wanted;
    assert!(alert.acked_until.is_none() || is(Status::Acknowledged) || is(Status::Shelved));
    assert_eq!(alert.shelved_until.is_some(), is(Status::Shelved));
    assert_eq!(alert.tracking_until.is_some(), is(Status::Tracking));
    assert_eq!(alert.closed_at.is_some(), is(Status::Closed));
    assert_eq!(alert.closed_because.is_some(), is(Status::Closed));
    // A notification holds no key: the next one, or an issue, may have the same.
    let holds_key = is(Status::Closed) && alert.kind == AlertKind::Issue;
    assert_eq!(alert.live_until.is_some(), holds_key);
    assert_eq!(alert.silence_after_ms.is_some(), alert.ends_at.is_some());

    let absence = alert.ends_at.map(|end| {
        let silence_after = DurationMs(alert.silence_after_ms.unwrap());
        end.max(listening_since.plus(silence_after))
    });
    let pending = [
        alert.acked_until.filter(|_| is(Status::Acknowledged)),
        alert.shelved_until,
        alert.tracking_until,
        alert.trailing_update_at,
        absence,
    ];
    let earliest = pending
        .into_iter()
        .flatten()
        .filter(|due| *due != Timestamp::NEVER)
        .min();
    assert_eq!(
        alert.timer_at, earliest,
        "the timer is the earliest of what pends"
    );
    if is(Status::Closed) {
        assert_eq!(alert.timer_at, None);
    }
}

fn is_change(decision: &Decision) -> bool {
    matches!(decision, Decision::Change(_))
}

fn is_nothing(decision: &Decision) -> bool {
    matches!(decision, Decision::Nothing(_))
}
