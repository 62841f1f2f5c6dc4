//! What a message is to show, read from arguments and checked.

use super::args::Args;
use super::attachment_rules::attachment_problems;
use super::block_rules::block_problem;
use super::reply::Refusal;
use serde_json::{Value, json};

/// Above this, Slack cuts `text` without an error (chat.postMessage, "Truncating content", 2026-08).
const TEXT_CHARS: usize = 40_000;
/// `markdown_text` (chat.postMessage, 2026-08).
const MARKDOWN_CHARS: usize = 12_000;
/// `too_many_attachments` (chat.postMessage, 2026-08).
const ATTACHMENTS: usize = 100;

/// What was given; `None` is what was left out.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) text: Option<String>,
    pub(super) attachments: Option<Vec<Value>>,
    pub(super) blocks: Option<Vec<Value>>,
}

impl Given {
    /// Reads and checks the content of a message.
    pub(super) fn read(args: &Args, problems: &mut Vec<String>) -> Result<Self, Refusal> {
        let blocks = args.list("blocks").map_err(|()| {
            Refusal::broken("invalid_blocks_format", "blocks is not a list", problems)
        })?;
        let attachments = args.list("attachments").map_err(|()| {
            Refusal::broken("invalid_attachments", "attachments is not a list", problems)
        })?;
        let text = args.text("text").map(|text| cut(text, problems));
        let text = match args.text("markdown_text") {
            Some(_) if text.is_some() || blocks.is_some() => {
                return Err(Refusal::broken(
                    "markdown_text_conflict",
                    "markdown_text beside text or blocks",
                    problems,
                ));
            }
            Some(markdown) if markdown.chars().count() > MARKDOWN_CHARS => {
                return Err(Refusal::broken(
                    "msg_too_long",
                    "markdown_text above 12,000 characters",
                    problems,
                ));
            }
            Some(markdown) => Some(markdown),
            None => text,
        };
        check_attachments(attachments.as_deref().unwrap_or_default(), problems)?;
        check_blocks("/blocks", blocks.as_deref().unwrap_or_default(), problems)?;
        Ok(Self {
            text,
            attachments,
            blocks,
        })
    }

    /// Whether nothing at all would be shown.
    pub(super) fn is_empty(&self) -> bool {
        self.text.as_ref().is_none_or(|text| text.trim().is_empty())
            && self.attachments.as_ref().is_none_or(Vec::is_empty)
            && self.blocks.as_ref().is_none_or(Vec::is_empty)
    }
}

fn cut(text: String, problems: &mut Vec<String>) -> String {
    if text.chars().count() <= TEXT_CHARS {
        return text;
    }
    problems.push("text above 40,000 characters, Slack cuts it".into());
    text.chars().take(TEXT_CHARS).collect()
}

fn check_attachments(attachments: &[Value], problems: &mut Vec<String>) -> Result<(), Refusal> {
    if attachments.len() > ATTACHMENTS {
        return Err(Refusal::broken(
            "too_many_attachments",
            "more than 100 attachments",
            problems,
        ));
    }
    problems.extend(attachment_problems(attachments));
    if attachments.iter().any(|attachment| !attachment.is_object()) {
        return Err("invalid_attachments".into());
    }
    for (i, attachment) in attachments.iter().enumerate() {
        if let Some(blocks) = attachment.get("blocks").and_then(Value::as_array) {
            check_blocks(&format!("/attachments/{i}/blocks"), blocks, problems)?;
        }
    }
    Ok(())
}

fn check_blocks(at: &str, blocks: &[Value], problems: &mut Vec<String>) -> Result<(), Refusal> {
    let Some(problem) = block_problem(at, blocks) else {
        return Ok(());
    };
    let messages = json!({ "messages": [format!("[ERROR] {problem}")] });
    Err(Refusal::broken("invalid_blocks", &problem, problems)
        .with("errors", json!([problem]))
        .with("response_metadata", messages))
}
