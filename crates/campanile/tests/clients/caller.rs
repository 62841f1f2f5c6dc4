//! One connection to a server, for calls of Alertmanager's API.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;

pub struct Caller {
    requests: SendRequest<Full<Bytes>>,
    address: String,
    /// Before each path.
    base: String,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub status: u16,
    /// JSON; a string if it is none; null if there is nothing.
    pub body: Value,
}

impl Caller {
    /// To an address with or without a path. `None`: nobody listens there.
    pub async fn open(url: &str) -> Option<Caller> {
        let rest = url.strip_prefix("http://")?;
        let (address, base) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let stream = tokio::net::TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        // Its error is the request's too.
        tokio::spawn(async move { connection.await.ok() });
        Some(Caller {
            requests,
            address: address.to_owned(),
            base: base.to_owned(),
        })
    }

    pub async fn get(&mut self, path: &str) -> Said {
        self.call("GET", path, None).await
    }

    /// A body is sent as JSON, whatever stands in it.
    pub async fn call(&mut self, method: &str, path: &str, body: Option<&str>) -> Said {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("host", &self.address)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default().to_owned())))
            .unwrap();
        self.requests.ready().await.unwrap();
        let response = self.requests.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        let body = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => Value::from(text.into_owned()),
        };
        Said { status, body }
    }
}
