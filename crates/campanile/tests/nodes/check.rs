//! The promises, against the truth.

use std::collections::{BTreeMap, HashMap, HashSet};

use sandbox::slack::Message;

use crate::api::{Alert, Api};
use crate::cluster::Cluster;
use crate::truth::{Key, Truth};
use crate::{now, pause};

/// Longer than anything that is late in a settled hub takes to come.
const QUIET_MS: i64 = 3000;
const SETTLE_WITHIN_MS: i64 = 300_000;

/// The hub once it owes nothing.
pub struct State {
    pub alerts: Vec<Alert>,
    /// By alert: number and kind.
    pub events: HashMap<String, Vec<(u64, String)>>,
}

/// What may have happened on the way.
#[derive(Clone, Copy, PartialEq)]
pub enum Expected {
    /// No reply was lost: nothing comes twice.
    NothingTwice,
    /// Nodes died or lost the database: what came twice is counted.
    CountedRepeats,
    /// So, and requests that their senders had given up may have been taken late.
    LateRequests,
}

/// Waits until no lane owes anything and no more events come, as this node sees it.
pub async fn settled(api: &mut Api) -> State {
    let deadline = now() + SETTLE_WITHIN_MS;
    let mut events_before = None;
    let alerts = loop {
        let alerts = api.alerts().await;
        let owed = alerts.iter().flat_map(|a| &a.lanes).filter(|l| l.owed);
        let owed: Vec<&str> = owed.map(|l| l.shown.as_str()).collect();
        let events: u64 = alerts.iter().map(|a| a.seq).sum();
        if owed.is_empty() && events_before == Some(events) {
            break alerts;
        }
        let shown = owed.iter().take(10).copied().collect::<Vec<_>>().join("\n");
        let late = now() > deadline;
        assert!(!late, "{} lanes are still owed:\n{shown}", owed.len());
        events_before = Some(events);
        pause(if owed.is_empty() { QUIET_MS } else { 1000 }).await;
    };
    let mut events = HashMap::new();
    for alert in &alerts {
        events.insert(alert.id.clone(), api.events(&alert.id).await);
    }
    State { alerts, events }
}

/// Everything that is not as promised, and the figures of the run, printed.
pub async fn all(
    name: &str,
    cluster: &mut Cluster,
    truth: &Truth,
    expected: Expected,
) -> Vec<String> {
    let mut api = cluster.api(0).await;
    let state = settled(&mut api).await;
    cluster.vendors.webhooks.catch_up();
    let mut problems = truth.problems.clone();
    problems.extend(cluster.vendors.violations());
    problems.extend(cluster.vendors.webhooks.problems());
    own(&state, truth, expected, &mut problems);
    shared(&state, truth, &mut problems);
    let (again, counted) = webhooks(&state, cluster, expected, &mut problems);
    let (messages, orphans) = messages(&state, cluster, expected, &mut problems);
    let redone = cluster.redone().await;
    let events: usize = state.events.values().map(Vec::len).sum();
    let rate = truth.accepted * 1000 / u64::try_from(truth.took_ms.max(1)).unwrap();
    println!(
        "{name}: {} signals accepted ({rate}/s), {} told to try again, {} unanswered; {} alerts, {events} events; \
         {} webhooks arrived, {again} again, {counted} duplicates counted; {messages} messages, {} requests to vendors, {orphans} orphans; \
         {redone} transactions done again",
        truth.accepted,
        truth.refused,
        truth.unanswered,
        state.alerts.len(),
        cluster.vendors.webhooks.arrived(),
        cluster.vendors.requests(),
    );
    problems.extend(cluster.stop().await);
    problems
}

fn of_source<'a>(state: &'a State, source: &str) -> BTreeMap<&'a str, Vec<&'a Alert>> {
    let mut by_key: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in state.alerts.iter().filter(|a| a.source == source) {
        by_key.entry(&alert.key).or_default().push(alert);
    }
    for alerts in by_key.values_mut() {
        // Ids begin with their time.
        alerts.sort_by(|a, b| a.id.cmp(&b.id));
    }
    by_key
}

/// I1: one alert for each key of a sender, with exactly the events that its signals made.
fn own(state: &State, truth: &Truth, expected: Expected, problems: &mut Vec<String>) {
    let by_key = of_source(state, "reopening");
    for key in &truth.own {
        let alerts = by_key.get(key.name.as_str()).cloned().unwrap_or_default();
        match alerts.as_slice() {
            [alert] => problems.extend(own_problem(state, key, alert, expected)),
            [] if key.events.is_empty() => {}
            _ => problems.push(format!("{}: {} alerts, not one", key.name, alerts.len())),
        }
    }
}

fn own_problem(state: &State, key: &Key, alert: &Alert, expected: Expected) -> Option<String> {
    if !key.alerts.iter().eq([&alert.id]) {
        let (name, named) = (&key.name, &key.alerts);
        return Some(format!("{name}: is {}, answers named {named:?}", alert.id));
    }
    let status = key.severity.map_or("closed", |_| "open");
    if alert.status != status {
        return Some(format!("{}: is {}, not {status}", key.name, alert.status));
    }
    let log = state.events[&alert.id]
        .iter()
        .map(|(_, kind)| kind.as_str());
    let late = expected == Expected::LateRequests && key.doubtful;
    (!late && !log.clone().eq(key.events.iter().copied())).then(|| {
        let (name, log) = (&key.name, log.collect::<Vec<_>>());
        format!("{name}: its log is\n  {log:?}, not\n  {:?}", key.events)
    })
}

