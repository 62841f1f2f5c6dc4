//! One request of a sender, from its bytes to the answer that its clients expect. Nothing that a sender does
//! wrong is logged above debug: it hears it itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use engine::catalog::{Source, Way};
use engine::{Busy, Intake, NotTaken, Taken};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode, request};
use integrations::kit::{Accepted, Answer, Dialect, Inbound, ReadWant, Rejection, SilenceCommand};
use model::{DurationMs, Timestamp, limits};
use tokio::task::JoinHandle;

use super::reading;
use crate::app::App;
use crate::body::{self, BodyFault};
use crate::limits::{BODY_WITHIN, SMALL_BODY_BYTES};
use crate::problem::Problem;

/// How long senders wait before they try again after a slow body.
const SLOW_RETRY: DurationMs = DurationMs::from_secs(5);

/// What the address says.
pub(crate) struct Mounted {
    /// The dialect, where the address names one: it then also words the refusals.
    pub dialect: Option<&'static dyn Dialect>,
    pub key: Option<String>,
    /// How many segments of the path belong to the mount; the rest is the dialect's.
    pub segments: usize,
}

/// A request that outlives its connection's task.
struct Incoming {
    parts: request::Parts,
    segments: usize,
    body: bytes::Bytes,
    received_at: Timestamp,
    source: Arc<Source>,
    dialect: &'static dyn Dialect,
}

impl Incoming {
    fn inbound(&self) -> Inbound<'_> {
        Inbound {
            method: &self.parts.method,
            path: below(self.parts.uri.path(), self.segments),
            query: self.parts.uri.query().unwrap_or_default(),
            headers: &self.parts.headers,
            body: &self.body,
            received_at: self.received_at,
            source: &self.source.name,
        }
    }

    fn accept(&self) -> Accepted {
        match &self.source.way {
            Way::Dialect { dialect, settings } => dialect.accept(&self.inbound(), settings),
            // `source_for` lets none through.
            Way::Monitor { .. } => Accepted::Refused(Answer::text(403, "this source is a monitor")),
        }
    }

    /// Everything that is done about it without waiting.
    fn look(&self, intake: &Intake) -> Looked {
        let (taken, rejections) = match self.accept() {
            Accepted::Refused(answer) => return Looked::Refused(answer),
            Accepted::Read(want) => return Looked::Read(want),
            Accepted::Silence(command) => return Looked::Silence(command),
            Accepted::Batch(batch) => (intake.take_batch(&self.source, batch), Vec::new()),
            Accepted::Signals {
                signals,
                rejections,
            } => {
                let taken = intake.take(&self.source, signals);
                (taken.map_err(NotTaken::Busy), rejections)
            }
        };
        match taken {
            Ok(taken) => Looked::Taken(Box::new(taken), rejections),
            Err(NotTaken::Busy(busy)) => Looked::Busy(busy),
            Err(NotTaken::Refused(answer)) => Looked::Refused(answer),
        }
    }

    /// What this vendor's clients understand as "try again".
    fn busy(&self, busy: &Busy) -> Answer {
        tracing::debug!(
            source = self.source.name,
            reason = busy.reason,
            "a sender was asked to try again"
        );
        self.dialect.busy(busy.retry_after)
    }
}

/// What a request turned out to be, and how far it has got.
enum Looked {
    Refused(Answer),
    Read(ReadWant),
    Silence(SilenceCommand),
    Busy(Busy),
    Taken(Box<Taken>, Vec<Rejection>),
}

/// Takes one request at a mount.
pub(crate) async fn mount(app: Arc<App>, mounted: Mounted, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        return (StatusCode::NO_CONTENT, [(ALLOW, methods)]).into_response();
    }
    let (source, dialect) = match source_for(&app, &mounted) {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    let (parts, body) = request.into_parts();
    let read = body::read(body, limits::BODY_BYTES_MAX, BODY_WITHIN, &app.large_bodies).await;
    let body = match read {
        Ok(body) => body,
        Err(fault) => return refuse_body(dialect, fault),
    };
    // Kept until the answer: the bytes are in memory as long.
    let _place = body.place;
    let incoming = Arc::new(Incoming {
        parts,
        segments: mounted.segments,
        body: body.bytes,
        received_at: app.hub.clock().now(),
        source,
        dialect,
    });
    let looked = if incoming.body.len() > SMALL_BODY_BYTES {
        let (incoming, intake) = (incoming.clone(), app.hub.intake());
        joined(tokio::task::spawn_blocking(move || incoming.look(&intake))).await
    } else {
        incoming.look(&app.hub.intake())
    };
    match looked {
        Looked::Refused(answer) => respond(answer),
        Looked::Read(want) => respond(reading::read(&app, &incoming.source, dialect, want).await),
        Looked::Silence(command) => respond(silence(&app, &incoming, command).await),
        Looked::Busy(busy) => respond(incoming.busy(&busy)),
        Looked::Taken(taken, rejections) => {
            respond(finish(&app, &incoming, *taken, rejections).await)
        }
    }
}

/// Does what a sender wants of its project's silences.
async fn silence(app: &App, incoming: &Incoming, command: SilenceCommand) -> Answer {
    let project = incoming.source.project.id;
    match app.hub.silence(project, command.clone()).await {
        Ok(outcome) => incoming.dialect.silenced(&command, &outcome),
        Err(error) => {
            engine::telling::store_failed("silences", &error);
            incoming.dialect.busy(SLOW_RETRY)
        }
    }
}

