//! Slack: the web API at `/slack/api/{method}`, incoming webhooks at `/slack/services/T…/B…/…`, channels as pages.
//!
//! Tokens: any `xoxb-…` works, and each is an identity of its own. A token that starts with `xoxb-` and one of
//! `invalid_auth`, `token_revoked`, `token_expired`, `account_inactive`, `missing_scope`, `org_login_required` gets that
//! error, e.g. `xoxb-token_revoked-1`; others can be given one later (`POST /_slack/tokens`).

mod args;
mod attachment_rules;
mod block_rules;
mod blocks;
mod call;
mod chat;
mod content;
mod conversations;
mod hooks;
mod knobs;
mod mrkdwn;
mod names;
mod page;
mod reply;
mod state;
mod wire;

pub use state::{Channel, Content, Message, Version};

use crate::exchange::{Reply, Request};
use crate::pace::Allowance;
use crate::vendor::{Conditions, Vendor};
use args::Args;
use call::Call;
use http::{Method, StatusCode};
use names::stable_id;
use parking_lot::Mutex;
use reply::Refusal;
use serde_json::{Value, json};
use state::{Caller, Workspace};
use std::sync::Arc;

const TEAM_ID: &str = "T0SANDBOX";
const TEAM_URL: &str = "https://sandbox.slack.com/";

/// Tiers 2, 3 and 4 ("Rate limits", 2026-08): so many a minute, per method and workspace.
const TIER_2: Allowance = Allowance {
    burst: 20,
    interval_ms: 3_000,
};
const TIER_3: Allowance = Allowance {
    burst: 50,
    interval_ms: 1_200,
};
const TIER_4: Allowance = Allowance {
    burst: 100,
    interval_ms: 600,
};

/// What an installed app has here unless `POST /_slack/tokens` says otherwise: without `chat:write.public`, so
/// that it must be a member of a channel.
const SCOPES: [&str; 9] = [
    "chat:write",
    "chat:write.customize",
    "channels:read",
    "channels:join",
    "channels:history",
    "groups:read",
    "groups:history",
    "team:read",
    "incoming-webhook",
];

/// Errors that a token's own text asks for.
const TOKEN_ERRORS: [&str; 6] = [
    "invalid_auth",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "missing_scope",
    "org_login_required",
];

/// One simulated workspace.
#[derive(Debug, Default)]
pub struct Slack(Mutex<Workspace>);

impl Slack {
    /// The messages of a channel by name (`ops`, `#ops`) or id, oldest first, replies among them.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        let workspace = self.0.lock();
        workspace
            .find(channel)
            .map(|channel| channel.messages.values().cloned().collect())
            .unwrap_or_default()
    }

    /// A channel by name or id.
    #[must_use]
    pub fn channel(&self, channel: &str) -> Option<Channel> {
        self.0.lock().find(channel).cloned()
    }

    fn call(
        &self,
        method: &str,
        request: &Request,
        conditions: Conditions,
        problems: &mut Vec<String>,
    ) -> Result<Value, Refusal> {
        let args = Args::read(method, request, problems)?;
        let token = token(request, &args).ok_or("not_authed")?;
        let mut workspace = self.0.lock();
        let caller = authenticate(&workspace, &token, method)?;
        let Some((tier, scope)) = known_method(method) else {
            return Err("unknown_method".into());
        };
        if let Some(scope) = scope
            && !caller.scopes.iter().any(|has| has == scope)
        {
            return Err(missing_scope(scope, &caller.scopes));
        }
        if let (Some(tier), true) = (tier, conditions.limits) {
            workspace
                .pace
                .take(method, tier, conditions.now)
                .map_err(Refusal::ratelimited)?;
        }
        let missing_charset = args.missing_charset;
        let call = Call {
            workspace: &mut workspace,
            caller,
            args,
            conditions,
            problems,
        };
        let mut answer = match method {
            "chat.postMessage" => chat::post(call)?,
            "chat.update" => chat::update(call)?,
            "chat.delete" => chat::delete(call)?,
            "conversations.info" => conversations::info(call)?,
            "conversations.list" => conversations::list(call)?,
            "conversations.join" => conversations::join(call)?,
            "conversations.history" => conversations::history(call)?,
            "team.info" => conversations::team_info(),
            _ => conversations::auth_test(&call),
        };
        if missing_charset {
            answer["warning"] = json!("missing_charset");
            answer["response_metadata"]["warnings"] = json!(["missing_charset"]);
        }
        Ok(answer)
    }
}

