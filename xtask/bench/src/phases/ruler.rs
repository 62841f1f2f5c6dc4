//! The ruler: how fast generator and receiver are by themselves. No figure of a server can lie above it.

use super::{CONNECTIONS, SINGLE_CONNECTIONS, Work, sample};
use crate::alerts::{BATCH, Batches};
use crate::generator::drive;
use crate::receiver::Receiver;
use crate::rows::Row;
use crate::sample::{Costs, Others, Sample, Span};
use crate::servers::{Kind, Server, Telling};

pub async fn run(work: &Work) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let kind = Kind::Bare;
    // Batches are quickly done with: they are sent until the time is long enough to be measured.
    for (row, size, connections, passes) in [
        (Row::RulerBatches, BATCH, CONNECTIONS, 40),
        (Row::RulerSingles, 1, SINGLE_CONNECTIONS, 2),
    ] {
        let count = work.alerts * passes;
        let mut server = Server::start(kind, Telling::Nobody, &work.places).await?;
        let batches = Batches::render(0..work.alerts, size, 1);
        let requests = (0..passes)
            .flat_map(|_| batches.requests(server.path()))
            .collect();
        let span = Span::begin(&mut server, work.disk)?;
        let seconds = drive(server.address, requests, connections).await?;
        let costs = span.costs(&mut server, count)?;
        samples.push(sample(row, kind, count as f64 / seconds, costs));
    }
    samples.push(webhooks(work.alerts).await?);
    Ok(samples)
}

/// The generator posts single alerts to the receiver itself.
async fn webhooks(count: usize) -> anyhow::Result<Sample> {
    let receiver = Receiver::start(count).await?;
    let requests = Batches::render(0..count, 1, 1).requests("/");
    let others = Others::begin()?;
    let seconds = drive(receiver.address, requests, SINGLE_CONNECTIONS).await?;
    let others = others.share(0.0)?;
    receiver.all(|| Ok(())).await?;
    receiver.check()?;
    let costs = Costs {
        others,
        ..Costs::default()
    };
    Ok(sample(
        Row::RulerWebhooks,
        Kind::Bare,
        count as f64 / seconds,
        costs,
    ))
}
