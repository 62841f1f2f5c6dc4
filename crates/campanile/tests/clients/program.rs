//! Debian's Prometheus as a child process. Also what two nodes are tried with, so nothing here knows of a hub.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What makes its rule fire: each request for this counts, for six seconds.
pub const WATCHED: &str = "/-/healthy";

/// Killed when dropped.
pub struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // A child that ended by itself cannot be killed, and that is well.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Prometheus {
    /// Scrapes itself each second; one rule over its own metrics: somebody asks for its health. `replica` is told apart in
    /// an annotation only, as the label is dropped on the way. `targets`: host and port of each hub.
    pub fn start(folder: &Path, replica: &str, key: &str, targets: &[&str]) -> Prometheus {
        let port = free_port();
        let targets = targets.join("\", \"");
        let rules = r#"
groups:
  - name: self
    rules:
      - alert: SomebodyAsks
        expr: increase(prometheus_http_requests_total{handler="/-/healthy"}[6s]) > 0
        labels: { severity: critical }
        annotations:
          summary: "somebody asks this Prometheus for its health"
          value: "{{ $value }} of {{ $externalLabels.replica }}"
"#;
        // Replicas watch the same things, so what they watch has the same name.
        let configuration = format!(
            r#"
global: {{ scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{ replica: "{replica}" }} }}
rule_files: [rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{{ targets: ["127.0.0.1:{port}"], labels: {{ instance: "watched" }} }}]
alerting:
  alert_relabel_configs: [{{ action: labeldrop, regex: replica }}]
  alertmanagers:
    - path_prefix: /s/{key}
      static_configs: [{{ targets: ["{targets}"] }}]
"#
        );
        std::fs::write(folder.join("rules.yml"), rules).unwrap();
        std::fs::write(folder.join("prometheus.yml"), configuration).unwrap();
        let file = |name: &str| folder.join(name).display().to_string();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("tsdb")))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--rules.alert.resend-delay=1s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's prometheus is installed by `cargo xtask setup`");
        Prometheus { child, port }
    }

    /// What it answers to this path, headers and all; empty before it listens.
    pub async fn get(&self, path: &str) -> String {
        // The older protocol: the answer is not cut into chunks, and ends with the connection.
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = Vec::new();
        if let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await
            && stream.write_all(request.as_bytes()).await.is_ok()
        {
            // Half an answer is the caller's to judge.
            let _read = stream.read_to_end(&mut answer).await;
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A port that was free a moment ago: it cannot choose one itself and say which.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