/// Keys that all senders share: no accepted alert is lost, at most one is open, and it ends as was said last.
fn shared(state: &State, truth: &Truth, problems: &mut Vec<String>) {
    let ids: HashSet<&str> = state.alerts.iter().map(|a| a.id.as_str()).collect();
    let by_key = of_source(state, "episodes");
    for (name, (open, named)) in &truth.shared {
        let lost = named.iter().filter(|id| !ids.contains(id.as_str()));
        problems.extend(lost.map(|id| format!("{name}: the accepted alert {id} is lost")));
        let alerts = by_key.get(name.as_str()).cloned().unwrap_or_default();
        let now_open: Vec<&&Alert> = alerts.iter().filter(|a| a.status == "open").collect();
        if now_open.len() != usize::from(*open) {
            problems.push(format!("{name}: {} alerts are open", now_open.len()));
        }
        for alert in alerts {
            let log = &state.events[&alert.id];
            let opened = log.first().is_some_and(|(_, kind)| kind == "opened");
            let closes = log.iter().filter(|(_, kind)| kind == "closed").count();
            if !opened || closes != usize::from(alert.status == "closed") {
                problems.push(format!("{name}: {} has the log {log:?}", alert.id));
            }
        }
    }
}

/// I4: each event of the log arrived, first arrivals in the log's order. How many came again, and how many of these
/// the hub counts.
fn webhooks(
    state: &State,
    cluster: &Cluster,
    expected: Expected,
    problems: &mut Vec<String>,
) -> (u64, u64) {
    let (mut again, mut counted) = (0, 0);
    cluster.vendors.webhooks.look(|by_alert| {
        for alert in &state.alerts {
            let log = &state.events[&alert.id];
            if !log.iter().map(|(seq, _)| *seq).eq(1..=alert.seq) {
                problems.push(format!("{}: the log is not whole: {log:?}", alert.id));
            }
            let Some(heard) = by_alert.get(&alert.id) else {
                problems.push(format!("{}: no webhook came", alert.id));
                continue;
            };
            let first = heard.first.iter().map(|(_, seq, kind)| (*seq, kind));
            if !first.clone().eq(log.iter().map(|(seq, kind)| (*seq, kind))) {
                let came: Vec<u64> = first.map(|(seq, _)| seq).collect();
                let (id, seq) = (&alert.id, alert.seq);
                problems.push(format!("{id}: {seq} events, webhooks came as {came:?}"));
            }
            let duplicates = alert.lane("webhook").map_or(0, |l| l.duplicates);
            again += heard.again;
            counted += duplicates;
            if heard.again > duplicates || (expected == Expected::NothingTwice && heard.again > 0) {
                let (id, again) = (&alert.id, heard.again);
                problems.push(format!("{id}: {again} came again, {duplicates} counted"));
            }
        }
    });
    (again, counted)
}

/// I6, I7: one message of the right colour for each alert; what is more is counted. How many messages and orphans.
fn messages(
    state: &State,
    cluster: &Cluster,
    expected: Expected,
    problems: &mut Vec<String>,
) -> (u64, u64) {
    let (mut count, mut orphans) = (0, 0);
    let mut by_alert = cluster.vendors.messages();
    for alert in &state.alerts {
        let shown = by_alert.remove(&alert.id).unwrap_or_default();
        let Some(lane) = alert.lane("slack") else {
            problems.push(format!("{}: no lane to Slack", alert.id));
            continue;
        };
        let ts = lane.object.as_deref().and_then(|o| o.split_once('/'));
        let main = shown
            .iter()
            .find(|m| Some(m.ts.as_str()) == ts.map(|(_, ts)| ts));
        let closed = alert.status == "closed";
        // An alert may close before its message left; then it is posted closed, which is one message too.
        match main {
            Some(message) if (color(message) == "good") == closed => {}
            Some(message) => {
                let (id, status) = (&alert.id, &alert.status);
                problems.push(format!(
                    "{id}: {status}, and its message {}",
                    color(message)
                ));
            }
            None => problems.push(format!("{}: no message: {}", alert.id, lane.shown)),
        }
        let more = shown.len().saturating_sub(1) as u64;
        // Those that the hub knows of it closes with the lane (I5); the others are orphans.
        let red = shown
            .iter()
            .filter(|m| closed && color(m) != "good")
            .count() as u64;
        let uncounted = more > lane.duplicates || red > lane.orphans;
        if uncounted || (expected == Expected::NothingTwice && more > 0) {
            let (id, lane) = (&alert.id, &lane.shown);
            problems.push(format!("{id}: {more} more messages, {red} red: {lane}"));
        }
        count += shown.len() as u64;
        orphans += lane.orphans;
    }
    for (alert, messages) in by_alert {
        let count = messages.len();
        problems.push(format!("{count} messages of {alert:?}, which is not there"));
    }
    (count, orphans)
}

/// Of a Slack message.
pub fn color(message: &Message) -> &str {
    message.content.attachments[0]["color"]
        .as_str()
        .unwrap_or_default()
}
