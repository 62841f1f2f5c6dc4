//! The schema's versions: migrations, and which programs may work on them.
//!
//! Upgrades are rolling. A step that *expands* (a new table, column, index) leaves programs of the version before at
//! work, so any node may take it at its start. A step that *contracts* takes something away from them: it waits for
//! `campanile admin migrate --contract`, which first tells older nodes to stand aside and waits until they have.

use std::time::Duration;

use tokio_postgres::Client;

use super::connect::Address;
use super::fault::{Fault, Res, said};
use super::{Options, time};
use crate::format::checksum;
use crate::{StoreError, StoreResult};

/// One step; numbered from 1 by its place. A published one never changes, which its checksum in the database proves.
pub(super) struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
    /// Programs that do not know this step may not work on the database once it is taken.
    pub contracts: bool,
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_initial",
        sql: include_str!("../../migrations/postgres/0001_initial.sql"),
        contracts: false,
    },
    Migration {
        name: "0002_silences",
        sql: include_str!("../../migrations/postgres/0002_silences.sql"),
        contracts: false,
    },
];

/// Taken by whoever changes the schema; the number is "campanil" in ASCII.
const LOCK: i64 = 0x6361_6d70_616e_696c;

/// What `meta` calls the number that a program must know to work here.
const NEEDS: &str = "schema.needs";

/// A node that has not been seen for this long has stopped, or stands aside.
const GONE_AFTER: Duration = Duration::from_secs(10);

/// Applies what is missing; names of the steps taken. Without `contract` it stops before the first step that
/// contracts. With it, it waits for older nodes to stand aside first.
///
/// # Errors
/// `Schema` if the database is newer, or was made by a build that was never released; `Unavailable` if it cannot be
/// reached, or older nodes are still at work after half a minute.
pub async fn migrate(url: &str, options: &Options, contract: bool) -> StoreResult<Vec<String>> {
    let address = Address::read(url, options)?;
    let taken = take_all(&address, MIGRATIONS, contract).await;
    taken.map_err(|fault| fault.into_store("(schema)", &"?"))
}

/// Names of the steps that the database lacks.
///
/// # Errors
/// `Unavailable` if it cannot be reached.
pub async fn missing(url: &str, options: &Options) -> StoreResult<Vec<String>> {
    let alone = super::connect::alone(url, options).await?;
    let rows = alone
        .client()
        .query("SELECT name FROM migration", &[])
        .await
        .map_err(|error| super::connect::failed("migration", error))?;
    let taken: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let missing = MIGRATIONS.iter().filter(|step| !taken.contains(&step.name));
    Ok(missing.map(|step| step.name.to_owned()).collect())
}

/// [`migrate`] with another list of steps, for tests.
pub(super) async fn take_all(
    address: &Address,
    known: &[Migration],
    contract: bool,
) -> Res<Vec<String>> {
    let (client, drive) = address.alone(super::wake::drive_alone).await?;
    let taken = under_lock(&client, known, contract).await;
    drive.abort();
    taken
}

async fn under_lock(client: &Client, known: &[Migration], contract: bool) -> Res<Vec<String>> {
    // A migration may wait for locks and build indexes.
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = '60s'")
        .await?;
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .await?;
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS migration (
                number   bigint PRIMARY KEY,
                name     text NOT NULL,
                checksum bigint NOT NULL
            )",
        )
        .await?;
    let applied = client
        .query(
            "SELECT number, name, checksum FROM migration ORDER BY number",
            &[],
        )
        .await?;
    let newest = applied.last().map_or(0, |row| row.get::<_, i64>(0));
    for row in &applied {
        let number: i64 = row.get(0);
        let of = usize::try_from(number - 1)
            .ok()
            .and_then(|at| known.get(at));
        if of.is_some_and(|step| checksum(step.sql) != row.get::<_, i64>(2)) {
            return Err(Fault::Schema(format!(
                "migration {} is not the one that made this database: it was written by a build that was never \
                 released; use that build or a new database",
                row.get::<_, &str>(1)
            )));
        }
    }
    let mut taken = Vec::new();
    for (number, step) in (1i64..).zip(known) {
        if number <= newest {
            continue;
        }
        // Nobody older is at work on a database that is being made.
        if step.contracts && newest > 0 {
            if !contract {
                break;
            }
            wait_for_older(client, number).await?;
        }
        let text = format!(
            "BEGIN; {}; INSERT INTO migration (number, name, checksum) VALUES ({number}, '{}', {}); COMMIT",
            step.sql,
            step.name,
            checksum(step.sql)
        );
        client.batch_execute(&text).await?;
        taken.push(step.name.to_owned());
    }
    Ok(taken)
}

