//! The host rules over hand-made samples: what opens, what closes, what is said.

use model::{Severity, Signal, SignalKind, Timestamp};
use monitors::host::{Disk, HostRules, HostSettings, Memory, Rule, Sample};

const GIB: u64 = 1 << 30;

fn disk(mount: &str, used_percent: u64) -> Disk {
    Disk {
        mount: mount.into(),
        device: format!("/dev{mount}"),
        fs: "ext4".into(),
        total: 100 * GIB,
        available: (100 - used_percent) * GIB,
    }
}

/// A node with two cores, this load per core, this share of memory used, and these disks.
fn sample(load: f64, memory: u64, disks: &[Disk]) -> Sample {
    Sample {
        node: "node-1".into(),
        load1: Some(load * 2.0),
        physical_cores: Some(2),
        logical_cores: 4,
        memory: Memory {
            total: 100 * GIB,
            available: (100 - memory) * GIB,
        },
        disks: disks.to_vec(),
    }
}

fn rules() -> HostRules {
    HostRules::new(HostSettings::default()).expect("the defaults are valid")
}

/// Looks once and lets the hub have it; what was said as "rule/mount kind".
fn look(rules: &mut HostRules, sample: &Sample) -> Vec<String> {
    let signals = rules.observe(sample, Timestamp(1000));
    rules.acknowledge();
    said(&signals)
}

fn said(signals: &[Signal]) -> Vec<String> {
    let what = |signal: &Signal| {
        let kind = match signal.kind {
            SignalKind::Fire => "fire",
            SignalKind::Resolve => "resolve",
            SignalKind::Cancel => "cancel",
            _ => "other",
        };
        let mount = signal.labels.get("mount").unwrap_or_default();
        format!("{}{mount} {kind}", signal.event)
    };
    signals.iter().map(what).collect()
}

/// The kinds that one rule's series of values gives, one word for each look.
fn story(samples: impl IntoIterator<Item = Sample>) -> Vec<String> {
    let mut rules = rules();
    samples
        .into_iter()
        .map(|sample| look(&mut rules, &sample).join(", "))
        .collect()
}

#[test]
fn e6_e7_core_load_opens_at_once_above_two_and_closes_when_consistently_below() {
    let told = story(
        [1.0, 2.0, 2.01, 1.9, 1.9, 2.0, 1.9, 1.9, 1.9, 1.9].map(|load| sample(load, 10, &[])),
    );
    let (fire, no) = ("core_load fire", "");
    assert_eq!(
        told,
        [
            no,
            no,
            fire,
            fire,
            fire,
            fire,
            fire,
            fire,
            "core_load resolve",
            no
        ]
    );
}

#[test]
fn e9_e10_a_disk_opens_when_consistently_above_eighty_and_closes_when_it_drops_below() {
    let told = story(
        [81, 81, 80, 81, 81, 81, 80, 79, 81, 81]
            .map(|used| sample(0.0, 10, &[disk("/data", used)])),
    );
    let (fire, no) = ("disk_usage/data fire", "");
    assert_eq!(
        told,
        [
            no,
            no,
            no,
            no,
            no,
            fire,
            fire,
            "disk_usage/data resolve",
            no,
            no
        ]
    );
}

#[test]
fn e12_memory_opens_at_once_above_ninety_and_closes_when_consistently_below() {
    let told = story([90, 91, 89, 89, 90, 89, 89, 89].map(|used| sample(0.0, used, &[])));
    let (fire, no) = ("memory_usage fire", "");
    assert_eq!(
        told,
        [
            no,
            fire,
            fire,
            fire,
            fire,
            fire,
            fire,
            "memory_usage resolve"
        ]
    );
}

#[test]
fn e13_each_rule_node_and_mount_is_an_issue_of_its_own() {
    let mut rules = rules();
    let full = sample(3.0, 95, &[disk("/", 90), disk("/data", 90)]);
    look(&mut rules, &full);
    look(&mut rules, &full);
    let signals = rules.observe(&full, Timestamp(1000));
    let keys: Vec<&str> = signals.iter().map(|signal| signal.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "core_load:node-1",
            "disk_usage:node-1:/",
            "disk_usage:node-1:/data",
            "memory_usage:node-1"
        ]
    );
    let drops = sample(3.0, 95, &[disk("/", 90), disk("/data", 70)]);
    assert!(look(&mut rules, &drops).contains(&"disk_usage/data resolve".to_owned()));
    assert!(look(&mut rules, &drops).contains(&"disk_usage/ fire".to_owned()));
}

