//! Times of the week as people type them: `mon-fri 22:00-06:00 Europe/Berlin`.

use model::{TimeInterval, TimeRange};

/// One `--weekly`: an interval, or two if it goes over midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weekly(pub Vec<TimeInterval>);

/// As schedules write and count them.
const DAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];
const MINUTES_OF_DAY: u16 = 24 * 60;
/// Letters that tell days apart.
const DAY_CHARS_MIN: usize = 3;

/// Reads `DAYS HH:MM-HH:MM [ZONE]`. Days are `mon`, `mon-fri`, `sat,sun` or `daily`. A zone's name is checked by the hub,
/// whose zones count.
///
/// # Errors
/// What is wrong, for whoever typed it.
pub fn weekly(text: &str) -> Result<Weekly, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (days, times, zone) = match words[..] {
        [days, times] => (days, times, None),
        [days, times, zone] => (days, times, Some(zone.to_owned())),
        _ => {
            return Err(
                "say days, times and a zone, such as 'mon-fri 22:00-06:00 Europe/Berlin'"
                    .to_owned(),
            );
        }
    };
    let days = read_days(days)?;
    let (from, to) = read_times(times)?;
    let interval = |days: [bool; 7], from: u16, to: u16| TimeInterval {
        times: vec![TimeRange {
            start_time: shown(from),
            end_time: shown(to),
        }],
        weekdays: ranges(days),
        location: zone.clone(),
        ..TimeInterval::default()
    };
    if from < to {
        return Ok(Weekly(vec![interval(days, from, to)]));
    }
    let mut next_days = days;
    next_days.rotate_right(1);
    let evening = interval(days, from, MINUTES_OF_DAY);
    let morning = interval(next_days, 0, to);
    Ok(Weekly(match to {
        0 => vec![evening],
        _ => vec![evening, morning],
    }))
}

fn read_days(text: &str) -> Result<[bool; 7], String> {
    let mut days = [false; 7];
    for part in text.to_lowercase().split(',') {
        if part == "daily" {
            return Ok([true; 7]);
        }
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (read_day(first)?, read_day(last)?);
        // `fri-mon` goes over the week's end.
        days[day] = true;
        while day != last {
            day = (day + 1) % DAYS.len();
            days[day] = true;
        }
    }
    Ok(days)
}

fn read_day(text: &str) -> Result<usize, String> {
    let is = |day: &str| text.len() >= DAY_CHARS_MIN && day.starts_with(text);
    DAYS.iter().position(|day| is(day)).ok_or_else(|| {
        format!("`{text}` is no day: days are mon, tue, wed, thu, fri, sat, sun, or daily")
    })
}

fn read_times(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("`{text}` are no times: they are such as 22:00-06:00, up to 24:00");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let (from, to) = (minutes(from), minutes(to));
    let (from, to) = from.zip(to).ok_or_else(wrong)?;
    if from == MINUTES_OF_DAY {
        return Err(wrong());
    }
    if from == to {
        return Err(format!(
            "`{text}` begins as it ends: the whole day is 00:00-24:00"
        ));
    }
    Ok((from, to))
}

/// `HH:MM` as minutes of the day, `24:00` included.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| -> Option<u16> {
        let is_number =
            (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|m| *m < 60)?);
    Some(hours * 60 + minutes).filter(|all| *all <= MINUTES_OF_DAY)
}

fn shown(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Days as ranges from Sunday to Saturday; none if it is all of them.
fn ranges(days: [bool; 7]) -> Vec<String> {
    let mut ranges = Vec::new();
    let mut day = 0;
    while day < days.len() && days != [true; 7] {
        let length = days[day..].iter().take_while(|on| **on).count();
        match length {
            0 => day += 1,
            1 => ranges.push(DAYS[day].to_owned()),
            _ => ranges.push(format!("{}:{}", DAYS[day], DAYS[day + length - 1])),
        }
        day += length;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `days start-end`, one for each interval.
    fn read(text: &str) -> Result<Vec<String>, String> {
        let shown = |interval: &TimeInterval| {
            let times = &interval.times[0];
            format!(
                "{} {}-{}",
                interval.weekdays.join(","),
                times.start_time,
                times.end_time
            )
        };
        weekly(text).map(|weekly| weekly.0.iter().map(shown).collect())
    }

    #[test]
    fn a_window_within_a_day_is_one_interval() {
        for (text, shown) in [
            ("mon-fri 08:00-18:00", "monday:friday 08:00-18:00"),
            ("Monday 8:00-9:30 UTC", "monday 08:00-09:30"),
            ("sat,sun 00:00-24:00", "sunday,saturday 00:00-24:00"),
            (
                "fri-mon 10:00-11:00",
                "sunday:monday,friday:saturday 10:00-11:00",
            ),
            (
                "mon,wed,fri 10:00-11:00",
                "monday,wednesday,friday 10:00-11:00",
            ),
            ("daily 01:00-02:00", " 01:00-02:00"),
            ("mon-sun 01:00-02:00", " 01:00-02:00"),
            ("tue 22:00-24:00", "tuesday 22:00-24:00"),
            ("tue 22:00-00:00", "tuesday 22:00-24:00"),
        ] {
            assert_eq!(read(text), Ok(vec![shown.to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_window_over_midnight_is_two_intervals_the_second_on_the_next_days() {
        for (text, shown) in [
            (
                "mon-fri 22:00-06:00",
                ["monday:friday 22:00-24:00", "tuesday:saturday 00:00-06:00"],
            ),
            (
                "sat 23:30-00:30",
                ["saturday 23:30-24:00", "sunday 00:00-00:30"],
            ),
            ("daily 22:00-06:00", [" 22:00-24:00", " 00:00-06:00"]),
        ] {
            assert_eq!(read(text).unwrap(), shown, "{text}");
        }
        let zoned = weekly("mon 22:00-06:00 Europe/Berlin").unwrap();
        assert!(
            zoned
                .0
                .iter()
                .all(|i| i.location.as_deref() == Some("Europe/Berlin"))
        );
    }

    #[test]
    fn what_is_no_time_of_the_week_is_refused_with_an_example() {
        for bad in [
            "",
            "mon",
            "mon 22:00",
            "22:00-06:00",
            "mo 22:00-06:00",
            "mon-xyz 22:00-06:00",
            "mon 25:00-26:00",
            "mon 10:60-11:00",
            "mon 24:00-06:00",
            "mon 10:00-10:00",
            "mon +1:00-02:00",
            "mon 10-11",
            "mon 22:00-06:00 Europe/Berlin now",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
