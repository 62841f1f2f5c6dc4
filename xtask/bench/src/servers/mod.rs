//! The servers that are measured, each a process of its own in a folder of its own, fresh for every phase.

mod alertmanager;
mod bare;
mod campanile;
mod list;
mod process;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use alertmanager::version as alertmanager_version;
pub use bare::serve as serve_bare;
use process::Process;

use crate::http::Connection;
use crate::usage::Usage;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Alertmanager,
    Campanile,
    /// An endpoint that reads and says 200: what HTTP alone costs.
    Bare,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Alertmanager => "Alertmanager",
            Kind::Campanile => "Campanile",
            Kind::Bare => "bare endpoint",
        }
    }
}

/// Whom the server tells.
#[derive(Clone, Copy, Debug)]
pub enum Telling {
    /// Nobody; alerts are grouped.
    Nobody,
    /// Each alert is one webhook to this address.
    Each(SocketAddr),
    /// So many receivers, each for the alerts of one team; all at this address.
    Teams(SocketAddr, usize),
}

/// Where programs are and folders may be made.
pub struct Places {
    /// The folder of our release binaries.
    pub binaries: PathBuf,
    /// For configuration and data.
    pub data: PathBuf,
}

/// A server that runs; it ends with this value.
pub struct Server {
    pub kind: Kind,
    pub address: SocketAddr,
    process: Process,
}

impl Server {
    /// Starts one on a fresh folder and waits until it takes alerts.
    pub async fn start(kind: Kind, telling: Telling, places: &Places) -> anyhow::Result<Server> {
        let folder = places.data.join("server");
        remove(&folder)?;
        std::fs::create_dir_all(&folder)?;
        let address = free_address()?;
        let command = match kind {
            Kind::Alertmanager => alertmanager::command(&folder, address, telling)?,
            Kind::Campanile => campanile::command(&places.binaries, &folder, address, telling)?,
            Kind::Bare => bare::command(address)?,
        };
        let mut process = Process::start(kind.name(), command, folder)?;
        process.ready(address, kind.ready_path()).await?;
        Ok(Server {
            kind,
            address,
            process,
        })
    }

    /// Where alerts are posted.
    pub fn path(&self) -> &'static str {
        match self.kind {
            Kind::Alertmanager => alertmanager::PATH,
            Kind::Campanile => campanile::PATH,
            Kind::Bare => "/",
        }
    }

    /// # Errors
    /// It has ended, with the end of its log.
    pub fn lives(&mut self) -> anyhow::Result<()> {
        self.process.lives()
    }

    pub fn usage(&mut self) -> anyhow::Result<Usage> {
        self.lives()?;
        Usage::of(self.process.pid())
    }

    /// Fails unless the server's own API lists exactly the alerts 0 to `count`.
    pub async fn holds(&mut self, count: usize) -> anyhow::Result<()> {
        self.lives()?;
        match self.kind {
            Kind::Alertmanager => alertmanager::holds(self.address, count).await,
            Kind::Campanile => campanile::holds(self.address, count).await,
            Kind::Bare => Ok(()),
        }
    }

    /// As [`Server::holds`], by its own count alone: for a million alerts.
    pub async fn counts(&mut self, count: usize) -> anyhow::Result<()> {
        self.lives()?;
        match self.kind {
            Kind::Alertmanager => alertmanager::counts(self.address, count).await,
            Kind::Campanile => campanile::counts(self.address, count).await,
            Kind::Bare => Ok(()),
        }
    }

    /// Fails unless each alert was repeated so often and ends at `ends_at`.
    pub async fn repeated(
        &mut self,
        count: usize,
        passes: usize,
        ends_at: jiff::Timestamp,
    ) -> anyhow::Result<()> {
        self.lives()?;
        match self.kind {
            Kind::Alertmanager => alertmanager::repeated(self.address, count, ends_at).await,
            Kind::Campanile => campanile::repeated(self.address, count, passes, ends_at).await,
            Kind::Bare => Ok(()),
        }
    }
}

impl Kind {
    fn ready_path(self) -> &'static str {
        match self {
            Kind::Alertmanager => "/-/ready",
            Kind::Campanile => "/readyz",
            Kind::Bare => "/",
        }
    }
}

/// An address of this machine that nobody uses just now.
fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}

pub fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A page of the server's, which must be there.
async fn page(address: SocketAddr, path: &str, token: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let reply = Connection::open(address).await?.get(path, token).await?;
    if reply.status != 200 {
        let said = String::from_utf8_lossy(&reply.body);
        anyhow::bail!("{path} answered {}: {}", reply.status, said.trim());
    }
    Ok(reply.body)
}

/// One line of a `/metrics` page.
async fn metric(address: SocketAddr, line: &str) -> anyhow::Result<Option<f64>> {
    let page = page(address, "/metrics", None).await?;
    let page = String::from_utf8_lossy(&page);
    let found = page.lines().find_map(|l| l.strip_prefix(line));
    Ok(found.and_then(|value| value.trim().parse().ok()))
}
