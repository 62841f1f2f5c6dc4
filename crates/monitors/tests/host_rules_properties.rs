//! What holds for every series of samples.

use std::collections::{BTreeMap, BTreeSet};

use model::{SignalKind, Timestamp};
use monitors::host::{Disk, HostRules, HostSettings, Memory, Sample};
use proptest::prelude::*;

const MOUNTS: [&str; 3] = ["/", "/data", "/var"];

/// One look: load (quarters per core), memory in percent, each disk in percent or missing, and whether the hub
/// takes what it means.
#[derive(Clone, Debug)]
struct Look {
    load: Option<u32>,
    memory: Option<u64>,
    disks: [Option<u64>; 3],
    taken: bool,
}

/// Percentages around the threshold; above 100 stands for a size that cannot be read.
fn around(threshold: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => threshold + 1..=100,
        2 => Just(threshold),
        4 => 0..threshold,
        1 => Just(200_u64),
    ]
}

fn a_look() -> impl Strategy<Value = Look> {
    let disk = || prop::option::weighted(0.9, around(80));
    (
        prop::option::weighted(0.9, 0_u32..20),
        prop::option::weighted(0.9, around(90)),
        [disk(), disk(), disk()],
        prop::bool::weighted(0.7),
    )
        .prop_map(|(load, memory, disks, taken)| Look {
            load,
            memory,
            disks,
            taken,
        })
}

fn sizes(percent: u64) -> (u64, u64) {
    if percent > 100 {
        (0, 0)
    } else {
        (100, 100 - percent)
    }
}

fn sample(look: &Look) -> Sample {
    let (total, available) = look.memory.map_or((0, 0), sizes);
    let disks = MOUNTS
        .iter()
        .zip(look.disks)
        .filter_map(|(mount, percent)| {
            let (total, available) = sizes(percent?);
            Some(Disk {
                mount: (*mount).into(),
                device: format!("/dev{mount}"),
                fs: "xfs".into(),
                total,
                available,
            })
        });
    Sample {
        node: "n".into(),
        load1: look.load.map(|quarters| f64::from(quarters) / 4.0),
        physical_cores: Some(1),
        logical_cores: 1,
        memory: Memory { total, available },
        disks: disks.collect(),
    }
}

/// Whether a rule that opens at once and closes after three below is open after these values, said anew from the
/// documents: walk back to the last three-in-a-row below, and ask whether anything after it was above.
fn open_at_once(values: &[f64], threshold: f64) -> bool {
    let is_low = |v: &f64| *v < threshold;
    let mut start = 0;
    for end in 3..=values.len() {
        if values[end - 3..end].iter().all(is_low) {
            start = end;
        }
    }
    values[start..].iter().any(|v| *v > threshold)
}

proptest! {
    #[test]
    fn no_key_is_opened_twice_closed_unopened_or_left_open(
        looks in prop::collection::vec(a_look(), 0..60),
        resumed in prop::collection::btree_set(0_usize..6, 0..4),
    ) {
        let names = ["core_load:n", "memory_usage:n", "disk_usage:n:/", "disk_usage:n:/data", "disk_usage:n:/old", "core_load:other"];
        let others: BTreeSet<String> = ["core_load:other".to_owned()].into();
        let mut open: BTreeSet<String> = resumed.into_iter().map(|i| names[i].to_owned()).collect();
        // What the hub has been told, which lags behind where it did not take a batch.
        let mut hub = open.clone();
        let mut owed: BTreeSet<String> = BTreeSet::new();
        let mut rules = HostRules::new(HostSettings::default()).unwrap();
        rules.resume(open.iter().cloned());

        let calm = Look { load: Some(0), memory: Some(0), disks: [Some(0), None, None], taken: true };
        let end = std::iter::repeat_n(calm, 3);
        for (i, look) in looks.into_iter().chain(end).enumerate() {
            let signals = rules.observe(&sample(&look), Timestamp(i as i64));
            let mut keys = BTreeMap::new();
            for signal in signals {
                prop_assert!(keys.insert(signal.key.clone(), ()).is_none(), "two signals for {}", signal.key);
                match signal.kind {
                    SignalKind::Fire => {
                        open.insert(signal.key.clone());
                        owed.remove(&signal.key);
                        if look.taken { hub.insert(signal.key); }
                    }
                    SignalKind::Resolve | SignalKind::Cancel => {
                        let known = open.remove(&signal.key) || owed.contains(&signal.key);
                        prop_assert!(known, "{} ended without having been open", signal.key);
                        owed.insert(signal.key.clone());
                        if look.taken { hub.remove(&signal.key); }
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            if look.taken {
                rules.acknowledge();
                owed.clear();
                // Whatever was lost before, a batch that is taken heals all that it can say.
                for key in hub.difference(&open).filter(|key| !others.contains(*key)) {
                    prop_assert!(false, "{key} is over and the hub was never told");
                }
            }
        }
        prop_assert!(hub.is_subset(&others), "left open: {hub:?}");
    }

    #[test]
    fn load_and_memory_are_open_exactly_when_the_documents_say(
        looks in prop::collection::vec(a_look(), 1..40),
    ) {
        let mut rules = HostRules::new(HostSettings::default()).unwrap();
        let (mut loads, mut shares) = (Vec::new(), Vec::new());
        for look in looks {
            let signals = rules.observe(&sample(&look), Timestamp(0));
            rules.acknowledge();
            let fires = |rule: &str| signals.iter().any(|s| s.event == rule && s.kind == SignalKind::Fire);
            if let Some(quarters) = look.load {
                loads.push(f64::from(quarters) / 4.0);
                prop_assert_eq!(fires("core_load"), open_at_once(&loads, 2.0), "{:?}", loads);
            }
            if let Some(percent) = look.memory.filter(|percent| *percent <= 100) {
                shares.push(percent as f64);
                prop_assert_eq!(fires("memory_usage"), open_at_once(&shares, 90.0), "{:?}", shares);
            }
        }
    }

    #[test]
    fn a_disk_opens_exactly_after_three_in_a_row_above_and_closes_with_the_first_below(
        series in prop::collection::vec(around(80).prop_filter("readable", |p| *p <= 100), 1..40),
    ) {
        let mut rules = HostRules::new(HostSettings::default()).unwrap();
        for now in 0..series.len() {
            let look = Look { load: None, memory: None, disks: [Some(series[now]), None, None], taken: true };
            let signals = rules.observe(&sample(&look), Timestamp(0));
            rules.acknowledge();
            // Open: after the last value below there were three in a row above.
            let since = series[..=now].iter().rposition(|p| *p < 80).map_or(0, |i| i + 1);
            let open = series[since..=now].windows(3).any(|w| w.iter().all(|p| *p > 80));
            prop_assert_eq!(signals.iter().any(|s| s.kind == SignalKind::Fire), open, "{:?}", &series[..=now]);
        }
    }
}
