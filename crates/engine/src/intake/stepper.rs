//! The one loop that decides about alerts: a group from the queues, decisions, one transaction, answers.

use std::sync::Arc;

use model::{DurationMs, limits};
use store::{SeenRow, StoreError, WriteError};

use crate::catalog::Catalog;
use crate::hub::Shared;
use crate::intake::desk::{Desk, Working};
use crate::intake::{Busy, Item, ItemOutcome, Submission};
use crate::telling;

/// Rounds until a contested alert's sender is asked to try again: with one writer nothing is contested but lanes
/// that the dispatcher records, and those are won at the second try. Beside other nodes a busy alert may take a few.
const ROUNDS_MAX: usize = 8;
/// What waited longer than this behind a group that a shared store failed is not tried any more: a try may take 1.5 s,
/// and senders are to hear "try again" within 2 s.
const WAITED_MAX: DurationMs = DurationMs(400);

pub(crate) struct Stepper {
    shared: Arc<Shared>,
}

impl Stepper {
    pub fn new(shared: Arc<Shared>) -> Stepper {
        Stepper { shared }
    }

    /// Works until the queues are closed and empty.
    pub async fn run(self) {
        while let Some(group) = self.shared.queues.take(limits::GROUP_SIGNALS_MAX).await {
            let is_up = self.group(group).await;
            if !is_up && self.shared.store.shared() {
                let asked = self.shared.clock.boot_ms() - WAITED_MAX.0;
                for submission in self.shared.queues.take_asked_before(asked) {
                    let failed = submission.items.iter().map(|_| failed()).collect();
                    // As below.
                    let _gone = submission.reply.send(failed);
                }
            }
        }
    }

    /// Decides, writes and answers a group; whether the store did its part.
    pub(super) async fn group(&self, submissions: Vec<Submission>) -> bool {
        let mut replies = Vec::with_capacity(submissions.len());
        let mut items = Vec::new();
        for submission in submissions {
            replies.push((submission.reply, submission.items.len()));
            items.extend(submission.items);
        }
        let mut outcomes: Vec<Option<ItemOutcome>> = items.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..items.len()).collect();
        let mut is_up = true;
        for number in 0..ROUNDS_MAX {
            match self.round(number, &items, &open, &mut outcomes).await {
                Ok(again) => open = again,
                Err(error) => {
                    telling::store_failed("intake", &error);
                    self.shared.refusing();
                    is_up = false;
                    break;
                }
            }
            if open.is_empty() {
                break;
            }
        }
        // What was decided and not written is not so.
        for index in open {
            outcomes[index] = None;
        }
        let mut outcomes = outcomes.into_iter();
        for (reply, count) in replies {
            let answer = outcomes
                .by_ref()
                .take(count)
                .map(|o| o.unwrap_or_else(failed))
                .collect();
            // A sender that went away does not hear what became of its batch; the batch is in all the same.
            let _gone = reply.send(answer);
        }
        is_up
    }

    /// Decides and writes the items `open`; the indexes of those that lost a race.
    async fn round(
        &self,
        number: usize,
        items: &[Item],
        open: &[usize],
        outcomes: &mut [Option<ItemOutcome>],
    ) -> Result<Vec<usize>, StoreError> {
        let catalog = self.shared.catalog.load_full();
        let now = self.shared.clock.now();
        let mut desk = Desk::new(&self.shared, catalog.clone(), now);
        desk.fetch(items, open, number > 0).await?;
        for &index in open {
            outcomes[index] = desk.decide(index, &items[index]);
        }
        let repeats = desk.take_repeats();
        let (writes, workings, mut again) = desk.into_writes();
        again.extend(self.witness(repeats).await?);
        if writes.is_empty() {
            again.sort_unstable();
            clear(outcomes, &again);
            return Ok(again);
        }
        self.note_inhibitors(&catalog, &workings);
        self.shared.crash_point("before_commit");
        let results = self.shared.store.commit(writes).await?;
        self.shared.crash_point("after_commit_before_reply");
        let mut cache = self.shared.cache.lock();
        for (working, result) in workings.into_iter().zip(results) {
            if result.is_err() && working.stored.is_none() {
                self.shared.inhibitors.lock().forget(working.alert.id);
            }
            match result {
                Ok(()) => {
                    let alert = &working.alert;
                    if alert.is_closed() {
                        self.shared.inhibitors.lock().note(&catalog, alert);
                    }
                    if alert.is_closed() && alert.live_until.is_none() {
                        cache.remove(working.hash, alert.id);
                    } else {
                        cache.put(working.hash, alert, working.content, working.stored);
                    }
                    telling::events_written(&working.events);
                }
                Err(WriteError::Conflict) => {
                    again.extend(working.items.iter().copied());
                }
                Err(WriteError::Store(error)) => {
                    telling::store_failed("intake", &error);
                    for index in working.items {
                        outcomes[index] = Some(failed());
                    }
                }
            }
        }
        again.sort_unstable();
        again.dedup();
        clear(outcomes, &again);
        Ok(again)
    }

    /// Before the alerts' lanes can be seen: what inhibits is known before what it inhibits is looked at.
    fn note_inhibitors(&self, catalog: &Catalog, workings: &[Working]) {
        let mut inhibitors = self.shared.inhibitors.lock();
        for working in workings.iter().filter(|w| !w.alert.is_closed()) {
            inhibitors.note(catalog, &working.alert);
        }
    }

    /// Writes repeats that the desk found beside other nodes; those that were none after all.
    async fn witness(&self, repeats: Vec<(usize, SeenRow)>) -> Result<Vec<usize>, StoreError> {
        if repeats.is_empty() {
            return Ok(Vec::new());
        }
        let rows = repeats.iter().map(|(_, row)| *row).collect();
        let written = self.shared.store.seen(rows).await?;
        let lost = repeats
            .into_iter()
            .zip(written)
            .filter(|(_, written)| !written);
        Ok(lost.map(|((index, _), _)| index).collect())
    }
}

fn clear(outcomes: &mut [Option<ItemOutcome>], indexes: &[usize]) {
    for &index in indexes {
        outcomes[index] = None;
    }
}

fn failed() -> ItemOutcome {
    ItemOutcome::Failed(Busy {
        reason: "the hub's store does not answer".to_owned(),
        retry_after: DurationMs::from_secs(10),
    })
}
