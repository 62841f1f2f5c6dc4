//! Ways in: addresses at which senders find their vendor's API.
//!
//! Each mount is one line in [`routes`]: where, which dialect (if the address says it), and where the key stands.
//! What follows is the same for all: key → source → dialect → signals → the dialect's answer (DESIGN §4, §8).

mod key;
mod mount;
mod reading;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::routing::any;
use integrations::registry;

use crate::app::App;
use crate::problem::Problem;
use axum::response::{IntoResponse, Response};
use mount::{Mounted, mount};

pub(crate) fn routes() -> Router<Arc<App>> {
    let router = everything_below(Router::new(), "/s/{key}", by_url);
    let router = everything_below(router, "/in/{dialect}", by_name);
    everything_below(router, "/alertmanager", |state, _, request| {
        by_header(state, request, "alertmanager", 1)
    })
}

/// What stands in the path's places; an error if that is no UTF-8.
type Vars = Result<Path<Vec<(String, String)>>, PathRejection>;

/// The first place of the path.
fn first(vars: Vars) -> Option<String> {
    let Path(vars) = vars.ok()?;
    vars.into_iter().next().map(|(_, value)| value)
}

/// `base`, `base/` and everything further down.
fn everything_below<H, F>(router: Router<Arc<App>>, base: &str, handler: H) -> Router<Arc<App>>
where
    H: Fn(State<Arc<App>>, Vars, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let handler = any(handler);
    router
        .route(base, handler.clone())
        .route(&format!("{base}/"), handler.clone())
        .route(&format!("{base}/{{*rest}}"), handler)
}

/// `/s/{key}…`: the key says which source, the source which dialect.
async fn by_url(State(app): State<Arc<App>>, vars: Vars, request: Request) -> Response {
    let mounted = Mounted {
        dialect: None,
        key: first(vars),
        segments: 2,
    };
    mount(app, mounted, request).await
}

/// `/in/{dialect}…` with the key in a header.
async fn by_name(state: State<Arc<App>>, vars: Vars, request: Request) -> Response {
    let name = first(vars).unwrap_or_default();
    by_header(state, request, &name, 2).await
}

/// A dialect at an address of its own, `segments` deep, with the key in a header.
fn by_header(
    State(app): State<Arc<App>>,
    request: Request,
    dialect: &str,
    segments: usize,
) -> impl Future<Output = Response> + Send + 'static {
    let dialect = registry::dialect(dialect);
    async move {
        let Some(dialect) = dialect else {
            let known: Vec<&str> = registry::DIALECTS
                .iter()
                .map(|d| d.manifest().name)
                .collect();
            let detail = format!("there is no such dialect; there are: {}", known.join(", "));
            return Problem::not_found(detail).into_response();
        };
        let mounted = Mounted {
            dialect: Some(dialect),
            key: key::in_headers(request.headers()),
            segments,
        };
        mount(app, mounted, request).await
    }
}
