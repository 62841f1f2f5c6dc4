//! Trying out an integration: a made-up alert goes the way of a real one (the sink, the network, the vendor), now, and ends
//! itself. Nothing of it is kept: no alert, no lane, no attempt.

use std::sync::Arc;

use model::{
    Alert, AlertId, AlertKind, CloseReason, Content, DurationMs, Event, EventKind, Handle, Labels,
    LifecycleModel, Manner, Outcome, Scope, Severity, SourceId, Status, Timestamp, Verb,
};
use store::HealthRow;

use crate::catalog::Revision;
use crate::dispatch::send::{Errand, send, told_as};
use crate::hub::Hub;
use crate::telling;

/// One message of a trial.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What the made-up alert was said to do: `opened`, `closed`, or `informed` for a notification.
    pub said: &'static str,
    pub outcome: Outcome,
    /// The vendor's HTTP status, if it answered.
    pub status: Option<u16>,
    /// The vendor's words, or what is wrong and what to do. No secret.
    pub words: String,
    pub took: DurationMs,
}

impl Trial {
    /// Whether the vendor took it.
    pub fn is_good(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered | Outcome::Accepted)
    }
}

impl Hub {
    /// Sends a test alert through a revision's sink and closes it again; what came of each message, up to the first that
    /// the vendor did not take. A suspended integration that works again goes on with what it owes.
    pub async fn try_out(&self, revision: &Arc<Revision>) -> Vec<Trial> {
        let alert = test_alert(
            revision,
            AlertId(self.shared.ids.next()),
            self.clock().now(),
        );
        let mut trials = Vec::new();
        let mut handle = None;
        for (said, status, verb) in script(revision) {
            let trial = self
                .say(revision, &alert, &mut handle, (said, status, verb))
                .await;
            let is_good = trial.is_good();
            trials.push(trial);
            if !is_good {
                return trials;
            }
        }
        self.works_again(revision).await;
        trials
    }

    async fn say(
        &self,
        revision: &Arc<Revision>,
        alert: &Alert,
        handle: &mut Option<Handle>,
        (said, status, verb): (&'static str, Status, Verb),
    ) -> Trial {
        let now = self.clock().now();
        let mut alert = alert.clone();
        alert.seq = if status == Status::Closed { 2 } else { 1 };
        alert.status = status;
        alert.changed_at = now;
        if status == Status::Closed {
            alert.closed_at = Some(now);
            alert.closed_because = Some(match alert.kind {
                AlertKind::Issue => CloseReason::Resolved,
                AlertKind::Notification => CloseReason::Informed,
            });
        }
        let mut events = vec![event(&alert, now)];
        told_as(
            &revision.integration.policy.severity,
            &mut alert,
            &mut events,
        );
        let errand = Errand {
            revision: revision.clone(),
            source: "test".to_owned(),
            idempotency_key: format!("test-{}-{}", alert.id, alert.seq),
            alert,
            events,
            handle: handle.clone(),
            verb,
            test: true,
        };
        let started = self.clock().boot_ms();
        let finish = send(&self.shared, &errand).await;
        if finish.handle.is_some() {
            *handle = finish.handle;
        }
        Trial {
            said,
            outcome: finish.outcome,
            status: finish.status,
            words: finish.excerpt,
            took: DurationMs(self.clock().boot_ms() - started),
        }
    }

    /// A suspension ends with the first message that the vendor takes, whoever sent it.
    async fn works_again(&self, revision: &Arc<Revision>) {
        let key = (revision.integration.id, revision.number);
        if self.suspension_of(key.0, key.1).is_none() {
            return;
        }
        // As in `dispatch::settle`: a reload must not see the one without the other.
        let _on_its_way = self.shared.health_rows.lock().await;
        self.shared.health.lock().set_suspended(key, None);
        let row = HealthRow {
            integration: key.0,
            revision: key.1,
            suspended: None,
        };
        if let Err(error) = self.shared.store.put_health(vec![row]).await {
            telling::store_failed("test", &error);
        }
        let integration = &revision.integration;
        telling::recovered(&integration.project.name, &integration.name);
        self.shared.dispatch_wake.notify_one();
    }
}

/// What is said, in order.
fn script(revision: &Revision) -> Vec<(&'static str, Status, Verb)> {
    let manifest = revision.manifest;
    if !manifest.takes_issues || revision.integration.of == crate::desired::Of::Notifications {
        return vec![(
            "informed",
            Status::Closed,
            match manifest.manner {
                Manner::Log => Verb::Event {
                    seq: 2,
                    status: Status::Closed,
                },
                Manner::Lifecycle | Manner::Mirror => Verb::Inform,
            },
        )];
    }
    match manifest.manner {
        Manner::Lifecycle | Manner::Mirror => vec![
            ("opened", Status::Open, Verb::Open),
            ("closed", Status::Closed, Verb::Close),
        ],
        Manner::Log => vec![
            (
                "opened",
                Status::Open,
                Verb::Event {
                    seq: 1,
                    status: Status::Open,
                },
            ),
            (
                "closed",
                Status::Closed,
                Verb::Event {
                    seq: 2,
                    status: Status::Closed,
                },
            ),
        ],
    }
}

/// Says what it is in every field that a vendor may show.
fn test_alert(revision: &Revision, id: AlertId, now: Timestamp) -> Alert {
    let integration = &revision.integration;
    let is_notification = integration.of == crate::desired::Of::Notifications;
    let content = Content {
        severity: Severity::Warning,
        resource: "test".to_owned(),
        event: "Test".to_owned(),
        title: format!("Test of the integration {}", integration.name),
        text: "A person tries out this integration. Nothing is wrong, and nothing is to be done."
            .to_owned(),
        value: None,
        labels: [("test", "true")].into_iter().collect(),
        annotations: Labels::new(),
        links: Vec::new(),
        starts_at: now,
    };
    Alert {
        id,
        project: integration.project.id,
        source: SourceId(0),
        scope: Scope::Source(SourceId(0)),
        key: format!("test-{id}"),
        group_key: None,
        kind: if is_notification {
            AlertKind::Notification
        } else {
            AlertKind::Issue
        },
        status: Status::Open,
        closed_because: None,
        content: Arc::new(content),
        opened_at: now,
        closed_at: None,
        changed_at: now,
        seq: 1,
        version: 1,
        episode: 1,
        acked_until: None,
        shelved_until: None,
        tracking_until: None,
        assignee: None,
        ends_at: None,
        silence_after_ms: None,
        trailing_update_at: None,
        last_update_at: now,
        timer_at: None,
        live_until: None,
        last_seen: now,
        repeat_count: 0,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: Vec::new(),
    }
}

/// The one event of a message.
fn event(alert: &Alert, now: Timestamp) -> Event {
    let kind = match (alert.kind, alert.status) {
        (AlertKind::Notification, _) => EventKind::Informed,
        (AlertKind::Issue, Status::Closed) => EventKind::Closed,
        (AlertKind::Issue, _) => EventKind::Opened,
    };
    Event {
        alert: alert.id,
        seq: alert.seq,
        at: now,
        kind,
        status: alert.status,
        content: Some(alert.content.clone()),
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: alert.closed_because,
        origin: None,
    }
}
