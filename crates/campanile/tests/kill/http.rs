//! One connection to the hub.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// Longer than the hub ever takes: an answer that takes longer is a finding.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub struct Connection {
    requests: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

/// What became of a request.
pub enum Heard {
    Answer {
        status: u16,
        body: Bytes,
    },
    /// The connection ended before a status was heard.
    Nothing,
    /// Nothing came, and the connection stayed.
    Silence,
}

impl Connection {
    /// `None`: nobody listens there.
    pub async fn open(address: SocketAddr) -> Option<Connection> {
        let stream = tokio::net::TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        // Its error is the request's too.
        tokio::spawn(async move { connection.await.ok() });
        Some(Connection { requests, address })
    }

    pub async fn send(&mut self, method: &str, path: &str, token: &str, body: Vec<u8>) -> Heard {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let answer = async {
            // Without this a request right behind the last answer may find the connection not ready yet.
            self.requests.ready().await.ok()?;
            let response = self.requests.send_request(request).await.ok()?;
            let status = response.status().as_u16();
            // A status alone is an answer too: the sender goes by it.
            let body = response.into_body().collect().await;
            let body = body.map_or(Bytes::new(), |whole| whole.to_bytes());
            Some((status, body))
        };
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Some((status, body))) => Heard::Answer { status, body },
            Ok(None) => Heard::Nothing,
            Err(_) => Heard::Silence,
        }
    }

    /// Reads from the native API; panics on anything but 200.
    pub async fn get(&mut self, path: &str, token: &str) -> Value {
        match self.send("GET", path, token, Vec::new()).await {
            Heard::Answer { status: 200, body } => serde_json::from_slice(&body).unwrap(),
            Heard::Answer { status, body } => {
                panic!("GET {path}: {status} {}", String::from_utf8_lossy(&body))
            }
            Heard::Nothing => panic!("GET {path}: the connection ended"),
            Heard::Silence => panic!("GET {path}: no answer within {ANSWER_WITHIN:?}"),
        }
    }
}
