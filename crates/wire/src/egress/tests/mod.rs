//! Egress against a small raw TCP server that behaves well and badly.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;

use model::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

mod over_tls;

use super::*;

const LONG: u64 = 10_000;
const CAP: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Act {
    CloseUnread,
    ReadThenClose,
    ReadThenReset,
    Silent,
    /// To every request on the connection.
    Reply(&'static str),
    ReplyThenClose(&'static str),
    Endless,
    /// Before anything was read whole.
    SpeakThenClose(&'static str),
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Server {
    async fn start(act: Act) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, requests) = mpsc::unbounded_channel();
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(behave(stream, act, seen.clone()));
            }
        });
        Server {
            address,
            connections,
            requests,
        }
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }
}

async fn behave(mut stream: TcpStream, act: Act, seen: mpsc::UnboundedSender<String>) {
    if matches!(act, Act::CloseUnread) {
        return;
    }
    if let Act::SpeakThenClose(text) = act {
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.unwrap();
        return stream.write_all(text.as_bytes()).await.unwrap();
    }
    while let Some(request) = read_request(&mut stream).await {
        let _receiver_may_be_gone = seen.send(request);
        match act {
            Act::CloseUnread | Act::SpeakThenClose(_) | Act::ReadThenClose => return,
            Act::ReadThenReset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Act::Silent => std::future::pending().await,
            Act::Reply(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Act::ReplyThenClose(text) => return stream.write_all(text.as_bytes()).await.unwrap(),
            Act::Endless => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await
                    .unwrap();
                // Ends when the client hangs up.
                while stream.write_all(b"5\r\nabcde\r\n").await.is_ok() {}
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0usize) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn egress(allow: &[&str], connect_ms: u64) -> Egress {
    let policy = EgressPolicy::parse(allow.iter().copied()).unwrap();
    Egress::new(EgressSettings {
        connect_ms,
        ..EgressSettings::new(policy)
    })
    .unwrap()
}

fn local() -> Egress {
    egress(&["127.0.0.0/8", "::1/128"], LONG)
}

/// A request with a secret in every place that may have one.
fn secretive(base: &str) -> HttpRequest {
    let url = format!(
        "{}/s3cr3t/path?token=s3cr3t",
        base.replace("://", "://s3cr3t:s3cr3t@")
    );
    HttpRequest::post_json(url, "s3cr3t")
        .secret_header("authorization", Secret::new("Bearer s3cr3t"))
        .header("x-other", "s3cr3t")
}

fn no_secret(error: &TransportError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(!shown.contains("path"), "{shown}");
}

#[tokio::test]
async fn i9_what_was_never_sent_is_told_from_what_may_have_been_and_no_error_has_a_secret() {
    use Kind as K;
    use Sent::Maybe;
    let table = [
        (Act::ReadThenClose, K::Broken, Maybe),
        (Act::ReadThenReset, K::Broken, Maybe),
        (Act::Silent, K::Timeout, Maybe),
        (Act::ReplyThenClose("HTTP/1.1 20"), K::Broken, Maybe),
        (
            Act::ReplyThenClose("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
            K::Broken,
            Maybe,
        ),
        (
            Act::ReplyThenClose("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc"),
            K::Broken,
            Maybe,
        ),
        (
            Act::ReplyThenClose("220 mail.example ESMTP\r\n"),
            K::BadReply,
            Maybe,
        ),
        (
            Act::ReplyThenClose("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"),
            K::BadReply,
            Maybe,
        ),
    ];
    for (i, (act, kind, sent)) in table.into_iter().enumerate() {
        let server = Server::start(act).await;
        let deadline = if kind == K::Timeout { 200 } else { LONG };
        let error = local()
            .send(secretive(&server.url("")), deadline, CAP)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.sent), (kind, sent), "case {i}: {error}");
        no_secret(&error);
    }
}

#[tokio::test]
async fn a_server_that_closes_at_once_is_broken_and_never_believed_to_have_answered() {
    let server = Server::start(Act::CloseUnread).await;
    for _ in 0..20 {
        let error = local()
            .send(secretive(&server.url("")), LONG, CAP)
            .await
            .unwrap_err();
        // Whether the request was written before the end was seen is a race; either is told truthfully.
        assert_eq!(error.kind, Kind::Broken);
        no_secret(&error);
    }
}

#[tokio::test]
async fn a_head_without_end_is_a_bad_reply() {
    let line: &'static str = Box::leak(
        format!(
            "HTTP/1.1 200 OK\r\nx: {}",
            "y".repeat(2 * limits::REPLY_HEAD_BYTES_MAX)
        )
        .into_boxed_str(),
    );
    let server = Server::start(Act::ReplyThenClose(line)).await;
    let error = local()
        .send(HttpRequest::get(server.url("/")), LONG, CAP)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.sent), (Kind::BadReply, Sent::Maybe));
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = local()
        .send(secretive(&format!("http://{address}")), LONG, CAP)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.sent), (Kind::Connect, Sent::Never));
    assert_eq!(
        error.what,
        format!(
            "no connection to {}:{}: connection refused",
            address.ip(),
            address.port()
        )
    );
    no_secret(&error);
}