/// The source that the key opens, if it speaks the mount's dialect.
fn source_for(
    app: &App,
    mounted: &Mounted,
) -> Result<(Arc<Source>, &'static dyn Dialect), Box<Response>> {
    let catalog = app.hub.catalog();
    let source = mounted
        .key
        .as_deref()
        .and_then(|key| catalog.source_of_key(key));
    let Some(source) = source else {
        return Err(Box::new(match mounted.dialect {
            Some(dialect) => respond(dialect.unauthorized()),
            None => Problem::not_found("no source has this key").into_response(),
        }));
    };
    let Way::Dialect { dialect, .. } = &source.way else {
        let detail = "this key belongs to a monitor, which takes nothing from outside";
        return Err(Box::new(
            Problem::new(StatusCode::FORBIDDEN, detail).into_response(),
        ));
    };
    let speaks = dialect.manifest().name;
    match mounted.dialect.map(|asked| asked.manifest().name) {
        Some(asked) if asked != speaks => {
            let detail = format!(
                "this key is of a source that speaks {speaks}, and this address takes {asked}: post to /in/{speaks} \
                 or to /s/ and the key"
            );
            Err(Box::new(
                Problem::new(StatusCode::FORBIDDEN, detail).into_response(),
            ))
        }
        _ => Ok((source.clone(), *dialect)),
    }
}

fn refuse_body(dialect: &'static dyn Dialect, fault: BodyFault) -> Response {
    tracing::debug!(
        dialect = dialect.manifest().name,
        ?fault,
        "a body was not taken"
    );
    match fault {
        BodyFault::TooLarge => respond(dialect.too_large(limits::BODY_BYTES_MAX)),
        // Many vendors' clients drop after 4xx, and a slow line may be better next time.
        BodyFault::TooSlow => {
            let mut response = respond(dialect.busy(SLOW_RETRY));
            let close = HeaderValue::from_static("close");
            response
                .headers_mut()
                .insert(http::header::CONNECTION, close);
            tracing::debug!(within = %BODY_WITHIN, "a body came too slowly");
            response
        }
        BodyFault::Broken => Problem::bad_request("the body broke off").into_response(),
    }
}

/// Waits for what becomes of a batch and shapes the answer. The hub's part runs in a task of its own: a sender that
/// hangs up must not stop it half-way.
async fn finish(
    app: &App,
    incoming: &Incoming,
    taken: Taken,
    rejections: Vec<Rejection>,
) -> Answer {
    let intake = app.hub.intake();
    let is_done = taken.is_done();
    let ending = async move {
        let fate = intake.finish(taken).await;
        if let Ok(fate) = &fate {
            engine::telling::signals_taken(&fate.outcomes);
        }
        fate
    };
    let fate = match is_done {
        // Repeats only: nothing is waited for.
        true => ending.await,
        false => joined(tokio::spawn(ending)).await,
    };
    let mut fate = match fate {
        Ok(fate) => fate,
        Err(busy) => return incoming.busy(&busy),
    };
    fate.rejections.extend(rejections);
    if !fate.rejections.is_empty() {
        tracing::debug!(
            source = incoming.source.name,
            count = fate.rejections.len(),
            "a part of a batch was not taken"
        );
    }
    incoming
        .dialect
        .answer(&incoming.inbound(), &fate.outcomes, &fate.rejections)
}

/// A task's result; its panic goes on here, to be caught where all are.
async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(fault) => std::panic::resume_unwind(fault),
            // Nobody cancels these tasks but a runtime that shuts down, and then this task goes too.
            Err(_) => std::future::pending().await,
        },
    }
}

/// A dialect's answer as a response.
pub(super) fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = answer.content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // A value that cannot stand in a header is left out rather than refused: the status says what matters.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    response
}

/// What is left of `path` after so many segments; `/` if nothing is.
fn below(path: &str, segments: usize) -> &str {
    let mut rest = path;
    for _ in 0..segments {
        rest = rest.strip_prefix('/').unwrap_or(rest);
        rest = rest.find('/').map_or("", |at| &rest[at..]);
    }
    if rest.is_empty() { "/" } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_mount_keeps_its_form() {
        for (path, segments, rest) in [
            ("/s/k", 2, "/"),
            ("/s/k/", 2, "/"),
            ("/s/k/api/v2/alerts", 2, "/api/v2/alerts"),
            ("/s/k/a%2Fb/", 2, "/a%2Fb/"),
            ("/alertmanager", 1, "/"),
            ("/alertmanager/api/v2/status", 1, "/api/v2/status"),
        ] {
            assert_eq!(below(path, segments), rest, "{path}");
        }
    }

    #[test]
    fn an_answer_keeps_its_headers_and_loses_only_what_cannot_stand_in_one() {
        let answer = Answer::text(202, "taken")
            .header("x-request-id", "1")
            .header("x-odd", "a\nb");
        let response = respond(answer);
        assert_eq!(response.status(), 202);
        assert_eq!(response.headers()["x-request-id"], "1");
        assert!(!response.headers().contains_key("x-odd"));
    }
}
