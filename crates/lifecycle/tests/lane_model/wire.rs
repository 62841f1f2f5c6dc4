//! The dispatcher, the wire and the vendor's replies.

use lifecycle::lanes::{self, Plan, SkipReason};
use model::{Claim, ClaimId, EventKind, NodeId, Outcome, Status, Timestamp, Told, Verb};

use crate::setup::{Bench, FAR};
use crate::vendor::{self, Kind, Request, Shown};
use crate::world::{Broken, Excuse, Flight, Hearing, Which, World};

impl World {
    /// The dispatcher: passes over what is to be passed over, and says what is to be sent.
    pub fn next(
        &mut self,
        bench: &mut Bench,
    ) -> Result<(Option<(Which, Verb, u32)>, i64, bool), Broken> {
        bench.load(self);
        let (mut soonest, mut moved) = (FAR, false);
        for which in [Which::Current, Which::Old] {
            let Some(mut lane) = self.lane(which).take() else {
                continue;
            };
            if let Some(claim) = &lane.claim {
                soonest = soonest.min(claim.until.0);
                *self.lane(which) = Some(lane);
                continue;
            }
            loop {
                bench.load_events(self, lane.cursor, lane.head);
                let now = Timestamp(self.now);
                match lanes::plan(&bench.policy, &lane, &bench.events, &bench.alert, now) {
                    Plan::Wait { until, .. } => {
                        soonest = soonest.min(until.0.min(FAR));
                        break;
                    }
                    Plan::Skip { upto, reason } => {
                        if upto <= lane.cursor || upto > lane.head {
                            return Err(format!(
                                "a skip from {} to {upto}: {reason:?}",
                                lane.cursor
                            ));
                        }
                        if reason == SkipReason::Disabled && self.is_open() {
                            self.excuse = Excuse::Any;
                        }
                        lanes::skip(&mut lane, upto, reason);
                        moved = true;
                    }
                    Plan::Send { verb, upto } => {
                        if upto < lane.cursor || upto > lane.head {
                            return Err(format!("{verb:?} from {} to {upto}", lane.cursor));
                        }
                        *self.lane(which) = Some(lane);
                        return Ok((Some((which, verb, upto)), self.now, moved));
                    }
                }
            }
            *self.lane(which) = Some(lane);
        }
        Ok((None, soonest, moved))
    }

    /// One send by the dispatcher. `outcome` `None`: it stays under way.
    pub fn send(
        &mut self,
        outcome: Option<Outcome>,
        lands: bool,
        bench: &mut Bench,
    ) -> Result<bool, Broken> {
        if self.flight.is_some() {
            return Ok(false);
        }
        let (next, _, moved) = self.next(bench)?;
        let Some((which, verb, upto)) = next else {
            return Ok(moved && outcome == Some(Outcome::Delivered));
        };
        let mut flight = self.start(which, verb, upto, bench)?;
        let Some(mut outcome) = outcome else {
            self.flight = Some(flight);
            return Ok(true);
        };
        if lands {
            self.land(&mut flight, bench, true)?;
            if outcome == Outcome::Delivered {
                outcome = flight.said.clone();
            }
        }
        if outcome == Outcome::Ambiguous {
            self.end(
                &Flight {
                    landed: None,
                    ..flight.clone()
                },
                outcome,
                bench,
            );
            flight.answers = false;
            self.haunt(flight);
        } else {
            self.end(&flight, outcome, bench);
        }
        Ok(true)
    }

    /// Claims the lane and puts the request on the wire.
    pub fn start(
        &mut self,
        which: Which,
        verb: Verb,
        upto: u32,
        bench: &Bench,
    ) -> Result<Flight, Broken> {
        let (now, sends) = (self.now, self.sends + 1);
        let status = self.status.unwrap();
        self.sends = sends;
        self.may_send(which, verb, bench.setup.kind)?;
        let lane = self.lane(which).as_mut().unwrap();
        let claim = Claim {
            id: ClaimId(u128::from(sends)),
            node: NodeId(1),
            verb,
            upto,
            head: lane.head,
            sent_at: Timestamp(now),
            until: Timestamp(now) + bench.policy.lease,
        };
        let edits = match verb {
            Verb::CloseExtra(i) => lane.extra_handles.get(i as usize),
            _ => lane.handle.as_ref(),
        };
        let request = Request {
            no: sends,
            verb,
            target: lane.key.revision,
            edits: edits.map(|handle| handle.object.parse().unwrap()),
            renders: match verb {
                Verb::CloseExtra(_) | Verb::Close => Told::Closed,
                Verb::Ack => Told::Acked,
                Verb::Open => Told::Open,
                Verb::Set(state) | Verb::Repeat(state) => state,
                _ => match status {
                    Status::Closed => Told::Closed,
                    Status::Acknowledged => Told::Acked,
                    _ => Told::Open,
                },
            },
        };
        if !lanes::claim(lane, claim.clone()) {
            return Err("I4: two sends under way".into());
        }
        Ok(Flight {
            request,
            claim,
            landed: None,
            has_landed: false,
            said: Outcome::Delivered,
            answers: true,
        })
    }

