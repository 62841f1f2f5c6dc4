//! What is done with a server: each phase begins with a fresh one and yields samples for one or more rows.

mod accept;
mod growth;
mod integrations;
mod notify;
mod ruler;

use crate::rows::{Only, Row};
use crate::sample::Sample;
use crate::servers::{Kind, Places};
use crate::usage::Disk;

/// How much work there is.
pub struct Work {
    /// Distinct alerts of each phase.
    pub alerts: usize,
    pub places: Places,
    pub disk: Disk,
}

/// A phase, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Ruler,
    /// New alerts that nobody is told of, then the same again.
    Grouped,
    /// New alerts with a webhook each.
    Notified,
    /// New alerts, one a request.
    Singles,
    /// With few integrations and with many.
    Integrations,
    /// Up to a million.
    Growth,
}

impl Phase {
    pub const ALL: [Phase; 6] = [
        Phase::Ruler,
        Phase::Grouped,
        Phase::Notified,
        Phase::Singles,
        Phase::Integrations,
        Phase::Growth,
    ];

    /// Whether one of the wanted rows needs it; all do if none is named.
    pub fn is_wanted(self, only: &[Only]) -> bool {
        only.is_empty() || only.iter().any(|row| row.phases().contains(&self))
    }

    /// Against whom it runs.
    pub fn is_for(self, kind: Kind) -> bool {
        (self == Phase::Ruler) == (kind == Kind::Bare)
    }

    pub async fn run(self, kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
        match self {
            Phase::Ruler => ruler::run(work).await,
            Phase::Grouped => accept::grouped(kind, work).await,
            Phase::Notified => notify::run(kind, work).await,
            Phase::Singles => accept::singles(kind, work).await,
            Phase::Integrations => integrations::run(kind, work).await,
            Phase::Growth => growth::run(kind, work).await,
        }
    }
}

impl Only {
    fn phases(self) -> &'static [Phase] {
        match self {
            Only::Ruler => &[Phase::Ruler],
            Only::New | Only::Resent => &[Phase::Grouped],
            Only::Notified | Only::Delivered | Only::Cpu => &[Phase::Notified],
            Only::Singles => &[Phase::Singles],
            Only::Memory => &[Phase::Grouped, Phase::Notified],
            Only::Integrations => &[Phase::Integrations],
            Only::Growth => &[Phase::Growth],
        }
    }
}

/// Connections over which batches come, as from eight Prometheus servers.
const CONNECTIONS: usize = 8;
/// Connections over which single alerts come.
const SINGLE_CONNECTIONS: usize = 64;

/// A sample without a note.
fn sample(row: Row, kind: Kind, value: f64, costs: crate::sample::Costs) -> Sample {
    Sample {
        row,
        kind,
        value,
        costs,
        note: String::new(),
    }
}

fn megabytes(bytes: Option<u64>) -> f64 {
    bytes.unwrap_or(0) as f64 / 1e6
}
