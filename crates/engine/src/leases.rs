//! Work that one node at a time does: timers, sweeping, walks. Each is a lease in the store (DESIGN §14).
//!
//! A lease keeps two nodes from doing the same work; it is not what keeps the data right. Whoever was paused past
//! its lease may do one step more: versions make that step harmless.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::DurationMs;
use store::StoreError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::hub::Shared;
use crate::telling;

/// How long a lease lasts without being renewed: the time until another node takes over.
const LASTS: DurationMs = DurationMs::from_secs(5);
/// Three renewals fit into a lease, so that one that fails loses nothing.
const RENEW_EVERY: DurationMs = DurationMs(1500);
/// The holder lets go so much earlier than others may take over: for the error of the clocks, which is half a round
/// trip, and no call of the store takes longer than 1.5 s.
const LETS_GO_EARLIER: DurationMs = DurationMs(750);

/// The lease on the note of the walks.
const NOTE: &str = "walk note";
/// Longer than a reading and a writing of the note can take.
const NOTE_LASTS: DurationMs = DurationMs::from_secs(4);
/// Between two tries to get the note: a node has it for two calls of the store.
const NOTE_PAUSE: DurationMs = DurationMs(50);
/// Tries until the note counts as not to be had: more than a lease whose node died.
const NOTE_TRIES_MAX: u32 = 120;

/// What only one node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    Timers,
    Sweep,
    Walk,
}

impl Duty {
    const ALL: [Duty; 3] = [Duty::Timers, Duty::Sweep, Duty::Walk];

    fn name(self) -> &'static str {
        match self {
            Duty::Timers => "timers",
            Duty::Sweep => "sweep",
            Duty::Walk => "walk",
        }
    }
}

/// The leases of this node.
pub(crate) struct Leases {
    /// Nobody else works on the store: every duty is ours.
    alone: bool,
    /// Until when each is ours, in boot time.
    until: [AtomicI64; 3],
    gained: watch::Sender<()>,
}

impl Leases {
    pub fn new(alone: bool) -> Leases {
        Leases {
            alone,
            until: [const { AtomicI64::new(i64::MIN) }; 3],
            gained: watch::Sender::new(()),
        }
    }

    /// Whether the duty is ours now: asked before each step.
    pub fn holds(&self, duty: Duty, boot_ms: i64) -> bool {
        self.alone || boot_ms < self.until[duty as usize].load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Whether this node has the duty now.
    pub fn holds(&self, duty: Duty) -> bool {
        self.leases.holds(duty, self.clock.boot_ms())
    }

    /// Waits until the duty may be ours, `poll` at most.
    pub async fn wait_for_duty(&self, poll: DurationMs) {
        let mut gained = self.leases.gained.subscribe();
        tokio::select! {
            _ = gained.changed() => {}
            () = self.clock.sleep(poll) => {}
        }
    }
}

/// Takes and renews what this node can get.
pub(crate) async fn renew(shared: &Shared) {
    if shared.leases.alone {
        return;
    }
    for duty in Duty::ALL {
        let asked = shared.clock.boot_ms();
        let now = shared.clock.now();
        let until = &shared.leases.until[duty as usize];
        match shared
            .store
            .lease(duty.name(), shared.node, now, now + LASTS)
            .await
        {
            Ok(true) => {
                let before = until.swap(asked + LASTS.0 - LETS_GO_EARLIER.0, Ordering::Relaxed);
                if before <= asked {
                    if duty == Duty::Timers {
                        // Whoever had it may have gone with its senders, or we were away: silence until now proves
                        // nothing (I13).
                        shared.listen_anew();
                    }
                    telling::duty_taken(duty.name());
                    shared.leases.gained.send_replace(());
                }
            }
            Ok(false) => until.store(i64::MIN, Ordering::Relaxed),
            // What is ours stays ours until its end: nobody else can have it before.
            Err(error) => telling::store_failed("leases", &error),
        }
    }
}

/// Keeps this node's leases until `stop`.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    if shared.leases.alone {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.clock.sleep(RENEW_EVERY) => {}
        }
        renew(&shared).await;
    }
}

/// Gives back what this node holds, so that others need not wait for its end.
pub(crate) async fn release(shared: &Shared) {
    if shared.leases.alone {
        return;
    }
    for until in &shared.leases.until {
        until.store(i64::MIN, Ordering::Relaxed);
    }
    if let Err(error) = shared.store.release_leases(shared.node).await {
        telling::store_failed("leases", &error);
    }
}

/// The right to change the note of the walks. It is read, changed and written, which the store does not do in one: in
/// this process a mutex guards it, between nodes a short lease, which ends by itself where it is not given back.
pub(crate) struct WalkNote<'a> {
    shared: &'a Shared,
    _one_at_a_time: tokio::sync::MutexGuard<'a, ()>,
}

impl WalkNote<'_> {
    /// Waits for the right.
    pub async fn take(shared: &Shared) -> Result<WalkNote<'_>, StoreError> {
        let guard = shared.walk_note.lock().await;
        if !shared.leases.alone {
            let mut tries = 0;
            loop {
                let now = shared.clock.now();
                let until = now + NOTE_LASTS;
                if shared.store.lease(NOTE, shared.node, now, until).await? {
                    break;
                }
                tries += 1;
                if tries == NOTE_TRIES_MAX {
                    let what = "other nodes change the note of the walks all the time".to_owned();
                    return Err(StoreError::Unavailable { what });
                }
                shared.clock.sleep(NOTE_PAUSE).await;
            }
        }
        Ok(WalkNote {
            shared,
            _one_at_a_time: guard,
        })
    }

    /// Lets others have it.
    pub async fn give_back(self) {
        let shared = self.shared;
        if shared.leases.alone {
            return;
        }
        let now = shared.clock.now();
        if let Err(error) = shared.store.lease(NOTE, shared.node, now, now).await {
            telling::store_failed("leases", &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_ends_with_its_lease_and_alone_it_never_does() {
        let leases = Leases::new(false);
        assert!(!leases.holds(Duty::Timers, 0));
        leases.until[Duty::Timers as usize].store(100, Ordering::Relaxed);
        assert!(leases.holds(Duty::Timers, 99));
        assert!(!leases.holds(Duty::Timers, 100));
        assert!(!leases.holds(Duty::Walk, 99));
        assert!(Leases::new(true).holds(Duty::Sweep, i64::MAX));
    }
}
