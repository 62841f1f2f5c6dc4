//! Alert API v2 as a sink: a key at an address. How a task goes on from request to request stands in `talk`.

use model::{DurationMs, Outcome, Secret, Timestamp};
use serde_json::Value;
use wire::http::{HttpRequest, host_of};

use super::form::Form;
use super::judge;
use crate::kit::{Judge, Next, Pace, Sink, SinkManifest, Step, Task, account_name};

/// What tells the products apart.
pub(crate) struct Product {
    pub manifest: &'static SinkManifest,
    /// As people call it.
    pub name: &'static str,
    /// Where `/v2/alerts` is.
    pub path: &'static str,
    /// It has all calls of the API; otherwise only create, acknowledge, close and notes.
    pub full: bool,
}

/// A key at an address.
pub(crate) struct AlertApi {
    pub(super) product: &'static Product,
    base_url: String,
    key: Secret,
    /// Names the key in buckets: 64 bits of its SHA-256, from which it cannot be had.
    key_name: String,
    pub(super) form: Form,
}

impl AlertApi {
    pub(crate) fn new(
        product: &'static Product,
        base_url: String,
        key: Secret,
        form: Form,
    ) -> AlertApi {
        AlertApi {
            product,
            key_name: account_name(&base_url, &key),
            base_url,
            key,
            form,
        }
    }

    pub(super) fn judge(&self, now: Timestamp) -> Judge<'_> {
        Judge {
            manifest: self.product.manifest,
            secrets: vec![&self.key],
            now,
            overrides: &[(402, Outcome::ScopeMissing), (403, Outcome::ScopeMissing)],
        }
    }

    /// A request to `path` below `/v2/alerts`.
    pub(super) fn to(&self, method: http::Method, path: &str, body: Option<&Value>) -> HttpRequest {
        let url = format!("{}{}/v2/alerts{path}", self.base_url, self.product.path);
        let key = Secret::new(format!("GenieKey {}", self.key.expose()));
        let body = body.map_or_else(|| "{}".to_owned(), Value::to_string);
        let request = match method {
            http::Method::GET => HttpRequest::get(url),
            method => {
                HttpRequest::new(method, url, body).header("content-type", "application/json")
            }
        };
        request.secret_header("authorization", key)
    }
}

impl Sink for AlertApi {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        self.talk(task, step)
    }

    /// Opsgenie counts alerts. Jira Service Management has nothing to read but requests: the answer about one that
    /// never was says whether the key is known.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        let path = match self.product.full {
            true => "/count",
            false => "/requests/00000000-0000-0000-0000-000000000000",
        };
        let Some(reply) = step.reply else {
            return Some(Next::request(self.to(http::Method::GET, path, None)));
        };
        // Without a clock here a date in Retry-After counts as now.
        let judge = self.judge(Timestamp::NEVER);
        Some(Next::Finish(match reply {
            Err(error) => judge.transport(error),
            Ok(reply) if (200..300).contains(&reply.status) => judge.http(reply),
            Ok(reply) if reply.status == 403 => judge.finish(
                Outcome::Accepted,
                Some(403),
                "The key is known but may not read: tick Read Access in the API integration, so that the hub can see whether alerts arrived.",
                "",
            ),
            Ok(reply) if reply.status == 404 && !self.product.full => {
                judge.finish(Outcome::Delivered, Some(404), "", "")
            }
            Ok(reply) => judge::error(&judge, reply),
        }))
    }

    /// The vendor publishes no number: it depends on plan and users (Opsgenie's documentation, "Rate limiting", read
    /// 2026-11), and its answer 429 decides.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        let per_second = self.form.per_second.max(1);
        vec![Pace {
            bucket: format!("{}:{}", self.product.manifest.name, self.key_name),
            every: DurationMs(i64::from(1000 / per_second).max(1)),
            burst: per_second.saturating_mul(5),
        }]
    }

    fn target(&self) -> String {
        host_of(&self.base_url)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key]
    }
}
