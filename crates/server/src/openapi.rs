//! The native API's description, made from its handlers (OpenAPI 3.1).

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::api::schema::{alert_schema, event_schema};
use crate::api::{AlertDto, AttemptDto, EventDto, LaneDto, SilenceDto, WindowDto};
use crate::api::{actions, alerts, attempts, configuration, silences, stream, trials};
use crate::problem::ProblemJson;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Campanile",
        description = "The native API of an alert integration hub. Errors are `application/problem+json`; times are RFC 3339 in UTC; what is not there is `null`; fields are only ever added."
    ),
    paths(
        alerts::list,
        alerts::one,
        alerts::events,
        alerts::lanes,
        alerts::explain,
        actions::act,
        attempts::list,
        stream::open,
        silences::list,
        silences::one,
        silences::make,
        silences::preview,
        silences::change,
        silences::end,
        configuration::integrations,
        trials::test,
        configuration::sources,
        configuration::reload,
        serve,
    ),
    components(schemas(
        AlertDto,
        EventDto,
        LaneDto,
        AttemptDto,
        SilenceDto,
        WindowDto,
        ProblemJson
    ))
)]
struct Description;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The description as JSON.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    document["components"]["schemas"]["Alert"] = alert_schema();
    document["components"]["schemas"]["Event"] = event_schema();
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "The admin token." }
    });
    let problem = json!({
        "description": "A problem: 400 the request cannot be used, 401 no or a wrong token, 404 no such thing, 503 try again after `Retry-After`.",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    });
    for route in crate::api::table() {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &mut document["paths"][route.path][method];
        if route.permission != crate::Permission::Public {
            operation["security"] = json!([{ "token": [] }]);
            operation["responses"]["default"] = problem.clone();
        }
        // Responses must be described; where a handler says no more, its summary does.
        let summary = operation["summary"].clone();
        for response in operation["responses"].as_object_mut().into_iter().flatten() {
            let description = &mut response.1["description"];
            if description.as_str().is_none_or(str::is_empty) {
                *description = summary.clone();
            }
        }
        operation["x-permission"] = format!("{:?}", route.permission).into();
    }
    document
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "describe", tag = "description",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub(crate) async fn serve() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = serde_json::to_value(Description::openapi()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| (path.clone(), method.to_ascii_uppercase()))
            })
            .collect();
        let table: BTreeSet<(String, String)> = crate::api::table()
            .into_iter()
            .map(|route| (route.path.to_owned(), route.method.to_string()))
            .collect();
        assert_eq!(described, table);
    }
}
