//! What the command line understands.

use clap::{CommandFactory, Parser};
use model::{DurationMs, Severity, Status};

use super::run::Stress;
use super::{AlertsCommand, Cli, Command};

fn parse(line: &str) -> Result<Command, String> {
    let words = std::iter::once("campanile").chain(line.split_whitespace());
    Cli::try_parse_from(words)
        .map(|cli| cli.command)
        .map_err(|error| error.to_string())
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_has_an_environment_twin() {
    fn walk(command: &clap::Command, path: &str) {
        for arg in command.get_arguments() {
            if let Some(long) = arg.get_long()
                && !matches!(long, "help" | "version")
            {
                let env = arg
                    .get_env()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                assert!(env.starts_with("CAMPANILE_"), "{path} --{long} has no twin");
            }
        }
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path} {}", sub.get_name()));
        }
    }
    walk(&Cli::command(), "campanile");
}

#[test]
fn i9_help_shows_no_secret_of_the_environment() {
    fn walk(command: &clap::Command) {
        for arg in command.get_arguments() {
            let name = arg.get_id().as_str();
            if ["token", "key", "url", "store"].contains(&name)
                || (command.get_name() == "copy" && ["from", "to"].contains(&name))
            {
                assert!(
                    arg.is_hide_env_values_set(),
                    "{} {name}",
                    command.get_name()
                );
            }
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}

#[test]
fn serve_takes_the_four_flags_of_the_design() {
    let line =
        "serve --config c.yaml --data-dir d --listen 127.0.0.1:0 --store postgres://u:pw@h/db";
    let Ok(Command::Serve(options)) = parse(line) else {
        panic!("{line}")
    };
    assert_eq!(options.config.unwrap().to_str(), Some("c.yaml"));
    assert_eq!(options.data_dir.unwrap().to_str(), Some("d"));
    assert_eq!(options.listen.unwrap().port(), 0);
    assert_eq!(options.store.as_deref(), Some("postgres://u:pw@h/db"));
    assert!(parse("serve").is_ok());
    assert!(parse("serve --listen 8080").is_err());
}

#[test]
fn demo_and_sandbox_read_their_flags() {
    let Ok(Command::Demo(demo)) = parse("demo --stress disk --plan --for 1h30m") else {
        panic!("demo")
    };
    assert_eq!(
        (demo.stress, demo.plan, demo.lasting),
        (Some(Stress::Disk), true, Some(DurationMs::from_mins(90)))
    );
    assert!(
        parse("demo --for soon")
            .unwrap_err()
            .contains("not a duration")
    );
    let Ok(Command::Sandbox(sandbox)) =
        parse("sandbox --listen 127.0.0.1:9 --record r.jsonl --no-limits")
    else {
        panic!("sandbox")
    };
    assert!(sandbox.no_limits && sandbox.record.is_some());
}

#[test]
fn send_needs_somewhere_to_send_to() {
    let Ok(Command::Send(send)) =
        parse("send --key k --event e --severity major --label a=b --label c=d=e --resolve")
    else {
        panic!("send")
    };
    assert_eq!(send.severity, Some(Severity::Major));
    assert_eq!(
        send.labels,
        [("a".into(), "b".into()), ("c".into(), "d=e".into())]
    );
    assert!(send.resolve);
    assert!(!format!("{send:?}").contains("\"k\""), "{send:?}");
    for bad in [
        "send --event e",
        "send --key k",
        "send --key k --event e --severity bad",
        "send --key k --event e --label x",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn alerts_are_named_by_id_or_by_key() {
    let alerts = |line: &str| match parse(line) {
        Ok(Command::Alerts(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    let AlertsCommand::Ack { one, lasting } =
        alerts("alerts ack 0190ab --for 2h --by ann --note looking").command
    else {
        panic!("ack")
    };
    assert_eq!(
        (one.which.id.as_deref(), one.by.as_deref()),
        (Some("0190ab"), Some("ann"))
    );
    assert_eq!(lasting, Some(DurationMs::from_hours(2)));
    let args = alerts("alerts show --key a/b --json --hub http://h:1 --token t");
    assert!(args.json && args.hub.hub == "http://h:1");
    assert!(
        matches!(args.command, AlertsCommand::Show { which } if which.key.as_deref() == Some("a/b"))
    );
    let args = alerts("alerts list --status open,shelved --severity critical,major");
    let AlertsCommand::List(list) = args.command else {
        panic!("list")
    };
    assert_eq!(list.status, [Status::Open, Status::Shelved]);
    assert_eq!(list.severity, [Severity::Critical, Severity::Major]);
    for bad in [
        "alerts",
        "alerts show",
        "alerts show x --key y",
        "alerts shelve x",
        "alerts note x",
        "alerts list --status bad",
        "alerts list --limit 0",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn admin_takes_stores_by_address() {
    use super::AdminCommand;
    use crate::admin::StoreAddress;
    let admin = |line: &str| match parse(line) {
        Ok(Command::Admin(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    let args = admin("admin copy --from sqlite:a.db --to postgres://u:geheim@h/d --json");
    assert!(args.json);
    assert!(!format!("{args:?}").contains("geheim"));
    let AdminCommand::Copy { from, to } = args.command else {
        panic!("copy")
    };
    assert_eq!(from, StoreAddress::Sqlite("a.db".into()));
    assert!(matches!(to, StoreAddress::Postgres(_)));
    let AdminCommand::Migrate { store, contract } =
        admin("admin migrate --store sqlite:a.db --contract").command
    else {
        panic!("migrate")
    };
    assert!(contract && store.store == StoreAddress::Sqlite("a.db".into()));
    for bad in [
        "admin",
        "admin copy --from sqlite:a.db",
        "admin backup --store sqlite:a.db",
        "admin restore --store sqlite:a.db",
        "admin migrate --store a.db",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_silence_has_matchers_an_end_or_windows_and_a_reason() {
    let add = "silences add -m env=prod --comment why";
    for (line, is_fine) in [
        (format!("{add} --for 2h"), true),
        (format!("{add} --until 2026-01-31T12:00:00Z"), true),
        (
            format!("{add} -m a=b --for 2h --from 2026-01-31T12:00:00+01:00"),
            true,
        ),
        (add.to_owned(), false),
        (
            format!("{add} --for 2h --until 2026-01-31T12:00:00Z"),
            false,
        ),
        (format!("{add} --until tomorrow"), false),
        (format!("{add} --weekly monday"), false),
        ("silences add --for 2h --comment why".to_owned(), false),
        ("silences add -m env=prod --for 2h".to_owned(), false),
        ("silences preview -m env=prod --for 2h".to_owned(), true),
        ("silences expire".to_owned(), false),
        ("silences expire 12345678 9abc".to_owned(), true),
        ("silences list --all --json".to_owned(), true),
        ("silences".to_owned(), false),
    ] {
        assert_eq!(parse(&line).is_ok(), is_fine, "{line}");
    }
    let windows = [
        "campanile",
        "silences",
        "add",
        "-m",
        "env=prod",
        "--comment",
        "why",
        "--weekly",
        "mon-fri 22:00-06:00 Europe/Berlin;sun 10:00-11:00",
    ];
    let Ok(Command::Silences(args)) = Cli::try_parse_from(windows).map(|cli| cli.command) else {
        panic!("windows make an end unnecessary")
    };
    let super::SilencesCommand::Add(args) = args.command else {
        panic!("add")
    };
    let counts: Vec<usize> = args.draft.weekly.iter().map(|w| w.0.len()).collect();
    assert_eq!(counts, [2, 1]);
}
