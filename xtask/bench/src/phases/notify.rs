//! New alerts with a webhook each: how fast they are taken, how fast they arrive, what that costs.

use super::{CONNECTIONS, Work, megabytes, sample};
use crate::alerts::{BATCH, Batches};
use crate::clock::pause;
use crate::generator::drive;
use crate::receiver::Receiver;
use crate::rows::Row;
use crate::sample::{Costs, Sample, Span};
use crate::servers::{Kind, Server, Telling};

/// A server has more to do after the last webhook: results to be written, logs to be kept.
const AFTERWARDS_MS: u64 = 1500;

pub async fn run(kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
    let count = work.alerts;
    let receiver = Receiver::start(count).await?;
    let telling = Telling::Each(receiver.address);
    let mut server = Server::start(kind, telling, &work.places).await?;
    let requests = Batches::render(0..count, BATCH, 1).requests(server.path());
    let span = Span::begin(&mut server, work.disk)?;
    let begun = receiver.seconds();
    let seconds = drive(server.address, requests, CONNECTIONS).await?;
    let accepted = span.costs(&mut server, count)?;
    let arrived = receiver.count();
    let last = receiver.all(|| server.lives()).await? - begun;
    pause(AFTERWARDS_MS).await;
    let costs = span.costs(&mut server, count)?;
    receiver.check()?;
    server.holds(count).await?;

    let mut notified = sample(Row::Notified, kind, count as f64 / seconds, accepted);
    let share = arrived as f64 * 100.0 / count as f64;
    notified.note = format!("{share:.0} % had arrived when the last was accepted");
    let nothing = Costs {
        others: costs.others,
        ..Costs::default()
    };
    Ok(vec![
        notified,
        sample(Row::Delivered, kind, count as f64 / last, costs),
        sample(Row::Cpu, kind, costs.cpu_us.unwrap_or(0.0), nothing),
        sample(
            Row::MemoryNotified,
            kind,
            megabytes(costs.peak),
            Costs {
                peak: costs.peak,
                ..nothing
            },
        ),
    ])
}
