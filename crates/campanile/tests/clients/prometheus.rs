//! Debian's Prometheus, pointed at the hub by changing a URL.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use sandbox::slack::{Message, Slack};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::hub::{Hub, eventually, free_port, kill, record, vendors};

const KEY: &str = "prometheus-key-of-the-tests";

/// Killed when dropped.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Prometheus {
    /// Scrapes itself each second; one rule over its own metrics: somebody asks for its health.
    fn start(folder: &Path, hub: &str) -> Prometheus {
        let port = free_port();
        let target = hub.trim_start_matches("http://");
        let rules = r#"
groups:
  - name: self
    rules:
      - alert: SomebodyAsks
        expr: increase(prometheus_http_requests_total{handler="/-/healthy"}[6s]) > 0
        labels: { severity: critical }
        annotations:
          summary: "somebody asks this Prometheus for its health"
          value: "{{ $value }}"
"#;
        let configuration = format!(
            r#"
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
alerting:
  alertmanagers:
    - path_prefix: /s/{KEY}
      static_configs: [{{ targets: ["{target}"] }}]
"#
        );
        std::fs::write(folder.join("rules.yml"), rules).unwrap();
        std::fs::write(folder.join("prometheus.yml"), configuration).unwrap();
        let child = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--rules.alert.resend-delay=1s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's prometheus is installed by `cargo xtask setup`");
        Prometheus { child, port }
    }

    /// Asks for its health, which is what its rule watches. Before it listens, nothing happens.
    async fn ask(&self) {
        let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await else {
            return;
        };
        let request = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        if stream.write_all(request).await.is_ok() {
            let mut answer = Vec::new();
            // The answer does not matter: the request is counted.
            let _read = stream.read_to_end(&mut answer).await;
        }
    }
}

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
    let prometheus = Prometheus::start(folder.path(), &hub.url);
    let slack = sandbox.vendor::<Slack>().unwrap();

    eventually(
        "a red message",
        async || prometheus.ask().await,
        || colors(&slack.messages("ops")) == ["danger"],
    )
    .await;
    let first = slack.messages("ops")[0].content.attachments[0].to_string();
    assert!(first.contains("somebody asks"), "{first}");
    // Its value moves with each evaluation. The hub writes at most one update a minute, and then edits.
    eventually(
        "an edit while it is open",
        async || prometheus.ask().await,
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
