//! The keys, and the file that holds them.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit as _;
use model::Entropy;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::limits;

pub(super) const KEY_BYTES: usize = 32;
pub(super) const ID_BYTES: usize = 8;

/// A 32-byte key. Its id is derived from it, so that envelopes name their key without giving it away.
#[derive(Clone)]
pub(super) struct Key {
    pub id: [u8; ID_BYTES],
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

/// The key that seals, and older ones that still open.
#[derive(Clone)]
pub struct KeyRing {
    pub(super) current: Key,
    pub(super) older: Vec<Key>,
}

/// A key ring from a file, and whether the file was made just now: then say so, for its loss loses every secret.
#[derive(Debug)]
pub struct LoadedKeys {
    pub ring: KeyRing,
    pub created: bool,
}

/// Why there is no key ring. The operator's to repair; nothing of a key is in the message.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {} cannot be {doing}: {kind}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        kind: std::io::ErrorKind,
    },
    #[error("the key file {} may be read by others (mode {mode:o}): `chmod 600` it", path.display())]
    Mode { path: PathBuf, mode: u32 },
    #[error("key {number} is not 64 hexadecimal digits")]
    Form { number: usize },
    #[error(
        "there is no key: expected 64 hexadecimal digits, the current key first, older ones after it"
    )]
    Empty,
    #[error(
        "there are more than {} keys: re-seal everything and remove the oldest",
        limits::KEYS_MAX
    )]
    TooMany,
}

impl KeyRing {
    /// A ring with one fresh key.
    pub fn generate(entropy: &dyn Entropy) -> KeyRing {
        KeyRing {
            current: Key::generate(entropy),
            older: Vec::new(),
        }
    }

    /// Reads keys of 64 hexadecimal digits, separated by white space or commas, the current one first: the content of
    /// a key file or of an environment value.
    pub fn from_text(text: &str) -> Result<KeyRing, KeyError> {
        let mut keys = Vec::new();
        for part in text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|part| !part.is_empty())
        {
            if keys.len() == limits::KEYS_MAX {
                return Err(KeyError::TooMany);
            }
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            hex::decode_to_slice(part, bytes.as_mut_slice()).map_err(|_| KeyError::Form {
                number: keys.len() + 1,
            })?;
            keys.push(Key::new(bytes));
        }
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }
        let current = keys.remove(0);
        Ok(KeyRing {
            current,
            older: keys,
        })
    }

    /// Reads the key file, or makes one with mode 0600 when there is none. Errors: a file that others may read, or
    /// that does not hold keys; such a file is left as it is.
    pub fn load_or_create(path: &Path, entropy: &dyn Entropy) -> Result<LoadedKeys, KeyError> {
        match File::open(path) {
            Ok(file) => Ok(LoadedKeys {
                ring: read(path, file)?,
                created: false,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let ring = KeyRing::generate(entropy);
                ring.save(path)?;
                Ok(LoadedKeys {
                    ring,
                    created: true,
                })
            }
            Err(error) => Err(file_error(path, "opened")(error)),
        }
    }

    /// Writes the key file: whole, durable, mode 0600, in the place of an older one.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = folder.join(name);
        // One that a crash left behind was never in use.
        let _absent = fs::remove_file(&fresh);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(file_error(&fresh, "made"))?;
        file.write_all(self.text().as_bytes())
            .map_err(file_error(&fresh, "written"))?;
        file.sync_all().map_err(file_error(&fresh, "written"))?;
        fs::rename(&fresh, path).map_err(file_error(path, "written"))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(file_error(folder, "synchronised"))
    }

    /// A ring whose current key is fresh and that still opens what this one does. Save it, then re-seal.
    pub fn rotated(&self, entropy: &dyn Entropy) -> Result<KeyRing, KeyError> {
        let older: Vec<Key> = std::iter::once(&self.current)
            .chain(&self.older)
            .cloned()
            .collect();
        if older.len() == limits::KEYS_MAX {
            Err(KeyError::TooMany)
        } else {
            Ok(KeyRing {
                current: Key::generate(entropy),
                older,
            })
        }
    }

    /// The id of the key that seals, as hexadecimal digits. No secret.
    pub fn current_id(&self) -> String {
        hex::encode(self.current.id)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity((self.older.len() + 1) * 65));
        for key in std::iter::once(&self.current).chain(&self.older) {
            let digits = Zeroizing::new(hex::encode(key.bytes.as_slice()));
            text.push_str(&digits);
            text.push('\n');
        }
        text
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("current", &self.current_id())
            .field("older", &self.older.len())
            .finish()
    }
}

