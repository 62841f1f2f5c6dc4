//! A hub with its HTTP side on a loopback port, and a client that shows everything.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use engine::catalog::Sealer;
use engine::desired::{
    DebugHidden, Desired, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy,
    SourceWay,
};
use engine::{Hub, Parts, Retention};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use model::{Entropy, OsEntropy, Secret, SystemClock};
use parking_lot::Mutex;
use serde_json::{Value, json};
use server::{ServerOptions, router, serve};
use store::sqlite::{Options, SqliteStore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use wire::{Egress, EgressPolicy, EgressSettings, KeyRing};

pub const TOKEN: &str = "admin-token-of-the-tests";
pub const GENERIC_KEY: &str = "generic-key-of-the-tests-0123456";
pub const PROM_KEY: &str = "prometheus-key-of-the-tests-0123";
/// In a setting of the webhook; must never be seen again.
pub const WEBHOOK_SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS13ZWJob29r";
const DEADLINE: Duration = Duration::from_secs(30);

/// Lines of the log at error level, of all tests of this process.
pub static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub struct World {
    pub hub: Hub,
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub served: JoinHandle<()>,
    /// What is wrong with the file that a reload reads.
    pub problem: Arc<Mutex<Option<String>>>,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Desired)) -> World {
        let prometheus = watched();
        let folder = tempfile::tempdir().unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let allow = EgressPolicy::parse(["127.0.0.0/8"]).unwrap();
        let mut desired = usual();
        change(&mut desired);
        let parts = Parts {
            store: SqliteStore::open(&folder.path().join("store.sqlite"), &Options::default())
                .unwrap(),
            egress: Egress::new(EgressSettings::new(allow)).unwrap(),
            clock: Arc::new(SystemClock),
            entropy: entropy.clone(),
            sealer: Sealer::new(KeyRing::generate(&*entropy), entropy),
            external_url: "http://hub.example".to_owned(),
            retention: Retention::default(),
            crash_at: None,
        };
        let hub = Hub::start(parts, &desired).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let again = hub.clone();
        let problem: Arc<Mutex<Option<String>>> = Arc::default();
        let file = problem.clone();
        let options = ServerOptions {
            hub: hub.clone(),
            admin_token: Secret::new(TOKEN),
            version: "1.2.3-test",
            prometheus: prometheus.clone(),
            reload: Arc::new(move || {
                let (hub, desired, problem) = (again.clone(), desired.clone(), file.lock().clone());
                Box::pin(async move {
                    if let Some(problem) = problem {
                        return Err(vec![problem]);
                    }
                    hub.apply(&desired).await.map_err(|e| vec![e.to_string()])
                })
            }),
        };
        let served = tokio::spawn(serve(listener, router(options), stop.clone()));
        World {
            hub,
            address,
            stop,
            served,
            problem,
            _folder: folder,
        }
    }

    /// Any request, as it is.
    pub async fn send(&self, request: http::Request<Full<Bytes>>) -> Answer {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// As `send`, with the body still to come.
    pub async fn open(&self, mut request: http::Request<Full<Bytes>>) -> http::Response<Incoming> {
        let socket = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .unwrap();
        tokio::spawn(connection);
        let host = self.address.to_string().parse().unwrap();
        request.headers_mut().insert(http::header::HOST, host);
        let response = sender.send_request(request);
        tokio::time::timeout(DEADLINE, response)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, Bytes::new(), Some(TOKEN)))
            .await
    }

    /// GET of the native API that must go well.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = Bytes::from(body.to_string());
        self.send(request("POST", path, body, Some(TOKEN))).await
    }

    /// Posts to the generic source.
    pub async fn tell(&self, body: &Value) -> Answer {
        let body = Bytes::from(body.to_string());
        self.send(request("POST", "/in/generic", body, Some(GENERIC_KEY)))
            .await
    }

    /// Opens an alert; its id.
    pub async fn fire(&self, key: &str) -> String {
        let answer = self.tell(&signal(key)).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text());
        let page = self.read(&format!("/api/v1/alerts?key={key}")).await;
        page["alerts"][0]["id"].as_str().unwrap().to_owned()
    }
}