/// A method's tier (`chat.postMessage` has limits of its own) and the scope that it needs.
fn known_method(method: &str) -> Option<(Option<Allowance>, Option<&'static str>)> {
    Some(match method {
        "chat.postMessage" => (None, Some("chat:write")),
        "chat.update" | "chat.delete" => (Some(TIER_3), Some("chat:write")),
        "conversations.info" => (Some(TIER_3), Some("channels:read")),
        "conversations.list" => (Some(TIER_2), Some("channels:read")),
        "conversations.join" => (Some(TIER_3), Some("channels:join")),
        "conversations.history" => (Some(TIER_3), Some("channels:history")),
        "team.info" => (Some(TIER_3), Some("team:read")),
        "auth.test" => (Some(TIER_4), None),
        _ => return None,
    })
}

/// The token of a call: the header, or the older `token` argument of a form.
fn token(request: &Request, args: &Args) -> Option<String> {
    let header = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    header
        .map(str::to_owned)
        .or_else(|| args.text("token"))
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
}

fn missing_scope(needed: &str, provided: &[String]) -> Refusal {
    Refusal::from("missing_scope")
        .with("needed", json!(needed))
        .with("provided", json!(provided.join(",")))
}

fn authenticate(workspace: &Workspace, token: &str, method: &str) -> Result<Caller, Refusal> {
    let knob = workspace.tokens.get(token).cloned().unwrap_or_default();
    let kind = token.strip_prefix("xoxe.").unwrap_or(token);
    if kind.starts_with("xapp-") {
        return Err("not_allowed_token_type".into());
    }
    let Some(rest) = kind.strip_prefix("xoxb-").filter(|rest| !rest.is_empty()) else {
        return Err("invalid_auth".into());
    };
    let own_error = TOKEN_ERRORS
        .iter()
        .find(|error| rest.starts_with(**error))
        .map(|error| (*error).to_owned());
    let scopes = knob
        .scopes
        .unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    match knob.error.or(own_error).as_deref() {
        // `auth.test` needs no scope, so that a health check cannot see a lack of one.
        Some("missing_scope") if method == "auth.test" => {}
        Some("missing_scope") => return Err(missing_scope("chat:write", &["identify".to_owned()])),
        Some(error) => return Err(error.into()),
        None => {}
    }
    let name = knob.name.unwrap_or_else(|| "Alert Bot".into());
    Ok(Caller {
        bot_id: stable_id('B', token),
        user: stable_id('U', token),
        name,
        scopes,
    })
}

impl Vendor for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn about(&self) -> &'static str {
        "web API and incoming webhooks, with the channels as a person sees them"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        if let Some(method) = request.path.strip_prefix("/api/") {
            let mut problems = Vec::new();
            let answer = self.call(method, request, conditions, &mut problems);
            let reply = answer.map_or_else(Refusal::into_reply, |answer| {
                Reply::json(StatusCode::OK, &answer)
            });
            return reply.with_problems(problems);
        }
        if let Some(hook) = request.path.strip_prefix("/services/") {
            return hooks::receive(&mut self.0.lock(), hook, request, conditions);
        }
        Reply::text(StatusCode::NOT_FOUND, "not found")
            .with_problems(vec!["neither /api/{method} nor /services/…".into()])
    }

    fn page(&self, path: &str) -> Option<Reply> {
        page::at(&self.0.lock(), path)
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        knobs::configure(&mut self.0.lock(), method, what, body)
    }
}
