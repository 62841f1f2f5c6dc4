//! The native API below `/api/v1`.
//!
//! Every route stands in [`table`] with what it asks of its caller; `openapi` describes each, and a test holds the
//! two together.

pub(crate) mod actions;
pub(crate) mod alerts;
pub(crate) mod attempts;
pub(crate) mod configuration;
mod cursor;
pub(crate) mod dto;
mod named;
mod request;
pub(crate) mod schema;
mod silence_forms;
pub(crate) mod silences;
pub(crate) mod stream;
pub(crate) mod trials;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};
use model::DurationMs;
use serde::Serialize;

use crate::app::App;
use crate::openapi;
use crate::permission::Permission;
use crate::problem::Problem;

pub use dto::{AlertDto, AttemptDto, EventDto, LaneDto};
pub use silence_forms::{SilenceDto, WindowDto};

/// One route.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub permission: Permission,
    handler: MethodRouter<Arc<App>>,
}

/// The permission table: all routes of the native API.
pub(crate) fn table() -> Vec<Route> {
    use Permission::{
        ActOnAlerts, ChangeConfiguration, Public, SilenceAlerts, TestIntegrations, ViewAlerts,
        ViewConfiguration,
    };
    let one_silence = "/api/v1/silences/{id}";
    vec![
        reads("/api/v1/alerts", ViewAlerts, alerts::list),
        reads("/api/v1/alerts/{id}", ViewAlerts, alerts::one),
        reads("/api/v1/alerts/{id}/events", ViewAlerts, alerts::events),
        reads("/api/v1/alerts/{id}/lanes", ViewAlerts, alerts::lanes),
        reads("/api/v1/alerts/{id}/explain", ViewAlerts, alerts::explain),
        writes("/api/v1/alerts/{id}/{action}", ActOnAlerts, actions::act),
        reads("/api/v1/attempts", ViewAlerts, attempts::list),
        reads("/api/v1/stream", ViewAlerts, stream::open),
        reads("/api/v1/silences", ViewAlerts, silences::list),
        writes("/api/v1/silences", SilenceAlerts, silences::make),
        writes("/api/v1/silences/preview", ViewAlerts, silences::preview),
        reads(one_silence, ViewAlerts, silences::one),
        with(
            Method::PUT,
            one_silence,
            SilenceAlerts,
            routing::put(silences::change),
        ),
        with(
            Method::DELETE,
            one_silence,
            SilenceAlerts,
            routing::delete(silences::end),
        ),
        reads(
            "/api/v1/integrations",
            ViewConfiguration,
            configuration::integrations,
        ),
        writes(
            "/api/v1/integrations/{integration}/test",
            TestIntegrations,
            trials::test,
        ),
        reads("/api/v1/sources", ViewConfiguration, configuration::sources),
        writes("/api/v1/reload", ChangeConfiguration, configuration::reload),
        reads("/api/v1/openapi.json", Public, openapi::serve),
    ]
}

fn reads<H, T>(path: &'static str, permission: Permission, handler: H) -> Route
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    with(Method::GET, path, permission, routing::get(handler))
}

fn writes<H, T>(path: &'static str, permission: Permission, handler: H) -> Route
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    with(Method::POST, path, permission, routing::post(handler))
}

fn with(
    method: Method,
    path: &'static str,
    permission: Permission,
    handler: MethodRouter<Arc<App>>,
) -> Route {
    Route {
        method,
        path,
        permission,
        handler,
    }
}

pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    table().into_iter().fold(Router::new(), |router, route| {
        let gate = from_fn_with_state((app.clone(), route.permission), gate);
        router.route(route.path, route.handler.route_layer(gate))
    })
}

/// Lets through who may do this, and not more at once than the hub can serve.
async fn gate(
    State((app, permission)): State<(Arc<App>, Permission)>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = allowed(&app, permission, &request) {
        return problem.into_response();
    }
    let Ok(_place) = app.api_requests.try_acquire() else {
        let detail = "too many requests at once";
        return Problem::busy(detail, DurationMs::from_secs(1)).into_response();
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The one credential that there is so far may do everything; roles will look at the permission.
fn allowed(app: &App, permission: Permission, request: &Request) -> Result<(), Problem> {
    if permission == Permission::Public {
        return Ok(());
    }
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match token {
        Some(token) if app.is_admin_token(token) => Ok(()),
        Some(_) => Err(Problem::unauthorized("this is not the admin token")),
        None => Err(Problem::unauthorized(
            "send the admin token as `Authorization: Bearer …`",
        )),
    }
}

/// An answer as JSON.
fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let kind = HeaderValue::from_static("application/json");
            ([(CONTENT_TYPE, kind)], body).into_response()
        }
        Err(error) => crate::problem::panicked(Box::new(format!("an answer is not JSON: {error}"))),
    }
}