pub fn signal(key: &str) -> Value {
    json!({ "key": key, "title": format!("Disk full on {key}"), "resource": key, "event": "DiskFull",
        "severity": "critical", "labels": { "env": "prod" } })
}

/// A request with JSON and, if given, a Bearer token.
pub fn request(
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
    token: Option<&str>,
) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Full::new(body.into())).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a problem of this status; its detail.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].as_str().is_some_and(|t| !t.is_empty()));
        assert!(
            problem["instance"]
                .as_str()
                .is_some_and(|i| i.starts_with('/'))
        );
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Server-sent events off a response.
pub struct Messages {
    body: Incoming,
    text: String,
}

#[derive(Debug, PartialEq)]
pub struct Message {
    pub id: u64,
    pub event: String,
    pub data: Value,
}

impl Messages {
    pub async fn open(world: &World, path: &str, last: Option<u64>) -> Messages {
        let mut request = request("GET", path, Bytes::new(), Some(TOKEN));
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.into());
        }
        let response = world.open(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut messages = Messages {
            body: response.into_body(),
            text: String::new(),
        };
        // The beginning, which only gives a position.
        assert!(
            messages
                .block()
                .await
                .is_some_and(|b| b.contains(": begin"))
        );
        messages
    }

    /// The next message with data; `None` when the stream ends.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(|v| v.trim().to_owned())
            };
            if let Some(data) = field("data:") {
                return Some(Message {
                    id: field("id:").unwrap().parse().unwrap(),
                    event: field("event:").unwrap(),
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
        }
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return Some(std::mem::replace(&mut self.text, rest));
            }
            let frame = tokio::time::timeout(DEADLINE, self.body.frame())
                .await
                .unwrap()?;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

/// Two sources and a webhook that nobody answers.
fn usual() -> Desired {
    let webhook = json!({ "url": "http://127.0.0.1:9/hook", "secret": WEBHOOK_SECRET });
    let Value::Object(webhook) = webhook else {
        unreachable!("an object is written above")
    };
    Desired {
        organization: "test".to_owned(),
        projects: vec![DesiredProject {
            name: "shop".to_owned(),
            owner_email: None,
            inhibitions: Vec::new(),
            sources: vec![
                source("tools", "generic", GENERIC_KEY),
                source("prometheus", "alertmanager", PROM_KEY),
            ],
            integrations: vec![DesiredIntegration {
                name: "hook".to_owned(),
                of: Of::Issues,
                matchers: Vec::new(),
                except: Vec::new(),
                receiver: None,
                sink: "webhook".to_owned(),
                settings: DebugHidden(webhook),
                policy: Policy::default(),
                enabled: true,
                existing: Existing::Tell,
            }],
        }],
    }
}

pub fn source(name: &str, dialect: &str, key: &str) -> DesiredSource {
    DesiredSource {
        name: name.to_owned(),
        way: SourceWay::Dialect {
            name: dialect.to_owned(),
            settings: DebugHidden::default(),
        },
        keys: vec![Secret::new(key)],
    }
}

/// Waits, in real time, until `look` gives something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let waited = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            pause().await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("did not come true: {what}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at a condition"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

struct ErrorsOnly;

impl<S: tracing::Subscriber> Layer<S> for ErrorsOnly {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::ERROR {
            ERRORS.lock().push(format!("{event:?}"));
        }
    }
}

/// Log and metrics are the process's: set up once.
fn watched() -> &'static PrometheusHandle {
    static ONCE: OnceLock<PrometheusHandle> = OnceLock::new();
    ONCE.get_or_init(|| {
        let log = tracing_subscriber::registry().with(ErrorsOnly);
        tracing::subscriber::set_global_default(log).unwrap();
        PrometheusBuilder::new().install_recorder().unwrap()
    })
}
