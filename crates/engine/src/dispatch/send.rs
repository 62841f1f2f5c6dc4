//! One task on its way: the sink says what to request, egress sends it, the sink judges.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use integrations::kit::{AFTER_MAX, Finish, Next, Step, Task};
use model::{Alert, DurationMs, Event, Handle, Outcome, Severity, Verb, limits};
use serde_json::Value;

use crate::catalog::Revision;
use crate::hub::Shared;
use crate::telling;

/// Everything that one send needs, owned, so that it can run beside others.
pub(crate) struct Errand {
    pub revision: Arc<Revision>,
    pub alert: Alert,
    /// The name of the alert's source.
    pub source: String,
    pub events: Vec<Event>,
    pub handle: Option<Handle>,
    pub verb: Verb,
    pub idempotency_key: String,
    pub test: bool,
}

/// How often a refused message is made smaller: once shorter, once to a fixed minimum (DESIGN §5, Sending).
const SHRINKS_MAX: u32 = 2;

/// Sends; never panics, never takes longer than the manifest's deadlines allow.
pub(crate) async fn send(shared: &Shared, errand: &Errand) -> Finish {
    let mut finish = once(shared, errand, &errand.alert).await;
    for shrink in 1..=SHRINKS_MAX {
        if finish.outcome != Outcome::PayloadBad {
            break;
        }
        finish = once(shared, errand, &shrunk(&errand.alert, shrink)).await;
        if finish.outcome != Outcome::PayloadBad {
            finish.excerpt = format!(
                "sent in a shorter form, the vendor refused the whole: {}",
                finish.excerpt
            );
        }
    }
    finish
}

async fn once(shared: &Shared, errand: &Errand, alert: &Alert) -> Finish {
    let task = errand.task(shared, alert);
    let sink = &errand.revision.sink;
    let next = |step: Step<'_>| guarded(errand.revision.manifest.name, || sink.next(&task, step));
    drive(shared, errand.revision.manifest, next).await
}

/// An alert and its events with the severities as which this integration is told of them.
pub(crate) fn told_as(
    severities: &BTreeMap<Severity, Severity>,
    alert: &mut Alert,
    events: &mut [Event],
) {
    if severities.is_empty() {
        return;
    }
    let contents = events.iter_mut().filter_map(|event| event.content.as_mut());
    for content in std::iter::once(&mut alert.content).chain(contents) {
        if let Some(other) = severities.get(&content.severity)
            && *other != content.severity
        {
            Arc::make_mut(content).severity = *other;
        }
    }
}

impl Errand {
    /// The task as the sink sees it, about `alert`, which may have been made shorter.
    pub fn task<'a>(&'a self, shared: &'a Shared, alert: &'a Alert) -> Task<'a> {
        Task {
            verb: self.verb,
            alert,
            events: &self.events,
            handle: self.handle.as_ref(),
            idempotency_key: &self.idempotency_key,
            integration: &self.revision.integration.name,
            project: &self.revision.integration.project.name,
            source: &self.source,
            external_url: &shared.external_url,
            now: shared.clock.now(),
            test: self.test,
        }
    }
}

async fn drive(
    shared: &Shared,
    manifest: &'static integrations::kit::SinkManifest,
    next: impl Fn(Step<'_>) -> Next,
) -> Finish {
    let mut memo = Value::Null;
    let mut reply = None;
    for number in 0..=manifest.requests_max {
        match next(Step {
            number,
            memo: &memo,
            reply: reply.as_ref(),
        }) {
            Next::Finish(finish) => return finish,
            Next::Request {
                request,
                memo: kept,
                after,
            } => {
                memo = kept;
                if after > DurationMs::ZERO {
                    shared.clock.sleep(after.min(AFTER_MAX)).await;
                }
                let sent = shared
                    .egress
                    .send(*request, manifest.deadline_ms, limits::REPLY_BYTES_MAX)
                    .await;
                reply = Some(sent);
            }
        }
    }
    our_fault("the sink wanted more requests than its manifest allows")
}

/// A sink's panic is our fault and its lane's trouble only (I12).
fn guarded(sink: &'static str, ask: impl FnOnce() -> Next) -> Next {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        telling::panicked(sink, &what);
        Next::Finish(our_fault("a fault of the hub's own stopped this send"))
    })
}

fn our_fault(what: &str) -> Finish {
    Finish {
        outcome: Outcome::PayloadBad,
        handle: None,
        status: None,
        excerpt: what.to_owned(),
    }
}

/// The alert with less to say: first its long parts cut, then only what it cannot do without.
fn shrunk(alert: &Alert, shrink: u32) -> Alert {
    let mut alert = alert.clone();
    let content = Arc::make_mut(&mut alert.content);
    content.links.clear();
    if shrink == 1 {
        content.text = wire::text::cut_chars(&content.text, limits::EXCERPT_CHARS_MAX).into_owned();
        content.title = wire::text::cut_chars(&content.title, 120).into_owned();
        let kept = content
            .labels
            .iter()
            .take(10)
            .map(|(n, v)| (n.to_owned(), wire::text::cut_chars(v, 80).into_owned()));
        content.labels = kept.collect();
        content.annotations = model::Labels::new();
    } else {
        let name = wire::text::one_line(&content.event);
        content.title = format!(
            "{} alert {}",
            content.severity,
            wire::text::cut_chars(&name, 60)
        );
        content.text = "Its own text was refused by this service; open it in the hub.".to_owned();
        content.labels = model::Labels::new();
        content.annotations = model::Labels::new();
        content.value = None;
        content.resource =
            wire::text::cut_chars(&wire::text::one_line(&content.resource), 60).into_owned();
    }
    alert
}
