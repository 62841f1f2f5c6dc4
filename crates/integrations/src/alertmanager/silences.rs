//! Silences: posted, changed, ended, listed.
//!
//! Alertmanager's matchers are over labels, the hub's over fields too. Where a label has a field's name the matcher is
//! kept as `labels.NAME` and shown without that.

use std::cmp::Reverse;

use model::{Labels, MatchOp, Matcher, Silence, SilenceId, SilenceState, Timestamp, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::{answers, decode, goregex, read};
use crate::kit::{Accepted, Answer, ReadData, SilenceCommand, SilenceDraft, SilenceOutcome};

/// Names that mean a field to the hub's matchers (`lifecycle::matching`).
const FIELDS: [&str; 6] = ["severity", "status", "source", "resource", "event", "team"];
/// Before a label's name that is also a field's.
const LABEL: &str = "labels.";
/// The year 1, Go's "no time".
const NO_TIME: Timestamp = Timestamp(-62_135_596_800_000);

/// A silence as posted. `null` counts as absent, unknown fields are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    id: Option<String>,
    matchers: Option<Vec<PostedMatcher>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
    annotations: Option<Labels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

/// `POST /api/v2/silences`.
pub fn put(body: &[u8], now: Timestamp) -> Accepted {
    match command(body, now) {
        Ok(command) => Accepted::Silence(command),
        Err(answer) => Accepted::Refused(answer),
    }
}

fn command(body: &[u8], now: Timestamp) -> Result<SilenceCommand, Answer> {
    let unreadable = |because: &str| answers::unreadable("silence", because);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(answers::invalid(
            answers::REQUIRED,
            "silence in body is required",
        ));
    }
    let posted: Option<Posted> =
        serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let Some(posted) = posted else {
        return Err(required("comment"));
    };
    let time = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => decode::time(text)
            .map(|at| Some(at.unwrap_or(NO_TIME)))
            .map_err(|problem| unreadable(&problem)),
    };
    // Both are read with the body, before anything is asked of them.
    let (starts_at, ends_at) = (time(&posted.starts_at)?, time(&posted.ends_at)?);
    // In the order in which they are asked for.
    let comment = posted.comment.ok_or_else(|| required("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| required("createdBy"))?;
    let ends_at = ends_at.ok_or_else(|| required("endsAt"))?;
    let matchers = matchers(posted.matchers)?;
    let starts_at = starts_at.ok_or_else(|| required("startsAt"))?;

    let refused = |problem: &str| answers::problem(400, problem);
    if starts_at >= ends_at {
        return Err(refused(
            "Failed to create silence: start time must be before end time",
        ));
    }
    if ends_at < now {
        return Err(refused(
            "Failed to create silence: end time can't be in the past",
        ));
    }
    let id = match posted.id.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| unknown())?),
    };
    if let Some(problem) = problem(&matchers) {
        return Err(refused(&format!("silence invalid: {problem}")));
    }
    let annotations = posted.annotations.unwrap_or_default();
    let bytes: usize = annotations.iter().map(|(n, v)| n.len() + v.len()).sum();
    if bytes > limits::SILENCE_TEXT_BYTES_MAX {
        let most = limits::SILENCE_TEXT_BYTES_MAX;
        return Err(refused(&format!(
            "silence invalid: its annotations have {bytes} bytes; at most {most} are allowed"
        )));
    }
    Ok(SilenceCommand::Put {
        id,
        draft: SilenceDraft {
            matchers: matchers.into_iter().map(kept).collect(),
            starts_at,
            ends_at,
            windows: Vec::new(),
            created_by: cut_nul(created_by),
            comment: cut_nul(comment),
            annotations,
        },
    })
}

fn required(name: &str) -> Answer {
    answers::invalid(answers::REQUIRED, &format!("{name} in body is required"))
}

fn unknown() -> Answer {
    answers::problem(404, "silence not found")
}

fn matchers(posted: Option<Vec<PostedMatcher>>) -> Result<Vec<Matcher>, Answer> {
    let posted = posted.ok_or_else(|| required("matchers"))?;
    if posted.is_empty() {
        let message = "matchers in body should have at least 1 items";
        return Err(answers::invalid(answers::TOO_FEW, message));
    }
    let read = |(at, posted): (usize, PostedMatcher)| {
        let missing = |part: &str| required(&format!("matchers.{at}.{part}"));
        let is_regex = posted.is_regex.ok_or_else(|| missing("isRegex"))?;
        let name = posted.name.ok_or_else(|| missing("name"))?;
        let value = posted.value.ok_or_else(|| missing("value"))?;
        let op = match (is_regex, posted.is_equal.unwrap_or(true)) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        Ok(Matcher { name, op, value })
    };
    posted.into_iter().enumerate().map(read).collect()
}

