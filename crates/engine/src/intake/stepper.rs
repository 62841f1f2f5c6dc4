//! The one loop that decides about alerts: a group from the queues, decisions, one transaction, answers.

use std::sync::Arc;

use model::{DurationMs, limits};
use store::{SeenRow, StoreError, WriteError};

use crate::hub::Shared;
use crate::intake::desk::Desk;
use crate::intake::{Busy, Item, ItemOutcome, Submission};
use crate::telling;

/// Rounds until a contested alert's sender is asked to try again: with one writer nothing is contested but lanes
/// that the dispatcher records, and those are won at the second try.
const ROUNDS_MAX: usize = 8;

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
            self.group(group).await;
        }
    }

    async fn group(&self, submissions: Vec<Submission>) {
        let mut replies = Vec::with_capacity(submissions.len());
        let mut items = Vec::new();
        for submission in submissions {
            replies.push((submission.reply, submission.items.len()));
            items.extend(submission.items);
        }
        let mut outcomes: Vec<Option<ItemOutcome>> = items.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..items.len()).collect();
        for _ in 0..ROUNDS_MAX {
            match self.round(&items, &open, &mut outcomes).await {
                Ok(again) => open = again,
                Err(error) => {
                    telling::store_failed("intake", &error);
                    self.shared.refusing();
                    break;
                }
            }
            if open.is_empty() {
                break;
            }
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
    }

    /// Decides and writes the items `open`; the indexes of those that lost a race.
    async fn round(
        &self,
        items: &[Item],
        open: &[usize],
        outcomes: &mut [Option<ItemOutcome>],
    ) -> Result<Vec<usize>, StoreError> {
        let catalog = self.shared.catalog.load_full();
        let now = self.shared.clock.now();
        let mut desk = Desk::new(&self.shared, catalog, now);
        desk.fetch(items, open).await?;
        for &index in open {
            outcomes[index] = desk.decide(index, &items[index]);
        }
        let (writes, workings) = desk.into_writes();
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.crash_point("before_commit");
        let results = self.shared.store.commit(writes).await?;
        self.shared.crash_point("after_commit_before_reply");
        let mut again = Vec::new();
        let mut cache = self.shared.cache.lock();
        for (working, result) in workings.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    let alert = &working.alert;
                    if alert.is_closed() && alert.live_until.is_none() {
                        cache.remove(working.hash, alert.id);
                    } else {
                        cache.put(working.hash, alert, working.content);
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
        for &index in &again {
            outcomes[index] = None;
        }
        Ok(again)
    }
}

fn failed() -> ItemOutcome {
    ItemOutcome::Failed(Busy {
        reason: "the hub's store does not answer".to_owned(),
        retry_after: DurationMs::from_secs(10),
    })
}

/// Writes the repeats of the last second (I1's exception). On failure they stay in memory's counts and go with
/// the next change of their alert.
pub(crate) async fn flush_seen(shared: &Shared) {
    let rows: Vec<SeenRow> = shared.cache.lock().take_dirty();
    for chunk in rows.chunks(limits::GROUP_SIGNALS_MAX) {
        if let Err(error) = shared.store.seen(chunk.to_vec()).await {
            telling::store_failed("repeats", &error);
        }
    }
}
