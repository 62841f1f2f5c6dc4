//! Channels as a person sees them, and as JSON.

use super::blocks;
use super::mrkdwn::mrkdwn;
use super::names::Ts;
use super::state::{Channel, Message, Workspace};
use crate::exchange::Reply;
use crate::limits;
use crate::page::{day, escape, shell, time_of_day};
use http::StatusCode;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The page at a path below `/slack`, if there is one.
pub(super) fn at(workspace: &Workspace, path: &str) -> Option<Reply> {
    if path == "/" {
        return Some(channels(workspace));
    }
    let asked = path.strip_prefix("/channels/")?;
    let asked = url::form_urlencoded::parse(format!("c={}", asked.replace('+', "%2B")).as_bytes())
        .next()?
        .1
        .into_owned();
    let (asked, as_json) = asked
        .strip_suffix(".json")
        .map_or((asked.as_str(), false), |asked| (asked, true));
    Some(match (workspace.find(asked), as_json) {
        (Some(channel), true) => {
            let messages: Vec<_> = channel.messages.values().collect();
            Reply::json(
                StatusCode::OK,
                &json!({ "channel": channel, "messages": messages }),
            )
        }
        (Some(channel), false) => one(channel),
        (None, true) => Reply::complaint(
            StatusCode::NOT_FOUND,
            "no such channel; GET /slack lists them",
        ),
        // Whoever opens the page before the first message wants to see it come.
        (None, false) => {
            let title = format!("#{}", asked.trim_start_matches('#'));
            let main = format!(
                "<header class=\"bar\"><h1>{}</h1></header><p class=\"empty\">Nobody has posted here yet.</p>",
                escape(&title)
            );
            shell(&title, &main)
        }
    })
}

fn channels(workspace: &Workspace) -> Reply {
    let mut main = String::from(
        "<header class=\"bar\"><h1>Slack</h1><p>A workspace of the sandbox</p></header><ul class=\"list\">",
    );
    let mut all: Vec<_> = workspace.channels.values().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    for channel in &all {
        let mut about = format!("{} message(s) · {}", channel.messages.len(), channel.id);
        for (is, word) in [
            (channel.private, "private"),
            (channel.archived, "archived"),
            (!channel.member, "app not a member"),
        ] {
            if is {
                let _ = write!(about, " · {word}");
            }
        }
        let _ = write!(
            main,
            "<li><a href=\"/slack/channels/{}\">#{}</a><span>{about}</span></li>",
            channel.id,
            escape(&channel.name)
        );
    }
    main.push_str("</ul>");
    if all.is_empty() {
        main.push_str(
            "<p class=\"empty\">No channel yet. The first message to a name makes one.</p>",
        );
    }
    shell("Slack", &main)
}

fn one(channel: &Channel) -> Reply {
    let title = format!(
        "{}{}",
        if channel.private { "🔒 " } else { "#" },
        channel.name
    );
    let mut replies: HashMap<&str, Vec<(Ts, &Message)>> = HashMap::new();
    let mut roots: Vec<(Ts, &Message)> = Vec::new();
    let has = |ts: &str| Ts::parse(ts).is_some_and(|ts| channel.messages.contains_key(&ts));
    for (ts, message) in &channel.messages {
        match message.thread_ts.as_deref() {
            // A reply whose parent is gone stands by itself.
            Some(parent) if has(parent) => replies.entry(parent).or_default().push((*ts, message)),
            _ => roots.push((*ts, message)),
        }
    }
    let archived = if channel.archived { " · archived" } else { "" };
    let mut main = format!(
        "<header class=\"bar\"><h1>{}</h1><p>{} messages · {}{archived}</p></header>",
        escape(&title),
        channel.messages.len(),
        channel.id
    );
    let hidden = roots.len().saturating_sub(limits::PAGE_MESSAGES);
    if hidden > 0 {
        let _ = write!(
            main,
            "<p class=\"foot\">{hidden} older messages are not shown.</p>"
        );
    }
    let mut last_day = String::new();
    for (ts, root) in roots.into_iter().skip(hidden) {
        let today = day(ts.ms());
        if today != last_day {
            let _ = write!(main, "<div class=\"day\">{today}</div>");
            last_day = today;
        }
        let thread = replies.remove(root.ts.as_str()).unwrap_or_default();
        message(&mut main, ts, root, &thread);
    }
    if channel.messages.is_empty() {
        main.push_str("<p class=\"empty\">Nobody has posted here yet.</p>");
    }
    shell(&title, &main)
}

fn message(out: &mut String, ts: Ts, message: &Message, thread: &[(Ts, &Message)]) {
    let face = message
        .author
        .chars()
        .next()
        .unwrap_or('?')
        .to_uppercase()
        .to_string();
    let _ = write!(
        out,
        "<article class=\"msg\"><div class=\"face\">{}</div><div class=\"what\"><span class=\"who\">{}</span><span class=\"app\">APP</span>\
<span class=\"when\" title=\"{}\">{}</span>",
        escape(&face),
        escape(&message.author),
        message.ts,
        time_of_day(ts.ms())
    );
    let edited = message.edited.map_or(String::new(), |at| {
        format!(
            " <span class=\"edited\" title=\"{}\">(edited)</span>",
            time_of_day(at)
        )
    });
    let content = &message.content;
    // With blocks, the text is only for notifications.
    if content.blocks.is_empty() {
        let _ = write!(out, "<div>{}{edited}</div>", mrkdwn(&content.text));
    }
    for block in &content.blocks {
        blocks::block(out, block);
    }
    if !content.blocks.is_empty() {
        out.push_str(&edited);
    }
    for attachment in &content.attachments {
        if let Some(pretext) = attachment
            .get("pretext")
            .and_then(|pretext| pretext.as_str())
        {
            let _ = write!(out, "<div>{}</div>", mrkdwn(pretext));
        }
        blocks::attachment(out, attachment);
    }
    if !thread.is_empty() {
        let word = if thread.len() == 1 {
            "reply"
        } else {
            "replies"
        };
        let _ = write!(out, "<div class=\"thread\"><b>{} {word}</b>", thread.len());
        let hidden = thread.len().saturating_sub(limits::PAGE_MESSAGES);
        for (ts, reply) in &thread[hidden..] {
            self::message(out, *ts, reply, &[]);
        }
        out.push_str("</div>");
    }
    out.push_str("</div></article>");
}
