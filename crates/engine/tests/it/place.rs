//! Where a test's hubs keep things: a SQLite file, or with `CAMPANILE_TEST_STORE=postgres` a database of the test's own.

use std::sync::Arc;

use pgtest::Server;
use store::Store;
use store::postgres::{self, PgStore};
use store::sqlite::{self, SqliteStore};

pub enum Place {
    Folder(tempfile::TempDir),
    Database(String),
}

impl Place {
    pub fn new() -> Place {
        match std::env::var("CAMPANILE_TEST_STORE").as_deref() {
            Ok("postgres") => Place::Database(Server::shared().database().url()),
            Ok("sqlite") | Err(_) => Place::Folder(tempfile::tempdir().unwrap()),
            Ok(other) => panic!("CAMPANILE_TEST_STORE={other}: sqlite or postgres"),
        }
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match self {
            Place::Folder(folder) => {
                let file = folder.path().join("store.sqlite");
                SqliteStore::open(&file, &sqlite::Options::default()).unwrap()
            }
            Place::Database(url) => {
                // Time is the test's, and nobody is to give up while it stands still.
                let options = postgres::Options {
                    clock: false,
                    connections: 6,
                    timeout: std::time::Duration::from_secs(10),
                    ..postgres::Options::default()
                };
                PgStore::open(url, &options).await.unwrap()
            }
        }
    }
}
