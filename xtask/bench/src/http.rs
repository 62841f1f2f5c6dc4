//! HTTP/1.1 framed by hand, on connections that stay: what the generator spends is not the servers'.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A head longer than this is none of the servers'.
const HEAD_MAX: usize = 64 * 1024;

/// A whole POST request.
pub fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: Prometheus/2.42.0\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// One connection, one exchange at a time.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What a server answered.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// How a message's body ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Length {
    Bytes(usize),
    Chunked,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request and reads its whole reply.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Reply> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (end, head) = loop {
            self.more().await?;
            if let Some(end) = head_end(&self.buffer) {
                break (end, read_head(&self.buffer[..end])?);
            }
            if self.buffer.len() > HEAD_MAX {
                bail!("the reply's head does not end");
            }
        };
        let body = match head.1 {
            Length::Bytes(length) => {
                while self.buffer.len() < end + length {
                    self.more().await?;
                }
                self.buffer[end..end + length].to_vec()
            }
            Length::Chunked => self.chunks(end).await?,
        };
        Ok(Reply {
            status: head.0,
            body,
        })
    }

    /// Asks for a page, with a bearer token if it takes one.
    pub async fn get(&mut self, path: &str, token: Option<&str>) -> anyhow::Result<Reply> {
        let token = token.map_or(String::new(), |t| format!("Authorization: Bearer {t}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n{token}\r\n");
        self.exchange(request.as_bytes()).await
    }

    async fn chunks(&mut self, mut at: usize) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = self.buffer[at..].windows(2).position(|w| w == b"\r\n") {
                    break end;
                }
                self.more().await?;
            };
            let size = std::str::from_utf8(&self.buffer[at..at + line])?;
            let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
            at += line + 2;
            while self.buffer.len() < at + size + 2 {
                self.more().await?;
            }
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[at..at + size]);
            at += size + 2;
            // A list of all alerts is long: what was read makes room.
            self.buffer.drain(..at);
            at = 0;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Where a message's body begins.
pub fn head_end(text: &[u8]) -> Option<usize> {
    Some(text.windows(4).position(|w| w == b"\r\n\r\n")? + 4)
}

/// Status and length of a reply.
fn read_head(head: &[u8]) -> anyhow::Result<(u16, Length)> {
    let status = head.get(9..12).and_then(|s| std::str::from_utf8(s).ok());
    let status = status.and_then(|s| s.parse().ok());
    Ok((status.context("the reply is not HTTP")?, length(head)))
}

/// How the body of a message with this head ends; without a word on it there is none.
pub fn length(head: &[u8]) -> Length {
    for line in head.split(|b| *b == b'\n') {
        let Some(at) = line.iter().position(|b| *b == b':') else {
            continue;
        };
        let value = || String::from_utf8_lossy(&line[at + 1..]).trim().to_owned();
        if line[..at].eq_ignore_ascii_case(b"content-length") {
            return Length::Bytes(value().parse().unwrap_or(0));
        }
        if line[..at].eq_ignore_ascii_case(b"transfer-encoding") {
            return Length::Chunked;
        }
    }
    Length::Bytes(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_say_where_bodies_end() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 12\r\n\r\nbody";
        let end = head_end(text).unwrap();
        assert_eq!(&text[end..], b"body");
        assert_eq!(read_head(&text[..end]).unwrap(), (200, Length::Bytes(12)));
        assert_eq!(length(b"Transfer-Encoding: chunked\r\n"), Length::Chunked);
        assert_eq!(length(b"HTTP/1.1 204 No Content\r\n"), Length::Bytes(0));
        assert!(read_head(b"what?").is_err());
    }
}
