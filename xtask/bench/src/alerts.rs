//! The work: distinct alerts as Prometheus posts them, written out before the time runs.

use std::ops::Range;

use jiff::Timestamp;

use crate::clock::unix_seconds;

/// Alerts of one request, as Prometheus sends them.
pub const BATCH: usize = 64;
/// Groups that Alertmanager makes of all alerts where it groups: one for each `alertname`.
const NAMES: usize = 50;
/// Digits of an alert's number after [`MARK`].
pub const DIGITS: usize = 7;
/// Stands before an alert's number in its `instance`, and nowhere else in what the servers say.
pub const MARK: u8 = b'~';
/// How far ahead an alert's end lies: no run lasts so long.
const ENDS_AFTER: i64 = 24 * 3600;

/// Request bodies, each with a batch of alerts.
pub struct Batches {
    bodies: Vec<Body>,
    starts_at: i64,
}

struct Body {
    text: Vec<u8>,
    /// Where the texts of `endsAt` begin.
    ends: Vec<usize>,
}

impl Batches {
    /// Alerts of these numbers, `size` a request, spread evenly over so many teams.
    pub fn render(numbers: Range<usize>, size: usize, teams: usize) -> Batches {
        let starts_at = unix_seconds() - 60;
        let mut bodies = Vec::with_capacity(numbers.len().div_ceil(size));
        let mut next = numbers.start;
        while next < numbers.end {
            let end = numbers.end.min(next + size);
            bodies.push(body(next..end, teams, starts_at));
            next = end;
        }
        Batches { bodies, starts_at }
    }

    /// Moves each alert's `endsAt` so many seconds on from where it first was.
    pub fn move_ends(&mut self, seconds: i64) {
        let time = time(self.starts_at + ENDS_AFTER + seconds);
        for body in &mut self.bodies {
            for at in &body.ends {
                body.text[*at..*at + time.len()].copy_from_slice(time.as_bytes());
            }
        }
    }

    /// The `endsAt` after [`Batches::move_ends`] with these seconds.
    pub fn ends_at(&self, seconds: i64) -> Timestamp {
        Timestamp::from_second(self.starts_at + ENDS_AFTER + seconds).unwrap_or_default()
    }

    /// Whole requests, head and body in one piece, for the server at `path`.
    pub fn requests(&self, path: &str) -> Vec<Vec<u8>> {
        let bodies = self.bodies.iter();
        bodies
            .map(|body| crate::http::post(path, &body.text))
            .collect()
    }
}

/// A batch: 7 labels and 2 annotations each.
fn body(numbers: Range<usize>, teams: usize, starts_at: i64) -> Body {
    let (starts, first_end) = (time(starts_at), time(starts_at + ENDS_AFTER));
    let (mut text, mut ends) = (Vec::with_capacity(numbers.len() * 600), Vec::new());
    text.push(b'[');
    for n in numbers.clone() {
        if n > numbers.start {
            text.push(b',');
        }
        let (device, region, team, name) = (n % 7, n % 3, team(n % teams), n % NAMES);
        text.extend_from_slice(
            format!(
                r#"{{"annotations":{{"description":"It is used to more than 95 % for ten minutes; remove what is not needed.","summary":"Disk sd{device} of host {n} is nearly full"}},"endsAt":""#
            )
            .as_bytes(),
        );
        ends.push(text.len());
        text.extend_from_slice(
            format!(
                r#"{first_end}","startsAt":"{starts}","generatorURL":"http://prometheus.example/graph","labels":{{"alertname":"DiskFull{name}","device":"sd{device}","instance":"host~{n:07}:9100","job":"node","region":"eu-west-{region}","severity":"critical","team":"{team}"}}}}"#
            )
            .as_bytes(),
        );
    }
    text.push(b']');
    Body { text, ends }
}

/// The name of a team, which is what integrations match on.
pub fn team(number: usize) -> String {
    format!("t{number:04}")
}

/// Always of the same length, so that it can be replaced in place.
fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_string()
}

/// The number of the first alert that a text names.
pub fn number_in(text: &[u8]) -> Option<usize> {
    let at = text.iter().position(|b| *b == MARK)? + 1;
    let digits = text.get(at..at + DIGITS)?;
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + usize::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_json_with_each_number_once_and_a_moved_end() {
        let mut batches = Batches::render(5..150, BATCH, 10);
        batches.move_ends(77);
        let wanted = batches.ends_at(77).to_string();
        let mut numbers = Vec::new();
        for body in &batches.bodies {
            let alerts: Vec<serde_json::Value> = serde_json::from_slice(&body.text).unwrap();
            for alert in &alerts {
                assert_eq!(alert["labels"].as_object().unwrap().len(), 7);
                assert_eq!(alert["annotations"].as_object().unwrap().len(), 2);
                assert_eq!(alert["endsAt"], wanted.as_str());
                numbers.extend(number_in(alert.to_string().as_bytes()));
            }
        }
        assert_eq!(numbers, Vec::from_iter(5..150));
        assert_eq!(batches.bodies.len(), 3);
    }

    #[test]
    fn a_number_is_seven_digits_after_the_mark() {
        assert_eq!(number_in(b"host~0001234:9100 ~0000007"), Some(1234));
        assert_eq!(number_in(b"host~000123"), None);
        assert_eq!(number_in(b"host~00012x4"), None);
        assert_eq!(number_in(b"host"), None);
    }
}
