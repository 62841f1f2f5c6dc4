//! One alert, one integration, its lanes, the wire and the vendor, and everything that can happen to them.

use std::sync::Arc;

use lifecycle::lanes::{self, EventKinds, LanePolicy, Plan, RetrySchedule, SkipReason};
use model::{
    Alert, AlertId, AlertKind, Capabilities, Claim, ClaimId, CloseReason, Content, DurationMs,
    Event, EventKind, HeldBy, IntegrationId, Lane, LifecycleModel, Manner, NodeId, Outcome,
    ProjectId, Scope, SourceId, Status, Timestamp, Told, Verb,
};

use crate::vendor::{self, Kind, Object, Request, Shown};

/// A silence without an end; times in the model are small numbers.
pub const FAR: i64 = 1000;
const REVISIONS: usize = 2;

/// What is tried: a vendor and a policy.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub kind: Kind,
    pub delay: i64,
    pub interval: i64,
    pub edit_interval: i64,
    /// Claims die with the process (SQLite, vendors with idempotency).
    pub memory_claims: bool,
}

impl Setup {
    pub fn of(kind: Kind, delay: i64) -> Setup {
        Setup {
            kind,
            delay,
            interval: 0,
            edit_interval: 1,
            memory_claims: matches!(kind, Kind::Keyed | Kind::Log),
        }
    }

    pub fn policy(&self) -> LanePolicy {
        let kind = self.kind;
        LanePolicy {
            manner: match kind {
                Kind::Keyed | Kind::Mail => Manner::Lifecycle,
                Kind::Chat => Manner::Mirror,
                Kind::Log => Manner::Log,
            },
            can: Capabilities {
                update: true,
                ack: true,
                unack: true,
                note: true,
                assign: true,
                snooze: false,
                ignores_unknown_close: kind == Kind::Keyed,
                idempotent: self.memory_claims,
                late_request_changes_state: matches!(kind, Kind::Keyed | Kind::Chat),
                pages: false,
            },
            enabled: true,
            deleted: false,
            delay: DurationMs(self.delay),
            interval: DurationMs(self.interval),
            edit_interval: DurationMs(self.edit_interval),
            notify_on: EventKinds::ALL,
            close_notifications: true,
            revision: 1,
            lease: DurationMs(1),
            deadline: DurationMs(1),
            retry: RetrySchedule {
                first: DurationMs(1),
                max: DurationMs(1),
                throttle_max: DurationMs(1),
                refused_close: DurationMs(1),
            },
        }
    }
}

/// Everything that can happen. A credential edit is not among them: it changes nothing in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opens, or reopens.
    Fire,
    Update,
    Ack,
    Unack,
    Note,
    Resolve,
    /// One tick goes by.
    Time,
    SilenceOn,
    SilenceOff,
    SendOk,
    /// Also of a close.
    SendRefused,
    /// Certainly not applied.
    SendFails,
    /// Applied, the reply is lost.
    SendAmbiguousApplied,
    /// No reply; it may arrive late or never.
    SendAmbiguous,
    /// The claim is taken, the request leaves.
    SendStart,
    FlightLands,
    EndOk,
    EndRefused,
    EndAmbiguous,
    /// The lease is over while the sender still waits.
    Lapse,
    /// A request whose reply nobody waits for any more arrives.
    LandLate,
    /// The reply under a lost claim comes.
    LateResult,
    Crash,
    TargetEdit,
    Disable,
    Enable,
    Delete,
    VendorAcks,
    VendorCloses,
    /// The vendor's change comes to us (by itself only in the random runs; else at once).
    MessageDeleted,
}

impl Act {
    pub const ALL: [Act; 30] = [
        Act::Fire,
        Act::Update,
        Act::Ack,
        Act::Unack,
        Act::Note,
        Act::Resolve,
        Act::Time,
        Act::SilenceOn,
        Act::SilenceOff,
        Act::SendOk,
        Act::SendRefused,
        Act::SendFails,
        Act::SendAmbiguousApplied,
        Act::SendAmbiguous,
        Act::SendStart,
        Act::FlightLands,
        Act::EndOk,
        Act::EndRefused,
        Act::EndAmbiguous,
        Act::Lapse,
        Act::LandLate,
        Act::LateResult,
        Act::Crash,
        Act::TargetEdit,
        Act::Disable,
        Act::Enable,
        Act::Delete,
        Act::VendorAcks,
        Act::VendorCloses,
        Act::MessageDeleted,
    ];
}

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

