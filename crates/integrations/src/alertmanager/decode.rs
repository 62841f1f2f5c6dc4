//! `POST /api/v2/alerts`: a JSON array into signals.
//!
//! The array is parsed in one pass that borrows from the body. Only if some part has a wrong type is it parsed again
//! alert by alert, so that one bad alert spoils only itself.

use std::borrow::Cow;
use std::fmt;

use model::limits::SIGNALS_PER_REQUEST_MAX;
use model::{DurationMs, Labels, Signal, SignalKind, Timestamp};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::answers;
use super::fingerprint::fingerprint;
use super::statement::Statement;
use crate::kit::{Answer, Rejection};

/// The signals of a body and what is wrong with the rest, or why nothing of it can be read.
pub fn decode(
    body: &[u8],
    now: Timestamp,
    resolve_timeout: DurationMs,
) -> Result<(Vec<Signal>, Vec<Rejection>), Answer> {
    let entries = entries(body)?;
    if entries.len() > SIGNALS_PER_REQUEST_MAX {
        return Err(answers::problem(
            400,
            &format!(
                "more than {SIGNALS_PER_REQUEST_MAX} alerts in one request: send smaller batches"
            ),
        ));
    }
    let mut signals = Vec::with_capacity(entries.len());
    let mut rejections = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match entry.and_then(|posted| signal(posted, now, resolve_timeout)) {
            Ok(signal) => signals.push(signal),
            Err(problem) => rejections.push(Rejection { index, problem }),
        }
    }
    Ok((signals, rejections))
}

/// One alert as posted. Unknown fields are passed over, `null` counts as absent.
#[derive(Deserialize)]
pub(super) struct Posted<'a> {
    #[serde(borrow, default)]
    labels: Option<Pairs<'a>>,
    #[serde(borrow, default)]
    annotations: Option<Pairs<'a>>,
    #[serde(default, borrow, rename = "startsAt")]
    starts_at: Option<Text<'a>>,
    #[serde(default, borrow, rename = "endsAt")]
    ends_at: Option<Text<'a>>,
    #[serde(default, borrow, rename = "generatorURL")]
    generator_url: Option<Text<'a>>,
}

pub(super) type Entry<'a> = Result<Posted<'a>, String>;

pub(super) fn entries(body: &[u8]) -> Result<Vec<Entry<'_>>, Answer> {
    if body.iter().all(u8::is_ascii_whitespace) {
        let message = "alerts in body is required";
        return Err(answers::invalid(answers::REQUIRED, message));
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| answers::unreadable("alerts", "the body is not UTF-8"))?;
    match serde_json::from_str::<Option<Vec<Posted<'_>>>>(text) {
        Ok(posted) => return Ok(posted.unwrap_or_default().into_iter().map(Ok).collect()),
        Err(error) if error.classify() == Category::Data => {}
        Err(error) => return Err(unreadable(&error)),
    }
    let raw: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    Ok(raw
        .into_iter()
        .enumerate()
        .map(|(index, part)| entry(index, part.get()))
        .collect())
}

/// One alert of a body.
pub(super) fn entry(index: usize, part: &str) -> Entry<'_> {
    serde_json::from_str(part).map_err(|error| format!("alert {index}: {error}"))
}

fn unreadable(error: &serde_json::Error) -> Answer {
    let because = format!("it is not a JSON array of alerts: {error}");
    answers::unreadable("alerts", &because)
}

pub(super) fn signal(
    posted: Posted<'_>,
    now: Timestamp,
    resolve_timeout: DurationMs,
) -> Result<Signal, String> {
    let mut labels = posted.labels.ok_or("labels in body is required")?.sorted();
    labels.retain(|(_, value)| !value.0.is_empty());
    // In Alertmanager's order, so that the first problem is the one that it names.
    let read = |text: Option<Text<'_>>| text.map_or(Ok(None), |text| time(&text.0));
    let starts = read(posted.starts_at)?;
    let ends = read(posted.ends_at)?;
    let ends_at = ends.unwrap_or(now + resolve_timeout);
    if starts.or(ends).is_some_and(|starts| ends_at < starts) {
        return Err("start time must be before end time".to_owned());
    }
    check_names("label set", &labels)?;
    if labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    let annotations = posted.annotations.map(Pairs::sorted).unwrap_or_default();
    check_names("annotations", &annotations)?;

    let key = fingerprint(labels.iter().map(|(n, v)| (&*n.0, &*v.0)));
    Statement {
        key: format!("{key:016x}"),
        kind: if ends_at <= now {
            SignalKind::Resolve
        } else {
            SignalKind::Fire
        },
        labels: owned(labels),
        annotations: owned(annotations),
        starts_at: starts,
        ends_at: Some(ends_at),
        generator: posted.generator_url.map(|text| text.0.into_owned()),
    }
    .signal()
}

/// Alertmanager 0.25's names: letters, digits and underscores, no digit first.
pub fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn check_names(of: &str, pairs: &[(Text<'_>, Text<'_>)]) -> Result<(), String> {
    match pairs.iter().find(|(name, _)| !is_name(&name.0)) {
        Some((name, _)) => Err(format!(
            "invalid {of}: invalid name {:?}",
            wire::text::cut_chars(&name.0, 200)
        )),
        None => Ok(()),
    }
}

/// A time; empty, and Go's zero time are `None`. Without an offset it is UTC.
pub fn time(text: &str) -> Result<Option<Timestamp>, String> {
    /// 0001-01-01T00:00:00Z, what Go writes for "no time".
    const GO_ZERO_MS: i64 = -62_135_596_800_000;
    if text.is_empty() {
        return Ok(None);
    }
    let utc = |text: &str| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        text.contains(':')
            .then(|| Timestamp(zoned.timestamp().as_millisecond()))
    };
    let read = text.parse::<Timestamp>().ok().or_else(|| utc(text));
    match read {
        Some(Timestamp(GO_ZERO_MS)) => Ok(None),
        Some(at) => Ok(Some(at)),
        None => Err(format!(
            "{:?} is not an RFC 3339 time",
            wire::text::cut_chars(text, 60)
        )),
    }
}

fn owned(pairs: Vec<(Text<'_>, Text<'_>)>) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name.0, value.0))
        .collect()
}

/// A text that is borrowed from the body unless it has escapes. `null` reads as empty, as Go does.
#[derive(Clone)]
struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed("")))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Labels or annotations as posted.
struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Pairs<'a> {
    /// By name; of a name that comes twice the last value stays.
    fn sorted(self) -> Vec<(Text<'a>, Text<'a>)> {
        let mut pairs = self.0;
        pairs.sort_by(|a, b| a.0.0.cmp(&b.0.0));
        pairs.dedup_by(|later, kept| {
            let is_same = later.0.0 == kept.0.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        pairs
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<'a>, D::Error> {
        /// More pairs than any alert may have; the rest of a hostile object is not kept.
        const PAIRS_READ_MAX: usize = 10_000;
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == PAIRS_READ_MAX {
                        return Err(A::Error::custom(format!(
                            "more than {PAIRS_READ_MAX} pairs"
                        )));
                    }
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
