//! One lane against everything that can happen to it: every story of up to seven acts, breadth first, and random
//! stories beyond. Four simulated vendors hold the truth. What is promised:
//!
//! - I4: at most one send under way, in the log's order;
//! - I6: what was opened will be closed, after whatever faults and edits (orphans are counted);
//! - I7: nothing is sent twice without a lost reply, which is counted;
//! - I8: what the vendor's object shows already is not told to it, but once after doubt;
//! - S: once settled, the vendor shows the alert's state.
//!
//! A failure prints the shortest story. `CAMPANILE_MODEL_DEPTH` sets another depth.

mod random;
mod search;
mod settle;
mod setup;
mod vendor;
mod wire;
mod world;

use setup::Setup;
use vendor::Kind;

fn exhaust(kind: Kind, delay: i64) {
    let states = search::exhaust(Setup::of(kind, delay), search::depth());
    eprintln!("{kind:?}, delay {delay}: {states} states");
}

#[test]
fn a_keyed_vendor_is_told_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Keyed, 0);
}

#[test]
fn a_keyed_vendor_with_a_delay_is_told_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Keyed, 2);
}

#[test]
fn mail_tells_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Mail, 0);
}

#[test]
fn mail_with_a_delay_tells_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Mail, 2);
}

#[test]
fn a_chat_message_shows_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Chat, 0);
}

#[test]
fn a_chat_message_with_a_delay_shows_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Chat, 2);
}

#[test]
fn a_log_tells_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Log, 0);
}

#[test]
fn a_log_with_a_delay_tells_right_whatever_happens_i4_i6_i7_i8() {
    exhaust(Kind::Log, 2);
}

#[test]
fn random_stories_of_up_to_27_acts_break_no_promise_i4_i6_i7_i8() {
    let runs: u32 =
        std::env::var("CAMPANILE_MODEL_RUNS").map_or(200_000, |runs| runs.parse().unwrap());
    let setups = random::setups();
    let each = runs / u32::try_from(setups.len()).unwrap();
    for (i, setup) in setups.into_iter().enumerate() {
        random::play(setup, each, 1 + i as u64);
    }
}