/// What Alertmanager says is wrong with matchers.
fn problem(matchers: &[Matcher]) -> Option<String> {
    if matchers.len() > limits::MATCHERS_MAX {
        return Some(format!("more than {} matchers", limits::MATCHERS_MAX));
    }
    let mut all_match_empty = true;
    for (at, matcher) in matchers.iter().enumerate() {
        let invalid = |what: String| Some(format!("invalid label matcher {at}: {what}"));
        if !decode::is_name(&matcher.name) {
            let shown = wire::text::cut_chars(&matcher.name, 200);
            return invalid(format!("invalid label name {shown:?}"));
        }
        let is_hit = match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => matcher.value.is_empty(),
            MatchOp::Regex | MatchOp::NotRegex => {
                // The pattern is judged alone, and used anchored.
                let alone = goregex::translated(&matcher.value).map(drop);
                let regex = alone.and_then(|()| goregex::anchored(&matcher.value));
                match regex {
                    Ok(regex) => regex.is_match(""),
                    Err(error) => {
                        let shown = wire::text::cut_chars(&matcher.value, 500);
                        return invalid(format!("invalid regular expression {shown:?}: {error}"));
                    }
                }
            }
        };
        // One that excludes says something: so 0.25.
        all_match_empty &= is_hit && matches!(matcher.op, MatchOp::Equal | MatchOp::Regex);
    }
    all_match_empty.then(|| "at least one matcher must not match the empty string".to_owned())
}

/// Stores and labels have no NUL.
fn cut_nul(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    }
}

/// A label's matcher as the hub keeps it.
fn kept(matcher: Matcher) -> Matcher {
    let is_field = FIELDS.contains(&matcher.name.as_str());
    let value = match matcher.op {
        // What only Go's engine reads is kept in a form that both read.
        MatchOp::Regex | MatchOp::NotRegex if regex::Regex::new(&matcher.value).is_err() => {
            goregex::translated(&matcher.value).unwrap_or(matcher.value)
        }
        _ => cut_nul(matcher.value),
    };
    Matcher {
        name: match is_field {
            true => format!("{LABEL}{}", matcher.name),
            false => matcher.name,
        },
        op: matcher.op,
        value,
    }
}

/// The name that Alertmanager's clients know.
fn shown(name: &str) -> &str {
    name.strip_prefix(LABEL).unwrap_or(name)
}

/// The answer to a command, when it is known what became of it.
pub fn answer(command: &SilenceCommand, outcome: &SilenceOutcome) -> Answer {
    match (command, outcome) {
        (SilenceCommand::Put { .. }, SilenceOutcome::Done(id)) => {
            Answer::json(200, &json!({ "silenceID": id.to_string() }))
        }
        (SilenceCommand::Put { .. }, SilenceOutcome::NotFound) => unknown(),
        // One that is over stays over.
        (SilenceCommand::Expire(_), SilenceOutcome::Done(_) | SilenceOutcome::AlreadyExpired) => {
            Answer::empty(200)
        }
        (SilenceCommand::Expire(_), SilenceOutcome::NotFound) => Answer::empty(404),
        (_, SilenceOutcome::Refused(problem)) => {
            answers::problem(400, &format!("silence invalid: {problem}"))
        }
        (SilenceCommand::Put { .. }, SilenceOutcome::AlreadyExpired) => {
            answers::problem(400, "this silence has expired")
        }
    }
}

/// The id in `/api/v2/silence/{id}`.
pub fn id(text: &str) -> Result<SilenceId, Answer> {
    text.parse().map_err(|_| {
        let text = wire::text::cut_chars(text, 200);
        let message = format!("silenceID in path must be of type uuid: {text:?}");
        answers::invalid(answers::NOT_OF_TYPE, &message)
    })
}

/// Those that have every matcher that is asked for, in Alertmanager's order: active ones by their end, pending ones by
/// their start, expired ones by their end, the newest first.
pub fn list(filters: &[String], data: &ReadData<'_>) -> Answer {
    let filters: Result<Vec<Filter>, String> =
        filters.iter().map(|text| Filter::parse(text)).collect();
    let filters = match filters {
        Ok(filters) => filters,
        Err(problem) => return answers::problem(400, &problem),
    };
    let has = |silence: &Silence, filter: &Filter| {
        let is = |m: &Matcher| filter.is(shown(&m.name), m.op, &m.value);
        silence.matchers.iter().any(is)
    };
    let mut found: Vec<&Silence> = data
        .silences
        .iter()
        .filter(|silence| filters.iter().all(|filter| has(silence, filter)))
        .collect();
    found.sort_by_key(|silence| match silence.state(data.now) {
        SilenceState::Active => (0, silence.ends_at, Reverse(Timestamp::ZERO)),
        SilenceState::Pending => (1, silence.starts_at, Reverse(Timestamp::ZERO)),
        SilenceState::Expired => (2, Timestamp::ZERO, Reverse(silence.ends_at)),
    });
    let list: Value = found
        .into_iter()
        .map(|silence| gettable(silence, data.now))
        .collect();
    Answer::json(200, &list)
}

pub fn one(id: SilenceId, data: &ReadData<'_>) -> Answer {
    match data.silences.iter().find(|silence| silence.id == id) {
        Some(silence) => Answer::json(200, &gettable(silence, data.now)),
        None => Answer::empty(404),
    }
}

fn gettable(silence: &Silence, now: Timestamp) -> Value {
    let matcher = |matcher: &Matcher| {
        json!({
            "name": shown(&matcher.name),
            "value": matcher.value,
            "isRegex": matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
            "isEqual": matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
        })
    };
    json!({
        "id": silence.id.to_string(),
        "status": { "state": silence.state(now).as_str() },
        "updatedAt": silence.updated_at.to_string(),
        "startsAt": silence.starts_at.to_string(),
        "endsAt": silence.ends_at.to_string(),
        "createdBy": silence.created_by,
        "comment": silence.comment,
        "matchers": silence.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "annotations": read::pairs(&silence.annotations),
    })
}
