//! Why somebody was told, or not: an alert's lanes, what they wait for, what was tried and what was left out.

use lifecycle::lanes::{self, Plan, WaitReason};
use model::{
    Alert, AlertId, AlertKind, Attempt, AttemptKind, HeldBy, Lane, ProjectId, Timestamp, Told,
    limits,
};
use store::{AttemptQuery, SeenAlert, StoreError};

use crate::catalog::{Catalog, Integration};
use crate::entering::Entry;
use crate::hub::Hub;

/// The whole answer for one alert.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub alert: SeenAlert,
    pub lanes: Vec<LaneStory>,
    /// Integrations of the project that have no lane, and why.
    pub not_told: Vec<(String, String)>,
}

/// One integration's part.
#[derive(Clone, Debug)]
pub struct LaneStory {
    pub integration: String,
    pub sink: &'static str,
    pub target: String,
    pub revision: u32,
    pub told: Told,
    pub owed: bool,
    /// What it has and what it lacks, as one sentence.
    pub state: String,
    /// What happens next and when, as one sentence.
    pub next: String,
    pub due_at: Option<Timestamp>,
    /// Oldest first.
    pub history: Vec<Attempt>,
    pub lane: Lane,
}

impl Hub {
    /// Explains one alert; `None` if there is none with this id.
    pub async fn explain(&self, id: AlertId) -> Result<Option<Explanation>, StoreError> {
        let Some(loaded) = self.store().load(vec![id]).await?.pop().flatten() else {
            return Ok(None);
        };
        let catalog = self.catalog();
        let query = AttemptQuery {
            alert: Some(id),
            limit: limits::PAGE_MAX,
            ..AttemptQuery::default()
        };
        let mut attempts: Vec<Attempt> = self
            .store()
            .attempts(query)
            .await?
            .into_iter()
            .map(|(_, a)| a)
            .collect();
        attempts.reverse();
        let mut stories = Vec::new();
        for lane in &loaded.lanes {
            let history = attempts
                .iter()
                .filter(|a| a.lane == lane.key)
                .cloned()
                .collect();
            stories.push(self.story(&catalog, &loaded.alert, lane, history).await?);
        }
        let not_told = catalog
            .integrations_of(loaded.alert.project)
            .iter()
            .filter(|i| !i.deleted && loaded.lanes.iter().all(|l| l.key.integration != i.id))
            .map(|i| (i.name.clone(), why_not(&catalog, i, &loaded.alert)))
            .collect();
        let alert = SeenAlert {
            alert: loaded.alert,
            seen: loaded.seen,
        };
        Ok(Some(Explanation {
            alert,
            lanes: stories,
            not_told,
        }))
    }

    async fn story(
        &self,
        catalog: &Catalog,
        alert: &Alert,
        lane: &Lane,
        history: Vec<Attempt>,
    ) -> Result<LaneStory, StoreError> {
        let now = self.clock().now();
        let revision = catalog.revision(lane.key.integration, lane.key.revision);
        let Some(revision) = revision else {
            return Ok(LaneStory {
                integration: lane.key.integration.to_string(),
                sink: "",
                target: String::new(),
                revision: lane.key.revision,
                told: lane.told,
                owed: false,
                state: state(lane),
                next: "the integration is no longer in the configuration".to_owned(),
                due_at: lane.due_at,
                history,
                lane: lane.clone(),
            });
        };
        let work = self.store().lane_work(lane.key).await?;
        let pending = work.map(|w| w.pending).unwrap_or_default();
        let next = next(
            self,
            alert.project,
            lane,
            &lanes::plan(
                revision.policy_for(alert, Some(lane)),
                lane,
                &pending,
                alert,
                now,
            ),
        );
        Ok(LaneStory {
            integration: revision.integration.name.clone(),
            sink: revision.manifest.name,
            target: revision.sink.target(),
            revision: lane.key.revision,
            told: lane.told,
            owed: lane.due_at.is_some(),
            state: state(lane),
            next,
            due_at: lane.due_at,
            history,
            lane: lane.clone(),
        })
    }
}

