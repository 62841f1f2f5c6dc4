//! The sandbox's own addresses: what came, what broke a rule, which faults are set.

use crate::exchange::Reply;
use crate::faults::Fault;
use crate::front::response;
use crate::{RequestFilter, Sandbox};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

/// `GET /_requests?vendor=&path=&since=&limit=`: a JSON array of the record's objects, oldest first. The headers
/// `sandbox-total` and `sandbox-dropped` say how many came and how many are no longer kept.
pub(crate) async fn requests(State(sandbox): State<Sandbox>, uri: Uri) -> Response {
    let filter = match query::<RequestFilter>(&uri) {
        Ok(filter) => filter,
        Err(problem) => return response(Reply::complaint(StatusCode::BAD_REQUEST, &problem)),
    };
    let found = sandbox.requests(&filter);
    let (total, dropped) = sandbox.request_counts();
    let Ok(body) = serde_json::to_vec(&found) else {
        return response(Reply::complaint(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a kept request cannot be written as JSON",
        ));
    };
    let mut reply = Reply::json(StatusCode::OK, &json!(null));
    reply.body = Bytes::from(body);
    reply
        .headers
        .insert("sandbox-total", HeaderValue::from(total));
    reply
        .headers
        .insert("sandbox-dropped", HeaderValue::from(dropped));
    response(reply)
}

pub(crate) async fn clear_requests(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.clear_requests();
    StatusCode::NO_CONTENT
}

/// `GET /_violations`: `{count, violations}`.
pub(crate) async fn violations(State(sandbox): State<Sandbox>) -> Response {
    let body = json!({ "count": sandbox.violation_count(), "violations": sandbox.violations() });
    response(Reply::json(StatusCode::OK, &body))
}

pub(crate) async fn clear_violations(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.clear_violations();
    StatusCode::NO_CONTENT
}

pub(crate) async fn faults(State(sandbox): State<Sandbox>) -> Response {
    response(Reply::json(
        StatusCode::OK,
        &json!({ "faults": sandbox.faults() }),
    ))
}

/// `POST /_faults`: 201 `{id}`, or 400 with what is wrong.
pub(crate) async fn add_fault(State(sandbox): State<Sandbox>, body: Bytes) -> Response {
    let added = serde_json::from_slice::<Fault>(&body)
        .map_err(|error| error.to_string())
        .and_then(|fault| sandbox.add_fault(fault));
    response(match added {
        Ok(id) => Reply::json(StatusCode::CREATED, &json!({ "id": id })),
        Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichFault {
    id: Option<u64>,
}

/// `DELETE /_faults` removes all, `?id=` one.
pub(crate) async fn remove_faults(State(sandbox): State<Sandbox>, uri: Uri) -> Response {
    match query::<WhichFault>(&uri) {
        Ok(which) => {
            sandbox.remove_faults(which.id);
            response(Reply::text(StatusCode::NO_CONTENT, ""))
        }
        Err(problem) => response(Reply::complaint(StatusCode::BAD_REQUEST, &problem)),
    }
}

fn query<T: serde::de::DeserializeOwned>(uri: &Uri) -> Result<T, String> {
    axum::extract::Query::<T>::try_from_uri(uri)
        .map(|found| found.0)
        .map_err(|problem| problem.body_text())
}