#[test]
fn e5_every_message_has_value_threshold_cause_and_what_to_do() {
    let mut rules = rules();
    let full = sample(2.41, 95, &[disk("/data", 83)]);
    for _ in 0..2 {
        look(&mut rules, &full);
    }
    let signals = rules.observe(&full, Timestamp(1000));
    let expected = [
        (
            "Core load 2.41 on node-1 is above 2.0",
            "2.41",
            "2.0",
            "larger instance size",
        ),
        (
            "Disk usage 83.0 % of /data on node-1 is above 80 %",
            "83.0 %",
            "80 %",
            "scavenge",
        ),
        (
            "Memory usage 95.0 % on node-1 is above 90 %",
            "95.0 %",
            "90 %",
            "larger instance size",
        ),
    ];
    assert_eq!(signals.len(), expected.len());
    for (signal, (title, value, threshold, advice)) in signals.iter().zip(expected) {
        assert_eq!(signal.title, title);
        assert_eq!(signal.value.as_deref(), Some(value));
        assert_eq!(signal.annotations.get("threshold"), Some(threshold));
        let (cause, remedy) = (
            signal.annotations.get("cause").unwrap(),
            signal.annotations.get("remedy").unwrap(),
        );
        assert!(remedy.contains(advice), "{remedy}");
        for part in [title, cause, remedy] {
            assert!(signal.text.contains(part), "{part} in {}", signal.text);
        }
        assert_eq!(signal.resource, "node-1");
        assert_eq!(signal.labels.get("node"), Some("node-1"));
        assert_eq!(signal.labels.get("rule"), Some(signal.event.as_str()));
    }
    assert!(
        signals[0]
            .text
            .contains("4.82, divided by 2 physical cores")
    );
    assert!(
        signals[1]
            .text
            .contains("83.0 GiB of 100.0 GiB on /dev/data (ext4)")
    );
    assert!(signals[2].text.contains("95.0 GiB of 100.0 GiB"));
}

#[test]
fn a_value_that_recovers_is_not_called_above() {
    let mut rules = rules();
    let shown = |rules: &mut HostRules, load| {
        let signals = rules.observe(&sample(load, 10, &[]), Timestamp(1000));
        (signals[0].title.clone(), signals[0].text.clone())
    };
    let title = |rules: &mut HostRules, load| shown(rules, load).0;
    assert_eq!(
        title(&mut rules, 2.5),
        "Core load 2.50 on node-1 is above 2.0"
    );
    let (falling, text) = shown(&mut rules, 1.5);
    assert_eq!(falling, "Core load 1.50 on node-1 is below 2.0 again");
    assert!(
        text.contains("after 3 such measurements in a row; this is number 1"),
        "{text}"
    );
    assert_eq!(
        title(&mut rules, 2.0),
        "Core load 2.00 on node-1 is at 2.0, no longer above it"
    );
    for _ in 0..2 {
        title(&mut rules, 1.0);
    }
    assert_eq!(
        title(&mut rules, 1.0),
        "Core load 1.00 on node-1 is below 2.0 again"
    );
}

#[test]
fn e6_unknown_physical_cores_give_way_to_logical_ones_and_the_message_says_so() {
    let mut rules = rules();
    let mut odd = sample(0.0, 10, &[]);
    odd.load1 = Some(9.0);
    for physical in [None, Some(0)] {
        odd.physical_cores = physical;
        let signals = rules.observe(&odd, Timestamp(0));
        assert_eq!(signals[0].title, "Core load 2.25 on node-1 is above 2.0");
        assert!(
            signals[0]
                .text
                .contains("divided by 4 logical cores, because")
        );
    }
}