/// Tells nodes that do not know step `number` to stand aside, and waits until none of them is at work.
async fn wait_for_older(client: &Client, number: i64) -> Res<()> {
    client
        .execute(
            "INSERT INTO meta (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            &[&NEEDS, &number.to_string()],
        )
        .await?;
    let gone_after = i64::try_from(GONE_AFTER.as_millis()).unwrap_or(i64::MAX);
    for _ in 0..30 {
        let row = client
            .query_one(
                "SELECT count(*) FROM node WHERE schema < $1
                 AND seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $2",
                &[&number, &gone_after],
            )
            .await?;
        if row.get::<_, i64>(0) == 0 {
            return Ok(());
        }
        time::pause(Duration::from_secs(1)).await;
    }
    Err(Fault::Connect(
        "nodes of an older version are still at work: stop them, then run this again".to_owned(),
    ))
}

/// Whether this program (which knows `known` steps) may work on the database as it is.
pub(super) async fn may_work(client: &Client, known: i64) -> Res<()> {
    let row = client
        .query_opt("SELECT value FROM meta WHERE name = $1", &[&NEEDS])
        .await?;
    let needs = row
        .and_then(|row| row.get::<_, &str>(0).parse().ok())
        .unwrap_or(0);
    match too_old(known, needs) {
        Some(what) => Err(Fault::Schema(what)),
        None => Ok(()),
    }
}

/// The sentence for a program that knows fewer steps than the database needs.
pub(super) fn too_old(known: i64, needs: i64) -> Option<String> {
    (known < needs).then(|| {
        format!(
            "the database was changed for a newer Campanile (it needs schema {needs}, this one knows {known}): \
             this node stands aside; run the newer version"
        )
    })
}

/// Readies an opened database: no unfinished copy in it, and event positions that go on where they were.
///
/// Positions hold transaction numbers, which begin anew where a dump is restored: then what is added to them moves up.
pub(super) async fn ready(client: &Client) -> Res<i64> {
    let row = client
        .query_opt("SELECT value FROM meta WHERE name = 'copy.state'", &[])
        .await?;
    if row.is_some_and(|row| row.get::<_, &str>(0) == "running") {
        return Err(Fault::Schema(
            "the database holds an unfinished copy of another store: run `campanile admin copy` again to its end"
                .to_owned(),
        ));
    }
    client
        .batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})"))
        .await?;
    let row = client
        .query_one(
            "SELECT (SELECT value FROM meta WHERE name = 'store.feed'),
                    (SELECT coalesce(max(pos), 0) >> 20 FROM event),
                    pg_current_xact_id()::text::bigint",
            &[],
        )
        .await?;
    let added: i64 = row
        .get::<_, Option<&str>>(0)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let (highest, current): (i64, i64) = (row.get(1), row.get(2));
    let added = match added + current > highest {
        true => added,
        false => highest - current + 1,
    };
    client
        .execute(
            "INSERT INTO meta (name, value) VALUES ('store.feed', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            &[&added.to_string()],
        )
        .await?;
    client.batch_execute("COMMIT").await?;
    Ok(added)
}

/// Opens the database: takes the steps that expand, and looks whether this program may work on it.
pub(super) async fn open(address: &Address, options: &Options) -> StoreResult<i64> {
    let opened = async {
        if options.migrate {
            take_all(address, MIGRATIONS, false).await?;
        }
        let (client, drive) = address.alone(super::wake::drive_alone).await?;
        let ready = async {
            may_work(&client, known()).await?;
            ready(&client).await
        };
        let ready = ready.await;
        drive.abort();
        ready
    };
    opened.await.map_err(|fault| match fault {
        Fault::Sql(error) => StoreError::Unavailable {
            what: format!("cannot open the PostgreSQL database: {}", said(&error)),
        },
        other => other.into_store("(schema)", &"?"),
    })
}

