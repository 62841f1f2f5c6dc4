//! The promises, against the truth.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use sandbox::slack::Message;

use crate::api::{Alert, Api};
use crate::plan::Plan;
use crate::report::Report;
use crate::truth::{Key, Said, Truth};
use crate::vendors::Vendors;
use crate::{now, pause};

/// Longer than the sources' `update_interval`: what is quiet for so long has no trailing event to come.
const QUIET_MS: i64 = 5000;
const SOURCES: [&str; 2] = ["reopening", "episodes"];

/// The hub once it owes nothing.
pub struct State {
    alerts: Vec<Alert>,
    /// By alert.
    events: HashMap<String, Vec<(u64, String)>>,
    /// Tries to tell Slack whose end nobody knows, by alert; those with a count of orphans.
    unsure: HashMap<String, u64>,
}

/// Waits until the hub owes nothing and no more events come.
pub async fn settled(address: SocketAddr, plan: &Plan) -> State {
    let mut api = Api::open(address).await;
    let deadline = now() + plan.settle_within_ms;
    let mut events_before = None;
    let alerts = loop {
        let in_time = now() < deadline;
        if in_time && api.lanes_owing().await != Some(0) {
            events_before = None;
            pause(1000).await;
            continue;
        }
        let alerts = api.alerts().await;
        let owed = alerts.iter().flat_map(|a| &a.lanes).filter(|l| l.owed);
        let owed: Vec<&str> = owed.map(|l| l.shown.as_str()).collect();
        let events: u64 = alerts.iter().map(|a| a.seq).sum();
        if owed.is_empty() && events_before == Some(events) {
            break alerts;
        }
        let shown = owed.iter().take(10).copied().collect::<Vec<_>>().join("\n");
        assert!(in_time, "{} lanes are still owed:\n{shown}", owed.len());
        events_before = Some(events);
        pause(QUIET_MS).await;
    };
    let mut state = State {
        alerts,
        events: HashMap::new(),
        unsure: HashMap::new(),
    };
    for alert in &state.alerts {
        state
            .events
            .insert(alert.id.clone(), api.events(&alert.id).await);
        if alert.lane("slack").is_some_and(|lane| lane.orphans > 0) {
            let unsure = api.unsure_attempts(&alert.id, "slack").await;
            state.unsure.insert(alert.id.clone(), unsure);
        }
    }
    state
}

/// Everything that is not as promised.
pub fn all(state: &State, truth: &Truth, vendors: &Vendors, report: &mut Report) -> Vec<String> {
    let mut problems = truth.problems.clone();
    problems.extend(vendors.violations());
    problems.extend(vendors.webhooks.problems());
    accepted(state, truth, &mut problems);
    let mut messages = vendors.messages();
    for alert in &state.alerts {
        let shown = messages.remove(&alert.id).unwrap_or_default();
        message(state, alert, &shown, report, &mut problems);
        webhooks(state, alert, vendors, report, &mut problems);
    }
    for (alert, messages) in messages {
        let count = messages.len();
        problems.push(format!(
            "{count} messages of the alert {alert:?}, which the hub does not have"
        ));
    }
    problems
}

/// I1: what was answered with 2xx is there, as it was said last.
fn accepted(state: &State, truth: &Truth, problems: &mut Vec<String>) {
    let ids: HashSet<&str> = state.alerts.iter().map(|a| a.id.as_str()).collect();
    let mut by_key: HashMap<(&str, &str), Vec<&Alert>> = HashMap::new();
    for alert in &state.alerts {
        let key = (alert.source.as_str(), alert.key.as_str());
        by_key.entry(key).or_default().push(alert);
    }
    for key in &truth.keys {
        let lost = key.alerts.iter().filter(|id| !ids.contains(id.as_str()));
        problems.extend(lost.map(|id| format!("{}: the accepted alert {id} is lost", key.name)));
        let place = (SOURCES[key.source], key.name.as_str());
        let mut alerts = by_key.remove(&place).unwrap_or_default();
        // Ids begin with their time.
        alerts.sort_by(|a, b| a.id.cmp(&b.id));
        problems.extend(key_problem(key, &alerts));
    }
    for (key, alerts) in by_key {
        problems.push(format!("{key:?}: {} alerts that nobody sent", alerts.len()));
    }
}

fn key_problem(key: &Key, alerts: &[&Alert]) -> Option<String> {
    let Some((newest, older)) = alerts.split_last() else {
        return (key.fires > 0).then(|| format!("{}: accepted and not there", key.name));
    };
    if key.source == 0 && !older.is_empty() {
        return Some(format!(
            "{}: {} alerts instead of one",
            key.name,
            alerts.len()
        ));
    }
    if let Some(open) = older.iter().find(|a| a.status != "closed") {
        return Some(format!(
            "{}: the earlier alert {} is {}",
            key.name, open.id, open.status
        ));
    }
    let fits = |said: &&Said| match said {
        Said::Resolve => newest.status == "closed",
        Said::Fire { value } => newest.status == "open" && newest.value == value.to_string(),
    };
    let possible = key.possible();
    (!possible.iter().any(fits)).then(|| {
        let (status, value) = (&newest.status, &newest.value);
        format!(
            "{}: is {status} with {value}, but was told {possible:?}",
            key.name
        )
    })
}

