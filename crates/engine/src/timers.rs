//! Alerts' own times: delays that are over, acknowledgements and shelvings that end, senders that fell silent.

use std::sync::Arc;

use model::DurationMs;
use tokio_util::sync::CancellationToken;

use crate::hub::Shared;
use crate::intake::{Intake, Item};
use crate::leases::Duty;
use crate::telling;

/// Timers taken in one go.
const BATCH_MAX: usize = 1000;
/// Looks by itself this often (I11); also the least time between two looks at a timer that will not go away.
const POLL: DurationMs = DurationMs::from_secs(1);
/// The least pause between two looks.
const PAUSE_MIN: DurationMs = DurationMs(10);

pub(crate) async fn run(shared: Arc<Shared>, intake: Intake, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if !shared.holds(Duty::Timers) {
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.wait_for_duty(POLL) => {}
            }
            continue;
        }
        let now = shared.clock.now();
        let due = match shared.store.timers_due(now, BATCH_MAX).await {
            Ok(due) => due,
            Err(error) => {
                telling::store_failed("timers", &error);
                Vec::new()
            }
        };
        let count = due.len();
        // Reading may have taken until after the lease's end.
        if count > 0 && shared.holds(Duty::Timers) {
            let items = due
                .into_iter()
                .map(|d| Item::Timer { alert: d.alert.id })
                .collect();
            // What is not done now is still due at the next look.
            let _tried_again_by_the_next_look = intake.ask(None, items).await;
        }
        let until = if count == BATCH_MAX {
            now + PAUSE_MIN
        } else if count > 0 {
            now + POLL
        } else {
            let next = shared.store.next_timer().await.ok().flatten();
            next.map_or(now + POLL, |t| t.clamp(now + PAUSE_MIN, now + POLL))
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep_until(until) => {}
        }
    }
}