impl Key {
    fn generate(entropy: &dyn Entropy) -> Key {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(bytes.as_mut_slice());
        Key::new(bytes)
    }

    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Key {
        let digest = Sha256::new()
            .chain_update(b"campanile key id\0")
            .chain_update(bytes.as_slice())
            .finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        Key { id, bytes }
    }

    pub fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(
            self.bytes
                .as_slice()
                .try_into()
                .expect("a key has 32 bytes by its type"),
        )
    }
}

fn read(path: &Path, file: File) -> Result<KeyRing, KeyError> {
    let metadata = file.metadata().map_err(file_error(path, "examined"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    let bytes_max = (limits::KEYS_MAX as u64 + 1) * 65;
    let mut text = Zeroizing::new(String::new());
    file.take(bytes_max)
        .read_to_string(&mut text)
        .map_err(file_error(path, "read"))?;
    KeyRing::from_text(&text)
}

fn file_error(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.to_owned();
    move |error| KeyError::File {
        path,
        doing,
        kind: error.kind(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededEntropy;

    #[test]
    fn the_key_file_is_made_once_private_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = KeyRing::load_or_create(&path, &SeededEntropy::new(1)).unwrap();
        assert!(first.created);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let second = KeyRing::load_or_create(&path, &SeededEntropy::new(2)).unwrap();
        assert!(!second.created);
        assert_eq!(first.ring.current_id(), second.ring.current_id());

        second
            .ring
            .rotated(&SeededEntropy::new(3))
            .unwrap()
            .save(&path)
            .unwrap();
        let third = KeyRing::load_or_create(&path, &SeededEntropy::new(4))
            .unwrap()
            .ring;
        let sealed = first
            .ring
            .seal(&SeededEntropy::new(5), b"", b"old")
            .unwrap();
        assert_eq!(third.open(b"", &sealed).unwrap().as_slice(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_file_that_others_may_read_or_of_wrong_length_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let load = || KeyRing::load_or_create(&path, &SeededEntropy::new(1));
        load().unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(load(), Err(KeyError::Mode { mode: found, .. }) if found == mode));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let digits = "ab".repeat(32);
        for bad in [
            String::new(),
            "\n".to_owned(),
            digits[1..].to_owned(),
            format!("{digits}ab"),
            "zz".repeat(32),
            format!("{digits}\nshort"),
        ] {
            fs::write(&path, &bad).unwrap();
            assert!(load().is_err(), "{bad:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }

    #[test]
    fn keys_come_from_an_environment_value_too() {
        let text = format!("{},{}", "ab".repeat(32), "cd".repeat(32));
        let both = KeyRing::from_text(&text).unwrap();
        let second = KeyRing::from_text(&"cd".repeat(32)).unwrap();
        let sealed = second.seal(&SeededEntropy::new(1), b"", b"x").unwrap();
        assert_eq!(both.open(b"", &sealed).unwrap().as_slice(), b"x");
        assert!(matches!(
            KeyRing::from_text(&"ab".repeat(32 * 33)),
            Err(KeyError::Form { number: 1 })
        ));
        assert!(matches!(
            KeyRing::from_text(&format!("{} ", "ab".repeat(32)).repeat(33)),
            Err(KeyError::TooMany)
        ));
    }

    #[test]
    fn i9_no_key_or_secret_is_in_debug_or_errors() {
        let digits = "ab".repeat(32);
        let ring = KeyRing::from_text(&digits).unwrap();
        assert!(!format!("{ring:?}").contains("abab"));
        let error = KeyRing::from_text(&format!("{digits}cd")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("abab"));
    }
}
