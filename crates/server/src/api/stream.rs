//! What happens, as it happens: server-sent events over the store's feed.
//!
//! A stream pulls: it reads a page only once the client has taken the one before, so a slow client costs one page
//! of memory, and one that takes nothing at all is cut by its socket (`patient`). The store's hint that something
//! changed only makes it look sooner (I11).

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use model::{AlertId, Clock, DurationMs, Event, ProjectId, SystemClock};
use serde::{Deserialize, Serialize};
use store::{LoadedAlert, StoreError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

use super::dto::{AlertDto, EventDto};
use super::named;
use super::request::Params;
use crate::app::App;
use crate::limits;
use crate::problem::Problem;
use crate::serve::Stopping;

/// Whose events are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamParams {
    /// A project's name; all projects if left out.
    project: Option<String>,
}

/// The `data` of one message.
#[derive(Serialize, ToSchema)]
pub(crate) struct Happened<'a> {
    /// The alert as it is now, which may be later than the event; `null` if it is gone.
    alert: Option<AlertDto<'a>>,
    event: EventDto<'a>,
}

/// A stream of every event as it is written. Each message has `event: alert` and its position as `id`; who reconnects
/// with `Last-Event-ID` misses nothing. Without it the stream begins with what comes next.
#[utoipa::path(get, path = "/api/v1/stream", operation_id = "stream", tag = "alerts",
    params(StreamParams, ("Last-Event-ID" = Option<u64>, Header, description = "The last position that was seen")),
    responses((status = 200, description = "Messages whose `data` is this JSON", body = inline(Happened),
        content_type = "text/event-stream")))]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    Params(asked): Params<StreamParams>,
    headers: HeaderMap,
    stopping: Option<Extension<Stopping>>,
) -> Result<Response, Problem> {
    let project = named::project(&app.hub.catalog(), asked.project.as_deref())?;
    let Ok(place) = app.streams.clone().try_acquire_owned() else {
        return Err(Problem::busy(
            format!("there are {} streams already", limits::STREAMS_MAX),
            DurationMs::from_secs(5),
        ));
    };
    let changed = app.hub.store().changed();
    let end = app.hub.store().feed_end().await;
    let end = end.map_err(|error| Problem::of_store("stream", &error))?;
    // A position beyond the end is of another store: what comes next is the best there is.
    let position = last_event_id(&headers)?.map_or(end, |last| last.min(end));
    let feed = Feed {
        position,
        project,
        changed,
        ready: VecDeque::from([begin(position)]),
        stopping: stopping
            .map(|Extension(Stopping(token))| token)
            .unwrap_or_default(),
        app,
        _place: place,
    };
    let messages = futures_util::stream::unfold(feed, |mut feed| async {
        let message = feed.next().await?;
        Some((Ok::<_, Infallible>(message), feed))
    });
    let keep_alive = KeepAlive::new().interval(limits::STREAM_KEEP_ALIVE.to_std());
    Ok(Sse::new(messages).keep_alive(keep_alive).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    match value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
    {
        Some(position) => Ok(Some(position)),
        None => Err(Problem::bad_request(
            "`Last-Event-ID` is not one that this stream gave",
        )),
    }
}

/// Gives the client a position at once, so that it misses nothing if it is cut before the first event.
fn begin(position: u64) -> SseEvent {
    SseEvent::default()
        .id(position.to_string())
        .comment("begin")
}

struct Feed {
    app: Arc<App>,
    position: u64,
    project: Option<ProjectId>,
    changed: watch::Receiver<u64>,
    ready: VecDeque<SseEvent>,
    stopping: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// The next message; `None` ends the stream, and the client comes back with its position.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            // Marked before it reads: what is written from here on wakes it again.
            self.changed.borrow_and_update();
            match self.read().await {
                Ok(0) => self.wait().await?,
                Ok(_) => {}
                Err(error) => {
                    engine::telling::store_failed("stream", &error);
                    return None;
                }
            }
        }
    }

    /// Reads a page; how many events it had, wanted or not.
    async fn read(&mut self) -> Result<usize, StoreError> {
        let store = self.app.hub.store();
        let page = store.feed(self.position, limits::STREAM_PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(0);
        };
        self.position = *last;
        let mut ids: Vec<AlertId> = page.iter().map(|(_, event)| event.alert).collect();
        ids.sort_unstable();
        ids.dedup();
        let loaded = store.load(ids.clone()).await?;
        let alerts: HashMap<AlertId, LoadedAlert> = ids
            .into_iter()
            .zip(loaded)
            .filter_map(|(id, alert)| Some((id, alert?)))
            .collect();
        for (position, event) in &page {
            let alert = alerts.get(&event.alert);
            let wanted = self
                .project
                .is_none_or(|project| alert.is_some_and(|a| a.alert.project == project));
            if wanted {
                self.ready.push_back(self.message(*position, event, alert));
            }
        }
        Ok(page.len())
    }

    fn message(&self, position: u64, event: &Event, alert: Option<&LoadedAlert>) -> SseEvent {
        let catalog = self.app.hub.catalog();
        let data = Happened {
            alert: alert.map(|a| AlertDto::new(&a.alert, a.seen, &catalog, &self.app.hub)),
            event: EventDto::new(event),
        };
        let message = SseEvent::default().event("alert").id(position.to_string());
        // Values of our own always are JSON.
        message
            .json_data(&data)
            .unwrap_or_else(|_| SseEvent::default().id(position.to_string()))
    }

    /// Waits until there may be more. The time is the machine's: it only paces reading.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.stopping.cancelled() => return None,
            () = self.app.hub.stopping().cancelled() => return None,
            Ok(()) = self.changed.changed() => {}
            () = SystemClock.sleep(limits::STREAM_POLL) => {}
        }
        SystemClock.sleep(limits::STREAM_GATHER).await;
        Some(())
    }
}
