//! Where a store is.

use std::fmt;
use std::path::PathBuf;

/// An address as `--store` takes it. PostgreSQL's holds a password: it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAddress {
    Sqlite(PathBuf),
    Postgres(String),
}

impl StoreAddress {
    /// `sqlite:PATH`, `postgres://…` or `postgresql://…`. The error does not repeat the text.
    pub fn read(text: &str) -> Result<StoreAddress, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("sqlite: needs a path, such as sqlite:data/campanile.sqlite".to_owned());
            }
            return Ok(StoreAddress::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(StoreAddress::Postgres(text.to_owned()));
        }
        Err("expected sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned())
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreAddress::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreAddress::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_i9_a_password_is_not_shown() {
        for (text, path) in [
            ("sqlite:data/a.db", "data/a.db"),
            ("sqlite:/a.db", "/a.db"),
            ("sqlite:///a.db", "/a.db"),
        ] {
            assert_eq!(
                StoreAddress::read(text),
                Ok(StoreAddress::Sqlite(path.into()))
            );
        }
        let secret = "postgres://u:geheim@h/d";
        let address = StoreAddress::read(secret).unwrap();
        assert_eq!(address, StoreAddress::Postgres(secret.into()));
        assert!(!format!("{address:?}").contains("geheim"));
        for bad in ["mysql://u:geheim@h/d", "data/a.db", "sqlite:", ""] {
            let error = StoreAddress::read(bad).unwrap_err();
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
