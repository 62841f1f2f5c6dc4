//! Random stories, longer than the exhaustive search can go.

use model::{Entropy, SeededEntropy};

use crate::settle;
use crate::setup::{Act, Bench, Setup};
use crate::vendor::Kind;
use crate::world::{Broken, World};

const STORY: usize = 27;

/// Plays `runs` random stories of up to 27 acts; a broken promise is told by as few acts as it takes.
pub fn play(setup: Setup, runs: u32, seed: u64) {
    let chance = SeededEntropy::new(seed);
    let mut bench = Bench::new(setup);
    for run in 0..runs {
        let mut story = Vec::with_capacity(STORY);
        if invent(&chance, &mut story, &mut bench).is_err() {
            let story = shortened(story, &mut bench);
            let broken = tell(&story, &mut bench);
            panic!("{setup:?}, seed {seed}, run {run}\n{story:?}\n{broken:?}");
        }
    }
}

/// Adds acts that can happen to `story`, up to its end or to a broken promise.
fn invent(chance: &SeededEntropy, story: &mut Vec<Act>, bench: &mut Bench) -> Result<(), Broken> {
    let mut world = World::new(&bench.setup);
    while story.len() < STORY {
        let act = pick(chance);
        story.push(act);
        match world.after(act, bench)? {
            Some(next) => world = next,
            None => {
                story.pop();
                continue;
            }
        }
        if chance.next_u64().is_multiple_of(8) {
            settle::check(&world, bench)?;
        }
    }
    settle::check(&world, bench)
}

/// Faults are rarer than plain life, or no story would get anywhere.
fn pick(chance: &SeededEntropy) -> Act {
    const OFTEN: [Act; 8] = [
        Act::Fire,
        Act::Resolve,
        Act::SendOk,
        Act::SendOk,
        Act::Time,
        Act::Time,
        Act::Update,
        Act::Ack,
    ];
    let n = chance.next_u64();
    let among = |acts: &[Act]| acts[usize::try_from((n >> 8) % acts.len() as u64).unwrap()];
    if n.is_multiple_of(3) {
        among(&OFTEN)
    } else {
        among(&Act::ALL)
    }
}

fn tell(story: &[Act], bench: &mut Bench) -> Result<(), Broken> {
    let mut world = World::new(&bench.setup);
    for act in story {
        if let Some(next) = world.after(*act, bench)? {
            world = next;
        }
        settle::check(&world, bench)?;
    }
    Ok(())
}

/// Leaves out acts as long as the story still breaks something.
fn shortened(mut story: Vec<Act>, bench: &mut Bench) -> Vec<Act> {
    let mut i = 0;
    while i < story.len() {
        let mut shorter = story.clone();
        shorter.remove(i);
        if tell(&shorter, bench).is_err() {
            story = shorter;
            i = 0;
        } else {
            i += 1;
        }
    }
    story
}

/// Every vendor with every policy that the exhaustive search leaves out as well.
pub fn setups() -> Vec<Setup> {
    let mut setups = Vec::new();
    for kind in [Kind::Keyed, Kind::Mail, Kind::Chat, Kind::Log] {
        for delay in [0, 2] {
            for interval in [0, 3] {
                for memory_claims in [false, true] {
                    // Only vendors with idempotency may have claims in memory.
                    if memory_claims && matches!(kind, Kind::Chat | Kind::Mail) {
                        continue;
                    }
                    setups.push(Setup {
                        interval,
                        memory_claims,
                        ..Setup::of(kind, delay)
                    });
                }
            }
        }
    }
    setups
}
