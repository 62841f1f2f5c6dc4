//! Where PostgreSQL's programs are, and as whom they run.

use std::path::{Path, PathBuf};

/// Debian keeps the programs of each version in `<version>/bin` here, and off the `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The oldest version that the hub knows.
const OLDEST: u32 = 15;

/// The folder with `postgres`, `initdb`, `pg_ctl` and `psql`: Debian's newest, or what is on the `PATH`.
///
/// Panics if there is none.
pub fn folder() -> PathBuf {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry)))
        .map(|(version, entry)| (version, entry.path().join("bin")))
        .filter(|(version, bin)| *version >= OLDEST && is_there(bin))
        .max();
    if let Some((_, bin)) = newest {
        return bin;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|bin| is_there(bin))
        .unwrap_or_else(|| {
            panic!("no PostgreSQL server of version {OLDEST} or later on this machine: run `cargo xtask setup`")
        })
}

fn is_there(bin: &Path) -> bool {
    ["postgres", "initdb", "pg_ctl", "psql"]
        .iter()
        .all(|program| bin.join(program).is_file())
}

/// A user and a group, as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub user: u32,
    pub group: u32,
}

/// PostgreSQL refuses to run as root: root runs it as Debian's `postgres`, everybody else as themselves (`None`).
///
/// Panics for root if there is no such user.
pub fn account() -> Option<Account> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let root = status
        .lines()
        .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    if !root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(account_of_postgres);
    Some(found.expect("PostgreSQL does not run as root, and there is no user `postgres`: run the tests as another user"))
}

fn account_of_postgres(line: &str) -> Option<Account> {
    let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
    Some(Account {
        user: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::account_of_postgres;

    #[test]
    fn the_account_is_read_from_the_line_of_postgres_only() {
        let found = account_of_postgres("postgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/sh");
        let found = found.map(|account| (account.user, account.group));
        assert_eq!(found, Some((101, 104)));
        assert!(account_of_postgres("postgresx:x:101:104::/:/bin/sh").is_none());
        assert!(account_of_postgres("root:x:0:0:root:/root:/bin/sh").is_none());
    }
}
