use jiff::tz::TimeZone;
use model::{TimeInterval, TimeRange, Timestamp};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn times(ranges: &[(&str, &str)]) -> Vec<TimeRange> {
    let range = |(start, end): &(&str, &str)| TimeRange {
        start_time: (*start).to_owned(),
        end_time: (*end).to_owned(),
    };
    ranges.iter().map(range).collect()
}

fn daily(start: &str, end: &str, zone: &str) -> Schedule {
    Schedule::compile(&[TimeInterval {
        times: times(&[(start, end)]),
        location: Some(zone.to_owned()),
        ..TimeInterval::default()
    }])
    .unwrap()
}

/// Every change within `[from, to)`, by `until` alone.
fn changes(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
    let (mut now, to) = (at(from), at(to));
    let mut found = Vec::new();
    while let Some(next) = schedule.until(now).filter(|next| *next < to) {
        found.push(next.to_string().replace(":00.000Z", "Z"));
        now = next;
    }
    found
}

#[test]
fn office_hours_are_those_of_their_zone() {
    let schedule = Schedule::compile(&[TimeInterval {
        times: times(&[("09:00", "12:30"), ("13:00", "17:00")]),
        weekdays: texts(&["monday:friday"]),
        location: Some("Europe/Berlin".to_owned()),
        ..TimeInterval::default()
    }])
    .unwrap();
    // A Friday in winter, one hour before UTC's nine.
    assert!(!schedule.covers(at("2026-01-09T07:59:59.999Z")));
    assert!(schedule.covers(at("2026-01-09T08:00:00Z")));
    assert_eq!(
        changes(&schedule, "2026-01-09T00:00:00Z", "2026-01-12T09:00:00Z"),
        [
            "2026-01-09T08:00Z",
            "2026-01-09T11:30Z",
            "2026-01-09T12:00Z",
            "2026-01-09T16:00Z",
            "2026-01-12T08:00Z",
        ]
    );
}

