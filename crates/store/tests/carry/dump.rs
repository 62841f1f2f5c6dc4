//! PostgreSQL's own back-up: what docs/operations.md says to type, typed.

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

use model::NodeId;
use pgtest::{Database, Durability, Server};
use store::Store;
use store::postgres::{Options, PgStore};

use crate::fill::fill;
use crate::make::{alert, at, commit, opening};
use crate::read::{assert_same, everything};

async fn open(database: &Database<'_>) -> Arc<dyn Store> {
    let options = Options {
        connections: 2,
        ..Options::default()
    };
    PgStore::open(&database.url(), &options).await.unwrap()
}

/// What the program prints, with `input` for it to read.
pub fn run(server: &Server, program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = server.program(program);
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    writing.join().unwrap().unwrap();
    output.stdout
}

#[tokio::test]
async fn a_dump_restored_into_a_new_server_has_every_row_and_new_events_come_after_the_old() {
    let old = Server::start(Durability::Fast);
    let source = old.database();
    let store = open(&source).await;
    // A server with a past: its transaction numbers are far beyond a new one's.
    source.sql(
        "DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
    );
    let ids = fill(&store, 21, 300).await;
    let before = everything(&store, &ids).await;
    let feed_end = store.feed_end().await.unwrap();

    let of = format!("--dbname={}", source.url());
    // The hub is at work while it is dumped.
    let custom = run(&old, "pg_dump", &["--format=custom", &of], b"");
    let plain = run(&old, "pg_dump", &["--no-owner", &of], b"");
    drop(store);

    let new = Server::start(Durability::Fast);
    let (one, two) = (new.database(), new.database());
    let to = format!("--dbname={}", one.url());
    run(
        &new,
        "pg_restore",
        &["--no-owner", "--exit-on-error", "--single-transaction", &to],
        &custom,
    );
    let to = format!("--dbname={}", two.url());
    run(
        &new,
        "psql",
        &["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &to],
        &plain,
    );
    for (restored, n) in [(one, 1), (two, 2)] {
        let number: u64 = restored
            .sql("SELECT pg_current_xact_id()::text::bigint")
            .parse()
            .unwrap();
        assert!(number < feed_end >> 20, "{number}: it begins anew there");
        let store = open(&restored).await;
        assert_same(&before, &everything(&store, &ids).await);
        let started = store.start(NodeId(9), at(0)).await.unwrap();
        assert!(!started.first, "{started:?}");
        commit(&store, opening(&alert(n))).await.unwrap();
        let after = store.feed(feed_end, 10).await.unwrap();
        assert_eq!(after.len(), 1, "{after:?}");
        assert_eq!(after[0].1.alert, alert(n).id);
        assert!(store.feed_end().await.unwrap() > feed_end);
    }
}
