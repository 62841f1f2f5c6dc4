//! Hashes by which keys, contents and texts of signals are known.

use std::hash::{Hash, Hasher};

use model::{ProjectId, Scope, Signal};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::catalog::{Source, Way};

/// 128-bit hashes with a key that is chosen at start, so that nobody outside can make two of them meet.
#[derive(Clone, Copy)]
pub(crate) struct Hashes(pub [u8; 16]);

impl Hashes {
    /// The hash of a live key.
    pub fn of_key(self, project: ProjectId, scope: Scope, key: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        project.hash(&mut hasher);
        scope.hash(&mut hasher);
        key.hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// The hash of all that a fire says, but for `ends_at`, which repeats move. Never 0.
    pub fn of_content(self, signal: &Signal) -> u128 {
        let Signal {
            key: _,
            group_key: _,
            kind: _,
            severity,
            resource,
            event,
            title,
            text,
            value,
            labels,
            annotations,
            links,
            starts_at,
            ends_at: _,
            message_id: _,
            origin: _,
            via: _,
        } = signal;
        let mut hasher = SipHasher13::new_with_key(&self.0);
        (severity, resource, event, title, text, value).hash(&mut hasher);
        (labels, annotations, links, starts_at).hash(&mut hasher);
        hasher.finish128().as_u128().max(1)
    }

    /// The hash of the text by which a statement of this source is known, undecoded.
    pub fn of_text(self, source: &Source, text: [&str; 2]) -> u128 {
        let dialect = match &source.way {
            Way::Dialect { dialect, .. } => dialect.manifest().name,
            Way::Monitor { name, .. } => name,
        };
        let mut hasher = SipHasher13::new_with_key(&self.0);
        // What a text means depends on all of these (the source's settings: see `Batch::gist`).
        (source.project.id, source.scope, dialect, text).hash(&mut hasher);
        hasher.finish128().as_u128()
    }
}

/// Hashes of keys are uniform already.
#[derive(Default)]
pub(crate) struct Uniform(u64);

impl Hasher for Uniform {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u128(&mut self, n: u128) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of a uniform hash is a uniform hash"
        )]
        {
            self.0 = n as u64;
        }
    }
}
