//! The binary as a child process, on one folder through all its lives.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::pause;
use crate::plan::Kill;
use crate::sender::{KEYS, Load};
use crate::vendors::{CHANNEL, SECRET, SLACK_TOKEN, WEBHOOK_PATH};

pub const TOKEN: &str = "kill-test-admin-token-0123456789";
/// Longer than a start or a stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Data, configuration and logs.
pub struct Folder {
    folder: TempDir,
    starts: AtomicUsize,
}

impl Folder {
    pub fn new(vendors: &str) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let [reopening, episodes] = KEYS;
        let yaml = format!(
            r##"
server: {{ data_dir: "{data}", admin_token: "{TOKEN}", external_url: "http://hub.example" }}
egress: {{ allow: ["127.0.0.0/8"] }}
projects:
  - name: kills
    sources:
      - {{ name: reopening, dialect: generic, key: "{reopening}", settings: {{ reopen_window: 24h, update_interval: 3s }} }}
      - {{ name: episodes, dialect: generic, key: "{episodes}", settings: {{ update_interval: 3s }} }}
    integrations:
      - name: slack
        sink: slack
        settings: {{ channel: "{CHANNEL}", token: "{SLACK_TOKEN}", base_url: "{vendors}/slack", messages_per_second: 500 }}
        policy: {{ edit_interval: 10s }}
      - name: webhook
        sink: webhook
        settings: {{ url: "{vendors}/webhook{WEBHOOK_PATH}", secret: "{SECRET}" }}
"##,
            data = folder.path().join("data").display(),
        );
        std::fs::write(folder.path().join("hub.yaml"), yaml).unwrap();
        // Under a name of its own: whoever ends `campanile` by name on this machine means another one.
        let binary = env!("CARGO_BIN_EXE_campanile");
        std::os::unix::fs::symlink(binary, folder.path().join("hub-to-kill")).unwrap();
        Folder {
            folder,
            starts: AtomicUsize::new(0),
        }
    }

    pub fn start(&self, crash_at: Option<String>) -> Hub {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let log = File::create(self.folder.path().join(format!("{number:03}.log"))).unwrap();
        let mut command = Command::new(self.folder.path().join("hub-to-kill"));
        // A port of its own each time: a port that was free a moment ago may be another's by now.
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.folder.path().join("hub.yaml"))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if let Ok(level) = std::env::var("CAMPANILE_LOG") {
            command.env("CAMPANILE_LOG", level);
        }
        if let Some(crash_at) = crash_at {
            command.env("CAMPANILE_CRASH_AT", crash_at);
        }
        let mut child = command.spawn().unwrap();
        let (found, address) = watch::channel(None);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Goes on to the end: a hub whose output nobody reads would stand still.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, url)) = line.split_once("listens on http://") {
                    found.send_replace(Some(url.trim().parse::<SocketAddr>().unwrap()));
                }
            }
        });
        Hub { child, address }
    }

    /// Lines of the hubs' logs that must not be there.
    pub fn log_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for number in 0..self.starts.load(Ordering::Relaxed) {
            let path = self.folder.path().join(format!("{number:03}.log"));
            let log = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
            let bad = |line: &&str| line.contains(" ERROR ") || line.contains("panicked");
            let bad = log.lines().filter(bad).take(5);
            problems.extend(bad.map(|line| format!("log {number:03}: {line}")));
        }
        problems
    }
}

impl Drop for Folder {
    /// A failed run leaves its folder for whoever looks into it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("data and logs are in {}", self.folder.path().display());
            self.folder.disable_cleanup(true);
        }
    }
}

/// One life of the hub.
pub struct Hub {
    child: Child,
    address: watch::Receiver<Option<SocketAddr>>,
}

/// What the hub was doing when it was killed.
#[derive(Clone, Copy, PartialEq)]
pub enum Moment {
    Starting,
    Running,
}

impl Hub {
    /// Where it listens, once it does.
    pub async fn address(&self) -> SocketAddr {
        let mut address = self.address.clone();
        let listening = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some));
        let found = listening.await.expect("the hub did not listen in time");
        (*found.expect("the hub ended before it listened")).unwrap()
    }

    /// Lets senders at it until it was killed.
    pub async fn run_until_killed(mut self, kill: &Kill, load: &Load) -> Moment {
        let mut address = self.address.clone();
        // Ends with an error if it dies before it listens.
        let listens = async {
            let found = address.wait_for(Option::is_some).await.ok()?;
            *found
        };
        if let Kill::Starting(ms) = kill {
            pause(i64::try_from(*ms).unwrap()).await;
        } else if let Some(at) = tokio::time::timeout(PATIENCE, listens).await.unwrap() {
            load.send_to(Some(at));
            if let Kill::Running(ms) = kill {
                pause(i64::try_from(*ms).unwrap()).await;
            }
        }
        if !matches!(kill, Kill::At(..)) {
            // Only a hub that ended by itself cannot be killed; its status tells.
            let _gone = self.child.start_kill();
        }
        let status = self.ended().await;
        load.send_to(None);
        assert_eq!(status.signal(), Some(SIGKILL), "{kill:?}: {status}");
        match *self.address.borrow() {
            Some(_) => Moment::Running,
            None => Moment::Starting,
        }
    }

    /// Asks it to stop; what was wrong with how it did.
    pub async fn stop(&mut self) -> Option<String> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()?).ok()?)?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.ended().await;
        (!status.success())
            .then(|| format!("asked to stop ({SIGTERM}), the hub ended with {status}"))
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the hub did not end in time").unwrap()
    }
}
