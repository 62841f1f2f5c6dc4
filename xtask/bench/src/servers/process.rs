//! One child process: started, waited for, ended with its folder.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use crate::clock::{Stopwatch, pause};
use crate::http::Connection;

/// Longer than any of them takes to start.
const START_SECONDS: f64 = 30.0;
/// Lines of a dead server's log that are shown.
const LAST_LINES: usize = 20;

pub struct Process {
    name: &'static str,
    child: Child,
    folder: PathBuf,
}

impl Process {
    /// What it prints goes to a file in `folder`.
    pub fn start(
        name: &'static str,
        mut command: Command,
        folder: PathBuf,
    ) -> anyhow::Result<Process> {
        let log = File::create(folder.join("log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Process {
            name,
            child,
            folder,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// It has ended, with the end of its log.
    pub fn lives(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        bail!("{} died ({status}); its last words:\n{last}", self.name)
    }

    /// Waits until `path` answers 200.
    pub async fn ready(&mut self, address: SocketAddr, path: &str) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        loop {
            self.lives()?;
            if let Ok(mut connection) = Connection::open(address).await
                && let Ok(reply) = connection.get(path, None).await
                && reply.status == 200
            {
                return Ok(());
            }
            if watch.seconds() > START_SECONDS {
                bail!("{} was not ready within {START_SECONDS} s", self.name);
            }
            pause(20).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its data is thrown away: there is nothing to end in order.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        let _left = super::remove(&self.folder);
    }
}
