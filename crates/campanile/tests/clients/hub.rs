//! The binary as a child process, and the sandbox in this one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, SystemClock};
use sandbox::{Sandbox, SandboxOptions};

/// How long a condition may take to come true.
pub const DEADLINE: Duration = Duration::from_secs(150);

/// A hub that runs; killed when dropped.
pub struct Hub {
    child: Child,
    pub url: String,
}

impl Hub {
    /// Starts the binary on a free port with this configuration; returns once it listens.
    pub fn start(folder: &Path, configuration: &str) -> Hub {
        let file = folder.join("campanile.yaml");
        std::fs::write(&file, configuration).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_campanile"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("listens on ")
                    .map(|(_, url)| url.to_owned())
            })
            .unwrap();
        // Somebody must go on reading, or the hub stands still when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Hub { child, url }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // A child that ended by itself cannot be killed, and that is well.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A fresh file for what the vendors get; `cargo xtask test` checks such files against the vendors' specs.
pub fn record(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wire");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.jsonl"));
    // The record is appended to.
    let _first_run = std::fs::remove_file(&file);
    file
}

/// The simulated vendors on a free port; their address.
pub async fn vendors(record: Option<std::path::PathBuf>) -> (Sandbox, String) {
    let mut options = SandboxOptions::new(Arc::new(|| SystemClock.now().0));
    options.record = record;
    let sandbox = Sandbox::new(options).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
    (sandbox, url)
}

/// Waits until `condition` holds; does `meanwhile` before each look.
pub async fn eventually(
    what: &str,
    mut meanwhile: impl AsyncFnMut(),
    condition: impl Fn() -> bool,
) {
    let waited = tokio::time::timeout(DEADLINE, async {
        loop {
            meanwhile().await;
            if condition() {
                return;
            }
            SystemClock.sleep(model::DurationMs(100)).await;
        }
    });
    assert!(waited.await.is_ok(), "did not come true: {what}");
}
