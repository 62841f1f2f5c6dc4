//! Breadth first through everything that can happen, so that the first broken promise has the shortest story.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use model::{Lane, Outcome, Timestamp, Told};

use crate::settle;
use crate::setup::{Act, Bench, Setup};
use crate::world::{Flight, World};

/// How far; one counter-example of the trial appeared only at depth 7.
pub fn depth() -> usize {
    std::env::var("CAMPANILE_MODEL_DEPTH")
        .ok()
        .and_then(|d| d.parse().ok())
        .unwrap_or(7)
}

/// Tries every story of up to `depth` acts. Returns how many states there are.
pub fn exhaust(setup: Setup, depth: usize) -> usize {
    let mut bench = Bench::new(setup);
    let mut seen: HashSet<u64, BuildHasherDefault<Ready>> = HashSet::default();
    let start = World::new(&setup);
    let mut frontier: Vec<(World, [u8; 16])> = vec![(start, [0; 16])];
    for length in 1..=depth {
        let mut next = Vec::new();
        for (world, story) in &frontier {
            for (i, act) in Act::ALL.into_iter().enumerate() {
                let mut story = *story;
                story[length - 1] = u8::try_from(i).unwrap();
                let broken = |broken: String| -> ! {
                    let acts: Vec<Act> = story[..length]
                        .iter()
                        .map(|i| Act::ALL[*i as usize])
                        .collect();
                    panic!("{setup:?}, depth {length}\n{acts:?}\n{broken}");
                };
                let child = match world.after(act, &mut bench) {
                    Ok(None) => continue,
                    Ok(Some(child)) => child,
                    Err(text) => broken(text),
                };
                if !seen.insert(fingerprint(&child)) {
                    continue;
                }
                if let Err(text) = settle::check(&child, &mut bench) {
                    broken(text);
                }
                if length < depth {
                    next.push((child, story));
                }
            }
        }
        frontier = next;
    }
    seen.len()
}

/// One number per state. Times count from now, event numbers from the cursor, and what can have no effect any more
/// is left out, so that states which behave alike are one.
fn fingerprint(world: &World) -> u64 {
    let mut hash = Mixer::default();
    let settled = [&world.current, &world.old]
        .into_iter()
        .flatten()
        .map(|lane| lane.cursor)
        .min()
        .unwrap_or(world.seq());
    for row in world.log.iter().skip(settled as usize) {
        (row.kind as u8, (row.at - world.now).max(-8)).hash(&mut hash);
    }
    world.status.hash(&mut hash);
    for lane in [&world.current, &world.old] {
        match lane {
            None => 0u8.hash(&mut hash),
            Some(lane) => hash_lane(lane, world, settled, &mut hash),
        }
    }
    hash_flight(world.flight.as_ref(), world, settled, &mut hash);
    for ghost in &world.ghosts {
        hash_flight(Some(ghost), world, settled, &mut hash);
    }
    for object in &world.objects {
        object.shown.hash(&mut hash);
        // Only the order matters: of mails against those under way, of events and notes against the log.
        i64::from(object.newest)
            .min(i64::from(object.newest) - i64::from(settled))
            .hash(&mut hash);
        (i64::from(object.note) - i64::from(settled))
            .max(-1)
            .hash(&mut hash);
    }
    (
        world.silence,
        world.enabled,
        world.deleted,
        world.revision,
        world.hearing,
        (world.let_out_at - world.now).max(0),
        world.excuse,
        world.crossed,
    )
        .hash(&mut hash);
    hash.finish()
}

fn hash_lane(lane: &Lane, world: &World, settled: u32, hash: &mut Mixer) {
    let ahead = |t: Timestamp| (t.0 - world.now).max(0);
    let unopened = !matches!(lane.told, Told::Open | Told::Acked);
    // A hold that is over still decides about closes that came before its end.
    let hold = lane.delay_until.max(lane.held_until).0;
    let decides = world
        .log
        .iter()
        .skip(lane.cursor as usize)
        .any(|row| row.at < hold);
    let hold = if unopened && decides {
        (hold - world.now).max(-8)
    } else {
        (hold - world.now).max(0)
    };
    (
        lane.key.revision,
        lane.cursor - settled,
        lane.head - settled,
        lane.told,
        lane.doubt,
        lane.unsure_until.map(ahead),
        ahead(lane.held_until),
        hold,
        ahead(lane.not_before),
        ahead(lane.edit_after),
    )
        .hash(hash);
    (
        lane.handle.as_ref().map(|h| h.object.len()),
        &lane.handle.as_ref().map(|h| h.object.as_bytes()[0]),
        lane.extra_handles.len(),
        lane.claim.is_some(),
        lane.claim.as_ref().map(|c| ahead(c.until)),
        lane.attempts > 0,
        lane.duplicates > 0,
        lane.failures > 0,
        lane.orphans,
    )
        .hash(hash);
    for extra in &lane.extra_handles {
        extra.object.hash(hash);
    }
}

fn hash_flight(flight: Option<&Flight>, world: &World, settled: u32, hash: &mut Mixer) {
    let Some(flight) = flight else {
        return 1u8.hash(hash);
    };
    let request = &flight.request;
    (
        request.verb,
        request.target,
        request.edits,
        request.renders,
        i64::from(flight.claim.upto) - i64::from(settled),
        i64::from(flight.claim.head) - i64::from(settled),
        (flight.claim.until.0 - world.now).max(-2),
        flight.has_landed,
        flight.landed.is_some(),
        flight.said == Outcome::Stale,
        flight.answers,
    )
        .hash(hash);
    // Mail: whether it was sent before the newest one that arrived.
    let newest = world
        .objects
        .get(request.target as usize - 1)
        .map_or(0, |object| object.newest);
    (request.no > newest).hash(hash);
}

/// Multiplies and rotates: four times as fast as the standard hasher, and good enough for 64 bits over these states.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let x = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^ (x >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n.cast_unsigned());
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n.cast_unsigned() as u64);
    }
    fn write_u64(&mut self, n: u64) {
        let x = (self.0.rotate_left(26) ^ n).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = x ^ (x >> 31);
    }
}

/// Fingerprints are random already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are stored")
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
