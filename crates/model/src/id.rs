//! Ids. Each kind has its own type; all are UUIDs of version 7, so they sort by the time they were made and
//! appending them to a B-tree touches its last page only.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{Clock, Entropy};

/// A text that is not an id.
#[derive(Debug, thiserror::Error)]
#[error("not an id (32 hexadecimal digits, as a UUID)")]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub u128);

        impl $name {
            /// The 16 bytes that stores keep; they sort as the ids do.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_u128(self.0).hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::try_parse(text).map(|u| Self(u.as_u128())).map_err(|_| ParseIdError)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    )+};
}

ids! {
    /// A tenant's project: everything but the organization belongs to one.
    ProjectId,
    /// A way in.
    SourceId,
    /// One episode of one problem.
    AlertId,
    /// A project's rule that tells a sink.
    IntegrationId,
    /// A silence.
    SilenceId,
    /// One try to work on a lane; compared for equality only.
    ClaimId,
    /// One running process of the hub.
    NodeId,
}

/// Makes ids from a clock and a source of randomness; ids of one source strictly increase.
#[derive(Clone)]
pub struct IdSource {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Milliseconds and counter of the last id; the counter keeps order within a millisecond.
    last: Arc<Mutex<(u64, u16)>>,
}

impl IdSource {
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> IdSource {
        IdSource {
            clock,
            entropy,
            last: Arc::new(Mutex::new((0, 0))),
        }
    }

    /// The next id as a number; wrap it in the kind wanted: `AlertId(ids.next())`.
    pub fn next(&self) -> u128 {
        let now = u64::try_from(self.clock.now().0).unwrap_or(0);
        let (ms, count) = {
            let mut last = self.last.lock();
            // A clock that stands still or steps back must not make ids step back.
            *last = match *last {
                (ms, 0xfff) if now <= ms => (ms + 1, 0),
                (ms, n) if now <= ms => (ms, n + 1),
                _ => (now, 0),
            };
            *last
        };
        let random = u128::from(self.entropy.next_u64()) & 0x3fff_ffff_ffff_ffff;
        (u128::from(ms & 0xffff_ffff_ffff) << 80)
            | (0x7 << 76)
            | (u128::from(count) << 64)
            | (0b10 << 62)
            | random
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SeededEntropy, TestClock, Timestamp};

    #[test]
    fn ids_of_one_source_increase_even_when_the_clock_steps_back() {
        let clock = Arc::new(TestClock::at(Timestamp(1_700_000_000_000)));
        let ids = IdSource::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
        let mut last = ids.next();
        for i in 0..10_000 {
            if i == 5000 {
                clock.set(Timestamp(1_600_000_000_000));
            }
            let next = ids.next();
            assert!(next > last);
            last = next;
        }
        assert_eq!(uuid::Uuid::from_u128(last).get_version_num(), 7);
    }

    #[test]
    fn an_id_reads_back_what_it_shows() {
        let id = AlertId(0x0190_0000_0000_7000_8000_0000_0000_0001);
        assert_eq!(id.to_string().parse::<AlertId>().unwrap(), id);
        assert_eq!(AlertId::from_bytes(id.to_bytes()), id);
    }
}
