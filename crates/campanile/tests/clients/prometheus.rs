//! Debian's Prometheus, pointed at the hub by changing a URL.

use sandbox::slack::{Message, Slack};

use crate::hub::{Hub, eventually, record, vendors};
use crate::program::{Prometheus, WATCHED};

const KEY: &str = "prometheus-key-of-the-tests";

fn colors(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|m| {
            m.content.attachments[0]["color"]
                .as_str()
                .unwrap_or_default()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_opens_edits_and_closes_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, vendors) = vendors(Some(record("prometheus"))).await;
    let configuration = format!(
        r##"
egress: {{ allow: ["127.0.0.0/8"] }}
projects:
  - name: shop
    sources: [{{ name: prometheus, dialect: alertmanager, key: {KEY} }}]
    integrations:
      - name: ops
        sink: slack
        settings: {{ channel: "#ops", token: xoxb-test-token, base_url: "{vendors}/slack" }}
        policy: {{ edit_interval: 1s }}
"##
    );
    let hub = Hub::start(folder.path(), &configuration);
    let target = hub.url.trim_start_matches("http://");
    let prometheus = Prometheus::start(folder.path(), "only", KEY, &[target]);
    let slack = sandbox.vendor::<Slack>().unwrap();

    eventually(
        "a red message",
        async || drop(prometheus.get(WATCHED).await),
        || colors(&slack.messages("ops")) == ["danger"],
    )
    .await;
    let first = slack.messages("ops")[0].content.attachments[0].to_string();
    assert!(first.contains("somebody asks"), "{first}");
    // Its value moves with each evaluation. The hub writes at most one update a minute, and then edits.
    eventually(
        "an edit while it is open",
        async || drop(prometheus.get(WATCHED).await),
        || !slack.messages("ops")[0].history.is_empty(),
    )
    .await;
    assert_eq!(colors(&slack.messages("ops")), ["danger"]);
    eventually(
        "the same message green",
        async || {},
        || colors(&slack.messages("ops")) == ["good"],
    )
    .await;
    sandbox.flush().await;
    assert_eq!(sandbox.violation_count(), 0);
}
