//! The hub over HTTP: ways in that speak the vendors' dialects, the native API, operations.
//!
//! Nothing is decided here. A request becomes values for a dialect or the engine, and what they say becomes an
//! answer. Only this crate knows axum.

mod api;
mod app;
mod body;
pub mod limits;
mod openapi;
mod operations;
mod patient;
mod permission;
mod problem;
mod serve;
mod ways_in;

use axum::Router;
use axum::middleware;
use tower_http::catch_panic::CatchPanicLayer;

pub use api::{AlertDto, AttemptDto, EventDto, LaneDto, SilenceDto, WindowDto};
pub use app::{Reload, ServerOptions};
pub use openapi::document as openapi_document;
pub use permission::Permission;
pub use serve::serve;

/// Everything that the hub serves.
pub fn router(options: ServerOptions) -> Router {
    operations::describe_metrics();
    let app = app::App::new(options);
    Router::new()
        .merge(ways_in::routes())
        .merge(api::routes(&app))
        .merge(operations::routes())
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(problem::finish))
        .with_state(app)
}
