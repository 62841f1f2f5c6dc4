//! Reading requests, strictly: what is not understood is refused with the words that are.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use http::{StatusCode, header};
use model::{AlertId, SilenceId, limits as model_limits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::app::App;
use crate::body::{self, BodyFault};
use crate::limits;
use crate::problem::Problem;

/// Query parameters. `T` denies unknown fields.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(params)| Params(params))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let what = text
                    .rsplit_once("query string: ")
                    .map_or(&*text, |(_, what)| what);
                Problem::bad_request(format!("the query cannot be used: {what}"))
            })
    }
}

/// `{id}` and what else is in the path of one alert.
pub(crate) struct AlertPath {
    pub id: AlertId,
    pub action: String,
}

impl FromRequestParts<Arc<App>> for AlertPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let vars = Path::<Vec<(String, String)>>::from_request_parts(parts, app)
            .await
            .map_err(|_| no_such_alert())?;
        let value = |name: &str| {
            let found = vars.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Ok(AlertPath {
            id: value("id").parse().map_err(|_| no_such_alert())?,
            action: value("action"),
        })
    }
}

/// `{id}` in the path of one silence.
pub(crate) struct SilencePath(pub SilenceId);

impl FromRequestParts<Arc<App>> for SilencePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| no_such_silence())?;
        Ok(SilencePath(id.parse().map_err(|_| no_such_silence())?))
    }
}

pub(crate) fn no_such_silence() -> Problem {
    Problem::not_found("there is no silence with this id; ended ones are forgotten after a while")
}

pub(crate) fn no_such_alert() -> Problem {
    Problem::not_found("there is no alert with this id")
}

/// A JSON body; an empty one counts as `{}`. `T` denies unknown fields.
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let body = body::read(
            request.into_body(),
            limits::API_BODY_BYTES_MAX,
            limits::BODY_WITHIN,
            &app.large_bodies,
        )
        .await
        .map_err(refused)?;
        if body.bytes.is_empty() {
            return serde_json::from_str("{}").map(JsonBody).map_err(not_usable);
        }
        // A form posted by a page of somebody else's can have no JSON type.
        let is_json = kind
            .as_ref()
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().ends_with("json"));
        if !is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send JSON, with the header `Content-Type: application/json`",
            ));
        }
        serde_json::from_slice(&body.bytes)
            .map(JsonBody)
            .map_err(not_usable)
    }
}

/// `serde_json` names line and column.
fn not_usable(error: serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body cannot be used: {error}"))
}

fn refused(fault: BodyFault) -> Problem {
    match fault {
        BodyFault::TooLarge => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body is larger than {} bytes",
                limits::API_BODY_BYTES_MAX
            ),
        ),
        BodyFault::TooSlow => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not come within {}", limits::BODY_WITHIN),
        ),
        BodyFault::Broken => Problem::bad_request("the body broke off"),
    }
}

/// Tells `null` from what was left out.
pub(crate) fn said<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// How many rows are wanted.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(limits::PAGE_DEFAULT) {
        n @ 1..=model_limits::PAGE_MAX => Ok(n),
        n => Err(Problem::bad_request(format!(
            "`limit` is {n}; it may be 1 to {}",
            model_limits::PAGE_MAX
        ))),
    }
}

/// Reads a parameter's text as what it stands for.
pub(crate) fn parsed<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.map(str::parse)
        .transpose()
        .map_err(|error| Problem::bad_request(format!("`{name}`: {error}")))
}

/// A text within its limit.
pub(crate) fn short(
    name: &str,
    text: Option<String>,
    chars_max: usize,
) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > chars_max => Err(Problem::bad_request(format!(
            "`{name}` is longer than {chars_max} characters"
        ))),
        text => Ok(text),
    }
}
