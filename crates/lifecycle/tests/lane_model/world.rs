//! One alert, one integration, its lanes, the wire and the vendor, and what happens to them.

use lifecycle::lanes::{self, LanePolicy};
use model::{Claim, EventKind, HeldBy, IntegrationId, Lane, Outcome, Status, Timestamp, Told};

use crate::setup::{Act, Bench, FAR, Setup};
use crate::vendor::{Kind, Object, Request, Shown};

const REVISIONS: usize = 2;

/// One event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub kind: EventKind,
    /// After it.
    pub status: Status,
    pub at: i64,
}

/// A request under way, with the claim it was sent under.
#[derive(Clone, Debug)]
pub struct Flight {
    pub request: Request,
    pub claim: Claim,
    pub landed: Option<model::Handle>,
    pub has_landed: bool,
    /// What the vendor said when it landed.
    pub said: Outcome,
    /// Somebody still waits for its reply.
    pub answers: bool,
}

/// Whether the opening must, may or must not be heard of, by the words of the documentation rather than of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hearing {
    MustNot,
    May,
    Must,
}

/// Why the vendor may show something else than the alert's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Excuse {
    No,
    /// It refused an ack or unack.
    Ack,
    /// It refused an open, lost the message, or the integration was off.
    Any,
}

#[derive(Clone, Debug)]
pub struct World {
    pub now: i64,
    pub status: Option<Status>,
    pub log: Vec<Row>,
    pub current: Option<Lane>,
    /// A lane that finishes on the old target.
    pub old: Option<Lane>,
    pub flight: Option<Flight>,
    pub ghosts: Vec<Flight>,
    pub objects: Vec<Object>,
    pub silence: bool,
    pub enabled: bool,
    pub deleted: bool,
    pub revision: u32,
    pub sends: u32,
    pub hearing: Hearing,
    /// When the present opening may leave.
    pub let_out_at: i64,
    pub excuse: Excuse,
    /// An inbound change came while a request was under way.
    pub crossed: bool,
}

/// A broken promise, in words.
pub type Broken = String;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Current,
    Old,
}

impl World {
    pub fn new(setup: &Setup) -> World {
        let nothing = Object {
            shown: Shown::Nothing,
            newest: 0,
            note: 0,
        };
        World {
            now: 0,
            status: None,
            log: Vec::new(),
            current: None,
            old: None,
            flight: None,
            ghosts: Vec::new(),
            objects: if setup.kind == Kind::Chat {
                Vec::new()
            } else {
                vec![nothing; REVISIONS]
            },
            silence: false,
            enabled: true,
            deleted: false,
            revision: 1,
            sends: 0,
            hearing: Hearing::MustNot,
            let_out_at: 0,
            excuse: Excuse::No,
            crossed: false,
        }
    }

    pub fn seq(&self) -> u32 {
        u32::try_from(self.log.len()).unwrap()
    }

    pub fn on(&self) -> bool {
        self.enabled && !self.deleted
    }

    pub fn is_open(&self) -> bool {
        matches!(self.status, Some(Status::Open | Status::Acknowledged))
    }

    pub fn lane(&mut self, which: Which) -> &mut Option<Lane> {
        match which {
            Which::Current => &mut self.current,
            Which::Old => &mut self.old,
        }
    }

    pub fn lane_of(&mut self, target: u32) -> Option<&mut Lane> {
        [&mut self.current, &mut self.old]
            .into_iter()
            .flatten()
            .find(|lane| lane.key.revision == target)
    }

    /// What `act` makes of this world; `None` if it cannot happen in it.
    pub fn after(&self, act: Act, bench: &mut Bench) -> Result<Option<World>, Broken> {
        let mut world = self.clone();
        let happened = world.happen(act, bench)?;
        world.note_hearing();
        Ok(happened.then_some(world))
    }

