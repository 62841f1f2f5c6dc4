//! Statements that were heard before, known by their text, so that they need not be decoded again.
//!
//! This remembers a function: what decoding makes of a text, but for its end, is the same each time (`Batch::gist`).
//! So nothing here can be stale or wrong; it is only large. What a statement *does* is not here: the cache of live
//! keys decides that, by key and content, as for a statement that was decoded.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use model::Timestamp;
use parking_lot::Mutex;

use super::hashes::Uniform;

/// What a text means. 80 bytes with its own hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The hashes of its key and of its content, as of the signal that it was decoded into.
    pub key: u128,
    pub content: u128,
    /// When it begins; before all time, if it does not say.
    pub begins: Timestamp,
}

impl Known {
    /// Whether the same text with this end is a fire; if not, only decoding tells what it is.
    pub fn is_fire(&self, ends_at: Timestamp, now: Timestamp) -> bool {
        ends_at > now && ends_at >= self.begins
    }
}

/// Texts that nobody sends for so many generations (minutes) are forgotten: senders repeat what fires each few minutes.
const GENERATIONS_KEPT: u32 = 10;
/// Texts that are kept beside those of live keys: an empty hub begins with some.
const SPARE: usize = 1000;

/// Texts and what they mean. Of its own lock, held for a look-up per statement.
#[derive(Default)]
pub(crate) struct Heard {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    generation: u32,
    known: HashMap<u128, (Known, u32), BuildHasherDefault<Uniform>>,
}

impl Heard {
    /// What is known of each text, given by its hash.
    pub fn recall(&self, texts: impl Iterator<Item = Option<u128>>) -> Vec<Option<Known>> {
        let mut inner = self.inner.lock();
        let generation = inner.generation;
        let found = texts.map(|text| {
            let (known, touched) = inner.known.get_mut(&text?)?;
            *touched = generation;
            Some(*known)
        });
        found.collect()
    }

    /// Remembers texts whose statements were repeats: those come again. `live` is the number of live keys: a sender
    /// that words the same thing ever anew makes this full, never large, until its texts are forgotten.
    pub fn learn(&self, texts: Vec<(u128, Known)>, live: usize) {
        if texts.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        let generation = inner.generation;
        let room = (2 * live + SPARE).saturating_sub(inner.known.len());
        let new = texts.into_iter().take(room);
        inner
            .known
            .extend(new.map(|(text, known)| (text, (known, generation))));
    }

    /// Once a minute: forgets what nobody sent for a while.
    pub fn age(&self) {
        let mut inner = self.inner.lock();
        inner.generation = inner.generation.wrapping_add(1);
        let generation = inner.generation;
        inner
            .known
            .retain(|_, (_, touched)| generation.wrapping_sub(*touched) <= GENERATIONS_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        key: 1,
        content: 2,
        begins: Timestamp(3),
    };

    fn knows(heard: &Heard, text: u128) -> bool {
        heard.recall([Some(text)].into_iter()) == [Some(KNOWN)]
    }

    #[test]
    fn texts_are_known_until_nobody_sends_them_for_minutes() {
        let heard = Heard::default();
        heard.learn(vec![(7, KNOWN), (8, KNOWN)], 0);
        assert_eq!(
            heard.recall([Some(7), None, Some(9)].into_iter()),
            [Some(KNOWN), None, None]
        );
        for _ in 0..=GENERATIONS_KEPT {
            assert!(knows(&heard, 7));
            heard.age();
        }
        assert!(knows(&heard, 7));
        assert!(!knows(&heard, 8), "nobody sent it");
    }

    #[test]
    fn i10_ever_new_texts_take_no_more_room_than_live_keys_allow() {
        let heard = Heard::default();
        for batch in 0..100 {
            heard.learn((0..100).map(|n| (batch * 100 + n, KNOWN)).collect(), 5);
        }
        assert_eq!(heard.inner.lock().known.len(), SPARE + 10);
        assert!(knows(&heard, 0), "what was there stays");
    }
}
