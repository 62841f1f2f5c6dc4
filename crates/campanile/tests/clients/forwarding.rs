//! Debian's Alertmanager, which keeps its own configuration and forwards to the hub by its webhook.

use model::{Clock, SystemClock};
use sandbox::slack::Slack;

use crate::alertmanager::Alertmanager;
use crate::caller::Caller;
use crate::hub::{Hub, eventually, vendors};

const KEY: &str = "forwarding-key-of-the-tests";

#[tokio::test(flavor = "multi_thread")]
async fn an_alertmanager_forwards_by_its_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, vendors) = vendors(None).await;
    let hub = Hub::start(
        folder.path(),
        &format!(
            r##"
egress: {{ allow: ["127.0.0.0/8"] }}
projects:
  - name: shop
    sources: [{{ name: am, dialect: alertmanager_webhook, key: {KEY} }}]
    integrations:
      - name: ops
        sink: slack
        settings: {{ channel: "#ops", token: xoxb-test-token, base_url: "{vendors}/slack" }}
        policy: {{ edit_interval: 1s }}
"##
        ),
    );
    // By the key in the address, and by the key in a header: each forwards a group of its own.
    let alertmanager = Alertmanager::start(
        folder.path(),
        &format!(
            r#"
route:
  receiver: by-header
  group_by: [env]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1s
  routes: [{{ receiver: by-url, matchers: ['env="url"'] }}]
receivers:
  - name: by-url
    webhook_configs: [{{ url: "{url}/s/{KEY}" }}]
  - name: by-header
    webhook_configs:
      - url: "{url}/in/alertmanager_webhook"
        http_config: {{ authorization: {{ credentials: {KEY} }} }}
"#,
            url = hub.url
        ),
    )
    .await;
    let mut caller = Caller::open(&alertmanager.url).await.unwrap();
    let post = async |caller: &mut Caller, ends_at: &str| {
        let alert = |name: &str, env: &str| {
            format!(
                r#"{{"labels":{{"alertname":"{name}","env":"{env}","severity":"critical"}},"annotations":{{"summary":"{name} fails"}},"endsAt":"{ends_at}"}}"#
            )
        };
        let body = format!(
            "[{},{},{}]",
            alert("A", "url"),
            alert("B", "url"),
            alert("C", "header")
        );
        let said = caller.call("POST", "/api/v2/alerts", Some(&body)).await;
        assert_eq!(said.status, 200, "{said:?}");
    };
    let slack = sandbox.vendor::<Slack>().unwrap();
    let colors = || -> Vec<String> {
        let of = |m: &sandbox::slack::Message| m.content.attachments[0]["color"].to_string();
        slack.messages("ops").iter().map(of).collect()
    };
    post(&mut caller, "2099-01-01T00:00:00Z").await;
    let red = || colors() == ["\"danger\""; 3];
    eventually("three red messages", async || {}, red).await;
    // It repeats them each second; they stay the same three.
    post(&mut caller, &SystemClock.now().to_string()).await;
    let green = || colors() == ["\"good\""; 3];
    eventually("the same three green", async || {}, green).await;
    sandbox.flush().await;
    assert_eq!(sandbox.violation_count(), 0);
}
