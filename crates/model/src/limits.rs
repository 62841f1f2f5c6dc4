//! Every limit on what the hub takes in and keeps, each with its reason (I10). Limits of a vendor's wire stand in
//! that vendor's folder, limits of outbound HTTP in `wire::limits`.

/// A request body, in bytes. Alertmanager's clients send batches of 64 alerts; 10 MB is a thousand times that and
/// still parses in well under a second.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Signals in one request: what one group commit takes; larger batches are split by every known sender.
pub const SIGNALS_PER_REQUEST_MAX: usize = 10_000;
/// Labels, and annotations, of one signal. Kubernetes' busiest alerts have about 30.
pub const LABELS_MAX: usize = 128;
/// A label's name in bytes: Prometheus' own targets stay under 100.
pub const LABEL_NAME_BYTES_MAX: usize = 256;
/// A label's value in bytes: a URL with its query fits.
pub const LABEL_VALUE_BYTES_MAX: usize = 4096;
/// An annotation's value in bytes: descriptions with a runbook's first page fit.
pub const ANNOTATION_VALUE_BYTES_MAX: usize = 16 * 1024;
/// All labels, annotations and texts of one signal together: what a row and its event may weigh.
pub const SIGNAL_BYTES_MAX: usize = 64 * 1024;
/// A key in bytes: PagerDuty's dedup keys have 255, Opsgenie's aliases 512.
pub const KEY_BYTES_MAX: usize = 512;
/// A title in characters: the longest title that any vendor takes (Slack's attachment title, PagerDuty's summary).
pub const TITLE_CHARS_MAX: usize = 1024;
/// Links of one signal.
pub const LINKS_MAX: usize = 20;
/// A note in characters: Opsgenie takes 25,000.
pub const NOTE_CHARS_MAX: usize = 25_000;
/// Hubs that a signal may have passed: loops between hubs end here (I8).
pub const VIA_MAX: usize = 8;
/// Signals in one group commit: one writer's transaction of 2,048 was the fastest in the probe (DESIGN §4).
pub const GROUP_SIGNALS_MAX: usize = 2048;
/// Signals waiting per source before its senders are asked to try again: one minute of a thousand per second.
pub const QUEUE_SIGNALS_PER_SOURCE_MAX: usize = 60_000;
/// Signals waiting in all sources together.
pub const QUEUE_SIGNALS_MAX: usize = 200_000;
/// `updated` events kept for an open alert; older ones are trimmed (DESIGN §5, Keeping).
pub const UPDATED_EVENTS_MAX: u32 = 1000;
/// Events handed to one `plan`: a lane further behind works in steps.
pub const PENDING_EVENTS_MAX: usize = 1000;
/// Rows of one page of a listing.
pub const PAGE_MAX: usize = 1000;
/// Characters of a vendor's reply that an attempt row keeps.
pub const EXCERPT_CHARS_MAX: usize = 500;
/// Extra handles that a lane keeps: each is a late result, so a handful says that a vendor is in trouble.
pub const EXTRA_HANDLES_MAX: usize = 20;
/// Hours for which a vendor's message id is remembered (DESIGN §4).
pub const MESSAGE_ID_HOURS: i64 = 48;
/// Conditions in one list of matchers: people write under ten.
pub const MATCHERS_MAX: usize = 64;
/// Lists of matchers in an integration's `except`: one for each route beside and below it in an imported tree.
pub const EXCEPT_LISTS_MAX: usize = 500;
/// One condition's or list's text in bytes: a list of a few hundred host names fits.
pub const MATCHER_BYTES_MAX: usize = 8 * 1024;
/// A compiled regular expression in bytes: a thousand of them must fit beside the alerts. An alternation of a few
/// hundred words has 100 kB.
pub const REGEX_BYTES_MAX: usize = 1024 * 1024;
/// Silences that a project keeps, ended ones included until they are forgotten: each open alert is compared with all.
pub const SILENCES_PER_PROJECT_MAX: usize = 5_000;
/// A silence's comment and author in bytes: a paragraph with a link.
pub const SILENCE_TEXT_BYTES_MAX: usize = 4096;
/// Intervals in one list of windows, and ranges in one field of an interval.
pub const INTERVALS_MAX: usize = 64;
/// Inhibition rules of a project: each costs every open alert a look.
pub const INHIBITIONS_PER_PROJECT_MAX: usize = 200;
/// Members of one group. Its row names each; a group of more is no message that anybody reads.
pub const GROUP_MEMBERS_MAX: usize = 5_000;
/// Bytes of a vendor's reply that are read: the largest reply that a sink needs is Slack's echo of a message.
pub const REPLY_BYTES_MAX: usize = 256 * 1024;
