//! Whether time and memory of an alert stay what they are up to a million.

use super::{CONNECTIONS, Work, sample};
use crate::alerts::{BATCH, Batches};
use crate::generator::drive;
use crate::rows::Row;
use crate::sample::{Costs, Sample, Span};
use crate::servers::{Kind, Server, Telling};

/// Alerts that are written out and sent in one go; the times compared are of one each.
const STEP: usize = 10_000;
const SMALL: usize = 10_000;
const MIDDLE: usize = 100_000;
const LARGE: usize = 1_000_000;

/// The time at each end is the mean of so many steps after it (before it, at the upper end).
const STEPS: usize = 3;

pub async fn run(kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
    let mut server = Server::start(kind, Telling::Nobody, &work.places).await?;
    let span = Span::begin(&mut server, work.disk)?;
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for first in (0..LARGE).step_by(STEP) {
        let requests = Batches::render(first..first + STEP, BATCH, 10).requests(server.path());
        times.push(drive(server.address, requests, CONNECTIONS).await? * 1e6 / STEP as f64);
        if [SMALL, MIDDLE, LARGE].contains(&(first + STEP)) {
            peaks.push(server.usage()?.peak as f64);
        }
    }
    let costs = span.costs(&mut server, LARGE)?;
    server.counts(LARGE).await?;
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    let begin = SMALL / STEP;
    let small = mean(&times[begin..begin + STEPS]);
    let large = mean(&times[times.len() - STEPS..]);
    let lower = (peaks[1] - peaks[0]) / (MIDDLE - SMALL) as f64;
    let upper = (peaks[2] - peaks[1]) / (LARGE - MIDDLE) as f64;
    let mut time = sample(Row::GrowthTime, kind, large / small, costs);
    time.note = format!("{small:.1} µs at {SMALL}, {large:.1} µs at {LARGE}");
    let nothing = Costs {
        peak: costs.peak,
        others: costs.others,
        ..Costs::default()
    };
    let mut memory = sample(Row::GrowthMemory, kind, upper / lower, nothing);
    memory.note = format!("{lower:.0} bytes an alert up to {MIDDLE}, {upper:.0} up to {LARGE}");
    Ok(vec![time, memory])
}
