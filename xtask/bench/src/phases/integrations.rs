//! Whether an alert costs more where many integrations might want it. Each alert is told by exactly one.

use super::{CONNECTIONS, Work, sample};
use crate::alerts::{BATCH, Batches};
use crate::clock::pause;
use crate::generator::drive;
use crate::receiver::Receiver;
use crate::rows::Row;
use crate::sample::{Costs, Sample, Span};
use crate::servers::{Kind, Server, Telling};

const FEW: usize = 10;
const MANY: usize = 1000;

pub async fn run(kind: Kind, work: &Work) -> anyhow::Result<Vec<Sample>> {
    let (few, _) = with(FEW, kind, work).await?;
    let (many, costs) = with(MANY, kind, work).await?;
    let mut sample = sample(Row::Integrations, kind, many / few, costs);
    sample.note = format!("{few:.0} µs with {FEW}, {many:.0} µs with {MANY}");
    Ok(vec![sample])
}

/// Microseconds from the first alert's way in to the last webhook, for each alert.
async fn with(integrations: usize, kind: Kind, work: &Work) -> anyhow::Result<(f64, Costs)> {
    let count = work.alerts / 2;
    let receiver = Receiver::start(count).await?;
    let telling = Telling::Teams(receiver.address, integrations);
    let mut server = Server::start(kind, telling, &work.places).await?;
    let requests = Batches::render(0..count, BATCH, integrations).requests(server.path());
    let span = Span::begin(&mut server, work.disk)?;
    let begun = receiver.seconds();
    drive(server.address, requests, CONNECTIONS).await?;
    let took = receiver.all(|| server.lives()).await? - begun;
    let costs = span.costs(&mut server, count)?;
    // A webhook too many would come now.
    pause(500).await;
    receiver.check()?;
    server.holds(count).await?;
    Ok((took * 1e6 / count as f64, costs))
}
