//! What is killed, when: drawn from a seed.

use std::fmt;

use crate::dice::Dice;

/// Where the hub can be told to kill itself (`CAMPANILE_CRASH_AT`).
pub const POINTS: [&str; 5] = [
    "before_commit",
    "after_commit_before_reply",
    "after_claim_before_send",
    "after_reply_before_record",
    "after_record",
];
/// A named point is passed at most so often before it kills.
const PASSES_MAX: u64 = 60;
/// The latest random moment after the hub listens.
const MOMENT_MAX_MS: u64 = 1500;

/// One kill.
#[derive(Clone, Debug)]
pub enum Kill {
    /// The hub kills itself when it passes this point for the n-th time.
    At(&'static str, u64),
    /// From outside, so many milliseconds after it listens.
    Running(u64),
    /// From outside, so many milliseconds after its process began: mostly while it starts.
    Starting(u64),
}

impl Kill {
    pub fn crash_at(&self) -> Option<String> {
        match self {
            Kill::At(point, passes) => Some(format!("{point}:{passes}")),
            Kill::Running(_) | Kill::Starting(_) => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Kill::At(point, _) => point,
            Kill::Running(_) => "a random moment under load",
            Kill::Starting(_) => "a random moment of starting",
        }
    }
}

pub struct Plan {
    pub seed: u64,
    pub kills: Vec<Kill>,
    /// How long the hub may take, after the last start, to owe nothing.
    pub settle_within_ms: i64,
}

impl Plan {
    pub fn from_environment() -> Plan {
        let seed = std::env::var("CAMPANILE_KILL_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(7);
        match std::env::var("CAMPANILE_KILLS").as_deref() {
            // Every fifth random moment is one of starting: 51 of 63 are under load.
            Ok("full") => Plan::new(seed, 5, 63, 600_000),
            _ => Plan::new(seed, 1, 5, 240_000),
        }
    }

    fn new(seed: u64, each_point: usize, random: usize, settle_within_ms: i64) -> Plan {
        let mut dice = Dice(seed);
        let mut kills: Vec<Kill> = (0..each_point * POINTS.len())
            .map(|n| Kill::At(POINTS[n % POINTS.len()], 1 + dice.below(PASSES_MAX)))
            .collect();
        kills.extend((0..random).map(|n| match n % 5 {
            4 => Kill::Starting(dice.below(400)),
            _ => Kill::Running(dice.below(MOMENT_MAX_MS)),
        }));
        for last in (1..kills.len()).rev() {
            kills.swap(last, dice.below(last as u64 + 1) as usize);
        }
        Plan {
            seed,
            kills,
            settle_within_ms,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kills, seed {}", self.kills.len(), self.seed)
    }
}
