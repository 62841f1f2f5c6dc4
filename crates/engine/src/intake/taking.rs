//! A batch's way in, from its sender's task to what became of it.
//!
//! [`Intake::take`] and [`Intake::take_batch`] look at it without waiting: repeats are recognised by their key and
//! content, in the batch's order, and the keys of all other signals are barred from being recognised until those
//! are written. [`Intake::finish`] queues what is no repeat and waits for it.
//!
//! Both know the same things of a statement: its hashes and when it ends. `take` gets them from signals; `take_batch`
//! gets them from undecoded texts that were heard before, decodes the others, and decodes later what is known but
//! turns out to be no repeat (its alert was closed, or said something else in between).

use std::sync::Arc;

use integrations::kit::{Answer, Batch, Rejection, SignalOutcome};
use model::{Signal, SignalKind, Timestamp};
use store::SeenRow;

use super::heard::Known;
use super::{Busy, Hashes, Intake, Item, ItemOutcome};
use crate::catalog::Source;
use crate::hub::Shared;
use crate::telling;

/// What became of a batch.
#[derive(Debug)]
pub struct Fate {
    /// Of each signal, in order, but for rejected ones.
    pub outcomes: Vec<SignalOutcome>,
    pub rejections: Vec<Rejection>,
}

/// Why a batch is not taken.
#[derive(Debug)]
pub enum NotTaken {
    Busy(Busy),
    /// It is not what it should be; its sender hears this.
    Refused(Answer),
}

/// A batch that was looked at. Nothing of it counts before [`Intake::finish`], but for repeats.
pub struct Taken {
    source: Arc<Source>,
    /// Of which statements without a signal are the places.
    batch: Option<Box<dyn Batch>>,
    statements: Vec<Statement>,
    /// What is known of each statement's fate.
    outcomes: Vec<Option<SignalOutcome>>,
    /// The statements that are to be queued, in order.
    waiting: Vec<usize>,
    /// Statements that are repeats if the store writes these rows.
    doubtful: Vec<(usize, SeenRow)>,
    barred: Barred,
    rejections: Vec<Rejection>,
}

impl Taken {
    /// Whether finishing it waits for nothing.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.doubtful.is_empty()
    }

    /// Decodes what is to be queued, as far as it was not.
    fn decode_waiting(&mut self, hashes: Hashes) {
        let undecoded = |at: &usize| self.statements[*at].signal.is_none();
        let undecoded: Vec<usize> = self.waiting.iter().copied().filter(undecoded).collect();
        let Some(batch) = self.batch.as_ref().filter(|_| !undecoded.is_empty()) else {
            return;
        };
        let places: Vec<usize> = undecoded
            .iter()
            .map(|at| self.statements[*at].place)
            .collect();
        let decoded = batch.decode(&places).unwrap_or_default();
        for (at, decoded) in undecoded.iter().zip(decoded) {
            let statement = &mut self.statements[*at];
            match decoded {
                Ok(signal) => {
                    debug_assert_eq!(hashes.of_content(&signal), statement.content);
                    statement.signal = Some(Arc::new(signal));
                }
                Err(rejection) => {
                    self.outcomes[*at] = Some(SignalOutcome::Refused(rejection.problem));
                }
            }
        }
        // By the batch's promise there are none: the same text was decoded before.
        let statements = &self.statements;
        self.waiting.retain(|at| statements[*at].signal.is_some());
        for at in undecoded {
            if self.statements[at].signal.is_none() && self.outcomes[at].is_none() {
                let problem = "it cannot be read".to_owned();
                self.outcomes[at] = Some(SignalOutcome::Refused(problem));
            }
        }
    }
}

/// What a batch says at one place.
struct Statement {
    place: usize,
    hash: u128,
    content: u128,
    ends_at: Option<Timestamp>,
    /// Whether it may be a repeat, if nothing in the cache speaks against it.
    may_repeat: bool,
    /// `None`: known by its text, so that it is decoded only if it is no repeat.
    signal: Option<Arc<Signal>>,
}

impl Statement {
    fn decoded(
        place: usize,
        signal: Signal,
        source: &Source,
        hashes: Hashes,
        now: Timestamp,
    ) -> Statement {
        let is_over = signal.ends_at.is_some_and(|ends| ends <= now);
        Statement {
            place,
            hash: hashes.of_key(source.project.id, source.scope, &signal.key),
            content: hashes.of_content(&signal),
            ends_at: signal.ends_at,
            may_repeat: signal.kind == SignalKind::Fire && signal.message_id.is_none() && !is_over,
            signal: Some(Arc::new(signal)),
        }
    }

