//! A hub that records what it is asked and answers what it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::Value;

/// One request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// `POST /api/v1/…?…`
    pub line: String,
    pub token: Option<String>,
    pub last_event_id: Option<String>,
    pub body: Value,
}

/// A canned answer.
pub struct Canned {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Canned {
    pub fn json(status: u16, body: &Value) -> Canned {
        Canned {
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }
}

#[derive(Clone, Default)]
pub struct FakeHub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    answers: VecDeque<Canned>,
}

impl FakeHub {
    /// Serves these answers, one for each request, and gives its address.
    pub async fn start(answers: Vec<Canned>) -> (FakeHub, String) {
        let hub = FakeHub::default();
        hub.0.lock().unwrap().answers = answers.into();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = hub.clone();
        let app =
            axum::Router::new().fallback(move |request: Request| served.clone().answer(request));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (hub, address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    async fn answer(self, request: Request) -> Response {
        let (token, last_event_id) = (
            header(&request, "authorization"),
            header(&request, "last-event-id"),
        );
        let line = format!("{} {}", request.method(), request.uri());
        let bytes = to_bytes(request.into_body(), 1_000_000).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        state.asked.push(Asked {
            line,
            token,
            last_event_id,
            body,
        });
        let canned = state.answers.pop_front().unwrap_or(Canned {
            status: 500,
            content_type: "text/plain",
            body: "the test gave no more answers".to_owned(),
        });
        let response = Response::builder()
            .status(canned.status)
            .header("content-type", canned.content_type);
        response.body(Body::from(canned.body)).unwrap()
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    request
        .headers()
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
}
