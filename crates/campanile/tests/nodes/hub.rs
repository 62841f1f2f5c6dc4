//! One node: the binary as a child process, in a folder of its own through all its lives.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

pub const TOKEN: &str = "nodes-test-admin-token-0123456789";
/// Longer than a start or a stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Node {
    folder: PathBuf,
    config: PathBuf,
    store: String,
    lives: usize,
    child: Option<Child>,
}

impl Node {
    /// Not running yet. `store` is the database's URL.
    pub fn new(folder: PathBuf, config: PathBuf, store: String) -> Node {
        std::fs::create_dir(&folder).unwrap();
        Node {
            folder,
            config,
            store,
            lives: 0,
            child: None,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The file with the key that seals secrets in the store; there once the node has run.
    pub fn key_file(&self) -> PathBuf {
        self.data().join("key")
    }

    /// All nodes of a database have the same key.
    pub fn take_key(&self, from: &Path) {
        use std::os::unix::fs::DirBuilderExt;
        let folder = std::fs::DirBuilder::new().mode(0o700).create(self.data());
        folder.unwrap();
        std::fs::copy(from, self.key_file()).unwrap();
    }

    /// Starts the process; returns where it listens, once it does. Panics if it ends before.
    pub async fn start(&mut self) -> SocketAddr {
        let log = File::create(self.log(self.lives)).unwrap();
        self.lives += 1;
        let mut child = Command::new(env!("CARGO_BIN_EXE_campanile"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&self.config)
            .arg("--data-dir")
            .arg(self.data())
            .args(["--store", &self.store])
            .env_clear()
            .envs(std::env::var("CAMPANILE_LOG").map(|level| ("CAMPANILE_LOG", level)))
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (found, mut address) = watch::channel(None);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Goes on to the end: a hub whose output nobody reads would stand still.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, url)) = line.split_once("listens on http://") {
                    found.send_replace(Some(url.trim().parse::<SocketAddr>().unwrap()));
                }
            }
        });
        self.child = Some(child);
        let listening = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        match listening.expect("the node did not listen in time") {
            Ok(address) => (*address).unwrap(),
            Err(_) => panic!("the node ended before it listened: {}", self.last_words()),
        }
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }

    /// It stands still: connections stay, time passes without it.
    pub fn stand_still(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop; how it ended.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        self.child.as_ref()?;
        self.signal(Signal::TERM);
        let mut child = self.child.take()?;
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        Some(ended.expect("the node did not stop in time").unwrap())
    }

    /// Whether it runs, in the life that it was given.
    pub fn runs(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id).unwrap();
        let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Lines of its logs that must not be there.
    pub fn log_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for life in 0..self.lives {
            let path = self.log(life);
            let log = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let bad = |line: &&str| line.contains(" ERROR ") || line.contains("panicked");
            let bad = log.lines().filter(bad).take(5);
            problems.extend(bad.map(|line| format!("{}: {line}", path.display())));
        }
        problems
    }

    fn last_words(&self) -> String {
        let log = std::fs::read(self.log(self.lives - 1)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn log(&self, life: usize) -> PathBuf {
        self.folder.join(format!("{life}.log"))
    }
}
