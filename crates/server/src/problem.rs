//! Errors as `application/problem+json` (RFC 9457), made in one place.
//!
//! Handlers answer a [`Problem`]; it travels in the response's extensions until [`finish`], which knows the
//! request's path, writes the body.

use std::any::Any;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use model::DurationMs;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

/// Characters of a detail: some repeat what the client sent.
const DETAIL_CHARS_MAX: usize = 1000;

/// Why a request was not done, and what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<ProblemJson>);

/// Why a request was not done, and what to do about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemJson {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// For people.
    detail: String,
    /// The path that was asked for; of ways in only their first word, because the rest may hold a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Each problem on its own, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem(Box::new(ProblemJson {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: wire::text::cut_chars(&detail.into(), DETAIL_CHARS_MAX).into_owned(),
            instance: None,
            problems: Vec::new(),
            headers: Vec::new(),
        }))
    }

    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// No token, or not the right one.
    pub fn unauthorized(detail: impl Into<String>) -> Problem {
        let challenge = HeaderValue::from_static("Bearer realm=\"campanile\"");
        Problem::new(StatusCode::UNAUTHORIZED, detail).header(WWW_AUTHENTICATE, challenge)
    }

    /// Nothing was done; the same request may work after `retry_after`.
    pub fn busy(detail: impl Into<String>, retry_after: DurationMs) -> Problem {
        let seconds = (retry_after.0.max(0) + 999) / 1000;
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    #[must_use]
    pub fn with_problems(mut self, problems: Vec<String>) -> Problem {
        self.0.problems = problems;
        self
    }

    /// The store failed while `place` was answered: told, and the client hears when to try again.
    pub fn of_store(place: &'static str, error: &StoreError) -> Problem {
        engine::telling::store_failed(place, error);
        match error {
            StoreError::Unavailable { .. } => Problem::busy(
                "the hub's store is not available; nothing was changed",
                DurationMs::from_secs(2),
            ),
            StoreError::Schema { what } => Problem::busy(
                format!("this node stands aside: {what}"),
                DurationMs::from_secs(30),
            ),
            StoreError::Inconsistent { .. } => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the hub's store holds what this version cannot read; its log says what",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes a problem's body and the headers that every answer has.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if let Some(Problem(mut problem)) = response.extensions_mut().remove::<Problem>() {
        problem.instance = Some(instance(&uri));
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        *response.body_mut() = body.into();
        let headers = response.headers_mut();
        headers.remove(http::header::CONTENT_LENGTH);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// The native API's paths hold no secret; anything else may be `/s/{key}` or a slip of it (I9).
fn instance(uri: &Uri) -> String {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return path.to_owned();
    }
    let known = ["s", "in", "alertmanager", "healthz", "readyz", "metrics"];
    let first = path.split('/').nth(1).unwrap_or_default();
    match known.contains(&first) {
        true => format!("/{first}"),
        false => "/".to_owned(),
    }
}

pub(crate) async fn no_such_page() -> Problem {
    Problem::not_found(
        "there is nothing at this address; the native API is below /api/v1, described at /api/v1/openapi.json",
    )
}

pub(crate) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take this method; the header Allow names those it takes",
    )
}

/// A fault of ours in a handler: told, and the client hears that it was ours.
pub(crate) fn panicked(fault: Box<dyn Any + Send>) -> Response {
    let what = fault
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| fault.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    engine::telling::panicked("http", what);
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the hub has a fault of its own here; its log says more. The same request may be sent again",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_fault_of_ours_is_a_problem_of_status_500_and_says_no_details() {
        async fn faulty() -> &'static str {
            panic!("the key is k-123")
        }
        let router: Router = Router::new()
            .route("/api/faulty", get(faulty))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(axum::middleware::from_fn(finish));
        let request = Request::get("/api/faulty").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], 500);
        assert_eq!(problem["title"], "Internal Server Error");
        assert_eq!(problem["instance"], "/api/faulty");
        assert!(!problem.to_string().contains("k-123"));
    }

    #[test]
    fn i9_an_instance_never_holds_a_key() {
        for (path, shown) in [
            ("/api/v1/alerts", "/api/v1/alerts"),
            ("/s/0123/api/v2/alerts", "/s"),
            ("/in/generic", "/in"),
            ("/S/0123", "/"),
            ("/0123", "/"),
            ("/", "/"),
        ] {
            assert_eq!(instance(&path.parse().unwrap()), shown);
        }
    }
}
