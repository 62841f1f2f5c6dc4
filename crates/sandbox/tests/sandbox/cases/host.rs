//! A running sandbox with a clock moved by hand, and a bare HTTP client.

use sandbox::slack::Slack;
use sandbox::webhook::Webhook;
use sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// 2026-03-03T12:00:00Z.
pub const START: i64 = 1_772_539_200_000;
pub const TOKEN: &str = "xoxb-1-one";

pub struct Host {
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    now: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// An answer; `status` 0 and all empty if the connection ended without one.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |line: &&str| {
            line.split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        Some(self.head.lines().find(same)?.split_once(':')?.1.trim())
    }
}

impl Host {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn without_limits() -> Self {
        Self::with(|options| options.limits = false).await
    }

    pub async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = now.clone();
        let mut options = SandboxOptions::new(Arc::new(move || clock.load(Ordering::SeqCst)));
        change(&mut options);
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(sandbox.clone().serve(listener, async {
            let _ = stopped.await;
        }));
        Self {
            sandbox,
            address,
            now,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// Stops serving; the record is written when it returns.
    pub async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.take().unwrap().await.unwrap();
    }

    pub fn advance(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn slack_state(&self) -> &Slack {
        self.sandbox.vendor::<Slack>().unwrap()
    }

    pub fn webhook_state(&self) -> &Webhook {
        self.sandbox.vendor::<Webhook>().unwrap()
    }

    /// Sends one request on a connection of its own and reads until that ends.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A reset is an end like any other here: what counts is whether an answer came.
        let _ = stream.read_to_end(&mut bytes).await;
        let whole = String::from_utf8(bytes).unwrap();
        let (head, body) = whole.split_once("\r\n\r\n").unwrap_or((&whole, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Posts JSON to one of the sandbox's own switches, which must take it.
    pub async fn set(&self, path: &str, body: Value) -> Value {
        let answer = self.send("POST", path, &[], &body.to_string()).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path} {body}: {answer:?}"
        );
        answer.json()
    }

    /// Calls a Slack method with JSON and the first token.
    pub async fn slack(&self, method: &str, body: Value) -> Value {
        self.slack_as(TOKEN, method, body).await.json()
    }

    pub async fn slack_as(&self, token: &str, method: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json; charset=utf-8"),
        ];
        self.send(
            "POST",
            &format!("/slack/api/{method}"),
            &headers,
            &body.to_string(),
        )
        .await
    }

    /// Calls a Slack method with a form and the first token.
    pub async fn slack_form(&self, method: &str, form: &str) -> Value {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", &format!("/slack/api/{method}"), &headers, form)
            .await
            .json()
    }
}
