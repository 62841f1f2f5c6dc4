//! A queue that keeps the newest values within a count and a number of bytes.

use std::collections::VecDeque;

/// The newest values, within both bounds; older ones are dropped and counted.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    values: VecDeque<(usize, T)>,
    bytes: usize,
    max_count: usize,
    max_bytes: usize,
    total: u64,
}

impl<T> Kept<T> {
    pub(crate) fn new(max_count: usize, max_bytes: usize) -> Self {
        Self {
            values: VecDeque::new(),
            bytes: 0,
            max_count,
            max_bytes,
            total: 0,
        }
    }

    /// Keeps a value of that weight in bytes. Returns what had to go, for the caller to drop outside its lock.
    pub(crate) fn push(&mut self, value: T, weight: usize) -> Option<T> {
        self.total += 1;
        self.values.push_back((weight, value));
        self.bytes += weight;
        let mut gone = None;
        while self.values.len() > self.max_count || self.bytes > self.max_bytes {
            let Some((weight, value)) = self.values.pop_front() else {
                break;
            };
            self.bytes -= weight;
            gone = Some(value);
        }
        gone
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.values.iter().map(|(_, value)| value)
    }

    /// How many were ever pushed since the last [`Kept::clear`].
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many of those are no longer here.
    pub(crate) fn dropped(&self) -> u64 {
        self.total - self.values.len() as u64
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.bytes = 0;
        self.total = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i10_the_newest_stay_within_the_count_and_the_bytes() {
        let mut kept = Kept::new(3, 100);
        for n in 0..5 {
            kept.push(n, 10);
        }
        assert_eq!(kept.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        kept.push(5, 85);
        assert_eq!(kept.iter().copied().collect::<Vec<_>>(), [4, 5]);
        kept.push(6, 1_000);
        assert_eq!(
            kept.iter().count(),
            0,
            "a value above the whole allowance is not kept"
        );
        assert_eq!((kept.total(), kept.dropped()), (7, 7));
    }
}
