//! Every limit of the sandbox, each with its reason (invariant I10).

use std::time::Duration;

/// Bytes of one request body: above what any vendor here accepts, so that "too large" is a vendor's answer
/// first, and small enough that one sender cannot fill memory.
pub const BODY_BYTES: usize = 10 * 1024 * 1024;

/// Requests kept for `GET /_requests`, unless [`crate::SandboxOptions::keep`] says otherwise: more than a test
/// reads, a few megabytes with ordinary alerts.
pub const KEPT_REQUESTS: usize = 10_000;

/// Bytes of the bodies, paths and headers of kept requests: ten full-size bodies must not be a gigabyte.
pub const KEPT_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// Requests that wait to be written to the record file. A full queue slows the senders: losing a line would
/// make a check of the record say less than what happened.
pub const RECORD_QUEUE: usize = 16_384;

/// Broken rules kept for `GET /_violations`; the count goes on.
pub const VIOLATIONS: usize = 1_000;

/// Characters of one violation's text: it may quote a sender.
pub const VIOLATION_CHARS: usize = 300;

/// Faults set at once: each is looked at for every request.
pub const FAULTS: usize = 100;

/// Longest `delay_ms`: longer than any client's patience, short enough to end by itself.
pub const FAULT_DELAY: Duration = Duration::from_secs(600);

/// Requests that a `delay_ms` holds at once; those above are answered without delay. They outlive their
/// connection, so nothing else bounds them.
pub const DELAYED_AT_ONCE: usize = 2_000;

/// Channels of the Slack workspace: names are made by whoever posts.
pub const SLACK_CHANNELS: usize = 1_000;

/// Messages of the Slack workspace, the oldest go first.
pub const SLACK_MESSAGES: usize = 20_000;

/// Bytes of those messages with their earlier versions.
pub const SLACK_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Earlier versions kept of one message: a mirror may edit one for weeks.
pub const SLACK_VERSIONS: usize = 50;

/// Tokens and hooks with settings of their own.
pub const SLACK_KNOBS: usize = 1_000;

/// Messages of one simulated chat (Discord, Telegram, Teams, DingTalk, ntfy), the oldest go first.
pub const CHAT_MESSAGES: usize = 20_000;

/// Bytes of those messages with their earlier versions.
pub const CHAT_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Earlier versions kept of one message.
pub const CHAT_VERSIONS: usize = 50;

/// Webhooks, chats, robots or topics of one simulated chat that have switches of their own or were seen.
pub const CHAT_KNOBS: usize = 10_000;

/// Buckets of rate limits; full ones are forgotten first, since a full bucket and none are the same.
pub const BUCKETS: usize = 10_000;

/// Messages on a channel's page: what a person scrolls through.
pub const PAGE_MESSAGES: usize = 200;

/// Webhook deliveries kept with their bodies.
pub const WEBHOOK_DELIVERIES: usize = 10_000;

/// Bytes of those deliveries (shared with the kept requests while both keep one).
pub const WEBHOOK_DELIVERY_BYTES: usize = 64 * 1024 * 1024;

/// `webhook-id`s remembered to count duplicates, 8 bytes each and their table: about 32 MB. A load test sends
/// a hundred thousand.
pub const WEBHOOK_IDS: usize = 1 << 20;

/// Webhook paths with counts and secrets of their own.
pub const WEBHOOK_PATHS: usize = 10_000;

/// Deliveries on the webhook page.
pub const PAGE_DELIVERIES: usize = 100;

/// Characters of a webhook body that its page shows.
pub const PAGE_BODY_CHARS: usize = 4_000;

/// Services of the PagerDuty account: any routing key makes one.
pub const PAGERDUTY_SERVICES: usize = 1_000;

/// Incidents of the PagerDuty account, and change events; the oldest go first.
pub const PAGERDUTY_INCIDENTS: usize = 20_000;

/// Bytes of those change events.
pub const PAGERDUTY_BYTES: usize = 16 * 1024 * 1024;

/// Log entries, and notes, of one incident: an alert may be triggered again for weeks.
pub const PAGERDUTY_LOG: usize = 200;

/// Incidents of the VictorOps organization, and entries of its timeline; the oldest go first.
pub const VICTOROPS_INCIDENTS: usize = 20_000;

/// Bytes of that timeline.
pub const VICTOROPS_BYTES: usize = 16 * 1024 * 1024;
/// Events, mails or messages that a vendor of the manner "log" keeps, the oldest go first.
pub const LOG_ENTRIES: usize = 20_000;

/// Bytes of those entries, for each vendor.
pub const LOG_ENTRY_BYTES: usize = 32 * 1024 * 1024;

/// Keys, senders and the like with a switch of their own, for each vendor.
pub const KNOBS: usize = 1_000;
/// Alerts of an Opsgenie account, the oldest go first.
pub const OPSGENIE_ALERTS: usize = 20_000;

/// Bytes of those alerts with notes and logs.
pub const OPSGENIE_ALERT_BYTES: usize = 64 * 1024 * 1024;

/// Requests whose fate can be asked, the oldest go first: more than are asked after in a load test's last minute.
pub const OPSGENIE_REQUESTS: usize = 100_000;

/// Notes of one alert; the vendor's own limit is not known.
pub const OPSGENIE_NOTES: usize = 1_000;

/// Lines of one alert's log: the vendor keeps 100 occurrences.
pub const OPSGENIE_LOGS: usize = 200;

/// Keys, and failures, with settings of their own.
pub const OPSGENIE_KNOBS: usize = 1_000;
