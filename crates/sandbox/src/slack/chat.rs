//! `chat.postMessage`, `chat.update`, `chat.delete`.
//!
//! Source: the methods' pages on docs.slack.dev and their machine-readable reference (2026-08).

use super::args::Args;
use super::call::Call;
use super::content::Given;
use super::names::Ts;
use super::reply::Refusal;
use super::state::{Content, Message};
use super::wire::{numbered, wire};
use crate::pace::Allowance;
use serde_json::{Map, Value, json};

/// About one a second and channel with short bursts ("Rate limits", 2026-08); the burst is our guess.
const PER_CHANNEL: Allowance = Allowance {
    burst: 4,
    interval_ms: 1_000,
};
/// Several hundred a minute and workspace, same page.
const PER_WORKSPACE: Allowance = Allowance {
    burst: 60,
    interval_ms: 200,
};
/// Longest text of an edit (`msg_too_long`, chat.update, 2026-08).
const EDIT_CHARS: usize = 4_000;

/// `chat.postMessage`.
pub(super) fn post(mut call: Call<'_>) -> Result<Value, Refusal> {
    let given = call.required("channel")?;
    let channel = call.workspace.resolve(&given).ok_or("channel_not_found")?;
    let may_post_anywhere = call.has_scope("chat:write.public");
    let home = call
        .workspace
        .channels
        .get(&channel)
        .ok_or("channel_not_found")?;
    if home.archived {
        return Err("is_archived".into());
    }
    if !home.member && !may_post_anywhere {
        return Err("not_in_channel".into());
    }
    if home.posting_restricted {
        return Err("restricted_action".into());
    }
    call.pace(&format!("chat.postMessage {channel}"), PER_CHANNEL)?;
    call.pace("chat.postMessage", PER_WORKSPACE)?;
    let content = Given::read(&call.args, call.problems)?;
    if content.is_empty() {
        return Err(Refusal::broken(
            "no_text",
            "neither text nor blocks nor attachments",
            call.problems,
        ));
    }
    let metadata = metadata(&mut call)?;
    let thread_ts = thread(&mut call, &channel)?;
    let overrides = overrides(&call.args);
    let author = overrides
        .get("username")
        .and_then(Value::as_str)
        .unwrap_or(&call.caller.name)
        .to_owned();
    let message = Message {
        ts: String::new(),
        thread_ts,
        bot_id: call.caller.bot_id.clone(),
        user: call.caller.user.clone(),
        author,
        content: Content {
            text: content.text.unwrap_or_default(),
            attachments: numbered(content.attachments.unwrap_or_default()),
            blocks: content.blocks.unwrap_or_default(),
        },
        edited: None,
        metadata,
        history: Vec::new(),
        overrides,
        bytes: 0,
    };
    let message = call
        .workspace
        .add_message(&channel, message, call.conditions.now)
        .ok_or("fatal_error")?;
    Ok(json!({ "ok": true, "channel": channel, "ts": message.ts, "message": wire(&message) }))
}

/// The thread that a message belongs to.
fn thread(call: &mut Call<'_>, channel: &str) -> Result<Option<String>, Refusal> {
    let Some(thread) = call.args.text("thread_ts").filter(|ts| !ts.is_empty()) else {
        return Ok(None);
    };
    let parent =
        Ts::parse(&thread).and_then(|ts| call.workspace.channels.get(channel)?.messages.get(&ts));
    match parent {
        // A reply to a reply lands in the parent's thread.
        Some(parent) => Ok(Some(parent.thread_ts.clone().unwrap_or(thread))),
        None => Err(Refusal::broken(
            "cannot_reply_to_message",
            "thread_ts is no message of the channel",
            call.problems,
        )),
    }
}

fn metadata(call: &mut Call<'_>) -> Result<Option<Value>, Refusal> {
    let wrong = |call: &mut Call<'_>| {
        Refusal::broken(
            "invalid_metadata_format",
            "metadata is {event_type, event_payload}",
            call.problems,
        )
    };
    let Ok(metadata) = call.args.object("metadata") else {
        return Err(wrong(call));
    };
    match metadata {
        None => Ok(None),
        Some(metadata) if metadata.is_empty() => Ok(None),
        Some(metadata)
            if metadata.get("event_type").is_some_and(Value::is_string)
                && metadata.get("event_payload").is_some_and(Value::is_object) =>
        {
            Ok(Some(Value::Object(metadata)))
        }
        Some(_) => Err(wrong(call)),
    }
}

fn overrides(args: &Args) -> Map<String, Value> {
    let names = ["username", "icon_emoji", "icon_url"];
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::String(args.text(name)?))))
        .collect()
}

/// `chat.update`: what is left out stays, except that text without blocks removes the blocks.
pub(super) fn update(mut call: Call<'_>) -> Result<Value, Refusal> {
    let channel = call.channel_by_id()?;
    let ts = call.ts()?;
    let home = call
        .workspace
        .channels
        .get(&channel)
        .ok_or("channel_not_found")?;
    if home.archived {
        return Err("is_inactive".into());
    }
    let message = home.messages.get(&ts).ok_or("message_not_found")?;
    if message.bot_id != call.caller.bot_id {
        return Err("cant_update_message".into());
    }
    if call
        .workspace
        .edit_window_ms
        .is_some_and(|window| call.conditions.now - ts.ms() > window)
    {
        return Err("edit_window_closed".into());
    }
    let before = message.content.clone();
    let given = Given::read(&call.args, call.problems)?;
    if given
        .text
        .as_ref()
        .is_some_and(|text| text.chars().count() > EDIT_CHARS)
    {
        return Err(Refusal::broken(
            "msg_too_long",
            "text of an edit above 4,000 characters",
            call.problems,
        ));
    }
    let nothing_given =
        given.text.is_none() && given.attachments.is_none() && given.blocks.is_none();
    let content = Content {
        blocks: match (given.blocks, &given.text) {
            (Some(blocks), _) => blocks,
            (None, Some(_)) => Vec::new(),
            (None, None) => before.blocks,
        },
        text: given.text.unwrap_or(before.text),
        attachments: given.attachments.map_or(before.attachments, numbered),
    };
    if nothing_given
        || (content.text.trim().is_empty()
            && content.attachments.is_empty()
            && content.blocks.is_empty())
    {
        return Err(Refusal::broken(
            "no_text",
            "nothing would be left of the message",
            call.problems,
        ));
    }
    let message = call
        .workspace
        .edit(&channel, ts, content, call.conditions.now)
        .ok_or("message_not_found")?;
    Ok(
        json!({ "ok": true, "channel": channel, "ts": message.ts, "text": message.content.text, "message": wire(&message) }),
    )
}

/// `chat.delete`: one's own messages only.
pub(super) fn delete(mut call: Call<'_>) -> Result<Value, Refusal> {
    let channel = call.channel_by_id()?;
    let ts = call.ts()?;
    let message = call
        .workspace
        .channels
        .get(&channel)
        .and_then(|home| home.messages.get(&ts))
        .ok_or("message_not_found")?;
    if message.bot_id != call.caller.bot_id {
        return Err("cant_delete_message".into());
    }
    call.workspace.delete(&channel, ts);
    Ok(json!({ "ok": true, "channel": channel, "ts": ts.to_string() }))
}
