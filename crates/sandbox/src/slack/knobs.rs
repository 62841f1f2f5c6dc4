//! The sandbox's switches for Slack, at `/_slack/…`.

use super::names::{is_id, is_name, stable_id};
use super::state::{Channel, HookKnob, TokenKnob, Workspace};
use crate::exchange::Reply;
use crate::limits;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// `POST /_slack/channels`: makes a channel or changes the named switches of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelKnob {
    name: String,
    /// Given when the channel is made; otherwise one that follows from the name.
    id: Option<String>,
    private: Option<bool>,
    archived: Option<bool>,
    member: Option<bool>,
    posting_restricted: Option<bool>,
}

/// `POST /_slack/tokens`: replaces what is set for a token; with nothing but `token` it is as new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    token: String,
    /// E.g. `token_revoked`; null restores it.
    error: Option<String>,
    scopes: Option<Vec<String>>,
    /// The name shown beside its messages.
    name: Option<String>,
}

/// `POST /_slack/hooks`: replaces what is set for a hook.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HookBody {
    /// `T…/B…/…`, also with `/services/` or `/slack/services/` before it.
    path: String,
    /// E.g. `no_service`; null restores it.
    error: Option<String>,
    /// The channel that it posts to; otherwise `hook-b…`.
    channel: Option<String>,
}

/// `POST /_slack/settings`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    /// How long after posting a message may be edited; null is always.
    #[serde(default, deserialize_with = "present")]
    edit_window_ms: Option<Option<i64>>,
    create_channels: Option<bool>,
}

/// Tells null from absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<i64>>, D::Error> {
    Option::<i64>::deserialize(deserializer).map(Some)
}

/// Answers `/_slack/{what}`; `DELETE /_slack` empties the workspace.
pub(super) fn configure(
    workspace: &mut Workspace,
    method: &Method,
    what: &str,
    body: &[u8],
) -> Reply {
    let done = match (method, what) {
        (&Method::GET, "channels") => {
            let channels: Vec<_> = workspace.channels.values().collect();
            return Reply::json(StatusCode::OK, &json!({ "channels": channels }));
        }
        (&Method::DELETE, "") => {
            *workspace = Workspace::default();
            Ok(json!({ "ok": true }))
        }
        (&Method::POST, "channels") => read(body).and_then(|knob| channel(workspace, knob)),
        (&Method::POST, "tokens") => read(body).and_then(|knob| token(workspace, knob)),
        (&Method::POST, "hooks") => read(body).and_then(|knob| hook(workspace, knob)),
        (&Method::POST, "settings") => read(body).map(|knob| settings(workspace, &knob)),
        _ => {
            let known = "GET channels, POST channels, tokens, hooks or settings, DELETE /_slack";
            return Reply::complaint(StatusCode::NOT_FOUND, known);
        }
    };
    match done {
        Ok(answer) => Reply::json(StatusCode::OK, &answer),
        Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
    }
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn channel(workspace: &mut Workspace, knob: ChannelKnob) -> Result<Value, String> {
    let name = knob.name.trim_start_matches('#').to_owned();
    if !is_name(&name) {
        return Err("name has lower-case letters, digits, - and _ only, at most 80".into());
    }
    if knob.id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err("id starts with C, G or D and has capitals and digits only, at least 6".into());
    }
    let known = workspace.by_name(&name).map(|channel| channel.id.clone());
    let id = known.or(knob.id).unwrap_or_else(|| stable_id('C', &name));
    let channel = workspace.add_channel(Channel::new(id, name));
    let channel = channel.ok_or_else(|| format!("at most {} channels", limits::SLACK_CHANNELS))?;
    for (given, switch) in [
        (knob.private, &mut channel.private),
        (knob.archived, &mut channel.archived),
        (knob.member, &mut channel.member),
        (knob.posting_restricted, &mut channel.posting_restricted),
    ] {
        *switch = given.unwrap_or(*switch);
    }
    Ok(json!(channel))
}

fn token(workspace: &mut Workspace, body: TokenBody) -> Result<Value, String> {
    let knob = TokenKnob {
        error: body.error,
        scopes: body.scopes,
        name: body.name,
    };
    if knob == TokenKnob::default() {
        workspace.tokens.remove(&body.token);
    } else if workspace.tokens.len() >= limits::SLACK_KNOBS
        && !workspace.tokens.contains_key(&body.token)
    {
        return Err(format!("at most {} tokens", limits::SLACK_KNOBS));
    } else {
        workspace.tokens.insert(body.token, knob);
    }
    Ok(json!({ "ok": true }))
}

fn hook(workspace: &mut Workspace, body: HookBody) -> Result<Value, String> {
    let path = body
        .path
        .rsplit_once("services/")
        .map_or(body.path.as_str(), |(_, path)| path)
        .trim_matches('/')
        .to_owned();
    let knob = HookKnob {
        error: body.error,
        channel: body.channel,
    };
    if knob == HookKnob::default() {
        workspace.hooks.remove(&path);
    } else if workspace.hooks.len() >= limits::SLACK_KNOBS && !workspace.hooks.contains_key(&path) {
        return Err(format!("at most {} hooks", limits::SLACK_KNOBS));
    } else {
        workspace.hooks.insert(path, knob);
    }
    Ok(json!({ "ok": true }))
}

fn settings(workspace: &mut Workspace, body: &SettingsBody) -> Value {
    workspace.edit_window_ms = body.edit_window_ms.unwrap_or(workspace.edit_window_ms);
    workspace.create_channels = body.create_channels.unwrap_or(workspace.create_channels);
    json!({ "edit_window_ms": workspace.edit_window_ms, "create_channels": workspace.create_channels })
}
