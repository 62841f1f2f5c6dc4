//! What must hold once the faults are over and time has moved on until nothing is due.

use model::{Lane, Status, Told};

use crate::setup::{Act, Bench, FAR};
use crate::vendor::{Kind, Shown};
use crate::world::{Broken, Excuse, Hearing, World};

/// Checks S, then closes the alert and checks I6. `world` itself stays as it is.
pub fn check(world: &World, bench: &mut Bench) -> Result<(), Broken> {
    // Requests that nobody waits for arrive now, or never.
    for land in [true, false] {
        if !land && world.ghosts.is_empty() {
            break;
        }
        let mut world = world.clone();
        if land {
            while world.ghosts.iter().any(|g| !g.has_landed) {
                world = world
                    .after(Act::LandLate, bench)?
                    .ok_or("a late request cannot land")?;
            }
        }
        world.ghosts.clear();
        let attempts = world.current.as_ref().map_or(0, |lane| lane.attempts);
        settle(&mut world, bench)?;
        shows_state(&world, bench, attempts).map_err(|broken| explain(broken, &world))?;
        if world.is_open() {
            world = world
                .after(Act::Resolve, bench)?
                .ok_or("it cannot be closed")?;
            settle(&mut world, bench)?;
            nothing_open(&world, bench)
                .map_err(|broken| explain(format!("after a resolve: {broken}"), &world))?;
        }
    }
    Ok(())
}

fn explain(broken: Broken, world: &World) -> Broken {
    format!("{broken}\n{world:?}")
}

/// No more faults; silences end; time moves on until nothing is due.
fn settle(world: &mut World, bench: &mut Bench) -> Result<(), Broken> {
    if let Some(ended) = world.after(Act::EndOk, bench)? {
        *world = ended;
    }
    if let Some(quiet) = world.after(Act::SilenceOff, bench)? {
        *world = quiet;
    }
    let end = world.now + 40;
    for _ in 0..200 {
        let (next, soonest, _) = world.next(bench)?;
        if let Some((which, verb, upto)) = next {
            let mut flight = world.start(which, verb, upto, bench)?;
            world.land(&mut flight, bench, true)?;
            world.end(&flight, flight.said.clone(), bench);
            continue;
        }
        if soonest >= FAR || soonest > end {
            return Ok(());
        }
        world.now = world.now.max(soonest);
        if let Some(lapsed) = world.after(Act::Lapse, bench)? {
            *world = lapsed;
        }
    }
    Err(explain("it never settles".into(), world))
}

/// S: the vendor shows the alert's state.
fn shows_state(world: &World, bench: &Bench, attempts_before: u32) -> Result<(), Broken> {
    let Some(lane) = &world.current else {
        return Ok(());
    };
    if world.hearing == Hearing::MustNot
        && attempts_before == 0
        && lane.attempts > 0
        && !world.is_open()
    {
        return Err("it was told although it closed while its opening was held".into());
    }
    if world.hearing == Hearing::Must && lane.told == Told::Nothing && !lane.doubt && world.on() {
        return Err("an opening that had been let out was forgotten".into());
    }
    if !world.is_open() {
        return nothing_open(world, bench);
    }
    if let Some(old) = &world.old
        && shown(world, old, bench).is_open()
    {
        return Err(
            "the old target still shows it, although the alert has a lane on the new one".into(),
        );
    }
    if !world.on() || world.excuse == Excuse::Any {
        return Ok(());
    }
    let wanted = if world.status == Some(Status::Acknowledged) {
        Shown::Acked
    } else {
        Shown::Open
    };
    let shown = shown(world, lane, bench);
    let right = match world.excuse {
        Excuse::Ack => shown.is_open(),
        _ => shown == wanted,
    };
    if right {
        Ok(())
    } else {
        Err(format!(
            "S: the alert is {wanted:?}, the vendor shows {shown:?}"
        ))
    }
}

/// I6: nothing that was opened is open, except for orphans, which are counted.
fn nothing_open(world: &World, bench: &Bench) -> Result<(), Broken> {
    let lanes: Vec<&Lane> = world.current.iter().chain(&world.old).collect();
    let open = world
        .objects
        .iter()
        .filter(|object| object.shown.is_open())
        .count();
    let orphans: u32 = lanes.iter().map(|lane| lane.orphans).sum();
    let allowed = if bench.setup.kind == Kind::Chat {
        orphans as usize
    } else {
        0
    };
    if open > allowed {
        return Err(format!("I6: {open} open, {allowed} orphans counted"));
    }
    for lane in lanes {
        if bench.setup.kind == Kind::Chat && shown(world, lane, bench).is_open() {
            return Err("I6: the message that we have a handle of is open".into());
        }
        if matches!(lane.told, Told::Open | Told::Acked) {
            return Err(format!(
                "the lane was told {:?} of a closed alert, and owes nothing",
                lane.told
            ));
        }
    }
    Ok(())
}

fn shown(world: &World, lane: &Lane, bench: &Bench) -> Shown {
    match (bench.setup.kind, &lane.handle) {
        (Kind::Chat, None) => Shown::Nothing,
        (Kind::Chat, Some(handle)) => world.objects[handle.object.parse::<usize>().unwrap()].shown,
        _ => world.objects[lane.key.revision as usize - 1].shown,
    }
}
