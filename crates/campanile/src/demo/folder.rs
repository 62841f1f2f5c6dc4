//! Where the demo keeps its data: a folder that the next demo finds and clears if this one was killed (C10).

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub struct DemoFolder {
    path: PathBuf,
    /// Somebody named the folder: it is not removed.
    named: bool,
    /// Held while the demo runs; the system lets go of it when the process ends, however it ends.
    _lock: fs::File,
}

impl DemoFolder {
    /// The named folder, or a temporary one. Left-overs of a demo that was killed are cleared.
    pub fn open(named: Option<PathBuf>) -> anyhow::Result<DemoFolder> {
        if let Some(path) = named {
            make(&path)?;
            let lock =
                lock(&path)?.with_context(|| format!("another demo uses {}", path.display()))?;
            return Ok(DemoFolder {
                path,
                named: true,
                _lock: lock,
            });
        }
        let base = std::env::temp_dir();
        // One for each demo that runs at the same time.
        for number in 0..100 {
            let path = base.join(format!(
                "campanile-demo-{}-{number}",
                rustix::process::getuid().as_raw()
            ));
            make(&path)?;
            let Some(lock) = lock(&path)? else { continue };
            clear(&path)?;
            return Ok(DemoFolder {
                path,
                named: false,
                _lock: lock,
            });
        }
        anyhow::bail!("a hundred demos run already; name a folder with --data-dir")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, unless somebody named it.
    pub fn remove(&self) {
        if !self.named
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            println!(
                "{} could not be removed ({error}); the next demo clears it",
                self.path.display()
            );
        }
    }
}

const LOCK: &str = "demo.lock";

fn make(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// `None`: another process has it.
fn lock(path: &Path) -> anyhow::Result<Option<fs::File>> {
    let file = fs::File::create(path.join(LOCK))
        .with_context(|| format!("cannot write in {}", path.display()))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn clear(path: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.with_context(|| {
            format!("cannot clear {} of an earlier demo", entry.path().display())
        })?;
    }
    Ok(())
}
