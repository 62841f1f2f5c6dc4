//! What a silence would hold, before it is made.

use integrations::kit::SilenceDraft;
use lifecycle::matching::CompiledMatchers;
use lifecycle::schedule::Schedule;
use model::{LifecycleModel, ProjectId, Status, Timestamp};
use store::{AlertQuery, SeenAlert, StoreError};

use super::change::problem;
use crate::hub::Hub;

/// Alerts that a preview shows.
pub const PREVIEW_ALERTS_MAX: usize = 100;
/// Alerts that a preview looks at: a few seconds of reading. More that are open at once are no work for people.
const LOOKED_AT_MAX: usize = 100_000;
/// Alerts read at once.
const PAGE: usize = 1000;
/// Windows that a preview shows.
const WINDOWS_MAX: usize = 5;

/// What a silence would hold.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whether it would hold at this moment.
    pub holds: bool,
    /// How many alerts that are not closed it matches.
    pub count: usize,
    /// Whether all such alerts were looked at.
    pub complete: bool,
    /// The newest of them, at most [`PREVIEW_ALERTS_MAX`].
    pub first: Vec<SeenAlert>,
    /// When its windows let it hold next, that of this moment included; an end of [`Timestamp::NEVER`] is not known.
    /// Empty for a silence without windows.
    pub next_windows: Vec<(Timestamp, Timestamp)>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// Such a silence cannot be made; the sender's fault, in words.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hub {
    /// What a silence of the project would hold if it were made now.
    ///
    /// # Errors
    /// As [`Hub::silence`] would refuse it, or the store does not answer.
    pub async fn preview_silence(
        &self,
        project: ProjectId,
        draft: &SilenceDraft,
    ) -> Result<Preview, PreviewError> {
        let now = self.clock().now();
        if let Some(problem) = problem(draft, now) {
            return Err(PreviewError::Refused(problem));
        }
        let refused = |error: &dyn std::error::Error| PreviewError::Refused(error.to_string());
        let matchers = CompiledMatchers::compile(draft.matchers.iter().cloned());
        let matchers = matchers.map_err(|error| refused(&error))?;
        let schedule = Schedule::compile(&draft.windows).map_err(|error| refused(&error))?;
        let mut preview = Preview {
            holds: draft.starts_at <= now && (schedule.is_empty() || schedule.covers(now)),
            count: 0,
            complete: false,
            first: Vec::new(),
            next_windows: next_windows(&schedule, draft.starts_at.max(now), draft.ends_at),
        };
        let catalog = self.catalog();
        let mut before = None;
        for _ in 0..LOOKED_AT_MAX / PAGE {
            let query = AlertQuery {
                project: Some(project),
                statuses: vec![Status::Open, Status::Acknowledged, Status::Shelved],
                before,
                limit: PAGE,
                ..AlertQuery::default()
            };
            let page = self.store().list_alerts(query).await?;
            let Some(last) = page.last() else {
                preview.complete = true;
                break;
            };
            before = Some(last.alert.id);
            for row in page {
                // A group's members are held, each by what matches it.
                let is_group = row.alert.model == LifecycleModel::Group;
                if !is_group && matchers.matches(&catalog.subject(&row.alert)) {
                    preview.count += 1;
                    if preview.first.len() < PREVIEW_ALERTS_MAX {
                        preview.first.push(row);
                    }
                }
            }
        }
        Ok(preview)
    }
}

/// The next times between `from` and `to` that the schedule covers.
fn next_windows(
    schedule: &Schedule,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let mut windows = Vec::new();
    let mut at = from;
    while !schedule.is_empty() && windows.len() < WINDOWS_MAX && at < to {
        if !schedule.covers(at) {
            match schedule.until(at) {
                Some(next) => at = next,
                None => break,
            }
            continue;
        }
        let end = schedule.until(at).unwrap_or(Timestamp::NEVER).min(to);
        windows.push((at, end));
        at = end;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{TimeInterval, TimeRange};

    #[test]
    fn windows_are_those_between_beginning_and_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let evenings = TimeInterval {
            weekdays: vec!["monday:friday".to_owned()],
            times: vec![TimeRange {
                start_time: "22:00".to_owned(),
                end_time: "24:00".to_owned(),
            }],
            location: Some("Europe/Berlin".to_owned()),
            ..TimeInterval::default()
        };
        let schedule = Schedule::compile(&[evenings]).unwrap();
        // A Friday in winter, within the window.
        let from = at("2026-11-20T21:30:00Z");
        let all = next_windows(&schedule, from, Timestamp::NEVER);
        assert_eq!(all.len(), WINDOWS_MAX);
        assert_eq!(all[0], (from, at("2026-11-20T23:00:00Z")));
        let monday = (at("2026-11-23T21:00:00Z"), at("2026-11-23T23:00:00Z"));
        assert_eq!(all[1], monday);
        let to = at("2026-11-23T22:00:00Z");
        assert_eq!(next_windows(&schedule, from, to)[1..], [(monday.0, to)]);
        let always = Schedule::compile(&[TimeInterval::default()]).unwrap();
        assert_eq!(
            next_windows(&always, from, Timestamp::NEVER),
            [(from, Timestamp::NEVER)]
        );
        assert_eq!(next_windows(&Schedule::default(), from, to), []);
    }
}
