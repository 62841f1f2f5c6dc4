//! The words of intervals, and what is wrong with them.

use jiff::tz::TimeZone;
use model::limits::INTERVALS_MAX;
use model::{TimeInterval, TimeRange};

use super::{Interval, ScheduleError};

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Characters of what was written that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// A set of small numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers(u16);

impl Numbers {
    pub fn has(self, number: i8) -> bool {
        u32::try_from(number).is_ok_and(|number| self.0.checked_shr(number).unwrap_or(0) & 1 == 1)
    }
}

/// Days of a month, first and last; negative ones count from its end.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    first: i8,
    last: i8,
}

impl Days {
    /// Whether `day` is one of them in a month of `length` days.
    pub fn has(self, day: i8, length: i8) -> bool {
        let counted = |day: i8| if day < 0 { length + day + 1 } else { day };
        (counted(self.first)..=counted(self.last)).contains(&day)
    }
}

/// What is wrong with one range; the caller knows where it stands.
type Wrong = (String, &'static str);

/// Reads the interval at `index`.
pub fn interval(index: usize, written: &TimeInterval) -> Result<Interval, ScheduleError> {
    let error = |field, item, (problem, example): Wrong| ScheduleError {
        interval: index,
        field,
        item,
        problem,
        example,
    };
    let times = each("times", &written.times, time_range, error)?;
    let weekdays = each("weekdays", &written.weekdays, |t| weekdays(t), error)?;
    let days_of_month = each("days_of_month", &written.days_of_month, |t| days(t), error)?;
    let months = each("months", &written.months, |t| months(t), error)?;
    let years = each("years", &written.years, |t| years(t), error)?;
    let zone = match written.location.as_deref() {
        None => TimeZone::UTC,
        Some(name) => zone(name).map_err(|wrong| error("location", None, wrong))?,
    };
    Ok(Interval {
        zone,
        times: times.map_or_else(|| vec![(0, super::DAY)], joined),
        weekdays: weekdays.map(together),
        days_of_month,
        months: months.map(together),
        years,
    })
}

/// Every range of a field; `None` if it has none.
fn each<W, T>(
    field: &'static str,
    written: &[W],
    read: impl Fn(&W) -> Result<T, Wrong>,
    error: impl Fn(&'static str, Option<usize>, Wrong) -> ScheduleError,
) -> Result<Option<Vec<T>>, ScheduleError> {
    if written.is_empty() {
        return Ok(None);
    }
    if written.len() > INTERVALS_MAX {
        let problem = format!(
            "{} ranges; at most {INTERVALS_MAX} are allowed",
            written.len()
        );
        return Err(error(field, None, (problem, "a few wider ranges")));
    }
    let ranges = written.iter().enumerate();
    let ranges = ranges.map(|(item, text)| read(text).map_err(|w| error(field, Some(item), w)));
    ranges.collect::<Result<_, _>>().map(Some)
}

/// In order, with those that touch made one.
fn joined(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn together(sets: Vec<Numbers>) -> Numbers {
    Numbers(sets.into_iter().fold(0, |all, set| all | set.0))
}

fn time_range(range: &TimeRange) -> Result<(i64, i64), Wrong> {
    const EXAMPLE: &str = "{ start_time: \"17:00\", end_time: \"24:00\" }";
    let read = |name: &str, text: &str| {
        time(text).ok_or_else(|| {
            let text = shown(text);
            (format!("`{name}` is `{text}`, which is no time from 00:00 to 24:00 with two digits each"), EXAMPLE)
        })
    };
    let start = read("start_time", &range.start_time)?;
    let end = read("end_time", &range.end_time)?;
    if start >= end {
        let problem = "it does not end after it starts; over midnight it is two ranges, up to 24:00 and from 00:00";
        return Err((problem.to_owned(), EXAMPLE));
    }
    Ok((start, end))
}

/// Seconds since midnight.
fn time(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let right = (hours < 24 && minutes < 60) || (hours, minutes) == (24, 0);
    right.then_some(hours * 3600 + minutes * 60)
}

fn weekdays(text: &str) -> Result<Numbers, Wrong> {
    const EXAMPLE: &str = "`monday` or `monday:friday`";
    let day = |word: &str| position(&WEEKDAYS, word);
    let (first, last) = range(text, day, "a day of the week", EXAMPLE)?;
    if first > last {
        let problem = format!(
            "`{}` goes backwards (sunday is the first day of the week); write two ranges",
            shown(text)
        );
        return Err((problem, EXAMPLE));
    }
    Ok(set(first, last))
}

fn months(text: &str) -> Result<Numbers, Wrong> {
    const EXAMPLE: &str = "`january`, `1` or `may:august`";
    let month = |word: &str| {
        let number = word.parse::<u16>().ok().filter(|n| (1..=12).contains(n));
        number.or_else(|| Some(position(&MONTHS, word)? + 1))
    };
    let (first, last) = range(text, month, "a month", EXAMPLE)?;
    if first > last {
        let problem = format!(
            "`{}` goes backwards; over the new year it is two ranges",
            shown(text)
        );
        return Err((problem, EXAMPLE));
    }
    Ok(set(first, last))
}

fn years(text: &str) -> Result<(i16, i16), Wrong> {
    const EXAMPLE: &str = "`2026` or `2026:2030`";
    let year = |word: &str| word.parse::<i16>().ok().filter(|y| (1..=9999).contains(y));
    let (first, last) = range(text, year, "a year", EXAMPLE)?;
    if first > last {
        return Err((format!("`{}` goes backwards", shown(text)), EXAMPLE));
    }
    Ok((first, last))
}

fn days(text: &str) -> Result<Days, Wrong> {
    const EXAMPLE: &str = "`1`, `1:7` or `-3:-1` (the last three days)";
    let day = |word: &str| {
        let day = word.parse::<i8>().ok()?;
        (day != 0 && (-31..=31).contains(&day)).then_some(day)
    };
    let (first, last) = range(text, day, "a day from 1 to 31 or from -31 to -1", EXAMPLE)?;
    if first < 0 && last > 0 {
        let problem = format!(
            "`{}` begins at the month's end and ends at its start; write two ranges",
            shown(text)
        );
        return Err((problem, EXAMPLE));
    }
    // Counted in the longest month; in shorter ones such a range is shorter, or has no day.
    let counted = |day: i8| if day < 0 { 32 + day } else { day };
    if counted(first) > counted(last) {
        return Err((format!("`{}` goes backwards", shown(text)), EXAMPLE));
    }
    Ok(Days { first, last })
}

fn zone(name: &str) -> Result<TimeZone, Wrong> {
    const EXAMPLE: &str = "`Europe/Berlin` or `UTC`";
    // `Local`: which one it is would depend on the node that asks.
    let known = TimeZone::get(name).ok();
    known.filter(|zone| !zone.is_unknown()).ok_or_else(|| {
        let problem = format!("there is no time zone `{}`", shown(name));
        (problem, EXAMPLE)
    })
}

/// `one` or `first:last`, each read by `read`.
fn range<T: Copy>(
    text: &str,
    read: impl Fn(&str) -> Option<T>,
    what: &str,
    example: &'static str,
) -> Result<(T, T), Wrong> {
    let word = |word: &str| {
        let word = word.trim().to_lowercase();
        read(&word).ok_or_else(|| (format!("`{}` is not {what}", shown(&word)), example))
    };
    match text.split_once(':') {
        None => word(text).map(|one| (one, one)),
        Some((first, last)) => Ok((word(first)?, word(last)?)),
    }
}

fn position(words: &[&str], word: &str) -> Option<u16> {
    let at = words.iter().position(|known| *known == word)?;
    u16::try_from(at).ok()
}

fn set(first: u16, last: u16) -> Numbers {
    Numbers((first..=last).fold(0, |set, number| set | 1 << number))
}

fn shown(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARS_MAX)
        .collect()
}
