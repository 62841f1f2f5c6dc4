//! What silences look like in requests and answers.

use engine::Hub;
use engine::catalog::Catalog;
use integrations::kit::SilenceDraft;
use lifecycle::matching::parse_matchers;
use model::{DurationMs, Matcher, Silence, SilenceState, TimeInterval, TimeRange, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{parsed, said};
use crate::limits::LASTING_MAX;
use crate::problem::Problem;

/// A silence as somebody wants it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceBody {
    /// A project's name. May be left out where there is only one; never changes.
    pub project: Option<String>,
    /// What it holds: conditions in the language of an integration's `match`, such as `env="prod"`; each text is one or
    /// a list. All must match, and one of them not the empty value.
    matchers: Option<Vec<String>>,
    /// From when on; now if left out.
    starts_at: Option<String>,
    /// Until when. `null`, or left out of a silence with windows: until somebody ends it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    ends_at: Option<Option<String>>,
    /// Instead of `ends_at`: how long, such as `2h`, from now or from a beginning that is still to come.
    lasting: Option<String>,
    /// It holds only within these; always, if there are none.
    windows: Option<Vec<WindowDto>>,
    /// Who wants it; `admin` if left out.
    created_by: Option<String>,
    /// Why.
    comment: Option<String>,
}

/// Times of the week, the month and the year. Each field that is not empty must hold; within a field any of its ranges.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Window)]
pub struct WindowDto {
    /// Times of the day. A window over midnight is two: one up to `24:00`, and one of the next day from `00:00`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    times: Vec<TimesDto>,
    /// `monday`, `monday:friday`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weekdays: Vec<String>,
    /// `1`, `1:7`, `-3:-1` (from the month's end).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    days_of_month: Vec<String>,
    /// `january`, `1`, `may:august`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    months: Vec<String>,
    /// `2026`, `2026:2030`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    years: Vec<String>,
    /// A time zone's name, such as `Europe/Berlin`; UTC if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

/// A part of the day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Times)]
pub(crate) struct TimesDto {
    /// `HH:MM`
    start_time: String,
    /// `HH:MM`, up to `24:00`; not part of it.
    end_time: String,
}

/// A silence: what its matchers match is not opened, updated or reminded of; what was told is still acknowledged and
/// closed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Silence)]
pub struct SilenceDto {
    pub id: String,
    pub project: String,
    /// `pending`, `active` or `expired`; windows are not looked at.
    pub state: &'static str,
    /// Whether it holds what it matches at this moment: it is active, and within its windows if it has any.
    pub holds: bool,
    pub matchers: Vec<String>,
    pub starts_at: String,
    /// `null`: until somebody ends it.
    pub ends_at: Option<String>,
    /// It holds only within these; always, if there are none.
    pub windows: Vec<WindowDto>,
    pub created_by: String,
    pub comment: String,
    pub updated_at: String,
}

impl SilenceDto {
    pub fn new(silence: &Silence, catalog: &Catalog, hub: &Hub) -> SilenceDto {
        let mut projects = catalog.projects.iter();
        let project = projects.find(|p| p.id == silence.project);
        SilenceDto {
            id: silence.id.to_string(),
            project: project.map_or_else(|| silence.project.to_string(), |p| p.name.clone()),
            state: silence.state(hub.clock().now()).as_str(),
            holds: hub.is_silencing(silence),
            matchers: silence.matchers.iter().map(Matcher::to_string).collect(),
            starts_at: silence.starts_at.to_string(),
            ends_at: end(silence.ends_at),
            windows: silence.windows.iter().map(WindowDto::of).collect(),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            updated_at: silence.updated_at.to_string(),
        }
    }
}

/// `None` for what has no end.
pub(crate) fn end(at: Timestamp) -> Option<String> {
    (at != Timestamp::NEVER).then(|| at.to_string())
}

impl SilenceBody {
    /// What is wanted; what is left out is as in `old`, where there is one. The engine checks the rest.
    pub fn draft(self, old: Option<&Silence>, now: Timestamp) -> Result<SilenceDraft, Problem> {
        let matchers = match (self.matchers, old) {
            (Some(texts), _) => read_matchers(&texts)?,
            (None, Some(old)) => old.matchers.clone(),
            (None, None) => return Err(Problem::bad_request("a silence needs `matchers`")),
        };
        let windows = match (self.windows, old) {
            (Some(windows), _) => windows.into_iter().map(WindowDto::interval).collect(),
            (None, Some(old)) => old.windows.clone(),
            (None, None) => Vec::new(),
        };
        let starts_at = parsed::<Timestamp>("starts_at", self.starts_at.as_deref())?
            .unwrap_or_else(|| old.map_or(now, |old| old.starts_at));
        let lasting = lasting(self.lasting.as_deref())?;
        let ends_at = match (self.ends_at, lasting) {
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request(
                    "`ends_at` and `lasting` say the same: send one of them",
                ));
            }
            (Some(None), None) => Timestamp::NEVER,
            (Some(Some(text)), None) => {
                parsed::<Timestamp>("ends_at", Some(&text))?.unwrap_or(Timestamp::NEVER)
            }
            (None, Some(lasting)) => starts_at.max(now) + lasting,
            (None, None) => old.map_or(Timestamp::NEVER, |old| old.ends_at),
        };
        if ends_at == Timestamp::NEVER && windows.is_empty() {
            return Err(Problem::bad_request(
                "say when it ends, by `ends_at` or `lasting`; only a silence with `windows` may go on until somebody \
                 ends it",
            ));
        }
        if self
            .created_by
            .as_ref()
            .is_some_and(|by| by.trim().is_empty())
        {
            return Err(Problem::bad_request(
                "`created_by` is empty: say who made it, or leave it out",
            ));
        }
        let kept = |of: fn(&Silence) -> &String, or: &str| {
            old.map_or_else(|| or.to_owned(), |old| of(old).clone())
        };
        Ok(SilenceDraft {
            matchers,
            starts_at,
            ends_at,
            windows,
            created_by: self
                .created_by
                .unwrap_or_else(|| kept(|old| &old.created_by, "admin")),
            comment: self.comment.unwrap_or_else(|| kept(|old| &old.comment, "")),
            annotations: old.map(|old| old.annotations.clone()).unwrap_or_default(),
        })
    }
}