/// I6, I7: one message, of the right colour; what is more is counted and listed.
fn message(
    state: &State,
    alert: &Alert,
    shown: &[Message],
    report: &mut Report,
    problems: &mut Vec<String>,
) {
    let mut problem = |what: String| problems.push(format!("{} ({}): {what}", alert.key, alert.id));
    let Some(lane) = alert.lane("slack") else {
        return problem("no lane to Slack".to_owned());
    };
    let open = alert.status == "open";
    let (told, color) = if open {
        ("open", "danger")
    } else {
        ("closed", "good")
    };
    if lane.told != told {
        problem(format!(
            "is {}, and Slack was told {}",
            alert.status, lane.told
        ));
    }
    let ts = lane
        .object
        .as_deref()
        .and_then(|o| o.split_once('/'))
        .map(|(_, ts)| ts);
    match shown.iter().find(|m| Some(m.ts.as_str()) == ts) {
        None => problem(format!(
            "its message {:?} is not among {}",
            lane.object,
            shown.len()
        )),
        Some(message) => {
            if color_of(message) != color {
                problem(format!(
                    "is {}, and its message is {}",
                    alert.status,
                    color_of(message)
                ));
            }
            if open && value_of(message) != alert.value {
                problem(format!(
                    "has {}, and its message says {}",
                    alert.value,
                    value_of(message)
                ));
            }
        }
    }
    let extra: Vec<&Message> = shown.iter().filter(|m| Some(m.ts.as_str()) != ts).collect();
    let red = extra.iter().filter(|m| color_of(m) != "good").count() as u64;
    if extra.len() as u64 > lane.orphans {
        problem(format!(
            "{} more messages, but {} orphans are counted",
            extra.len(),
            lane.orphans
        ));
    }
    let listed = state.unsure.get(&alert.id).copied().unwrap_or_default();
    if lane.orphans > listed || lane.orphans > lane.duplicates {
        problem(format!(
            "{} orphans, but {listed} tries without an answer are listed",
            lane.orphans
        ));
    }
    report.messages += shown.len() as u64;
    report.messages_green += shown.iter().filter(|m| color_of(m) == "good").count() as u64;
    report.extra_messages += extra.len() as u64;
    report.extra_red_of_closed += if open { 0 } else { red };
    report.orphans_counted += lane.orphans;
    report.slack_duplicates_counted += lane.duplicates;
    report.alerts += 1;
    report.alerts_open += u64::from(open);
}

/// I4: each event of the log arrived, first arrivals in the log's order, repeats under their own id.
fn webhooks(
    state: &State,
    alert: &Alert,
    vendors: &Vendors,
    report: &mut Report,
    problems: &mut Vec<String>,
) {
    let log = &state.events[&alert.id];
    let whole = log.iter().map(|(seq, _)| *seq).eq(1..=alert.seq);
    if !whole {
        problems.push(format!(
            "{}: the log has {} events, not 1 to {}",
            alert.id,
            log.len(),
            alert.seq
        ));
    }
    let duplicates = alert.lane("webhook").map_or(0, |l| l.duplicates);
    report.webhook_duplicates_counted += duplicates;
    report.events += log.len() as u64;
    vendors.webhooks.look(|by_alert| {
        let Some(heard) = by_alert.get(&alert.id) else {
            problems.push(format!("{}: no webhook came", alert.id));
            return;
        };
        report.webhooks_again += heard.again;
        let first = heard.first.iter().map(|(_, seq, kind)| (*seq, kind));
        if !first.clone().eq(log.iter().map(|(seq, kind)| (*seq, kind))) {
            let came: Vec<u64> = first.map(|(seq, _)| seq).collect();
            problems.push(format!(
                "{}: {} events, webhooks came as {came:?}",
                alert.id, alert.seq
            ));
        }
        if heard.again > duplicates {
            let again = heard.again;
            problems.push(format!(
                "{}: {again} webhooks came again, {duplicates} are counted",
                alert.id
            ));
        }
    });
}

fn color_of(message: &Message) -> &str {
    message.content.attachments[0]["color"]
        .as_str()
        .unwrap_or_default()
}

fn value_of(message: &Message) -> String {
    let fields = message.content.attachments[0]["fields"].as_array();
    let value = fields.into_iter().flatten().find(|f| f["title"] == "Value");
    value
        .and_then(|f| f["value"].as_str())
        .unwrap_or_default()
        .to_owned()
}