#[tokio::test]
async fn time_that_runs_out_while_connecting_was_never_sent() {
    let server = Server::start(Act::Silent).await;
    let url = format!("https://{}", server.address);
    // The server says nothing to the TLS greeting; first the connecting limit strikes, then the deadline.
    for (connect_ms, deadline_ms) in [(100, LONG), (LONG, 100)] {
        let error = egress(&["127.0.0.0/8"], connect_ms)
            .send(secretive(&url), deadline_ms, CAP)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (Kind::Timeout, Sent::Never),
            "{error}"
        );
        no_secret(&error);
    }
}

#[tokio::test]
async fn a_name_without_address_was_never_sent() {
    // RFC 6761 keeps `.invalid` for this.
    let error = local()
        .send(secretive("http://no-such-name.invalid"), LONG, CAP)
        .await
        .unwrap_err();
    assert!(matches!(error.kind, Kind::NameNotFound { .. }), "{error}");
    assert_eq!(error.sent, Sent::Never);
    no_secret(&error);
}

#[tokio::test]
async fn refused_addresses_are_not_even_connected_to_however_they_are_written() {
    let server = Server::start(Act::Reply("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
    ] {
        let error = egress(&[], LONG)
            .send(secretive(&format!("http://{host}:{port}")), LONG, CAP)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (Kind::AddressRefused, Sent::Never),
            "{host}: {error}"
        );
        assert!(error.what.contains("egress.allow"), "{error}");
        no_secret(&error);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
    // The same server, once the operator opens loopback; by name too.
    for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"] {
        let reply = local()
            .send(
                HttpRequest::get(format!("http://{host}:{port}/")),
                LONG,
                CAP,
            )
            .await
            .unwrap();
        assert_eq!(reply.status, 200, "{host}");
    }
}

#[tokio::test]
async fn reading_stops_at_the_cap() {
    let server = Server::start(Act::Endless).await;
    let reply = local()
        .send(HttpRequest::get(server.url("/")), LONG, 1003)
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.body.len(), reply.truncated),
        (200, 1003, true)
    );
    assert!(reply.text().starts_with("abcdeabcde"));

    let server = Server::start(Act::Reply(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde",
    ))
    .await;
    for (cap, kept, truncated) in [
        (0, "", true),
        (4, "abcd", true),
        (5, "abcde", false),
        (6, "abcde", false),
    ] {
        let reply = local()
            .send(HttpRequest::get(server.url("/")), LONG, cap)
            .await
            .unwrap();
        assert_eq!(
            (reply.text().as_ref(), reply.truncated),
            (kept, truncated),
            "cap {cap}"
        );
    }
}

#[tokio::test]
async fn a_reply_in_several_chunks_is_joined() {
    let server = Server::start(Act::Reply("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n1\r\nf\r\n0\r\n\r\n")).await;
    let reply = local()
        .send(HttpRequest::get(server.url("/")), LONG, CAP)
        .await
        .unwrap();
    assert_eq!(reply.text(), "abcdef");
}

#[tokio::test]
async fn redirects_are_replies_and_not_followed() {
    let server = Server::start(Act::Reply(
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let reply = local()
        .send(HttpRequest::get(server.url("/")), LONG, CAP)
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, Some("http://169.254.169.254/"))
    );
}

#[tokio::test]
async fn the_request_arrives_as_it_was_given() {
    let mut server = Server::start(Act::Reply("HTTP/1.1 204 No Content\r\n\r\n")).await;
    let request = HttpRequest::post_json(server.url("/a%20b?c=d#fragment"), r#"{"x":1}"#)
        .secret_header("Authorization", Secret::new("Bearer t0ken"))
        .header("x-two", "1")
        .header("x-two", "2");
    assert_eq!(local().send(request, LONG, CAP).await.unwrap().status, 204);
    let seen = server.requests.recv().await.unwrap();
    assert!(seen.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"x\":1}"), "{seen}");
    let host = format!("host: {}\r\n", server.address);
    for line in [
        "authorization: Bearer t0ken\r\n",
        "x-two: 1\r\n",
        "x-two: 2\r\n",
        "content-type: application/json\r\n",
        "content-length: 7\r\n",
        "user-agent: campanile/",
        &host,
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }

    let url = server.url("").replace("://", "://us%40er:p%3Ass@");
    local()
        .send(HttpRequest::new(http::Method::PUT, url, ""), LONG, CAP)
        .await
        .unwrap();
    let seen = server.requests.recv().await.unwrap();
    assert!(seen.starts_with("PUT / HTTP/1.1\r\n"), "{seen}");
    // `us@er:p:ss`
    assert!(
        seen.contains("authorization: Basic dXNAZXI6cDpzcw==\r\n"),
        "{seen}"
    );
    assert!(seen.contains(&host), "{seen}");
}

