//! What is taken in while nobody is told.

use super::{CONNECTIONS, SINGLE_CONNECTIONS, Work, megabytes, sample};
use crate::alerts::{BATCH, Batches};
use crate::generator::drive;
use crate::rows::Row;
use crate::sample::{Costs, Sample, Span};
use crate::servers::{Kind, Server, Telling};

/// Teams that nobody matches on.
const TEAMS: usize = 10;
/// How often all alerts come again.
const PASSES: usize = 3;

/// New alerts in batches, then the same alerts again with later ends.
pub async fn grouped(kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
    let count = work.alerts;
    let mut server = Server::start(kind, Telling::Nobody, &work.places).await?;
    let mut batches = Batches::render(0..count, BATCH, TEAMS);
    let requests = batches.requests(server.path());
    let span = Span::begin(&mut server, work.disk)?;
    let seconds = drive(server.address, requests, CONNECTIONS).await?;
    let costs = span.costs(&mut server, count)?;
    let mut samples = vec![
        sample(Row::New, kind, count as f64 / seconds, costs),
        sample(
            Row::MemoryGrouped,
            kind,
            megabytes(costs.peak),
            Costs {
                cpu_us: None,
                flushes: None,
                ..costs
            },
        ),
    ];

    let (mut seconds, mut spent) = (0.0, Vec::new());
    for pass in 1..=PASSES {
        batches.move_ends(pass as i64);
        let requests = batches.requests(server.path());
        let span = Span::begin(&mut server, work.disk)?;
        seconds += drive(server.address, requests, CONNECTIONS).await?;
        spent.push(span.costs(&mut server, count)?);
    }
    let value = (count * PASSES) as f64 / seconds;
    samples.push(sample(Row::Resent, kind, value, mean(&spent)));
    // Only now: a list of all alerts costs memory and time of its own.
    let ends_at = batches.ends_at(PASSES as i64);
    server.repeated(count, PASSES, ends_at).await?;
    Ok(samples)
}

/// New alerts, one a request.
pub async fn singles(kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
    let count = work.alerts / 2;
    let mut server = Server::start(kind, Telling::Nobody, &work.places).await?;
    let requests = Batches::render(0..count, 1, TEAMS).requests(server.path());
    let span = Span::begin(&mut server, work.disk)?;
    let seconds = drive(server.address, requests, SINGLE_CONNECTIONS).await?;
    let costs = span.costs(&mut server, count)?;
    server.holds(count).await?;
    Ok(vec![sample(
        Row::Singles,
        kind,
        count as f64 / seconds,
        costs,
    )])
}

/// Of passes with the same number of alerts.
fn mean(spent: &[Costs]) -> Costs {
    let count = spent.len() as f64;
    let sum = |of: fn(&Costs) -> Option<f64>| {
        let all: Option<Vec<f64>> = spent.iter().map(of).collect();
        all.map(|all| all.iter().sum::<f64>() / count)
    };
    Costs {
        cpu_us: sum(|c| c.cpu_us),
        peak: spent.iter().filter_map(|c| c.peak).max(),
        flushes: sum(|c| c.flushes),
        others: sum(|c| Some(c.others)).unwrap_or(0.0),
    }
}
