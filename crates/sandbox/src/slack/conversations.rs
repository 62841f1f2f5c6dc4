//! Methods that ask: `auth.test`, `team.info`, `conversations.*`.

use super::call::Call;
use super::names::Ts;
use super::reply::Refusal;
use super::state::Channel;
use super::wire::wire;
use super::{TEAM_ID, TEAM_URL};
use serde_json::{Value, json};

pub(super) fn auth_test(call: &Call<'_>) -> Value {
    let caller = &call.caller;
    json!({ "ok": true, "url": TEAM_URL, "team": "Sandbox", "user": caller.name, "team_id": TEAM_ID, "user_id": caller.user,
        "bot_id": caller.bot_id, "is_enterprise_install": false })
}

pub(super) fn team_info() -> Value {
    json!({ "ok": true, "team": { "id": TEAM_ID, "name": "Sandbox", "domain": "sandbox", "email_domain": "", "icon": { "image_default": true } } })
}

fn describe(channel: &Channel) -> Value {
    json!({ "id": channel.id, "name": channel.name, "name_normalized": channel.name, "is_channel": !channel.private, "is_group": channel.private,
        "is_im": channel.id.starts_with('D'), "is_private": channel.private, "is_archived": channel.archived, "is_member": channel.member,
        "is_general": channel.name == "general", "context_team_id": TEAM_ID })
}

pub(super) fn info(mut call: Call<'_>) -> Result<Value, Refusal> {
    let channel = call.channel_by_id()?;
    let found = call
        .workspace
        .channels
        .get(&channel)
        .ok_or("channel_not_found")?;
    Ok(json!({ "ok": true, "channel": describe(found) }))
}

/// `conversations.join`: public channels only.
pub(super) fn join(mut call: Call<'_>) -> Result<Value, Refusal> {
    let channel = call.channel_by_id()?;
    let found = call
        .workspace
        .channels
        .get_mut(&channel)
        .ok_or("channel_not_found")?;
    if found.archived {
        return Err("is_archived".into());
    }
    if found.private {
        return Err("method_not_supported_for_channel_type".into());
    }
    found.member = true;
    Ok(json!({ "ok": true, "channel": describe(found) }))
}

/// `conversations.list`: by name, in pages; the cursor is the last id of the page before.
pub(super) fn list(call: Call<'_>) -> Result<Value, Refusal> {
    let limit = page_size(&call, 999)?;
    let types = call
        .args
        .text("types")
        .unwrap_or_else(|| "public_channel".into());
    let types: Vec<_> = types.split(',').map(str::trim).collect();
    if !types
        .iter()
        .all(|kind| matches!(*kind, "public_channel" | "private_channel" | "mpim" | "im"))
    {
        return Err(Refusal::broken(
            "invalid_types",
            "types is of public_channel, private_channel, mpim, im",
            call.problems,
        ));
    }
    let without_archived = call.args.flag("exclude_archived");
    let after = call.args.text("cursor").unwrap_or_default();
    let kind = |channel: &Channel| match (channel.id.starts_with('D'), channel.private) {
        (true, _) => "im",
        (false, true) => "private_channel",
        (false, false) => "public_channel",
    };
    let wanted = |channel: &&Channel| {
        channel.id > after
            && types.contains(&kind(channel))
            && (!channel.private || channel.member)
            && !(without_archived && channel.archived)
    };
    let mut found: Vec<&Channel> = call
        .workspace
        .channels
        .values()
        .filter(wanted)
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more {
        found.last().map_or("", |channel| channel.id.as_str())
    } else {
        ""
    };
    let channels: Vec<_> = found.iter().map(|channel| describe(channel)).collect();
    Ok(json!({ "ok": true, "channels": channels, "response_metadata": { "next_cursor": next } }))
}

/// `conversations.history`: newest first, without replies in threads. Pages go on with `latest`, the cursor is one too.
pub(super) fn history(mut call: Call<'_>) -> Result<Value, Refusal> {
    let channel = call.channel_by_id()?;
    let limit = page_size(&call, 999)?;
    let mut bound = |name: &str| match call.args.text(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match moment(&text) {
            Some(ts) => Ok(Some(ts)),
            None => Err(Refusal::broken(
                &format!("invalid_ts_{name}"),
                &format!("{name} is not a time"),
                call.problems,
            )),
        },
    };
    let (oldest, latest) = (bound("oldest")?.unwrap_or(Ts(0)), bound("latest")?);
    let cursor = call
        .args
        .text("cursor")
        .and_then(|cursor| Ts::parse(&cursor));
    let inclusive = call.args.flag("inclusive");
    let with_metadata = call.args.flag("include_all_metadata");
    let home = call
        .workspace
        .channels
        .get(&channel)
        .ok_or("channel_not_found")?;
    if !home.member {
        return Err("not_in_channel".into());
    }
    let within = |ts: Ts| {
        let below = latest.is_none_or(|latest| ts < latest || (inclusive && ts == latest));
        let above = ts > oldest || (inclusive && ts == oldest);
        below && above && cursor.is_none_or(|cursor| ts < cursor)
    };
    let newest_first = home
        .messages
        .iter()
        .rev()
        .filter(|(ts, message)| within(**ts) && message.thread_ts.is_none());
    let mut found: Vec<_> = newest_first.take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = if has_more {
        found.last().map_or(String::new(), |(ts, _)| ts.to_string())
    } else {
        String::new()
    };
    let messages: Vec<Value> = found
        .iter()
        .map(|(_, message)| {
            let mut wire = wire(message);
            if let (true, Some(metadata), Some(fields)) =
                (with_metadata, &message.metadata, wire.as_object_mut())
            {
                fields.insert("metadata".into(), metadata.clone());
            }
            wire
        })
        .collect();
    Ok(
        json!({ "ok": true, "messages": messages, "has_more": has_more, "pin_count": 0, "response_metadata": { "next_cursor": next } }),
    )
}

/// A bound of a history, which need not be a message's `ts`: `1503435956` or `1503435956.24` will do.
fn moment(text: &str) -> Option<Ts> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6 {
        return None;
    }
    Ts::parse(&format!("{seconds}.{fraction:0<6}"))
}

fn page_size(call: &Call<'_>, most: usize) -> Result<usize, Refusal> {
    let Some(limit) = call.args.text("limit").filter(|text| !text.is_empty()) else {
        return Ok(100);
    };
    match limit.parse::<usize>() {
        Ok(limit @ 1..) => Ok(limit.min(most)),
        _ => Err("invalid_limit".into()),
    }
}
