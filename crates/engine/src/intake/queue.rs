//! Bounded queues, one per source, served in turn: a noisy source delays only itself (I10, I12).

use std::collections::{BTreeMap, VecDeque};

use model::{DurationMs, limits};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::intake::{Busy, Submission};

/// How often a group gives way to tasks that are ready: each of them brought something, or the group was taken.
const GIVES_WAY_MAX: usize = 16;

/// The queue of people's actions, timers and walks.
const INTERNAL: u128 = 0;

#[derive(Default)]
struct Inner {
    queues: BTreeMap<u128, Queue>,
    /// The queue that was served last.
    last: u128,
    waiting: usize,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    submissions: VecDeque<Submission>,
    items: usize,
}

#[derive(Default)]
pub(crate) struct Queues {
    inner: Mutex<Inner>,
    arrived: Notify,
}

impl Queues {
    /// Adds a batch to its source's queue, or says why not.
    pub fn push(&self, source: Option<u128>, submission: Submission) -> Result<(), Busy> {
        let count = submission.items.len();
        {
            let mut inner = self.inner.lock();
            if inner.closed {
                return Err(busy("the hub is stopping"));
            }
            if inner.waiting + count > limits::QUEUE_SIGNALS_MAX {
                return Err(busy("the hub has too much waiting"));
            }
            let queue = inner.queues.entry(source.unwrap_or(INTERNAL)).or_default();
            // A batch that alone is over the limit still gets in when nothing else waits: it was let in by its size.
            if queue.items > 0 && queue.items + count > limits::QUEUE_SIGNALS_PER_SOURCE_MAX {
                return Err(busy("this source has too much waiting"));
            }
            queue.items += count;
            queue.submissions.push_back(submission);
            inner.waiting += count;
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for something, lets those that are ready come in too, then takes a group: whole batches, in turn from all queues, until `items_max` are had.
    /// `None` once the queues are closed and empty.
    pub async fn take(&self, items_max: usize) -> Option<Vec<Submission>> {
        loop {
            let arrived = self.arrived.notified();
            self.let_in().await;
            {
                let mut inner = self.inner.lock();
                let group = inner.take(items_max);
                if !group.is_empty() {
                    return Some(group);
                }
                if inner.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// The senders that the last group answered come back at the same time. A group for the first of them would make the
    /// others wait for its commit; their tasks are ready to run, and this gives way to them. It waits for nothing else.
    async fn let_in(&self) {
        let mut before = self.waiting();
        for _ in 0..GIVES_WAY_MAX {
            if before == 0 {
                return;
            }
            tokio::task::yield_now().await;
            let now = self.waiting();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// Takes out what was asked before `boot_ms`: it waited behind something that failed.
    pub fn take_asked_before(&self, boot_ms: i64) -> Vec<Submission> {
        let mut inner = self.inner.lock();
        let mut taken = Vec::new();
        let mut count = 0;
        for queue in inner.queues.values_mut() {
            // In each queue the oldest come first.
            while let Some(first) = queue.submissions.front()
                && first.asked_at < boot_ms
            {
                let Some(first) = queue.submissions.pop_front() else {
                    break;
                };
                queue.items -= first.items.len();
                count += first.items.len();
                taken.push(first);
            }
        }
        inner.waiting -= count;
        taken
    }

    /// Takes nothing new; what waits is still served.
    pub fn close(&self) {
        self.inner.lock().closed = true;
        self.arrived.notify_one();
    }

    pub fn waiting(&self) -> usize {
        self.inner.lock().waiting
    }
}

impl Inner {
    fn take(&mut self, items_max: usize) -> Vec<Submission> {
        let mut group = Vec::new();
        let mut taken = 0;
        while taken < items_max {
            let next = self
                .queues
                .range((
                    std::ops::Bound::Excluded(self.last),
                    std::ops::Bound::Unbounded,
                ))
                .next()
                .or_else(|| self.queues.iter().next())
                .map(|(source, _)| *source);
            let Some(source) = next else { break };
            self.last = source;
            let Some(queue) = self.queues.get_mut(&source) else {
                break;
            };
            let Some(submission) = queue.submissions.pop_front() else {
                self.queues.remove(&source);
                continue;
            };
            let count = submission.items.len();
            queue.items -= count;
            self.waiting -= count;
            if queue.submissions.is_empty() {
                self.queues.remove(&source);
            }
            taken += count;
            group.push(submission);
        }
        group
    }
}

fn busy(reason: &str) -> Busy {
    Busy {
        reason: reason.to_owned(),
        retry_after: DurationMs::from_secs(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Item;
    use model::AlertId;
    use tokio::sync::oneshot;

    fn batch(count: usize) -> Submission {
        let items = (0..count)
            .map(|i| Item::Timer {
                alert: AlertId(i as u128),
            })
            .collect();
        Submission {
            items,
            asked_at: 0,
            reply: oneshot::channel().0,
        }
    }

    #[tokio::test]
    async fn i12_queues_are_served_in_turn() {
        let queues = Queues::default();
        for _ in 0..50 {
            queues.push(Some(1), batch(10)).unwrap();
        }
        queues.push(Some(2), batch(1)).unwrap();
        queues.push(None, batch(1)).unwrap();
        let sizes: Vec<usize> = queues
            .take(22)
            .await
            .unwrap()
            .iter()
            .map(|s| s.items.len())
            .collect();
        assert_eq!(
            sizes,
            [10, 1, 1, 10],
            "each queue had its turn before the noisy one came again"
        );
    }

    #[tokio::test]
    async fn i10_a_full_source_is_asked_to_try_again_and_others_are_not() {
        let queues = Queues::default();
        for _ in 0..60 {
            queues.push(Some(1), batch(1000)).unwrap();
        }
        assert!(queues.push(Some(1), batch(1)).is_err());
        queues.push(Some(2), batch(1)).unwrap();
        assert_eq!(queues.waiting(), 60_001);
    }

    #[tokio::test]
    async fn what_waited_too_long_is_taken_out_and_the_rest_stays_in_order() {
        let queues = Queues::default();
        for asked_at in [5, 6, 7] {
            for source in [1, 2] {
                let one = Submission {
                    asked_at,
                    ..batch(asked_at as usize)
                };
                queues.push(Some(source), one).unwrap();
            }
        }
        let old = queues.take_asked_before(7);
        assert_eq!(old.len(), 4);
        assert!(old.iter().all(|one| one.asked_at < 7));
        assert_eq!(queues.waiting(), 14);
        let rest = queues.take(100).await.unwrap();
        assert_eq!(
            rest.iter().map(|one| one.asked_at).collect::<Vec<_>>(),
            [7, 7]
        );
        assert_eq!(queues.waiting(), 0);
    }

    #[tokio::test]
    async fn closed_queues_are_served_to_their_end() {
        let queues = Queues::default();
        queues.push(Some(1), batch(1)).unwrap();
        queues.close();
        assert!(queues.push(Some(1), batch(1)).is_err());
        assert!(queues.take(10).await.is_some());
        assert!(queues.take(10).await.is_none());
    }
}