#[test]
fn clocks_that_are_set_move_what_they_show() {
    // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC. 02:30 is shown by nobody.
    let spring = ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
    let berlin = |start, end| daily(start, end, "Europe/Berlin");
    assert!(changes(&berlin("02:00", "03:00"), spring.0, spring.1).is_empty());
    assert_eq!(
        changes(&berlin("01:30", "02:30"), spring.0, spring.1),
        ["2026-03-29T00:30Z", "2026-03-29T01:00Z"]
    );
    assert_eq!(
        changes(&berlin("02:30", "03:30"), spring.0, spring.1),
        ["2026-03-29T01:00Z", "2026-03-29T01:30Z"]
    );
    // 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC; 02:15 to 02:45 comes twice.
    assert_eq!(
        changes(
            &berlin("02:15", "02:45"),
            "2026-10-24T12:00:00Z",
            "2026-10-25T12:00:00Z"
        ),
        [
            "2026-10-25T00:15Z",
            "2026-10-25T00:45Z",
            "2026-10-25T01:15Z",
            "2026-10-25T01:45Z",
        ]
    );
    // New York, 8 March and 1 November 2026.
    let night = daily("00:00", "06:00", "America/New_York");
    assert_eq!(
        changes(&night, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"),
        ["2026-03-08T05:00Z", "2026-03-08T10:00Z"]
    );
    assert_eq!(
        changes(&night, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
        ["2026-11-01T04:00Z", "2026-11-01T11:00Z"]
    );
}

#[test]
fn the_day_ends_at_24_and_goes_on_at_0() {
    let schedule = Schedule::compile(&[TimeInterval {
        times: times(&[("22:00", "24:00"), ("00:00", "06:00")]),
        ..TimeInterval::default()
    }])
    .unwrap();
    assert!(schedule.covers(at("2026-05-01T23:59:59.999Z")));
    // Midnight itself changes nothing.
    assert_eq!(
        schedule.until(at("2026-05-01T23:00:00Z")),
        Some(at("2026-05-02T06:00:00Z"))
    );
    let friday = Schedule::compile(&[TimeInterval {
        times: times(&[("22:00", "24:00")]),
        weekdays: texts(&["friday"]),
        ..TimeInterval::default()
    }])
    .unwrap();
    assert_eq!(
        friday.until(at("2026-05-01T23:00:00Z")),
        Some(at("2026-05-02T00:00:00Z"))
    );
}

#[test]
fn days_count_from_both_ends_of_a_month() {
    let days = |text: &str, month: &str| {
        let schedule = Schedule::compile(&[TimeInterval {
            days_of_month: texts(&[text]),
            ..TimeInterval::default()
        }])
        .unwrap();
        let covered = |day: &i32| {
            let noon = format!("{month}-{day:02}T12:00:00Z").parse::<Timestamp>();
            noon.is_ok_and(|noon| schedule.covers(noon))
        };
        (1..=31).filter(covered).collect::<Vec<_>>()
    };
    assert_eq!(days("1:3", "2026-02"), [1, 2, 3]);
    assert_eq!(days("-3:-1", "2026-02"), [26, 27, 28]);
    assert_eq!(days("-3:-1", "2028-02"), [27, 28, 29]);
    assert_eq!(days("31", "2026-04"), [0; 0]);
    assert_eq!(days("30:31", "2026-04"), [30]);
    assert_eq!(days("28:-1", "2026-04"), [28, 29, 30]);
}

#[test]
fn months_and_years_are_words_or_numbers() {
    let schedule = Schedule::compile(&[TimeInterval {
        months: texts(&["december", "1", "May:august"]),
        years: texts(&["2026:2027"]),
        ..TimeInterval::default()
    }])
    .unwrap();
    let covered: Vec<i32> = (1..=12)
        .filter(|month| schedule.covers(at(&format!("2027-{month:02}-10T12:00:00Z"))))
        .collect();
    assert_eq!(covered, [1, 5, 6, 7, 8, 12]);
    assert_eq!(
        schedule.until(at("2025-06-01T00:00:00Z")),
        Some(at("2026-01-01T00:00:00Z"))
    );
    assert_eq!(
        schedule.until(at("2027-12-24T00:00:00Z")),
        Some(at("2028-01-01T00:00:00Z"))
    );
    assert_eq!(schedule.until(at("2028-01-01T00:00:00Z")), None);
    assert_eq!(schedule.until(at("2023-12-01T00:00:00Z")), None, "too far");
}

#[test]
fn none_covers_nothing_and_an_empty_one_everything() {
    let never = Schedule::default();
    let always = Schedule::compile(&[TimeInterval::default()]).unwrap();
    for moment in [
        Timestamp::ZERO,
        at("2026-05-01T00:00:00Z"),
        Timestamp::NEVER,
    ] {
        assert!(!never.covers(moment) && always.covers(moment));
        assert_eq!((never.until(moment), always.until(moment)), (None, None));
    }
    for moment in [Timestamp(i64::MIN), Timestamp::NEVER] {
        assert!(daily("00:00", "24:00", "Europe/Berlin").covers(moment));
    }
}

#[test]
fn a_machine_without_zones_has_those_of_the_program() {
    let bundled = jiff::tz::TimeZoneDatabase::bundled();
    let zone = bundled.get("Europe/Berlin").unwrap();
    let summer = jiff::Timestamp::from_second(at("2026-07-01T00:00:00Z").unix_seconds()).unwrap();
    assert_eq!(zone.to_offset(summer).seconds(), 7200);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_is_right() {
    let range = |start: &str, end: &str| TimeInterval {
        times: times(&[("00:00", "01:00"), (start, end)]),
        ..TimeInterval::default()
    };
    let days = |text: &str| TimeInterval {
        days_of_month: texts(&[text]),
        ..TimeInterval::default()
    };
    let weekdays = |text: &str| TimeInterval {
        weekdays: texts(&[text]),
        ..TimeInterval::default()
    };
    let months = |text: &str| TimeInterval {
        months: texts(&[text]),
        ..TimeInterval::default()
    };
    let years = |text: &str| TimeInterval {
        years: texts(&[text]),
        ..TimeInterval::default()
    };
    let zone = |text: &str| TimeInterval {
        location: Some(text.to_owned()),
        ..TimeInterval::default()
    };
    let long = "x".repeat(500);
    for (interval, field, part) in [
        (range("9:00", "10:00"), "times[1]", "`start_time` is `9:00`"),
        (range("09:00", "24:01"), "times[1]", "`end_time` is `24:01`"),
        (range("09:00", "10:60"), "times[1]", "`end_time` is `10:60`"),
        (range("+9:00", "10:00"), "times[1]", "`start_time`"),
        (range("10:00", "10:00"), "times[1]", "does not end after"),
        (range("22:00", "06:00"), "times[1]", "two ranges"),
        (weekdays("mon"), "weekdays[0]", "`mon` is not a day"),
        (weekdays("friday:monday"), "weekdays[0]", "goes backwards"),
        (weekdays("1"), "weekdays[0]", "not a day of the week"),
        (days("0"), "days_of_month[0]", "not a day from 1 to 31"),
        (days("32"), "days_of_month[0]", "not a day from 1 to 31"),
        (days("-1:1"), "days_of_month[0]", "write two ranges"),
        (days("5:1"), "days_of_month[0]", "goes backwards"),
        (days("31:-2"), "days_of_month[0]", "goes backwards"),
        (days("1:2:3"), "days_of_month[0]", "`2:3` is not"),
        (months("13"), "months[0]", "not a month"),
        (months("november:february"), "months[0]", "two ranges"),
        (years("26k"), "years[0]", "not a year"),
        (years("2030:2026"), "years[0]", "goes backwards"),
        (
            zone("Europe/Berlln"),
            "location",
            "no time zone `Europe/Berlln`",
        ),
        (zone("Local"), "location", "no time zone"),
        (zone(""), "location", "no time zone"),
        (zone(&long), "location", "no time zone `xxx"),
    ] {
        let error = Schedule::compile(&[TimeInterval::default(), interval]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("[1].{field}: ")), "{text}");
        assert!(text.contains(part) && text.contains("; right is"), "{text}");
        assert!(text.len() < 300, "{text}");
    }
    let many = vec![TimeInterval::default(); INTERVALS_MAX + 1];
    let error = Schedule::compile(&many).unwrap_err().to_string();
    assert!(error.contains("65 intervals; at most 64"), "{error}");
    let wide = TimeInterval {
        years: texts(&["2026"; INTERVALS_MAX + 1]),
        ..TimeInterval::default()
    };
    let error = Schedule::compile(&[wide]).unwrap_err().to_string();
    assert!(error.contains("[0].years: 65 ranges"), "{error}");
}

/// Whether a moment is covered, from its local date and time as jiff shows them: no arithmetic of ours.
fn plainly(intervals: &[TimeInterval], at: Timestamp) -> bool {
    intervals.iter().any(|i| {
        let zone = TimeZone::get(i.location.as_deref().unwrap_or("UTC")).unwrap();
        let local = jiff::Timestamp::from_millisecond(at.0).unwrap();
        let local = local.to_zoned(zone);
        let clock = local.strftime("%H:%M").to_string();
        let weekday = local.strftime("%A").to_string().to_lowercase();
        let (day, length) = (local.day(), local.days_in_month());
        let in_days = |text: &String| {
            let (first, last) = text.split_once(':').unwrap_or((text, text));
            let number = |text: &str| match text.parse::<i8>().unwrap() {
                day if day < 0 => length + 1 + day,
                day => day,
            };
            number(first) <= day && day <= number(last)
        };
        (i.times.is_empty()
            || (i.times.iter()).any(|t| t.start_time <= clock && clock < t.end_time))
            && (i.weekdays.is_empty() || i.weekdays.contains(&weekday))
            && (i.days_of_month.is_empty() || i.days_of_month.iter().any(in_days))
            && (i.months.is_empty() || i.months.contains(&local.month().to_string()))
    })
}

fn interval() -> impl Strategy<Value = TimeInterval> {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let range = (0..1440u32, 1..=1440u32).prop_map(move |(start, length)| TimeRange {
        start_time: clock(start),
        end_time: clock((start + length).min(1440)),
    });
    let weekday = prop::sample::select(vec!["sunday", "monday", "wednesday", "saturday"]);
    let day = prop::sample::select(vec!["1", "28:31", "-2:-1", "8:-8", "25", "29"]);
    let month = prop::sample::select(vec!["3", "4", "10", "11"]);
    let zone = prop::sample::select(vec![
        "Europe/Berlin",
        "America/New_York",
        "UTC",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
    ]);
    let some = |texts: Vec<&'static str>| texts.into_iter().map(str::to_owned).collect();
    (
        prop::collection::vec(range, 0..3),
        prop::collection::vec(weekday, 0..3),
        prop::collection::vec(day, 0..2),
        prop::collection::vec(month, 0..2),
        prop::option::of(zone),
    )
        .prop_map(move |(times, weekdays, days, months, zone)| TimeInterval {
            times,
            weekdays: some(weekdays),
            days_of_month: some(days),
            months: some(months),
            years: Vec::new(),
            location: zone.map(str::to_owned),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Three days around the days on which clocks are set, minute by minute.
    #[test]
    fn as_a_walk_from_minute_to_minute_finds_it(
        intervals in prop::collection::vec(interval(), 0..4),
        day in prop::sample::select(vec![
            "2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-03-07T00:00:00Z", "2026-10-31T00:00:00Z",
            "2026-04-04T00:00:00Z", "2028-02-28T00:00:00Z",
        ]),
        ms in 0..MINUTE,
    ) {
        let schedule = Schedule::compile(&intervals).unwrap();
        let first = at(day);
        let minutes: Vec<Timestamp> = (0..3 * 1440).map(|m| Timestamp(first.0 + m * MINUTE)).collect();
        let truth: Vec<bool> = minutes.iter().map(|m| plainly(&intervals, *m)).collect();
        let mut change = None;
        for index in (0..minutes.len()).rev() {
            let now = Timestamp(minutes[index].0 + ms);
            prop_assert_eq!(schedule.covers(now), truth[index], "{}", now);
            if let Some(next) = truth.get(index + 1) && *next != truth[index] {
                change = Some(minutes[index + 1]);
            }
            // Each tenth is enough: `until` walks from there over all the others.
            if index % 10 == 0 {
                match change {
                    Some(change) => prop_assert_eq!(schedule.until(now), Some(change), "{}", now),
                    None => if let Some(next) = schedule.until(now) {
                        prop_assert!(next.0 > minutes[minutes.len() - 1].0, "{} {}", now, next);
                        prop_assert_eq!(plainly(&intervals, next), !truth[index]);
                        prop_assert_eq!(plainly(&intervals, Timestamp(next.0 - 1)), truth[index]);
                    },
                }
            }
        }
    }
}