/// What one thread keeps for its work.
pub struct Bench {
    pub setup: Setup,
    pub policy: LanePolicy,
    alert: Alert,
    events: Vec<Event>,
}

impl Bench {
    pub fn new(setup: Setup) -> Bench {
        Bench {
            setup,
            policy: setup.policy(),
            alert: blank_alert(),
            events: Vec::new(),
        }
    }

    /// The policy and the alert of `world`.
    fn load(&mut self, world: &World) {
        self.policy.enabled = world.enabled;
        self.policy.deleted = world.deleted;
        self.policy.revision = world.revision;
        self.alert.status = world.status.unwrap_or(Status::Tracking);
        self.alert.seq = world.seq();
        let reopened = world
            .log
            .iter()
            .filter(|row| row.kind == EventKind::Reopened);
        self.alert.episode = 1 + u32::try_from(reopened.count()).unwrap();
        self.alert.opened_at = Timestamp(world.log.first().map_or(0, |row| row.at));
        let closed = world.log.iter().rfind(|row| row.kind.is_closing());
        self.alert.closed_at = closed.map(|row| Timestamp(row.at));
    }

    fn load_events(&mut self, world: &World, after: u32, upto: u32) {
        self.events.clear();
        for seq in after + 1..=upto.min(world.seq()) {
            let row = world.log[seq as usize - 1];
            self.events.push(event(seq, row));
        }
    }
}

fn event(seq: u32, row: Row) -> Event {
    Event {
        alert: AlertId(1),
        seq,
        at: Timestamp(row.at),
        kind: row.kind,
        status: row.status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}

pub fn blank_alert() -> Alert {
    Alert {
        id: AlertId(1),
        project: ProjectId(1),
        source: SourceId(1),
        scope: Scope::Source(SourceId(1)),
        key: "disk full".into(),
        group_key: None,
        kind: AlertKind::Issue,
        status: Status::Open,
        closed_because: Some(CloseReason::Resolved),
        content: Arc::new(Content::default()),
        opened_at: Timestamp::ZERO,
        closed_at: None,
        changed_at: Timestamp::ZERO,
        seq: 0,
        version: 0,
        episode: 1,
        acked_until: None,
        shelved_until: None,
        tracking_until: None,
        assignee: None,
        ends_at: None,
        silence_after_ms: None,
        trailing_update_at: None,
        last_update_at: Timestamp::ZERO,
        timer_at: None,
        live_until: None,
        last_seen: Timestamp::ZERO,
        repeat_count: 0,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: Vec::new(),
    }
}

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

    fn lane(&mut self, which: Which) -> &mut Option<Lane> {
        match which {
            Which::Current => &mut self.current,
            Which::Old => &mut self.old,
        }
    }

    fn lane_of(&mut self, target: u32) -> Option<&mut Lane> {
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
                        if self.on()
                            && !gone
                            && (raised.lane.doubt
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
    fn send(
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
        let (now, silence, on, sends) = (self.now, self.silence, self.on(), self.sends + 1);
        let status = self.status.unwrap();
        self.sends = sends;
        let lane = self.lane(which).as_mut().unwrap();
        let untold = !lane.doubt && matches!(lane.told, Told::Nothing | Told::Closed);
        if untold && verb == Verb::Open && (silence || now < lane.delay_until.0 || !on) {
            return Err(format!(
                "{verb:?} although it is held (silence {silence}, on {on})"
            ));
        }
        if silence && matches!(verb, Verb::Update | Verb::Remind) {
            return Err(format!("{verb:?} although it is silenced"));
        }
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
    fn haunt(&mut self, flight: Flight) {
        if flight.answers || !flight.has_landed {
            self.ghosts.push(flight);
        }
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
