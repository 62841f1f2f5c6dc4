//! For whoever runs the hub: is it alive, does it work, figures, and a page that says what this is.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use model::{Clock, DurationMs, SystemClock};

use crate::app::App;
use crate::limits;
use crate::problem::Problem;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(front))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
}

/// Gives every metric its HELP line.
pub(crate) fn describe_metrics() {
    for (name, what) in engine::telling::METRICS {
        // The exporter keeps descriptions by name, whatever the kind.
        metrics::describe_counter!(*name, *what);
    }
}

/// The process lives and answers.
async fn healthz() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// It takes signals: it is not about to stop, does not stand aside for a newer version, and its store answers (a shared
/// one: has answered within the last two seconds).
async fn readyz(State(app): State<Arc<App>>) -> Response {
    if !app.hub.is_ready() {
        return Problem::busy("the hub is stopping", DurationMs::from_secs(5)).into_response();
    }
    if let Some(why) = app.hub.trouble() {
        return Problem::busy(why, DurationMs::from_secs(2)).into_response();
    }
    let answered = tokio::select! {
        answer = app.hub.store().feed_end() => answer.map(|_| ()).map_err(|error| error.to_string()),
        () = SystemClock.sleep(limits::READY_WITHIN) => {
            Err(format!("the store did not answer within {}", limits::READY_WITHIN))
        }
    };
    match answered {
        Ok(()) => ([(CACHE_CONTROL, "no-store")], "ready\n").into_response(),
        Err(why) => Problem::busy(why, DurationMs::from_secs(2)).into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind)], app.prometheus.render()).into_response()
}

async fn front(State(app): State<Arc<App>>) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let page = FRONT.replace("{version}", app.version);
    ([(CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

const FRONT: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Campanile</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}code{background:#8882;padding:0 .2em}</style>
</head><body>
<h1>Campanile</h1>
<p>This is an alert integration hub, version {version}. It hears the dialects of monitoring systems, keeps each problem
as one alert, and tells every service that should know.</p>
<ul>
<li>Senders post to <code>/s/{key}</code>, <code>/in/{dialect}</code> or <code>/alertmanager</code>.</li>
<li>The native API is below <code>/api/v1</code> and wants the admin token: <a href="/api/v1/openapi.json">its description</a>.</li>
<li><a href="/healthz">Is it alive?</a> <a href="/readyz">Does it take signals?</a> <a href="/metrics">Figures</a>.</li>
</ul>
</body></html>
"#;
