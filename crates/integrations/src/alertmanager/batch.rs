//! `POST /api/v2/alerts` undecoded: its alerts' gists, and the decoding of those that the hub does not know.

use model::limits::SIGNALS_PER_REQUEST_MAX;
use model::{DurationMs, Signal, Timestamp};

use super::decode;
use super::frame::{End, Framed, frame};
use crate::kit::{Answer, Batch, Gist, Rejection};

/// The alerts of one request.
pub(super) struct Alerts {
    body: String,
    alerts: Vec<Alert>,
    now: Timestamp,
    resolve_timeout: DurationMs,
}

struct Alert {
    framed: Framed,
    /// What decoding will say of its end, where that can be seen.
    ends_at: Option<Timestamp>,
}

impl Alerts {
    /// The alerts of a body that looks as senders' bodies do; any other is for [`decode::decode`].
    pub fn find(body: &[u8], now: Timestamp, resolve_timeout: DurationMs) -> Option<Alerts> {
        let body = std::str::from_utf8(body).ok()?;
        let framed = frame(body)?;
        if framed.len() > SIGNALS_PER_REQUEST_MAX {
            return None;
        }
        let timeout_at = now + resolve_timeout;
        // Most alerts of a request end at the same time.
        let mut last: Option<(&str, Timestamp)> = None;
        let mut ends_at = |end: &End| match end {
            End::Odd => None,
            End::Absent => Some(timeout_at),
            End::At(range) => {
                let text = &body[range.clone()];
                match last {
                    Some((same, at)) if same == text => return Some(at),
                    _ => {}
                }
                let at = read_end(text)?.unwrap_or(timeout_at);
                last = Some((text, at));
                Some(at)
            }
        };
        let alerts = framed.into_iter().map(|framed| Alert {
            ends_at: ends_at(&framed.end),
            framed,
        });
        Some(Alerts {
            alerts: alerts.collect(),
            body: body.to_owned(),
            now,
            resolve_timeout,
        })
    }

    /// Why the body as a whole is no JSON, if so: then none of its alerts counts.
    fn check(&self) -> Result<(), Answer> {
        match decode::entries(self.body.as_bytes()) {
            Ok(_) => Ok(()),
            Err(answer) => Err(answer),
        }
    }
}

/// A time as `decode` reads it from between quotes, where these are the same text: no control character stands in a
/// JSON string.
fn read_end(text: &str) -> Option<Option<Timestamp>> {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    is_plain.then(|| decode::time(text).ok()).flatten()
}

impl Batch for Alerts {
    fn len(&self) -> usize {
        self.alerts.len()
    }

    /// An alert's meaning depends on the time only by its end, and on the source's settings only where it says none:
    /// `decode::signal` uses both for nothing else.
    fn gist(&self, place: usize) -> Option<Gist<'_>> {
        let alert = self.alerts.get(place)?;
        let whole = &alert.framed.whole;
        let (before, after) = match &alert.framed.end {
            End::At(end) => (whole.start..end.start, end.end..whole.end),
            End::Absent => (whole.clone(), whole.end..whole.end),
            End::Odd => return None,
        };
        Some(Gist {
            text: [&self.body[before], &self.body[after]],
            ends_at: alert.ends_at?,
        })
    }

    fn decode(&self, places: &[usize]) -> Result<Vec<Result<Signal, Rejection>>, Answer> {
        let mut is_checked = false;
        let mut decoded = Vec::with_capacity(places.len());
        for &index in places {
            let Some(alert) = self.alerts.get(index) else {
                continue;
            };
            let entry = decode::entry(index, &self.body[alert.framed.whole.clone()]);
            if entry.is_err() && !is_checked {
                self.check()?;
                is_checked = true;
            }
            let signal = entry.and_then(|e| decode::signal(e, self.now, self.resolve_timeout));
            decoded.push(signal.map_err(|problem| Rejection { index, problem }));
        }
        Ok(decoded)
    }
}
