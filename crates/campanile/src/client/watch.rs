//! `alerts watch`: events as they happen. A lost connection is taken up where it ended.

use std::io::Write;

use http_body_util::BodyExt;
use model::{Clock, DurationMs, Timestamp};
use serde_json::Value;

use crate::cli::WatchArgs;
use crate::client::error::HubError;
use crate::client::http::Hub;
use crate::client::json::{headline, short_id, text, time, who};
use crate::client::show::details;
use crate::client::sse::{SseEvent, SseParser};
use crate::client::text::cut;

/// Between two tries to connect again, in seconds: doubled up to the last, so that a restart is bridged at once and a
/// hub that is down for a night is not hammered.
const RETRY_SECONDS: [i64; 5] = [1, 2, 4, 8, 15];

/// Prints events until `stop` resolves. The first connection must succeed.
pub async fn run(
    hub: &Hub,
    args: &WatchArgs,
    json: bool,
    clock: &dyn Clock,
    out: &mut dyn Write,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = stop => Ok(()),
        ended = follow(hub, args, json, clock, out) => ended,
    }
}

async fn follow(
    hub: &Hub,
    args: &WatchArgs,
    json: bool,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut parser = SseParser::default();
    let mut stream = hub.stream("/api/v1/stream", None).await?;
    eprintln!("Watching {}. Ctrl-C ends it.", hub.base());
    loop {
        while let Some(Ok(frame)) = stream.frame().await {
            let Some(data) = frame.data_ref() else {
                continue;
            };
            for event in parser.feed(data)? {
                if let Some(line) = line(&event, args, json, clock.now()) {
                    writeln!(out, "{line}")?;
                    out.flush()?;
                }
            }
        }
        eprintln!("The hub closed the stream; connecting again …");
        parser.restart();
        stream = again(hub, parser.last_id.as_deref(), clock).await?;
        eprintln!("Connected again; what happened meanwhile follows.");
    }
}

/// Connects again, however long it takes; a refusal that waiting does not mend ends it.
async fn again(
    hub: &Hub,
    last_id: Option<&str>,
    clock: &dyn Clock,
) -> Result<hyper::body::Incoming, HubError> {
    let mut tries = 0;
    loop {
        let seconds = RETRY_SECONDS[tries.min(RETRY_SECONDS.len() - 1)];
        clock.sleep(DurationMs::from_secs(seconds)).await;
        tries += 1;
        match hub.stream("/api/v1/stream", last_id).await {
            Err(
                error @ HubError::Refused {
                    status: 400..=428 | 430..=499,
                    ..
                },
            ) => return Err(error),
            Err(error) => eprintln!(
                "Still not: {}",
                error.to_string().lines().next().unwrap_or_default()
            ),
            Ok(stream) => return Ok(stream),
        }
    }
}

/// An event as a line; `None` if it is not wanted.
fn line(event: &SseEvent, args: &WatchArgs, json: bool, now: Timestamp) -> Option<String> {
    if event.kind != "alert" {
        return None;
    }
    let data: Value = serde_json::from_str(&event.data).ok()?;
    let (alert, happened) = (&data["alert"], &data["event"]);
    let severity = text(alert, "severity");
    let wanted = args
        .project
        .as_ref()
        .is_none_or(|project| text(alert, "project") == *project)
        && (args.severity.is_empty()
            || args
                .severity
                .iter()
                .any(|wanted| wanted.as_str() == severity));
    if !wanted {
        return None;
    }
    if json {
        return Some(data.to_string());
    }
    // In UTC, as the hub's log has it.
    let at = time(happened, "at").unwrap_or(now).to_string();
    let clock = at.get(11..19).unwrap_or_default();
    let more: Vec<String> = [who(happened), details(happened, now)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" ({})", more.join(": "))
    };
    let line = format!(
        "{clock}  {}  {severity:<8}  {:<16}  {}{more}",
        short_id(alert),
        text(happened, "kind"),
        headline(alert)
    );
    Some(cut(&line, crate::client::table::WIDTH))
}
