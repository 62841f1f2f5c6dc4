//! The same calls to Debian's Alertmanager and to the hub: the same answers, but for ids, times and what
//! `differences` lists. `CAMPANILE_COMPARE=full` makes 5,000 calls instead of 500; `CAMPANILE_SEED` repeats a run.

mod calls;
mod differences;
mod shape;

use model::{Clock, DurationMs, SystemClock};
use serde_json::Value;

use crate::alertmanager::Alertmanager;
use crate::caller::{Caller, Said};
use crate::hub::{Hub, vendors};
use calls::{Call, Calls};
use shape::{Ids, Side};

const KEY: &str = "comparison-key-of-the-tests";

/// The receivers, with what each takes: our matcher, Alertmanager's, and the labels by which it groups there.
const RECEIVERS: [(&str, &str, &str); 4] = [
    ("everything", "", "..."),
    ("page", r#"labels.severity=~"page|critical""#, "..."),
    ("db team", r#"team="db""#, "..."),
    ("not prod", r#"env!="prod""#, "..."),
];

/// Both, with one connection to each.
struct Both {
    theirs: Caller,
    ours: Caller,
    ids: Ids,
}

impl Both {
    /// Makes a call to both; what they said, in a form that can be compared. What each does with an alert after it has
    /// answered takes a moment, so a question is asked again before its answers count as different.
    async fn ask(&mut self, call: &Call) -> (Said, Said) {
        let tries = if call.is_question() { 40 } else { 1 };
        for left in (0..tries).rev() {
            let theirs = self.one(Side::Theirs, call).await;
            let ours = self.one(Side::Ours, call).await;
            self.ids.learn(&theirs, &ours);
            let theirs = self.ids.comparable(Side::Theirs, call, theirs);
            let ours = self.ids.comparable(Side::Ours, call, ours);
            if theirs == ours || left == 0 {
                return (theirs, ours);
            }
            SystemClock.sleep(DurationMs(50)).await;
        }
        unreachable!("the last try returns")
    }

    async fn one(&mut self, side: Side, call: &Call) -> Said {
        let path = self.ids.put_into(side, &call.path);
        let body = call.body.as_ref().map(|body| self.ids.put_into(side, body));
        let caller = match side {
            Side::Theirs => &mut self.theirs,
            Side::Ours => &mut self.ours,
        };
        let body = match &call.edit {
            None => body,
            Some(edit) => {
                let old = caller.get(&path).await.body;
                return caller
                    .call("POST", "/api/v2/silences", Some(&edit.of(old).to_string()))
                    .await;
            }
        };
        caller.call(call.method, &path, body.as_deref()).await
    }
}

async fn start(folder: &std::path::Path, vendors: &str) -> (Hub, Alertmanager, Both) {
    let mut integrations = String::new();
    let mut routes = String::new();
    let mut receivers = String::from("  - name: nobody\n");
    for (name, matcher, by) in RECEIVERS {
        integrations.push_str(&format!(
            "      - {{ name: \"{name}\", match: ['{matcher}'], sink: slack, settings: {{ channel: \"#ops\", token: xoxb-test-token, base_url: \"{vendors}/slack\" }} }}\n"
        ));
        let theirs = matcher.trim_start_matches("labels.");
        routes.push_str(&format!(
            "    - {{ receiver: \"{name}\", continue: true, group_by: ['{by}'], matchers: ['{theirs}'] }}\n"
        ));
        receivers.push_str(&format!("  - name: \"{name}\"\n"));
    }
    let integrations = integrations.replace("match: [''], ", "");
    let routes = routes.replace(", matchers: ['']", "");
    let hub = Hub::start(
        folder,
        &format!(
            "egress: {{ allow: [\"127.0.0.0/8\"] }}\nprojects:\n  - name: shop\n    sources: [{{ name: prometheus, dialect: alertmanager, key: {KEY}, settings: {{ resolve_timeout: 1h }} }}]\n    integrations:\n{integrations}"
        ),
    );
    let alertmanager = Alertmanager::start(
        folder,
        &format!(
            "global: {{ resolve_timeout: 1h }}\nroute:\n  receiver: nobody\n  routes:\n{routes}receivers:\n{receivers}"
        ),
    )
    .await;
    let both = Both {
        theirs: Caller::open(&alertmanager.url).await.unwrap(),
        ours: Caller::open(&format!("{}/s/{KEY}", hub.url)).await.unwrap(),
        ids: Ids::default(),
    };
    (hub, alertmanager, both)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_calls_get_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, vendors) = vendors(None).await;
    let (_hub, _alertmanager, mut both) = start(folder.path(), &vendors).await;
    let count = match std::env::var("CAMPANILE_COMPARE").as_deref() {
        Ok("full") => 5_000,
        _ => 500,
    };
    let seed = std::env::var("CAMPANILE_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(4);
    let mut calls = Calls::new(seed);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..count {
        let call = calls.next(&both.ids, SystemClock.now());
        let (theirs, ours) = both.ask(&call).await;
        assert_eq!(
            theirs, ours,
            "call {number} of seed {seed}, Alertmanager's answer first: {call:?}"
        );
        *statuses.entry((call.kind, theirs.status)).or_insert(0) += 1;
    }
    println!("{count} calls of seed {seed}, the same answers: {statuses:?}");
    let silences = statuses.get(&("silence", 200)).copied().unwrap_or(0);
    let found = both
        .ask(&Call::get("alerts", "/api/v2/alerts".to_owned()))
        .await;
    let found = found.0.body.as_array().map_or(0, Vec::len);
    assert!(
        silences > 20 && found > 10,
        "{silences} silences and {found} alerts try nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, vendors) = vendors(None).await;
    let (_hub, _alertmanager, mut both) = start(folder.path(), &vendors).await;
    for difference in differences::ALL {
        let call = Call {
            kind: "difference",
            method: difference.method,
            path: difference.path.to_owned(),
            body: (!difference.body.is_empty()).then(|| difference.body.to_owned()),
            edit: None,
        };
        let theirs = both.one(Side::Theirs, &call).await;
        let ours = both.one(Side::Ours, &call).await;
        let told = |said: &Said| match &said.body {
            Value::Null => said.status.to_string(),
            body => format!("{} {body}", said.status),
        };
        let (theirs, ours) = (told(&theirs), told(&ours));
        assert!(
            theirs.starts_with(difference.theirs),
            "{}: {theirs}",
            difference.why
        );
        assert!(
            ours.starts_with(difference.ours),
            "{}: {ours}",
            difference.why
        );
        assert_ne!(theirs, ours, "{}", difference.why);
    }
}
