//! The data folder and what lies in it: store, key file, admin token.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::{Entropy, Secret};
use wire::KeyRing;

/// A folder that only this user reads.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Opens or makes it.
    pub fn open(path: &Path) -> anyhow::Result<DataDir> {
        if !path.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        }
        Ok(DataDir(path.to_owned()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn store_file(&self) -> PathBuf {
        self.0.join("campanile.sqlite")
    }

    pub fn token_file(&self) -> PathBuf {
        self.0.join("admin-token")
    }

    /// The key that seals secrets: from `CAMPANILE_SEAL_KEY`, or a file that is made at the first start.
    pub fn keys(&self, entropy: &dyn Entropy) -> anyhow::Result<KeyRing> {
        if let Ok(text) = std::env::var("CAMPANILE_SEAL_KEY") {
            return Ok(KeyRing::from_text(&text)?);
        }
        let path = self.0.join("key");
        if !path.exists() && self.store_file().exists() {
            bail!(
                "{} is missing, but {} was sealed with it: put the key file back (or set CAMPANILE_SEAL_KEY)",
                path.display(),
                self.store_file().display()
            );
        }
        let loaded = KeyRing::load_or_create(&path, entropy)?;
        if loaded.created {
            println!(
                "made {}: it seals the secrets in the store; back it up apart from the store",
                path.display()
            );
        }
        Ok(loaded.ring)
    }
}

/// The token of the native API: the configured one, or one that is made at the first start (0600).
pub fn admin_token(
    dir: &DataDir,
    configured: Option<Secret>,
    entropy: &dyn Entropy,
) -> anyhow::Result<Secret> {
    if let Some(token) = configured {
        return Ok(token);
    }
    let path = dir.token_file();
    if path.exists() {
        let mode = fs::metadata(&path)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("{} may be read by others: `chmod 600` it", path.display());
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if text.trim().is_empty() {
            bail!(
                "{} is empty: remove it, and a new token is made",
                path.display()
            );
        }
        return Ok(Secret::new(text.trim()));
    }
    let mut bytes = [0_u8; 24];
    entropy.fill(&mut bytes);
    let token = bytes.iter().fold(String::from("cmp_"), |text, byte| {
        text + &format!("{byte:02x}")
    });
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    println!("made {}: the native API's token", path.display());
    Ok(Secret::new(token))
}