    fn happen(&mut self, act: Act, bench: &mut Bench) -> Result<bool, Broken> {
        let kind = bench.setup.kind;
        bench.load(self);
        match act {
            Act::Fire if self.status.is_none() => {
                self.event(EventKind::Opened, Status::Open, bench)
            }
            Act::Fire if self.status == Some(Status::Closed) => {
                self.event(EventKind::Reopened, Status::Open, bench)
            }
            Act::Update if self.is_open() => {
                let status = self.status.unwrap();
                self.event(EventKind::Updated, status, bench);
            }
            Act::Ack if self.status == Some(Status::Open) => {
                self.event(EventKind::Acknowledged, Status::Acknowledged, bench);
            }
            Act::Unack if self.status == Some(Status::Acknowledged) => {
                self.event(EventKind::Unacknowledged, Status::Open, bench);
            }
            Act::Note if self.status.is_some() => {
                let status = self.status.unwrap();
                self.event(EventKind::Noted, status, bench);
            }
            Act::Resolve if self.is_open() => self.event(EventKind::Closed, Status::Closed, bench),
            Act::Time => {
                self.now += 1;
                let now = self.now;
                self.ghosts.retain(|ghost| {
                    ghost.has_landed || now < last_landing(&ghost.claim, &bench.policy)
                });
            }
            Act::SilenceOn if !self.silence => {
                self.silence = true;
                if self.hearing == Hearing::Must {
                    self.hearing = Hearing::May;
                }
                self.refresh_holds();
            }
            Act::SilenceOff if self.silence => {
                self.silence = false;
                // Which of the two came first within a tick cannot be said.
                if self.log.last().is_some_and(|row| row.at == self.now) {
                    self.hearing = self.hearing.max(Hearing::May);
                }
                let now = Timestamp(self.now);
                for lane in [&mut self.current, &mut self.old].into_iter().flatten() {
                    lanes::release(lane, now);
                }
            }
            Act::SendOk => return self.send(Some(Outcome::Delivered), true, bench),
            Act::SendRefused => return self.send(Some(Outcome::PayloadBad), false, bench),
            Act::SendFails => return self.send(Some(Outcome::Retry), false, bench),
            Act::SendAmbiguousApplied => return self.send(Some(Outcome::Ambiguous), true, bench),
            Act::SendAmbiguous => return self.send(Some(Outcome::Ambiguous), false, bench),
            Act::SendStart => return self.send(None, false, bench),
            Act::FlightLands if self.flight.as_ref().is_some_and(|f| !f.has_landed) => {
                let mut flight = self.flight.take().unwrap();
                self.land(&mut flight, bench, true)?;
                self.flight = Some(flight);
            }
            Act::EndOk if self.flight.is_some() => {
                let mut flight = self.flight.take().unwrap();
                if !flight.has_landed {
                    self.land(&mut flight, bench, true)?;
                }
                self.end(&flight, flight.said.clone(), bench);
            }
            Act::EndRefused if self.flight.as_ref().is_some_and(|f| !f.has_landed) => {
                let flight = self.flight.take().unwrap();
                self.end(&flight, Outcome::PayloadBad, bench);
            }
            Act::EndAmbiguous if self.flight.is_some() => {
                let mut flight = self.flight.take().unwrap();
                self.end(
                    &Flight {
                        landed: None,
                        ..flight.clone()
                    },
                    Outcome::Ambiguous,
                    bench,
                );
                flight.answers = false;
                self.haunt(flight);
            }
            Act::Lapse => {
                let (now, policy) = (Timestamp(self.now), bench.policy);
                let mut lapsed = false;
                for lane in [&mut self.current, &mut self.old].into_iter().flatten() {
                    if let Some(recorded) = lanes::lapse(&policy, lane, now, 0) {
                        *lane = recorded.lane;
                        lapsed = true;
                    }
                }
                if let Some(flight) = self.flight.take_if(|f| now >= f.claim.until) {
                    self.haunt(flight);
                }
                return Ok(lapsed);
            }
            Act::LandLate if self.ghosts.iter().any(|g| !g.has_landed) => {
                let i = self.ghosts.iter().position(|g| !g.has_landed).unwrap();
                let mut ghost = self.ghosts.remove(i);
                self.land(&mut ghost, bench, false)?;
                self.haunt(ghost);
            }
            Act::LateResult if self.ghosts.iter().any(|g| g.answers) => {
                let i = self.ghosts.iter().position(|g| g.answers).unwrap();
                let mut ghost = self.ghosts.remove(i);
                if !ghost.has_landed {
                    self.land(&mut ghost, bench, false)?;
                }
                self.end(&ghost, ghost.said.clone(), bench);
            }
            Act::Crash
                if self.flight.is_some()
                    || self.ghosts.iter().any(|g| g.answers)
                    || self.owes() =>
            {
                self.crash(bench);
            }
            Act::TargetEdit if self.revision == 1 => {
                self.revision = 2;
                bench.load(self);
                if let Some(moved) = self
                    .current
                    .as_ref()
                    .and_then(|lane| lanes::retarget(lane, &bench.policy))
                {
                    self.current = Some(moved);
                }
            }
            Act::Disable if self.enabled => {
                self.enabled = false;
                self.hearing = Hearing::May;
            }
            Act::Enable if !self.enabled => self.enabled = true,
            Act::Delete if !self.deleted => {
                self.deleted = true;
                self.hearing = Hearing::May;
            }
            Act::VendorAcks if kind == Kind::Keyed => return Ok(self.inbound(Shown::Acked, bench)),
            Act::VendorCloses if kind == Kind::Keyed => {
                return Ok(self.inbound(Shown::Closed, bench));
            }
            Act::MessageDeleted if kind == Kind::Chat => {
                let handle = self.current.as_ref().and_then(|lane| lane.handle.as_ref());
                let Some(message) = handle.map(|h| h.object.parse::<usize>().unwrap()) else {
                    return Ok(false);
                };
                if self.objects[message].shown == Shown::Deleted {
                    return Ok(false);
                }
                self.objects[message].shown = Shown::Deleted;
                self.hearing = Hearing::May;
                self.excuse = Excuse::Any;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The documentation's words: an opening leaves once its delay is over, unless something holds it.
    fn note_hearing(&mut self) {
        let Some(lane) = &self.current else { return };
        if self.is_open()
            && self.on()
            && !self.silence
            && self.now >= self.let_out_at
            && lane.told == Told::Nothing
            && lane.cursor < lane.head
            && self.excuse == Excuse::No
        {
            self.hearing = Hearing::Must;
        }
    }

    fn event(&mut self, kind: EventKind, status: Status, bench: &mut Bench) {
        let closed_at = bench
            .alert
            .closed_at
            .filter(|_| self.status == Some(Status::Closed));
        self.log.push(Row {
            kind,
            status,
            at: self.now,
        });
        self.status = Some(status);
        bench.load(self);
        let seq = self.seq();
        bench.load_events(self, seq - 1, seq);
        let now = Timestamp(self.now);
        if kind.is_opening() && self.hearing != Hearing::Must {
            self.let_out_at = self.now + bench.setup.delay;
        }
        match self.current.take() {
            None => {
                self.current = lanes::enter(
                    IntegrationId(7),
                    &bench.alert,
                    &bench.events,
                    &bench.policy,
                    now,
                );
                self.let_out_at = self.let_out_at.max(self.now + bench.setup.delay);
            }
            Some(lane) => {
                match lanes::raise(
                    &lane,
                    closed_at,
                    &bench.alert,
                    &bench.events,
                    &bench.policy,
                    now,
                ) {
                    None => {
                        self.current = Some(lane);
                        if !self.on() {
                            self.excuse = Excuse::Any;
                        }
                    }
                    Some(raised) => {
                        let message = raised
                            .lane
                            .handle
                            .as_ref()
                            .filter(|_| bench.setup.kind == Kind::Chat);
                        let gone = message.is_some_and(|h| {
                            self.objects[h.object.parse::<usize>().unwrap()].shown == Shown::Deleted
                        });
                        // A message that nobody deleted must be there.
                        let missing = bench.setup.kind == Kind::Chat
                            && raised.lane.handle.is_none()
                            && !self
                                .objects
                                .iter()
                                .any(|object| object.shown == Shown::Deleted);
                        if self.on()
                            && !gone
                            && (missing
                                || raised.lane.doubt
                                || !matches!(raised.lane.told, Told::Open | Told::Acked))
                        {
                            self.excuse = Excuse::No;
                        }
                        match raised.new {
                            Some(new) => {
                                self.old = Some(raised.lane);
                                self.current = Some(new);
                                self.excuse = Excuse::No;
                                self.hearing = Hearing::MustNot;
                                self.let_out_at = self.now + bench.setup.delay;
                            }
                            None => self.current = Some(raised.lane),
                        }
                    }
                }
            }
        }
        self.refresh_holds();
    }

    fn refresh_holds(&mut self) {
        if self.silence {
            for lane in [&mut self.current, &mut self.old].into_iter().flatten() {
                lanes::hold(lane, Timestamp(FAR), HeldBy::Flapping);
            }
        }
    }

    fn owes(&self) -> bool {
        self.current
            .as_ref()
            .is_some_and(|lane| lane.cursor < lane.head || lane.unsure_until.is_some())
    }

    fn crash(&mut self, bench: &mut Bench) {
        for ghost in &mut self.ghosts {
            ghost.answers = false;
        }
        self.ghosts.retain(|ghost| !ghost.has_landed);
        if let Some(mut flight) = self.flight.take() {
            flight.answers = false;
            self.haunt(flight);
        }
        if bench.setup.memory_claims {
            // What is silenced now may have been on its way before.
            if self
                .current
                .as_ref()
                .is_some_and(|lane| lane.held_until > Timestamp::ZERO)
                || bench.alert.episode > 1
            {
                self.hearing = self.hearing.max(Hearing::May);
            }
            let now = Timestamp(self.now);
            for lane in [&mut self.current, &mut self.old].into_iter().flatten() {
                lane.claim = None;
                lanes::in_doubt_after_unclean_start(lane, &bench.alert, &bench.policy, now);
            }
        }
    }

    /// Somebody changes the vendor's object, and we hear of it at once.
    fn inbound(&mut self, shown: Shown, bench: &mut Bench) -> bool {
        let Some(target) = self
            .objects
            .iter()
            .rposition(|object| object.shown.is_open())
        else {
            return false;
        };
        let object = &mut self.objects[target];
        let target = u32::try_from(target).unwrap() + 1;
        if !object.shown.is_open() || object.shown == shown {
            return false;
        }
        object.shown = shown;
        let told = if shown == Shown::Acked {
            Told::Acked
        } else {
            Told::Closed
        };
        self.crossed |= self.flight.is_some() || !self.ghosts.is_empty();
        if told == Told::Acked && self.status == Some(Status::Open) {
            self.event(EventKind::Acknowledged, Status::Acknowledged, bench);
        } else if told == Told::Closed && self.is_open() {
            self.event(EventKind::Closed, Status::Closed, bench);
        }
        let now = Timestamp(self.now);
        self.lane_of(target)
            .is_some_and(|lane| lanes::hear(lane, told, now, &bench.policy))
    }
}

/// From then on a request sent under `claim` has arrived or never will.
fn last_landing(claim: &Claim, policy: &LanePolicy) -> i64 {
    (claim.until + policy.deadline).0
}