#[test]
fn e3_load_is_a_warning_and_critical_above_twice_the_threshold() {
    let mut rules = rules();
    let mut severity = |load| {
        let signals = rules.observe(&sample(load, 10, &[]), Timestamp(0));
        signals[0].severity.unwrap()
    };
    use Severity::{Critical, Warning};
    for (load, expected) in [
        (2.5, Warning),
        (4.0, Warning),
        (4.01, Critical),
        (3.0, Critical),
        (3.0, Critical),
        (4.5, Critical),
        (3.0, Critical),
        (3.0, Critical),
        (3.0, Warning),
    ] {
        assert_eq!(severity(load), expected, "{load}");
    }
    let full = sample(0.0, 95, &[disk("/", 81)]);
    let mut rules = self::rules();
    look(&mut rules, &full);
    look(&mut rules, &full);
    for signal in rules.observe(&full, Timestamp(0)) {
        assert_eq!(signal.severity, Some(Critical), "{}", signal.event);
    }
}

#[test]
fn what_cannot_be_read_says_nothing() {
    let mut rules = rules();
    let mut broken = sample(0.0, 0, &[disk("/", 90)]);
    broken.memory.total = 0;
    broken.disks[0].total = 0;
    for load in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
        broken.load1 = load;
        for _ in 0..5 {
            assert_eq!(look(&mut rules, &broken), [""; 0]);
        }
        assert_eq!(rules.blind(&broken), Rule::ALL);
    }
    broken.load1 = Some(99.0);
    (broken.physical_cores, broken.logical_cores) = (Some(0), 0);
    assert_eq!(look(&mut rules, &broken), [""; 0]);

    // Open issues stay open, unsaid, and the row towards closing goes on where it was.
    let fine = sample(1.0, 10, &[]);
    look(&mut rules, &sample(3.0, 10, &[]));
    look(&mut rules, &fine);
    look(&mut rules, &fine);
    assert_eq!(look(&mut rules, &broken), [""; 0]);
    assert_eq!(look(&mut rules, &fine), ["core_load resolve"]);
    assert_eq!(rules.blind(&sample(1.0, 10, &[disk("/", 1)])), []);
}

#[test]
fn more_available_than_there_is_counts_as_nothing_used() {
    let mut rules = rules();
    look(&mut rules, &sample(0.0, 95, &[]));
    let mut odd = sample(0.0, 0, &[]);
    odd.memory.available = odd.memory.total * 2;
    for expected in [
        "memory_usage fire",
        "memory_usage fire",
        "memory_usage resolve",
    ] {
        assert_eq!(look(&mut rules, &odd), [expected]);
    }
}

#[test]
fn a_file_system_that_is_gone_for_good_is_cancelled_and_one_missing_look_is_not() {
    let mut rules = rules();
    let full = sample(0.0, 10, &[disk("/data", 90)]);
    let gone = sample(0.0, 10, &[]);
    for _ in 0..3 {
        look(&mut rules, &full);
    }
    assert_eq!(look(&mut rules, &gone), [""; 0]);
    assert_eq!(look(&mut rules, &full), ["disk_usage/data fire"]);
    look(&mut rules, &gone);
    look(&mut rules, &gone);
    let signals = rules.observe(&gone, Timestamp(5));
    assert_eq!(said(&signals), ["disk_usage/data cancel"]);
    assert_eq!(
        signals[0].title,
        "Disk usage of /data on node-1 is no longer watched"
    );
    rules.acknowledge();
    assert_eq!(look(&mut rules, &gone), [""; 0]);
    assert_eq!(
        look(&mut rules, &full),
        [""; 0],
        "back again, it must be above consistently"
    );
}

#[test]
fn after_a_restart_open_issues_go_on_or_are_resolved_or_cancelled() {
    let open = [
        "core_load:node-1",
        "memory_usage:node-1",
        "disk_usage:node-1:/data",
        "disk_usage:node-1:/gone",
        "core_load:node-2",
        "disk_usage:node-12:/data",
        "something else",
    ];
    let mut rules = rules();
    rules.resume(open.map(str::to_owned));
    let now = sample(1.0, 95, &[disk("/data", 50)]);
    let signals = rules.observe(&now, Timestamp(7));
    assert_eq!(
        said(&signals),
        [
            "core_load fire",
            "disk_usage/data resolve",
            "memory_usage fire"
        ]
    );
    assert_eq!(signals[2].starts_at, None, "the hub knows when it began");
    rules.acknowledge();
    look(&mut rules, &now);
    assert_eq!(
        look(&mut rules, &now),
        [
            "core_load resolve",
            "disk_usage/gone cancel",
            "memory_usage fire"
        ]
    );
    assert_eq!(look(&mut rules, &now), ["memory_usage fire"]);
}

