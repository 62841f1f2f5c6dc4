//! The server: a child process in a folder and on a port of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::binaries::{self, Account};
use crate::ports;

const CONNECTIONS_MAX: u32 = 200;
/// Another process may have the port between our look and PostgreSQL's.
const START_TRIES: u32 = 5;

/// What the server does for its data to survive the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` off: survives `stop_hard`, not a power cut. For nearly every test.
    Fast,
    /// As PostgreSQL comes. For measurements.
    Real,
}

/// A running PostgreSQL server, stopped and removed when dropped or when the test process ends, killed or not.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    folder: PathBuf,
    account: Option<Account>,
    port: u16,
    keeper: Mutex<Keeper>,
    databases: AtomicU32,
}

impl Server {
    /// The test process's one fast server, started by the first who asks. For tests that do not restart it.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Server::start(Durability::Fast))
    }

    /// Starts a server of the test's own. Takes a second or two; panics, with the server's log, if it cannot.
    pub fn start(durability: Durability) -> Server {
        let bin = binaries::folder();
        let account = binaries::account();
        let folder = make_folder(account);
        let mut keeper = Keeper::start(&bin, &folder, account);
        keeper.must("init", &folder);
        let fsync = match durability {
            Durability::Fast => "off",
            Durability::Real => "on",
        };
        for setting in [
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", folder.display()),
            format!("max_connections = {CONNECTIONS_MAX}"),
            format!("fsync = {fsync}"),
            "log_line_prefix = '%m [%p] %d '".to_owned(),
        ] {
            keeper.must(&format!("set {setting}"), &folder);
        }
        let mut tries = 0;
        let port = loop {
            let (port, listener) = ports::free();
            drop(listener);
            keeper.must(&format!("set port = {port}"), &folder);
            tries += 1;
            if keeper.tell("start") {
                break port;
            }
            assert!(tries < START_TRIES, "PostgreSQL: {}", logs(&folder));
        };
        Server {
            bin,
            folder,
            account,
            port,
            keeper: Mutex::new(keeper),
            databases: AtomicU32::new(0),
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A fresh, empty database of its own. Some tens of milliseconds, in which the caller's thread waits.
    pub fn database(&self) -> Database<'_> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} STRATEGY WAL_LOG"),
        );
        Database { server: self, name }
    }

    /// Stops it as a crash would: no connection is told, nothing is written that is not in the log of changes.
    pub fn stop_hard(&self) {
        self.told("stop");
    }

    /// Starts it again after [`Server::stop_hard`], with the same data on the same port. Returns once it takes connections.
    pub fn start_again(&self) {
        self.told("start");
    }

    /// One of PostgreSQL's own programs (`pg_dump`, `psql` …), as the server's account and in its folder. It is not told
    /// where the server is: give it a database's address.
    pub fn program(&self, name: &str) -> Command {
        command(&self.bin.join(name), &self.folder, self.account)
    }

    /// What it logged so far: errors of statements, deadlocks, starts and stops.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Of the process that keeps the server and goes with it.
    pub fn keeper_id(&self) -> u32 {
        self.keeper.lock().expect("no holder panics").child.id()
    }

    /// The folder with its data and logs; gone when the server is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn told(&self, command: &str) {
        let mut keeper = self.keeper.lock().expect("no holder panics");
        keeper.must(command, &self.folder);
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = command(&self.bin.join("psql"), &self.folder, self.account);
        psql.args(["--host=127.0.0.1", "--username=postgres", "--no-psqlrc"])
            .args(["--no-align", "--tuples-only", "--quiet"])
            .arg("--set=ON_ERROR_STOP=1")
            .arg(format!("--port={}", self.port))
            .arg(format!("--dbname={database}"))
            .arg(format!("--command={sql}"));
        let output = psql.output().expect("psql can be started");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{sql}`: {problem}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(keeper) = self.keeper.get_mut() {
            // The end of its input is what the keeper stops at.
            keeper.input = None;
            let _gone = keeper.child.wait();
        }
    }
}

/// A database of its own on a [`Server`].
#[derive(Clone, Debug)]
pub struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Database<'_> {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `postgres://…`, straight to the server.
    pub fn url(&self) -> String {
        self.url_at(self.server.port)
    }

    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{}", self.name)
    }

    /// Runs statements and returns what they print: a line per row, columns apart by `|`. Panics if one fails.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

/// The shell that starts and ends PostgreSQL for us (`server.sh`).
#[derive(Debug)]
struct Keeper {
    child: Child,
    input: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn start(bin: &Path, folder: &Path, account: Option<Account>) -> Keeper {
        let mut shell = command(Path::new("/bin/sh"), folder, account);
        shell.args(["-c", include_str!("server.sh"), "server.sh"]);
        // In a group of its own: who interrupts the tests from a terminal must not end it before it has cleaned up.
        shell.arg(bin).arg(folder).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().expect("a shell can be started");
        let answers = child.stdout.take().expect("it is piped");
        Keeper {
            input: child.stdin.take(),
            answers: BufReader::new(answers),
            child,
        }
    }

    /// Whether the command succeeded.
    fn tell(&mut self, command: &str) -> bool {
        let input = self.input.as_mut().expect("closed by drop only");
        writeln!(input, "{command}").expect("the server's keeper is there");
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer);
        read.expect("the server's keeper answers");
        answer.trim() == "0"
    }

    fn must(&mut self, command: &str, folder: &Path) {
        let done = self.tell(command);
        assert!(done, "PostgreSQL, `{command}`: {}", logs(folder));
    }
}

/// A command that knows nothing of our surroundings (`PGHOST` and the like), in the server's folder.
fn command(program: &Path, folder: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.env("LC_ALL", "C").current_dir(folder);
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command
}

/// A new folder for the account alone. Its name is short: PostgreSQL's socket lies in it, and such names have a limit.
fn make_folder(account: Option<Account>) -> PathBuf {
    // Root's own temporary folder may be closed to the account.
    let parent = match account {
        Some(_) => PathBuf::from("/tmp"),
        None => std::env::temp_dir(),
    };
    let process = std::process::id();
    let mut names = (0_u32..).map(|n| parent.join(format!("campanile-pg-{process}-{n}")));
    let folder = names
        .find(
            |folder| match std::fs::DirBuilder::new().mode(0o700).create(folder) {
                Ok(()) => true,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
                Err(error) => panic!("cannot make {}: {error}", folder.display()),
            },
        )
        .expect("names do not end");
    if let Some(Account { user, group }) = account {
        chown(&folder, Some(user), Some(group)).expect("root gives folders away");
    }
    folder
}

/// The ends of the server's logs, for whoever reads of a failure.
fn logs(folder: &Path) -> String {
    let end_of = |name: &str| {
        let text = std::fs::read(folder.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    };
    format!("{}\n{}", end_of("control.log"), end_of("log"))
}
