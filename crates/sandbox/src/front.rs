//! From HTTP to vendors: finds the vendor, applies faults, keeps the record, cuts connections.

use crate::exchange::{Recorded, Reply, Request};
use crate::faults::{Cut, Fault};
use crate::vendor::{Conditions, Vendor};
use crate::{Sandbox, delay, limits, own, page};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn router(sandbox: Sandbox) -> axum::Router {
    axum::Router::new()
        .route("/", get(index))
        .route("/_requests", get(own::requests).delete(own::clear_requests))
        .route(
            "/_violations",
            get(own::violations).delete(own::clear_violations),
        )
        .route(
            "/_faults",
            get(own::faults)
                .post(own::add_fault)
                .delete(own::remove_faults),
        )
        .fallback(by_prefix)
        .with_state(sandbox)
}

async fn index(State(sandbox): State<Sandbox>) -> Response {
    let vendors: Vec<_> = sandbox
        .0
        .vendors
        .iter()
        .map(|vendor| (vendor.name(), vendor.about()))
        .collect();
    response(page::index(
        &vendors,
        sandbox.request_counts().0,
        sandbox.violation_count(),
    ))
}

/// Everything else: `/{vendor}/…` is the vendor's, `/_{vendor}/…` its switches.
async fn by_prefix(State(sandbox): State<Sandbox>, request: axum::extract::Request) -> Response {
    let path = request.uri().path();
    let rest = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = rest
        .split_once('/')
        .map_or((rest, ""), |(first, rest)| (first, rest));
    let (name, own) = first
        .strip_prefix('_')
        .map_or((first, false), |name| (name, true));
    let Some(index) = sandbox
        .0
        .vendors
        .iter()
        .position(|vendor| vendor.name() == name)
    else {
        return response(page::nothing_here());
    };
    let rest = format!("/{rest}");
    if own {
        return configure(&*sandbox.0.vendors[index], &rest, request).await;
    }
    if request.method() == Method::GET
        && let Some(page) = sandbox.0.vendors[index].page(&rest)
    {
        return response(page);
    }
    to_vendor(sandbox, index, rest, request).await
}

async fn configure(vendor: &dyn Vendor, rest: &str, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, limits::BODY_BYTES).await else {
        return response(Reply::complaint(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 10 MB",
        ));
    };
    response(vendor.configure(&parts.method, rest.trim_matches('/'), &body))
}

async fn to_vendor(
    sandbox: Sandbox,
    index: usize,
    path: String,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (body, too_large) = match axum::body::to_bytes(body, limits::BODY_BYTES).await {
        Ok(body) => (body, false),
        Err(_) => (Bytes::new(), true),
    };
    let request = Arc::new(Request {
        at: (sandbox.0.clock)(),
        vendor: sandbox.0.vendors[index].name(),
        method: parts.method,
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    });
    if too_large {
        let reply = Reply::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 10 MB",
        );
        return answer(&sandbox, request, Some(reply)).await;
    }
    let fault = sandbox.0.faults.lock().pick(request.vendor, &request.path);
    let Some(fault) = fault else {
        let reply = ask(&sandbox, index, &request);
        return answer(&sandbox, request, Some(reply)).await;
    };
    if let Some(ms) = fault.delay_ms
        && let Ok(permit) = sandbox.0.delays.clone().try_acquire_owned()
    {
        // In a task of its own: a vendor that was slow has still received what its client gave up on.
        let late = tokio::spawn(async move {
            let _permit = permit;
            delay::wait(Duration::from_millis(ms)).await;
            under_fault(&sandbox, index, request, &fault).await
        });
        return late.await.unwrap_or_else(|_| cut_connection());
    }
    under_fault(&sandbox, index, request, &fault).await
}

async fn under_fault(
    sandbox: &Sandbox,
    index: usize,
    request: Arc<Request>,
    fault: &Fault,
) -> Response {
    let reply = match fault.cut {
        Some(Cut::Before) => None,
        Some(Cut::After) => {
            let unheard = ask(sandbox, index, &request);
            sandbox
                .note(
                    Recorded {
                        request,
                        status: 0,
                        reply: Bytes::new(),
                    },
                    &unheard.problems,
                )
                .await;
            return cut_connection();
        }
        None if fault.answers() => Some(faulty_reply(fault)),
        None => Some(ask(sandbox, index, &request)),
    };
    answer(sandbox, request, reply).await
}

fn ask(sandbox: &Sandbox, index: usize, request: &Arc<Request>) -> Reply {
    let conditions = Conditions {
        now: (sandbox.0.clock)(),
        limits: sandbox.0.limits,
    };
    sandbox.0.vendors[index].handle(request, conditions)
}

/// Notes the exchange, then answers; without a reply the connection is cut.
async fn answer(sandbox: &Sandbox, request: Arc<Request>, reply: Option<Reply>) -> Response {
    let Some(reply) = reply else {
        sandbox
            .note(
                Recorded {
                    request,
                    status: 0,
                    reply: Bytes::new(),
                },
                &[],
            )
            .await;
        return cut_connection();
    };
    let recorded = Recorded {
        request,
        status: reply.status.as_u16(),
        reply: reply.body.clone(),
    };
    sandbox.note(recorded, &reply.problems).await;
    response(reply)
}

fn faulty_reply(fault: &Fault) -> Reply {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    let mut reply = match &fault.body {
        Some(serde_json::Value::String(text)) => Reply::text(status, text.clone()),
        Some(json) => Reply::json(status, json),
        None => Reply::text(status, ""),
    };
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name),
            http::HeaderValue::try_from(value),
        ) {
            reply.headers.insert(name, value);
        }
    }
    reply
}

pub(crate) fn response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

/// A response whose body fails at once: the server then closes the connection before anything of the response
/// has left it (the head is written together with the first of the body). The tests see the client's EOF.
fn cut_connection() -> Response {
    let cut = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    Response::new(Body::from_stream(cut))
}