#[test]
fn a_rule_that_was_switched_off_cancels_what_it_had_opened() {
    let mut settings = HostSettings::default();
    settings.memory.enabled = false;
    settings.disk.mounts.exclude = vec!["/data".into()];
    let mut rules = HostRules::new(settings).unwrap();
    rules.resume(["memory_usage:node-1", "disk_usage:node-1:/data"].map(str::to_owned));
    let now = sample(1.0, 95, &[disk("/data", 95)]);
    look(&mut rules, &now);
    look(&mut rules, &now);
    assert_eq!(
        look(&mut rules, &now),
        ["disk_usage/data cancel", "memory_usage cancel"]
    );
}

#[test]
fn i6_a_resolve_is_repeated_until_the_hub_has_it_unless_it_burns_again() {
    let fine = sample(0.0, 10, &[disk("/", 10)]);
    let full = sample(0.0, 10, &[disk("/", 90)]);
    let mut rules = rules();
    for _ in 0..3 {
        look(&mut rules, &full);
    }
    let first = rules.observe(&fine, Timestamp(1));
    assert_eq!(said(&first), ["disk_usage/ resolve"]);
    assert_eq!(
        rules.observe(&fine, Timestamp(2)),
        first,
        "the hub refused it"
    );
    rules.acknowledge();
    assert_eq!(rules.observe(&fine, Timestamp(3)), []);

    for _ in 0..3 {
        look(&mut rules, &full);
    }
    rules.observe(&fine, Timestamp(4));
    for _ in 0..2 {
        assert_eq!(
            said(&rules.observe(&full, Timestamp(5))),
            ["disk_usage/ resolve"]
        );
    }
    assert_eq!(
        said(&rules.observe(&full, Timestamp(6))),
        ["disk_usage/ fire"]
    );
    rules.acknowledge();
    assert_eq!(
        said(&rules.observe(&full, Timestamp(7))),
        ["disk_usage/ fire"]
    );
}

#[test]
fn an_issue_starts_when_it_opened_and_ends_when_it_closed() {
    let mut rules = rules();
    for at in [10, 20] {
        let signals = rules.observe(&sample(3.0, 10, &[]), Timestamp(at));
        assert_eq!(signals[0].starts_at, Some(Timestamp(10)));
        assert_eq!(signals[0].ends_at, None);
    }
    for at in [30, 40] {
        rules.observe(&sample(1.0, 10, &[]), Timestamp(at));
    }
    let signals = rules.observe(&sample(1.0, 10, &[]), Timestamp(50));
    assert_eq!(signals[0].kind, SignalKind::Resolve);
    assert_eq!(signals[0].ends_at, Some(Timestamp(50)));
}

#[test]
fn names_from_the_machine_are_cut_to_what_a_key_may_hold() {
    let mut hostile = sample(0.0, 10, &[disk(&format!("/{}", "m".repeat(239)), 90)]);
    hostile.node = format!("a\n{}", "é".repeat(500));
    let mut rules = rules();
    look(&mut rules, &hostile);
    look(&mut rules, &hostile);
    let signals = rules.observe(&hostile, Timestamp(0));
    assert_eq!(signals.len(), 1);
    assert!(signals[0].key.len() <= model::limits::KEY_BYTES_MAX);
    assert!(signals[0].title.chars().count() <= model::limits::TITLE_CHARS_MAX);
    assert!(!signals[0].title.contains(char::is_control));

    hostile.node = " ".into();
    for _ in 0..2 {
        look(&mut rules, &hostile);
    }
    let signals = rules.observe(&hostile, Timestamp(0));
    assert!(signals.iter().any(|signal| signal.resource == "localhost"));

    let settings = HostSettings {
        node: Some("db-7".into()),
        ..HostSettings::default()
    };
    let mut rules = HostRules::new(settings).unwrap();
    let signals = rules.observe(&sample(3.0, 10, &[]), Timestamp(0));
    assert_eq!(signals[0].key, "core_load:db-7");
}