/// How many steps this program knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use pgtest::{Database, Server};

    use super::*;
    use crate::Store;
    use crate::postgres::PgStore;
    use model::{NodeId, Timestamp};

    const EXPANDS: Migration = Migration {
        name: "next_expands",
        sql: "ALTER TABLE alert ADD COLUMN mood text; CREATE TABLE more (x bigint)",
        contracts: false,
    };
    const CONTRACTS: Migration = Migration {
        name: "next_contracts",
        sql: "DROP TABLE more",
        contracts: true,
    };

    /// The published steps, and then these.
    fn and<const N: usize>(next: [Migration; N]) -> Vec<Migration> {
        let published = MIGRATIONS.iter().map(|step| Migration {
            name: step.name,
            sql: step.sql,
            contracts: step.contracts,
        });
        published.chain(next).collect()
    }

    async fn take(
        database: &Database<'_>,
        known: &[Migration],
        contract: bool,
    ) -> Res<Vec<String>> {
        let address = Address::read(&database.url(), &Options::default()).unwrap();
        take_all(&address, known, contract).await
    }

    #[tokio::test]
    async fn a_node_of_the_version_before_works_on_after_an_expansion_and_starts_again() {
        let database = Server::shared().database();
        let older = PgStore::open(&database.url(), &Options::default())
            .await
            .unwrap();
        older.start(NodeId(1), Timestamp(1)).await.unwrap();
        let taken = take(&database, &and([EXPANDS, CONTRACTS]), false)
            .await
            .unwrap();
        assert_eq!(
            taken,
            ["next_expands"],
            "what contracts waits to be asked for"
        );
        older.set_meta("walks", "[]").await.unwrap();
        assert!(older.live_alerts(None, 10).await.is_ok());
        let again = PgStore::open(&database.url(), &Options::default())
            .await
            .unwrap();
        assert_eq!(again.meta("walks").await.unwrap().as_deref(), Some("[]"));
    }

    #[tokio::test]
    async fn a_contraction_waits_until_older_nodes_stand_aside() {
        let database = Server::shared().database();
        let older = PgStore::open(&database.url(), &Options::default())
            .await
            .unwrap();
        older.start(NodeId(1), Timestamp(1)).await.unwrap();
        let taken = take(&database, &and([EXPANDS, CONTRACTS]), true)
            .await
            .unwrap();
        assert_eq!(taken, ["next_expands", "next_contracts"]);
        let error = older.live_alerts(None, 10).await.unwrap_err();
        assert!(matches!(error, StoreError::Schema { .. }), "{error}");
        assert!(error.to_string().contains("stands aside"), "{error}");
        let error = PgStore::open(&database.url(), &Options::default())
            .await
            .err();
        assert!(
            matches!(error, Some(StoreError::Schema { .. })),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_new_database_takes_every_step_at_once() {
        let database = Server::shared().database();
        let all = and([EXPANDS, CONTRACTS]);
        let taken = take(&database, &all, false).await.unwrap();
        assert_eq!(taken.len(), all.len());
        assert_eq!(take(&database, &all, true).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_step_that_was_changed_is_refused_and_one_that_fails_leaves_nothing() {
        let database = Server::shared().database();
        take(&database, &and([EXPANDS]), false).await.unwrap();
        let edited = Migration {
            sql: "CREATE TABLE other (x bigint)",
            ..EXPANDS
        };
        match take(&database, &and([edited]), false).await {
            Err(Fault::Schema(what)) => assert!(what.contains("next_expands"), "{what}"),
            other => panic!("{other:?}"),
        }
        let fails = Migration {
            name: "next_fails",
            sql: "CREATE TABLE half (x bigint); SELECT nonsense",
            contracts: false,
        };
        assert!(
            take(&database, &and([EXPANDS, fails]), false)
                .await
                .is_err()
        );
        assert_eq!(
            database.sql("SELECT to_regclass('half') IS NULL").trim(),
            "t"
        );
    }
}
