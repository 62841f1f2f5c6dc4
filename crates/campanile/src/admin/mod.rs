//! Work on a store, beside the hub: `copy`, `backup`, `restore`, `migrate`. The store crate does it; here it is asked
//! for, and said.

mod address;
mod meter;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use model::Clock;
use serde::Serialize;
use store::copy::{CopyOptions, CopyReport};
use store::{Listener, Progress, StoreResult, postgres, sqlite};

use crate::cli::{AdminArgs, AdminCommand};
use crate::client::{Column, table};
pub use address::StoreAddress;
use meter::{Meter, grouped};

/// What back-up, restore and copy say of a store of the wrong kind.
const DUMP: &str = "PostgreSQL's own tools back it up and restore it (pg_dump, pg_restore); docs/operations.md has the commands";

/// Does what was asked and prints the result to `out`; progress goes to standard error.
pub async fn run(
    args: AdminArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let json = args.json;
    match args.command {
        AdminCommand::Copy { from, to } => copy(&from, &to, clock, json, out).await,
        AdminCommand::Backup { store, to } => {
            let StoreAddress::Sqlite(from) = store.store else {
                bail!("`admin backup` writes SQLite stores; {DUMP}");
            };
            let report = file(from.clone(), to.clone(), clock, sqlite::backup).await?;
            let said = format!(
                "{} is a whole and checked copy of {}.\nThe sealing key is not in it: keep `key` of the data folder (or CAMPANILE_SEAL_KEY) too, in another place.\n",
                to.display(),
                from.display()
            );
            print_file(&report, &said, json, out)
        }
        AdminCommand::Restore { from, store } => {
            let StoreAddress::Sqlite(to) = store.store else {
                bail!("`admin restore` makes SQLite stores; {DUMP}");
            };
            let report = file(from.clone(), to.clone(), clock, sqlite::restore).await?;
            let said = format!(
                "{} is restored from {}.\nNext: start the hub on it, with the sealing key of that time.\n",
                to.display(),
                from.display()
            );
            print_file(&report, &said, json, out)
        }
        AdminCommand::Migrate { store, contract } => {
            migrate(store.store, contract, json, out).await
        }
    }
}

async fn copy(
    from: &StoreAddress,
    to: &StoreAddress,
    clock: Arc<dyn Clock>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (StoreAddress::Sqlite(from), StoreAddress::Postgres(to)) = (from, to) else {
        bail!("`admin copy` goes from sqlite:PATH to postgres://…, and no other way");
    };
    let meter = Meter::new(clock, "rows");
    let copied = store::copy::copy(from, to, &CopyOptions::default(), &|progress| {
        meter.heard(progress);
    })
    .await;
    meter.end();
    let report = copied?;
    let differences = report.differences();
    if json {
        writeln!(
            out,
            "{:#}",
            serde_json::json!({ "agrees": differences.is_empty(), "differences": differences, "copy": report })
        )?;
    } else {
        out.write_all(copy_in_words(&report).as_bytes())?;
    }
    out.flush()?;
    if !differences.is_empty() {
        bail!(
            "the copy differs from its source in {}: somebody changed the target meanwhile, or this is our fault. \
             The target cannot be used: empty it and run the copy again; the source is as it was",
            differences.join(", ")
        );
    }
    Ok(())
}

fn copy_in_words(report: &CopyReport) -> String {
    let columns = [
        ("TABLE", 12),
        ("SOURCE", 14),
        ("TARGET", 14),
        ("SUM IN SOURCE", 16),
        ("SUM IN TARGET", 16),
        ("", 10),
    ];
    let columns = columns.map(|(head, width_max)| Column { head, width_max });
    let rows: Vec<Vec<String>> = (report.tables.iter())
        .map(|table| {
            vec![
                table.table.to_owned(),
                grouped(table.source_rows),
                grouped(table.target_rows),
                table.source_sum.clone(),
                table.target_sum.clone(),
                if table.agrees() { "same" } else { "DIFFERS" }.to_owned(),
            ]
        })
        .collect();
    let mut text = table(&columns, &rows);
    if !report.differences().is_empty() {
        return text;
    }
    if report.resumed {
        text.push_str("It went on with a copy that was cut short.\n");
    }
    if report.unclean {
        text.push_str(
            "The last hub on the source was killed: what may have been on its way then is in doubt, and the first hub on the target looks into it.\n",
        );
    }
    text.push_str(
        "All of it is there. Next: start hubs on the target with the same configuration and the same sealing key.\n\
         Never start one on the source again: both would tell the same people.\n",
    );
    text
}

type Carry = fn(&Path, &Path, Listener<'_>) -> StoreResult<sqlite::FileReport>;

/// Runs what reads and writes files on a thread that may wait for them.
async fn file(
    from: PathBuf,
    to: PathBuf,
    clock: Arc<dyn Clock>,
    carry: Carry,
) -> anyhow::Result<sqlite::FileReport> {
    let done = tokio::task::spawn_blocking(move || {
        let meter = Meter::new(clock, "pages");
        let done = carry(&from, &to, &|progress: Progress| meter.heard(progress));
        meter.end();
        done
    });
    Ok(done.await??)
}

fn print_file(
    report: &sqlite::FileReport,
    said: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if json {
        return print_json(report, out);
    }
    let columns = [("TABLE", 20), ("ROWS", 20)];
    let columns = columns.map(|(head, width_max)| Column { head, width_max });
    let rows: Vec<Vec<String>> = (report.tables.iter())
        .map(|(name, rows)| vec![name.clone(), grouped(*rows)])
        .collect();
    out.write_all(table(&columns, &rows).as_bytes())?;
    writeln!(
        out,
        "{} bytes, schema {}.",
        grouped(report.bytes),
        report.schema
    )?;
    out.write_all(said.as_bytes())?;
    Ok(())
}

fn print_json(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{:#}", serde_json::to_value(value)?)?;
    Ok(())
}

async fn migrate(
    store: StoreAddress,
    contract: bool,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (applied, left) = match store {
        // One process works on a file: no older node has to live with anything.
        StoreAddress::Sqlite(path) => {
            let options = sqlite::Options::default();
            let applied = tokio::task::spawn_blocking(move || sqlite::migrate(&path, &options));
            (applied.await??, Vec::new())
        }
        StoreAddress::Postgres(url) => {
            let options = postgres::Options::default();
            let applied = postgres::migrate(&url, &options, contract).await?;
            (applied, postgres::missing(&url, &options).await?)
        }
    };
    if json {
        return print_json(
            &serde_json::json!({ "applied": applied, "left": left }),
            out,
        );
    }
    match applied.as_slice() {
        [] => writeln!(out, "Nothing was to be applied.")?,
        names => writeln!(out, "Applied: {}.", names.join(", "))?,
    }
    match left.as_slice() {
        [] => writeln!(
            out,
            "The schema is this version's. Next: start (or go on starting) nodes of this version."
        )?,
        names => writeln!(
            out,
            "Left: {}; older nodes cannot live with it. Next: bring every node to this version, then run this again with --contract.",
            names.join(", ")
        )?,
    }
    Ok(())
}
