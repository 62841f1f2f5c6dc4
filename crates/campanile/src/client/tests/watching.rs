//! `watch`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use model::DurationMs;
use serde_json::json;

use super::clock;
use super::hub::{Canned, FakeHub};
use super::reading::alert;
use crate::cli::{Cli, Command};

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn stream(events: &[(u32, &str, &str)]) -> Canned {
    let mut body = ": hello\n\n".to_owned();
    for (position, severity, kind) in events {
        let data = json!({
            "alert": alert("aaaa1111", severity, "open", "Disk full"),
            "event": { "seq": position, "at": "2026-11-20T11:59:58Z", "kind": kind, "by": "ann", "note": "why" },
        });
        body.push_str(&format!("event: alert\nid: {position}\ndata: {data}\n\n"));
    }
    Canned {
        status: 200,
        content_type: "text/event-stream",
        body,
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_taken_up_after_its_last_event() {
    let busy = Canned {
        status: 503,
        content_type: "text/plain",
        body: String::new(),
    };
    let answers = vec![
        stream(&[(7, "critical", "opened"), (8, "info", "opened")]),
        busy,
        stream(&[(9, "critical", "acknowledged")]),
    ];
    let (hub, address) = FakeHub::start(answers).await;
    let line = [
        "campanile",
        "alerts",
        "watch",
        "--severity",
        "critical,major",
        "--hub",
        &address,
    ];
    let Command::Alerts(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("alerts")
    };
    let (printed, clock) = (Printed::default(), clock());
    let (mut out, moved) = (printed.clone(), clock.clone());
    let stop = async move {
        // The clock is moved until the third event came; a real clock bounds the wait.
        while printed.text().lines().count() < 2 {
            moved.advance(DurationMs::from_secs(1));
            tokio::task::yield_now().await;
        }
        printed
    };
    let (told, stopped) = tokio::sync::oneshot::channel();
    let work = async {
        crate::client::alerts(&args, "ann", &*clock, &mut out, async {
            drop(stopped.await)
        })
        .await
        .unwrap();
    };
    let both = async {
        let watcher = async {
            let printed = stop.await;
            told.send(()).unwrap();
            printed.text()
        };
        tokio::join!(work, watcher).1
    };
    let text = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("the third event is printed");
    assert_eq!(
        text,
        "\
11:59:58  aaaa1111  critical  opened            Disk full (ann: why)
11:59:58  aaaa1111  critical  acknowledged      Disk full (ann: why)
"
    );
    let resumed: Vec<Option<String>> = hub
        .asked()
        .into_iter()
        .map(|asked| asked.last_event_id)
        .collect();
    assert_eq!(
        resumed[..3],
        [None, Some("8".to_owned()), Some("8".to_owned())]
    );
}

#[tokio::test]
async fn a_first_connection_that_fails_ends_the_watch() {
    let (_hub, address) = FakeHub::start(vec![Canned::json(401, &json!({ "title": "No" }))]).await;
    let error = super::campanile(&address, &["alerts", "watch"])
        .await
        .unwrap_err();
    assert!(error.starts_with("No (status 401)"), "{error}");
    let (_hub, address) = FakeHub::start(vec![Canned::json(200, &json!({}))]).await;
    let error = super::campanile(&address, &["alerts", "watch"])
        .await
        .unwrap_err();
    assert!(error.contains("it sends no stream of events"), "{error}");
}
