//! The tests' own PostgreSQL and network.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use model::{Clock, DurationMs, SystemClock};
use pgtest::{Durability, Proxy, Server};

/// Longer than anything here takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);
/// Silence for so long is silence.
const SILENCE: Duration = Duration::from_millis(300);

#[test]
fn databases_of_the_shared_server_are_apart() {
    let (one, other) = (Server::shared().database(), Server::shared().database());
    assert_eq!(one.sql("SELECT 1"), "1");
    one.sql("CREATE TABLE here (id int)");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'here'";
    assert_eq!(
        (one.sql(tables), other.sql(tables)),
        ("1".into(), "0".into())
    );
    let settings = "SELECT current_setting('fsync'), current_setting('synchronous_commit'),
        current_setting('server_encoding'), current_setting('max_connections')";
    assert_eq!(one.sql(settings), "off|on|UTF8|200");
    assert!(one.url().starts_with("postgres://postgres@127.0.0.1:"));
}

#[test]
fn a_server_that_was_stopped_hard_comes_back_with_its_data_on_its_port() {
    let server = Server::start(Durability::Real);
    let database = server.database();
    assert_eq!(database.sql("SHOW fsync"), "on");
    database.sql("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)");
    server.stop_hard();
    assert!(connect(server.port()).is_err(), "it still listens");
    server.start_again();
    assert_eq!(database.sql("SELECT id FROM kept"), "7");
    assert!(server.log().contains("not properly shut down"));
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists(), "its folder is still there");
}

/// The process of a killed test closes its pipes and does nothing else. So does this one's child, which is killed.
#[tokio::test]
async fn a_killed_test_process_leaves_no_server() {
    if std::env::var_os("PGTEST_TO_BE_KILLED").is_some() {
        let server = Server::start(Durability::Fast);
        println!("\nkeeps {} in {}", server.port(), server.folder().display());
        std::future::pending::<()>().await;
    }
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_test_process_leaves_no_server",
            "--nocapture",
        ])
        .env("PGTEST_TO_BE_KILLED", "yes")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(victim.stdout.take().unwrap());
    let (port, folder) = loop {
        let mut line = String::new();
        assert_ne!(
            std::io::BufRead::read_line(&mut output, &mut line).unwrap(),
            0
        );
        if let Some((port, folder)) = line
            .strip_prefix("keeps ")
            .and_then(|l| l.split_once(" in "))
        {
            break (
                port.parse().unwrap(),
                std::path::PathBuf::from(folder.trim()),
            );
        }
    };
    assert!(connect(port).is_ok() && folder.exists());
    // On Unix this is SIGKILL.
    victim.kill().unwrap();
    victim.wait().unwrap();
    let gone = async {
        while connect(port).is_ok() || folder.exists() {
            SystemClock.sleep(DurationMs(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the server is still there");
}

#[test]
fn a_cut_network_is_silent_and_goes_on_when_it_heals() {
    let (echo, proxy) = echo_behind_proxy();
    let mut known = connect(proxy.port()).unwrap();
    assert_eq!(say(&mut known, b"a"), Some(b'a'));
    proxy.cut();
    assert_eq!(say(&mut known, b"b"), None);
    let mut new = connect(proxy.port()).expect("new connections are accepted");
    assert_eq!(say(&mut new, b"c"), None);
    proxy.heal();
    for (stream, expected) in [(&mut known, b'b'), (&mut new, b'c')] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(read(stream), Some(expected));
    }
    drop(echo);
}

#[tokio::test]
async fn a_refusing_network_closes_all_and_takes_new_connections_when_it_heals() {
    let (echo, proxy) = echo_behind_proxy();
    let mut known = connect(proxy.port()).unwrap();
    assert_eq!(say(&mut known, b"a"), Some(b'a'));
    proxy.refuse();
    known.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(known.read(&mut [0]), Ok(0) | Err(_)));
    // Not at once: a child that another test begins has a copy of the listener until it is its own program.
    let refused = async {
        while connect(proxy.port()).is_ok() {
            SystemClock.sleep(DurationMs(5)).await;
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await;
    refused.expect("connections are still taken");
    proxy.heal();
    let mut new = connect(proxy.port()).unwrap();
    assert_eq!(say(&mut new, b"b"), Some(b'b'));
    drop(echo);
}

#[test]
fn a_database_is_reached_through_the_proxy() {
    let server = Server::shared();
    let database = server.database();
    let proxy = Proxy::start(server.port());
    let url = proxy.url_for(&database);
    assert!(url.contains(&format!(":{}/{}", proxy.port(), database.name())));
    let output = std::process::Command::new("psql")
        .arg(&url)
        .args(["-Atc", "SELECT 2"])
        .output();
    assert_eq!(output.unwrap().stdout, b"2\n");
}

/// Something that says back what it hears, with a proxy before it.
fn echo_behind_proxy() -> (std::thread::JoinHandle<()>, Proxy) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().port());
    // Ends with the test process.
    let echo = std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read(&mut byte).is_ok_and(|read| read > 0) {
                    stream.write_all(&byte).unwrap();
                }
            });
        }
    });
    (echo, proxy)
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(SILENCE))?;
    Ok(stream)
}

/// What comes back, unless nothing does.
fn say(stream: &mut TcpStream, byte: &[u8; 1]) -> Option<u8> {
    stream.write_all(byte).unwrap();
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    read(stream)
}

fn read(stream: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    Some(byte[0])
}