fn read_matchers(texts: &[String]) -> Result<Vec<Matcher>, Problem> {
    let mut matchers = Vec::new();
    for text in texts {
        let read = parse_matchers(text);
        matchers.append(
            &mut read
                .map_err(|error| Problem::bad_request(format!("`matchers`, {text:?}: {error}")))?,
        );
    }
    Ok(matchers)
}

fn lasting(text: Option<&str>) -> Result<Option<DurationMs>, Problem> {
    match parsed::<DurationMs>("lasting", text)? {
        Some(lasting) if lasting <= DurationMs::ZERO || lasting > LASTING_MAX => {
            Err(Problem::bad_request(format!(
                "`lasting` must be more than 0s and at most {LASTING_MAX}"
            )))
        }
        lasting => Ok(lasting),
    }
}

impl WindowDto {
    fn of(interval: &TimeInterval) -> WindowDto {
        let TimeInterval {
            times,
            weekdays,
            days_of_month,
            months,
            years,
            location,
        } = interval.clone();
        let times = times.into_iter().map(|range| TimesDto {
            start_time: range.start_time,
            end_time: range.end_time,
        });
        WindowDto {
            times: times.collect(),
            weekdays,
            days_of_month,
            months,
            years,
            location,
        }
    }

    fn interval(self) -> TimeInterval {
        let times = self.times.into_iter().map(|range| TimeRange {
            start_time: range.start_time,
            end_time: range.end_time,
        });
        TimeInterval {
            times: times.collect(),
            weekdays: self.weekdays,
            days_of_month: self.days_of_month,
            months: self.months,
            years: self.years,
            location: self.location,
        }
    }
}