    /// A fire of a known text.
    fn known(place: usize, known: Known, ends_at: Timestamp) -> Statement {
        Statement {
            place,
            hash: known.key,
            content: known.content,
            ends_at: Some(ends_at),
            may_repeat: true,
            signal: None,
        }
    }

    /// What is remembered of it by its text: only of such as could be repeats, and that end when the text says.
    fn to_remember(&self, ends_at: Timestamp) -> Option<Known> {
        let signal = self.signal.as_ref()?;
        (self.may_repeat && signal.ends_at == Some(ends_at)).then(|| Known {
            key: self.hash,
            content: self.content,
            begins: signal.starts_at.unwrap_or(Timestamp(i64::MIN)),
        })
    }
}

impl Intake {
    /// Takes one batch of a source. Returns once every signal of it is durable or known as a repeat, with what
    /// became of each, in order.
    pub async fn submit(
        &self,
        source: &Arc<Source>,
        signals: Vec<Signal>,
    ) -> Result<Vec<SignalOutcome>, Busy> {
        let taken = self.take(source, signals)?;
        Ok(self.finish(taken).await?.outcomes)
    }

    /// Looks at a batch of signals; does not wait.
    pub fn take(&self, source: &Arc<Source>, signals: Vec<Signal>) -> Result<Taken, Busy> {
        let (now, hashes) = (self.shared.clock.now(), self.shared.hashes);
        let statements = signals.into_iter().enumerate();
        let statements = statements
            .map(|(place, signal)| Statement::decoded(place, signal, source, hashes, now));
        self.recognise(source, statements.collect(), now)
    }

    /// Looks at a batch of which only what is new is decoded; does not wait.
    pub fn take_batch(
        &self,
        source: &Arc<Source>,
        batch: Box<dyn Batch>,
    ) -> Result<Taken, NotTaken> {
        let (now, hashes) = (self.shared.clock.now(), self.shared.hashes);
        let texts: Vec<Option<(u128, Timestamp)>> = (0..batch.len())
            .map(|place| {
                let gist = batch.gist(place)?;
                Some((hashes.of_text(source, gist.text), gist.ends_at))
            })
            .collect();
        let known = texts.iter().map(|text| text.map(|(hash, _)| hash));
        let known = self.shared.heard.recall(known);
        let mut statements = Vec::with_capacity(known.len());
        let mut new = Vec::new();
        for (place, (known, text)) in known.into_iter().zip(&texts).enumerate() {
            match (known, text) {
                (Some(known), Some((_, ends_at))) if known.is_fire(*ends_at, now) => {
                    statements.push(Statement::known(place, known, *ends_at));
                }
                _ => new.push(place),
            }
        }
        let mut rejections = Vec::new();
        if !new.is_empty() {
            let decoded = batch.decode(&new).map_err(NotTaken::Refused)?;
            for (place, decoded) in new.into_iter().zip(decoded) {
                match decoded {
                    Ok(signal) => {
                        statements.push(Statement::decoded(place, signal, source, hashes, now))
                    }
                    Err(rejection) => rejections.push(rejection),
                }
            }
            statements.sort_by_key(|statement| statement.place);
        }
        let mut taken = self
            .recognise(source, statements, now)
            .map_err(NotTaken::Busy)?;
        self.remember(&taken, &texts);
        taken.rejections = rejections;
        taken.batch = Some(batch);
        taken.decode_waiting(hashes);
        Ok(taken)
    }

    /// Tells repeats from the rest, whose keys it bars.
    fn recognise(
        &self,
        source: &Arc<Source>,
        statements: Vec<Statement>,
        now: Timestamp,
    ) -> Result<Taken, Busy> {
        // What was rejected in whole is answered even by a hub that stops.
        if !statements.is_empty()
            && let Some(busy) = self.shared.refusal()
        {
            return Err(busy);
        }
        let trusts_cache = self.shared.trusts_cache();
        let is_shared = self.shared.store.shared();
        let mut outcomes = Vec::with_capacity(statements.len());
        let (mut waiting, mut doubtful) = (Vec::new(), Vec::new());
        let mut barred = Barred {
            shared: self.shared.clone(),
            hashes: Vec::new(),
        };
        let mut cache = self.shared.cache.lock();
        for (at, statement) in statements.iter().enumerate() {
            let Statement {
                hash,
                content,
                ends_at,
                may_repeat,
                ..
            } = *statement;
            let row = match trusts_cache && may_repeat {
                true => cache.repeat(hash, content, ends_at, now),
                false => None,
            };
            outcomes.push(row.map(|row| SignalOutcome::Repeated(row.alert)));
            match row {
                Some(row) if is_shared => doubtful.push((at, row)),
                Some(_) => {}
                None => {
                    cache.bar(hash);
                    barred.hashes.push(hash);
                    waiting.push(at);
                }
            }
        }
        drop(cache);
        Ok(Taken {
            source: source.clone(),
            batch: None,
            statements,
            outcomes,
            waiting,
            doubtful,
            barred,
            rejections: Vec::new(),
        })
    }

