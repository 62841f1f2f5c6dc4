//! Slack: a bot token and a channel (`slack`, one message an alert, edited), or an incoming webhook
//! (`slack_webhook`, which cannot edit).

mod errors;
mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;
mod webhook;

pub use sink::SLACK;
pub use webhook::SLACK_WEBHOOK;

use crate::kit::SettingsError;

/// Longest channel name in characters (Slack help, "Channel naming guidelines", read 2026-11).
const CHANNEL_CHARS_MAX: usize = 80;

/// The channel as Slack wants it. A hash before an id goes, because people write it there too (E20).
fn channel(text: &str) -> Result<String, SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("channel", what));
    let text = text.trim();
    let bare = text.strip_prefix('#').unwrap_or(text);
    if is_channel_id(bare) {
        return Ok(bare.to_owned());
    }
    if bare.is_empty() {
        return problem("give the channel's name or id, such as #ops or C0123ABCD");
    }
    if bare.starts_with('@') {
        return problem("give a channel; for a person, the id of the conversation (D…)");
    }
    if bare.starts_with("http") && bare.contains("://") {
        return problem(
            "give the channel's name or id, not its address; the id is the address's last part",
        );
    }
    if bare
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "<>&\"',#@/".contains(c))
    {
        return problem("a channel's name has no spaces and no signs but - and _");
    }
    if bare.chars().count() > CHANNEL_CHARS_MAX {
        return problem("a channel's name has at most 80 characters");
    }
    Ok(text.to_owned())
}

/// `C…`, `G…`, `D…` for conversations, `U…`, `W…` for people.
fn is_channel_id(text: &str) -> bool {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.len() >= 7 && text.starts_with(['C', 'G', 'D', 'U', 'W']) && text.chars().all(upper)
}

/// Refuses what certainly cannot post; Slack's answer decides about the rest, because the kinds of tokens change.
fn check_token(token: &str) -> Result<(), SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("token", what));
    if token.contains("://") {
        return problem(
            "this is an address: for an incoming webhook choose the sink `slack_webhook`",
        );
    }
    if token.starts_with("xapp-") {
        return problem(
            "app-level tokens cannot post: set the Bot User OAuth Token, which begins with xoxb-",
        );
    }
    if token.starts_with("xoxe-") {
        return problem(
            "this is a refresh token: set the Bot User OAuth Token, which begins with xoxb-",
        );
    }
    if token.starts_with("xoxc-") || token.starts_with("xoxd-") {
        return problem(
            "this is a browser's session: set an app's Bot User OAuth Token, which begins with xoxb-",
        );
    }
    if !token.starts_with("xox") || !token.chars().all(|c| c.is_ascii_graphic()) {
        return problem("this is no Slack token: the Bot User OAuth Token begins with xoxb-");
    }
    Ok(())
}