    /// What the documentation forbids to send.
    fn may_send(&self, which: Which, verb: Verb, kind: Kind) -> Result<(), Broken> {
        let lane = match which {
            Which::Current => self.current.as_ref(),
            Which::Old => self.old.as_ref(),
        };
        let lane = lane.unwrap();
        let is_open = matches!(lane.told, Told::Open | Told::Acked);
        let closes = match verb {
            Verb::Close | Verb::CloseExtra(_) | Verb::Repeat(Told::Closed) => true,
            Verb::Event { status, .. } => status == Status::Closed,
            _ => false,
        };
        if !self.on() && self.is_open() && !closes {
            return Err(format!("{verb:?} although the integration is off"));
        }
        if self.silence && matches!(verb, Verb::Update | Verb::Remind) {
            return Err(format!("{verb:?} although it is silenced"));
        }
        if self.silence
            && !is_open
            && self.is_open()
            && matches!(verb, Verb::Open | Verb::Set(_) | Verb::Ack)
        {
            return Err(format!("{verb:?} although the opening is silenced"));
        }
        if let Verb::Event { seq, status } = verb {
            let kind = self.log[seq as usize - 1].kind;
            let passes = status == Status::Closed
                || matches!(kind, EventKind::Acknowledged | EventKind::Unacknowledged);
            if self.silence && !passes {
                return Err(format!("{kind} although it is silenced"));
            }
        }
        if verb == Verb::Open && !is_open && !lane.doubt && self.now < lane.delay_until.0 {
            return Err("Open although its delay runs".into());
        }
        // An opening that was skipped or refused is not made up for when it is all over.
        let owes_opening = lane.cursor + 1 < lane.head && self.excuse == Excuse::No && self.on();
        if kind == Kind::Mail && verb == Verb::Close && owes_opening {
            let object = self.objects[lane.key.revision as usize - 1];
            if object.shown == Shown::Nothing {
                return Err("a close of what nobody was told".into());
            }
        }
        if verb == Verb::Update && !is_open {
            return Err("I8: an update of what is closed".into());
        }
        Ok(())
    }

    /// The request arrives at the vendor. `in_time`: its claim still held.
    pub fn land(
        &mut self,
        flight: &mut Flight,
        bench: &Bench,
        in_time: bool,
    ) -> Result<(), Broken> {
        let reply = vendor::apply(bench.setup.kind, &mut self.objects, &flight.request);
        flight.has_landed = true;
        flight.said = reply.outcome;
        flight.landed = reply.handle;
        if in_time {
            let crossed = self.crossed || self.excuse != Excuse::No;
            let request = flight.request;
            let lane = self.lane_of(request.target).unwrap();
            if reply.repeated
                && lane.duplicates == 0
                && !crossed
                && !matches!(request.verb, Verb::CloseExtra(_))
            {
                return Err(format!("I7: {:?} twice without a lost reply", request.verb));
            }
            let excused = matches!(request.verb, Verb::Set(_) | Verb::Repeat(_))
                && lane.duplicates == 0
                && !crossed;
            if excused {
                return Err(format!("I8: {:?} without doubt", request.verb));
            }
            if reply.out_of_order && lane.duplicates == 0 {
                return Err(format!("I4: {:?} out of order", request.verb));
            }
        }
        Ok(())
    }

    /// The sender learns of an end.
    pub fn end(&mut self, flight: &Flight, outcome: Outcome, bench: &Bench) {
        let now = Timestamp(self.now);
        let verb = flight.request.verb;
        let gone = flight
            .request
            .edits
            .is_some_and(|i| self.objects[i].shown == Shown::Deleted);
        let Some(lane) = self.lane_of(flight.request.target) else {
            return;
        };
        let held = lane
            .claim
            .as_ref()
            .is_some_and(|claim| claim.id == flight.claim.id);
        let taken = lane.clone();
        let was_open = matches!(lane.told, Told::Open | Told::Acked);
        let recorded = lanes::record(
            &bench.policy,
            taken,
            &flight.claim,
            outcome.clone(),
            flight.landed.clone(),
            now,
            0,
        );
        *lane = recorded.lane;
        let of_current = self
            .current
            .as_ref()
            .is_some_and(|lane| lane.key.revision == flight.request.target);
        if !held || !of_current {
            return;
        }
        match outcome {
            Outcome::PayloadBad => {
                self.hearing = self.hearing.min(Hearing::May);
                self.excuse = match verb {
                    // A log's event that was refused is skipped.
                    Verb::Ack | Verb::Unack if self.excuse == Excuse::No && was_open => Excuse::Ack,
                    Verb::Open
                    | Verb::Ack
                    | Verb::Unack
                    | Verb::Set(_)
                    | Verb::Repeat(_)
                    | Verb::Event { .. } => Excuse::Any,
                    _ => self.excuse,
                };
            }
            Outcome::Delivered
                if !gone
                    && matches!(verb, Verb::Open | Verb::Ack | Verb::Unack | Verb::Set(_))
                    && self.excuse != Excuse::No =>
            {
                self.excuse = Excuse::No;
            }
            _ => {}
        }
    }

    /// What nobody waits for any more may still arrive.
    pub fn haunt(&mut self, flight: Flight) {
        if flight.answers || !flight.has_landed {
            self.ghosts.push(flight);
        }
    }
}