    /// Remembers the texts of decoded statements that were repeats.
    fn remember(&self, taken: &Taken, texts: &[Option<(u128, Timestamp)>]) {
        let learned = taken.statements.iter().zip(&taken.outcomes);
        let learned = learned.filter_map(|(statement, outcome)| {
            let (text, ends_at) = (*texts.get(statement.place)?)?;
            let is_repeat = matches!(outcome, Some(SignalOutcome::Repeated(_)));
            let known = is_repeat.then(|| statement.to_remember(ends_at));
            Some((text, known.flatten()?))
        });
        let learned: Vec<(u128, Known)> = learned.collect();
        if !learned.is_empty() {
            let live = self.shared.cache.lock().len();
            self.shared.heard.learn(learned, live);
        }
    }

    /// Returns once every signal of a batch is durable or known as a repeat, with what became of each.
    pub async fn finish(&self, mut taken: Taken) -> Result<Fate, Busy> {
        if !taken.doubtful.is_empty() {
            taken = self.witness(taken).await?;
        }
        let Taken {
            source,
            statements,
            mut outcomes,
            waiting,
            barred,
            rejections,
            ..
        } = taken;
        if !waiting.is_empty() {
            let items = waiting.iter().filter_map(|at| {
                let statement = &statements[*at];
                Some(Item::Signal {
                    source: source.clone(),
                    signal: statement.signal.clone()?,
                    hash: statement.hash,
                    content: statement.content,
                })
            });
            let results = self.ask(Some(source.id.0), items.collect()).await;
            drop(barred);
            for (at, outcome) in waiting.into_iter().zip(results?) {
                outcomes[at] = Some(match outcome {
                    ItemOutcome::Signal(outcome) => outcome,
                    ItemOutcome::Refused(why) => SignalOutcome::Refused(why),
                    ItemOutcome::NotFound => {
                        SignalOutcome::Ignored("there is no such alert".to_owned())
                    }
                    ItemOutcome::Failed(busy) => return Err(busy),
                    ItemOutcome::Acted(_)
                    | ItemOutcome::Done
                    | ItemOutcome::Grouped(_)
                    | ItemOutcome::InFlight => SignalOutcome::Ignored(String::new()),
                });
            }
        }
        let outcomes = outcomes
            .into_iter()
            .map(|o| o.unwrap_or_else(|| SignalOutcome::Ignored("it was not looked at".to_owned())))
            .collect();
        Ok(Fate {
            outcomes,
            rejections,
        })
    }

    /// Writes repeats beside other nodes; those that are none are signals like any other, before those that came
    /// after them.
    async fn witness(&self, mut taken: Taken) -> Result<Taken, Busy> {
        let doubtful = std::mem::take(&mut taken.doubtful);
        let rows = doubtful.iter().map(|(_, row)| *row).collect();
        let written = self.shared.witness.ask(rows).await?;
        let lost = doubtful.into_iter().zip(written);
        let lost: Vec<(usize, SeenRow)> = lost
            .filter_map(|(doubtful, written)| (!written).then_some(doubtful))
            .collect();
        if lost.is_empty() {
            return Ok(taken);
        }
        telling::repeats_stepped(lost.len());
        {
            let mut cache = self.shared.cache.lock();
            for (at, row) in lost {
                // Another node has changed the alert.
                let hash = taken.statements[at].hash;
                cache.doubt(hash, &row);
                cache.bar(hash);
                taken.barred.hashes.push(hash);
                taken.outcomes[at] = None;
                taken.waiting.push(at);
            }
        }
        taken.waiting.sort_unstable();
        taken.decode_waiting(self.shared.hashes);
        Ok(taken)
    }
}

/// Keys whose fast path is barred while their signals wait; let go also when the sender's task is dropped.
struct Barred {
    shared: Arc<Shared>,
    hashes: Vec<u128>,
}

impl Drop for Barred {
    fn drop(&mut self) {
        if self.hashes.is_empty() {
            return;
        }
        let mut cache = self.shared.cache.lock();
        for hash in self.hashes.drain(..) {
            cache.unbar(hash);
        }
    }
}