fn state(lane: &Lane) -> String {
    let told = match lane.told {
        Told::Nothing => "it was told nothing yet",
        Told::Open => "it was told that the alert is open",
        Told::Acked => "it was told that the alert is acknowledged",
        Told::Closed => "it was told that the alert is closed",
    };
    let mut text = told.to_owned();
    if lane.cursor < lane.head {
        text.push_str(&format!(
            "; events {} to {} are still owed",
            lane.cursor + 1,
            lane.head
        ));
    }
    if lane.doubt {
        text.push_str("; the last try may or may not have arrived");
    }
    if lane.duplicates > 0 {
        text.push_str(&format!(
            "; {} sends may have arrived twice",
            lane.duplicates
        ));
    }
    if lane.orphans > 0 {
        text.push_str(&format!(
            "; {} posts were lost to us and may still stand there",
            lane.orphans
        ));
    }
    text
}

fn next(hub: &Hub, project: ProjectId, lane: &Lane, plan: &Plan) -> String {
    if let Some(claim) = &lane.claim {
        return format!("it is being sent since {}", claim.sent_at);
    }
    let pause = hub.pause_of(lane.key.integration, lane.key.revision);
    match plan {
        Plan::Send { .. } => match pause {
            Some((why, until)) => format!("waits until {until}: {why}"),
            None => "is sent as soon as there is room".to_owned(),
        },
        Plan::Skip { reason, .. } => format!("is left out: {}", reason.sentence()),
        Plan::Wait { until, .. } if *until == Timestamp::NEVER => "nothing is owed".to_owned(),
        Plan::Wait {
            until,
            why: WaitReason::Held,
        } => format!("waits until {until}: {}", holder(hub, project, lane)),
        Plan::Wait { until, why } => format!("waits until {until}: {}", why.sentence()),
    }
}

/// What holds a lane back.
fn holder(hub: &Hub, project: ProjectId, lane: &Lane) -> String {
    match &lane.held_by {
        Some(HeldBy::Silence(id)) => {
            let silences = hub.silences(project);
            let silence = silences
                .iter()
                .find(|silence| silence.id.to_string() == *id);
            let by = silence.map_or("", |silence| silence.created_by.as_str());
            let why = silence.map_or("", |silence| silence.comment.as_str());
            let mut text = format!("a silence holds it back ({id})");
            for (word, said) in [(", made by ", by), (": ", why)] {
                if !said.is_empty() {
                    text.push_str(&format!("{word}{said}"));
                }
            }
            text
        }
        Some(HeldBy::Inhibition(name)) => format!("the inhibition {name} holds it back"),
        Some(HeldBy::Flapping) => "it opens and closes all the time, until it is calm".to_owned(),
        Some(HeldBy::Muted) => "the integration is not told at these times".to_owned(),
        Some(HeldBy::Shelve) => "the alert is shelved".to_owned(),
        Some(HeldBy::DailyQuota) => "the day's quota is used up".to_owned(),
        None => WaitReason::Held.sentence().to_owned(),
    }
}

/// Why an integration has no lane on this alert.
fn why_not(catalog: &Catalog, integration: &Integration, alert: &Alert) -> String {
    let subject = catalog.subject(alert);
    match integration.rule().decide(alert.kind, &subject) {
        Entry::OfOthers => match alert.kind {
            AlertKind::Issue => "it is not of issues, and this is one".to_owned(),
            AlertKind::Notification => "it is not of notifications, and this is one".to_owned(),
        },
        Entry::Disabled => "it is disabled".to_owned(),
        Entry::Misses(matcher) => format!(
            "{matcher} does not match: the value is {:?}",
            subject.value(&matcher.name)
        ),
        Entry::Except(list) => {
            let list = integration.except.get(list).into_iter();
            let list: Vec<String> = list
                .flat_map(|list| list.matchers())
                .map(ToString::to_string)
                .collect();
            format!("its `except` leaves out what matches {}", list.join(" and "))
        }
        Entry::Enters => "it matches; the alert has had no event since the integration was made, or opens nothing any more"
            .to_owned(),
    }
}

/// A word for an attempt's end, as listings and filters use it.
pub fn outcome_word(kind: &AttemptKind) -> &'static str {
    match kind {
        AttemptKind::Sent { outcome, .. } | AttemptKind::Late { outcome, .. } => outcome.as_str(),
        AttemptKind::Skipped => "skipped",
    }
}
