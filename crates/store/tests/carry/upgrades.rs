//! Databases of older schemas, as their programs left them, read by this one (`tests/upgrades/README.md`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::AlertId;
use pgtest::Server;
use serde_json::{Value, json};
use store::Store;
use store::postgres::{self, PgStore};
use store::sqlite::{self, SqliteStore};

use crate::dump::run;
use crate::fill::fill;
use crate::read::{assert_same, everything};

/// Each first schema that was ever used; none is ever removed.
const KEPT: [&str; 2] = ["0001", "0002"];

/// Enough for something of everything, and small.
const ALERTS: usize = 9;
const SEED: u64 = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrades")
}

fn expected(name: &str) -> (Vec<AlertId>, Value) {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let mut expected: Value = serde_json::from_str(&text).unwrap();
    let ids = serde_json::from_value(expected["ids"].take()).unwrap();
    (ids, expected["says"].take())
}

#[tokio::test]
async fn every_sqlite_schema_ever_used_reads_back() {
    for schema in KEPT {
        let folder_of_test = tempfile::tempdir().unwrap();
        let path = folder_of_test.path().join("hub.db");
        std::fs::copy(folder().join(format!("sqlite-{schema}.db")), &path).unwrap();
        let store: Arc<dyn Store> = SqliteStore::open(&path, &sqlite::Options::default()).unwrap();
        let (ids, says) = expected(&format!("sqlite-{schema}.json"));
        assert_eq!(ids.len(), says["alerts"].as_array().unwrap().len());
        assert_same(&says, &everything(&store, &ids).await);
    }
}

#[tokio::test]
async fn every_postgresql_schema_ever_used_reads_back() {
    for schema in KEPT {
        let server = Server::shared();
        let database = server.database();
        let dump = std::fs::read(folder().join(format!("postgres-{schema}.sql"))).unwrap();
        load(server, &database.url(), &dump);
        let store = open(&database.url()).await;
        let (ids, says) = expected(&format!("postgres-{schema}.json"));
        assert_eq!(ids.len(), says["alerts"].as_array().unwrap().len());
        assert_same(&says, &everything(&store, &ids).await);
    }
}

fn load(server: &Server, url: &str, dump: &[u8]) {
    let to = format!("--dbname={url}");
    let arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &to];
    run(server, "psql", &arguments, dump);
}

async fn open(url: &str) -> Arc<dyn Store> {
    let options = postgres::Options {
        connections: 2,
        ..postgres::Options::default()
    };
    PgStore::open(url, &options).await.unwrap()
}

async fn write_expected(name: &str, store: &Arc<dyn Store>, ids: &[AlertId]) {
    let value = json!({ "ids": ids, "says": everything(store, ids).await });
    std::fs::write(folder().join(name), format!("{value}\n")).unwrap();
}

/// Makes the newest schema's files, where there are none yet: run once, by hand.
#[tokio::test]
#[ignore = "writes the files that the tests above read; see tests/upgrades/README.md"]
async fn make_the_newest() {
    let schema = KEPT[KEPT.len() - 1];
    let file = folder().join(format!("sqlite-{schema}.db"));
    let dump = folder().join(format!("postgres-{schema}.sql"));
    for path in [&file, &dump] {
        assert!(!path.exists(), "{} is never made again", path.display());
    }

    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("hub.db");
    let open_file =
        || -> Arc<dyn Store> { SqliteStore::open(&path, &sqlite::Options::default()).unwrap() };
    let ids = fill(&open_file(), SEED, ALERTS).await;
    write_expected(&format!("sqlite-{schema}.json"), &open_file(), &ids).await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(raw);
    std::fs::copy(&path, &file).unwrap();

    let server = Server::shared();
    let database = server.database();
    let store = open(&database.url()).await;
    let ids = fill(&store, SEED, ALERTS).await;
    write_expected(&format!("postgres-{schema}.json"), &store, &ids).await;
    let of = format!("--dbname={}", database.url());
    let text = run(
        server,
        "pg_dump",
        &["--no-owner", "--no-comments", &of],
        b"",
    );
    // Without what only tells which pg_dump it was.
    let text = String::from_utf8(text).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("--") && !line.starts_with("\\restrict"))
        .filter(|line| !line.starts_with("\\unrestrict") && !line.is_empty());
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    std::fs::write(&dump, text).unwrap();
}
