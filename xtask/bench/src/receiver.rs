//! Takes webhooks, says 200 and keeps book of which alerts have come: the same for every server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::bail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::alerts::number_in;
use crate::clock::{Stopwatch, pause};
use crate::http::{Length, head_end, length};

/// Without a new alert for so long the rest is lost.
const STALL_SECONDS: f64 = 60.0;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A receiver that expects the alerts 0 to `expected`.
pub struct Receiver {
    pub address: SocketAddr,
    book: Arc<Book>,
    accepting: JoinHandle<()>,
}

struct Book {
    watch: Stopwatch,
    /// A bit for each alert.
    come: Vec<AtomicU64>,
    expected: u64,
    distinct: AtomicU64,
    /// Webhooks about an alert that had come before.
    again: AtomicU64,
    /// Webhooks in which no expected alert was found.
    unknown: AtomicU64,
    /// Seconds from the receiver's start to the last alert.
    complete: OnceLock<f64>,
}

impl Receiver {
    pub async fn start(expected: usize) -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let book = Arc::new(Book {
            watch: Stopwatch::start(),
            come: (0..expected.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            expected: expected as u64,
            distinct: AtomicU64::new(0),
            again: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            complete: OnceLock::new(),
        });
        let shared = book.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Ok(Receiver {
            address,
            book,
            accepting,
        })
    }

    /// How many alerts have come.
    pub fn count(&self) -> u64 {
        self.book.distinct.load(Ordering::Relaxed)
    }

    /// Seconds since the receiver began.
    pub fn seconds(&self) -> f64 {
        self.book.watch.seconds()
    }

    /// Waits for every alert; returns when the last one came, in seconds since the receiver began.
    ///
    /// # Errors
    /// Alerts that do not come, as soon as none has come for a minute or `lives` fails.
    pub async fn all(&self, mut lives: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
        let (mut count, mut since) = (self.count(), Stopwatch::start());
        loop {
            if let Some(at) = self.book.complete.get() {
                return Ok(*at);
            }
            lives()?;
            let now = self.count();
            if now > count {
                (count, since) = (now, Stopwatch::start());
            }
            if since.seconds() > STALL_SECONDS {
                bail!(
                    "{} of {} alerts never came to the receiver",
                    self.book.expected - now,
                    self.book.expected
                );
            }
            pause(5).await;
        }
    }

    /// Fails if an alert came twice, though every webhook was answered, or one was about something else.
    pub fn check(&self) -> anyhow::Result<()> {
        let again = self.book.again.load(Ordering::Relaxed);
        let unknown = self.book.unknown.load(Ordering::Relaxed);
        if again + unknown > 0 {
            bail!("{again} webhooks came twice, {unknown} were about no alert of this run");
        }
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Book {
    fn take(&self, body: &[u8]) {
        let number = number_in(body).filter(|n| (*n as u64) < self.expected);
        let Some(number) = number else {
            self.unknown.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let bit = 1 << (number % 64);
        if self.come[number / 64].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            self.again.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.distinct.fetch_add(1, Ordering::Relaxed) + 1 == self.expected {
            let _once = self.complete.set(self.watch.seconds());
        }
    }
}

/// Until the sender closes the connection.
async fn serve(mut stream: TcpStream, book: Arc<Book>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let mut at = 0;
        while let Some(head) = head_end(&buffer[at..]) {
            let Length::Bytes(length) = length(&buffer[at..at + head]) else {
                // Neither server sends chunks; one that did would be seen as lost alerts.
                return Ok(());
            };
            let end = at + head + length;
            if buffer.len() < end {
                break;
            }
            book.take(&buffer[at + head..end]);
            stream.write_all(OK).await?;
            at = end;
        }
        buffer.drain(..at);
    }
}
