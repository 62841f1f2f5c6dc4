//! Slack's error names, what each means for a delivery, and the sentence that a person reads (E25).
//!
//! Names: Slack's method pages chat.postMessage, chat.update and auth.test, and the incoming webhooks' page, read
//! 2026-11. Names that stand only here because they concern files or canvases are left out: no message of ours has any.

use model::Outcome;

use crate::kit::ErrorSentence;

/// One error name.
pub struct SlackError {
    pub outcome: Outcome,
    pub sentence: ErrorSentence,
}

const fn error(code: &'static str, outcome: Outcome, sentence: &'static str) -> SlackError {
    SlackError {
        outcome,
        sentence: ErrorSentence { code, sentence },
    }
}

const SLOW_DOWN: Outcome = Outcome::Throttled { after_ms: None };
const OURS: &str = "Slack does not take the message as this hub wrote it: this is a fault of the hub, please report it.";
const NEWER: &str = "Slack does not offer this method: check `base_url`; if it is right, this hub is too old for Slack.";

const COUNT: usize = 68;

/// Every error that we know by name.
pub static ERRORS: [SlackError; COUNT] = [
    // The token.
    error(
        "invalid_auth",
        Outcome::CredentialBad,
        "Slack does not know the token: copy the Bot User OAuth Token again.",
    ),
    error(
        "not_authed",
        Outcome::CredentialBad,
        "Slack got no token: set the Bot User OAuth Token.",
    ),
    error(
        "account_inactive",
        Outcome::CredentialBad,
        "The token's bot or workspace was deleted: install the app again and set its new token.",
    ),
    error(
        "token_revoked",
        Outcome::CredentialBad,
        "The token was revoked or the app removed: install the app again and set its new token.",
    ),
    error(
        "token_expired",
        Outcome::CredentialBad,
        "The token has expired because the app rotates its tokens: switch rotation off, or sign in with Slack again.",
    ),
    error(
        "invalid_token",
        Outcome::CredentialBad,
        "Slack does not know this webhook's address: make a new incoming webhook and set its address.",
    ),
    error(
        "two_factor_setup_required",
        Outcome::CredentialBad,
        "The workspace asks the token's user to set up two-factor sign-in before it may post.",
    ),
    // What the token may do.
    error(
        "missing_scope",
        Outcome::ScopeMissing,
        "The app lacks a scope: add `chat:write` under OAuth & Permissions and install the app again.",
    ),
    error(
        "not_allowed_token_type",
        Outcome::ScopeMissing,
        "This kind of token cannot post: set the Bot User OAuth Token, which begins with xoxb-.",
    ),
    error(
        "no_permission",
        Outcome::ScopeMissing,
        "The token may not post there: invite the bot to the channel with /invite.",
    ),
    error(
        "access_denied",
        Outcome::ScopeMissing,
        "The token may not reach this channel: invite the bot, or ask the workspace's owner.",
    ),
    error(
        "app_access_restricted",
        Outcome::ScopeMissing,
        "The workspace does not let this user use the app: ask the workspace's owner to approve it.",
    ),
    error(
        "ekm_access_denied",
        Outcome::ScopeMissing,
        "The workspace's administrators have suspended posting to this channel: ask them.",
    ),
    error(
        "enterprise_is_restricted",
        Outcome::ScopeMissing,
        "The organization's settings refuse this app: ask its administrators.",
    ),
    error(
        "restricted_action",
        Outcome::ScopeMissing,
        "A workspace preference keeps the bot from posting: ask the workspace's owner.",
    ),
    error(
        "action_prohibited",
        Outcome::ScopeMissing,
        "An administrator has restricted this incoming webhook: ask the workspace's owner.",
    ),
    error(
        "posting_to_general_channel_denied",
        Outcome::ScopeMissing,
        "Only some people may post to the workspace's general channel: choose another one.",
    ),
    error(
        "posting_to_channel_denied",
        Outcome::ScopeMissing,
        "The bot may not post to this channel: ask the workspace's owner, or choose another one.",
    ),
    error(
        "send_on_behalf_not_allowed",
        Outcome::ScopeMissing,
        "The token may not post for this user: set the Bot User OAuth Token.",
    ),
    // The channel.
    error(
        "channel_not_found",
        Outcome::TargetGone,
        "Slack finds no such channel for this bot: check its name; a private channel must be given by its id (C…, in the channel's details) and the bot invited to it with /invite.",
    ),
    error(
        "not_in_channel",
        Outcome::TargetGone,
        "The bot is not in the channel: invite it there with /invite.",
    ),
    error(
        "is_archived",
        Outcome::TargetGone,
        "The channel is archived: unarchive it, or choose another one.",
    ),
    error(
        "team_not_found",
        Outcome::TargetGone,
        "An organization-wide token cannot find a channel by name: give the channel's id.",
    ),
    error(
        "messages_tab_disabled",
        Outcome::TargetGone,
        "The app takes no direct messages: switch on its Messages tab, or choose a channel.",
    ),
    error(
        "restricted_action_read_only_channel",
        Outcome::TargetGone,
        "The channel is read-only: choose another one.",
    ),
    error(
        "restricted_action_thread_only_channel",
        Outcome::TargetGone,
        "The channel takes replies only: choose another one.",
    ),
    error("unknown_method", Outcome::TargetGone, NEWER),
    error("method_deprecated", Outcome::TargetGone, NEWER),
    error("deprecated_endpoint", Outcome::TargetGone, NEWER),
    error(
        "channel_is_archived",
        Outcome::TargetGone,
        "The webhook's channel is archived: unarchive it, or make a webhook for another one.",
    ),
    error(
        "no_service",
        Outcome::TargetGone,
        "The incoming webhook is switched off or was removed: make a new one and set its address.",
    ),
    error(
        "no_service_id",
        Outcome::TargetGone,
        "The webhook's address is not complete: copy it again.",
    ),
    error(
        "no_active_hooks",
        Outcome::TargetGone,
        "The incoming webhook is switched off: switch it on, or make a new one.",
    ),
    error(
        "no_team",
        Outcome::TargetGone,
        "The webhook's address names no workspace: copy it again.",
    ),
    error(
        "team_disabled",
        Outcome::TargetGone,
        "The webhook's workspace is no longer active: choose another one.",
    ),
    error(
        "user_not_found",
        Outcome::TargetGone,
        "The webhook's person is no longer there: make a webhook for another channel.",
    ),
    // The message that is to be edited.
    error(
        "message_not_found",
        Outcome::Stale,
        "The message was deleted in Slack; what has to be said goes into a new one.",
    ),
    error(
        "cant_update_message",
        Outcome::Stale,
        "The message belongs to another bot or token; what has to be said goes into a new one.",
    ),
    error(
        "edit_window_closed",
        Outcome::Stale,
        "The workspace no longer lets the message be edited; what has to be said goes into a new one.",
    ),
    error(
        "is_inactive",
        Outcome::Stale,
        "The channel is frozen or archived, so the message cannot be edited.",
    ),
    error(
        "block_mismatch",
        Outcome::Stale,
        "Slack does not let this message be replaced; what has to be said goes into a new one.",
    ),
    // Too much, too fast.
    error("ratelimited", SLOW_DOWN, "Slack wants us to slow down."),
    error(
        "rate_limited",
        SLOW_DOWN,
        "The app has posted too many messages; Slack wants us to slow down.",
    ),
    error(
        "message_limit_exceeded",
        SLOW_DOWN,
        "The workspace sends more messages than its plan allows.",
    ),
    // Slack's own trouble: certainly not applied, unless it says otherwise.
    error(
        "internal_error",
        Outcome::Retry,
        "Slack has a fault of its own; it will be tried again.",
    ),
    error(
        "fatal_error",
        Outcome::Ambiguous,
        "Slack failed on the way and may have taken the message; it will be repeated.",
    ),
    error(
        "rollup_error",
        Outcome::Ambiguous,
        "Slack failed on the way and may have taken the message; it will be repeated.",
    ),
    error(
        "service_unavailable",
        Outcome::Retry,
        "Slack is not available now; it will be tried again.",
    ),
    error(
        "request_timeout",
        Outcome::Retry,
        "Slack did not get the whole message; it will be tried again.",
    ),
    error(
        "accesslimited",
        Outcome::Retry,
        "Slack limits access from this network; it will be tried again. If it goes on, ask the workspace's owner about allowed addresses.",
    ),
    error(
        "team_added_to_org",
        Outcome::Retry,
        "The workspace is moving into an Enterprise organization; it will be tried again.",
    ),
    error(
        "org_login_required",
        Outcome::Retry,
        "The workspace is moving into an Enterprise organization and is closed until then; it will be tried again.",
    ),
    error(
        "external_channel_migrating",
        Outcome::Retry,
        "The channel is being moved; it will be tried again.",
    ),
    error(
        "update_failed",
        Outcome::Retry,
        "Slack could not edit the message; it will be tried again.",
    ),
    error(
        "streaming_state_conflict",
        Outcome::Retry,
        "Slack is still busy with this message; it will be tried again.",
    ),
    // The message as such.
    error("no_text", Outcome::PayloadBad, OURS),
    error(
        "msg_too_long",
        Outcome::PayloadBad,
        "The message is longer than Slack takes.",
    ),
    error(
        "msg_blocks_too_long",
        Outcome::PayloadBad,
        "The message is longer than Slack takes.",
    ),
    error("too_many_attachments", Outcome::PayloadBad, OURS),
    error(
        "attachment_payload_limit_exceeded",
        Outcome::PayloadBad,
        "The message is longer than Slack takes.",
    ),
    error("markdown_text_conflict", Outcome::PayloadBad, OURS),
    error("missing_post_type", Outcome::PayloadBad, OURS),
    error("invalid_payload", Outcome::PayloadBad, OURS),
    error("as_user_not_supported", Outcome::PayloadBad, OURS),
    error(
        "is_bot",
        Outcome::PayloadBad,
        "A legacy bot cannot do this: make a Slack app and set its Bot User OAuth Token.",
    ),
    error(
        "cannot_reply_to_message",
        Outcome::PayloadBad,
        "This message takes no replies, so the reminder was left out.",
    ),
    error(
        "restricted_action_non_threadable_channel",
        Outcome::PayloadBad,
        "This channel takes no replies, so the reminder was left out.",
    ),
    error(
        "restricted_action_thread_locked",
        Outcome::PayloadBad,
        "The message's thread is locked, so the reminder was left out.",
    ),
];

/// The manifest's form of [`ERRORS`].
pub static SENTENCES: [ErrorSentence; COUNT] = {
    let mut sentences = [ErrorSentence {
        code: "",
        sentence: "",
    }; COUNT];
    let mut i = 0;
    while i < COUNT {
        sentences[i] = ERRORS[i].sentence;
        i += 1;
    }
    sentences
};

/// What an error name means. One that we do not know was certainly not applied; only its family tells more.
pub fn meaning(code: &str) -> (Outcome, &'static str) {
    if let Some(known) = ERRORS.iter().find(|e| e.sentence.code == code) {
        return (known.outcome.clone(), known.sentence.sentence);
    }
    if code.starts_with("invalid_") || code.ends_with("_too_long") {
        return (Outcome::PayloadBad, OURS);
    }
    if code.starts_with("restricted_action") {
        return (
            Outcome::ScopeMissing,
            "A preference of the workspace or channel keeps the bot from posting: ask the workspace's owner.",
        );
    }
    (
        Outcome::Retry,
        "Slack names an error that this hub does not know; it will be tried again.",
    )
}
