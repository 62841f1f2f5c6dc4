//! Debian's Alertmanager as a child process.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::caller::Caller;
use crate::hub::eventually;

/// Killed when dropped.
pub struct Alertmanager {
    child: Child,
    pub url: String,
}

impl Alertmanager {
    /// Starts it with this configuration; returns once it answers.
    pub async fn start(folder: &Path, configuration: &str) -> Alertmanager {
        // It cannot choose a port itself and say which: one that was free a moment ago.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let file = folder.join("alertmanager.yml");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.join("am").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's prometheus-alertmanager is installed by `cargo xtask setup`");
        let started = Alertmanager {
            child,
            url: format!("http://{address}"),
        };
        let answers = std::sync::atomic::AtomicBool::new(false);
        let ask = async || {
            if let Some(mut caller) = Caller::open(&started.url).await {
                let ready = caller.get("/-/ready").await.status == 200;
                answers.store(ready, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let is_ready = || answers.load(std::sync::atomic::Ordering::Relaxed);
        eventually("Alertmanager is ready", ask, is_ready).await;
        started
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // A child that ended by itself cannot be killed, and that is well.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
