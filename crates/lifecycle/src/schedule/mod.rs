//! Times of the week, the month and the year: whether a moment is in them, and until when that stays so. The rules are
//! those of Alertmanager's `time_intervals`.
//!
//! Local time is what the zone's clocks show: the hour that is left out in spring is never covered (nothing shows it),
//! the one that comes twice in autumn is covered twice.

mod read;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::limits::INTERVALS_MAX;
use model::{TimeInterval, Timestamp};

use read::{Days, Numbers};

/// Seconds of a day; also the second after its last, when clocks are not set.
const DAY: i64 = 86_400;
/// How far [`Schedule::until`] looks. Each yearly rule shows within it; one for a far year is looked at again then.
const SEARCH_SECONDS_MAX: i64 = 2 * 366 * DAY;

/// What is wrong with an interval. Whose fault: who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}; right is, for example, {example}", self.place())]
pub struct ScheduleError {
    /// The interval, counted from 0.
    pub interval: usize,
    /// The field of [`TimeInterval`]; empty where the list of intervals as a whole is meant.
    pub field: &'static str,
    /// Which range of the field, from 0, if it is one.
    pub item: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What would be right, as it is written in the configuration.
    pub example: &'static str,
}

impl ScheduleError {
    /// `[1].weekdays[0]`.
    fn place(&self) -> String {
        match (self.field, self.item) {
            ("", _) => "intervals".to_owned(),
            (field, None) => format!("[{}].{field}", self.interval),
            (field, Some(item)) => format!("[{}].{field}[{item}]", self.interval),
        }
    }
}

/// Intervals, read and ready to be asked. A moment is covered if one of them covers it; no interval covers nothing.
#[derive(Clone, Debug, Default)]
pub struct Schedule(Vec<Interval>);

/// One interval. A field that was empty allows everything.
#[derive(Clone, Debug)]
struct Interval {
    zone: TimeZone,
    /// Seconds of the day, start and end, in order and apart from each other; never empty.
    times: Vec<(i64, i64)>,
    weekdays: Option<Numbers>,
    days_of_month: Option<Vec<Days>>,
    months: Option<Numbers>,
    years: Option<Vec<(i16, i16)>>,
}

impl Schedule {
    /// Reads intervals. Time zones come from this machine, or from the copy in the program where it has none.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place; also more than [`INTERVALS_MAX`] intervals, or ranges in a field.
    pub fn compile(intervals: &[TimeInterval]) -> Result<Schedule, ScheduleError> {
        if intervals.len() > INTERVALS_MAX {
            return Err(ScheduleError {
                interval: INTERVALS_MAX,
                field: "",
                item: None,
                problem: format!(
                    "{} intervals; at most {INTERVALS_MAX} are allowed",
                    intervals.len()
                ),
                example: "one interval with several `times`",
            });
        }
        let read = intervals.iter().enumerate();
        let read = read.map(|(index, interval)| read::interval(index, interval));
        read.collect::<Result<_, _>>().map(Schedule)
    }

    /// Whether `at` is in one of the intervals.
    pub fn covers(&self, at: Timestamp) -> bool {
        let at = seconds(at);
        self.0.iter().any(|i| i.stretch(at).covers(at))
    }

    /// The first moment after `at` from which [`Schedule::covers`] says something else than for `at`. `None`: it does
    /// not change within two years; ask again then.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let from = seconds(at);
        let covered = self.covers(at);
        let mut now = from;
        let mut stretches: Vec<Stretch<'_>> = self.0.iter().map(|i| i.stretch(now)).collect();
        // Only at these moments may an interval begin or end; each round moves on by at least a second.
        while let Some(next) = stretches.iter().map(|s| s.next_after(now)).min()
            && next - from <= SEARCH_SECONDS_MAX
        {
            now = next;
            for (stretch, interval) in stretches.iter_mut().zip(&self.0) {
                if now >= stretch.end {
                    *stretch = interval.stretch(now);
                }
            }
            if stretches.iter().any(|s| s.covers(now)) != covered {
                return Some(Timestamp(now * 1000));
            }
        }
        None
    }

    /// Whether there is no interval.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A part of one local day in which clocks are not set: local time runs as fast as time itself.
struct Stretch<'a> {
    /// When the local day would have begun by the clocks of this stretch, in seconds since 1970.
    midnight: i64,
    /// Where this ends, in seconds since 1970.
    end: i64,
    /// The covered seconds of the day; empty if the day is not covered.
    times: &'a [(i64, i64)],
}

impl Stretch<'_> {
    fn covers(&self, at: i64) -> bool {
        let second = at - self.midnight;
        let ended = self.times.partition_point(|(_, end)| *end <= second);
        self.times
            .get(ended)
            .is_some_and(|(start, _)| *start <= second)
    }

    /// The next moment at which something begins or ends, at most the stretch's end.
    fn next_after(&self, at: i64) -> i64 {
        let second = at - self.midnight;
        let ended = self.times.partition_point(|(_, end)| *end <= second);
        let next = self.times.get(ended).map(|(start, end)| match *start {
            start if start > second => start,
            _ => *end,
        });
        next.map_or(self.end, |second| (self.midnight + second).min(self.end))
    }
}

impl Interval {
    /// The stretch that `at` is in.
    fn stretch(&self, at: i64) -> Stretch<'_> {
        let time = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::MAX);
        let offset = i64::from(self.zone.to_offset(time).seconds());
        let midnight = (at + offset).div_euclid(DAY) * DAY - offset;
        // Clocks that are set back over midnight bring the same date twice; that is two stretches.
        let set = self.zone.following(time).next();
        let set = set.map_or(i64::MAX, |t| t.timestamp().as_second());
        let covered = self.has_day(self.zone.to_datetime(time).date());
        Stretch {
            midnight,
            end: (midnight + DAY).min(set),
            times: if covered { &self.times } else { &[] },
        }
    }

    fn has_day(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let (day, last) = (date.day(), date.days_in_month());
        self.weekdays.is_none_or(|some| some.has(weekday))
            && self.months.is_none_or(|some| some.has(date.month()))
            && (self.days_of_month.as_ref())
                .is_none_or(|some| some.iter().any(|days| days.has(day, last)))
            && (self.years.as_ref()).is_none_or(|some| {
                let year = date.year();
                some.iter()
                    .any(|(first, last)| (*first..=*last).contains(&year))
            })
    }
}

/// Whole seconds, within what zones are defined for.
fn seconds(at: Timestamp) -> i64 {
    // A few days from jiff's ends, so that no offset leads beyond them.
    const MARGIN: i64 = 7 * DAY;
    at.unix_seconds().clamp(
        jiff::Timestamp::MIN.as_second() + MARGIN,
        jiff::Timestamp::MAX.as_second() - MARGIN,
    )
}