#[tokio::test]
async fn i9_what_cannot_be_sent_is_refused_without_being_shown() {
    let long = format!("http://a.example/{}", "s3cr3t".repeat(2000));
    for url in [
        "",
        "s3cr3t",
        "/s3cr3t",
        "ftp://a.example/s3cr3t",
        "http:///s3cr3t",
        "http://s3cr3t@/",
        "http://s3cr3t@:80/",
        "http://a b/s3cr3t",
        "http://é.example/s3cr3t",
        "http://a:99999999/s3cr3t",
        &long,
    ] {
        let error = local()
            .send(HttpRequest::get(url), LONG, CAP)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (Kind::BadRequest, Sent::Never),
            "{url}: {error}"
        );
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    }
    for (name, value) in [
        ("x\r\ny", "v"),
        ("", "v"),
        ("x", "s3cr3t\r\nHost: other"),
        ("x", "s3cr3t\0"),
    ] {
        let error = local()
            .send(
                HttpRequest::get("http://127.0.0.1/").header(name, value),
                LONG,
                CAP,
            )
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::BadRequest, Sent::Never));
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    }
}

#[tokio::test]
async fn connections_are_used_again_and_swept_when_they_idle() {
    let server = Server::start(Act::Reply("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
    let egress = local();
    for _ in 0..50 {
        egress
            .send(HttpRequest::get(server.url("/")), LONG, CAP)
            .await
            .unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(egress.0.pool.idle(), 1);
    for _ in 0..limits::IDLE_SECONDS_MAX {
        egress.0.pool.sweep();
    }
    assert_eq!(egress.0.pool.idle(), 0);
}

#[tokio::test]
async fn a_pooled_connection_that_the_vendor_closed_is_replaced_silently() {
    let server = Server::start(Act::ReplyThenClose(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ))
    .await;
    let egress = local();
    for count in 1..=5 {
        assert_eq!(
            egress
                .send(HttpRequest::get(server.url("/")), LONG, CAP)
                .await
                .unwrap()
                .status,
            200
        );
        assert_eq!(server.connections.load(Ordering::SeqCst), count);
        let closed = async {
            while egress.0.pool.open() > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), closed)
            .await
            .expect("the end of the connection is seen");
    }
}

#[tokio::test]
async fn a_vendors_announced_idle_time_is_kept() {
    for (head, seconds) in [
        ("timeout=5, max=100", 4),
        ("max=1, timeout=1", 0),
        ("timeout=600", 20),
        ("timeout=soon", 20),
        ("timeout=0", 0),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("keep-alive", head.parse().unwrap());
        assert_eq!(idle_seconds(&headers), seconds, "{head}");
    }
    assert_eq!(idle_seconds(&HeaderMap::new()), limits::IDLE_SECONDS_MAX);

    let server = Server::start(Act::Reply(
        "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let egress = local();
    for _ in 0..3 {
        egress
            .send(HttpRequest::get(server.url("/")), LONG, CAP)
            .await
            .unwrap();
    }
    assert_eq!(
        (
            server.connections.load(Ordering::SeqCst),
            egress.0.pool.idle()
        ),
        (3, 0)
    );
}

#[tokio::test]
async fn many_requests_at_once_get_their_own_replies() {
    let server = Server::start(Act::Reply("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
    let egress = local();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (egress, url) = (egress.clone(), server.url("/"));
            tokio::spawn(async move {
                egress
                    .send(HttpRequest::post_json(url, "{}"), LONG, CAP)
                    .await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().text(), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_no_request_is_written_twice_and_what_was_never_sent_never_arrived() {
    let mut server = Server::start(Act::ReplyThenClose(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ))
    .await;
    let egress = local();
    // Each reply is followed by a close that races with the next request on the pooled connection.
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (egress, url) = (egress.clone(), server.url("/"));
            tokio::spawn(async move {
                let mut results = Vec::new();
                for i in 0..50 {
                    let id = format!("<{task}.{i}>");
                    let request = HttpRequest::post_json(url.clone(), id.clone());
                    results.push((id, egress.send(request, LONG, CAP).await));
                }
                results
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.extend(task.await.unwrap());
    }
    let mut arrived = std::collections::HashMap::new();
    while let Ok(request) = server.requests.try_recv() {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        *arrived.entry(body.to_owned()).or_insert(0) += 1;
    }
    for (id, result) in results {
        let times = arrived.get(&id).copied().unwrap_or(0);
        match result {
            Ok(_) => assert_eq!(times, 1, "{id} was answered"),
            Err(error) if error.sent == Sent::Never => assert_eq!(times, 0, "{id}: {error}"),
            Err(error) => assert!(times <= 1, "{id}: {error}"),
        }
    }
}
