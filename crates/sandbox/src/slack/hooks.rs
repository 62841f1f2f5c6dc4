//! Incoming webhooks: `POST /services/T…/B…/{secret}`.
//!
//! Source: docs.slack.dev "Sending messages using incoming webhooks" (2026-08): success is `ok` as plain text, failures
//! have HTTP statuses and a bare word. A hook posts to the channel that it was made for, whatever the payload says.

use super::args::Args;
use super::content::Given;
use super::names::stable_id;
use super::state::{Channel, Content, Message, Workspace};
use super::wire::numbered;
use crate::exchange::{Reply, Request};
use crate::pace::Allowance;
use crate::vendor::Conditions;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

/// About one a second and hook with short bursts; the burst is our guess.
const PER_HOOK: Allowance = Allowance {
    burst: 4,
    interval_ms: 1_000,
};

/// The status that goes with an error's word.
pub(super) fn status(error: &str) -> StatusCode {
    match error {
        "action_prohibited"
        | "invalid_token"
        | "posting_to_general_channel_denied"
        | "team_disabled" => StatusCode::FORBIDDEN,
        "channel_not_found" | "no_service" | "no_service_id" | "no_team" | "no_active_hooks" => {
            StatusCode::NOT_FOUND
        }
        "channel_is_archived" => StatusCode::GONE,
        "rollup_error" => StatusCode::INTERNAL_SERVER_ERROR,
        "ratelimited" | "rate_limited" => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Answers a request to `/services/{hook}`.
pub(super) fn receive(
    workspace: &mut Workspace,
    hook: &str,
    request: &Request,
    conditions: Conditions,
) -> Reply {
    let mut problems = Vec::new();
    match post(
        workspace,
        hook.trim_end_matches('/'),
        request,
        conditions,
        &mut problems,
    ) {
        Ok(()) => Reply::text(StatusCode::OK, "ok").with_problems(problems),
        Err((error, retry_after)) => {
            let mut reply = Reply::text(status(&error), error).with_problems(problems);
            if let Some(seconds) = retry_after {
                reply
                    .headers
                    .insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            reply
        }
    }
}

fn post(
    workspace: &mut Workspace,
    hook: &str,
    request: &Request,
    conditions: Conditions,
    problems: &mut Vec<String>,
) -> Result<(), (String, Option<u64>)> {
    let refuse = |error: &str| (error.to_owned(), None);
    if request.method != Method::POST {
        problems.push("a hook takes POST only".into());
        return Err(refuse("invalid_payload"));
    }
    let parts: Vec<_> = hook.split('/').collect();
    match parts[..] {
        [team, _, _] if !team.starts_with('T') => return Err(refuse("no_team")),
        [_, service, _] if !service.starts_with('B') => return Err(refuse("no_service")),
        [_, _, secret] if !secret.is_empty() => {}
        _ => return Err(refuse("invalid_token")),
    }
    let knob = workspace.hooks.get(hook).cloned().unwrap_or_default();
    if let Some(error) = knob.error {
        return Err(refuse(&error));
    }
    let name = knob
        .channel
        .unwrap_or_else(|| format!("hook-{}", parts[1].to_lowercase()));
    let channel = channel_of(workspace, &name).ok_or_else(|| refuse("channel_not_found"))?;
    let home = workspace
        .channels
        .get(&channel)
        .ok_or_else(|| refuse("channel_not_found"))?;
    if home.archived {
        return Err(refuse("channel_is_archived"));
    }
    if home.posting_restricted {
        return Err(refuse("action_prohibited"));
    }
    if conditions.limits
        && let Err(seconds) = workspace.pace.take(hook, PER_HOOK, conditions.now)
    {
        return Err(("rate_limited".into(), Some(seconds)));
    }
    let args = payload(request).ok_or_else(|| {
        problems.push(
            "invalid_payload: the body is not a JSON object, nor a form with one as payload".into(),
        );
        refuse("invalid_payload")
    })?;
    let given = Given::read(&args, problems).map_err(|refusal| refuse(&refusal.error))?;
    if given.is_empty() {
        problems.push("no_text: neither text nor blocks nor attachments".into());
        return Err(refuse("no_text"));
    }
    let message = Message {
        ts: String::new(),
        thread_ts: None,
        bot_id: stable_id('B', hook),
        user: stable_id('U', hook),
        author: "Incoming webhook".into(),
        content: Content {
            text: given.text.unwrap_or_default(),
            attachments: numbered(given.attachments.unwrap_or_default()),
            blocks: given.blocks.unwrap_or_default(),
        },
        edited: None,
        metadata: None,
        history: Vec::new(),
        overrides: Map::new(),
        bytes: 0,
    };
    workspace
        .add_message(&channel, message, conditions.now)
        .map(|_| ())
        .ok_or_else(|| refuse("rollup_error"))
}

/// The id of the hook's channel, made if need be.
fn channel_of(workspace: &mut Workspace, name: &str) -> Option<String> {
    if let Some(channel) = workspace.find(name) {
        return Some(channel.id.clone());
    }
    let name = name.trim_start_matches('#');
    let channel = Channel::new(stable_id('C', name), name.to_owned());
    workspace
        .add_channel(channel)
        .map(|channel| channel.id.clone())
}

fn payload(request: &Request) -> Option<Args> {
    let form = request.content_type() == "application/x-www-form-urlencoded";
    let whole: Value = if form {
        let found = url::form_urlencoded::parse(&request.body)
            .find(|(name, _)| name == "payload")?
            .1;
        serde_json::from_str(&found).ok()?
    } else {
        serde_json::from_slice(&request.body).ok()?
    };
    match whole {
        Value::Object(values) => Some(Args::from(values)),
        _ => None,
    }
}