/// Which silences are wanted, from words.
pub(crate) fn states(text: Option<&str>) -> Result<Vec<SilenceState>, Problem> {
    const ALL: [SilenceState; 3] = [
        SilenceState::Pending,
        SilenceState::Active,
        SilenceState::Expired,
    ];
    let Some(text) = text else {
        return Ok(ALL.to_vec());
    };
    text.split(',')
        .map(str::trim)
        .map(|word| {
            let known = ALL.into_iter().find(|state| state.as_str() == word);
            known.ok_or_else(|| {
                let all = ALL.map(SilenceState::as_str).join(", ");
                Problem::bad_request(format!("`state`: {word:?} is none of {all}"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::SilenceId;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_176_000_000);

    fn read(body: &str, old: Option<&Silence>) -> Result<SilenceDraft, ()> {
        let body: SilenceBody = serde_json::from_str(body).map_err(|_| ())?;
        body.draft(old, NOW).map_err(|_| ())
    }

    #[test]
    fn a_silence_says_when_it_ends_or_has_windows() {
        let hour = NOW + DurationMs::from_hours(1);
        for (body, ends_at) in [
            (r#"{"matchers":["a=b"],"lasting":"1h"}"#, Some(hour)),
            (
                r#"{"matchers":["a=b"],"ends_at":"2026-11-20T13:00:00+01:00"}"#,
                Some(NOW),
            ),
            (
                r#"{"matchers":["a=b"],"starts_at":"2026-11-20T13:00:00Z","lasting":"1h"}"#,
                Some(hour + DurationMs::from_hours(1)),
            ),
            // It began a minute ago, and goes on for an hour.
            (
                r#"{"matchers":["a=b"],"starts_at":"2026-11-20T11:59:00Z","lasting":"1h"}"#,
                Some(hour),
            ),
            (
                r#"{"matchers":["a=b"],"windows":[{"weekdays":["monday"]}]}"#,
                Some(Timestamp::NEVER),
            ),
            (
                r#"{"matchers":["a=b"],"ends_at":null,"windows":[{}]}"#,
                Some(Timestamp::NEVER),
            ),
            (
                r#"{"matchers":["a=b"],"windows":[{}],"lasting":"1h"}"#,
                Some(hour),
            ),
            (r#"{"matchers":["a=b"]}"#, None),
            (r#"{"matchers":["a=b"],"ends_at":null}"#, None),
            (r#"{"matchers":["a=b"],"windows":[]}"#, None),
            (
                r#"{"matchers":["a=b"],"ends_at":"2026-11-20T13:00:00Z","lasting":"1h"}"#,
                None,
            ),
            (r#"{"matchers":["a=b"],"lasting":"0s"}"#, None),
            (r#"{"matchers":["a=b"],"lasting":"400d"}"#, None),
            (r#"{"matchers":["a=b"],"ends_at":"tomorrow"}"#, None),
            (r#"{"lasting":"1h"}"#, None),
            (r#"{"matchers":["a b"],"lasting":"1h"}"#, None),
            (r#"{"matchers":["a=b"],"for":"1h"}"#, None),
            (
                r#"{"matchers":["a=b"],"windows":[{"days":["monday"]}]}"#,
                None,
            ),
        ] {
            let read = read(body, None).ok().map(|draft| draft.ends_at);
            assert_eq!(read, ends_at, "{body}");
        }
    }

    #[test]
    fn what_a_change_leaves_out_stays() {
        let body = r#"{"matchers":["a=b, c!=d"],"lasting":"1h","created_by":"ann","comment":"why",
            "windows":[{"weekdays":["monday:friday"],"times":[{"start_time":"22:00","end_time":"24:00"}],
            "location":"Europe/Berlin"}]}"#;
        let made = read(body, None).unwrap();
        assert_eq!(made.matchers.len(), 2);
        let old = Silence {
            id: SilenceId(1),
            project: model::ProjectId(1),
            matchers: made.matchers.clone(),
            starts_at: made.starts_at,
            ends_at: made.ends_at,
            windows: made.windows.clone(),
            created_by: made.created_by.clone(),
            comment: made.comment.clone(),
            annotations: [("ticket", "T-1")].into_iter().collect(),
            updated_at: NOW,
            version: 1,
        };
        let same = read("{}", Some(&old)).unwrap();
        assert_eq!(same.annotations, old.annotations);
        assert_eq!(
            SilenceDraft {
                annotations: made.annotations.clone(),
                ..same
            },
            made
        );
        let changed = read(r#"{"ends_at":null,"comment":"more"}"#, Some(&old)).unwrap();
        assert_eq!(changed.ends_at, Timestamp::NEVER);
        assert_eq!(changed.windows, made.windows);
        assert_eq!((&*changed.comment, &*changed.created_by), ("more", "ann"));
        assert!(read(r#"{"ends_at":null,"windows":[]}"#, Some(&old)).is_err());
    }

    #[test]
    fn states_are_three_words() {
        assert_eq!(states(None).unwrap().len(), 3);
        let both = [SilenceState::Active, SilenceState::Pending];
        assert_eq!(states(Some("active, pending")).unwrap(), both);
        assert!(states(Some("open")).is_err());
        assert!(states(Some("")).is_err());
    }
}
